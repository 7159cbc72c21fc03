"""The fixture of the rig in other people's tests: run by a pytest of its own."""

import subprocess
import sys

import pytest

SITE = """
site = { id = "shop", district = "test" }
limits = { contract_import_w = 9000 }
assets.grid = { role = "grid", device = "meter" }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
"""
MARKER = '@pytest.mark.simulated_building("shop.toml", load_w=800, sun_w_per_kw=0)'


@pytest.fixture
def run_test(tmp_path):
    """``run_test(marker, body)``: exit code and output of a pytest that runs this test alone."""

    def run(marker, body):
        (tmp_path / "shop.toml").write_text(SITE)
        test = f"import pytest\n\n{marker}\ndef test_it(simulated_building):\n    {body}\n"
        (tmp_path / "test_it.py").write_text(test)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout

    return run


def test_a_test_has_the_building_of_its_marker(run_test):
    code, output = run_test(MARKER, 'assert 800 == simulated_building.read("grid.power_w")')
    assert 0 == code, output


def test_a_test_that_fails_ends_in_its_own_line_and_shows_the_value(run_test):
    code, output = run_test(MARKER, 'simulated_building.expect("grid.power_w > 900")')
    assert 1 == code
    assert "NO, it is 800 after 0.0 s" in output
    assert "_send" not in output


def test_a_test_without_the_marker_is_told_what_to_write(run_test):
    code, output = run_test("", "pass")
    assert 1 == code
    assert '@pytest.mark.simulated_building("site.toml", load_w=800, sun_w_per_kw=0)' in output


def test_a_rig_that_is_too_slow_is_an_error(run_test):
    marker = MARKER.replace(")", ", lag_max_s=-1)")
    code, output = run_test(marker, "pass")
    assert 1 == code
    assert "this machine is too slow for this rate" in output
    assert "1 passed, 1 error" in output
