"""What the exit code of every command means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes; a script that ``run`` profiles ends with its own."""

    FINE = 0
    FINDING = 1
    """A leak or a regression was found."""
    UNUSABLE = 2
    """The arguments or a file could not be used; one line on stderr says why."""
    INCONCLUSIVE = 3
    """The measurement could not decide."""
    FAULT = 70
    """A fault in this program, never to be mistaken for a finding."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output had seen enough."""
