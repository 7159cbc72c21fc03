"""``quartier-hil plausibility``: wrong meters must be found, and right meters must be believed."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from quartier_bench.meter_check.fault_cases import MeterFaultCase
    from quartier_bench.meter_check.fault_matrix import CaseResult

KEPT, BROKEN, NO_RUN = 0, 1, 2
_Name = TypeVar("_Name", bound=str)
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
EPILOG = """\
examples:
  quartier-hil plausibility faults                           the whole matrix, 340 cases
  quartier-hil plausibility faults --fault gain-0.6 --fault reversed --link HOLD
  quartier-hil plausibility faults --part 1/4 --jobs 2       the first quarter of it, two cases at once
  quartier-hil plausibility faults --draw 8 --seed 3         eight cases by a seed
  quartier-hil plausibility homes FOLDER --days 30           thirty days of each home in each kind of building
  quartier-hil plausibility homes FOLDER --variant ovens --home Building_1
  quartier-hil plausibility homes FOLDER --whole --days 12   the whole control cycle, one day of each month
"""


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil plausibility``."""
    made.description = (
        "Judges what the gateway says of its connection meter, without wires. faults: each fault of the "
        "meter, by day and night, under each limit, in each link state; the true import and export must be "
        "inside the limits from the time that spec/failsafe.md#meter-implausible allows. homes: a year of "
        "measured homes, second by "
        "second, with sound meters and with what makes them look wrong; implausible is false there."
    )
    made.epilog, made.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    actions = made.add_subparsers(required=True, metavar="WHAT", dest="what")
    faults = actions.add_parser("faults", help="meters that lie: the matrix of faults")
    faults.add_argument("--fault", action="append", metavar="FAULT", help="may be given often [all]")
    faults.add_argument("--link", action="append", metavar="STATE", help="may be given often [all]")
    faults.add_argument(
        "--meter",
        action="append",
        metavar="METER",
        help="such as slow or linky; may be given often [usual]",
    )
    faults.add_argument(
        "--unlisted-w", type=float, metavar="W", help="limits.unlisted_generation_w of the site file [none]"
    )
    faults.add_argument("--part", metavar="I/N", help="the I-th of N parts [1/1]")
    faults.add_argument("--draw", type=int, metavar="N", help="N of the cases, by the seed")
    faults.add_argument("--seed", type=int, default=1, help="of --draw [%(default)s]")
    _add_common_options(faults)
    faults.set_defaults(command=run_faults)
    homes = actions.add_parser("homes", help="meters that do not lie: a year of measured homes")
    homes.add_argument("folder", type=Path, metavar="FOLDER", help="in the form of CityLearn 2022")
    homes.add_argument("--home", action="append", metavar="NAME", help="may be given often [all]")
    homes.add_argument("--variant", action="append", metavar="NAME", help="may be given often [all]")
    homes.add_argument("--days", type=int, default=365, help="evenly over the year [%(default)s]")
    homes.add_argument("--seed", type=int, default=1, help="another seed, other seconds [%(default)s]")
    homes.add_argument("--whole", action="store_true", help="the whole control cycle, not the judge alone")
    _add_common_options(homes)
    homes.set_defaults(command=run_homes, needed=("numpy",))


def _add_common_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at once [%(default)s]")
    made.add_argument("--json", action="store_true", help="print JSON, a line for each, instead of a table")


def run_faults(options: argparse.Namespace) -> int:
    """Perform the cases that are asked for and print the table."""
    from quartier_bench.meter_check import fault_matrix  # noqa: PLC0415 - what is heavy, on first use

    try:
        cases = choose_cases(options)
    except ValueError as error:
        sys.stderr.write(f"quartier-hil: {error}\n")
        return NO_RUN
    results = []
    for result in _map_in_processes(fault_matrix.run_case, cases, options.jobs):
        results.append(result)
        if options.json:
            _print_line(json.dumps(_make_document(result)))
    if not options.json:
        _print_line(fault_matrix.format_table(fault_matrix.make_table_rows(results)))
        kept = sum(one.is_kept for one in results)
        _print_line(f"{kept} of {len(results)} cases kept")
    return KEPT if all(one.is_kept for one in results) else BROKEN


def choose_cases(options: argparse.Namespace) -> "list[MeterFaultCase]":
    """Return the cases that are asked for.  Raises ValueError for a name that is none."""
    from quartier_bench.meter_check.fault_cases import (  # noqa: PLC0415 - as above
        GRID_METERS,
        LINK_STATES,
        METER_FAULTS,
        draw_cases,
        iterate_cases,
    )

    faults = _check_names("--fault", options.fault, tuple(METER_FAULTS))
    links = _check_names("--link", options.link, LINK_STATES)
    meters = _check_names("--meter", options.meter or ["usual"], GRID_METERS)
    cases = list(iterate_cases(faults, links, meters, options.unlisted_w))
    if options.draw:
        cases = draw_cases(min(options.draw, len(cases)), options.seed, cases)
    if options.part:
        part, _, parts = options.part.partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise ValueError(f"--part {options.part}: expected one as 1/4")
        cases = cases[int(part) - 1 :: int(parts)]
    return cases


def _check_names(key: str, names: Sequence[str] | None, known: Sequence[_Name]) -> tuple[_Name, ...]:
    """Return the names that were given, all where none was.  Raises ValueError for one that is unknown."""
    if not names:
        return tuple(known)
    if strange := [name for name in names if name not in known]:
        raise ValueError(f"{key} {strange[0]}: expected one of {', '.join(known)}")
    return tuple(name for name in known if name in names)


def _map_in_processes(work: Callable[[_Given], _Made], items: Sequence[_Given], jobs: int) -> Iterator[_Made]:
    """Yield what becomes of each item, in their order; ``jobs`` at once."""
    if jobs <= 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, items)


def _make_document(result: "CaseResult") -> dict[str, object]:
    excess = result.excess
    return {
        "case": result.case.name,
        "kept": result.is_kept,
        "suspect_s": result.suspect_s,
        "implausible_s": result.implausible_s,
        "worst_w": round(excess.worst_w),
        "over_s": excess.over_s,
        "late_s": excess.late_s,
        "faults": list(result.faults),
        "words": result.words,
    }


def run_homes(options: argparse.Namespace) -> int:
    """Feed the judge with the homes that are asked for and print the counts."""
    from quartier_bench.home_years import year_records  # noqa: PLC0415 - as above
    from quartier_bench.meter_check import sound_meter_check  # noqa: PLC0415 - as above
    from quartier_bench.meter_check.sound_meters import VARIANTS  # noqa: PLC0415 - as above
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - as above

    try:
        found = year_records.read_year(options.folder)
        homes = _check_names("--home", options.home, tuple(home.name for home in found.homes))
        variants = _check_names("--variant", options.variant, tuple(VARIANTS))
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"quartier-hil: {error}\n")
        return NO_RUN
    asked = [
        sound_meter_check.CheckRequest(home, variant, options.days, options.seed, whole=options.whole)
        for home in found.homes
        if home.name in homes
        for variant in variants
    ]
    all_counts: list[sound_meter_check.VerdictCounts] = []

    def found_so_far() -> Iterator[tuple[str, str, sound_meter_check.VerdictCounts]]:
        for one, counts in zip(
            asked, _map_in_processes(sound_meter_check.run_request, asked, options.jobs), strict=True
        ):
            all_counts.append(counts)
            yield one.home.name, one.variant, counts

    describe = sound_meter_check.format_json_lines if options.json else sound_meter_check.format_rows
    for line in describe(found_so_far()):
        _print_line(line)
    return KEPT if all(counts.count("implausible") == 0 for counts in all_counts) else BROKEN


def _print_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
