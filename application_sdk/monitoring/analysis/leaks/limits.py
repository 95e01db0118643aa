"""The memory limit that this process will die at: cgroup v2, cgroup v1, or an rlimit."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/")
# cgroup v1 writes "no limit" as the largest multiple of a page that fits in 63 bits.
_NO_LIMIT = 2**60


def memory_limit(root: Path = _ROOT) -> int | None:
    """The smallest limit of cgroup, RLIMIT_AS and RLIMIT_DATA in bytes; None without one.

    Args:
        root: Where ``proc`` and ``sys`` are found.
    """
    found = [*_cgroup_limits(root), *_rlimits()]
    return min(found, default=None)


def _cgroup_limits(root: Path) -> list[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []  # not Linux
    found: list[int] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            found += _limits_up(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            found += _limits_up(mount, path, "memory.limit_in_bytes")
    return found


def _limits_up(mount: Path, path: str, name: str) -> list[int]:
    # Each group above may have a limit too, and inside a container the path is often that
    # of the host, which is not visible: then the mount itself is the container's group.
    found = []
    group = mount / path.lstrip("/")
    while True:
        limit = _read(group / name)
        if limit is not None:
            found.append(limit)
        if group == mount or mount not in group.parents:
            return found
        group = group.parent


def _read(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None  # this group has no such file: its parents are asked next
    if not text.isdecimal():
        return None  # "max"
    value = int(text)
    return value if 0 < value < _NO_LIMIT else None


def _rlimits() -> list[int]:
    try:
        import resource
    except ImportError:
        return []  # Windows
    found = []
    for name in ("RLIMIT_AS", "RLIMIT_DATA"):
        kind = getattr(resource, name, None)
        if kind is not None:
            soft = resource.getrlimit(kind)[0]
            if soft != resource.RLIM_INFINITY and 0 < soft < _NO_LIMIT:
                found.append(soft)
    return found
