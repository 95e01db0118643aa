"""Has captures read by a helper process, so that the program's threads never wait for that.

Reading a capture, and compiling sources to find where functions start, takes seconds and
holds the interpreter's lock for long stretches. The helper is a fresh interpreter that
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application_sdk.monitoring.backends.records import Block, CallMemory, read_calls
from application_sdk.monitoring.backends.settling import Charged, Location

_MODULE = "application_sdk.monitoring.backends.reading_helper"
_ROOT = str(Path(__file__).parents[3])
_ATTEMPTS = 2
_START_SECONDS = 60.0
_MOST_SECONDS = 150.0
SMALL_BYTES = 4 * 2**20
"""What may be read in this process when there is no helper."""


class HelperLost(Exception):
    """The helper could not be started, died, or took too long."""


@dataclass
class Reading:
    """What was read of a capture.

    Attributes:
        calls: What each call had allocated, by identity.
        cpu_seconds: What reading has cost in another process.
        note: Why it was read in this process instead; None when it was not.
    """

    calls: dict[str, CallMemory]
    cpu_seconds: float = 0.0
    note: str | None = None


class Reader:
    """The process's helper: started when needed, one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    @property
    def pid(self) -> int | None:
        """The helper's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def read(self, path: Path, wanted: dict[str, Block | None]) -> Reading:
        """As :func:`read_elsewhere`."""
        with self._lock:
            reason = "unknown"
            for _ in range(_ATTEMPTS):
                try:
                    return self._ask(path, wanted)
                except HelperLost as lost:
                    reason = str(lost)
                    self._end()
                except OSError:
                    raise  # its whole answer: this capture cannot be read
                except BaseException:
                    self._end()  # the rest of its answer must not meet the next request
                    raise
        size = path.stat().st_size
        if size > SMALL_BYTES:
            raise OSError(
                f"the process that reads captures failed: {reason}; and {size:,} bytes are too "
                "many to read in the profiled process"
            )
        note = f"the memory capture was read in the profiled process, because {reason}"
        return Reading(read_calls(path, wanted), note=note)

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

    def _ask(self, path: Path, wanted: dict[str, Block | None]) -> Reading:
        if self.pid is None:
            self._end()
            self._start()
        until = time.monotonic() + _MOST_SECONDS
        blocks = {
            identity: None if block is None else [block.function, block.file]
            for identity, block in wanted.items()
        }
        self._send({"path": str(path.absolute()), "wanted": blocks})
        calls: dict[str, CallMemory] = {}
        locations: list[Location] = []
        latest = CallMemory()
        while True:
            line = self._receive(until)
            if "error" in line:
                raise OSError(line["error"])
            if "done" in line:
                return Reading(calls, line["cpu_seconds"])
            if "call" in line:
                identity = line.pop("call")
                latest = calls[identity] = CallMemory(**line)
                continue
            # Stacks name their places by number, in the order in which they were told.
            locations.extend((function, file, at) for function, file, at in line["locations"])
            into: list[Charged] = getattr(latest, line["kind"])
            into.extend(
                (tuple(locations[number] for number in stack), size, count)
                for stack, size, count in line["stacks"]
            )

    def _start(self) -> None:
        if not sys.executable or not hasattr(select, "poll"):
            raise HelperLost("this interpreter does not know how it was started")
        try:
            # No shell, and nothing in it comes from outside this process.
            self._process = subprocess.Popen(  # noqa: S603
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
        self._buffer = b""
        if "ready" not in self._receive(time.monotonic() + _START_SECONDS):
            raise HelperLost("the other process is not the one that was meant to be started")

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        text = (json.dumps(request) + "\n").encode()
        try:
            while text:
                text = text[self._process.stdin.write(text) :]
        except OSError as error:
            raise HelperLost(f"the process that reads captures has gone ({error})") from error

    def _receive(self, until: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1_000):
                raise HelperLost("the process that reads captures took too long")
            read = os.read(descriptor, 65_536)
            if not read:
                raise HelperLost("the process that reads captures died")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise HelperLost("the other process does not answer in JSON") from error
        return found

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _close_pipes(process)
            process.kill()
            process.wait()


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


_reader = Reader()


def read_elsewhere(path: Path, wanted: dict[str, Block | None]) -> Reading:
    """What each call of a capture had allocated, read by another process.

    Args:
        path: A capture with all allocations, finished or cut off by a kill.
        wanted: Identities of the calls; with its place where one is a block.

    Raises:
        OSError: If the file cannot be read, is no capture, or nobody can read it.
    """
    return _reader.read(path, wanted)


def helper_pid() -> int | None:
    """The process id of the helper, while there is one."""
    return _reader.pid


def end_helper() -> None:
    """End the helper now; it would end by itself a little later."""
    _reader.close()


def reset_after_fork() -> None:
    """In a forked child: the helper is the parent's."""
    _reader.reset()
