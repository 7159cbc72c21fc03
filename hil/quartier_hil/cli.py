"""The rig's command line: run a scenario, the demo, the reference district; list what there is.

Exit codes: 0 every promise kept · 1 one broken · 2 it could not be run or judged.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import importlib.util
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quartier_hil import capture, quirks, sunspec
from quartier_hil.bench import command
from quartier_hil.devices.meters.kinds import CAPTURES
from quartier_hil.devices.meters.noise import LINES
from quartier_hil.district import command as handed
from quartier_hil.district import serving
from quartier_hil.drill import command as drill
from quartier_hil.neighbours import command as street
from quartier_hil.offline import command as day
from quartier_hil.offline.fleet import command as fleet
from quartier_hil.offline.homes import command as homes
from quartier_hil.offline.soak import command as soak
from quartier_hil.replay import command as replay
from quartier_hil.rig import command as rig
from quartier_hil.standins import command as standins
from quartier_hil.torture import command as torture

if TYPE_CHECKING:
    from quartier_drivers.errors import ConfigError
    from quartier_hil.report.junit import Suite

NEEDED = ("demandlib", "highspy", "pandas", "pvlib", "iotcore")
KEPT, BROKEN, NO_RUN = 0, 1, 2
STREET_RATE = 30.0
"""In the demonstration: what is shown need not be looked at live."""
EXAMPLES = """\
examples:
  quartier-hil list                        the scenarios that come with the rig
  quartier-hil demo                        a building at work, then a street, about three minutes
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
  quartier-hil homes FOLDER                a year of measured homes, what a battery saves by which rule
  quartier-hil soak --days 1               a day of noisy smart meters, in a minute or two
  quartier-hil run all --report reports    each of ours over wires, some hours; reports/verdicts.md
  quartier-hil run my.toml --rate 20 --records Building_1.csv
  quartier-hil day all --junit days.xml    for CI systems; the same again with the seed that is told

A scenario is a TOML file: what happens when ([[events]]), what must hold ([[checks]]).  The easiest
start is a copy of one of ours; `quartier-hil list` shows where they lie.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    absent = [name for name in getattr(options, "needed", NEEDED) if importlib.util.find_spec(name) is None]
    if absent:
        print(
            f"quartier-hil needs {', '.join(absent)}: install the extra `hil`, "
            "for example `pip install 'quartier[hil]'` or, in a clone, `pip install -e '.[hil]'`",
            file=sys.stderr,
        )
        return NO_RUN
    return int(options.command(options))


def _parser() -> argparse.ArgumentParser:
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
        description="Runs one scenario after the other: broker, district, devices and daemon are started and "
        "ended by the rig. Exit code 0: every promise kept, 1: one broken, 2: it could not be run.",
    )
    run.add_argument(
        "scenarios",
        nargs="+",
        metavar="SCENARIO",
        help="a TOML file, or the name of a scenario of ours (quartier-hil list); all: each of ours of "
        "at most two hours of the house",
    )
    run.add_argument(
        "--report",
        type=Path,
        default=Path("reports"),
        help="folder for the report; of several a folder for each in it, and verdicts.md [./reports]",
    )
    run.add_argument("--json", action="store_true", help="print the verdicts as JSON instead of a table")
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
    demo.add_argument("--alone", action="store_true", help="one building and no street, in two minutes")
    demo.add_argument("--street-rate", type=float, default=STREET_RATE, help="[%(default)g]")
    _common(demo)
    demo.set_defaults(
        command=_run, scenarios=["demo"], json=False, seed=None, junit=None, bench=None, real=None
    )
    listing = commands.add_parser("list", help="the scenarios that come with the rig")
    listing.set_defaults(command=_list)
    drill.parser(
        commands.add_parser("drill", help="each loss made to happen; quartier drill --simulated asks for it")
    )
    command.parser(commands.add_parser("bench", help="figures beside those of peers, and their floors"))
    soak.parser(commands.add_parser("soak", help="a month of smart meters, through their drivers"))
    fleet.parser(commands.add_parser("fleet", help="thousands of buildings for a day, in one process"))
    homes.parser(commands.add_parser("homes", help="a year of measured homes, what their batteries save"))
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


def _list(_: argparse.Namespace) -> int:
    from quartier_hil import scenario, shelf  # noqa: PLC0415 - after the check of what is installed

    for name, path in shelf.builtin().items():
        loaded = scenario.load(path)
        print(f"{name:20} {loaded.duration_s / 60:6.0f} min  {loaded.title}")
    print(f"\nThey lie in {path.parent}")
    return KEPT


def _run(options: argparse.Namespace) -> int:
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - after the check above
    from quartier_hil import shelf  # noqa: PLC0415 - as above
    from quartier_hil.keeper import RigError  # noqa: PLC0415 - as above
    from quartier_hil.report import junit  # noqa: PLC0415 - as above

    names = options.scenarios
    try:
        paths = [*shelf.on_wires().values()] if names == ["all"] else [shelf.find(name) for name in names]
    except ConfigError as error:
        return _told(error)
    codes, suites = [], []
    for path in paths:
        folder = options.report if len(paths) == 1 else options.report / path.stem
        try:
            code, suite = asyncio.run(_perform(options, path, folder))
        except ConfigError as error:
            code, suite = _told(error), junit.Suite(scenario=path.stem, error=str(error))
        except (RigError, OSError) as error:
            print(f"quartier-hil: {path.stem}: {error}", file=sys.stderr)
            code, suite = NO_RUN, junit.Suite(scenario=path.stem, error=str(error))
        except (KeyboardInterrupt, asyncio.CancelledError):
            print("quartier-hil: interrupted; everything is ended", file=sys.stderr)
            return NO_RUN
        codes.append(code)
        suites.append(suite)
    if options.junit:
        junit.write(options.junit, suites)
    return max(codes)


def _told(error: "ConfigError") -> int:
    for fault in error.faults:
        print(fault, file=sys.stderr)
    return NO_RUN


async def _perform(options: argparse.Namespace, path: Path, folder: Path) -> "tuple[int, Suite]":
    """Run one scenario; its report goes to ``folder``, and a line to the record of its parent folder."""
    from quartier_hil import outcome, scenario, view  # noqa: PLC0415 - as above
    from quartier_hil.records import standard, table  # noqa: PLC0415 - as above
    from quartier_hil.report import files, junit, record  # noqa: PLC0415 - as above
    from quartier_hil.run import Options, Run  # noqa: PLC0415 - as above

    asked = scenario.seeded(scenario.load(path), options.seed)
    if options.rate is not None:
        asked = scenario.Scenario.model_validate({**asked.model_dump(), "rate": options.rate})
    day = asked.start.date()
    days_count = int((asked.duration_s + 2 * 86_400) // 86_400)
    source = table.read(options.records, day, days_count, asked.seed) if options.records else None
    series = source or standard.make(day, days_count, asked.seed)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console, code = view.terminal(), KEPT
    with contextlib.ExitStack() as stack:
        silent = options.quiet or options.json
        watch = None if silent else stack.enter_context(view.View(console)).show
        metal = rig.metal(options, asked)
        run = Run(
            Options(
                scenario=asked,
                series=series,
                folder=folder,
                broker=options.broker,
                watch=watch,
                metal=metal,
            )
        )
        await run.perform()
    verdicts, figures = outcome.judged(run), outcome.figures(run)
    page = files.write(run, verdicts, figures, folder)
    if folder != options.report:
        line = record.line(
            path.stem,
            verdicts,
            figures,
            house_s=asked.duration_s,
            rate=asked.rate,
            real_s=run.real_s,
            date=_today(),
        )
        record.keep(options.report, line)
    if options.json:
        print((folder / "run.json").read_text())
    else:
        view.conclude(console, verdicts, figures, asked.seed)
        if metal is not None and metal.unjudged:
            console.print(f"Not judged: {'; '.join(metal.unjudged)}", style="yellow", highlight=False)
    if not getattr(options, "alone", True):
        code, street_page = await _neighbours(options, folder)
        files.write(run, verdicts, figures, folder, street_page)
    if not options.json:
        console.print(f"Report: {page.resolve()}", highlight=False, soft_wrap=True)
    suite = junit.Suite(scenario=path.stem, verdicts=verdicts, real_s=run.real_s, seed=asked.seed)
    return max(code, KEPT if all(verdict.holds for verdict in verdicts) else BROKEN), suite


async def _neighbours(options: argparse.Namespace, folder: Path) -> tuple[int, str]:
    """The street of the demonstration: its exit code, and its part of the page."""
    from quartier_hil.neighbours.page import sections  # noqa: PLC0415 - as above
    from quartier_hil.workplace import work_folder  # noqa: PLC0415 - as above

    told = await street.perform(
        work_folder(folder / "street"),
        folder,
        options.street_rate,
        broker=options.broker,
        quiet=options.quiet,
    )
    return KEPT if all(verdict.holds for verdict in told.verdicts) else BROKEN, sections(told)


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
