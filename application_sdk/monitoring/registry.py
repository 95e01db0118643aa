"""Where backends, renderers and exporters are known by name; loaded when first used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.profile import CpuProfile, MemoryProfile, Profile
from application_sdk.monitoring.names import (
    CPU_BACKENDS,
    FORMATS,
    MEMORY_BACKENDS,
    Names,
    entry_point,
)
from application_sdk.monitoring.protocols import Backend, GrowthTracer, PeakMeter, Renderer
from application_sdk.monitoring.sandbox import load

T = TypeVar("T")

_PACKAGE = "application_sdk.monitoring"


class Registry(Generic[T]):
    """Names and what they stand for, given as an object or as ``module:attribute``.

    Args:
        what: What the names stand for, in messages.
        known: What is there without a plug-in.
        accepted: The names that a setting accepts, where these are chosen by a setting.
    """

    def __init__(self, what: str, known: dict[str, T | str], accepted: Names | None = None) -> None:
        self._what = what
        self._known = known
        self._built_in = set(known)
        self._accepted = accepted

    def register(self, name: str, entry: T | str) -> None:
        """Make a name known, and accepted by its setting, or let it stand for something else."""
        self._known[name] = entry
        self._built_in.discard(name)
        if self._accepted is not None:
            self._accepted.add(name)

    def unregister(self, name: str) -> None:
        """Forget a name."""
        self._known.pop(name, None)
        self._built_in.discard(name)
        if self._accepted is not None:
            self._accepted.remove(name)

    def is_built_in(self, name: str) -> bool:
        """Whether a name stands for what it does in every process."""
        return name in self._built_in

    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self._known)

    def get(self, name: str) -> T:
        """What a name stands for, imported if need be; a plug-in's entry point serves too.

        Raises:
            InvalidArgumentError: If the name is unknown.
            ImportError: If it stands for something that is not installed.
        """
        entry: Any = self._known.get(name)
        if entry is None and self._accepted is not None:
            offered = entry_point(self._accepted.group, name)
            if offered is not None:
                entry = self._known[name] = offered.load()
        if entry is None:
            raise InvalidArgumentError(
                f"unknown {self._what} {name!r}; there are {', '.join(self._known)}"
            )
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self._known[name] = getattr(load(module), attribute)
        loaded: T = entry
        return loaded


cpu_backends: Registry[Backend[CpuProfile]] = Registry(
    "CPU backend",
    {
        "pyinstrument": f"{_PACKAGE}.backends.pyinstrument:PyinstrumentCapture",
        "sampler": f"{_PACKAGE}.backends.sampler:SamplerCapture",
        "workflow": f"{_PACKAGE}.backends.workflow_slices:WorkflowCpuCapture",
    },
    CPU_BACKENDS,
)

memory_backends: Registry[Backend[MemoryProfile]] = Registry(
    "memory backend",
    {
        "memray": f"{_PACKAGE}.backends.memray:MemrayCapture",
        "rss": f"{_PACKAGE}.backends.rss:RssCapture",
        "workflow": f"{_PACKAGE}.backends.workflow_slices:WorkflowMemoryCapture",
    },
    MEMORY_BACKENDS,
)

growth_tracers: Registry[Callable[[], GrowthTracer]] = Registry(
    "growth tracer",
    {"memray": f"{_PACKAGE}.backends.growth_tracer:MemrayGrowthTracer"},
)

renderers: Registry[Renderer] = Registry(
    "format",
    {
        "html": f"{_PACKAGE}.renderers.html:render",
        "json": f"{_PACKAGE}.renderers.json:render",
        "summary": f"{_PACKAGE}.renderers.summary:render",
        "speedscope": f"{_PACKAGE}.renderers.speedscope:render",
        "collapsed": f"{_PACKAGE}.renderers.collapsed:render",
        "pprof": f"{_PACKAGE}.renderers.pprof:render",
    },
    FORMATS,
)

batch_renderers: Registry[Callable[[Sequence[Profile]], bytes]] = Registry(
    "format of several profiles",
    {"pprof": f"{_PACKAGE}.renderers.pprof:render_together"},
)

peak_meters: Registry[Callable[[], PeakMeter]] = Registry(
    "peak meter",
    {"memray": f"{_PACKAGE}.backends.peak_meter:MemrayPeakMeter"},
)

MEASURED_PROCESS = Path(__file__).parent / "backends" / "measured_process.py"
"""The program that measures a callable in a process of its own; run by path, never imported."""

EXTENSIONS = {
    "html": ".html",
    "json": ".json",
    "summary": ".txt",
    "speedscope": ".speedscope.json",
    "collapsed": ".collapsed.txt",
    "pprof": ".pprof.pb.gz",
}
"""What the files of each format end with."""
