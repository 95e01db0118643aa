"""The helper process: requests in lines of JSON on stdin, answers in lines on stdout.

It ends by itself: when its stdin ends, when nothing is asked for a while, when its parent has
gone, and when a request takes too long or needs too much memory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

IDLE_SECONDS = 10.0
MOST_SECONDS = 120.0
_MOST_BYTES = 2 * 2**30

Send = Callable[..., None]

_JOBS = {
    "read": "application_sdk.monitoring.backends.reading:answer",
    "write": "application_sdk.monitoring.exporters.writing:answer",
}
"""What can be asked for: a function that takes the request's lines and sends the answer's."""


def main() -> None:
    """Answer requests until there are no more."""
    # What is printed by whoever hooks into the start of Python must not mix with the answers.
    output = os.dup(1)
    os.dup2(2, 1)
    parent = os.getppid()
    until: list[float] = []

    def check(*_: object) -> None:
        if os.getppid() != parent or (until and time.monotonic() > until[0]):
            os._exit(3)

    def send(**line: Any) -> None:
        text = (json.dumps(line) + "\n").encode()
        while text:
            text = text[os.write(output, text) :]

    _step_back()
    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
    send(ready=True)
    buffer = b""
    request: list[dict[str, Any]] = []
    poll = select.poll()
    poll.register(0, select.POLLIN)
    while True:
        if not poll.poll(IDLE_SECONDS * 1_000):
            return
        read = os.read(0, 65_536)
        if not read:
            return
        if not until:
            until.append(time.monotonic() + MOST_SECONDS)
        *lines, buffer = (buffer + read).split(b"\n")
        for text in lines:
            line = json.loads(text)
            if "end" not in line:
                request.append(line)
                continue
            _answer(request, send)
            request = []
            until.clear()


def _answer(request: list[dict[str, Any]], send: Send) -> None:
    began = time.process_time()
    try:
        module, _, function = _JOBS[request[0]["job"]].partition(":")
        getattr(import_module(module), function)(request, send)
    except MemoryError:
        send(error=f"it takes more than {_MOST_BYTES:,} bytes of memory")
    except (OSError, ValueError) as error:
        send(error=getattr(error, "strerror", None) or str(error), number=_number(error))
    else:
        send(done=True, cpu_seconds=time.process_time() - began)


def _number(error: Exception) -> int | None:
    return getattr(error, "errno", None)


def _step_back() -> None:
    """Give way to the program, in processor time and in memory, and ignore its signals."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # A signal to the whole group is the worker's to answer; its end is ours too.
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.nice(19)
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _MOST_BYTES if hard == resource.RLIM_INFINITY else min(_MOST_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        try:
            # If memory runs out, this process goes before the worker does.
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        except OSError:
            return  # no /proc here, and that is all that is lost


if __name__ == "__main__":
    main()
