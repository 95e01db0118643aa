"""What a backend, a renderer and an exporter must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import CodeType
from typing import Any, Protocol, TypeVar, runtime_checkable

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.calls.marker import Marker
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import (
    CallContext,
    CpuProfile,
    MemoryProfile,
    Profile,
    SamplingInfo,
)

Half_co = TypeVar("Half_co", CpuProfile, MemoryProfile, covariant=True)


class BackendUnavailable(MonitoringError):
    """A backend cannot capture this call; its text completes 'not used because ...'."""


@dataclass(frozen=True)
class BlockPlace:
    """Where a ``with`` block stands, which has no frame of its own.

    Attributes:
        code: The code of the function that contains the block.
        depth: How many frames its thread had when the block was entered, that one included.
        coroutine: The outermost coroutine of the running task, None outside of one.
    """

    code: CodeType
    depth: int
    coroutine: Any


def _carries_nothing(_context: Context) -> bool:
    return False


@dataclass
class ProfiledCall:
    """What backends know of the call that they capture.

    Attributes:
        identity: The profile's id.
        name: The profile's name.
        kind: What kind of callable is called.
        root: Key of the frame that the call's tree starts with: the target's code, or a
            frame where the target has no Python code.
        marker: The marker that its steps run in; None for a block.
        block: The place of a block; None for a call.
        parts: The marker of tasks and threads that the call started.
        suspended: The coroutine or asynchronous generator to follow while it waits.
        directory: Where a capture may spool to.
        interval: Intended seconds between samples.
        max_nodes: The most nodes a tree may have.
        max_duration_seconds: How long a capture may last.
        max_capture_bytes: How large a spool may become.
        native: Whether native stacks are wanted.
        started_at: When it began.
        context: Where it belongs.
        sampling: Why it is profiled.
        notes: Degradations, added to by whoever meets them.
        spent_elsewhere: Seconds by which its captures have slowed the program.
        spent_reading: Seconds that reading its captures has cost in a helper process.
        loops: By thread: the event loop there that runs the call or its tasks.
        carried_in: Whether what runs in a context belongs to the call.
    """

    identity: str
    name: str
    kind: Kind
    root: CodeType | Frame
    marker: Marker | None
    block: BlockPlace | None
    parts: Marker
    directory: Path
    interval: float
    max_nodes: int
    max_duration_seconds: float
    max_capture_bytes: int
    native: bool
    started_at: datetime
    context: CallContext
    sampling: SamplingInfo
    suspended: Any = None
    notes: list[str] = field(default_factory=list)
    spent_elsewhere: float = 0.0
    spent_reading: float = 0.0
    loops: dict[int, Any] = field(default_factory=dict)
    carried_in: Callable[[Context], bool] = field(default=_carries_nothing)

    def note(self, text: str) -> None:
        """Add a degradation and its reason, unless it stands there already."""
        if text not in self.notes:
            self.notes.append(text)


class Capture(Protocol[Half_co]):
    """One backend's work on one call.

    ``start``, ``resume``, ``pause`` and ``stop`` run on the caller's path and must be
    quick; ``half`` runs off it, once, after ``stop``. A capture that slows the program by more
    than these take adds its estimate of it to the call's ``spent_elsewhere`` in ``half``. One
    that needs nothing after its first ``resume`` may say ``follows_steps = False``.
    """

    backend: str

    def start(self) -> None:
        """Begin; a fault here means that the next backend is tried.

        Raises:
            BackendUnavailable: If the backend cannot capture this call.
        """

    def resume(self) -> None:
        """The call runs now, on this thread."""

    def pause(self, awaiting: bool) -> None:
        """The call does not run now: it awaits something, or is left between two steps."""

    def enter_part(self) -> None:
        """A task or thread that the call started runs now, on this thread."""

    def leave_part(self) -> None:
        """It does not run now."""

    def stop(self) -> None:
        """The call has ended."""

    def half(self) -> Half_co:
        """The finished half of the profile."""
        ...

    def abandon(self) -> None:
        """Give back whatever ``start`` took, in whatever state; the half is not wanted."""


@runtime_checkable
class Loosening(Protocol):
    """A CPU capture that can do without being told of every step."""

    def loosen(self) -> bool:
        """Tell when the call runs from samples alone, from now on; its steps are too many.

        Returns:
            Whether the call's tasks are known without a marker on their stacks.
        """
        ...


Backend = Callable[[ProfiledCall], Capture[Half_co]]
"""Makes the capture of one call."""

Renderer = Callable[[Profile], bytes]
"""Makes a file's content of a profile."""


class PeakMeter(Protocol):
    """Measures the most bytes that a stretch of work has allocated at a time, again and again."""

    def start(self) -> None:
        """Begin a stretch.

        Raises:
            BackendUnavailable: If allocations cannot be counted now.
        """

    def stop(self) -> None:
        """End the stretch; harmless when none has begun."""

    def peak_bytes(self) -> int:
        """The peak of the last finished stretch."""
        ...

    def close(self) -> None:
        """Give back whatever it holds."""


class Exporter(Protocol):
    """Delivers a finished profile; runs off the caller's path."""

    def __call__(self, profile: Profile, destination: Any) -> None:
        """Deliver; a fault is contained and logged by the caller."""


TracedFrame = tuple[Frame, int]
"""A function and the line that ran in it."""


@dataclass(frozen=True)
class TracedStack:
    """The live allocations of one call path at each mark of a trace.

    Attributes:
        frames: Outermost first.
        live_bytes: Live bytes at each mark, from the trace's own allocations only.
        live_count: Live allocations at each mark.
    """

    frames: tuple[TracedFrame, ...]
    live_bytes: tuple[int, ...]
    live_count: tuple[int, ...]


@dataclass(frozen=True)
class TracedGrowth:
    """What was allocated and kept during a trace, mark by mark.

    Attributes:
        stacks: Every call path that kept anything at any mark.
        small_bytes: Live bytes of small Python objects at each mark.
        small_count: Live small Python objects at each mark.
        record_count: Allocations and frees seen in all.
    """

    stacks: tuple[TracedStack, ...]
    small_bytes: tuple[int, ...]
    small_count: tuple[int, ...]
    record_count: int


class GrowthTracer(Protocol):
    """Traces every allocation of the process for a while; used once."""

    def start(self) -> None:
        """Begin.

        Raises:
            BackendUnavailable: If allocations cannot be traced now.
        """

    def mark(self) -> None:
        """Remember this moment: what is alive now is told apart from later."""

    def recorded_bytes(self) -> int:
        """How much has been written so far."""
        ...

    def stop(self) -> None:
        """End; harmless when it has not begun or has ended."""

    def discard(self) -> None:
        """Delete what was traced, unread; after ``stop``."""

    def read(self) -> TracedGrowth:
        """What was alive at each mark; once, after ``stop``. Takes a second a million records."""
        ...
