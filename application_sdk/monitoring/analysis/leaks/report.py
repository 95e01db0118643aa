"""What a leak check answers: plain, frozen data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from application_sdk.monitoring.model.profile import Profile

LeakCheckVerdict = Literal["leak", "clean", "inconclusive"]


class LeakSite(BaseModel):
    """One place in the code whose memory grows with every call.

    The place is the innermost line of your own code on the allocating stack: memory
    that the standard library or an installed package takes on behalf of your line is
    counted for your line. ``stack`` has the whole path.

    Attributes:
        function: The bare name of the function.
        file: The file that defines it.
        line: The line that allocates, or that calls the library that does.
        bytes_per_call: Bytes that stay alive after each call.
        allocations_per_call: Allocations that stay alive after each call; None for native
            memory, of which only the line is known.
        stack: ``file:line function`` from the target inwards to the allocation, of the
            path that leaks most through this line.
    """

    model_config = ConfigDict(frozen=True)

    function: str
    file: str
    line: int
    bytes_per_call: float
    allocations_per_call: float | None
    stack: tuple[str, ...] = ()


class LeakReport(BaseModel):
    """The answer of ``check_leaks``.

    Attributes:
        verdict: ``leak``, ``clean``, or ``inconclusive`` when neither could be shown.
        target: The checked callable, as ``module.qualname``.
        bytes_per_call: Live heap that each call adds, in bytes; None when too few
            calls could be made to tell.
        confidence_interval: The 98 % interval of ``bytes_per_call``; None as above.
        native_bytes_per_call: The part that no traced allocation explains, in bytes per
            call; None when nothing was traced. Where the line across which the C heap grows
            could be found, it is among the sites.
        calls: Calls of the target made in all.
        seconds: How long the check took.
        sites: Where the memory is allocated, largest first.
        profile: The retained flamegraph of only the growing sites; None when clean or
            when nothing could be traced.
        explanation: The verdict and its reason in one sentence.
        notes: Every restriction of the check and its reason.
    """

    model_config = ConfigDict(frozen=True)

    verdict: LeakCheckVerdict
    target: str
    bytes_per_call: float | None
    confidence_interval: tuple[float, float] | None
    native_bytes_per_call: float | None
    calls: int
    seconds: float
    sites: list[LeakSite] = []
    profile: Profile | None = None
    explanation: str
    notes: tuple[str, ...] = ()
