"""Tells by its content which tool a file is from, and reads it."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Draft, Wishes
from application_sdk.monitoring.model.profile import Profile

FORMATS = ("speedscope", "collapsed", "pprof", "pyinstrument", "memray")

_GZIP_MAGIC = b"\x1f\x8b"
_MEMRAY_MAGIC = b"memray\x00"
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LARGEST = 2**31


def import_profile(
    path: Path, wishes: Wishes, first_line: Any, format_name: str | None = None
) -> Profile:
    """A file of another tool as a profile.

    Args:
        path: The file.
        wishes: What the file does not say.
        first_line: See ``importers.memray.read``.
        format_name: One of ``FORMATS``; left out, the content tells.

    Raises:
        UnreadableProfileError: If it cannot be read or is of no known format.
    """
    try:
        content = path.read_bytes()
        modified = path.stat().st_mtime
    except OSError as error:
        raise UnreadableProfileError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        plain = _decompressed(content)
        name = format_name or _detect(plain)
        draft = _read(name, path, plain, modified, wishes, first_line)
        return draft.profile(content)
    except UnreadableProfileError as error:
        raise UnreadableProfileError(f"{path}: {error}") from error


def _read(
    name: str, path: Path, plain: bytes, modified: float, wishes: Wishes, first_line: Any
) -> Draft:
    stem = path.name.partition(".")[0] or path.name
    if name == "memray":
        from application_sdk.monitoring.importers import memray

        return memray.read(path, wishes, first_line)
    if name == "pprof":
        from application_sdk.monitoring.importers import pprof

        return pprof.read(plain, stem, modified, wishes)
    if name == "collapsed":
        from application_sdk.monitoring.importers import collapsed

        return collapsed.read(plain, stem, modified, wishes)
    data = _json(plain)
    if not isinstance(data, dict):
        raise UnreadableProfileError(f"this is no {name} file")
    if name == "pyinstrument":
        from application_sdk.monitoring.importers import pyinstrument

        return pyinstrument.read(data, stem, wishes)
    from application_sdk.monitoring.importers import speedscope

    return speedscope.read(data, stem, modified, wishes)


def _decompressed(content: bytes) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        plain = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableProfileError(f"its compression is damaged: {error}") from error
    if len(plain) > _LARGEST:
        raise UnreadableProfileError(f"it has more than {_LARGEST:,} bytes")
    return plain


def _detect(plain: bytes) -> str:
    if plain.startswith((_MEMRAY_MAGIC, _LZ4_MAGIC)):
        return "memray"
    # A stack can begin with a bracket too: "{closure};load 12".
    if plain.lstrip()[:1] == b"{" and not _is_text(plain):
        data = _json(plain)
        if "frame_records" in data:
            return "pyinstrument"
        if "shared" in data and "profiles" in data:
            return "speedscope"
        if "profile_id" in data:
            raise UnreadableProfileError("this is a profile already; every command reads it")
        raise UnreadableProfileError(
            "this JSON is neither a speedscope file nor a pyinstrument session"
        )
    # A pprof message begins with a sample type (field 1, a message).
    if plain.startswith(b"\x0a") and b"\x00" in plain[:4096] + b"\x00" and not _is_text(plain):
        return "pprof"
    if plain.strip() and _is_text(plain):
        return "collapsed"
    raise UnreadableProfileError(f"no known format; --format says which: {', '.join(FORMATS)}")


def _is_text(plain: bytes) -> bool:
    first = plain.lstrip(b"\n").partition(b"\n")[0].rstrip(b"\r")
    return first.rpartition(b" ")[2].replace(b".", b"", 1).isdigit()


def _json(plain: bytes) -> Any:
    try:
        return json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise UnreadableProfileError(f"it is not JSON: {error}") from error
