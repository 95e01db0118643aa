"""Replays a memray capture: what each call had alive at its peak and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from memray import AllocatorType, FileReader

from application_sdk.monitoring.backends.settling import PART, Charged, Location, settled
from application_sdk.monitoring.backends.stacks import own_files
from application_sdk.monitoring.calls.marker import (
    BEGIN_PREFIX,
    END_PREFIX,
    MARKER_PREFIX,
    PART_PREFIX,
)
from application_sdk.monitoring.calls.wrapper import WRAPPER_FILE

_FREES = frozenset({AllocatorType.FREE, AllocatorType.PYMALLOC_FREE})

# Functions of ours that call the program's: what is allocated right below them is not ours.
_CALLS_ON = frozenset({"decide", "_call", "_enter"})


@dataclass
class _Place:
    """The live allocations of one call at one stack."""

    stack: tuple[Location, ...]
    size: int = 0
    count: int = 0
    # What stood here when the call's peak numbered ``seen_peak`` was reached.
    peak_size: int = 0
    peak_count: int = 0
    seen_peak: int = 0


@dataclass
class CallMemory:
    """What one call had allocated, by stack, outermost frame first.

    Attributes:
        peak_bytes: Its own live bytes when they were most.
        retained_bytes: Live bytes at its end.
        allocation_count: How many allocations it made.
        peak: Stacks, bytes and allocations at the peak.
        retained: Stacks, bytes and allocations at the end.
        ended: Whether the record of its end was found; else the end of the capture stands in.
    """

    peak_bytes: int = 0
    retained_bytes: int = 0
    allocation_count: int = 0
    peak: list[Charged] = field(default_factory=list)
    retained: list[Charged] = field(default_factory=list)
    ended: bool = False


@dataclass
class Block:
    """A ``with`` block in a capture: it has no marker, so its function and thread stand in."""

    function: str
    file: str


class _Account:
    """The running account of one call."""

    def __init__(self) -> None:
        self.places: dict[int, _Place] = {}
        self.live = 0
        self.result = CallMemory()
        self._peak_number = 0

    def allocated(self, place: _Place, size: int) -> None:
        self._touch(place)
        place.size += size
        place.count += 1
        self.live += size
        self.result.allocation_count += 1
        if self.live > self.result.peak_bytes:
            self.result.peak_bytes = self.live
            self._peak_number += 1

    def freed(self, place: _Place, size: int, whole: bool) -> None:
        self._touch(place)
        place.size -= size
        place.count -= whole
        self.live -= size

    def finish(self, ended: bool) -> CallMemory:
        for place in self.places.values():
            self._touch(place)
            if place.peak_size:
                self.result.peak.append((place.stack, place.peak_size, place.peak_count))
            if place.size:
                self.result.retained.append((place.stack, place.size, place.count))
        self.result.peak = settled(self.result.peak)
        self.result.retained = settled(self.result.retained)
        self.result.retained_bytes = self.live
        self.result.ended = ended
        return self.result

    def _touch(self, place: _Place) -> None:
        # The peak is known only afterwards, and copying everything at each new one would be
        # quadratic. So a place notes what it held at the latest peak before it changes.
        if place.seen_peak != self._peak_number:
            place.seen_peak = self._peak_number
            place.peak_size, place.peak_count = place.size, place.count


class _Owner(NamedTuple):
    """A call that a stack belongs to, and the stack's place in it.

    ``in_block`` says that only the thread that entered its block may be charged.
    """

    account: _Account
    place: _Place
    identity: str
    in_block: bool


class _Replay:
    """Reads the records of one capture in order, for all wanted calls at once."""

    def __init__(self, wanted: dict[str, Block | None]) -> None:
        self._wanted = wanted
        self._accounts = {identity: _Account() for identity in wanted}
        self._open: set[str] = set()
        self._threads: dict[str, int] = {}
        self._results: dict[str, CallMemory] = {}
        # Per stack the calls that it belongs to, and its frames inside each of them.
        self._owners: dict[int, list[_Owner]] = {}
        self._live: dict[int, tuple[int, list[_Owner]]] = {}
        self._mapped: dict[int, int] = {}

    def read(self, path: Path) -> dict[str, CallMemory]:
        with FileReader(path) as reader:
            for record in reader.get_allocation_records():
                allocator = record.allocator
                if allocator in _FREES:
                    self._free(record.address)
                elif allocator == AllocatorType.MUNMAP:
                    self._unmap(record.address, record.size)
                else:
                    self._allocate(record)
                    if len(self._results) == len(self._wanted):
                        break
        for identity, account in self._accounts.items():
            if identity not in self._results:
                self._results[identity] = account.finish(ended=False)
        return self._results

    def _allocate(self, record: object) -> None:
        address: int = record.address  # type: ignore[attr-defined]
        stack_id: int = record.stack_id  # type: ignore[attr-defined]
        owners = self._owners.get(stack_id)
        if owners is None:
            owners = self._owners[stack_id] = self._find_owners(record)
        if address in self._live:
            # Its free was not recorded (memray leaves out what happens inside itself).
            self._free(address)
        if not owners:
            return
        size: int = record.size  # type: ignore[attr-defined]
        thread: int = record.tid  # type: ignore[attr-defined]
        charged = [owner for owner in owners if self._is_charged(owner, thread)]
        if charged:
            self._live[address] = (size, charged)
            for owner in charged:
                owner.account.allocated(owner.place, size)
            if record.allocator == AllocatorType.MMAP:  # type: ignore[attr-defined]
                self._mapped[address] = size

    def _is_charged(self, owner: _Owner, thread: int) -> bool:
        identity = owner.identity
        if identity in self._results:
            return False
        if not owner.in_block:
            return True
        return identity in self._open and self._threads.get(identity) == thread

    def _find_owners(self, record: object) -> list[_Owner]:
        stack: list[Location] = record.stack_trace()  # type: ignore[attr-defined]
        if stack:
            innermost = stack[0][0]
            if innermost.startswith(END_PREFIX):
                self._end(innermost[len(END_PREFIX) : -1])
                return []
            if innermost.startswith(BEGIN_PREFIX):
                identity = innermost[len(BEGIN_PREFIX) : -1]
                self._open.add(identity)
                self._threads[identity] = record.tid  # type: ignore[attr-defined]
                return []
        owners: list[_Owner] = []
        found: set[str] = set()
        # From the outermost frame: a part may run inside its own call.
        for index in range(len(stack) - 1, -1, -1):
            function = stack[index][0]
            for prefix in (MARKER_PREFIX, PART_PREFIX):
                if function.startswith(prefix):
                    identity = function[len(prefix) : -1]
                    if identity in self._wanted and identity not in found:
                        found.add(identity)
                        outer = [] if prefix == MARKER_PREFIX else [("", PART, 0)]
                        owners.append(self._owner(identity, record, stack[:index] + outer))
        for identity, block in self._wanted.items():
            if block is not None and identity not in found:
                own = (block.function, block.file)
                for index in range(len(stack) - 1, -1, -1):
                    if stack[index][:2] == own:
                        if _is_ours(stack[:index]):
                            break
                        inner = stack[: index + 1]
                        owners.append(self._owner(identity, record, inner, in_block=True))
                        break
        return owners

    def _owner(
        self,
        identity: str,
        record: object,
        inner_first: list[Location],
        in_block: bool = False,
    ) -> _Owner:
        account = self._accounts[identity]
        stack_id: int = record.stack_id  # type: ignore[attr-defined]
        place = account.places[stack_id] = _Place(tuple(reversed(inner_first)))
        return _Owner(account, place, identity, in_block)

    def _end(self, identity: str) -> None:
        if identity in self._accounts and identity not in self._results:
            self._results[identity] = self._accounts[identity].finish(ended=True)

    def _free(self, address: int) -> None:
        found = self._live.pop(address, None)
        if found is not None:
            self._mapped.pop(address, None)
            size, owners = found
            for owner in owners:
                if owner.identity not in self._results:
                    owner.account.freed(owner.place, size, whole=True)

    def _unmap(self, address: int, size: int) -> None:
        end = address + size
        for start in [start for start in self._mapped if start < end]:
            length = self._mapped[start]
            if start + length <= address:
                continue
            if address <= start and start + length <= end:
                self._free(start)
                continue
            # A part of a mapping goes: what is left is taken to begin where it began.
            gone = min(end, start + length) - max(address, start)
            self._mapped[start] = length - gone
            total, owners = self._live[start]
            self._live[start] = (total - gone, owners)
            for owner in owners:
                if owner.identity not in self._results:
                    owner.account.freed(owner.place, gone, whole=False)


def _is_ours(stack: list[Location]) -> bool:
    """Whether the monitoring itself allocates: at a block's edges, or to decide about a call."""
    for function, file, _ in stack:
        if own_files[file]:
            return not (
                file == WRAPPER_FILE
                or function in _CALLS_ON
                or function.startswith((MARKER_PREFIX, PART_PREFIX))
            )
    return False


def read_calls(path: Path, wanted: dict[str, Block | None]) -> dict[str, CallMemory]:
    """What each call of a capture had allocated.

    Args:
        path: A capture with all allocations, finished or cut off by a kill.
        wanted: Identities of the calls; with its place where one is a block.

    Returns:
        Per identity what belongs to that call and to no other.

    Raises:
        OSError: If the file cannot be read or is no capture.
    """
    return _Replay(wanted).read(path)
