"""Naming functions so that the same one is found in both versions of a program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from application_sdk.monitoring.model.call_tree import Frame


class Identity(NamedTuple):
    """A function as both sides name it.

    ``order`` tells functions of one name in one file apart, by the order of their lines: the
    line itself moves with every edit above it.
    """

    function: str
    file: str
    order: int


def match(
    baseline: Iterable[Frame], candidate: Iterable[Frame]
) -> tuple[dict[Frame, Identity], dict[Frame, Identity]]:
    """Give every frame of either side an identity; frames of the same function share one.

    Files are compared below the directory that each side's differing paths have in common, so
    that two checkouts of one program match. A name that is left over exactly once on each side
    is a function that was moved to another module.
    """
    before, after = set(baseline), set(candidate)
    short_before, short_after = _shortened(before, after)
    groups_before, groups_after = _grouped(before, short_before), _grouped(after, short_after)
    renamed = _moved(groups_before, groups_after)
    old: dict[Frame, Identity] = {}
    new: dict[Frame, Identity] = {}
    for key, frames in groups_before.items():
        target = renamed.get(key, key)
        others = groups_after.get(target)
        # Where their number differs nobody knows which is which: they count as one.
        apart = others is None or len(others) == len(frames)
        _name(old, frames, target, apart)
    sizes = {renamed.get(key, key): len(frames) for key, frames in groups_before.items()}
    for key, frames in groups_after.items():
        _name(new, frames, key, sizes.get(key, len(frames)) == len(frames))
    return old, new


_Key = tuple[str, str]


def _name(into: dict[Frame, Identity], frames: list[Frame], key: _Key, apart: bool) -> None:
    for order, frame in enumerate(frames):
        into[frame] = Identity(key[0], key[1], order if apart else 0)


def _grouped(frames: set[Frame], short: dict[str, str]) -> dict[_Key, list[Frame]]:
    groups: dict[_Key, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.line):
        groups[frame.function, short[frame.file]].append(frame)
    return dict(groups)


def _moved(before: dict[_Key, list[Frame]], after: dict[_Key, list[Frame]]) -> dict[_Key, _Key]:
    gone, come = defaultdict(list), defaultdict(list)
    for key in before.keys() - after.keys():
        gone[key[0]].append(key)
    for key in after.keys() - before.keys():
        come[key[0]].append(key)
    return {
        keys[0]: come[name][0]
        for name, keys in gone.items()
        if len(keys) == 1 and len(come[name]) == 1
    }


def _shortened(before: set[Frame], after: set[Frame]) -> tuple[dict[str, str], dict[str, str]]:
    """Per side: path -> the same path without the side's own root, where the roots differ."""
    old, new = {frame.file for frame in before}, {frame.file for frame in after}
    old_root, new_root = _root(old - new), _root(new - old)
    common = old & new

    def short(path: str, root: str) -> str:
        return path if path in common else path[len(root) :]

    if not old - new or not new - old or not _roots_help(old - new, new - old, old_root, new_root):
        return {path: path for path in old}, {path: path for path in new}
    return (
        {path: short(path, old_root) for path in old},
        {path: short(path, new_root) for path in new},
    )


def _roots_help(old: set[str], new: set[str], old_root: str, new_root: str) -> bool:
    return bool({p[len(old_root) :] for p in old} & {p[len(new_root) :] for p in new})


def _root(paths: set[str]) -> str:
    """The directory that all paths lie in, with its separator."""
    if not paths:
        return ""
    first, last = min(paths), max(paths)
    length = 0
    for length, (a, b) in enumerate(zip(first, last, strict=False)):  # noqa: B007
        if a != b:
            break
    else:
        length = min(len(first), len(last))
    common = first[:length]
    return common[: max(common.rfind("/"), common.rfind("\\")) + 1]
