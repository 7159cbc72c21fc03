"""The files beside the packages of a release."""

import datetime as dt
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
MOMENT = dt.datetime(2026, 12, 3, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release_files", ROOT / "systemd/debian/release_files.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["release_files"] = module
    spec.loader.exec_module(module)
    return module


def make_wheel(folder, name, version, *lines):
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines, ""])
        archive.writestr(f"{name}-{version}.dist-info/METADATA", text)
    return path


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["License-Expression: MIT-0"], "MIT-0"),
        (["License: MIT", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
        (["License: 3-Clause BSD License"], "BSD-3-Clause"),
        (["License: All rights reserved"], ""),
        ([], ""),
    ],
)
def test_licence_of_a_wheel_is_read_from_any_of_its_statements(release, tmp_path, lines, licence):
    assert licence == release.read_wheel(make_wheel(tmp_path, "a", "1.0", *lines)).licence


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True),
        ("EPL-2.0 OR BSD-3-Clause", True),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-or-later", False),
        ("", False),
    ],
)
def test_a_licence_that_is_unknown_or_not_allowed_is_a_fault(release, licence, is_allowed):
    faults = release.list_licence_faults([release.WheelFacts("a", "1.0", licence, "00")])

    assert is_allowed == (not faults)
    assert is_allowed or faults[0].startswith("a 1.0: licence ")


def test_parts_list_is_valid_and_the_same_for_the_same_wheels(release, tmp_path):
    paths = [make_wheel(tmp_path, name, "1.0", "License-Expression: MIT") for name in ("quartier", "rich")]
    first, again = (
        release.render_sbom([release.read_wheel(path) for path in paths], MOMENT) for _ in range(2)
    )

    assert first == again
    assert "pkg:pypi/rich@1.0" in first
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first) is None


def test_checksums_are_those_that_sha256sum_checks(release, tmp_path):
    for name in ("a.deb", "b.whl"):
        (tmp_path / name).write_text(name)
    release.write_checksums(tmp_path)
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (0, "a.deb: OK\nb.whl: OK\n") == (done.returncode, done.stdout)


def test_an_archive_that_is_no_wheel_is_named(release, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(ValueError, match=r"x\.whl: has no \.dist-info/METADATA"):
        release.read_wheel(tmp_path / "x.whl")
