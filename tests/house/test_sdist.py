"""The source distribution is whole: what is tracked and needed is in it."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOTS = ("gateway", "drivers", "native", "hil")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


@pytest.fixture(scope="module")
def packed(root: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> set[Path]:
    """The files of a source distribution made from a copy of what is tracked; needs no network.

    Which files are in it is judged, not what Cython writes: what it wrote for this tree is good enough.
    """
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("out")
    for path in files:
        if path.parts[0] != "tests":
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, copy / path)
    if (written := root / "build" / "cython").is_dir():
        shutil.copytree(written, copy / "build" / "cython", copy_function=shutil.copyfile)
    if "README.md" not in map(str, files):
        pytest.fail("README.md is not there; pyproject.toml names it")
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True)
    (archive,) = out.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        return {Path(*Path(member.name).parts[1:]) for member in tar.getmembers() if member.isfile()}


def test_every_file_of_a_package_is_in_the_source_distribution(packed: set[Path], files: list[Path]) -> None:
    of_packages = {
        path
        for path in files
        if path.parts[0] in ROOTS
        and path.parts[1].startswith("quartier")
        and path.suffix != ".md"
        and not path.name.endswith("_pb2.pyi")
    }

    assert not (gone := sorted(map(str, of_packages - packed))), "\n".join(gone)


def test_what_builds_it_is_in_it(packed: set[Path]) -> None:
    assert {Path("setup.py"), Path("pyproject.toml"), Path("LICENSE"), Path("README.md")} <= packed
