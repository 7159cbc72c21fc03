"""What the package is built from: the lock file, the scripts of the maintainer, the units."""

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "systemd" / "debian"
SCRIPTS = [
    DEBIAN / name for name in ("quartier.preinst", "quartier.postinst", "quartier.prerm", "quartier.postrm")
]


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build", DEBIAN / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("project", ["pyproject.toml", "hil/pyproject.toml"])
def test_lock_file_has_a_hash_for_each_package_that_is_used(build, project):
    stated = tomllib.loads((ROOT / project).read_text(encoding="utf-8"))["project"]
    extras = stated.get("optional-dependencies", {}).values()
    needed = [line for lines in (stated["dependencies"], *extras) for line in lines]
    hashes = build.read_hashes()
    names = {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", line)[0]).lower() for line in needed}

    assert not sorted(name for name in names - {"quartier"} if not hashes.get(name)), "make lock"


def test_a_wheel_that_the_lock_file_does_not_name_is_refused(build, tmp_path, monkeypatch):
    monkeypatch.setattr(
        build, "run_pip", lambda *_: (tmp_path / "rich-1.0-py3-none-any.whl").write_bytes(b"x")
    )

    with pytest.raises(SystemExit, match=r"rich-1\.0.*not in requirements\.lock"):
        build.download_wheels(Path("quartier-0.1.0-py3-none-any.whl"), tmp_path, "x86_64")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.suffix)
def test_scripts_of_the_maintainer_are_valid_shell(script):
    assert "#DEBHELPER#" in script.read_text(encoding="utf-8")
    assert 0 == subprocess.run(["sh", "-n", script], check=False).returncode


def test_units_of_the_package_start_its_program(build, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    build.lay_out_source(tmp_path, "0.1.0")
    unit = (tmp_path / "quartier.service").read_text(encoding="utf-8")

    assert "/opt/" not in unit
    assert "ExecStart=/usr/bin/quartier run --config /etc/quartier/site.toml" in unit


@pytest.mark.skipif(shutil.which("dpkg-parsechangelog") is None, reason="dpkg-dev is not installed")
def test_changelog_of_the_package_states_the_version(build, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    build.lay_out_source(tmp_path, "0.1.0")
    words = ["dpkg-parsechangelog", "-l", tmp_path / "debian" / "changelog", "-S", "Version"]

    assert "0.1.0" == subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
