"""Apps as users of the SDK write them; imported by its workflow sandbox as theirs are."""

# The SDK is not there where types are checked.
# mypy: ignore-errors
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

# ruff: noqa: A002 - the SDK asks for a parameter named input

from __future__ import annotations

from application_sdk.app import App, entrypoint, task
from application_sdk.contracts.base import Input, Output
from application_sdk.monitoring import flamegraph, memory_profile


class Given(Input):
    rounds: int = 0


class Made(Output):
    total: int = 0


def burn(rounds: int) -> int:
    for _ in range(rounds):
        sum(range(30_000))
    return rounds


@memory_profile
@flamegraph
class Decorated(App):
    name = "decorated"

    @task
    async def on_loop(self, input: Given) -> Made:
        return Made(total=burn(input.rounds))

    @task
    async def in_thread(self, input: Given) -> Made:
        return Made(total=await self.run_in_thread(burn, input.rounds))

    @entrypoint
    async def both(self, input: Given) -> Made:
        first = await self.on_loop(input)
        second = await self.in_thread(input)
        return Made(total=first.total + second.total)


class MethodsOnly(App):
    name = "methods-only"

    @task
    @flamegraph
    async def inner(self, input: Given) -> Made:
        return Made(total=burn(input.rounds))

    @memory_profile
    @task
    async def outer(self, input: Given) -> Made:
        return Made(total=burn(input.rounds))

    @flamegraph
    async def run(self, input: Given) -> Made:
        burn(100)
        first = await self.inner(input)
        second = await self.outer(input)
        return Made(total=first.total + second.total)


class Base(App):
    name = "base"

    @task
    async def work(self, input: Given) -> Made:
        return Made(total=burn(input.rounds))

    async def run(self, input: Given) -> Made:
        return await self.work(input)


@flamegraph
class Inherits(Base):
    name = "inherits"


class Fails(App):
    name = "fails"

    @flamegraph
    async def run(self, input: Given) -> Made:
        raise KeyError("not there")


class Untouched(App):
    name = "untouched"

    @task
    async def step(self, input: Given) -> Made:
        return Made(total=burn(input.rounds))

    async def run(self, input: Given) -> Made:
        return await self.step(input)
