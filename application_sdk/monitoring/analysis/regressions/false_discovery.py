"""Testing many functions at once without finding what is not there."""

from __future__ import annotations

from collections.abc import Sequence


def discoveries(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses to reject so that at most ``rate`` of the rejections are expected wrong.

    Source:
        Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995),
        289-300.
    """
    count = len(p_values)
    order = sorted(range(count), key=p_values.__getitem__)
    last = 0
    for rank, index in enumerate(order, start=1):
        if p_values[index] <= rate * rank / count:
            last = rank
    rejected = [False] * count
    for index in order[:last]:
        rejected[index] = True
    return rejected
