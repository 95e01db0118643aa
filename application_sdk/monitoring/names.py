"""The names of backends and formats that settings accept; plug-ins add theirs.

Kept apart from what the names stand for, so that reading the settings imports no backend.
"""

from __future__ import annotations

from importlib import metadata

from pydantic_core import PydanticCustomError

GROUP = "application_sdk_monitoring"
"""Entry points of an installed plug-in are in the groups ``<GROUP>.cpu_backends``,
``<GROUP>.memory_backends`` and ``<GROUP>.formats``."""


class Names:
    """The names that one setting accepts.

    Args:
        group: The last part of the entry point group in which plug-ins give theirs.
        *known: What is there without a plug-in.
    """

    def __init__(self, group: str, *known: str) -> None:
        self.group = f"{GROUP}.{group}"
        self._known = list(known)

    def add(self, name: str) -> None:
        """Accept a name from now on."""
        if name not in self._known:
            self._known.append(name)

    def remove(self, name: str) -> None:
        """Accept a name no longer."""
        if name in self._known:
            self._known.remove(name)

    def check(self, name: str) -> str:
        """The name, if it is accepted. Plug-ins are looked up only for a name not yet known.

        Raises:
            PydanticCustomError: If no built-in and no plug-in has this name.
        """
        if name not in self._known:
            if entry_point(self.group, name) is None:
                raise PydanticCustomError("unknown_name", "it must be one of {known}", self._said())
            self.add(name)
        return name

    def _said(self) -> dict[str, str]:
        return {"known": ", ".join(repr(name) for name in self._known)}


def entry_point(group: str, name: str) -> metadata.EntryPoint | None:
    """What an installed plug-in offers under a name, not yet imported; None if none does."""
    return next(iter(metadata.entry_points(group=group, name=name)), None)


CPU_BACKENDS = Names("cpu_backends", "auto", "pyinstrument", "sampler")
MEMORY_BACKENDS = Names("memory_backends", "auto", "memray", "rss")
FORMATS = Names("formats", "html", "json", "summary", "speedscope", "collapsed", "pprof")
