"""Puts wrappers in the place of callables and of a class's methods."""

from __future__ import annotations

import inspect
import weakref
from dataclasses import replace
from types import CellType
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind, kind_of, qualified_name
from application_sdk.monitoring.calls.wrapper import generate
from application_sdk.monitoring.decorator_options import wrong_type
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
from application_sdk.monitoring.errors import InvalidArgumentError, InvalidArgumentTypeError
from application_sdk.monitoring.sandbox import in_sandbox
from application_sdk.monitoring.settings import current_settings, get_settings, on_change
from application_sdk.monitoring.workflow_classes import default_methods, redefine_workflow

_ACTIVITY = "__temporal_activity_definition"

_plans: weakref.WeakSet[Plan] = weakref.WeakSet()


def decorate(target: Any, options: Options, methods: tuple[str, ...] | None) -> Any:
    """The decorated target: wrapped, or a class with its methods wrapped in place."""
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
        return type(target)(wrap(target.__func__, options))
    return wrap(target, options)


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
        replaced: Any = wrap(inner, own)
        if isinstance(member, staticmethod | classmethod):
            replaced = type(member)(replaced)
        wrapped[name] = replaced
    try:
        for name, replaced in wrapped.items():
            setattr(cls, name, replaced)
    except TypeError as error:
        raise InvalidArgumentTypeError(
            f"target={cls!r} cannot be changed ({error}); it must be a class written in Python"
        ) from error
    redefine_workflow(cls, wrapped)
    return cls


def wrap(target: Any, options: Options) -> Any:
    """The target's wrapper, with the options of a wrapper that it has already added."""
    sandboxed = in_sandbox()
    if sandboxed and hasattr(target, _ACTIVITY):
        return target  # a workflow only names its activities
    actual = target
    found = plan_of(target)
    if found is not None:
        options = options.over(found.options)
        if is_own(target):
            actual = found.target
    kind = kind_of(actual)
    if sandboxed and kind is not Kind.ASYNC:
        return target  # only a coroutine can be a workflow's run; all else runs straight on
    qualified = qualified_name(target)
    plan = Plan(actual, kind, options.name or qualified, options, qualified=qualified)
    wrapper, countdown = generate(actual, kind, slow_path(plan))
    if actual is not target:
        wrapper.__dict__.update(vars(target))
    setattr(wrapper, ATTRIBUTE, (plan, weakref.ref(wrapper)))
    wrapper.__wrapped__ = actual  # type: ignore[attr-defined]
    if not sandboxed:
        open_gate(plan, countdown)
    return wrapper


def open_gate(plan: Plan, countdown: CellType) -> None:
    """Let the plan decide by sampling, from now on and as settings change."""
    resolved = resolve(plan.names, plan.options, get_settings())
    # The first call of a coroutine shows whether it runs in workflows, where run ids decide.
    plan.gate = Gate(countdown, resolved.sample_rate, look_first=plan.kind is Kind.ASYNC)
    _plans.add(plan)


def _settings_changed() -> None:
    for plan in list(_plans):
        plan.settings_changed()


on_change(_settings_changed)
