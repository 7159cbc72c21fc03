"""Run the scenarios of a set, each in its own process, and show the progress."""

import argparse
import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from quartier_hil.checks.verdicts import BROKEN, KEPT, NOT_SHOWN, Verdict
from quartier_hil.processes.child_process import ChildProcess
from quartier_hil.report import verdict_files
from quartier_hil.report.verdict_files import JunitSuite
from quartier_hil.runner import live_view
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.suite.results import ResultsFile, ScenarioResult

SET_UP_REAL_S = 8.0
"""Time for the start of broker and daemon and for the end of a run, in addition to plant time."""


class Progress:
    """``expected_s`` are the real seconds of each that is to be run, in their order; ``count`` are all.

    On a terminal of its own (``live``) a line stands below what was said and counts; else each beginning is
    said.
    """

    def __init__(
        self,
        console: Console,
        expected_s: Mapping[str, float],
        count: int,
        *,
        jobs: int = 1,
        live: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._waiting_s = dict(expected_s)
        self._expected_s = expected_s
        self._count = count
        self._jobs = jobs
        self._now_s = now_s
        self._began_s = now_s()
        self._on: dict[str, float] = {}
        self._live = Live(get_renderable=self._shown, console=console, refresh_per_second=1, transient=True)
        self._is_live = live and console.is_terminal

    def __enter__(self) -> Self:
        """Take a line of the screen, where there is one."""
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        if self._is_live:
            self._live.stop()

    def begin(self, name: str) -> None:
        """One begins."""
        self._waiting_s.pop(name, None)
        self._on[name] = self._now_s()
        if not self._is_live:
            self._say(self.words())

    def end(self, name: str, result: ScenarioResult | None) -> None:
        """One has ended; None: it could not be run."""
        took_s = self._now_s() - self._on.pop(name)
        if result is None:
            self._say(f"NOT RUN  {name}, {format_duration(took_s)}")
            return
        mark = f"{live_view.RESULT_WORDS[result.result]:6}"
        self._say(
            f"{mark} {name}  {result.line.kept_count} of {result.line.count}, {format_duration(took_s)}"
        )
        for verdict in result.verdicts:
            if not verdict.is_kept:
                words = f"{verdict.check} {verdict.result}: promised {verdict.promised}"
                self._say(f"       {words}; measured {verdict.words}")

    def words(self) -> str:
        """Return the progress, as text."""
        done = self._count - len(self._waiting_s)
        on = ", ".join(
            f"{name} {format_duration(self._now_s() - began_s)} "
            f"of about {format_duration(self._expected_s[name])}"
            for name, began_s in self._on.items()
        )
        so_far = format_duration(self._now_s() - self._began_s)
        return f"{done} of {self._count}  {on}; {so_far} so far, about {format_duration(self.left_s())} to go"

    def left_s(self) -> float:
        """Return the estimated real seconds until the end."""
        on_s = (
            max(self._expected_s[name] - self._now_s() + began_s, 0.0) for name, began_s in self._on.items()
        )
        return (sum(self._waiting_s.values()) + sum(on_s)) / self._jobs

    def _say(self, words: str) -> None:
        self._console.print(words, highlight=False, markup=False, soft_wrap=True)

    def _shown(self) -> Text:
        return Text(self.words(), no_wrap=True, overflow="ellipsis")


def format_duration(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


OUTPUT_FILE = "said.txt"


class ScenarioQueue:
    """``pending`` has the scenario and the digest of each file, in the order of the turns.

    ``is_quiet``: they print nothing here, their words go to ``said.txt`` of their folders.
    """

    def __init__(
        self, options: argparse.Namespace, results: ResultsFile, pending: Mapping[Path, tuple[Scenario, str]]
    ) -> None:
        self._options = options
        self._results = results
        self._pending = pending
        self.is_quiet = bool(options.quiet or options.json or options.jobs > 1)
        self.judged: dict[Path, ScenarioResult] = {}
        self.failed: dict[Path, JunitSuite] = {}

    async def perform(self, progress: Progress) -> None:
        """All of them, as many at once as was asked.  Who cancels it ends those that are on."""
        waiting = iter(self._pending)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.jobs):
                group.create_task(self._worker(waiting, progress))

    async def _worker(self, waiting: Iterator[Path], progress: Progress) -> None:
        for path in waiting:
            progress.begin(path.stem)
            progress.end(path.stem, await self._turn(path))

    async def _turn(self, path: Path) -> ScenarioResult | None:
        folder = self._options.report / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").unlink(missing_ok=True)
        output_file = folder / OUTPUT_FILE
        output_file.unlink(missing_ok=True)
        child = ChildProcess(self._argv(path, folder), output_file)
        await child.start(inherit_output=not self.is_quiet)
        assert child.process is not None
        try:
            code = await child.process.wait()
        finally:
            await child.stop()
        # A process that fell over ends with 1 too.
        if code not in (KEPT, BROKEN, NOT_SHOWN) or not (folder / "run.json").exists():
            why = output_file.read_text("utf-8").strip() if self.is_quiet else "see its output above"
            sys.stderr.write(f"{why}\n" if self.is_quiet else "")
            self.failed[path] = JunitSuite(scenario=path.stem, error=why)
            return None
        return self._keep(path, folder)

    def _argv(self, path: Path, folder: Path) -> list[str]:
        options = self._options
        words = {
            "--seed": options.seed,
            "--rate": options.rate,
            "--records": options.records,
            "--broker": options.broker,
            "--bench": options.bench,
            "--real": options.real,
        }
        asked = [
            argument for name, value in words.items() if value is not None for argument in (name, str(value))
        ]
        quiet = ["--quiet"] if self.is_quiet else []
        return [
            *(sys.executable, "-m", "quartier_hil.cli", "run", str(path), "--report", str(folder)),
            *asked,
            *quiet,
        ]

    def _keep(self, path: Path, folder: Path) -> ScenarioResult:
        """Take what it left into the file of results and into the table."""
        scenario, digest = self._pending[path]
        left = json.loads((folder / "run.json").read_text("utf-8"))
        verdicts = tuple(map(Verdict.from_row, left["verdicts"]))
        now = dt.datetime.now(dt.UTC)
        line = verdict_files.make_verdict_line(
            path.stem,
            verdicts,
            left["figures"],
            site_s=scenario.duration_s,
            rate=left["scenario"]["rate"],
            real_s=left["real_s"],
            date=now.date().isoformat(),
        )
        result = ScenarioResult(digest=digest, seed=scenario.seed, line=line, verdicts=verdicts)
        self._results.append(result, now.isoformat(timespec="seconds"))
        verdict_files.record_line(self._options.report, line)
        self.judged[path] = result
        return result
