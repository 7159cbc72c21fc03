"""``quartier-hil day`` and ``quartier-hil matrix``: scenarios in one process, much faster than real time."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_hil.checks.verdicts import Verdict
    from quartier_hil.report.verdict_files import JunitSuite
    from quartier_hil.synthetic.scenario_run import SyntheticRun


def add_day_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil day``."""
    made.description = (
        "Runs scenarios without wires: the plant, and the gateway's own control as its assembly makes it of "
        "the site file, in one process with synthetic time. What needs wires or disks is named and "
        "not judged. Exit code 0: every promise kept, 1: one broken, 2: it could not be run, "
        "3: none broken, one not shown."
    )
    made.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="files or names; all: each of ours that can"
    )
    made.add_argument(
        "--report", type=Path, help="folder for the reports, one in it for each scenario [none]"
    )
    made.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="where the pictures that a scenario declares go [none]",
    )
    made.add_argument("--records", type=Path, metavar="FILE", help="as with `quartier-hil run`")
    add_repeat_options(made)
    made.add_argument("--json", action="store_true", help="print the verdicts as JSON instead of a table")
    made.set_defaults(command=run_scenarios)


def add_repeat_options(made: argparse.ArgumentParser) -> None:
    """Add the options for CI systems and for repeating a run."""
    made.add_argument(
        "--seed", type=int, metavar="N", help="of everything random in it [the scenario's, mostly 1]"
    )
    made.add_argument(
        "--junit", type=Path, metavar="FILE", help="leave the verdicts there as a JUnit file, for CI systems"
    )


def run_scenarios(options: argparse.Namespace) -> int:
    """Run each scenario; the worst decides the exit code."""
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - what is heavy, on first use
    from quartier_hil.checks.verdicts import NO_RUN, find_worst_code  # noqa: PLC0415 - as above
    from quartier_hil.report import verdict_files  # noqa: PLC0415 - as above
    from quartier_hil.scenario import builtin_scenarios  # noqa: PLC0415 - as above

    codes, suites = [], []
    for name in _expand_names(options.scenarios):
        try:
            code, suite = _run_scenario(builtin_scenarios.find_scenario(name), options)
        except ConfigError as error:
            for fault in error.faults:
                print(fault, file=sys.stderr)
            code, suite = NO_RUN, verdict_files.JunitSuite(scenario=Path(name).stem, error=str(error))
        codes.append(code)
        suites.append(suite)
    if options.junit:
        verdict_files.write_junit(options.junit, suites)
    return find_worst_code(codes)


def _expand_names(names: list[str]) -> Iterator[str]:
    from quartier_hil.scenario import builtin_scenarios  # noqa: PLC0415 - as above
    from quartier_hil.synthetic.event_actions import runs_without_wires  # noqa: PLC0415 - as above

    if names == ["all"]:
        yield from (
            str(path) for path in builtin_scenarios.list_builtin().values() if runs_without_wires(path)
        )
        return
    yield from names


def _run_scenario(path: Path, options: argparse.Namespace) -> "tuple[int, JunitSuite]":
    from quartier_hil.checks.verdicts import compute_exit_code  # noqa: PLC0415 - as above
    from quartier_hil.report import verdict_files  # noqa: PLC0415 - as above
    from quartier_hil.runner import live_view  # noqa: PLC0415 - as above
    from quartier_hil.scenario import scenario_file  # noqa: PLC0415 - as above
    from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun  # noqa: PLC0415 - as above
    from quartier_sim.load_series import home_records, standard_load  # noqa: PLC0415 - as above

    asked = scenario_file.replace_seed(scenario_file.load_scenario(path), options.seed)
    day, days_count = asked.start.date(), int((asked.duration_s + 2 * 86_400) // 86_400)
    source = (
        home_records.read_series(options.records, day, days_count, asked.seed) if options.records else None
    )
    series = source or standard_load.build_standard_series(day, days_count, asked.seed)
    with tempfile.TemporaryDirectory(prefix="quartier-day-") as folder:
        done = SyntheticRun(RunOptions(scenario=asked, series=series, folder=Path(folder))).perform()
    verdicts = done.verdicts()
    page = _write_report(done, verdicts, options.report, path.stem) if options.report else None
    if options.pictures:
        _write_pictures(done, options.pictures)
    if options.json:
        head = {"scenario": path.stem, "seed": asked.seed, "real_s": done.real_s}
        print(json.dumps({**head, **_make_document(verdicts)}))
    else:
        live_view.print_run_verdicts(
            live_view.make_console(), f"{path.stem}: {asked.title}", verdicts, done.words, page
        )
    suite = verdict_files.JunitSuite(
        scenario=path.stem, verdicts=verdicts, real_s=done.real_s, seed=asked.seed
    )
    return compute_exit_code(verdicts), suite


def _write_pictures(done: "SyntheticRun", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in done.pictures().items():
        (folder / name).write_text(text, encoding="utf-8")


def _make_document(verdicts: "list[Verdict]") -> Mapping[str, object]:
    return {"verdicts": [verdict.row for verdict in verdicts]}


def _write_report(done: "SyntheticRun", verdicts: "list[Verdict]", report: Path, name: str) -> Path:
    from quartier_hil.report import verdict_files  # noqa: PLC0415 - as above
    from quartier_hil.report.report_files import ReportData, write_report  # noqa: PLC0415 - as above

    account = ReportData(
        scenario=done.scenario,
        record=done.record,
        start_unix_s=done.start_utc_ms / 1e3,
        caps=done.caps,
        modes=done.modes,
        ledger=done.ledger,
        facts=done.facts,
        more={"real_s": done.real_s, "status": done.view},
    )
    site_s = done.scenario.duration_s
    line = verdict_files.make_verdict_line(
        name, verdicts, done.figures, site_s=site_s, rate=None, real_s=done.real_s, date=""
    )
    verdict_files.record_line(report, line)
    return write_report(account, verdicts, done.figures, report / name)


KEPT, BROKEN = 0, 1
VERDICTS_FILE = Path("reports") / "verdicts.md"


def add_matrix_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil matrix``."""
    made.description = (
        "Runs the scenarios in which each class of device fails in each of the seven ways, without wires, "
        "and writes the page that tells what came of each, in a minute or two. "
        "Exit code 0: each was kept, 1: one was broken."
    )
    made.add_argument("--page", type=Path, metavar="FILE", help="write the page there [standard output]")
    made.add_argument(
        "--verdicts",
        type=Path,
        metavar="FILE",
        default=VERDICTS_FILE,
        help="results over wires, written by `quartier-hil run`, for devices that need them [%(default)s]",
    )
    made.set_defaults(command=run_matrix)


def run_matrix(options: argparse.Namespace) -> int:
    """Run them and write the page."""
    from quartier_hil.report import coverage_pages  # noqa: PLC0415 - as above
    from quartier_hil.scenario import builtin_scenarios  # noqa: PLC0415 - what is heavy, on first use
    from quartier_hil.scenario.scenario_file import load_scenario  # noqa: PLC0415 - as above
    from quartier_hil.synthetic import reference_runs  # noqa: PLC0415 - as above
    from quartier_hil.synthetic.event_actions import runs_without_wires  # noqa: PLC0415 - as above

    results: dict[tuple[str, str, str], str] = {}
    for name in coverage_pages.list_matrix_scenarios():
        if not runs_without_wires(builtin_scenarios.find_scenario(name)):
            continue
        with tempfile.TemporaryDirectory(prefix="quartier-matrix-") as folder:
            results |= reference_runs.make_matrix_cells(
                name,
                reference_runs.run_with_standard_series(
                    load_scenario(builtin_scenarios.find_scenario(name)), Path(folder)
                ),
            )
    verdicts: Path = options.verdicts
    kept = coverage_pages.parse_wired_results(verdicts.read_text("utf-8")) if verdicts.is_file() else {}
    text = coverage_pages.render_matrix_page(results, kept)
    if options.page:
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return BROKEN if "broken" in results.values() else KEPT
