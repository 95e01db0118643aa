"""``flamegraph`` and ``memory_profile``: decorators and context managers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from os import PathLike
from types import CellType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.config_file import config_file
from application_sdk.monitoring.decorator_options import (
    parse_method_names,
    parse_options,
    refuse_unknown,
)
from application_sdk.monitoring.engine.beginning import begin
from application_sdk.monitoring.engine.context import shielded
from application_sdk.monitoring.engine.plan import Options, Plan
from application_sdk.monitoring.engine.session import Session
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.sample_rate import SampleRate
from application_sdk.monitoring.settings import get_settings
from application_sdk.monitoring.wrapping import decorate, open_gate

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


@overload
def flamegraph(
    target: C,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    interval: float | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> C: ...
@overload
def flamegraph(
    target: Callable[P, R],
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    interval: float | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Callable[P, R]: ...
@overload
def flamegraph(
    target: None = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    interval: float | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Recorder: ...
def flamegraph(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    interval: float | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
    **unknown: Any,
) -> Any:
    """Show where the CPU time of a callable, a class's methods or a block goes.

    Args:
        target: What to decorate; left out, a decorator and context manager is returned.
        name: The profile's name; left out, ``module.qualname``.
        output_dir: Where profiles are written.
        sample_rate: Fraction of calls profiled, 0 to 1, or ``"trace"``: those inside an
            OpenTelemetry span that is itself sampled; left out, as many as the
            ``overhead_budget`` allows, the first call always.
        formats: What is written: names, or one comma-separated string of them.
        interval: Seconds between samples, 0.001 to 10.
        backend: ``auto``, ``pyinstrument`` or ``sampler``.
        methods: Of a class: the methods to profile; left out, every public one of its body.
        **unknown: Refused, with the names that are known.

    Returns:
        The decorated target, of the same kind and signature.

    Raises:
        InvalidArgumentTypeError: If an argument has the wrong type (a ``TypeError``).
        InvalidArgumentError: If an argument's value is not allowed (a ``ValueError``).
    """
    refuse_unknown(flamegraph, unknown)
    options = parse_options(
        "flamegraph", name, output_dir, sample_rate, formats, interval, backend, None, cpu=True
    )
    return _apply(target, options, parse_method_names("flamegraph", methods))


@overload
def memory_profile(
    target: C,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    native: bool | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> C: ...
@overload
def memory_profile(
    target: Callable[P, R],
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    native: bool | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Callable[P, R]: ...
@overload
def memory_profile(
    target: None = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    native: bool | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Recorder: ...
def memory_profile(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: SampleRate | None = None,
    formats: str | Iterable[str] | None = None,
    native: bool | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
    **unknown: Any,
) -> Any:
    """Show where the memory of a callable, a class's methods or a block goes and stays.

    Args:
        target: What to decorate; left out, a decorator and context manager is returned.
        name: The profile's name; left out, ``module.qualname``.
        output_dir: Where profiles are written.
        sample_rate: Fraction of calls profiled, 0 to 1, or ``"trace"``: those inside an
            OpenTelemetry span that is itself sampled; left out, as many as the
            ``overhead_budget`` allows, the first call always.
        formats: What is written: names, or one comma-separated string of them.
        native: Whether memray follows native stacks too.
        backend: ``auto``, ``memray`` or ``rss``.
        methods: Of a class: the methods to profile; left out, every public one of its body.
        **unknown: Refused, with the names that are known.

    Returns:
        The decorated target, of the same kind and signature.

    Raises:
        InvalidArgumentTypeError: If an argument has the wrong type (a ``TypeError``).
        InvalidArgumentError: If an argument's value is not allowed (a ``ValueError``).
    """
    refuse_unknown(memory_profile, unknown)
    options = parse_options(
        "memory_profile", name, output_dir, sample_rate, formats, None, backend, native, cpu=False
    )
    return _apply(target, options, parse_method_names("memory_profile", methods))


class Recorder:
    """A decorator with arguments that also profiles a ``with`` block.

    Attributes:
        profile: The latest block's profile, once ``flush()`` has returned; None before, and
            where the block was not sampled.
    """

    def __init__(self, options: Options, methods: tuple[str, ...] | None) -> None:
        self._options = options
        self._methods = methods
        self._plan: Plan | None = None
        self._sessions: list[Session | None] = []
        self._latest: Session | None = None

    @property
    def profile(self) -> Profile | None:
        """The latest block's profile."""
        return None if self._latest is None else self._latest.profile

    @overload
    def __call__(self, target: C, /) -> C: ...
    @overload
    def __call__(self, target: Callable[P, R], /) -> Callable[P, R]: ...
    def __call__(self, target: Any, /) -> Any:
        """Decorate a callable or class."""
        return decorate(target, self._options, self._methods)

    def __enter__(self) -> Self:
        """Begin to profile the block."""
        frame = sys._getframe(1)
        if self._plan is None:
            name = (
                self._options.name
                or f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            )
            self._plan = Plan(_no_target, Kind.SYNC, name, self._options)
        if self._plan.gate is None and get_settings().enabled:
            open_gate(self._plan, CellType(1))
        config_file.look()
        gate = self._plan.gate
        session = None
        if gate is not None and gate.count_down():
            session = begin(self._plan, frame)
        self._latest = session
        self._sessions.append(session)
        if session is not None:
            session.resume()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the block's profile."""
        session = self._latest = self._sessions.pop()
        if session is not None:
            with shielded():
                session.pause(False)
                session.finish(error)


def _no_target() -> None:
    """Stands for the block, which has no callable."""


def _apply(target: Any, options: Options, methods: tuple[str, ...] | None) -> Any:
    if target is None:
        return Recorder(options, methods)
    return decorate(target, options, methods)
