"""Whose code a file is: the user's own, a library's, the standard library's or native."""

from __future__ import annotations

import re

OWN = ""
STANDARD_LIBRARY = "python"
NATIVE = "native"

_INSTALLED = re.compile(r"[\\/](?:site|dist)-packages[\\/]([^\\/]+)")
_STANDARD = re.compile(
    r"[\\/]lib(?:64)?[\\/](?:python|pypy)\d[\d.]*[\\/]"  # POSIX
    r"|[\\/]python\d[\d.]*\.zip[\\/]"  # embedded
    r"|[\\/]Python\d+[\\/]Lib[\\/]",  # Windows
    re.IGNORECASE,
)
_NATIVE = re.compile(
    r"\.(?:c|cc|cpp|cxx|h|hpp|rs|pyx|pxd|s|so|dylib|dll|pyd)(?:\.[\d.]+)?$", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?:\.cpython-[^.]*|\.abi3)?\.(?:py|pyc|so|pyd)$|\.egg$")


def origin_of(file: str) -> str:
    """The name of the library that a file belongs to.

    Returns:
        ``OWN`` for the user's own code, ``STANDARD_LIBRARY``, ``NATIVE``, or the name of
        an installed top-level package such as ``pandas``.
    """
    if not file or file.startswith("<built-in"):
        return NATIVE
    if file.startswith("<frozen"):
        return STANDARD_LIBRARY
    installed = None
    for installed in _INSTALLED.finditer(file):
        pass
    if installed is not None:
        return _SUFFIX.sub("", installed[1]) or NATIVE
    if _STANDARD.search(file):
        return STANDARD_LIBRARY
    if _NATIVE.search(file):
        return NATIVE
    return OWN
