"""Another revision of a project, checked out beside it for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from application_sdk.monitoring.errors import MonitoringError

_GIT_SECONDS = 300.0


@dataclass(frozen=True)
class Checkout:
    """A revision's files.

    Attributes:
        root: The directory that holds them.
        top: The directory of the checkout that is being worked on.
        directory: In ``root``, the place of the directory that was started in.
        commit: The revision's full hash.
    """

    root: Path
    top: Path
    directory: Path
    commit: str


def working_tree(directory: Path) -> Checkout:
    """What is being worked on, uncommitted changes included.

    Raises:
        MonitoringError: If the directory is not in a git repository, or git is missing.
    """
    top = Path(_git(directory, "rev-parse", "--show-toplevel")).resolve()
    head = _git(directory, "rev-parse", "HEAD")
    return Checkout(top, top, directory.resolve(), head)


@contextmanager
def checked_out(revision: str, work: Checkout) -> Iterator[Checkout]:
    """Check a revision out into a temporary git worktree, which is gone afterwards.

    Args:
        revision: Whatever git understands: a branch, a tag, a commit, ``HEAD~3``.
        work: What is being worked on.

    Raises:
        MonitoringError: If git does not know the revision, or cannot check it out.
    """
    try:
        commit = _git(
            work.top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
        )
    except MonitoringError as error:
        raise MonitoringError(
            f"git does not know the revision {revision!r}; fetch it first where the clone is "
            f"shallow (git fetch --depth=1 origin {revision})"
        ) from error
    # Resolved, so that paths of its modules compare with it.
    parent = Path(tempfile.mkdtemp(prefix="perf-base-")).resolve()
    root = parent / "base"
    try:
        # Hooks of the repository are for the developer's own checkouts.
        _git(
            work.top,
            *("-c", f"core.hooksPath={os.devnull}"),
            *("worktree", "add", "--detach", "--quiet", str(root), commit),
        )
        yield Checkout(root, work.top, root / work.directory.relative_to(work.top), commit)
    finally:
        _remove(work.top, root, parent)


def _remove(top: Path, root: Path, parent: Path) -> None:
    with _undisturbed():
        # Twice: an interrupted `worktree add` leaves its worktree locked.
        gone = _try_git(top, "worktree", "remove", "--force", "--force", str(root))
        shutil.rmtree(parent, ignore_errors=True)
        pruned = _try_git(top, "worktree", "prune")
    if gone is not None and pruned is not None:
        raise MonitoringError(
            f"the temporary worktree {root} could not be removed from git's list: {pruned}; "
            "`git worktree prune` does it"
        )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second, impatient Ctrl-C must not leave half of it behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _try_git(directory: Path, *arguments: str) -> MonitoringError | None:
    try:
        _git(directory, *arguments)
    except MonitoringError as error:
        return error
    return None


def _git(directory: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "GIT_INDEX_FILE"}
    try:
        done = subprocess.run(  # noqa: S603  (a fixed program; revisions follow --end-of-options)
            ["git", *arguments],  # noqa: S607  (whichever git the user has)
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_SECONDS,
            # Ctrl-C at the terminal is for this process, which then still needs git to clean up.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise MonitoringError("comparing with a revision needs git, which is not here") from error
    except subprocess.TimeoutExpired as error:
        raise MonitoringError(f"git {arguments[0]} took over {_GIT_SECONDS:g} seconds") from error
    if done.returncode != 0:
        raise MonitoringError(
            f"git {arguments[0]} failed: {done.stderr.strip() or f'exit code {done.returncode}'}"
        )
    return done.stdout.strip()
