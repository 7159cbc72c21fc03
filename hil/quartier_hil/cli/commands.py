"""The commands of `quartier-hil` and their options; list the built-in scenarios."""

import argparse
import importlib.util
from pathlib import Path

from quartier_district import credentials_command, district_command
from quartier_hil.cli.device_commands import (
    add_capture_command,
    add_quirks_command,
    add_sunspec_command,
)
from quartier_hil.drill import drill_command
from quartier_hil.real_devices import bench_command as real_bench
from quartier_hil.replay import replay_command
from quartier_hil.report import run_comparison
from quartier_hil.street import street_command
from quartier_hil.synthetic import commands as synthetic
from quartier_sim.building import command_line as building
from quartier_sim.fmi import exported_building


def add_list_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil list``."""
    made.add_argument(
        "--rows",
        action="store_true",
        help="make a Markdown page: which scenario proves which row of the fail-safe specification",
    )
    made.add_argument("--short", action="store_true", help="list those that CI runs on real buses, and why")
    made.set_defaults(command=run_list)


def run_list(options: argparse.Namespace) -> int:
    """Print the list, or the page; returns the exit code."""
    from quartier_hil.report import coverage_pages  # noqa: PLC0415 - what is heavy, on first use
    from quartier_hil.scenario import builtin_scenarios, scenario_file  # noqa: PLC0415 - as above

    if options.rows:
        print(coverage_pages.render_coverage_page(builtin_scenarios.list_builtin()), end="")
        return 0
    shown = builtin_scenarios.list_short() if options.short else builtin_scenarios.list_builtin()
    width = max(map(len, shown))
    for name, path in shown.items():
        loaded = scenario_file.load_scenario(path)
        print(f"{name:{width}} {loaded.duration_s / 60:6.0f} min  {loaded.title}")
        if options.short:
            why = builtin_scenarios.SHORT_SCENARIOS[name]
            print(f"{'':{width + 12}}{why}; about {loaded.duration_s / loaded.rate:.0f} s")
    print(f"\nThey lie in {path.parent}")
    return 0


STREET_RATE = 30.0
"""In the demonstration: what is shown need not be looked at live."""
EXAMPLES = """\
examples:
  quartier-hil list                        the scenarios that come with the rig
  quartier-hil demo                        a building, then a street, in about five minutes
  quartier-hil list --rows                 which rules of the fail-safe specification they prove
  quartier-hil run cap-kept --report out   one scenario; out/index.html shows the curves
  quartier-hil street                      three buildings behind one transformer, and their district
  quartier-hil day day                     the same without wires, a day in a minute
  quartier-hil quirks late --tcp 1502      a Modbus server with one quirk of the field
  quartier-hil sunspec battery-7xx --pty   a SunSpec device with chosen habits
  quartier-hil capture tic-standard --line awful | quartier decode tic
  quartier-hil devices site.toml           a simulated building for any gateway; tell changes it
  quartier-hil rig check bench.toml        check a bench with real devices
  quartier-hil run charger-lost --bench bench.toml --rate 1 --real charger
  quartier-hil replay fault.pcapng         play a recording of quartier record back to a driver
  quartier-hil keys new keys               a district's root, keys and signed key list
  quartier-hil acl b012 b013 > district.acl  the access rights of two gateways at mosquitto
  quartier-hil fleet 1000 --event cap@18:00-20:00=0.4   a thousand buildings for a day, in half a minute
  quartier-hil storm                       500 gateways with a day of history each come back at once
  quartier-hil homes FOLDER                a year of measured homes, what a battery saves by which rule
  quartier-hil citylearn FOLDER --python venv/bin/python   the same planner in CityLearn's environment
  quartier-hil forecast Building_1.csv     the forecast of the gateway, compared with the measured load
  quartier-hil plausibility faults --draw 8   faulty meters: whether each is detected in time
  quartier-hil soak --days 1               a day of noisy smart meters, in a minute or two
  quartier-hil run short --jobs 2          those that CI runs; quartier-hil list --short says why each
  quartier-hil run all --report reports    each of ours over wires, some hours; Ctrl-C, and on later
  quartier-hil run my.toml --rate 20 --records Building_1.csv
  quartier-hil day all --junit days.xml    for CI systems; the same again with the seed that is told

A scenario is a TOML file: what happens when ([[events]]), what must hold ([[checks]]).  The easiest
start is a copy of one of ours; `quartier-hil list` shows where they lie.
"""


def make_parser() -> argparse.ArgumentParser:
    """The options of every command; ``command`` runs the one that was asked for."""
    parser = argparse.ArgumentParser(
        prog="quartier-hil",
        description="A simulated building on real wires around the Quartier daemon.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run scenarios and check their expectations",
        description="Runs scenarios over wires: broker, district, devices and daemon are started and ended "
        "by the rig. A set (all, short) goes on where it was left: what was judged with the same scenario "
        "file, the same code and the same options, by results.jsonl of the report folder, is not run again. "
        "Exit code 0: every promise kept, 1: one broken, now or before, 2: not run, 3: one not shown.",
    )
    run.add_argument(
        "scenarios",
        nargs="+",
        metavar="SCENARIO",
        help="a TOML file, or the name of a scenario of ours (quartier-hil list); all: each of ours of "
        "at most two hours of the house; short: those that CI runs, some minutes",
    )
    run.add_argument(
        "--report",
        type=Path,
        default=Path("reports"),
        help="folder for the report; of several a folder for each in it, and verdicts.md [./reports]",
    )
    run.add_argument("--json", action="store_true", help="print the verdicts as JSON instead of a table")
    run.add_argument("--again", action="store_true", help="of a set: also those that were checked before")
    run.add_argument("--retry", action="store_true", help="of a set: also those that failed before")
    run.add_argument(
        "--jobs",
        type=_parse_count,
        default=1,
        metavar="N",
        help="of several: number of parallel scenarios; on a slow machine deadlines may fail [1]",
    )
    real_bench.add_run_options(run)
    _add_common_options(run)
    synthetic.add_repeat_options(run)
    run.set_defaults(command=_run_scenarios)
    synthetic.add_day_arguments(
        commands.add_parser("day", help="run whole days in one process, without real buses")
    )
    run_comparison.add_arguments(
        commands.add_parser("compare", help="compare two runs: verdicts, figures, curves")
    )
    demo = commands.add_parser(
        "demo",
        help="show a building, then a street of three buildings, in about five minutes",
        description="Meters on real Modbus TCP and RTU, a battery following sun and load, a cap from the "
        "district, the broker taken away, every sample delivered afterwards. Then three such buildings "
        "behind one transformer, as `quartier-hil street` shows them. One page has both. Needs no root.",
    )
    demo.add_argument("--report", type=Path, default=Path("demo"), help="folder for the report [./demo]")
    demo.add_argument(
        "--alone", action="store_true", help="one building only, no street: two to five minutes"
    )
    demo.add_argument("--street-rate", type=float, default=STREET_RATE, help="[%(default)g]")
    _add_common_options(demo)
    demo.set_defaults(
        command=_run_scenarios,
        scenarios=["demo"],
        json=False,
        seed=None,
        junit=None,
        bench=None,
        real=None,
        jobs=1,
    )
    add_list_arguments(commands.add_parser("list", help="list the scenarios of the rig"))
    drill_command.add_arguments(
        commands.add_parser("drill", help="cause each loss (used by quartier drill --simulated)")
    )
    synthetic.add_matrix_arguments(
        commands.add_parser("matrix", help="make a page of all device classes and faults")
    )
    add_quirks_command(commands)
    add_sunspec_command(commands)
    add_capture_command(commands)
    real_bench.add_arguments(commands.add_parser("rig", help="check or switch off a bench with real devices"))
    replay_command.add_arguments(
        commands.add_parser("replay", help="play a recording of a bus back to a driver")
    )
    building.add_devices_options(
        commands.add_parser("devices", help="serve a simulated building for any gateway")
    )
    building.add_tell_options(
        commands.add_parser("tell", help="send a fault, event or expectation to a served building")
    )
    exported_building.add_arguments(commands.add_parser("fmu", help="write a building as an FMU (FMI 2.0)"))
    credentials_command.add_commands(commands)
    district_command.add_arguments(
        commands.add_parser("district", help="run the reference district as a separate process")
    )
    street_command.add_arguments(
        commands.add_parser("street", help="run three buildings behind one transformer, in about two minutes")
    )
    if importlib.util.find_spec("quartier_bench") is not None:  # absent where only the wheel is installed
        importlib.import_module("quartier_bench.commands").add_commands(commands)
    return parser


def _parse_count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of 1 or more, for example 2")
    return count


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=float, help="simulated seconds per real second [the scenario's]")
    parser.add_argument(
        "--records",
        type=Path,
        metavar="FILE",
        help="drive the plant by this CSV (one row an hour: month, hour, non_shiftable_load in kWh, "
        "solar_generation in W per kW) instead of standard profiles",
    )
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"), help="[mosquitto if it is installed]")
    parser.add_argument("--quiet", action="store_true", help="print nothing until the end")


def _run_scenarios(options: argparse.Namespace) -> int:
    from quartier_hil.suite import run_command as suite  # noqa: PLC0415 - after the check of what is installed

    return suite.run_scenarios(options)
