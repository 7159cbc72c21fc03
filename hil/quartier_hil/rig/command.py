"""The commands of a bench: `quartier-hil rig check`, `rig rest`, and the keys --bench and --real of a run."""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.rig import loading, survey

if TYPE_CHECKING:
    from quartier_hil.rig.bench import Bench
    from quartier_hil.rig.metal import Metal
    from quartier_hil.scenario import Scenario

WELL, WRONG, UNREADABLE = 0, 1, 2
NONE = "none"
EXAMPLES = """\
examples:
  quartier-hil rig check bench.toml            who answers where; nothing is switched
  quartier-hil rig check bench.toml --switch   each relay moves once and goes to its rest
  quartier-hil rig rest bench.toml             every relay to its declared rest, after a rig that was killed
  quartier-hil run charger-cut.toml --bench bench.toml                 what the file says is real
  quartier-hil run charger-cut.toml --bench bench.toml --real charger  this one is real, all others are not
  quartier-hil run charger-cut.toml --bench bench.toml --real none     all twins again
"""


def parser(made: argparse.ArgumentParser) -> None:
    """Fill in the command."""
    made.description = (
        "A bench file says which serial adapter, relay board, power switch and reference meter stands for "
        "what, and which devices of a house are real. hil/quartier_hil/rig/README.md has every key."
    )
    made.epilog = EXAMPLES
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = made.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser(
        "check",
        help="walk over adapters, boards, meters and devices",
        description="Asks each who it is and reads each quantity once. Exit code 0: all answer as the file "
        "says, 1: something is wrong, 2: the file cannot be read.",
    )
    rest = verbs.add_parser(
        "rest",
        help="put every relay to its declared rest",
        description="After a rig that was killed with its guardian. Exit code 0: all at rest, 1: not.",
    )
    for one in (check, rest):
        one.add_argument("file", type=Path, metavar="FILE", help="the bench file")
        one.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    check.add_argument(
        "--switch",
        action="store_true",
        help="also move every relay to its other side and to its rest: what hangs on it loses its supply",
    )
    check.set_defaults(command=_check, needed=())
    rest.set_defaults(command=_rest, needed=())


def _check(options: argparse.Namespace) -> int:
    return _surveyed(options, switch=options.switch)


def _rest(options: argparse.Namespace) -> int:
    return _surveyed(options, switch=None)


def _surveyed(options: argparse.Namespace, *, switch: bool | None) -> int:
    try:
        bench = loading.load(options.file)
    except ConfigError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return UNREADABLE
    try:
        rows = asyncio.run(_rows(bench, switch))
    except KeyboardInterrupt:
        sys.stderr.write("quartier-hil: interrupted; every relay goes to its rest\n")
        return UNREADABLE
    if options.json:
        told = {"bench": bench.title, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    else:
        sys.stdout.write(survey.table(rows))
    return WRONG if any(row.wrong for row in rows) else WELL


async def _rows(bench: "Bench", switch: bool | None) -> list[survey.Row]:  # noqa: FBT001 - as the caller has it
    """A look, a look with switching, or (None) no look and every relay to its rest."""
    if switch is None:
        return await survey.rested(bench)
    if not switch:
        return await survey.survey(bench)
    with tempfile.TemporaryDirectory(prefix="quartier-rig-", ignore_cleanup_errors=True) as folder:
        return await survey.guarded(bench, Path(folder) / "guardian.log")


def keys(made: argparse.ArgumentParser) -> None:
    """Add the options of a run that concern a bench."""
    made.add_argument(
        "--bench", type=Path, metavar="FILE", help="a bench with real devices (quartier-hil rig --help)"
    )
    made.add_argument(
        "--real",
        metavar="NAMES",
        help="which devices of the bench are real, by commas; none: all are simulated [real in the file]",
    )


def metal(options: argparse.Namespace, scenario: "Scenario") -> "Metal | None":
    """The real devices of a run; None where all are simulated.  Raises ConfigError with every fault."""
    if options.bench is None:
        if options.real is not None:
            raise ConfigError([Fault("--real", None, options.real, "needs --bench FILE, which says where")])
        return None
    from quartier_hil import fitted  # noqa: PLC0415 - the plant, for runs alone
    from quartier_hil.plant import building  # noqa: PLC0415 - as above
    from quartier_hil.rig import denied  # noqa: PLC0415 - as above
    from quartier_hil.rig.metal import Metal  # noqa: PLC0415 - as above
    from quartier_hil.run import specified  # noqa: PLC0415 - as above

    bench = loading.load(options.bench)
    real = bench.real if options.real is None else _named(options.real)
    if not real:
        return None
    spec = specified(scenario)
    plant = building.fresh(spec, more=fitted.pieces(scenario))
    known = {*building.values(spec, plant), *building.Orders().values}
    known |= {f"order.{name}" for name in _ordered(scenario)}
    faults = denied.faults(scenario, bench, real, known)
    if faults:
        whole = {"bench": str(options.bench), "scenario": scenario.title}
        raise ConfigError([Fault(whole[one.file], one.line, one.key, one.what) for one in faults])
    return Metal(bench, real, scenario)


def _ordered(scenario: "Scenario") -> list[str]:
    from quartier_hil.outputs import outputs  # noqa: PLC0415 - as above

    return [out.order.removeprefix("order.") for out in outputs(scenario.house)]


def _named(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return () if names == [NONE] else tuple(dict.fromkeys(names))
