"""One scenario over wires in this process, with what a person sees of it and the report that it leaves."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from rich.console import Console

from quartier_hil import lateness, outcome, scenario, view
from quartier_hil.keeper import TooSlowError
from quartier_hil.neighbours import command as street
from quartier_hil.neighbours.page import sections
from quartier_hil.records import standard, table
from quartier_hil.records.series import Series
from quartier_hil.report import files
from quartier_hil.report.junit import Suite
from quartier_hil.rig import command
from quartier_hil.run import Options, Run
from quartier_hil.scenario import Scenario
from quartier_hil.verdict.checks import KEPT, exit_code, worst
from quartier_hil.workplace import work_folder


async def perform(options: argparse.Namespace, path: Path) -> tuple[int, Suite]:
    """Run it; its report goes to ``options.report``.

    Raises ConfigError, OSError, RigError when it cannot be run.
    """
    asked = wanted(options, path)
    day = asked.start.date()
    days_count = int((asked.duration_s + 2 * 86_400) // 86_400)
    source = table.read(options.records, day, days_count, asked.seed) if options.records else None
    series = source or standard.make(day, days_count, asked.seed)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console, code = view.terminal(), KEPT
    run = await _performed(options, asked, series, console)
    metal = run.metal
    verdicts, figures = outcome.judged(run), outcome.figures(run)
    page = files.write(run, verdicts, figures, options.report)
    if options.json:
        console.print(
            (options.report / "run.json").read_text(), end="", soft_wrap=True, highlight=False, markup=False
        )
    else:
        view.conclude(console, verdicts, figures, asked.seed)
        if metal is not None and metal.unjudged:
            console.print(f"Not judged: {'; '.join(metal.unjudged)}", style="yellow", highlight=False)
    if not getattr(options, "alone", True):
        code, street_page = await _neighbours(options)
        files.write(run, verdicts, figures, options.report, street_page)
    if not options.json:
        console.print(f"Report: {page.resolve()}", highlight=False, soft_wrap=True)
    suite = Suite(scenario=path.stem, verdicts=verdicts, real_s=run.real_s, seed=asked.seed)
    return worst((code, exit_code(verdicts))), suite


async def _performed(options: argparse.Namespace, asked: Scenario, series: Series, console: Console) -> Run:
    """Run it; where the machine is too slow, once more at half the rate, unless a rate was asked for."""
    silent = options.quiet or options.json
    while True:
        with contextlib.ExitStack() as stack:
            watch = None if silent else stack.enter_context(view.View(console)).show
            metal = command.metal(options, asked)
            run = Run(
                Options(
                    scenario=asked,
                    series=series,
                    folder=options.report,
                    broker=options.broker,
                    watch=watch,
                    metal=metal,
                    may_slow=options.rate is None and metal is None,
                )
            )
            try:
                return await run.perform()
            except TooSlowError as error:
                asked = asked.model_copy(update={"rate": lateness.lower(asked.rate)})
                words = f"{error}; it starts again at {asked.rate:g} times"
        sys.stderr.write(f"quartier-hil: {words}\n")


async def _neighbours(options: argparse.Namespace) -> tuple[int, str]:
    """The street of the demonstration: its exit code, and its part of the page."""
    told = await street.perform(
        work_folder(options.report / "street"),
        options.report,
        options.street_rate,
        broker=options.broker,
        quiet=options.quiet,
    )
    return exit_code(told.verdicts), sections(told)


def wanted(options: argparse.Namespace, path: Path) -> Scenario:
    """The scenario of a file with the seed and the rate that were asked for.  Raises ConfigError."""
    asked = scenario.seeded(scenario.load(path), options.seed)
    if options.rate is None:
        return asked
    return Scenario.model_validate({**asked.model_dump(), "rate": options.rate})
