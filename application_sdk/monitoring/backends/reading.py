"""Reads captures: in the helper process, or in this one where there is none."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from application_sdk.monitoring.backends.records import Block, CallMemory, read_calls
from application_sdk.monitoring.backends.settling import PART, Charged
from application_sdk.monitoring.helper.client import HelperLost, helper
from application_sdk.monitoring.helper.wire import Line, TreeReader, tree_lines
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.stack_table import StackTable

METRICS = ("bytes", "allocations")
SMALL_BYTES = 4 * 2**20
"""What may be read in this process when there is no helper."""


@dataclass(frozen=True)
class Wanted:
    """A call whose memory is wanted.

    Attributes:
        root: The frame that its trees start with, where a stack does not say.
        max_nodes: The most nodes that a tree may have.
        block: Its place where it is a block.
    """

    root: Frame
    max_nodes: int
    block: Block | None = None


@dataclass(frozen=True)
class CallTrees:
    """What one call had allocated, as trees.

    Attributes:
        peak_bytes: Its own live bytes when they were most.
        retained_bytes: Live bytes at its end.
        allocation_count: How many allocations it made.
        ended: Whether the record of its end was found.
        truncated: Whether a tree reached the most nodes it may have.
        peak_tree: The live bytes at the peak.
        retained_tree: The live bytes at the end.
    """

    peak_bytes: int
    retained_bytes: int
    allocation_count: int
    ended: bool
    truncated: bool
    peak_tree: CallTree
    retained_tree: CallTree


@dataclass
class Reading:
    """What was read of a capture.

    Attributes:
        calls: What each call had allocated, by identity.
        cpu_seconds: What reading has cost in another process.
        note: Why it was read in this process instead; None when it was not.
    """

    calls: dict[str, CallTrees]
    cpu_seconds: float = 0.0
    note: str | None = None


def read_elsewhere(path: Path, wanted: dict[str, Wanted]) -> Reading:
    """What each call of a capture had allocated, read by another process.

    Args:
        path: A capture with all allocations, finished or cut off by a kill.
        wanted: The calls by identity.

    Raises:
        OSError: If the file cannot be read, is no capture, or nobody can read it.
    """
    answers: list[_Answer] = []

    def request() -> Iterable[Line]:
        calls = {identity: asdict(one) for identity, one in wanted.items()}
        return [{"job": "read", "path": str(path.absolute()), "wanted": calls}]

    def begin() -> Callable[[Line], None]:
        answers[:] = [_Answer()]
        return answers[0].take

    try:
        spent = helper.ask(request, begin)
    except HelperLost as lost:
        size = path.stat().st_size
        if size > SMALL_BYTES:
            raise OSError(
                f"the process that reads captures failed: {lost}; and {size:,} bytes are too "
                "many to read in the profiled process"
            ) from lost
        note = f"the memory capture was read in the profiled process, because {lost}"
        return Reading(_read(path, wanted), note=note)
    return Reading(answers[0].calls, spent)


def answer(request: list[Line], send: Callable[..., None]) -> None:
    """In the helper process: read a capture and send what was found."""
    line = request[0]
    wanted = {
        identity: Wanted(
            Frame(*one["root"]),
            one["max_nodes"],
            None if one["block"] is None else Block(**one["block"]),
        )
        for identity, one in line["wanted"].items()
    }
    for identity, found in _read(Path(line["path"]), wanted).items():
        for name in ("peak_tree", "retained_tree"):
            for part in tree_lines(name, getattr(found, name)):
                send(**part)
        send(
            call=identity,
            peak_bytes=found.peak_bytes,
            retained_bytes=found.retained_bytes,
            allocation_count=found.allocation_count,
            ended=found.ended,
            truncated=found.truncated,
        )


class _Answer:
    """Puts the lines of an answer together."""

    def __init__(self) -> None:
        self.calls: dict[str, CallTrees] = {}
        self._trees = TreeReader()

    def take(self, line: dict[str, Any]) -> None:
        if "tree" in line:
            self._trees.take(line)
            return
        identity = line.pop("call")
        peak, retained = self._trees.tree("peak_tree"), self._trees.tree("retained_tree")
        assert peak is not None
        assert retained is not None
        self.calls[identity] = CallTrees(**line, peak_tree=peak, retained_tree=retained)


def _read(path: Path, wanted: dict[str, Wanted]) -> dict[str, CallTrees]:
    found = read_calls(path, {identity: one.block for identity, one in wanted.items()})
    return {identity: _trees(memory, wanted[identity]) for identity, memory in found.items()}


def _trees(memory: CallMemory, wanted: Wanted) -> CallTrees:
    peak, peak_truncated = _tree(memory.peak, wanted)
    retained, retained_truncated = _tree(memory.retained, wanted)
    return CallTrees(
        memory.peak_bytes,
        memory.retained_bytes,
        memory.allocation_count,
        memory.ended,
        peak_truncated or retained_truncated,
        peak,
        retained,
    )


def _tree(stacks: list[Charged], wanted: Wanted) -> tuple[CallTree, bool]:
    table = StackTable(METRICS, wanted.max_nodes)
    for stack, size, count in stacks:
        frames: list[Hashable] = [
            wanted.root if file == PART else Frame(function, file, line)
            for function, file, line in stack
        ]
        table.add(frames or [wanted.root], (size, count))
    return table.tree(_describe), table.truncated


def _describe(key: Hashable) -> Frame:
    assert isinstance(key, Frame)
    return key
