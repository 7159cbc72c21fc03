"""List the groups of figures and run them."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from quartier_hil.bench.cache import AbsentError, Cache
from quartier_hil.bench.figure import Figure, skipped
from quartier_hil.bench.setting import Setting

# Group -> the module that measures it, and what a person is told about it.  A function named after a colon
# wants to know the rounds alone.
GROUPS: Mapping[str, tuple[str, str]] = {
    "daemon": (
        "daemon",
        "the whole daemon against Node-RED and thingsboard-gateway, 2,000 and 20,000 points/s",
    ),
    "requests": ("requests", "how few requests 200 points in ten devices take"),
    "driver": ("driver", "the whole driver path against plain pymodbus calls"),
    "sunspec": ("sunspec", "scan and poll of a SunSpec device against pysunspec2's client"),
    "share": ("sharing", "a request of another client through a share, and what an idle share costs us"),
    "bacnet": ("bacnet", "BACnet answers read, against bacpypes3 and node-bacnet"),
    "opcua": ("opcua", "300 points of an OPC UA server against bare calls of asyncua, and the requests"),
    "line": ("line", "use of an RS-485 line at 9600 and 19200 baud by long and short reads, and its CPU"),
    "kernel": ("kernels:kernel_figures", "the allocation kernels against their twins and numpy"),
    "fleet": ("fleets:figures", "a cycle of a whole fleet against its twin, and by two threads"),
    "codec": ("kernels:codec_figures", "the series codec against a Gorilla at the speed of C"),
    "parsers": ("parsers", "meter parsers against the usual Python packages, a day of Linky"),
    "commit": ("commit", "bytes and CPU of one commit of 200 points, bytes of a day of 500"),
    "link": (
        "linking",
        "a sample's way to the district, a document's way back, QoS 1 against aiomqtt and libmosquitto",
    ),
    "lateness": ("lateness", "how late the 1 s cycle begins, one of 20 devices silent"),
    "doors": ("doors", "how late the 1 s cycle begins while every door is busy at once"),
    "start": ("start", "exec to the first cycle, memory, imports, a start with 50 million samples"),
    "dead": ("dead", "what one dead device costs the others"),
    "plan": ("planning", "buses planned by quartier bus plan against the same on a paced line"),
    "planning": (
        "storages:figures",
        "a battery's plan of 96, 288 and 672 steps against HiGHS, cold and warm, and scipy's linprog",
    ),
    "growth": ("growth", "200 to 20,000 points, one hour to 30 days"),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A group that could not be measured although nothing was missing: a bug, not a slow machine."""

    group: str
    why: str


def chosen(only: str | None) -> Sequence[str]:
    """The groups to run.  Raises KeyError for one that there is not."""
    if only is None:
        return tuple(GROUPS)
    GROUPS[only]
    return (only,)


def run(
    names: Sequence[str], cache: Cache, *, rounds: int, short: bool, say: Callable[[str], None]
) -> Iterator[Figure | Broken]:
    """Measure group after group; scratch goes when it is done."""
    with tempfile.TemporaryDirectory(prefix="quartier-bench-") as folder:
        setting = Setting(rounds, short, Path(folder), cache, say)
        for name in names:
            started_s = time.monotonic()
            say(f"{name}: {GROUPS[name][1]}")
            try:
                yield from _figures(name, setting)
            except AbsentError as error:
                yield skipped(f"{name}.all", GROUPS[name][1], str(error), None)
            except ModuleNotFoundError as error:
                library = str(error.name).partition(".")[0]
                why = f"{library} is not here: pip install {library}"
                yield skipped(f"{name}.all", GROUPS[name][1], why, None)
            except RuntimeError as error:
                yield Broken(name, str(error))
            say(f"{name}: took {time.monotonic() - started_s:.0f} s")


def _figures(name: str, setting: Setting) -> list[Figure]:
    place, _, function = GROUPS[name][0].partition(":")
    module = import_module(f"quartier_hil.bench.{place}")
    if function:
        by_rounds = cast("Callable[[int], list[Figure]]", getattr(module, function))
        return by_rounds(setting.rounds)
    measure = cast("Callable[[Setting], list[Figure]]", module.figures)
    return [figure for figure in measure(setting) if figure.group == name]
