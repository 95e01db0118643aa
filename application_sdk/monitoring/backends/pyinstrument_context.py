"""Keeps pyinstrument's hook from searching the context in vain at each event."""

from __future__ import annotations

from pyinstrument.stack_sampler import active_profiler_context_var

_UNSET = object()


def let_the_hook_find() -> None:
    """Give pyinstrument's variable its default as a value in the present context, if it has none.

    Its hook asks for the variable at every call and return. The interpreter remembers what it
    found, and never that it found nothing: once a context holds anything else, as that of a
    profiled call does, call-heavy programs run 6 % longer. A copied context has the value too.
    """
    if active_profiler_context_var.get(_UNSET) is _UNSET:
        active_profiler_context_var.set(None)
