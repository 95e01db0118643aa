"""Measures one callable in a process of its own: a program, run by path.

The process belongs to one version of the user's code, which may be another version of this very
package. So nothing but the standard library is imported here, and the clocks come from the file
that the request names. The answer is a JSON file, because the standard streams are the target's.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_INSTALLED = ("site-packages", "dist-packages")
_OWN_MODULES = ("__main__", "_monitoring_clock")
_SLOT_SECONDS = 0.002
_LONG_CALL_SECONDS = 1.0
_LEAST_SLOTS = 3
_SAMPLE_SECONDS = 0.001
_ENOUGH_SAMPLES = 600
_MAX_CALLS = 1 << 24


class NotOnThisSide(Exception):
    """The target is not there, or is not this side's."""


def main() -> None:
    """Answer the request of the command line."""
    request = json.loads(sys.argv[1])
    try:
        answer = _answer(request)
    except NotOnThisSide as error:
        answer = {"missing": str(error)}
    except Exception as error:
        answer = {"raised": f"{type(error).__name__}: {error}"}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    own_root, top = Path(request["root"]), Path(request["top"])
    sys.path[:] = search_path(sys.path, Path(request["directory"]), own_root, top)
    target = _target(request["target"])
    answer = answer_for(target, request)
    check_origin(own_root, top)
    return answer


def answer_for(target: Callable[[], Any], request: dict[str, Any]) -> dict[str, Any]:
    """Measure a target as a request says.

    Args:
        target: A callable without arguments; what it returns is awaited if it can be.
        request: ``clock`` (the file with the clocks), ``mode`` (``time``, ``memory`` or
            ``stacks``), ``seconds`` to spend, and ``calls`` in one slot or None.
    """
    with asyncio.Runner() as runner:
        calls = _Calls(target, runner, _clocks(request["clock"]))
        if request["mode"] == "time":
            return calls.time(request["seconds"], request["calls"])
        if request["mode"] == "memory":
            return calls.memory()
        return calls.stacks(request["seconds"])


def check_origin(root: Path, top: Path) -> None:
    """Make sure that this side's code was measured.

    Raises:
        NotOnThisSide: If a module came from the other side.
    """
    foreign = _from_elsewhere(root, top)
    if foreign:
        raise NotOnThisSide(
            f"it imported {foreign} from {top}, which is the other side's code; "
            "start it from the directory that the imports are relative to"
        )


def search_path(paths: list[str], directory: Path, root: Path, top: Path) -> list[str]:
    """This side's import path: what lies in the checkout ``top`` is looked for below ``root``.

    Installed packages stay, wherever they are: a virtual environment often lies in the checkout.
    """
    found = [str(directory)]
    for path in paths:
        if not path or path == str(Path(__file__).parent):
            continue
        inside = _inside(Path(path), top)
        if inside is None or any(part in _INSTALLED for part in inside.parts):
            found.append(path)
        elif (root / inside).is_dir():
            found.append(str(root / inside))
    if (root / "src").is_dir():
        found.insert(1, str(root / "src"))
    return list(dict.fromkeys(found))


def _inside(path: Path, top: Path) -> Path | None:
    try:
        return path.resolve().relative_to(top)
    except (OSError, ValueError):
        return None


def _from_elsewhere(root: Path, top: Path) -> str | None:
    """A module of the checkout's that is not this side's."""
    if root == top:
        return None
    for name, module in list(sys.modules.items()):
        # What measures is the same on both sides, also where it measures itself.
        file = None if name in _OWN_MODULES else getattr(module, "__file__", None)
        inside = _inside(Path(file), top) if file else None
        if inside is not None and not any(part in _INSTALLED for part in inside.parts):
            return name
    return None


def _target(name: str) -> Callable[[], Any]:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise NotOnThisSide(f"no module named {error.name}") from error
    except AttributeError as error:
        raise NotOnThisSide(str(error)) from error
    if not callable(found):
        raise NotOnThisSide(f"{name} is not callable")
    target: Callable[[], Any] = found
    return target


def _clocks(file: str) -> Any:
    spec = importlib.util.spec_from_file_location("_monitoring_clock", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # NamedTuple and annotations look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class _Calls:
    """The target, however it is to be called."""

    def __init__(self, target: Callable[[], Any], runner: asyncio.Runner, clocks: Any) -> None:
        self._target = target
        self._runner = runner
        self._clocks = clocks
        self._meter = clocks.CostMeter()
        # What ``slot`` calls itself, beside the target.
        self._own_files = {clocks.__file__, inspect.__file__, __file__}
        self._awaits = inspect.iscoroutinefunction(target)
        runner.get_loop()

    def slot(self, calls: int) -> Any:
        """What the clocks say of so many calls."""
        if self._awaits:
            return self._runner.run(self._awaited(calls))
        result: Any = None
        self._meter.start()
        for _ in range(calls):
            result = self._target()
        reading = self._meter.stop()
        if inspect.isawaitable(result):
            # Only known now that it was called: this slot also finishes what it began.
            self._awaits = True
            self._runner.run(_finish(result))
        return reading

    async def _awaited(self, calls: int) -> Any:
        self._meter.start()
        for _ in range(calls):
            await self._target()
        return self._meter.stop()

    def time(self, seconds: float, calls: int | None) -> dict[str, Any]:
        """The typical cost of one call, once the first calls have warmed up."""
        begun = time.perf_counter()
        first = self.slot(1)
        long = time.perf_counter() - begun >= _LONG_CALL_SECONDS
        if long:
            return _told([first] if not self._awaits else [self.slot(1)], 1)
        if calls is None:
            calls = self._calibrated(seconds / 3)
        warm = time.perf_counter() + seconds / 4
        while time.perf_counter() < warm:
            self.slot(calls)
        readings: list[Any] = []
        until = time.perf_counter() + seconds
        while len(readings) < _LEAST_SLOTS or time.perf_counter() < until:
            readings.append(self.slot(calls))
        return _told(readings, calls)

    def _calibrated(self, seconds: float) -> int:
        calls, until = 1, time.perf_counter() + seconds
        while time.perf_counter() < until:
            wall = self.slot(calls).wall
            if wall >= _SLOT_SECONDS or calls >= _MAX_CALLS:
                break
            calls = int(calls * min(8.0, max(2.0, 1.2 * _SLOT_SECONDS / max(wall, 1e-9))))
        return calls

    def memory(self) -> dict[str, Any]:
        """The most bytes that one call has allocated at a time, with what was made once before."""
        import tracemalloc

        for _ in range(_LEAST_SLOTS):
            self.slot(1)
        peaks = []
        for _ in range(_LEAST_SLOTS):
            tracemalloc.start()
            try:
                self.slot(1)
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        return {"peak_bytes": sorted(peaks)[len(peaks) // 2]}

    def stacks(self, seconds: float) -> dict[str, Any]:
        """Where the main thread is, sampled by a timer; the timer's pauses vary."""
        if not hasattr(signal, "setitimer"):
            return {"stacks": [], "frames": [], "calls": 0, "reading": [0.0, 0.0, None]}
        self.slot(1)
        counts: Counter[tuple[CodeType, ...]] = Counter()
        own = {self.slot.__func__.__code__, self._awaited.__func__.__code__}  # type: ignore[attr-defined]

        samples = 0

        def sample(_: int, frame: FrameType | None) -> None:
            nonlocal samples
            samples += 1
            stack = []
            while frame is not None and frame.f_code not in own:
                stack.append(frame.f_code)
                if frame.f_code is handler:
                    # The timer rang again in here; the target is where it was before.
                    stack.clear()
                frame = frame.f_back
            if frame is not None and stack and stack[-1].co_filename not in self._own_files:
                counts[tuple(reversed(stack))] += 1
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.5, 1.5) * _SAMPLE_SECONDS)

        handler = sample.__code__
        # Of its own: each slot uses the other one.
        meter = self._clocks.CostMeter()
        previous = signal.signal(signal.SIGALRM, sample)
        calls, until = 0, time.perf_counter() + seconds
        meter.start()
        signal.setitimer(signal.ITIMER_REAL, _SAMPLE_SECONDS)
        try:
            # On a busy machine samples come slowly, and it is them that the verdicts are made of.
            while not calls or (time.perf_counter() < until and samples < _ENOUGH_SAMPLES):
                self.slot(1)
                calls += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, previous)
        return _stacks(counts, calls) | {"reading": [*meter.stop()]}


def _stacks(counts: Counter[tuple[CodeType, ...]], calls: int) -> dict[str, Any]:
    numbers: dict[CodeType, int] = {}
    stacks = [
        [[numbers.setdefault(code, len(numbers)) for code in stack], count]
        for stack, count in counts.items()
    ]
    frames = [[code.co_name, code.co_filename, code.co_firstlineno] for code in numbers]
    return {"stacks": stacks, "frames": frames, "calls": calls}


def _told(readings: list[Any], calls: int) -> dict[str, Any]:
    ordered = sorted(readings, key=lambda r: r.wall if r.waited is None else r.cpu + r.waited)
    return {"reading": [*ordered[len(ordered) // 2]], "calls": calls}


async def _finish(result: Any) -> None:
    await result


if __name__ == "__main__":
    # The target may leave threads behind; nothing of it is waited for.
    main()
    sys.stdout.flush()
    os._exit(0)
