"""The page of one profile: a single file that opens anywhere, without a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
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
    trees = page_trees(profile)
    header: dict[str, Any] = {
        "page": "profile",
        "title": profile.name,
        "timeline": timeline(profile),
    }
    head = page_head(profile.name, facts_of(profile))
    return document(profile.name, head, "".join(still(trees)), encode_payload(trees, header))


def document(title: str, head: str, still: str, payload: str) -> bytes:
    """Put a page of the viewer together.

    Args:
        title: What the page is about, as plain text.
        head: HTML of what is known besides the graphs; it always shows.
        still: HTML to show instead of the graphs where no script runs.
        payload: The data, as text without ``<``.
    """
    return "".join(
        [
            opening(title, "viewer"),
            f'<header>\n{head}</header>\n<div id="app"></div>\n<section class="still">\n{still}</section>\n',
            f'<script type="text/plain" id="payload">{payload}</script>\n</body>\n</html>\n',
        ]
    ).encode("utf-8")


def opening(title: str, program: str) -> str:
    """The beginning of a page, up to its body: policy, style and script."""
    script, style = asset(f"{program}.js"), asset("viewer.css")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(program))}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{style}</style>\n<script>{script}</script>\n</head>\n<body>\n"
    )


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


def page_head(title: str, facts: Facts) -> str:
    """What is known about a call besides its trees: figures, context, notes."""
    bad = "" if facts.outcome in ("returned", "closed") else " bad"
    parts = [
        (
            f'<h1 dir="auto">{escape(title)}</h1> '
            f'<span class="outcome{bad}" dir="auto">{escape(facts.outcome)}</span>\n'
        )
    ]
    parts.append(definitions("figures", facts.figures))
    if facts.notes:
        notes = "".join(f'<li dir="auto">{escape(note)}</li>\n' for note in facts.notes)
        parts.append(f'<ul class="notes" aria-label="Notes">\n{notes}</ul>\n')
    parts.append(
        f'<details>\n<summary>When, where and how: <bdi class="brief">{escape(facts.brief)}</bdi></summary>\n'
        f"{definitions('details', facts.details)}</details>\n"
    )
    return "".join(parts)


def definitions(kind: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Labels and values as a ``<dl>``."""
    inner = "".join(
        f'<div><dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd></div>\n'
        for label, value in pairs
    )
    return f'<dl class="{kind}">\n{inner}</dl>\n'


def still(trees: list[Tree]) -> list[str]:
    """What shows without a script: pictures of the largest frames and tables of functions."""
    parts: list[str] = []
    for number, tree in enumerate(trees):
        metric = tree.metrics[0]
        key = tree.tree.metrics[0]
        parts.append(f"<h2>{escape(metric.label)}</h2>\n")
        # The picture of one tree keeps the page small; the others are there as text.
        if number == 0:
            parts.append(static_svg(tree.tree, key, metric.unit, metric.label) + "\n")
        parts.append(static_table(tree.tree, key, metric.unit))
    if not trees:
        parts.append("<p>This profile holds no call tree; the notes say why.</p>\n")
    return parts
