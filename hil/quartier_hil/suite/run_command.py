"""`quartier-hil run`: one scenario, or a set that continues where it stopped."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.checks.verdicts import KEPT, NO_RUN, compute_exit_code, find_worst_code
from quartier_hil.processes.child_process import make_work_folder
from quartier_hil.real_devices import bench_command
from quartier_hil.report import report_files, verdict_files
from quartier_hil.report.verdict_files import JunitSuite
from quartier_hil.runner import live_view, outcome, speed_monitor
from quartier_hil.runner.run import Run, RunOptions
from quartier_hil.runner.supervisor import RigError, TooSlowError
from quartier_hil.scenario import builtin_scenarios, scenario_file
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.street import street_command as street
from quartier_hil.street.street_page import render_sections
from quartier_hil.suite import results as digest
from quartier_hil.suite.results import RESULTS_FILE, ResultsFile, ScenarioResult
from quartier_hil.suite.scenario_queue import SET_UP_REAL_S, Progress, ScenarioQueue
from quartier_sim.load_series import home_records, standard_load
from quartier_sim.load_series.minute_series import LoadSeries


async def run_scenario(options: argparse.Namespace, path: Path) -> tuple[int, JunitSuite]:
    """Run it; its report goes to ``options.report``.

    Raises ConfigError, OSError, RigError when it cannot be run.
    """
    asked = load_requested(options, path)
    day = asked.start.date()
    days_count = int((asked.duration_s + 2 * 86_400) // 86_400)
    source = (
        home_records.read_series(options.records, day, days_count, asked.seed) if options.records else None
    )
    series = source or standard_load.build_standard_series(day, days_count, asked.seed)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console, code = live_view.make_console(), KEPT
    run = await _run_with_retry(options, asked, series, console)
    real_devices = run.real_devices
    verdicts, figures = outcome.evaluate_run(run), outcome.collect_figures(run)
    page = report_files.write_run_report(run, verdicts, figures, options.report)
    if options.json:
        console.print(
            (options.report / "run.json").read_text(), end="", soft_wrap=True, highlight=False, markup=False
        )
    else:
        live_view.print_conclusion(console, verdicts, figures, asked.seed)
        if real_devices is not None and real_devices.unjudged:
            console.print(f"Not judged: {'; '.join(real_devices.unjudged)}", style="yellow", highlight=False)
    if not getattr(options, "alone", True):
        code, street_page = await _run_street(options)
        report_files.write_run_report(run, verdicts, figures, options.report, street_page)
    if not options.json:
        console.print(f"Report: {page.resolve()}", highlight=False, soft_wrap=True)
    suite = JunitSuite(scenario=path.stem, verdicts=verdicts, real_s=run.real_s, seed=asked.seed)
    return find_worst_code((code, compute_exit_code(verdicts))), suite


async def _run_with_retry(
    options: argparse.Namespace, asked: Scenario, series: LoadSeries, console: Console
) -> Run:
    """Run it; where the machine is too slow, once more at half the rate, unless a rate was asked for."""
    silent = options.quiet or options.json
    while True:
        with contextlib.ExitStack() as stack:
            watch = None if silent else stack.enter_context(live_view.LiveView(console)).show
            real_devices = bench_command.build_real_devices(options, asked)
            run = Run(
                RunOptions(
                    scenario=asked,
                    series=series,
                    folder=options.report,
                    broker=options.broker,
                    watch=watch,
                    real_devices=real_devices,
                    may_slow=options.rate is None and real_devices is None,
                )
            )
            try:
                return await run.perform()
            except TooSlowError as error:
                asked = asked.model_copy(update={"rate": speed_monitor.lower_speed_factor(asked.rate)})
                words = f"{error}; it starts again at {asked.rate:g} times"
        sys.stderr.write(f"quartier-hil: {words}\n")


async def _run_street(options: argparse.Namespace) -> tuple[int, str]:
    """The street of the demonstration: its exit code, and its part of the page."""
    data = await street.run_street(
        make_work_folder(options.report / "street"),
        options.report,
        options.street_rate,
        broker=options.broker,
        quiet=options.quiet,
    )
    return compute_exit_code(data.verdicts), render_sections(data)


def load_requested(options: argparse.Namespace, path: Path) -> Scenario:
    """The scenario of a file with the seed and the rate that were asked for.  Raises ConfigError."""
    asked = scenario_file.replace_seed(scenario_file.load_scenario(path), options.seed)
    if options.rate is None:
        return asked
    return Scenario.model_validate({**asked.model_dump(), "rate": options.rate})


SCENARIO_SETS = {"all": builtin_scenarios.list_wired, "short": builtin_scenarios.list_short}


def run_scenarios(options: argparse.Namespace) -> int:
    """Run what was asked for; the worst decides the exit code."""
    names = options.scenarios
    chosen = SCENARIO_SETS.get(names[0]) if len(names) == 1 else None
    try:
        paths = [*chosen().values()] if chosen else [builtin_scenarios.find_scenario(name) for name in names]
        if len(paths) == 1:
            code, suites = _run_single(options, paths[0])
        else:
            code, suites = _run_set(options, paths, anew=chosen is None)
    except ConfigError as error:
        return _describe_error(error)
    except OSError as error:
        sys.stderr.write(f"quartier-hil: {error}\n")
        return NO_RUN
    except (KeyboardInterrupt, asyncio.CancelledError):
        done = (
            ""
            if chosen is None
            else f"; finished results are in {options.report / RESULTS_FILE}, the same command goes on"
        )
        sys.stderr.write(f"quartier-hil: interrupted; everything is ended{done}\n")
        return NO_RUN
    if options.junit:
        verdict_files.write_junit(options.junit, suites)
    return code


def _run_single(options: argparse.Namespace, path: Path) -> tuple[int, list[verdict_files.JunitSuite]]:
    try:
        code, suite = asyncio.run(run_scenario(options, path))
    except ConfigError as error:
        return _describe_error(error), [verdict_files.JunitSuite(scenario=path.stem, error=str(error))]
    except (RigError, OSError) as error:
        sys.stderr.write(f"quartier-hil: {path.stem}: {error}\n")
        return NO_RUN, [verdict_files.JunitSuite(scenario=path.stem, error=str(error))]
    return code, [suite]


def _run_set(
    options: argparse.Namespace, paths: Sequence[Path], *, anew: bool
) -> tuple[int, list[verdict_files.JunitSuite]]:
    """Run a set of scenarios; ``anew``: also those with a verdict."""
    if options.bench and options.jobs > 1:
        wrong = "a bench has one of each device: run one scenario after the other"
        raise ConfigError([Fault("--jobs", None, str(options.jobs), wrong)])
    results = ResultsFile(options.report)
    known = results.find_last_results()
    asked: dict[Path, Scenario] = {}
    digests: dict[Path, str] = {}
    suites: dict[Path, verdict_files.JunitSuite] = {}
    found: dict[Path, ScenarioResult] = {}
    for path in paths:
        try:
            asked[path] = load_requested(options, path)
        except ConfigError as error:
            _describe_error(error)
            suites[path] = verdict_files.JunitSuite(scenario=path.stem, error=str(error))
            continue
        digests[path] = digest.compute_digest(path, _list_options(options), digest.compute_code_digest())
        before = known.get((path.stem, digests[path]))
        if before is not None and not (anew or options.again or (options.retry and not before.is_kept)):
            found[path] = before
    before_count = len(found)
    pending = [path for path in asked if path not in found]
    _print_earlier_results(options.report, list(found.values()))
    turns = ScenarioQueue(options, results, {path: (asked[path], digests[path]) for path in pending})
    took_s = results.took_s()
    expected_s = {
        path.stem: took_s.get(
            (path.stem, asked[path].rate), asked[path].duration_s / asked[path].rate + SET_UP_REAL_S
        )
        for path in pending
    }
    progress = Progress(
        live_view.make_console(),
        expected_s,
        before_count + len(pending),
        jobs=options.jobs,
        live=turns.is_quiet,
    )
    if pending:
        _run_queue(turns, progress)
    found |= turns.judged
    suites |= {path: one.suite for path, one in found.items()} | turns.failed
    if options.json:
        shown = [asdict(found[path]) for path in paths if path in found]
        sys.stdout.write(json.dumps(shown, indent=1) + "\n")
    return _combine_exit_codes(list(found.values()), len(paths)), [
        suites[path] for path in paths if path in suites
    ]


def _run_queue(turns: ScenarioQueue, progress: Progress) -> None:
    """Raises OSError where what is found cannot be written."""
    try:
        asyncio.run(_run_queue_until_end(turns, progress))
    except ExceptionGroup as group:
        full = group.subgroup(OSError)
        if full is None:
            raise
        raise full.exceptions[0] from group


async def _run_queue_until_end(turns: ScenarioQueue, progress: Progress) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with progress:
        await turns.perform(progress)


def _list_options(options: argparse.Namespace) -> Mapping[str, Any]:
    files = {"records": options.records, "bench": options.bench}
    read = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path}
    return {name: getattr(options, name) for name in ("rate", "seed", "broker", "real")} | read


def _print_earlier_results(folder: Path, before: Sequence[ScenarioResult]) -> None:
    if not before:
        return
    broken = [one.scenario for one in before if not one.is_kept]
    words = f"{len(before)} were judged before, by {folder / RESULTS_FILE}; --again runs them too"
    if broken:
        words += f". Not kept were {', '.join(broken)}: --retry runs those"
    sys.stderr.write(f"{words}\n")


def _combine_exit_codes(found: Sequence[ScenarioResult], count: int) -> int:
    if len(found) < count:
        return NO_RUN
    return compute_exit_code(verdict for one in found for verdict in one.verdicts)


def _describe_error(error: ConfigError) -> int:
    for fault in error.faults:
        sys.stderr.write(f"{fault}\n")
    return NO_RUN
