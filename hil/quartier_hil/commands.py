"""The commands of the rig and their options: run a scenario, the demo, the district; list what there is."""

import argparse
import asyncio
import sys
from pathlib import Path

from quartier_hil import capture, listing, quirks, sunspec
from quartier_hil.bench import command
from quartier_hil.devices.meters.kinds import CAPTURES
from quartier_hil.devices.meters.noise import LINES
from quartier_hil.district import command as handed
from quartier_hil.district import serving
from quartier_hil.drill import command as drill
from quartier_hil.neighbours import command as street
from quartier_hil.offline import command as day
from quartier_hil.offline import page as classes
from quartier_hil.offline.citylearn import command as citylearn
from quartier_hil.offline.fleet import command as fleet
from quartier_hil.offline.forecast import command as forecast
from quartier_hil.offline.homes import command as homes
from quartier_hil.offline.plausibility import command as plausibility
from quartier_hil.offline.soak import command as soak
from quartier_hil.replay import command as replay
from quartier_hil.rig import command as rig
from quartier_hil.standins import command as standins
from quartier_hil.swarm import command as swarm
from quartier_hil.torture import command as torture

KEPT, NO_RUN = 0, 2
STREET_RATE = 30.0
"""In the demonstration: what is shown need not be looked at live."""
EXAMPLES = """\
examples:
  quartier-hil list                        the scenarios that come with the rig
  quartier-hil demo                        a building at work, then a street, about three minutes
  quartier-hil list --rows                 what they prove of the fail-safe specification
  quartier-hil run cap-kept --report out   one scenario; out/index.html shows the curves
  quartier-hil street                      three buildings behind one transformer, and their district
  quartier-hil day day                     the same without wires, a day in a minute
  quartier-hil quirks late --tcp 1502      a Modbus server with one quirk of the field
  quartier-hil sunspec battery-7xx --pty   a SunSpec device, with the habits it is told to have
  quartier-hil capture tic-standard --line awful | quartier decode tic
  quartier-hil devices site.toml           a whole building for somebody else's gateway; tell acts on it
  quartier-hil rig check bench.toml        a bench with real devices: who answers, what is wrong
  quartier-hil run charger-lost --bench bench.toml --rate 1 --real charger
  quartier-hil replay fault.pcapng         what quartier record took, served back to a driver
  quartier-hil keys new keys               a district's root, keys and signed key list
  quartier-hil acl b012 b013 > district.acl  what two gateways may do at mosquitto
  quartier-hil fleet 1000 --event cap@18:00-20:00=0.4   a thousand buildings for a day, in half a minute
  quartier-hil storm                       500 gateways with a day of history each come back at once
  quartier-hil homes FOLDER                a year of measured homes, what a battery saves by which rule
  quartier-hil citylearn FOLDER --python venv/bin/python   the same planner in CityLearn's environment
  quartier-hil forecast Building_1.csv     what the gateway expected of each hour, and what came
  quartier-hil plausibility faults --draw 8   meters that lie, found in time or not
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
        help="run scenarios and judge them",
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
    run.add_argument("--again", action="store_true", help="of a set: also what was judged before")
    run.add_argument("--retry", action="store_true", help="of a set: also what was judged before and broke")
    run.add_argument(
        "--jobs",
        type=_count,
        default=1,
        metavar="N",
        help="of several: as many at once; a machine that is too slow for them breaks promises of time [1]",
    )
    rig.keys(run)
    _common(run)
    day.again(run)
    run.set_defaults(command=_run)
    day.parser(commands.add_parser("day", help="whole days in one process, without wires"))
    demo = commands.add_parser(
        "demo",
        help="a building at work, then a street of three, in about three minutes",
        description="Meters on real Modbus TCP and RTU, a battery following sun and load, a cap from the "
        "district, the broker taken away, every sample delivered afterwards. Then three such buildings "
        "behind one transformer, as `quartier-hil street` shows them. One page has both. Needs no root.",
    )
    demo.add_argument("--report", type=Path, default=Path("demo"), help="folder for the report [./demo]")
    demo.add_argument("--alone", action="store_true", help="one building and no street: two to four minutes")
    demo.add_argument("--street-rate", type=float, default=STREET_RATE, help="[%(default)g]")
    _common(demo)
    demo.set_defaults(
        command=_run, scenarios=["demo"], json=False, seed=None, junit=None, bench=None, real=None, jobs=1
    )
    listing.parser(commands.add_parser("list", help="the scenarios that come with the rig"))
    drill.parser(
        commands.add_parser("drill", help="each loss made to happen; quartier drill --simulated asks for it")
    )
    command.parser(commands.add_parser("bench", help="figures beside those of peers, and their floors"))
    soak.parser(commands.add_parser("soak", help="a month of smart meters, through their drivers"))
    fleet.parser(commands.add_parser("fleet", help="thousands of buildings for a day, in one process"))
    swarm.storm_arguments(
        commands.add_parser("storm", help="gateways with a day of history each come back at once")
    )
    homes.parser(commands.add_parser("homes", help="a year of measured homes, what their batteries save"))
    citylearn.parser(commands.add_parser("citylearn", help="our planner in CityLearn's own environment"))
    forecast.parser(commands.add_parser("forecast", help="the gateway's forecast on records of homes"))
    classes.parser(commands.add_parser("matrix", help="each class of device × each way to fail, as a page"))
    plausibility.parser(
        commands.add_parser("plausibility", help="connection meters that lie, and those that only look so")
    )
    torture.parser(commands.add_parser("torture", help="the loss contract, under every fault of the wire"))
    _quirks(commands)
    _sunspec(commands)
    _capture(commands)
    rig.parser(commands.add_parser("rig", help="real devices on a bench: look at it, put it to rest"))
    replay.parser(commands.add_parser("replay", help="a record of a bus, served back to a driver"))
    standins.parser(commands.add_parser("devices", help="a whole building, for somebody else's gateway"))
    standins.teller(commands.add_parser("tell", help="a fault, an event, an expectation for such a building"))
    handed.parsers(commands)
    serving.parser(commands.add_parser("district", help="the reference district, as a process of its own"))
    street.parser(
        commands.add_parser("street", help="three buildings behind one transformer, in about two minutes")
    )
    return parser


def _count(word: str) -> int:
    count = int(word) if word.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{word}: expected a whole number of 1 or more, for example 2")
    return count


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=float, help="seconds of the house in a real second [the scenario's]")
    parser.add_argument(
        "--records",
        type=Path,
        metavar="FILE",
        help="drive the plant by this CSV (one row an hour: month, hour, non_shiftable_load in kWh, "
        "solar_generation in W per kW) instead of standard profiles",
    )
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"), help="[mosquitto if it is installed]")
    parser.add_argument("--quiet", action="store_true", help="say nothing until the end")


def _quirks(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "quirks",
        help="list the quirks of Modbus devices in the field, or serve one",
        description="A Modbus server that misbehaves in one way, to try a client or a cable on.",
        epilog=quirks.ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="QUIRK", help="which one to serve [none: list them all]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, metavar="PORT", help="on this port of 127.0.0.1 [1502]")
    where.add_argument(
        "--rtu-tcp",
        type=int,
        metavar="PORT",
        help="the same with serial frames, as a serial server passes them on",
    )
    where.add_argument("--pty", action="store_true", help="on a pseudo terminal, as a serial port")
    parser.add_argument("--seconds", type=float, help="the time its sentence speaks of")
    parser.add_argument("--code", type=int, help="the exception its sentence speaks of")
    parser.set_defaults(command=_run_quirks, needed=())


def _run_quirks(options: argparse.Namespace) -> int:
    if options.name is None:
        print(quirks.listing())
        return KEPT
    is_rtu = options.rtu_tcp is not None
    port = options.rtu_tcp if is_rtu else options.tcp
    tcp = None if options.pty else 1502 if port is None else port
    try:
        odd = quirks.server(options.name, tcp=tcp, seconds=options.seconds, code=options.code, rtu=is_rtu)
        asyncio.run(quirks.serve(odd))
    except (ValueError, OSError) as error:
        print(f"quartier-hil: {error}", file=sys.stderr)
        return NO_RUN
    except KeyboardInterrupt:
        pass
    return KEPT


def _sunspec(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "sunspec",
        help="list the rig's SunSpec devices and their habits, or serve one",
        description="A SunSpec device with timers of its own, to try a client or `quartier arm` on.",
        epilog=sunspec.ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="DEVICE", help="which one to serve [none: list them all]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, metavar="PORT", help="on this port of 127.0.0.1 [1502]")
    where.add_argument("--pty", action="store_true", help="on a pseudo terminal, as a serial port")
    parser.add_argument("--habit", action="append", default=[], metavar="HABIT", help="may be given often")
    parser.set_defaults(command=_run_sunspec, needed=())


def _run_sunspec(options: argparse.Namespace) -> int:
    if options.name is None:
        print(sunspec.listing())
        return KEPT
    tcp = None if options.pty else 1502 if options.tcp is None else options.tcp
    try:
        asyncio.run(sunspec.serve(sunspec.made(options.name, options.habit), tcp))
    except (ValueError, LookupError, OSError) as error:
        print(f"quartier-hil: {error}", file=sys.stderr)
        return NO_RUN
    except KeyboardInterrupt:
        pass
    return KEPT


def _capture(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "capture",
        help="bytes of simulated smart meters, to try a decoder on",
        description="Writes seeded random telegrams of a smart meter to stdout, clean or as a bad line "
        "gives them, and what they say to a file.",
        epilog=capture.ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=CAPTURES, metavar="CAPTURE", help="which one, see below")
    parser.add_argument("--count", type=int, default=200, help="telegrams [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other telegrams [%(default)s]")
    parser.add_argument("--line", choices=LINES, default="clean", help="what it is heard over [clean]")
    parser.add_argument(
        "--expected", type=Path, metavar="FILE", help="what came through whole, a JSON object a line"
    )
    parser.set_defaults(command=_run_capture, needed=())


def _run_capture(options: argparse.Namespace) -> int:
    capture.write(
        options.name,
        sys.stdout.buffer,
        seed=options.seed,
        count=options.count,
        line=options.line,
        expected=options.expected,
    )
    return KEPT


def _run(options: argparse.Namespace) -> int:
    from quartier_hil.suite import command as suite  # noqa: PLC0415 - after the check of what is installed

    return suite.run(options)
