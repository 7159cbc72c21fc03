"""``quartier-hil bench``: options, exit codes, and the groups of measurements with the modules that make
them.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import measurement
from quartier_bench.speed.measurement import (
    ROUNDS,
    ROUNDS_SHORT,
    SHORT_FLOOR_SHARE,
    Figure,
    Setting,
    make_skipped_figure,
)

# Group -> the function that measures it, in a module of quartier_bench, and the description for users.
GROUPS: Mapping[str, tuple[str, str]] = {
    "daemon": (
        "speed.daemon_speed:measure_daemon",
        "the whole daemon against Node-RED and thingsboard-gateway, 2,000 and 20,000 points/s",
    ),
    "requests": (
        "protocol_speed.modbus_speed:measure_requests",
        "how few requests 200 points in ten devices take",
    ),
    "driver": (
        "protocol_speed.modbus_speed:measure_driver",
        "the whole driver path against plain pymodbus calls",
    ),
    "sunspec": (
        "protocol_speed.sunspec_speed:measure_sunspec",
        "scan and poll of a SunSpec device against pysunspec2's client",
    ),
    "share": (
        "protocol_speed.line_speed:measure_share",
        "a request of another client through a share, and what an idle share costs us",
    ),
    "bacnet": (
        "protocol_speed.bacnet_answers:measure_bacnet",
        "BACnet answers read, against bacpypes3 and node-bacnet",
    ),
    "opcua": (
        "protocol_speed.opcua_speed:measure_opcua",
        "300 points of an OPC UA server against bare calls of asyncua, and the requests",
    ),
    "line": (
        "protocol_speed.line_speed:measure_line",
        "use of an RS-485 line at 9600 and 19200 baud by long and short reads, and its CPU",
    ),
    "kernel": (
        "speed.kernel_speed:measure_allocation",
        "the allocation kernels against their twins and numpy",
    ),
    "fleet": (
        "speed.fleet_speed:measure_fleet",
        "a cycle of a whole fleet against its twin, and by two threads",
    ),
    "codec": ("speed.kernel_speed:measure_codec", "the series codec against a Gorilla at the speed of C"),
    "parsers": (
        "protocol_speed.parser_speed:measure_parsers",
        "meter parsers against the usual Python packages, a day of Linky",
    ),
    "commit": (
        "speed.history_speed:measure_commit",
        "bytes and CPU of one commit of 200 points, bytes of a day of 500",
    ),
    "link": (
        "speed.link_speed:measure_link",
        "a sample's way to the district, a document's way back, QoS 1 against aiomqtt and libmosquitto",
    ),
    "lateness": (
        "speed.daemon_timing:measure_lateness",
        "how late the 1 s cycle begins, one of 20 devices silent",
    ),
    "protocols": (
        "speed.daemon_timing:measure_protocol_load",
        "how late the 1 s cycle begins while every protocol is busy at once",
    ),
    "start": (
        "speed.daemon_timing:measure_start",
        "exec to the first cycle, memory, imports, a start with 50 million samples",
    ),
    "dead": ("speed.daemon_speed:measure_dead_device", "what one dead device costs the others"),
    "plan": (
        "protocol_speed.bus_plan_accuracy:measure_bus_plans",
        "buses planned by quartier bus plan against the same on a paced line",
    ),
    "planning": (
        "planning_speed.planner_speed:measure_planner",
        "a battery's plan of 96, 288 and 672 steps against HiGHS, cold and warm, and scipy's linprog",
    ),
    "growth": ("speed.daemon_speed:measure_growth", "200 to 20,000 points, one hour to 30 days"),
}

# These are measured in this process: their functions take the number of rounds alone.
GROUPS_BY_ROUNDS = frozenset({"kernel", "fleet", "codec", "planning"})


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """A group that could not be measured although nothing was missing: a bug, not a slow machine."""

    group: str
    why: str


def select_groups(only: str | None) -> Sequence[str]:
    """The groups to run.  Raises KeyError for one that there is not."""
    if only is None:
        return tuple(GROUPS)
    GROUPS[only]
    return (only,)


def measure_groups(
    names: Sequence[str], cache: PeerCache, *, rounds: int, short: bool, say: Callable[[str], None]
) -> Iterator[Figure | FailedGroup]:
    """Measure group after group; scratch goes when it is done."""
    with tempfile.TemporaryDirectory(prefix="quartier-bench-") as folder:
        setting = Setting(rounds, short, Path(folder), cache, say)
        for name in names:
            started_s = time.monotonic()
            say(f"{name}: {GROUPS[name][1]}")
            try:
                yield from _measure_group(name, setting)
            except MissingPeerError as error:
                yield make_skipped_figure(f"{name}.all", GROUPS[name][1], str(error), None)
            except ModuleNotFoundError as error:
                library = str(error.name).partition(".")[0]
                why = f"{library} is not here: pip install {library}"
                yield make_skipped_figure(f"{name}.all", GROUPS[name][1], why, None)
            except RuntimeError as error:
                yield FailedGroup(name, str(error))
            say(f"{name}: took {time.monotonic() - started_s:.0f} s")


def _measure_group(name: str, setting: Setting) -> list[Figure]:
    place, _, function = GROUPS[name][0].partition(":")
    measure = getattr(import_module(f"quartier_bench.{place}"), function)
    if name in GROUPS_BY_ROUNDS:
        return cast("Callable[[int], list[Figure]]", measure)(setting.rounds)
    found = cast("Callable[[Setting], list[Figure]]", measure)(setting)
    return [figure for figure in found if figure.group == name]


ALL_REACHED, BELOW_FLOOR, NOT_RUN = 0, 1, 2
DESCRIPTION = """\
Prints each figure of Quartier beside that of a peer measured in the same run, as a ratio with both
sides, and whether it keeps its floor: medians of at least five interleaved rounds.  A peer that cannot be
installed makes its rows SKIPPED and says what to install; such a row never holds.  Exit code 0: every
floor that was measured holds, 1: one does not, 2: it could not be run.
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Add the options of the bench to an empty parser."""
    listed = "\n".join(f"  {name:10} {what}" for name, (_, what) in GROUPS.items())
    to.description = DESCRIPTION
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = (
        f"groups:\n{listed}\n\nexamples:\n"
        "  quartier-hil bench                     everything; quiet machine, about an hour\n"
        "  quartier-hil bench --only codec        one group\n"
        "  quartier-hil bench --short             a few minutes; fails below 70 % of a floor\n"
        "  quartier-hil bench --fetch             the peers alone, before the machine has to be quiet\n"
        "  quartier-hil bench --json > now.json   JSON alone on stdout, progress on stderr\n"
    )
    to.add_argument("--only", metavar="GROUP", choices=tuple(GROUPS), help="one group")
    to.add_argument("--short", action="store_true", help="short windows, three rounds, 70 %% of each floor")
    to.add_argument("--json", action="store_true", help="JSON alone on stdout")
    to.add_argument("--rounds", type=int, help=f"interleaved rounds [{ROUNDS}, short: {ROUNDS_SHORT}]")
    to.add_argument(
        "--cache", type=Path, default=Path(".bench"), help="where peers are installed [./%(default)s]"
    )
    to.add_argument(
        "--fetch", action="store_true", help="bring the peers that are not there yet, and measure nothing"
    )
    to.set_defaults(command=run_bench, needed=())


def run_bench(options: argparse.Namespace) -> int:
    """Measure, print, judge."""
    if options.fetch:
        return _fetch_peers(PeerCache(options.cache.resolve(), _report_progress))
    short: bool = options.short
    rounds = max(1, options.rounds or (ROUNDS_SHORT if short else ROUNDS))
    share = SHORT_FLOOR_SHARE if short else 1.0
    about = measurement.describe_machine()
    _report_progress(measurement.render_machine(about))
    if rounds < ROUNDS:
        _report_progress(f"{rounds} rounds: a first look, not a figure to quote")
    figures: list[Figure] = []
    broken: list[FailedGroup] = []
    cache = PeerCache(options.cache.resolve(), _report_progress)
    try:
        for found in measure_groups(
            select_groups(options.only), cache, rounds=rounds, short=short, say=_report_progress
        ):
            if isinstance(found, Figure):
                figures.append(found)
            else:
                broken.append(found)
    except KeyboardInterrupt:
        _report_progress("interrupted; everything is ended")
        return NOT_RUN
    if options.json:
        made = measurement.build_document(about, figures, short=short, rounds=rounds)
        made["broken"] = {one.group: one.why for one in broken}
        _print(json.dumps(made, indent=1, ensure_ascii=False))
    else:
        _print("\n".join([measurement.render_machine(about), "", *measurement.render_table(figures, share)]))
    for one in broken:
        _report_progress(f"{one.group} could not be measured: {one.why}")
    return (
        ALL_REACHED if not broken and all(one.holds(share) is not False for one in figures) else BELOW_FLOOR
    )


def _fetch_peers(cache: PeerCache) -> int:
    """Fetch the peers.  A missing one is reported and its rows are SKIPPED: that is no failure."""
    for name, why in cache.fetch().items():
        _report_progress(f"{name} cannot be had: {why}")
    return ALL_REACHED


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _report_progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
