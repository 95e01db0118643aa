"""What a terminal can show: text that fits its width, bars, curves and headings.

Foreign text reaches the terminal as ``rich.text.Text`` with what does not print escaped: it is
never read as markup, and it cannot send codes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from application_sdk.monitoring.renderers.units import one_line

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod, RenderableType
    from rich.text import Text

_WIDEST = 140
_NARROWEST = 20
_LABEL_WIDTH = 10
_LONGEST_TEXT = 20_000
_LONGEST_PLACE = 1_000
_SHORTEST_PLACE = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-=+*%#"


def terminal() -> Console | None:
    """The terminal that standard output is; None where only plain text is right.

    Rich is needed for people at a terminal only, so it is loaded here and nowhere else.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return None
    from rich.console import Console

    console = Console(
        force_terminal=True, highlight=False, markup=False, emoji=False, width=_width()
    )
    return None if console.legacy_windows else console


def _width() -> int | None:
    """The cells of a line, of the terminal that is written to; None leaves it to rich."""
    if os.environ.get("COLUMNS", "").isdigit():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def safe(text: str) -> str:
    """Foreign text that is one line and sends no codes, cut where nobody would read on."""
    return one_line(text[:_LONGEST_TEXT])


class Sheet:
    """Lines for one terminal, from top to bottom.

    Args:
        console: The terminal.

    Attributes:
        width: Cells of a line.
        roomy: Whether there is room for more than the essential columns.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = max(_NARROWEST, min(console.width, _WIDEST))
        self.roomy = self.width >= 60
        self._ascii = console.options.ascii_only

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def title(self, text: str, aside: Text | None = None) -> None:
        """The first line: what this is about, and how it ended at the right."""
        from rich.text import Text

        name = Text(safe(text), style="bold")
        if aside is not None and name.cell_len + 2 + aside.cell_len <= self.width:
            name.append(" " * (self.width - name.cell_len - aside.cell_len))
            name.append_text(aside)
            aside = None
        # Two lines are enough to know a name by.
        name.truncate(2 * self.width, overflow=self._cut)
        self._print(name)
        if aside is not None:
            self._print(aside)

    def heading(self, text: str, aside: str = "") -> None:
        """The begin of a section, with what it is measured by at its side."""
        from rich.rule import Rule
        from rich.text import Text

        line = Text(text, style="bold")
        if aside:
            line.append(f"  {safe(aside)}", style="not bold dim")
        line.truncate(self.width - 4, overflow=self._cut)
        self.blank()
        self._print(Rule(line, align="left", style="dim"))

    def fact(self, label: str, value: Text | str) -> None:
        """A label and what it says, which goes on under itself."""
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        row.add_column(width=_LABEL_WIDTH, style="dim", no_wrap=True)
        row.add_column(width=self.width - _LABEL_WIDTH - 1, overflow="fold")
        row.add_row(Text(label), Text(safe(value)) if isinstance(value, str) else value)
        self._print(row)

    def item(self, text: str, style: str = "", mark: str = "!") -> None:
        """A sentence of a list."""
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(width=self.width - 2, overflow="fold")
        row.add_row(Text(mark, style=style), Text(safe(text), style=style))
        self._print(row)

    def line(self, text: Text) -> None:
        """One line, cut at the terminal's edge."""
        text.truncate(self.width, overflow=self._cut)
        self._print(text)

    def bar(self, part: float, whole: float, cells: int, style: str) -> Text:
        """A part of a whole as a bar of so many cells; empty where there is no whole."""
        from rich.text import Text

        filled = min(1.0, max(0.0, part / whole)) * cells if whole > 0 else 0.0
        if not cells:
            return Text()
        if self._ascii:
            drawn = "#" * round(filled)
        else:
            eighths = round(filled * 8)
            if part > 0 and not eighths:
                eighths = 1
            drawn = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        return Text(drawn.ljust(cells), style=style)

    def curve(self, points: Sequence[tuple[float, float]], cells: int, style: str) -> Text:
        """Values over time as one line of blocks, each the most of its stretch."""
        from rich.text import Text

        highest = spread(points, cells)
        low, high = min(highest), max(highest)
        levels = _ASCII_LEVELS if self._ascii else _LEVELS
        step = (high - low) / (len(levels) - 1) or 1.0
        drawn = Text()
        for value in highest:
            top = value == high and high > low
            drawn.append(
                levels[round((value - low) / step)], style=f"bold {style}" if top else style
            )
        return drawn

    def place(self, function: str, where: str, cells: int) -> Text:
        """A function and its file and line, in so many cells: the file's end matters most."""
        from rich.text import Text

        name = Text(safe(function), style="bold")
        room = cells - 2
        if not self.roomy:
            name.truncate(cells, overflow=self._cut)
        elif name.cell_len + len(where) > room:
            name.truncate(max(room * 3 // 5, room - len(where)), overflow=self._cut)
        left = room - name.cell_len
        if where and left >= min(len(where), _SHORTEST_PLACE):
            name.append("  ")
            name.append(shortened(where, left, "..." if self._ascii else "…"), style="not bold dim")
        return name

    @property
    def _cut(self) -> OverflowMethod:
        return "crop" if self._ascii else "ellipsis"

    def _print(self, renderable: RenderableType) -> None:
        self._console.print(renderable, soft_wrap=False, width=self.width)


def spread(points: Sequence[tuple[float, float]], cells: int) -> list[float]:
    """The highest value of each of so many stretches of time; one without a point keeps the last.

    Args:
        points: Pairs of time and value, in order of time; at least one.
        cells: How many stretches, at least one.
    """
    start, end = points[0][0], points[-1][0]
    length = (end - start) or 1.0
    found: list[float | None] = [None] * cells
    for at, value in points:
        cell = min(cells - 1, int((at - start) / length * cells))
        known = found[cell]
        found[cell] = value if known is None else max(known, value)
    last = points[0][1]
    filled = []
    for highest in found:
        last = last if highest is None else highest
        filled.append(last)
    return filled


def shortened(place: str, cells: int, mark: str = "…") -> str:
    """A path of which the end is kept, cut between two directories where that is enough."""
    from rich.cells import cell_len

    text = one_line(place[-_LONGEST_PLACE:])
    if cell_len(text) <= cells:
        return text
    *directories, name = text.split("/")
    if cell_len(name) + len(mark) + 1 > cells:
        while name and cell_len(name) > cells - len(mark):
            name = name[1:]
        return (mark + name)[:cells]
    for directory in reversed(directories):
        longer = f"{directory}/{name}"
        if cell_len(longer) + len(mark) + 1 > cells:
            break
        name = longer
    return f"{mark}/{name}"
