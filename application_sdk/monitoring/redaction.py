"""Hashes what must not leave the machine in a profile, and knows the way back only here.

The hashes are keyed with a secret that is made once for each directory of profiles. The
secret and what each hash stands for are kept in a file beside the profiles, readable by
their owner alone; without it nobody can turn a hash back, nor try names out.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
import sysconfig
import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import CallContext, Profile

MAP_NAME = ".redaction-map.jsonl"
_DIGITS = 12
_NAMES_OF_CODE = ("workflow_type", "activity_type")
_SECRET_KEY = "secret"  # noqa: S105 - the name of a field, not a secret

_LIBRARIES = tuple(
    {
        os.path.join(sysconfig.get_path(name), "")  # noqa: PTH118 - compared as text
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)

_lock = threading.Lock()
_ledgers: dict[Path, Ledger] = {}


class Ledger:
    """The secret and the map of one directory, shared by all processes that write there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / MAP_NAME
        self._known: set[str] = set()
        self._secret = self._find_secret()

    def replace(self, kind: str, original: str) -> str:
        """The hash of a text; remembered in the map."""
        digest = hmac.new(
            self._secret, f"{kind}\0{original}".encode("utf-8", "surrogateescape"), sha256
        )
        hashed = f"{kind}-{digest.hexdigest()[:_DIGITS]}"
        if hashed not in self._known:
            self._known.add(hashed)
            self._append({hashed: original})
        return hashed

    def _find_secret(self) -> bytes:
        secret = secrets.token_hex(32)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(self._path, flags, 0o600)
        except FileExistsError:
            lines = read_map(self._path)
            self._known.update(lines)
            return bytes.fromhex(lines[_SECRET_KEY])
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps({_SECRET_KEY: secret}) + "\n")
        return bytes.fromhex(secret)

    def _append(self, entry: dict[str, str]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def redacted(profile: Profile, kinds: Collection[str], directory: Path) -> Profile:
    """The profile with hashes in place of what the settings name.

    Args:
        profile: The profile.
        kinds: Any of ``paths`` (files of the program; libraries are recognized by what
            follows their directory), ``hosts`` (host names) and ``names`` (functions of the
            program, its own profile names, exceptions, workflow and activity types;
            libraries keep theirs).
        directory: Where the map is kept: the directory of profiles.

    Raises:
        OSError: If the map cannot be kept; the profile must then not be written.
    """
    if not kinds:
        return profile
    with _lock:
        return _Redaction(_ledger(directory), frozenset(kinds)).of(profile)


def redacted_place(
    function: str, file: str, kinds: Collection[str], directory: Path
) -> tuple[str, str]:
    """A function and its file, hashed as they are in a profile.

    Args:
        function: The function's name, as a profile or a frame has it.
        file: Its file; empty for the name of a profile.
        kinds: As for ``redacted``.
        directory: As for ``redacted``.

    Raises:
        OSError: If the map cannot be kept; the names must then not be told.
    """
    if not kinds:
        return function, file
    with _lock:
        return _Redaction(_ledger(directory), frozenset(kinds)).place(function, file)


def _ledger(directory: Path) -> Ledger:
    ledger = _ledgers.get(directory)
    if ledger is None:
        ledger = _ledgers[directory] = Ledger(directory)
    return ledger


class _Redaction:
    def __init__(self, ledger: Ledger, kinds: frozenset[str]) -> None:
        self._ledger = ledger
        self._kinds = kinds
        self._done: dict[str, str] = {}

    def of(self, profile: Profile) -> Profile:
        cpu, memory, process = profile.cpu, profile.memory, profile.process
        if cpu is not None:
            cpu = cpu.model_copy(update={"tree": self._tree(cpu.tree)})
        if memory is not None:
            trees = {
                key: None if tree is None else self._tree(tree)
                for key, tree in (
                    ("peak_tree", memory.peak_tree),
                    ("retained_tree", memory.retained_tree),
                )
            }
            memory = memory.model_copy(update=trees)
        if "hosts" in self._kinds:
            hostname = self._replace("host", process.hostname)
            process = process.model_copy(update={"hostname": hostname})
        name, exception = profile.name, profile.exception_type
        if "names" in self._kinds:
            name = self._replace("name", name)
            if exception is not None and "." in exception:
                exception = self._replace("name", exception)
        return profile.model_copy(
            update={
                "cpu": cpu,
                "memory": memory,
                "process": process,
                "context": self._context(profile.context),
                "name": name,
                "exception_type": exception,
                "notes": tuple(self._note(note) for note in profile.notes),
            }
        )

    def _context(self, context: CallContext) -> CallContext:
        if "names" not in self._kinds:
            return context
        known = {key: getattr(context, key) for key in _NAMES_OF_CODE}
        return context.model_copy(
            update={key: self._replace("name", value) for key, value in known.items() if value}
        )

    def place(self, function: str, file: str) -> tuple[str, str]:
        own = not file or _library_part(file) is None
        if "names" in self._kinds and own and function[:1] != "<":
            function = self._replace("name", function)
        return function, self._file(file) if "paths" in self._kinds else file

    def _tree(self, tree: CallTree) -> CallTree:
        own = [_library_part(file) is None and bool(file) for file in tree.files]
        frames, files = tree.frames, tree.files
        if "names" in self._kinds:
            frames = tuple(
                (self._replace("name", name) if own[file] and name[:1] != "<" else name, file, line)
                for name, file, line in frames
            )
        if "paths" in self._kinds:
            files = tuple(map(self._file, files))
        return tree.model_copy(update={"frames": frames, "files": files})

    def _file(self, file: str) -> str:
        if not file or file.startswith("<"):
            return file
        library = _library_part(file)
        return self._replace("path", file) if library is None else library

    def _note(self, note: str) -> str:
        # Errors in notes can quote a path; a path that no tree has named is cut out whole.
        for original in sorted(self._done, key=len, reverse=True):
            note = note.replace(original, self._done[original])
        if "paths" in self._kinds and "/" in note:
            words = note.split(" ")
            note = " ".join("(path)" if _looks_like_a_path(word) else word for word in words)
        return note

    def _replace(self, kind: str, original: str) -> str:
        found = self._done.get(original)
        if found is None:
            found = self._done[original] = self._ledger.replace(kind, original)
        return found


def _looks_like_a_path(word: str) -> bool:
    return word.lstrip("'\"([").startswith(("/", "~/", "./", "../"))


def _library_part(file: str) -> str | None:
    """What of a library's path says which library it is; None for the program's own files."""
    for mark in ("/site-packages/", "/dist-packages/"):
        _, found, rest = file.rpartition(mark)
        if found:
            return f"site-packages/{rest}"
    for directory in _LIBRARIES:
        if file.startswith(directory):
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            return f"{version}/{file.removeprefix(directory)}"
    return None


def read_map(path: Path) -> dict[str, str]:
    """What each hash stands for.

    Raises:
        UnreadableProfileError: If the file cannot be read or is no map.
    """
    found: dict[str, str] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            found.update(json.loads(line))
    except OSError as error:
        raise UnreadableProfileError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UnreadableProfileError(f"{path} is no redaction map: {error}") from error
    if _SECRET_KEY not in found:
        raise UnreadableProfileError(f"{path} is no redaction map: it has no secret")
    return found


def revealed(profile: Profile, names: dict[str, str]) -> Profile:
    """The profile with what its hashes stand for; a hash that the map does not know stays."""

    def back(text: str) -> str:
        return names.get(text, text)

    cpu, memory = profile.cpu, profile.memory
    if cpu is not None:
        cpu = cpu.model_copy(update={"tree": _renamed(cpu.tree, back)})
    if memory is not None:
        update = {
            "peak_tree": memory.peak_tree and _renamed(memory.peak_tree, back),
            "retained_tree": memory.retained_tree and _renamed(memory.retained_tree, back),
        }
        memory = memory.model_copy(update=update)
    process = profile.process.model_copy(update={"hostname": back(profile.process.hostname)})
    exception = profile.exception_type
    types = {key: getattr(profile.context, key) for key in _NAMES_OF_CODE}
    context = profile.context.model_copy(
        update={key: back(value) for key, value in types.items() if value}
    )
    return profile.model_copy(
        update={
            "cpu": cpu,
            "memory": memory,
            "process": process,
            "context": context,
            "name": back(profile.name),
            "exception_type": None if exception is None else back(exception),
        }
    )


def _renamed(tree: CallTree, back: Callable[[str], str]) -> CallTree:
    frames = tuple((back(name), file, line) for name, file, line in tree.frames)
    return tree.model_copy(update={"frames": frames, "files": tuple(map(back, tree.files))})
