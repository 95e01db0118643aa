"""The hottest functions as a plain table, for where no script may run."""

from __future__ import annotations

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.renderers.html.text import escape, format_value

_MOST_ROWS = 15
_LONGEST = 300


def static_table(tree: CallTree, metric: str, unit: str) -> str:
    """The functions with the largest self values as a ``<table>``.

    Totals are left to the script: their walk over the paths of a large tree takes longer
    than all the rest of a page.
    """
    sums = [0.0] * len(tree.frames)
    for frame, value in zip(tree.frame_ids, tree.values[metric], strict=True):
        sums[frame] += value
    whole = sum(sums)
    hottest = sorted(range(len(sums)), key=lambda frame: (-sums[frame], tree.frames[frame]))
    rows = []
    for index in hottest[:_MOST_ROWS]:
        if not sums[index] > 0:
            break
        function, file, line = tree.frames[index]
        place = f"{_short(tree.files[file])}:{line}" if tree.files[file] else ""
        rows.append(
            f"<tr><td>{escape(format_value(sums[index], unit))}</td><td>{sums[index] / whole:.1%}</td>"
            f"<td><bdi>{escape(_short(function))}</bdi></td><td><bdi>{escape(place)}</bdi></td></tr>\n"
        )
    if not rows:
        return "<p>Nothing was recorded.</p>\n"
    return (
        "<table>\n<thead><tr><th>Self</th><th>Share</th><th>Function</th><th>Place</th></tr></thead>\n"
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>\n"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST // 2] + "…" + text[-_LONGEST // 2 :]
