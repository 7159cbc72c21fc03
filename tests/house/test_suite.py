"""The tools of the test suite: what a test costs, which tests a change can affect, how a stage is reported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests import affected, run
from tests.effort import DEEP_TIMES, examples

BURN = """
import subprocess, sys, time

def test_burns_processor_time():
    end_s = time.process_time() + 0.2
    while time.process_time() < end_s:
        pass

def test_starts_a_process():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""
CONFTEST = "from tests.costs import pytest_addoption, pytest_configure\n"


def session(root: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A pytest session of its own over two tests."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_burn.py").write_text(BURN)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    return subprocess.run(
        [*command, str(folder)], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("workers", [(), ("--numprocesses", "2")], ids=["alone", "workers"])
def test_costs_of_each_test_are_written_with_and_without_workers(
    root: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    target = tmp_path / "reports" / "costs.json"
    done = session(root, tmp_path, "--costs", str(target), *workers)
    assert done.returncode == 0, done.stdout
    found = json.loads(target.read_text())

    burnt, started = (
        found["slowest"][f"test_burn.py::test_{name}"]
        for name in ("burns_processor_time", "starts_a_process")
    )
    assert (found["tests"], found["starts"], found["modules"]["test_burn.py"]["tests"]) == (2, 1, 2)
    assert burnt["cpu_s"] >= 0.2
    assert burnt["starts"] == 0
    assert started["starts"] == 1
    assert started["children_cpu_s"] > 0.0
    assert found["cpu_s"] >= burnt["cpu_s"] + started["cpu_s"]
    assert found["collection_cpu_s"] > 0.0


@pytest.mark.parametrize("workers", [(), ("--numprocesses", "1")], ids=["alone", "workers"])
def test_session_that_the_time_limit_ends_passes_and_says_so(
    root: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    done = session(root, tmp_path, "--stop-after", "0", *workers)

    assert done.returncode == 0, done.stdout
    assert "the time limit left out the others" in done.stdout


def test_nearest_tests_of_a_changed_module_come_first(files: list[Path]) -> None:
    found = affected.affected_tests([Path("gateway/quartier/control/limits.py")], files)

    direct = Path("tests/gateway/control/test_limits.py")
    daemon = Path("tests/gateway/app/test_daemon.py")
    assert found.index(direct) < 30
    assert found.index(direct) < found.index(daemon)
    assert Path("tests/drivers/modbus/test_frame.py") not in found


def test_changed_data_file_affects_the_tests_of_the_folder_that_reads_it(files: list[Path]) -> None:
    vectors = Path("tests/drivers/test_vectors.py")

    assert vectors in affected.affected_tests([Path("tests/drivers/vectors/eastron/sdm630.toml")], files)
    assert vectors in affected.affected_tests(
        [Path("drivers/quartier_drivers/profiles/eastron/sdm630.toml")], files
    )


def test_changed_page_affects_the_tests_of_pages_alone(files: list[Path]) -> None:
    found = affected.affected_tests([Path("gateway/docs/district.md")], files)

    assert Path("tests/house/test_pages.py") in found


def test_changed_conftest_affects_the_tests_below_it(files: list[Path]) -> None:
    found = affected.affected_tests([Path("tests/drivers/gpio/conftest.py")], files)

    assert {"gpio", "house"} == {path.parts[-2] for path in found}


def test_report_adds_up_stages_and_names_the_tests_with_the_most_cpu() -> None:
    costs = {
        "tests": 2,
        "slowest": {"a::x": {"cpu_s": 3.0, "wall_s": 4.0}, "a::y": {"cpu_s": 1.0, "wall_s": 1.0}},
    }
    results = [run.Result("lint", 0, 2.0, 5.0, {}), run.Result("modules", 0, 3.0, 7.0, costs)]

    assert ["total", "2", "5", "12"] == run.table(results).splitlines()[-1].split()
    assert [(3.0, 4.0, "a::x")] == run.slowest(results, 1)


def test_every_stage_with_a_marker_finds_its_files() -> None:
    stages = {stage.name: stage for stage in run.stages()}

    assert {"modules", "control", "daemon", "scenarios", "alone"} <= stages.keys()
    assert any(word.startswith("tests/gateway/app/") for word in stages["daemon"].words)


def test_deep_profile_draws_more_examples() -> None:
    assert 30 == examples(30).max_examples
    assert DEEP_TIMES > 1
