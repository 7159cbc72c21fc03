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
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.clock import RigClock
from quartier_hil.standins import words

if TYPE_CHECKING:
    from quartier_hil.records.series import Series
    from quartier_hil.standins.served import Options

KEPT, BROKEN, NO_RUN = 0, 1, 2
FAULTY = os.EX_CONFIG
FOLDER = Path("devices")
_NEEDED = ("demandlib", "pandas", "pvlib")
ABOUT = f"""\
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
{words.HELP}
Exit code 0 at the end, 1 where an expectation failed, 2 where it could not be served or a line was none,
78 where the file has faults and nothing of it can be served.
"""
TELL = f"""\
{words.HELP}
Exit code 0: done, or as expected; 1: not as expected; 2: refused, or nobody is served from that folder.
"""


def parser(one: argparse.ArgumentParser) -> None:
    """The options of ``devices``."""
    one.description = (
        "Serves a whole simulated building for a gateway or controller: every bus and device of a site file "
        "on real sockets and serial ports, the grid meter reading the sum, until Ctrl-C or SIGTERM."
    )
    one.epilog = ABOUT
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.add_argument("site", nargs="?", type=Path, metavar="SITE.toml", help="the gateway's site file")
    one.add_argument("--profiles", action="store_true", help="list the profiles that the rig plays, and end")
    one.add_argument(
        "--folder", type=Path, default=FOLDER, help="for links, copies and the socket [./devices]"
    )
    one.add_argument("--port-base", type=_port_base, metavar="N", help="first port; 0: free ones [15020]")
    one.add_argument("--host", default="127.0.0.1", help="address that is listened on [%(default)s]")
    one.add_argument("--rate", type=_positive, default=1.0, help="seconds of the house in a real one [1]")
    one.add_argument("--start", type=dt.datetime.fromisoformat, help="local time of the house [now]")
    one.add_argument(
        "--load", type=float, metavar="W", help="what the rest of the house takes [a day's course]"
    )
    one.add_argument("--sun", type=float, metavar="W_PER_KW", help="what the sun gives [a day's course]")
    one.add_argument("--soc", type=_share, default=50.0, metavar="PCT", help="of batteries at the start [50]")
    one.add_argument("--records", type=Path, metavar="FILE", help="a CSV of a measured home, as for run")
    one.add_argument("--seed", type=int, default=1, help="of what is random [%(default)s]")
    one.add_argument(
        "--strict", action="store_true", help="exit code 2 where a device cannot be played, 78 for any fault"
    )
    one.add_argument("--json", action="store_true", help="the table, then each order, as a line of JSON")
    one.set_defaults(command=_devices, needed=())


def teller(one: argparse.ArgumentParser) -> None:
    """Add the options of ``tell``."""
    one.description = (
        "Says one line to a building that `quartier-hil devices` serves, and waits for its answer."
    )
    one.epilog = TELL
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.add_argument("--folder", type=Path, default=FOLDER, help="the --folder of devices [./devices]")
    one.add_argument("--wait", type=float, default=0.0, metavar="S", help="for it to be served [0]")
    one.add_argument("--json", action="store_true", help="the answer as JSON")
    one.add_argument("words", nargs="+", metavar="WORD", help="the line")
    one.set_defaults(command=_tell, needed=())


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is outside 0..100")
    return value


def _port_base(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_000:
        raise argparse.ArgumentTypeError(f"{text} is outside 0..65000")
    return value


def _devices(options: argparse.Namespace) -> int:
    if options.profiles:
        from quartier_hil.standins import table  # noqa: PLC0415 - only who serves pays for the devices

        _say(table.profiles())
        return KEPT
    faults = [] if options.site is None else _tell_faults(options.site)
    if faults and options.strict:
        return FAULTY
    try:
        return asyncio.run(_perform(_asked(options)))
    except ConfigError as error:
        told = {fault.key for fault in faults}
        _refused(*(str(fault) for fault in error.faults if fault.key not in told))
        return FAULTY if faults else NO_RUN
    except (ValueError, OSError, LookupError) as error:
        return _refused(f"quartier-hil: {options.site}: {error}")
    except KeyboardInterrupt:  # before anything was served
        return KEPT


def _tell_faults(path: Path) -> list[Fault]:
    """Write faults and warnings of the file as the gateway's own check has them; return the faults."""
    from quartier.config import loading  # noqa: PLC0415 - as above

    try:
        warnings = loading.check_site_file(path).warnings
    except ConfigError as error:
        count = len(error.faults)
        verdict = f"{path}: {count} fault{'s' * (count > 1)}: the gateway refuses this file"
        _refused(*map(str, error.faults), verdict)
        return list(error.faults)
    _refused(*(f"warning: {warning}" for warning in warnings))
    return []


def _asked(options: argparse.Namespace) -> "Options":
    """Return the options to serve with.  Raises ConfigError with everything that prevents it."""
    from quartier_hil.standins import played, sitefile  # noqa: PLC0415 - as above
    from quartier_hil.standins.served import Options  # noqa: PLC0415 - as above

    if options.site is None:
        raise ConfigError(
            [Fault("quartier-hil", None, "SITE.toml", "is missing: name the gateway's site file")]
        )
    if why := _lacking(options):
        raise ConfigError([Fault("quartier-hil", None, "--load, --sun", why)])
    site = sitefile.load(options.site)
    company = played.company(site, options.seed)
    if company.absent and (options.strict or not company.played):
        raise ConfigError(
            [
                Fault(str(options.site), None, one.key, f"{one.why}; next: {one.step}")
                for one in company.absent
            ]
        )
    zone = ZoneInfo(site.site.time_zone)
    start = dt.datetime.now(zone) if options.start is None else options.start.replace(tzinfo=zone)
    return Options(
        site=site,
        company=company,
        series=_series(options, start.date()),
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
        say=_say,
        listens=True,
    )


async def _perform(options: "Options") -> int:
    from quartier_hil.standins.served import Served  # noqa: PLC0415 - as above

    return await Served(options).perform()


def _say(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has enough; the building goes on
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process


def _refused(*why: str) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in why))
    return NO_RUN


def _lacking(options: argparse.Namespace) -> str:
    """Return the missing packages that the course of a day needs, as text."""
    if options.records or (options.load is not None and options.sun is not None):
        return ""
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    return (
        f"a day's course needs {', '.join(absent)}: install the extra `hil` (pip install 'quartier[hil]'), "
        "or say --load W and --sun W_PER_KW"
    )


def _series(options: argparse.Namespace, day: dt.date) -> "Series":
    """The course of a day, the same on each; nothing where both of its parts are said."""
    from quartier_hil.records import standard, table  # noqa: PLC0415 - as above
    from quartier_hil.records.series import Series  # noqa: PLC0415 - as above

    if options.records:
        return table.read(options.records, day, 1, options.seed)
    if options.load is not None and options.sun is not None:
        return Series(base_w=(), solar_w_per_kw=(), origin="as said")
    return standard.make(day, 1, options.seed)


def _tell(options: argparse.Namespace) -> int:
    from quartier_hil.standins import control  # noqa: PLC0415 - as above

    try:
        answer = control.tell(options.folder, " ".join(options.words), options.wait)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return _refused(
            f"quartier-hil: nobody is served from {options.folder} ({why}): "
            "start quartier-hil devices, and name its --folder; --wait S waits for it"
        )
    text = " ".join(options.words)
    is_list = options.words[0].startswith(("show", "help"))
    _say(json.dumps(answer) if options.json else answer["text"] if is_list else f"{text}: {answer['text']}")
    return KEPT if answer["ok"] else BROKEN if answer["failed"] else NO_RUN
