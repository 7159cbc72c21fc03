"""``quartier-hil devices`` and ``quartier-hil tell``: their options and their actions."""

import argparse
import asyncio
import datetime as dt
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quartier_drivers.errors import ConfigError, Fault
from quartier_sim.building import control_protocol
from quartier_sim.site_clock import RigClock

if TYPE_CHECKING:
    from quartier_sim.building.building_server import ServerOptions
    from quartier_sim.building.site_file import Site
    from quartier_sim.load_series.minute_series import LoadSeries
    from quartier_sim.plant.asset_interface import PlantAsset

EXIT_OK, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2
EXIT_BAD_SITE = os.EX_CONFIG
DEFAULT_FOLDER = Path("devices")
_PROFILE_PACKAGES = ("demandlib", "pandas", "pvlib")
DEVICES_EPILOG = f"""\
SITE.toml is the gateway's own site file.  A bus on this machine (127.0.0.1) keeps its port; others get ports
from --port-base on, in the order of the file; serial ports are links in --folder, called as their bus.  There
lie site.toml (the same file led to these addresses), served.json (the table) and the socket of `tell`.
A device that the rig cannot play is told with its key, and is silent.  Faults and warnings of the file go to
the error output, as `quartier check` has them; what can be played is served all the same.

  quartier-hil devices site.toml                        a day like today, in real time
  quartier-hil devices site.toml --load 800 --sun 0     steady: the same in each run
  quartier-hil devices --profiles                       which profiles the rig plays
  quartier-hil tell fault meter silent                  from another shell, a Makefile, pytest
  quartier-hil tell expect bat1.power_w == 0 within=30  exit code 0: it was so, 1: it was not

Lines of the standard input, or of tell:
{control_protocol.HELP}
Exit code 0 at the end, 1 where an expectation failed, 2 where it could not be served or a line was none,
78 where the file has faults and nothing of it can be served.
"""
TELL_EPILOG = f"""\
{control_protocol.HELP}
Exit code 0: done, or as expected; 1: not as expected; 2: refused, or nobody is served from that folder.
"""


def add_devices_options(one: argparse.ArgumentParser) -> None:
    """The options of ``devices``."""
    one.description = (
        "Serves a whole simulated building for a gateway or controller: every bus and device of a site file "
        "on real sockets and serial ports, the grid meter reading the sum, until Ctrl-C or SIGTERM."
    )
    one.epilog = DEVICES_EPILOG
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.add_argument("site", nargs="?", type=Path, metavar="SITE.toml", help="the gateway's site file")
    one.add_argument("--profiles", action="store_true", help="list the profiles that the rig plays, and end")
    one.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="for links, copies and the socket [./devices]"
    )
    one.add_argument(
        "--port-base", type=_parse_port_base, metavar="N", help="first port; 0: free ones [15020]"
    )
    one.add_argument("--host", default="127.0.0.1", help="address that is listened on [%(default)s]")
    one.add_argument(
        "--rate", type=_parse_positive, default=1.0, help="seconds of the house in a real one [1]"
    )
    one.add_argument("--start", type=dt.datetime.fromisoformat, help="local time of the house [now]")
    one.add_argument(
        "--load", type=float, metavar="W", help="what the rest of the house takes [a day's course]"
    )
    one.add_argument("--sun", type=float, metavar="W_PER_KW", help="what the sun gives [a day's course]")
    one.add_argument(
        "--soc", type=_parse_percent, default=50.0, metavar="PCT", help="of batteries at the start [50]"
    )
    one.add_argument("--records", type=Path, metavar="FILE", help="a CSV of a measured home, as for run")
    one.add_argument("--seed", type=int, default=1, help="of what is random [%(default)s]")
    one.add_argument(
        "--fmu",
        action="append",
        default=[],
        metavar="ASSET=FILE[,QUANTITY=VARIABLE...]",
        help="the model of an asset is an FMU (2.0, 3.0) for co-simulation: a program, run those you trust",
    )
    one.add_argument(
        "--strict", action="store_true", help="exit code 2 where a device cannot be played, 78 for any fault"
    )
    one.add_argument("--json", action="store_true", help="the table, then each order, as a line of JSON")
    one.set_defaults(command=_run_devices, needed=())


def add_tell_options(one: argparse.ArgumentParser) -> None:
    """Add the options of ``tell``."""
    one.description = (
        "Says one line to a building that `quartier-hil devices` serves, and waits for its answer."
    )
    one.epilog = TELL_EPILOG
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="the --folder of devices [./devices]"
    )
    one.add_argument("--wait", type=float, default=0.0, metavar="S", help="for it to be served [0]")
    one.add_argument("--json", action="store_true", help="the answer as JSON")
    one.add_argument("words", nargs="+", metavar="WORD", help="the line")
    one.set_defaults(command=_run_tell, needed=())


def _parse_positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def _parse_percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is outside 0..100")
    return value


def _parse_port_base(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_000:
        raise argparse.ArgumentTypeError(f"{text} is outside 0..65000")
    return value


def _run_devices(options: argparse.Namespace) -> int:
    if options.profiles:
        from quartier_sim.building import bus_wires  # noqa: PLC0415 - only who serves pays for the devices

        _print_line(bus_wires.format_profiles())
        return EXIT_OK
    faults = [] if options.site is None else _report_faults(options.site)
    if faults and options.strict:
        return EXIT_BAD_SITE
    try:
        return asyncio.run(_run_server(_build_options(options)))
    except ConfigError as error:
        reported_keys = {fault.key for fault in faults}
        _print_refusal(*(str(fault) for fault in error.faults if fault.key not in reported_keys))
        return EXIT_BAD_SITE if faults else EXIT_REFUSED
    except (ValueError, OSError, LookupError) as error:
        return _print_refusal(f"quartier-hil: {options.site}: {error}")
    except KeyboardInterrupt:  # before anything was served
        return EXIT_OK


def _report_faults(path: Path) -> list[Fault]:
    """Write faults and warnings of the file as the gateway's own check has them; return the faults."""
    from quartier.config import loading  # noqa: PLC0415 - as above

    try:
        warnings = loading.check_site_file(path).warnings
    except ConfigError as error:
        count = len(error.faults)
        verdict = f"{path}: {count} fault{'s' * (count > 1)}: the gateway refuses this file"
        _print_refusal(*map(str, error.faults), verdict)
        return list(error.faults)
    _print_refusal(*(f"warning: {warning}" for warning in warnings))
    return []


def _build_options(options: argparse.Namespace) -> "ServerOptions":
    """Return the options to serve with.  Raises ConfigError with everything that prevents it."""
    from quartier_sim.building import device_assignment, site_file  # noqa: PLC0415 - as above
    from quartier_sim.building.building_server import ServerOptions  # noqa: PLC0415 - as above

    if options.site is None:
        raise ConfigError(
            [Fault("quartier-hil", None, "SITE.toml", "is missing: name the gateway's site file")]
        )
    if why := _find_missing_packages(options):
        raise ConfigError([Fault("quartier-hil", None, "--load, --sun", why)])
    site = site_file.load_site(options.site)
    assignment = device_assignment.assign_devices(site, options.seed)
    if assignment.absent and (options.strict or not assignment.played):
        raise ConfigError(
            [
                Fault(str(options.site), None, one.key, f"{one.why}; next: {one.step}")
                for one in assignment.absent
            ]
        )
    zone = ZoneInfo(site.site.time_zone)
    start = dt.datetime.now(zone) if options.start is None else options.start.replace(tzinfo=zone)
    return ServerOptions(
        site=site,
        assignment=assignment,
        series=_load_series(options, start.date()),
        clock=RigClock(time.time(), 0.0, options.rate),
        start=start,
        folder=options.folder,
        host=options.host,
        port_base=options.port_base,
        soc_pct=options.soc,
        base_w=options.load,
        solar_w_per_kw=options.sun,
        seed=options.seed,
        as_json=options.json,
        say=_print_line,
        listens=True,
        replacements=_load_fmus(options.fmu, site),
    )


def _load_fmus(arguments: list[str], site: "Site") -> "dict[str, PlantAsset]":
    """Load the FMUs of the command line.  Raises ConfigError naming an asset or a file that cannot be."""
    if not arguments:
        return {}
    from quartier_sim.fmi.imported_asset import (  # noqa: PLC0415 - as above
        FmuAsset,
        UnusableFmu,
        read_quantity_map,
    )

    found: dict[str, Any] = {}
    for argument in arguments:
        asset, _, rest = argument.partition("=")
        file, *more = rest.split(",")
        names = [name for name, one in site.assets.items() if one.role != "grid"]
        if asset not in names or not file:
            what = f"{argument!r}: expected ASSET=FILE with one of {', '.join(names)}"
            raise ConfigError([Fault("quartier-hil", None, "--fmu", what)])
        phase = site.assets[asset].phase
        try:
            found[asset] = FmuAsset(
                Path(file),
                asset,
                phase=int(phase[1]) if phase in ("l1", "l2", "l3") else None,
                quantities=read_quantity_map(more),
            )
        except (UnusableFmu, ValueError) as error:
            raise ConfigError([Fault("quartier-hil", None, "--fmu", str(error))]) from error
    return found


async def _run_server(options: "ServerOptions") -> int:
    from quartier_sim.building.building_server import BuildingServer  # noqa: PLC0415 - as above

    return await BuildingServer(options).perform()


def _print_line(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has enough; the building goes on
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process


def _print_refusal(*why: str) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in why))
    return EXIT_REFUSED


def _find_missing_packages(options: argparse.Namespace) -> str:
    """Return the missing packages that the course of a day needs, as text."""
    if options.records or (options.load is not None and options.sun is not None):
        return ""
    absent = [name for name in _PROFILE_PACKAGES if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    return (
        f"a day's course needs {', '.join(absent)}: install it (pip install quartier-hil), "
        "or say --load W and --sun W_PER_KW"
    )


def _load_series(options: argparse.Namespace, day: dt.date) -> "LoadSeries":
    """The course of a day, the same on each; nothing where both of its parts are said."""
    from quartier_sim.load_series import home_records, standard_load  # noqa: PLC0415 - as above
    from quartier_sim.load_series.minute_series import LoadSeries  # noqa: PLC0415 - as above

    if options.records:
        return home_records.read_series(options.records, day, 1, options.seed)
    if options.load is not None and options.sun is not None:
        return LoadSeries(base_w=(), solar_w_per_kw=(), origin="as said")
    return standard_load.build_standard_series(day, 1, options.seed)


def _run_tell(options: argparse.Namespace) -> int:
    from quartier_sim.building import control_protocol  # noqa: PLC0415 - as above

    try:
        answer = control_protocol.send_line(options.folder, " ".join(options.words), options.wait)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return _print_refusal(
            f"quartier-hil: nobody is served from {options.folder} ({why}): "
            "start quartier-hil devices, and name its --folder; --wait S waits for it"
        )
    text = " ".join(options.words)
    is_list = options.words[0].startswith(("show", "help"))
    _print_line(
        json.dumps(answer) if options.json else answer["text"] if is_list else f"{text}: {answer['text']}"
    )
    return EXIT_OK if answer["ok"] else EXIT_FAILED if answer["failed"] else EXIT_REFUSED
