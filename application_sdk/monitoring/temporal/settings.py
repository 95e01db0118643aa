"""What the interceptor profiles: which activities and workflows, and which halves."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict


class InterceptorSettings(BaseModel):
    """Which activities and workflows are profiled without a decorator.

    Attributes:
        activities: Patterns of activity types, as in ``["load_*", "parse"]``; those that
            match are profiled. None: all of them.
        workflows: The same for workflow types.
        cpu: Whether profiles have a CPU half.
        memory: Whether profiles have a memory half. It slows the whole worker down while
            it captures (docs/temporal.md), so it is off unless asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    activities: tuple[str, ...] | None = None
    workflows: tuple[str, ...] | None = None
    cpu: bool = True
    memory: bool = False


def allowed(name: str, patterns: Sequence[str] | None) -> bool:
    """Whether a list of patterns lets a name in."""
    return patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns)
