"""The page of one profile: a single file that opens anywhere, without script or network."""

from __future__ import annotations

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.facts import Facts, facts_of
from application_sdk.monitoring.renderers.html.static_svg import static_svg
from application_sdk.monitoring.renderers.html.static_table import static_table
from application_sdk.monitoring.renderers.html.text import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1d1a16;--soft:#6b645b;--back:#fbfaf8;--line:#e2ddd5}
@media (prefers-color-scheme:dark){:root{--ink:#eee9e2;--soft:#a39b90;--back:#1b1a18;--line:#3a3733}}
body{margin:0 auto;max-width:1180px;padding:24px;background:var(--back);color:var(--ink);
font:14px/1.5 system-ui,sans-serif}
h1{font-size:20px;margin:0;overflow-wrap:anywhere}h2{font-size:16px;margin:28px 0 8px}
dl{display:flex;flex-wrap:wrap;gap:8px 28px;margin:16px 0}dl div{overflow-wrap:anywhere}
dt{color:var(--soft);font-size:12px}dd{margin:0}
dl.figures dd{font-size:18px;font-weight:600}
ul{padding-left:20px}table{border-collapse:collapse;width:100%;margin-top:8px}
th,td{text-align:left;padding:3px 12px 3px 0;border-bottom:1px solid var(--line);
overflow-wrap:anywhere;vertical-align:top}th{color:var(--soft);font-weight:500}
td:nth-child(-n+2){white-space:nowrap;font-variant-numeric:tabular-nums}
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# Kind and metric of each section, with its heading and the unit of its values.
_SECTIONS = (
    ("cpu", "wall_seconds", "Wall time", "s"),
    ("cpu", "cpu_seconds", "CPU time (burnt)", "s"),
    ("cpu", "await_seconds", "Awaiting", "s"),
    ("peak", "bytes", "Peak memory", "B"),
    ("retained", "bytes", "Retained memory", "B"),
)


def render(profile: Profile) -> bytes:
    """The HTML page of a profile, equal to the byte for equal profiles.

    Args:
        profile: The profile; either half or both.

    Returns:
        One UTF-8 HTML document that needs no other file, no script and no network.
    """
    title = escape(profile.name)
    body = "".join([*_head(facts_of(profile)), *_sections(profile)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<title>{title}</title>\n<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n'
        f'</head>\n<body>\n<main>\n<h1 dir="auto">{title}</h1>\n{body}</main>\n</body>\n</html>\n'
    ).encode("utf-8", "replace")


def _head(facts: Facts) -> list[str]:
    parts = [f"<p>Outcome: <strong>{escape(facts.outcome)}</strong></p>\n"]
    for kind, pairs in (("figures", facts.figures), ("details", facts.details)):
        parts.append(f'<dl class="{kind}">\n')
        for label, value in pairs:
            parts.append(
                f'<div><dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd></div>\n'
            )
        parts.append("</dl>\n")
    if facts.notes:
        notes = "".join(f'<li dir="auto">{escape(note)}</li>\n' for note in facts.notes)
        parts.append(f"<h2>Notes</h2>\n<ul>\n{notes}</ul>\n")
    return parts


def _sections(profile: Profile) -> list[str]:
    memory = profile.memory
    trees: dict[str, CallTree | None] = {
        "cpu": profile.cpu.tree if profile.cpu else None,
        "peak": memory.peak_tree if memory else None,
        "retained": memory.retained_tree if memory else None,
    }
    parts: list[str] = []
    for kind, metric, heading, unit in _SECTIONS:
        tree = trees[kind]
        if tree is None or metric not in tree.metrics:
            continue
        parts.append(f"<h2>{heading}</h2>\n")
        parts.append(static_svg(tree, metric, unit, heading) + "\n")
        parts.append(static_table(tree, metric, unit))
    if not parts:
        parts.append("<p>This profile holds no call tree; the notes above say why.</p>\n")
    return parts
