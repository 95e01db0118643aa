"""Checks the arguments of the decorators when they are applied."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path

from pydantic import ValidationError

from application_sdk.monitoring.engine.plan import Options
from application_sdk.monitoring.errors import InvalidArgumentError, InvalidArgumentTypeError
from application_sdk.monitoring.settings import Override


def parse_options(
    decorator: str,
    name: object,
    output_dir: object,
    sample_rate: object,
    formats: object,
    interval: object,
    backend: object,
    native: object,
    *,
    cpu: bool,
) -> Options:
    """Check a decorator's arguments, each left out where None.

    Raises:
        InvalidArgumentTypeError: If one has the wrong type.
        InvalidArgumentError: If a value is not allowed.
    """
    if name is not None and not isinstance(name, str):
        raise wrong_type(decorator, "name", name, "a string")
    if name == "":
        raise InvalidArgumentError(f"{decorator}(name='') is not allowed: it must not be empty")
    if output_dir is not None and not isinstance(output_dir, str | PathLike):
        raise wrong_type(decorator, "output_dir", output_dir, "a path")
    rate = None if sample_rate == "trace" else sample_rate
    for label, number, allowed in (
        ("sample_rate", rate, "a number from 0 to 1, or 'trace'"),
        ("interval", interval, "a number"),
    ):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise wrong_type(decorator, label, number, allowed)
    if native is not None and not isinstance(native, bool):
        raise wrong_type(decorator, "native", native, "True or False")
    if backend is not None and not isinstance(backend, str):
        raise wrong_type(decorator, "backend", backend, "the name of a backend")
    formats = None if formats is None else _format_names(decorator, formats)
    field = "cpu_backend" if cpu else "memory_backend"
    given = {
        "output_dir": output_dir,
        "sample_rate": sample_rate,
        "formats": formats,
        "interval": interval,
        field: backend,
    }
    if all(value is None for value in (*given.values(), native)):
        return Options(cpu=cpu, memory=not cpu, name=name)
    try:
        checked = Override.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        label = "backend" if first["loc"][0] == field else str(first["loc"][0])
        raise InvalidArgumentError(
            f"{decorator}({label}={first['input']!r}) is not allowed: {first['msg']}"
        ) from error
    return Options(
        cpu=cpu,
        memory=not cpu,
        name=name,
        output_dir=None if checked.output_dir is None else Path(checked.output_dir),
        sample_rate=checked.sample_rate,
        formats=checked.formats,
        interval=checked.interval,
        cpu_backend=checked.cpu_backend,
        memory_backend=checked.memory_backend,
        native=native,
    )


def _format_names(decorator: str, formats: object) -> object:
    if isinstance(formats, str):
        return formats
    if isinstance(formats, bytes) or not isinstance(formats, Iterable):
        raise wrong_type(decorator, "formats", formats, "names or a comma-separated string")
    names = tuple(formats)
    if not names:
        raise InvalidArgumentError(
            f"{decorator}(formats={formats!r}) is not allowed: name at least one format"
        )
    if not all(isinstance(name, str) for name in names):
        raise wrong_type(decorator, "formats", names, "names or a comma-separated string")
    return names


def refuse_unknown(decorator: Callable[..., object], unknown: Mapping[str, object]) -> None:
    """Refuse keywords that the decorator does not have.

    Raises:
        InvalidArgumentTypeError: If there are any.
    """
    for name, value in unknown.items():
        known = [
            label
            for label, parameter in inspect.signature(decorator).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]
        raise InvalidArgumentTypeError(
            f"{decorator.__name__}({name}={value!r}) is not known; it takes {', '.join(known)}"
        )


def wrong_type(decorator: str, name: str, value: object, allowed: str) -> InvalidArgumentTypeError:
    """The error for an argument of the wrong type."""
    return InvalidArgumentTypeError(
        f"{decorator}({name}={value!r}) is a {type(value).__name__}; it must be {allowed}"
    )


def parse_method_names(decorator: str, methods: object) -> tuple[str, ...] | None:
    """Check the ``methods`` argument.

    Raises:
        InvalidArgumentTypeError: If it is not an iterable of names.
    """
    if methods is None:
        return None
    if isinstance(methods, str) or not isinstance(methods, Iterable):
        raise wrong_type(decorator, "methods", methods, "a list of method names")
    names = tuple(methods)
    for name in names:
        if not isinstance(name, str):
            raise wrong_type(decorator, "methods", methods, "a list of method names")
    return names
