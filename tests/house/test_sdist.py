"""Both source distributions are whole; the wheel of the rig has no benchmarks."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

BUILD_WHEEL = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
PACKAGE_FOLDERS = {".": ("gateway", "drivers", "native"), "hil": ("hil",)}
"""Folder of each pyproject.toml, and the folders of its packages."""
BUILD_FILES = {
    ".": {"setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md"},
    "hil": {"setup.py", "pyproject.toml", "LICENSE", "README.md"},
}


@pytest.fixture(scope="module")
def copied(root: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is tracked, with what Cython wrote for this tree: its content is not checked here."""
    copy = tmp_path_factory.mktemp("copy")
    for path in files:
        if path.parts[0] != "tests":
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, copy / path)
    if (written := root / "build" / "cython").is_dir():
        shutil.copytree(written, copy / "build" / "cython", copy_function=shutil.copyfile)
    return copy


@pytest.mark.parametrize("folder", PACKAGE_FOLDERS)
def test_a_source_distribution_holds_every_file_of_its_packages_and_what_builds_them(
    folder: str, copied: Path, files: list[Path], tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=copied / folder, check=True, capture_output=True
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        packed = {Path(*Path(one.name).parts[1:]) for one in tar.getmembers() if one.isfile()}
    of_packages = {
        path.relative_to(folder)
        for path in files
        if path.parts[0] in PACKAGE_FOLDERS[folder]
        and path.parts[1].startswith("quartier")
        and path.suffix != ".md"
        and not path.name.endswith("_pb2.pyi")
    }

    assert not (gone := sorted(map(str, of_packages - packed))), "\n".join(gone)
    assert set(map(Path, BUILD_FILES[folder])) <= packed


def test_the_wheel_of_the_rig_has_no_benchmarks(copied: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", BUILD_WHEEL, str(tmp_path)],
        cwd=copied / "hil",
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        packages = {name.split("/")[0] for name in file.namelist()}

    assert {"quartier_district", "quartier_hil", "quartier_sim"} == {
        name for name in packages if not name.endswith(".dist-info")
    }
