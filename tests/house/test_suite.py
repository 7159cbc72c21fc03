"""Tools of the test suite: cost of each test, tests that a change can affect, report of the stages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests import affected, run
from tests.effort import DEEP_FACTOR, examples

# Two tests for a pytest session of its own: one uses the processor, one starts a process.
TEST_FILE = """
import subprocess, sys, time

def test_uses_processor_time():
    end_s = time.process_time() + 0.2
    while time.process_time() < end_s:
        pass

def test_starts_a_process():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""
CONFTEST = "from tests.costs import pytest_addoption, pytest_configure\n"


def run_session(root: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in ``folder`` on ``TEST_FILE``, with the plugin ``tests.costs``; return the ended process."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_example.py").write_text(TEST_FILE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    return subprocess.run(
        [*command, str(folder)], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("workers", [(), ("--numprocesses", "2")], ids=["alone", "workers"])
def test_costs_of_each_test_are_written_with_and_without_workers(
    root: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    target = tmp_path / "reports" / "costs.json"
    done = run_session(root, tmp_path, "--costs", str(target), *workers)
    assert done.returncode == 0, done.stdout
    found = json.loads(target.read_text())

    computing, starting = (
        found["most_cpu"][f"test_example.py::test_{name}"]
        for name in ("uses_processor_time", "starts_a_process")
    )
    assert (found["tests"], found["starts"], found["modules"]["test_example.py"]["tests"]) == (2, 1, 2)
    assert computing["cpu_s"] >= 0.2
    assert computing["starts"] == 0
    assert starting["starts"] == 1
    assert starting["children_cpu_s"] > 0.0
    assert found["cpu_s"] >= computing["cpu_s"] + starting["cpu_s"]
    assert found["collection_cpu_s"] > 0.0


@pytest.mark.parametrize("workers", [(), ("--numprocesses", "1")], ids=["alone", "workers"])
def test_session_ended_by_its_time_limit_passes_and_prints_it(
    root: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    done = run_session(root, tmp_path, "--stop-after", "0", *workers)

    assert done.returncode == 0, done.stdout
    assert "Time limit: " in done.stdout
    assert " of 2 tests ran" in done.stdout


def test_nearest_tests_of_a_changed_module_come_first(files: list[Path]) -> None:
    found = affected.find_affected_tests([Path("gateway/quartier/control/limits/active.py")], files)

    direct = Path("tests/gateway/control/limits/test_active.py")
    daemon = Path("tests/gateway/daemon/test_lifecycle.py")
    assert list(found).index(direct) < 30
    assert list(found).index(direct) < list(found).index(daemon)
    assert Path("tests/drivers/modbus/test_frames.py") not in found


def test_changed_data_file_affects_the_tests_of_the_folder_that_reads_it(files: list[Path]) -> None:
    vectors = Path("tests/drivers/test_vectors.py")

    assert vectors in affected.find_affected_tests([Path("tests/drivers/vectors/eastron/sdm630.toml")], files)
    assert vectors in affected.find_affected_tests(
        [Path("drivers/quartier_drivers/profiles/eastron/sdm630.toml")], files
    )


def test_changed_page_affects_the_tests_of_pages(files: list[Path]) -> None:
    found = affected.find_affected_tests([Path("gateway/docs/district.md")], files)

    assert Path("tests/house/test_pages.py") in found


def test_changed_conftest_affects_the_tests_below_it(files: list[Path]) -> None:
    found = affected.find_affected_tests([Path("tests/drivers/gpio/conftest.py")], files)

    assert {"gpio", "house"} == {path.parts[-2] for path in found}


def test_report_adds_up_stages_and_names_the_tests_with_the_most_cpu() -> None:
    costs = {
        "tests": 2,
        "most_cpu": {"a::x": {"cpu_s": 3.0, "wall_s": 4.0}, "a::y": {"cpu_s": 1.0, "wall_s": 1.0}},
    }
    results = [run.Result("lint", 0, 2.0, 5.0, {}), run.Result("modules", 0, 3.0, 7.0, costs)]

    assert ["total", "2", "5", "12"] == run.format_table(results).splitlines()[-1].split()
    assert [(3.0, 4.0, "a::x")] == run.find_slowest(results, 1)


def test_every_stage_with_a_marker_finds_its_files() -> None:
    stages = {stage.name: stage for stage in run.list_stages()}

    assert {"modules", "control", "daemon", "scenarios", "timing"} <= stages.keys()
    assert any(word.startswith("tests/gateway/daemon/") for word in stages["daemon"].words)


@pytest.mark.parametrize(("profile", "count"), [("ci", 30), ("dev", 30), ("deep", 30 * DEEP_FACTOR)])
def test_deep_profile_draws_more_examples(profile: str, count: int) -> None:
    assert count == examples(30, profile=profile).max_examples
    assert (50 if profile == "deep" else 30) == examples(30, deep=50, profile=profile).max_examples


def test_ci_draws_a_part_of_many_examples() -> None:
    assert [50, 60, 600] == [examples(count, profile="ci").max_examples for count in (50, 100, 1_000)]
    assert 1_000 == examples(1_000, profile="dev").max_examples


def test_unknown_base_is_named_with_the_next_step() -> None:
    with pytest.raises(LookupError, match="unknown commit 'nosuch': run 'git fetch origin'"):
        affected.find_changed_files("nosuch")
