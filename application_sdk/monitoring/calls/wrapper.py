"""Wrappers generated with the target's own signature.

An unsampled call should cost next to nothing. A wrapper that takes ``*args, **kwargs``
packs and unpacks them on each call; one that repeats the target's parameters lets the
interpreter pass them straight on. The generated wrapper counts down in a closure cell
and leaves the straight path only when the count reaches zero.
"""

from __future__ import annotations

import functools
import inspect
import keyword
import sys
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from application_sdk.monitoring.calls.kinds import Kind

WRAPPER_FILE = "<application_sdk.monitoring>"
"""File name in the code of generated functions, by which captures leave them out."""

_COUNT = "_monitoring_count"
_TARGET = "_monitoring_target"
_SLOW = "_monitoring_slow"
_FIRST = "_monitoring_first_step"

_HEAD = """
def {factory}({target}, {slow}):
    {count} = 1
    {prefix}def wrapper({parameters}):
        nonlocal {count}
        {count} -= 1
        if {count} > 0:
            {straight}
        {sampled}
    return wrapper
"""

# An async generator has no ``yield from``, so its every call is delegated by the slow path.
_BODIES = {
    Kind.SYNC: ("", "return {call}", "return {slow_call}"),
    Kind.ASYNC: ("async ", "return await {call}", "return await {slow_call}"),
    Kind.GENERATOR: ("", "return (yield from {call})", "return (yield from {slow_call})"),
}

_ASYNC_GENERATOR = """
def {factory}({target}, {slow}):
    {count} = 1
    async def wrapper({parameters}):
        nonlocal {count}
        {count} -= 1
        {steps} = {call} if {count} > 0 else {slow}({arguments})
        try:
            {item} = await {first}({steps})
            while True:
                try:
                    {sent} = yield {item}
                except GeneratorExit:
                    await {steps}.aclose()
                    raise
                except BaseException as {error}:
                    {item} = await {steps}.athrow({error})
                else:
                    {item} = await {steps}.asend({sent})
        except StopAsyncIteration:
            return
    return wrapper
"""


class Wrapped(NamedTuple):
    """A generated wrapper and the cell that holds its countdown."""

    function: FunctionType
    countdown: CellType


def generate(target: Callable[..., Any], kind: Kind, slow: Callable[..., Any]) -> Wrapped:
    """A wrapper of the target that calls ``slow`` whenever its countdown is used up.

    Args:
        target: What to wrap. Metadata is copied as ``functools.wraps`` does.
        kind: The target's kind, which the wrapper shares.
        slow: Called as ``slow(args, kwargs)``; gives back what a call of the target
            would (a coroutine, generator or async generator for those kinds).

    Returns:
        The wrapper and its countdown cell, which starts at 1: the first call is slow.
    """
    code = target.__code__ if isinstance(target, FunctionType) else None
    parameters = _parameters(code) if code is not None else None
    factory = _factory(kind, parameters or _ANY)
    function = factory(target, slow)
    if code is not None and parameters is not None:
        assert isinstance(target, FunctionType)
        function.__defaults__ = target.__defaults__
        function.__kwdefaults__ = target.__kwdefaults__
    name = getattr(target, "__name__", type(target).__name__)
    qualname = getattr(target, "__qualname__", name)
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=qualname)
    functools.update_wrapper(function, target)
    if not hasattr(target, "__name__"):
        function.__name__, function.__qualname__ = name, qualname
    index = function.__code__.co_freevars.index(_COUNT)
    assert function.__closure__ is not None
    return Wrapped(function, function.__closure__[index])


def first_step(steps: Any) -> Any:
    """Begin an asynchronous generator out of the event loop's sight.

    The loop knows the wrapper, which closes this one. If it knew both, it would close both at
    once when it shuts down, and the second close fails because the first is under way.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return steps.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)


class _Parameters(NamedTuple):
    """The parts of a signature that matter to passing arguments on."""

    positional_only: tuple[str, ...]
    positional: tuple[str, ...]
    star: str | None
    keyword_only: tuple[str, ...]
    double_star: str | None


_ANY = _Parameters((), (), "args", (), "kwargs")


def _parameters(code: CodeType) -> _Parameters | None:
    """A code object's parameters; None where they cannot be written as source."""
    names = code.co_varnames
    count, keyword_only = code.co_argcount, code.co_kwonlyargcount
    used = count + keyword_only
    star = double_star = None
    if code.co_flags & inspect.CO_VARARGS:
        star, used = names[used], used + 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        double_star, used = names[used], used + 1
    taken = names[:used]
    if any(not name.isidentifier() or keyword.iskeyword(name) for name in taken):
        return None
    if any(name.startswith("_monitoring_") for name in taken):
        return None
    return _Parameters(
        positional_only=names[: code.co_posonlyargcount],
        positional=names[code.co_posonlyargcount : count],
        star=star,
        keyword_only=names[count : count + keyword_only],
        double_star=double_star,
    )


@functools.lru_cache(maxsize=256)
def _factory(kind: Kind, parameters: _Parameters) -> Callable[[Any, Any], FunctionType]:
    """Compile the factory of wrappers with these parameters; many functions share one."""
    positional = [*parameters.positional_only, *parameters.positional]
    if parameters.star:
        positional.append(f"*{parameters.star}")
    keywords = [f"{name}={name}" for name in parameters.keyword_only]
    pairs = [f"{name!r}: {name}" for name in parameters.keyword_only]
    if parameters.double_star:
        keywords.append(f"**{parameters.double_star}")
        pairs.append(f"**{parameters.double_star}")
    arguments = "({}), {{{}}}".format("".join(f"{name}, " for name in positional), ", ".join(pairs))
    call = f"{_TARGET}({', '.join([*positional, *keywords])})"
    words = {
        "factory": "_monitoring_factory",
        "target": _TARGET,
        "slow": _SLOW,
        "count": _COUNT,
        "parameters": _signature(parameters),
        "call": call,
        "arguments": arguments,
    }
    if kind is Kind.ASYNC_GENERATOR:
        hidden = {name: f"_monitoring_{name}" for name in ("steps", "item", "sent", "error")}
        source = _ASYNC_GENERATOR.format(**words, **hidden, first=_FIRST)
    else:
        prefix, straight, sampled = _BODIES[kind]
        source = _HEAD.format(
            **words,
            prefix=prefix,
            straight=straight.format(call=call),
            sampled=sampled.format(slow_call=f"{_SLOW}({arguments})"),
        )
    namespace: dict[str, Any] = {"__name__": __name__, _FIRST: first_step}
    exec(compile(source, WRAPPER_FILE, "exec"), namespace)
    made: Callable[[Any, Any], FunctionType] = namespace["_monitoring_factory"]
    return made


def _signature(parameters: _Parameters) -> str:
    # Defaults are set on the finished function; any value marks the parameter as optional
    # only there, so none is written here.
    parts = [*parameters.positional_only]
    if parts:
        parts.append("/")
    parts.extend(parameters.positional)
    if parameters.star:
        parts.append(f"*{parameters.star}")
    elif parameters.keyword_only:
        parts.append("*")
    parts.extend(parameters.keyword_only)
    if parameters.double_star:
        parts.append(f"**{parameters.double_star}")
    return ", ".join(parts)
