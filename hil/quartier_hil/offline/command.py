"""``quartier-hil day``: scenarios in one process, hundreds of times faster than real."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_hil.offline.day import Day
    from quartier_hil.report.junit import Suite
    from quartier_hil.verdict.checks import Verdict


def parser(made: argparse.ArgumentParser) -> None:
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
    again(made)
    made.add_argument("--json", action="store_true", help="print the verdicts as JSON instead of a table")
    made.set_defaults(command=run)


def again(made: argparse.ArgumentParser) -> None:
    """Add the options for CI systems and for repeating a run."""
    made.add_argument(
        "--seed", type=int, metavar="N", help="of everything random in it [the scenario's, mostly 1]"
    )
    made.add_argument(
        "--junit", type=Path, metavar="FILE", help="leave the verdicts there as a JUnit file, for CI systems"
    )


def run(options: argparse.Namespace) -> int:
    """Run each scenario; the worst decides the exit code."""
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - what is heavy, on first use
    from quartier_hil import shelf  # noqa: PLC0415 - as above
    from quartier_hil.report import junit  # noqa: PLC0415 - as above
    from quartier_hil.verdict.checks import NO_RUN, worst  # noqa: PLC0415 - as above

    codes, suites = [], []
    for name in _names(options.scenarios):
        try:
            code, suite = _one(shelf.find(name), options)
        except ConfigError as error:
            for fault in error.faults:
                print(fault, file=sys.stderr)
            code, suite = NO_RUN, junit.Suite(scenario=Path(name).stem, error=str(error))
        codes.append(code)
        suites.append(suite)
    if options.junit:
        junit.write(options.junit, suites)
    return worst(codes)


def _names(names: list[str]) -> Iterator[str]:
    from quartier_hil import shelf  # noqa: PLC0415 - as above
    from quartier_hil.offline.refusal import fits  # noqa: PLC0415 - as above

    if names == ["all"]:
        yield from (str(path) for path in shelf.builtin().values() if fits(path))
        return
    yield from names


def _one(path: Path, options: argparse.Namespace) -> "tuple[int, Suite]":
    from quartier_hil import scenario, view  # noqa: PLC0415 - as above
    from quartier_hil.offline.day import Day, Options  # noqa: PLC0415 - as above
    from quartier_hil.records import standard, table  # noqa: PLC0415 - as above
    from quartier_hil.report import junit  # noqa: PLC0415 - as above
    from quartier_hil.verdict.checks import exit_code  # noqa: PLC0415 - as above

    asked = scenario.seeded(scenario.load(path), options.seed)
    day, days_count = asked.start.date(), int((asked.duration_s + 2 * 86_400) // 86_400)
    source = table.read(options.records, day, days_count, asked.seed) if options.records else None
    series = source or standard.make(day, days_count, asked.seed)
    with tempfile.TemporaryDirectory(prefix="quartier-day-") as folder:
        done = Day(Options(scenario=asked, series=series, folder=Path(folder))).perform()
    verdicts = done.verdicts()
    page = _report(done, verdicts, options.report, path.stem) if options.report else None
    if options.pictures:
        _draw(done, options.pictures)
    if options.json:
        head = {"scenario": path.stem, "seed": asked.seed, "real_s": done.real_s}
        print(json.dumps({**head, **_shown(verdicts)}))
    else:
        view.tell(view.terminal(), f"{path.stem}: {asked.title}", verdicts, done.words, page)
    suite = junit.Suite(scenario=path.stem, verdicts=verdicts, real_s=done.real_s, seed=asked.seed)
    return exit_code(verdicts), suite


def _draw(done: "Day", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in done.pictures().items():
        (folder / name).write_text(text, encoding="utf-8")


def _shown(verdicts: "list[Verdict]") -> Mapping[str, object]:
    return {"verdicts": [verdict.row for verdict in verdicts]}


def _report(done: "Day", verdicts: "list[Verdict]", report: Path, name: str) -> Path:
    from quartier_hil.report import record  # noqa: PLC0415 - as above
    from quartier_hil.report.files import Account, leave  # noqa: PLC0415 - as above

    account = Account(
        scenario=done.scenario,
        course=done.course,
        start_unix_s=done.start_utc_ms / 1e3,
        caps=done.caps,
        modes=done.modes,
        ledger=done.ledger,
        facts=done.facts,
        more={"real_s": done.real_s, "status": done.view},
    )
    house_s = done.scenario.duration_s
    line = record.line(name, verdicts, done.figures, house_s=house_s, rate=None, real_s=done.real_s, date="")
    record.keep(report, line)
    return leave(account, verdicts, done.figures, report / name)
