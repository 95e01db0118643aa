"""Frequent ticks become rarer where each is dear, so that together they cost a bounded share."""

from __future__ import annotations

import time

_SHARE = 0.003
"""Of the time, for ticks 10 ms apart; who asks for more frequent ones allows for more."""
_SHARE_IS_FOR_SECONDS = 0.01
_MOST_CREDIT_SECONDS = 0.003
"""CPU time that may be spent at once: some dozens of ticks, so that a short call is seen well."""
_LONGEST_PAUSE_SECONDS = 0.25


class Pace:
    """Says how long a thread that ticks should pause, from the CPU time that it has taken.

    What a tick costs differs by ten times: by depth and number of the stacks, by how much of
    the processor's cache the program uses, by how long the thread has to ask for the
    interpreter's lock. CPU time is earned as time passes and spent by ticks; while there is
    credit, ticks come as often as they were asked for.
    """

    def __init__(self) -> None:
        self._credit = _MOST_CREDIT_SECONDS
        self._since = time.monotonic()
        self._cpu_since = 0.0
        self._share = _SHARE

    def begin(self) -> None:
        """The present thread ticks from now on."""
        self._cpu_since = time.thread_time()

    def retune(self, interval: float) -> None:
        """Ticks are asked for at this interval, in seconds."""
        self._share = _SHARE * max(1.0, _SHARE_IS_FOR_SECONDS / max(interval, 1e-4))

    def pause(self, now: float, cpu: float) -> float:
        """How long there should be no frequent tick.

        Args:
            now: The time of ``time.monotonic``.
            cpu: The thread's of ``time.thread_time``.

        Returns:
            Seconds; 0 while there is credit.
        """
        share = self._share
        earned = min(_MOST_CREDIT_SECONDS, self._credit + (now - self._since) * share)
        credit = earned - (cpu - self._cpu_since)
        self._since, self._cpu_since = now, cpu
        if credit < 0:
            # What a single long step has cost is not made up for by a long blindness.
            credit = max(credit, -_LONGEST_PAUSE_SECONDS * share)
        self._credit = credit
        return max(0.0, -credit / share)
