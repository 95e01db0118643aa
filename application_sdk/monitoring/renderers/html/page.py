"""The page of one profile: a single file that opens anywhere, without a network."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.facts import Facts, facts_of
from application_sdk.monitoring.renderers.html.payload import Tree, encode_payload
from application_sdk.monitoring.renderers.html.static_svg import static_svg
from application_sdk.monitoring.renderers.html.static_table import static_table
from application_sdk.monitoring.renderers.html.text import escape
from application_sdk.monitoring.renderers.html.trees import page_trees, timeline

_PACKAGE = "application_sdk.monitoring.renderers.html"


def render(profile: Profile) -> bytes:
    """The HTML page of a profile, equal to the byte for equal profiles.

    Args:
        profile: The profile; either half or both.

    Returns:
        One UTF-8 HTML document that needs no other file and no network.
    """
    facts = facts_of(profile)
    trees = page_trees(profile)
    header: dict[str, Any] = {
        "page": "profile",
        "title": profile.name,
        "outcome": profile.outcome,
        "facts": facts._asdict(),
        "timeline": timeline(profile),
    }
    body = "".join(_still(facts, trees))
    return document(profile.name, body, "viewer", encode_payload(trees, header))


def document(title: str, body: str, program: str, payload: str) -> bytes:
    """Put a page together.

    Args:
        title: What the page is about, as plain text.
        body: HTML to show where no script runs.
        program: Name of the script and style: ``viewer`` or ``index``.
        payload: The data, as text without ``<``.
    """
    script, style = asset(f"{program}.js"), asset("viewer.css")
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width,initial-scale=1">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(program))}">\n',
            '<meta name="referrer" content="no-referrer">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f"<title>{escape(title)}</title>\n",
            '<link rel="icon" href="data:,">\n',
            f"<style>{style}</style>\n<script>{script}</script>\n</head>\n<body>\n",
            f'<main class="still">\n<h1 dir="auto">{escape(title)}</h1>\n{body}</main>\n',
            f'<script type="text/plain" id="payload">{payload}</script>\n</body>\n</html>\n',
        ]
    ).encode("utf-8")


def policy(program: str) -> str:
    """The content security policy that a page carries, and that a server may send with it."""
    return (
        "default-src 'none'; "
        f"script-src '{content_hash(f'{program}.js')}'; style-src '{content_hash('viewer.css')}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def content_hash(name: str) -> str:
    """The hash of a built file in the form that a content security policy takes."""
    digest = hashlib.sha256(asset(name).encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def asset(name: str) -> str:
    """The text of a built file of this package."""
    return files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")


def _still(facts: Facts, trees: list[Tree]) -> list[str]:
    """What shows without a script: the summary as text, a picture and a table."""
    parts = [f"<p>Outcome: <strong>{escape(facts.outcome)}</strong></p>\n<dl>\n"]
    for label, value in (*facts.figures, *facts.details):
        parts.append(f'<dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd>\n')
    parts.append("</dl>\n")
    if facts.notes:
        notes = "".join(f'<li dir="auto">{escape(note)}</li>\n' for note in facts.notes)
        parts.append(f"<h2>Notes</h2>\n<ul>\n{notes}</ul>\n")
    for number, tree in enumerate(trees):
        metric = tree.metrics[0]
        key = tree.tree.metrics[0]
        parts.append(f"<h2>{escape(metric.label)}</h2>\n")
        # One picture keeps the page small; the tables of the other trees are there as text.
        if number == 0:
            parts.append(static_svg(tree.tree, key, metric.unit, metric.label) + "\n")
        parts.append(static_table(tree.tree, key, metric.unit))
    if not trees:
        parts.append("<p>This profile holds no call tree.</p>\n")
    return parts
