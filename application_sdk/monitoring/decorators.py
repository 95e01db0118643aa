"""``flamegraph`` and ``memory_profile``: decorators and context managers."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from os import PathLike
from types import CellType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

from application_sdk.monitoring.calls.kinds import Kind, kind_of, qualified_name
from application_sdk.monitoring.calls.wrapper import generate
from application_sdk.monitoring.decorator_options import (
    parse_method_names,
    parse_options,
    wrong_type,
)
from application_sdk.monitoring.engine.gate import Gate
from application_sdk.monitoring.engine.plan import (
    ATTRIBUTE,
    Options,
    Plan,
    is_own,
    plan_of,
    resolve,
)
from application_sdk.monitoring.engine.running import slow_path
from application_sdk.monitoring.engine.session import Session, begin
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.sandbox import in_sandbox
from application_sdk.monitoring.settings import current_settings, get_settings, on_change
from application_sdk.monitoring.workflow_classes import default_methods, redefine_workflow

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

_plans: weakref.WeakSet[Plan] = weakref.WeakSet()


@overload
def flamegraph(target: C, /) -> C: ...
@overload
def flamegraph(target: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def flamegraph(
    target: None = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: float | None = None,
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
    sample_rate: float | None = None,
    formats: str | Iterable[str] | None = None,
    interval: float | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Any:
    """Show where the CPU time of a callable, a class's methods or a block goes.

    Args:
        target: What to decorate; left out, a decorator and context manager is returned.
        name: The profile's name; left out, ``module.qualname``.
        output_dir: Where profiles are written.
        sample_rate: Fraction of calls profiled, 0 to 1; left out, as many as the
            ``overhead_budget`` allows, the first call always.
        formats: What is written: names, or one comma-separated string of them.
        interval: Seconds between samples, 0.001 to 10.
        backend: ``auto``, ``pyinstrument`` or ``sampler``.
        methods: Of a class: the methods to profile; left out, every public one of its body.

    Returns:
        The decorated target, of the same kind and signature.

    Raises:
        InvalidArgumentTypeError: If an argument has the wrong type (a ``TypeError``).
        InvalidArgumentError: If an argument's value is not allowed (a ``ValueError``).
    """
    options = parse_options(
        "flamegraph", name, output_dir, sample_rate, formats, interval, backend, None, cpu=True
    )
    return _apply(target, options, parse_method_names("flamegraph", methods))


@overload
def memory_profile(target: C, /) -> C: ...
@overload
def memory_profile(target: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def memory_profile(
    target: None = None,
    /,
    *,
    name: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    sample_rate: float | None = None,
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
    sample_rate: float | None = None,
    formats: str | Iterable[str] | None = None,
    native: bool | None = None,
    backend: str | None = None,
    methods: Iterable[str] | None = None,
) -> Any:
    """Show where the memory of a callable, a class's methods or a block goes and stays.

    Args:
        target: What to decorate; left out, a decorator and context manager is returned.
        name: The profile's name; left out, ``module.qualname``.
        output_dir: Where profiles are written.
        sample_rate: Fraction of calls profiled, 0 to 1; left out, as many as the
            ``overhead_budget`` allows, the first call always.
        formats: What is written: names, or one comma-separated string of them.
        native: Whether memray follows native stacks too.
        backend: ``auto``, ``memray`` or ``rss``.
        methods: Of a class: the methods to profile; left out, every public one of its body.

    Returns:
        The decorated target, of the same kind and signature.

    Raises:
        InvalidArgumentTypeError: If an argument has the wrong type (a ``TypeError``).
        InvalidArgumentError: If an argument's value is not allowed (a ``ValueError``).
    """
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
        return _decorate(target, self._options, self._methods)

    def __enter__(self) -> Self:
        """Begin to profile the block."""
        frame = sys._getframe(1)
        if self._plan is None:
            name = (
                self._options.name
                or f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            )
            self._plan = Plan(_no_target, Kind.SYNC, name, self._options)
            if get_settings().enabled:
                _open_gate(self._plan, CellType(1))
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
        session = self._sessions.pop()
        if session is not None:
            session.pause(False)
            session.finish(error)


def _no_target() -> None:
    """Stands for the block, which has no callable."""


def _apply(target: Any, options: Options, methods: tuple[str, ...] | None) -> Any:
    if target is None:
        return Recorder(options, methods)
    return _decorate(target, options, methods)


def _decorate(target: Any, options: Options, methods: tuple[str, ...] | None) -> Any:
    if methods is not None and not isinstance(target, type):
        raise InvalidArgumentError(f"methods={methods!r} is only for classes, not for {target!r}")
    if not isinstance(target, type | staticmethod | classmethod) and not callable(target):
        decorator = "flamegraph" if options.cpu else "memory_profile"
        raise wrong_type(decorator, "target", target, "a callable or a class")
    # The sandbox runs this again for every workflow run: without a look at the environment.
    settings = current_settings() if in_sandbox() else get_settings()
    if not settings.enabled:
        return target
    if isinstance(target, type):
        return _decorate_class(target, options, methods)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(_wrap(target.__func__, options))
    return _wrap(target, options)


def _decorate_class(cls: type, options: Options, methods: tuple[str, ...] | None) -> type:
    chosen = default_methods(cls) if methods is None else list(methods)
    wrapped: dict[str, Any] = {}
    for name in chosen:
        member = inspect.getattr_static(cls, name, None)
        inner = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if member is None or isinstance(inner, type) or not callable(inner):
            raise InvalidArgumentError(f"methods={name!r}: {cls.__qualname__} has no such method")
        own = options
        if options.name is not None or name not in vars(cls):
            prefix = options.name or f"{cls.__module__}.{cls.__qualname__}"
            own = replace(options, name=f"{prefix}.{name}")
        replaced: Any = _wrap(inner, own)
        if isinstance(member, staticmethod | classmethod):
            replaced = type(member)(replaced)
        wrapped[name] = replaced
    for name, replaced in wrapped.items():
        setattr(cls, name, replaced)
    redefine_workflow(cls, wrapped)
    return cls


def _wrap(target: Any, options: Options) -> Any:
    actual = target
    found = plan_of(target)
    if found is not None:
        options = options.over(found.options)
        if is_own(target):
            actual = found.target
    kind = kind_of(actual)
    sandboxed = in_sandbox()
    if sandboxed and kind is not Kind.ASYNC:
        return target  # only a coroutine can be a workflow's run; all else runs straight on
    plan = Plan(actual, kind, options.name or qualified_name(target), options)
    wrapper, countdown = generate(actual, kind, slow_path(plan))
    if actual is not target:
        wrapper.__dict__.update(vars(target))
    setattr(wrapper, ATTRIBUTE, (plan, weakref.ref(wrapper)))
    wrapper.__wrapped__ = actual  # type: ignore[attr-defined]
    if not sandboxed:
        _open_gate(plan, countdown)
    return wrapper


def _open_gate(plan: Plan, countdown: CellType) -> None:
    resolved = resolve(plan.name, plan.options, get_settings())
    # The first call of a coroutine shows whether it runs in workflows, where run ids decide.
    plan.gate = Gate(countdown, resolved.sample_rate, look_first=plan.kind is Kind.ASYNC)
    _plans.add(plan)


def _settings_changed() -> None:
    for plan in list(_plans):
        plan.settings_changed()


on_change(_settings_changed)
