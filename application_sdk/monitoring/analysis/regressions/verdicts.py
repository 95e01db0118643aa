"""What a comparison says: one verdict for the run and one for each function."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["regression", "improvement", "unchanged", "inconclusive"]


class FunctionVerdict(BaseModel):
    """What happened to one function's own cost.

    Attributes:
        function: The function's bare name.
        file: The file that defines it, as the candidate has it where it still exists.
        verdict: ``inconclusive`` where too little was seen of it to tell.
        ratio: Candidate / baseline of its self value, once the general pace of the two sides is
            taken out; None when the baseline has none of it.
        share: Its part of the candidate's whole, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")

    function: str
    file: str
    verdict: Verdict
    ratio: float | None
    share: float


class Comparison(BaseModel):
    """The outcome of comparing a baseline with a candidate.

    Attributes:
        verdict: ``regression`` when the candidate costs more than the threshold allows,
            ``inconclusive`` when the evidence does not suffice, and ``explanation`` says why.
        ratio: Candidate / baseline; None when there was nothing to divide.
        confidence_interval: 95 % bootstrap interval of the ratio, low and high; None when
            there is none.
        functions: One verdict for each function, largest effect first.
        environment_mismatch: What differs between the machines or library versions of the two
            sides, in words. With any, the verdict is never ``regression``.
        explanation: One sentence for a human reader.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    ratio: float | None
    confidence_interval: tuple[float, float] | None
    functions: tuple[FunctionVerdict, ...] = ()
    environment_mismatch: tuple[str, ...] = ()
    explanation: str
