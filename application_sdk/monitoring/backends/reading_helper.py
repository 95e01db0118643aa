"""The helper process that reads captures: a request a line on stdin, answers on stdout.

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
from pathlib import Path
from typing import Any

from application_sdk.monitoring.backends.records import Block, CallMemory, read_calls
from application_sdk.monitoring.backends.settling import Charged, Location

IDLE_SECONDS = 10.0
MOST_SECONDS = 120.0
_MOST_BYTES = 2 * 2**30
_STACKS_A_LINE = 200


class _Answers:
    """Writes the answers to one request, in lines so short that decoding one is quick."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._numbers: dict[Location, int] = {}

    def send(self, **line: Any) -> None:
        text = (json.dumps(line) + "\n").encode()
        while text:
            text = text[os.write(self._output, text) :]

    def send_call(self, identity: str, memory: CallMemory) -> None:
        self.send(
            call=identity,
            peak_bytes=memory.peak_bytes,
            retained_bytes=memory.retained_bytes,
            allocation_count=memory.allocation_count,
            ended=memory.ended,
        )
        for kind, stacks in (("peak", memory.peak), ("retained", memory.retained)):
            for start in range(0, len(stacks), _STACKS_A_LINE):
                self._send_stacks(kind, stacks[start : start + _STACKS_A_LINE])

    def _send_stacks(self, kind: str, stacks: list[Charged]) -> None:
        new: list[Location] = []
        rows = []
        for stack, size, count in stacks:
            row = []
            for location in stack:
                number = self._numbers.get(location)
                if number is None:
                    number = self._numbers[location] = len(self._numbers)
                    new.append(location)
                row.append(number)
            rows.append((row, size, count))
        self.send(locations=new, kind=kind, stacks=rows)


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

    _step_back()
    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
    _Answers(output).send(ready=True)
    buffer = b""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    while True:
        while b"\n" not in buffer:
            if not poll.poll(IDLE_SECONDS * 1_000):
                return
            read = os.read(0, 65_536)
            if not read:
                return
            buffer += read
        line, _, buffer = buffer.partition(b"\n")
        until[:] = [time.monotonic() + MOST_SECONDS]
        _answer(json.loads(line), _Answers(output))
        until.clear()


def _answer(request: dict[str, Any], answers: _Answers) -> None:
    began = time.process_time()
    wanted = {
        identity: None if block is None else Block(*block)
        for identity, block in request["wanted"].items()
    }
    try:
        found = read_calls(Path(request["path"]), wanted)
        for identity, memory in found.items():
            answers.send_call(identity, memory)
    except MemoryError:
        answers.send(error=f"reading it takes more than {_MOST_BYTES:,} bytes of memory")
    except (OSError, ValueError) as error:
        answers.send(error=str(error))
    else:
        answers.send(done=True, cpu_seconds=time.process_time() - began)


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
