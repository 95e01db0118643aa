"""Has work done by a helper process, so that the program's threads never wait for it.

Reading a capture, compiling sources to find where functions start, and rendering a large
profile hold the interpreter's lock for long stretches. The helper is a fresh interpreter that
shares nothing with this process but two pipes.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from application_sdk.monitoring.helper.wire import Line

THREAD_NAME = "monitoring-helper"
_MODULE = "application_sdk.monitoring.helper.process"
_ROOT = str(Path(__file__).parents[3])
_ATTEMPTS = 2
_START_SECONDS = 60.0
_MOST_SECONDS = 150.0


class HelperLost(Exception):
    """The helper could not be started, died, or took too long; twice."""


class Helper:
    """The process's helper: started when needed, one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: threading.Thread | None = None
        self._buffer = b""

    @property
    def pid(self) -> int | None:
        """The helper's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(
        self, request: Callable[[], Iterable[Line]], begin: Callable[[], Callable[[Line], None]]
    ) -> float:
        """Have one request answered.

        Args:
            request: Gives the request's lines, again for another try.
            begin: Called before each try; gives what takes each line of its answer.

        Returns:
            The seconds of processor time that it has cost.

        Raises:
            HelperLost: If there is no helper, or it was lost twice.
            OSError: The helper's whole answer: what was asked for is not possible.
        """
        with self._lock:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return self._ask(request(), begin())
                except HelperLost:
                    self._end()
                    if attempt == _ATTEMPTS:
                        raise
                except OSError:
                    raise
                except BaseException:
                    self._end()  # the rest of its answer must not meet the next request
                    raise
        raise AssertionError  # the last try returns or raises

    def close(self) -> None:
        """End the helper and wait until it is gone; the next request starts a new one."""
        with self._lock:
            self._end()

    def reset(self) -> None:
        """In a forked child: the helper is the parent's."""
        process = self._process
        if process is not None:
            _close_pipes(process)
            process.returncode = 0  # not this process's child: there is nothing to wait for
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _ask(self, request: Iterable[Line], take: Callable[[Line], None]) -> float:
        if self.pid is None:
            self._end()
            self._start()
        until = time.monotonic() + _MOST_SECONDS
        for line in request:
            self._send(line, until)
        self._send({"end": True}, until)
        while True:
            line = self._receive(until)
            if "error" in line:
                number, text = line["number"], line["error"]
                raise OSError(text) if number is None else OSError(number, text)
            if "done" in line:
                return float(line["cpu_seconds"])
            take(line)

    def _start(self) -> None:
        if not sys.executable or not hasattr(select, "poll"):
            raise HelperLost("this interpreter does not know how it was started")
        try:
            # No shell, and nothing in it comes from outside this process.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", f"-Xutf8={sys.flags.utf8_mode}", "-c", _bootstrap()],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "ATLAN_MONITORING_ENABLED": "false"},
                process_group=0,
            )
        except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
            raise HelperLost(f"no other process could be started ({error})") from error
        self._process = process
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        # It ends by itself after a while; without somebody who waits it would stay as a zombie.
        self._waiting = threading.Thread(target=process.wait, name=THREAD_NAME, daemon=True)
        try:
            self._waiting.start()
        except RuntimeError:
            self._waiting = None  # the interpreter is ending: init will wait for it
        self._buffer = b""
        if "ready" not in self._receive(time.monotonic() + _START_SECONDS):
            raise HelperLost("the other process is not the one that was meant to be started")

    def _send(self, line: Line, until: float) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        text = memoryview((json.dumps(line) + "\n").encode())
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while text:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1_000):
                raise HelperLost("the helper process took too long")
            try:
                text = text[os.write(descriptor, text) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise HelperLost(f"the helper process has gone ({error})") from error

    def _receive(self, until: float) -> Line:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1_000):
                raise HelperLost("the helper process took too long")
            read = os.read(descriptor, 65_536)
            if not read:
                raise HelperLost("the helper process died")
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\n")
        try:
            found: Line = json.loads(text)
        except ValueError as error:
            raise HelperLost("the other process does not answer in JSON") from error
        return found

    def _end(self) -> None:
        process, self._process = self._process, None
        waiting, self._waiting = self._waiting, None
        if process is not None:
            _close_pipes(process)
            process.kill()
            process.wait()
        if waiting is not None:
            waiting.join()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _bootstrap() -> str:
    # The same package must be found as here, but nothing of the working directory or of the
    # program's own directory may stand before the standard library.
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    beside_program = os.path.dirname(os.path.abspath(program)) if program else None
    first = [entry for entry in sys.path if Path(entry).is_absolute() and entry != beside_program]
    path = list(dict.fromkeys([*first, _ROOT]))
    return f"import sys; sys.path[:] = {path!a}; from {_MODULE} import main; main()"


helper = Helper()
"""The process's only one."""
