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
from quartier_hil.real_devices import bench_file, bench_survey

if TYPE_CHECKING:
    from quartier_hil.real_devices.bench_model import Bench
    from quartier_hil.real_devices.bench_run import RealDevices
    from quartier_hil.scenario.scenario_file import Scenario

RESULT_GOOD, RESULT_WRONG, RESULT_UNREADABLE = 0, 1, 2
NO_DEVICE = "none"
EXAMPLES = """\
examples:
  quartier-hil rig check bench.toml            who answers where; nothing is switched
  quartier-hil rig check bench.toml --switch   each relay moves once and goes to its rest
  quartier-hil rig rest bench.toml             every relay to its declared rest, after a rig that was killed
  quartier-hil run charger-cut.toml --bench bench.toml                 what the file says is real
  quartier-hil run charger-cut.toml --bench bench.toml --real charger  this one is real, all others are not
  quartier-hil run charger-cut.toml --bench bench.toml --real none     all twins again
"""


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the command."""
    made.description = (
        "A bench file says which serial adapter, relay board, power switch and reference meter stands for "
        "what, and which devices of a house are real. hil/quartier_hil/real_devices/README.md has every key."
    )
    made.epilog = EXAMPLES
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = made.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser(
        "check",
        help="check adapters, boards, meters and devices",
        description="Asks each who it is and reads each quantity once. Exit code 0: all answer as the file "
        "says, 1: something is wrong, 2: the file cannot be read.",
    )
    rest = verbs.add_parser(
        "rest",
        help="switch every relay to its declared rest position",
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
    check.set_defaults(command=_check_bench, needed=())
    rest.set_defaults(command=_rest_bench, needed=())


def _check_bench(options: argparse.Namespace) -> int:
    return _run_survey(options, switch=options.switch)


def _rest_bench(options: argparse.Namespace) -> int:
    return _run_survey(options, switch=None)


def _run_survey(options: argparse.Namespace, *, switch: bool | None) -> int:
    try:
        bench = bench_file.load_bench(options.file)
    except ConfigError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return RESULT_UNREADABLE
    try:
        rows = asyncio.run(_list_rows(bench, switch))
    except KeyboardInterrupt:
        sys.stderr.write("quartier-hil: interrupted; every relay goes to its rest\n")
        return RESULT_UNREADABLE
    if options.json:
        document = {"bench": bench.title, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        sys.stdout.write(bench_survey.format_survey(rows))
    return RESULT_WRONG if any(row.wrong for row in rows) else RESULT_GOOD


async def _list_rows(bench: "Bench", switch: bool | None) -> list[bench_survey.SurveyRow]:  # noqa: FBT001 - as the caller has it
    """A look, a look with switching, or (None) no look and every relay to its rest."""
    if switch is None:
        return await bench_survey.rest_relays(bench)
    if not switch:
        return await bench_survey.survey_bench(bench)
    with tempfile.TemporaryDirectory(prefix="quartier-rig-", ignore_cleanup_errors=True) as folder:
        return await bench_survey.survey_with_guardian(bench, Path(folder) / "guardian.log")


def add_run_options(made: argparse.ArgumentParser) -> None:
    """Add the options of a run that concern a bench."""
    made.add_argument(
        "--bench", type=Path, metavar="FILE", help="a bench with real devices (quartier-hil rig --help)"
    )
    made.add_argument(
        "--real",
        metavar="NAMES",
        help="which devices of the bench are real, by commas; none: all are simulated [real in the file]",
    )


def build_real_devices(options: argparse.Namespace, scenario: "Scenario") -> "RealDevices | None":
    """The real devices of a run; None where all are simulated.  Raises ConfigError with every fault."""
    if options.bench is None:
        if options.real is not None:
            raise ConfigError([Fault("--real", None, options.real, "needs --bench FILE, which says where")])
        return None
    from quartier_hil.real_devices import feasibility  # noqa: PLC0415 - as above
    from quartier_hil.real_devices.bench_run import RealDevices  # noqa: PLC0415 - as above
    from quartier_hil.scenario import plant_assets  # noqa: PLC0415 - the plant, for runs alone
    from quartier_hil.scenario.plant_assets import build_plant_spec  # noqa: PLC0415 - as above
    from quartier_sim.plant import building_model  # noqa: PLC0415 - as above

    bench = bench_file.load_bench(options.bench)
    real = bench.real if options.real is None else _parse_names(options.real)
    if not real:
        return None
    spec = build_plant_spec(scenario)
    plant = building_model.build_initial_state(spec, more=plant_assets.build_pieces(scenario))
    known = {*building_model.measure_quantities(spec, plant), *building_model.Orders().values}
    known |= {f"order.{name}" for name in _list_controlled_assets(scenario)}
    faults = feasibility.list_obstacles(scenario, bench, real, known)
    if faults:
        whole = {"bench": str(options.bench), "scenario": scenario.title}
        raise ConfigError([Fault(whole[one.file], one.line, one.key, one.what) for one in faults])
    return RealDevices(bench, real, scenario)


def _list_controlled_assets(scenario: "Scenario") -> list[str]:
    from quartier_hil.scenario.outputs import list_outputs  # noqa: PLC0415 - as above

    return [out.order.removeprefix("order.") for out in list_outputs(scenario.house)]


def _parse_names(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return () if names == [NO_DEVICE] else tuple(dict.fromkeys(names))
