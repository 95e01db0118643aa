"""Tells your own code from the standard library's and from installed packages'."""

from __future__ import annotations

import os
import sysconfig
from functools import cache

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@cache
def _library_roots() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = sysconfig.get_paths()
    return tuple({os.path.realpath(paths[name]) + os.sep for name in names})


class OwnCode:
    """Decides by file name; the package that the target belongs to always counts as own.

    Args:
        target_file: The file that defines the checked target, empty when unknown.
    """

    def __init__(self, target_file: str = "") -> None:
        self._target_package = _package_directory(target_file)
        self._known: dict[str, bool] = {}

    def __call__(self, file: str) -> bool:
        """Whether code of this file is own code."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._decide(file)
        return known

    def _decide(self, file: str) -> bool:
        if not file or file.startswith("<frozen"):
            return False
        if file.startswith("<"):
            return True  # compiled from a string at run time: no library does that for long
        path = os.path.realpath(file)
        if self._target_package and path.startswith(self._target_package):
            return True
        if any(part in path for part in _INSTALLED):
            return False
        return not path.startswith(_library_roots())


def _package_directory(file: str) -> str:
    """The top-level package below ``site-packages`` that a file is in, else empty."""
    path = os.path.realpath(file) if file else ""
    for part in _INSTALLED:
        root, found, inside = path.partition(part)
        if found:
            package, inner, _ = inside.partition(os.sep)
            return root + found + package + inner
    return ""
