"""Carries a profiled call into the tasks and threads that it starts.

While anything is captured, new tasks of the running event loop and what is submitted to
thread pools run inside the call's parts marker. A task factory that the program has set is
kept and used; both changes are taken back with the last capture that needs them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, ContextVar
from types import CodeType
from typing import Any, Protocol

from application_sdk.monitoring.calls.marker import Marker, Step, TaskMarks
from application_sdk.monitoring.engine.followed_loop import FollowedLoop
from application_sdk.monitoring.protocols import ProfiledCall


class Carried(Protocol):
    """What is needed of a session here."""

    call: ProfiledCall
    marker: Marker
    has_cpu: bool
    has_memory: bool
    outer: Carried | None
    open: bool
    marks_tasks: bool
    task_marks: TaskMarks | None

    @property
    def part_step(self) -> Step:
        """Entered whenever a part of the call runs."""
        ...

    def follow_task(self, coroutine: Any) -> Any:
        """A coroutine for a task of the call, which runs the given one where it is seen."""
        ...


active: ContextVar[Any] = ContextVar("application_sdk_monitoring_session", default=None)
"""The innermost session of the running code; None outside of any."""

_lock = threading.Lock()
_carried: dict[int, Carried] = {}
_by_marker: dict[CodeType, Carried] = {}
_followed_loops: dict[Any, FollowedLoop] = {}
_submit: tuple[Callable[..., Any], Any] | None = None


def carry(session: Carried) -> None:
    """Follow the call into what it starts from now on."""
    loop = _running_loop()
    with _lock:
        _carried[id(session)] = session
        if _submit is None:
            _patch_submit()
        if loop is not None:
            session.call.loops[threading.get_ident()] = loop
        if loop is not None and loop not in _followed_loops and session.marks_tasks:
            _followed_loops[loop] = FollowedLoop(loop, active, _followed)


def carried() -> int:
    """How many sessions are followed now."""
    return len(_carried)


def mark_no_tasks() -> None:
    """A session does without markers on its tasks now; if all do, factories go back."""
    with _lock:
        if not any(session.marks_tasks for session in _carried.values()):
            _leave_loops()


def belongs(session: Carried, context: Context) -> bool:
    """Whether what runs in a context was started by the session's call."""
    return session in _sessions(context)


@contextmanager
def known_by_marker(session: Carried) -> Iterator[None]:
    """The session is not the active one inside, though the call's own code runs in here.

    For what is left of a generator: the context is its consumer's in between.
    """
    codes = session.marker.codes
    _by_marker.update(dict.fromkeys(codes, session))
    try:
        yield
    finally:
        for code in codes:
            _by_marker.pop(code, None)


def enclosing() -> Iterator[Carried]:
    """The open sessions whose calls run the present code."""
    yield from _sessions()
    frame = sys._getframe(1) if _by_marker else None
    while frame is not None:
        session = _by_marker.get(frame.f_code)
        if session is not None and session.open:
            yield session
        frame = frame.f_back


def put_down(session: Carried) -> None:
    """Follow it no longer; the last session takes every change back."""
    with _lock:
        _carried.pop(id(session), None)
        if not any(other.marks_tasks for other in _carried.values()):
            _leave_loops()
        if not _carried:
            _restore_submit()


def reset_after_fork() -> None:
    """In a forked child: nothing is carried, and what was changed is as it was before."""
    global _lock
    _lock = threading.Lock()
    _carried.clear()
    _by_marker.clear()
    _leave_loops()
    _restore_submit()


def _leave_loops() -> None:
    for followed in _followed_loops.values():
        followed.leave()
    _followed_loops.clear()


def _running_loop() -> Any:
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def _sessions(context: Context | None = None) -> list[Carried]:
    """The open sessions of the running code, innermost first."""
    session = active.get() if context is None else context.get(active)
    found = []
    while session is not None:
        if session.open:
            found.append(session)
        session = session.outer
    return found


def _followed(coroutine: Any, session: Carried | None) -> Any:
    while session is not None:
        if session.open and session.marks_tasks:
            coroutine = session.follow_task(coroutine)
        session = session.outer
    return coroutine


def _patch_submit() -> None:
    global _submit
    original = ThreadPoolExecutor.submit

    def submit(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        sessions = _sessions()
        if sessions:
            fn = _Submitted(fn, sessions)
        return original(self, fn, *args, **kwargs)

    _submit = (submit, original)
    ThreadPoolExecutor.submit = submit  # type: ignore[assignment,method-assign]


def _restore_submit() -> None:
    global _submit
    if _submit is not None and ThreadPoolExecutor.submit is _submit[0]:
        ThreadPoolExecutor.submit = _submit[1]  # type: ignore[method-assign]
    _submit = None


class _Submitted:
    """A function that a call submitted to a thread pool."""

    def __init__(self, function: Callable[..., Any], sessions: list[Carried]) -> None:
        self._function = function
        self._sessions = sessions

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = active.set(self._sessions[0])
        try:
            return _call(self._function, self._sessions, args, kwargs)
        finally:
            active.reset(token)


def _call(function: Any, sessions: list[Carried], args: Any, kwargs: Any) -> Any:
    if not sessions:
        return function(*args, **kwargs)
    inner, *outer = sessions
    return _enter(inner, _call, (function, outer, args, kwargs))


def _enter(session: Carried, function: Any, args: Any) -> Any:
    with session.part_step:
        return session.call.parts.call(function, args, {})
