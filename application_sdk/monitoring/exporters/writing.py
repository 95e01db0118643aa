"""Stores profiles as files; large ones are rendered and written by the helper process.

Rendering a large tree holds the interpreter's lock for long stretches. Formats that the program
has registered are not known to the helper, and small profiles are not worth the trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from application_sdk.monitoring.containment import report_fault, warn_once
from application_sdk.monitoring.exporters.files import Written, keep, render_files
from application_sdk.monitoring.helper.client import HelperLost, helper
from application_sdk.monitoring.helper.wire import Line, TreeReader, tree_lines
from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.registry import renderers

LARGE_NODES = 2_000
"""From how many nodes on a profile is rendered elsewhere."""

_TREES = (("cpu", "tree"), ("memory", "peak_tree"), ("memory", "retained_tree"))


class Writing(NamedTuple):
    """What came of storing a profile.

    Attributes:
        files: The files written, in the order of the formats.
        cpu_seconds: What that has cost in another process.
    """

    files: list[Path]
    cpu_seconds: float


def write_files(
    profile: Profile, output_dir: Path, formats: Iterable[str], most: int, most_bytes: int
) -> Writing:
    """Render and write a profile, then delete the oldest ones beyond what may be stored.

    A format that cannot be rendered is logged once and left out.

    Raises:
        OSError: If the directory cannot be written.
    """
    names = tuple(formats)
    written: list[Written] = []
    spent = 0.0
    elsewhere = tuple(filter(renderers.is_built_in, names)) if _is_large(profile) else ()
    if elsewhere:
        try:
            written, spent = _write_elsewhere(profile, output_dir, elsewhere)
        except HelperLost as lost:
            elsewhere = ()
            note = f"this profile was rendered in the profiled process, because {lost}"
            profile = profile.model_copy(update={"notes": (*profile.notes, note)})
    here = tuple(name for name in names if name not in elsewhere)
    if here:
        written += render_files(profile, output_dir, here, _tell)
    written.sort(key=lambda one: names.index(one.format))
    keep(profile, output_dir, sum(one.size for one in written), most, most_bytes)
    return Writing([one.path for one in written], spent)


def answer(request: list[Line], send: Callable[..., None]) -> None:
    """In the helper process: render and write a profile, and send what was written."""
    head, *lines = request
    trees = TreeReader()
    for line in lines:
        trees.take(line)
    profile = Profile.model_validate(_with_trees(head["profile"], trees.tree))

    def failed(name: str, error: Exception) -> None:
        send(failed=name, kind=type(error).__name__, text=str(error))

    for one in render_files(profile, Path(head["directory"]), head["formats"], failed):
        send(format=one.format, file=one.path.name, folder=one.path.parent.name, size=one.size)


def _write_elsewhere(
    profile: Profile, output_dir: Path, formats: tuple[str, ...]
) -> tuple[list[Written], float]:
    written: list[Written] = []

    def request() -> Iterable[Line]:
        # Not all as one text: making that would hold the lock for as long as it is large.
        head = profile.model_copy(
            update={
                half: getattr(profile, half)
                and getattr(profile, half).model_copy(
                    update={name: _EMPTY for of, name in _TREES if of == half}
                )
                for half in ("cpu", "memory")
            }
        )
        yield {
            "job": "write",
            "directory": str(output_dir.absolute()),
            "formats": formats,
            "profile": head.model_dump(mode="json"),
        }
        for half, name in _TREES:
            tree = getattr(getattr(profile, half), name, None)
            if tree is not None:
                yield from tree_lines(name, tree)

    def begin() -> Callable[[Line], None]:
        written.clear()
        return take

    def take(line: Line) -> None:
        if "failed" in line:
            _tell_of(line["failed"], line["kind"], line["text"])
            return
        path = output_dir / line["folder"] / line["file"]
        written.append(Written(line["format"], path, line["size"]))

    spent = helper.ask(request, begin)
    return written, spent


_EMPTY = CallTree(metrics=("bytes",), values={"bytes": ()})


def _with_trees(head: dict[str, Any], tree: Callable[[str], CallTree | None]) -> dict[str, Any]:
    for half, name in _TREES:
        if head[half] is not None:
            head[half][name] = tree(name)
    return head


def _is_large(profile: Profile) -> bool:
    trees = [getattr(getattr(profile, half), name, None) for half, name in _TREES]
    return sum(len(tree) for tree in trees if tree is not None) >= LARGE_NODES


def _tell(name: str, _error: Exception) -> None:
    report_fault(f"rendering {name}")


def _tell_of(name: str, kind: str, text: str) -> None:
    warn_once(
        f"rendering {name}: {kind}",
        "Monitoring failed while rendering %s (%s: %s); the profiled program is not affected, "
        "and this is logged once",
        name,
        kind,
        text,
    )
