"""Scenarios in their turns, each in a process of its own: what one leaves behind touches no other."""

import argparse
import asyncio
import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from quartier_hil.report import record
from quartier_hil.report.junit import Suite
from quartier_hil.scenario import Scenario
from quartier_hil.stage.child import Child
from quartier_hil.suite.progress import Progress
from quartier_hil.suite.results import Judged, Results
from quartier_hil.verdict.checks import BROKEN, KEPT, NOT_SHOWN, Verdict

SAID = "said.txt"


class Turns:
    """``pending`` has the scenario and the digest of each file, in the order of the turns.

    ``hushed``: they say nothing here, their words go to ``said.txt`` of their folders.
    """

    def __init__(
        self, options: argparse.Namespace, results: Results, pending: Mapping[Path, tuple[Scenario, str]]
    ) -> None:
        self._options = options
        self._results = results
        self._pending = pending
        self.hushed = bool(options.quiet or options.json or options.jobs > 1)
        self.judged: dict[Path, Judged] = {}
        self.failed: dict[Path, Suite] = {}

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

    async def _turn(self, path: Path) -> Judged | None:
        folder = self._options.report / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").unlink(missing_ok=True)
        said = folder / SAID
        said.unlink(missing_ok=True)
        child = Child(self._argv(path, folder), said)
        await child.start(loud=not self.hushed)
        assert child.process is not None
        try:
            code = await child.process.wait()
        finally:
            await child.stop()
        # A process that fell over ends with 1 too.
        if code not in (KEPT, BROKEN, NOT_SHOWN) or not (folder / "run.json").exists():
            why = said.read_text("utf-8").strip() if self.hushed else "what it said stands above"
            sys.stderr.write(f"{why}\n" if self.hushed else "")
            self.failed[path] = Suite(scenario=path.stem, error=why)
            return None
        return self._keep(path, folder)

    def _argv(self, path: Path, folder: Path) -> list[str]:
        told = self._options
        words = {
            "--seed": told.seed,
            "--rate": told.rate,
            "--records": told.records,
            "--broker": told.broker,
            "--bench": told.bench,
            "--real": told.real,
        }
        asked = [word for name, value in words.items() if value is not None for word in (name, str(value))]
        quiet = ["--quiet"] if self.hushed else []
        return [
            *(sys.executable, "-m", "quartier_hil.cli", "run", str(path), "--report", str(folder)),
            *asked,
            *quiet,
        ]

    def _keep(self, path: Path, folder: Path) -> Judged:
        """Take what it left into the file of results and into the table."""
        scenario, digest = self._pending[path]
        left = json.loads((folder / "run.json").read_text("utf-8"))
        verdicts = tuple(map(Verdict.from_row, left["verdicts"]))
        now = dt.datetime.now(dt.UTC)
        line = record.line(
            path.stem,
            verdicts,
            left["figures"],
            house_s=scenario.duration_s,
            rate=left["scenario"]["rate"],
            real_s=left["real_s"],
            date=now.date().isoformat(),
        )
        judged = Judged(digest=digest, seed=scenario.seed, line=line, verdicts=verdicts)
        self._results.append(judged, now.isoformat(timespec="seconds"))
        record.keep(self._options.report, line)
        self.judged[path] = judged
        return judged
