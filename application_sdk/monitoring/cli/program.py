"""The programs that ``run`` profiles: a script, or a function of a module."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.machinery
import inspect
import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, Protocol

from application_sdk.monitoring.calls.wrapper import WRAPPER_FILE
from application_sdk.monitoring.errors import MonitoringError

_PACKAGE_DIRECTORY = str(Path(__file__).parents[1]) + os.sep


class Program(Protocol):
    """What can be profiled from its start to its end.

    Attributes:
        name: The profile's name.
    """

    name: str

    def decorate(self, *, cpu: bool, memory: bool) -> Callable[[], Any]:
        """The program as a callable that is profiled when it is called."""
        ...

    def run(self, profiled: Callable[[], Any]) -> int:
        """Run it as the process's main program, and return its exit code."""
        ...


def find_program(target: str, arguments: Sequence[str]) -> Program:
    """The program that a command line means.

    Args:
        target: ``script.py`` or ``module:function``.
        arguments: The program's own arguments.

    Raises:
        MonitoringError: If there is no such script or function.
    """
    if os.path.exists(target) or target.endswith(".py"):
        return _Script(target, arguments)
    module, colon, function = target.partition(":")
    if not (colon and module and function):
        raise MonitoringError(f"{target} is neither a script that exists nor module:function")
    return _Function(module, function, arguments)


class _Script:
    def __init__(self, path: str, arguments: Sequence[str]) -> None:
        self._path = os.path.abspath(path)
        self._arguments = [path, *arguments]
        self._code = _compile(self._path)
        self.name = Path(path).stem

    def decorate(self, *, cpu: bool, memory: bool) -> Callable[[], Any]:
        module = ModuleType("__main__")
        loader = importlib.machinery.SourceFileLoader("__main__", self._path)
        vars(module).update(
            __file__=self._path, __builtins__=sys.modules["builtins"], __loader__=loader
        )
        # What the program pickles, starts or runs at exit finds itself under this name, also
        # after this function has returned: so it is never put back.
        sys.modules["__main__"] = module
        # A partial has no code, so the tree begins with the script's own first frame.
        main = functools.partial(_execute, self._code, vars(module))
        profiled: Callable[[], Any] = _decorated(main, self.name, cpu=cpu, memory=memory)
        return profiled

    def run(self, profiled: Callable[[], Any]) -> int:
        sys.argv[:] = self._arguments
        sys.path[0] = os.path.dirname(self._path)
        return _exit_code(profiled)


class _Function:
    def __init__(self, module: str, name: str, arguments: Sequence[str]) -> None:
        # As `python -m` does.
        sys.path[0] = str(Path.cwd())
        sys.argv[:] = [f"{module}:{name}", *arguments]
        self._function = _import(module, name)
        self._arguments = _accepted(self._function, arguments, f"{module}:{name}")
        self.name = f"{module}.{name}"

    def decorate(self, *, cpu: bool, memory: bool) -> Callable[[], Any]:
        profiled = _decorated(self._function, self.name, cpu=cpu, memory=memory)
        if inspect.iscoroutinefunction(profiled):
            return lambda: asyncio.run(profiled(*self._arguments))
        return lambda: profiled(*self._arguments)

    def run(self, profiled: Callable[[], Any]) -> int:
        return _exit_code(profiled)


def _decorated(target: Any, name: str, *, cpu: bool, memory: bool) -> Any:
    from application_sdk.monitoring.decorators import flamegraph, memory_profile

    if cpu:
        target = flamegraph(name=name, sample_rate=1.0)(target)
    if memory:
        target = memory_profile(name=name, sample_rate=1.0)(target)
    return target


def _execute(code: CodeType, namespace: dict[str, Any]) -> None:
    try:
        exec(code, namespace)
    except SystemExit as leaving:
        # `sys.exit(main())` is how a script returns; only a failure is an exception.
        if leaving.code not in (None, 0):
            raise


def _compile(path: str) -> CodeType:
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise MonitoringError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise MonitoringError(f"cannot run {path}: {error}") from error


def _import(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise MonitoringError(f"cannot import {module}: {type(error).__name__}: {error}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise MonitoringError(f"{module} has no {name}")
    if isinstance(found, type) or not callable(found):
        raise MonitoringError(f"{module}:{name} is a {type(found).__name__}, not a function")
    if inspect.isgeneratorfunction(found) or inspect.isasyncgenfunction(found):
        raise MonitoringError(f"{module}:{name} is a generator: name a function that consumes it")
    return found


def _accepted(function: Any, arguments: Sequence[str], target: str) -> Sequence[str]:
    """The arguments that the function is called with: all of them if it takes any, else none."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return arguments
    passed = arguments if signature.parameters else ()
    try:
        signature.bind(*passed)
    except TypeError as error:
        given = " ".join(arguments) or "no arguments"
        raise MonitoringError(
            f"{target}{signature} cannot be called with {given}: {error}"
        ) from error
    return passed


def _exit_code(profiled: Callable[[], Any]) -> int:
    try:
        profiled()
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return int(leaving.code or 0)
        print(leaving.code, file=sys.stderr)
        return 1
    except Exception as error:
        # What the interpreter would show of the same program: its own frames.
        own = _without_ours(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(own), own)
        return 1
    return 0


def _without_ours(traceback: TracebackType | None) -> types.TracebackType | None:
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file != WRAPPER_FILE and not file.startswith(_PACKAGE_DIRECTORY):
            return traceback
        traceback = traceback.tb_next
    return None
