"""What users install: built here from a copy, without network and without litter."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = Path("application_sdk/monitoring")


def _build(kind: str, source: Path, into: Path) -> Path:
    program = f"from setuptools import build_meta as b; print(b.build_{kind}({str(into)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return into / done.stdout.strip().splitlines()[-1]


def _copy_of_project(into: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(PROJECT / "application_sdk", into / "application_sdk", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, into)
    return into


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    source = _copy_of_project(tmp_path_factory.mktemp("source"))
    return zipfile.ZipFile(_build("wheel", source, tmp_path_factory.mktemp("wheel")))


def _shipped(wheel: zipfile.ZipFile) -> set[str]:
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def _dist_info(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = (entry for entry in wheel.namelist() if entry.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_the_wheel_ships_every_file_of_the_package_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    in_tree = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert _shipped(wheel) == in_tree


def test_the_sdk_keeps_its_own_package_file(wheel: zipfile.ZipFile) -> None:
    assert "application_sdk/__init__.py" not in wheel.namelist()
    assert not (PROJECT / "application_sdk/__init__.py").exists()


def test_the_types_are_declared(wheel: zipfile.ZipFile) -> None:
    assert f"{PACKAGE}/py.typed" in wheel.namelist()


def test_a_wheel_made_from_the_source_archive_is_the_same(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    source = _copy_of_project(tmp_path / "source")
    archive = _build("sdist", source, tmp_path)
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = _build("wheel", unpacked, tmp_path)
    with zipfile.ZipFile(again) as second:
        assert _shipped(second) == _shipped(wheel)


def test_the_licence_travels_with_the_wheel(wheel: zipfile.ZipFile) -> None:
    assert "Apache License" in _dist_info(wheel, "licenses/LICENSE")


def test_every_requirement_has_a_lower_and_an_upper_bound(wheel: zipfile.ZipFile) -> None:
    metadata = message_from_string(_dist_info(wheel, "METADATA"))
    requirements = metadata.get_all("Requires-Dist", [])
    assert requirements
    for requirement in requirements:
        name = requirement.partition(";")[0]
        if name.startswith("atlan-application-sdk-monitoring"):
            continue
        assert ">=" in name, requirement
        assert "<" in name.replace("<=", ""), requirement


def test_windows_installs_without_memray(wheel: zipfile.ZipFile) -> None:
    metadata = message_from_string(_dist_info(wheel, "METADATA"))
    (memray,) = (r for r in metadata.get_all("Requires-Dist", []) if r.startswith("memray"))
    assert 'sys_platform != "win32"' in memray
