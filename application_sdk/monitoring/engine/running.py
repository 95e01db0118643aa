"""What a sampled call of each kind does in place of the plain call."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.calls.wrapper import first_step
from application_sdk.monitoring.config_file import config_file
from application_sdk.monitoring.engine.beginning import begin
from application_sdk.monitoring.engine.context import in_workflow, shielded
from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.engine.session import Session
from application_sdk.monitoring.engine.workflow_steps import call_in_workflow


class _Guard:
    """Ends a session with the exception that leaves the block, if any."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Session:
        return self._session

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.finish(error)


class _SyncCall:
    """A synchronous call's session, from before its start to its end, whatever hits its thread.

    Entered twice: a cancellation that is thrown into the thread between the call's return
    and the shield's rise leaves the inner one early, and the outer one cleans up.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        """The session is open already."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session.open:
            with shielded():
                self._session.pause(False)
                self._session.finish(error)


def slow_path(plan: Plan) -> Callable[[Any, Any], Any]:
    """The function that a generated wrapper calls when its countdown is used up."""
    if plan.kind is Kind.SYNC:
        return _decide_sync(plan)
    run = _RUNNERS[plan.kind]

    def decide(args: Any, kwargs: Any) -> Any:
        if in_workflow():
            return call_in_workflow(plan, args, kwargs)
        config_file.look()
        session = begin(plan)
        if session is None:
            if plan.kind is Kind.ASYNC:
                return _timed_async(plan, args, kwargs)
            return plan.target(*args, **kwargs)
        return run(session, plan.target, args, kwargs)

    return decide


def _decide_sync(plan: Plan) -> Callable[[Any, Any], Any]:
    def decide(args: Any, kwargs: Any) -> Any:
        if in_workflow():
            return call_in_workflow(plan, args, kwargs)
        session: Session | None = None
        try:
            with shielded():
                config_file.look()
                session = begin(plan)
                if session is not None:
                    session.resume()
        except BaseException as error:
            # A cancellation that came meanwhile; begin and resume raise nothing of theirs.
            if session is not None:
                session.pause(False)
                session.finish(error)
            raise
        if session is None:
            started = plan.durations.begin(plan.resolved)
            result = plan.target(*args, **kwargs)
            if started is not None:
                plan.durations.end(started)
            return result
        return _run_sync(session, plan.target, args, kwargs)

    return decide


def _run_sync(session: Session, target: Any, args: Any, kwargs: Any) -> Any:
    guard = _SyncCall(session)
    with guard, guard:
        return session.marker.call(target, args, kwargs)


async def _timed_async(plan: Plan, args: Any, kwargs: Any) -> Any:
    started = plan.durations.begin(plan.resolved)
    result = await plan.target(*args, **kwargs)
    if started is not None:
        plan.durations.end(started)
    return result


async def _run_async(session: Session, target: Any, args: Any, kwargs: Any) -> Any:
    with _Guard(session):
        coroutine = session.call.suspended = target(*args, **kwargs)
        return await session.marker.drive_coroutine(coroutine, session.awaited_step)


def _run_generator(session: Session, target: Any, args: Any, kwargs: Any) -> Any:
    with _Guard(session):
        generator = target(*args, **kwargs)
        return (yield from session.marker.drive_generator(generator, session.step))


class _MeteredAsyncGenerator:
    """An asynchronous generator whose every step is followed; ends its session when it ends."""

    def __init__(self, session: Session, inner: Any) -> None:
        self._session = session
        self._inner = inner
        session.call.suspended = inner

    async def __anext__(self) -> Any:
        # The generated wrapper calls this once, to begin, and asend from then on.
        return await self._step(first_step(self._inner))

    async def asend(self, value: Any) -> Any:
        return await self._step(self._inner.asend(value))

    async def athrow(self, error: BaseException) -> Any:
        return await self._step(self._inner.athrow(error))

    async def aclose(self) -> None:
        try:
            await self._step(self._inner.aclose(), closing=True)
        finally:
            self._end(None, closed=True)

    async def _step(self, awaitable: Any, closing: bool = False) -> Any:
        session = self._session
        try:
            return await session.marker.drive_coroutine(awaitable, session.awaited_step)
        except StopAsyncIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error, closed=closing)
            raise
        finally:
            session.left_between_steps()

    def _end(self, error: BaseException | None, closed: bool = False) -> None:
        if self._session.open:
            self._session.finish(error, closed)


def _run_async_generator(session: Session, target: Any, args: Any, kwargs: Any) -> Any:
    return _MeteredAsyncGenerator(session, target(*args, **kwargs))


_RUNNERS = {
    Kind.ASYNC: _run_async,
    Kind.GENERATOR: _run_generator,
    Kind.ASYNC_GENERATOR: _run_async_generator,
}
