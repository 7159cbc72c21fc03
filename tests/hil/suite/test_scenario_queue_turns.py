import argparse
import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from quartier_hil.scenario import scenario_file
from quartier_hil.suite.results import ResultsFile
from quartier_hil.suite.scenario_queue import OUTPUT_FILE, Progress, ScenarioQueue

LOOK_S = 0.01


@pytest.fixture
def turns(scenarios, tmp_path):
    options = argparse.Namespace(
        report=tmp_path / "reports",
        quiet=True,
        json=False,
        jobs=1,
        seed=3,
        rate=None,
        broker="iotcore",
        bench=Path("bench.toml"),
        real="charger",
        records=Path("my.csv"),
    )
    pending = {
        path: (scenario_file.load_scenario(path), f"digest of {name}") for name, path in scenarios.items()
    }
    return ScenarioQueue(options, ResultsFile(options.report), pending)


@pytest.fixture
def progress():
    return Progress(Console(file=io.StringIO()), dict.fromkeys("abc", 1.0), 3)


def test_a_child_is_asked_for_what_was_asked_of_the_set(turns, scenarios, tmp_path):
    folder = tmp_path / "reports" / "a"

    assert [
        *("-m", "quartier_hil.cli", "run", str(scenarios["a"]), "--report", str(folder)),
        *("--seed", "3", "--records", "my.csv", "--broker", "iotcore"),
        *("--bench", "bench.toml", "--real", "charger", "--quiet"),
    ] == turns._argv(scenarios["a"], folder)[1:]


@pytest.mark.usefixtures("children")
async def test_each_leaves_its_words_and_a_line_with_its_digest(turns, scenarios, progress, tmp_path):
    await turns.perform(progress)

    assert "what b said\n" == (tmp_path / "reports" / "b" / OUTPUT_FILE).read_text()
    assert {path: f"digest of {name}" for name, path in scenarios.items()} == {
        path: one.digest for path, one in turns.judged.items()
    }


async def test_a_report_of_before_is_no_verdict_of_now(turns, scenarios, children, progress):
    await turns.perform(progress)
    turns.judged.clear()
    children.become["a"] = "fails"
    await turns.perform(Progress(Console(file=io.StringIO()), dict.fromkeys("abc", 1.0), 3))

    assert {"b", "c"} == {path.stem for path in turns.judged}
    assert "what a said\nis not a broker" == turns.failed[scenarios["a"]].error


async def test_who_is_interrupted_ends_the_one_that_is_on_and_keeps_what_was_judged(
    turns, children, progress, tmp_path
):
    children.become["b"] = "hangs"
    task = asyncio.ensure_future(turns.perform(progress))
    async with asyncio.timeout(60):
        while not (  # noqa: ASYNC110 - a file of another process
            tmp_path / "reports" / "b" / "hangs"
        ).exists():
            await asyncio.sleep(LOOK_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert ["a", "b"] == children.ran
    assert ["a"] == [one.scenario for one in ResultsFile(tmp_path / "reports").read()]
