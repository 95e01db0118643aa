"""A real terminal of a given size, for what looks different on one."""

from __future__ import annotations

import os
import re
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from application_sdk.monitoring.cli.main import main

_STYLES = re.compile(r"\x1b\[[0-9;]*m")
_COLOURS = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-7]|9[0-7]|38|48)[;m]")


def plain(text: str) -> str:
    """What is left for the eye when bold, dim and colours are gone."""
    return _STYLES.sub("", text)


def has_colours(text: str) -> bool:
    return _COLOURS.search(text) is not None


class Terminal:
    """Runs commands in this process with standard output on a pseudo-terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(
        self,
        *argv: str | Path,
        width: int = 80,
        env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> tuple[int, str]:
        with self._monkeypatch.context() as patch:
            for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
                patch.delenv(name, raising=False)
            for name, value in {"TERM": "xterm-256color", **(env or {})}.items():
                patch.setenv(name, value)
            with (
                _pty(width) as (slave, shown),
                open(slave, "w", encoding=encoding, closefd=False) as stream,
            ):
                patch.setattr(sys, "stdout", stream)
                code = main([str(argument) for argument in argv])
                stream.flush()
            return int(code), bytes(shown).decode(encoding)


@contextmanager
def _pty(width: int) -> Iterator[tuple[int, bytearray]]:
    import fcntl
    import termios

    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # bytes arrive as they were written
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                some = os.read(master, 65536)
            except OSError:  # Linux says so when the other end is closed
                return
            if not some:
                return
            shown.extend(some)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield slave, shown
    finally:
        os.close(slave)
        reader.join(10)
        os.close(master)
