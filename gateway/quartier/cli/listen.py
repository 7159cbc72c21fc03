"""``quartier listen``: finds out what is on a port and shows live what it says."""

import argparse
import asyncio
import contextlib
import json
import re
import sys

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from quartier.cli import output
from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.meter import keys
from quartier_drivers.meter import listen as listening
from quartier_drivers.meter.bus import MeterBus
from quartier_drivers.meter.decode import Capture, Frame, of_protocol
from quartier_drivers.meter.recognise import Identity, Suggestion, fitting
from quartier_drivers.meter.telegram import Telegram
from quartier_drivers.points import word

# The first frame may have begun before we came; not every meter says who it is.
_PATIENCE = 3
_LINE_MAX = 8
_HEAD = re.compile(rb"/([A-Za-z]{3}[^\r\n]*)")
_FIRST = (
    "power",
    "apparent_power_va",
    "energy_import_wh",
    "energy_export_wh",
    "current_l",
    "voltage_l",
    "energy",
)


def listen(options: argparse.Namespace) -> int:
    """Find and show; exit 1 when nothing is found, or the port cannot be opened."""
    try:
        port = MeterBus(kind="", port=options.port).port
        known = keys.load(options.key_file or "")
    except (ValueError, ConfigError) as error:
        print(f"quartier listen: {_said(error)}", file=sys.stderr)
        return 2
    for what in keys.openness(options.key_file or ""):
        print(f"quartier listen: {what}", file=sys.stderr)
    try:
        return asyncio.run(_run(port, known, options))
    except LinkLost as lost:
        print(str(lost) if str(lost).startswith(port) else f"{port}: {lost}", file=sys.stderr)
        return 1


def _said(error: Exception) -> str:
    """What is wrong, without pydantic's frame around it."""
    errors = getattr(error, "errors", None)
    return str(errors()[0]["msg"]).removeprefix("Value error, ") if callable(errors) else str(error)


async def _run(port: str, known: keys.Keys, options: argparse.Namespace) -> int:
    found = await listening.find(port, lambda text: print(text, file=sys.stderr), known)
    if not found.protocol:
        print(f"{port}: {found.advice}", file=sys.stderr)
        return 1
    at = "" if port.startswith("tcp://") else f" at {found.setting}"
    print(f"{port}: {found.protocol}{at}, {'answers' if found.asked else 'speaks'}", file=sys.stderr)
    print(site_lines(port, found), file=sys.stderr)
    if found.asked:
        next_step = f"quartier scan mbus '{port}'" if found.protocol == "mbus" else "a device with a profile"
        print(f"it speaks only when it is asked; next: {next_step}", file=sys.stderr)
        for one in asked_advice(found):
            print(one, file=sys.stderr)
        return 0
    return await _shown(port, found, known, options)


async def _shown(port: str, found: listening.Found, known: keys.Keys, options: argparse.Namespace) -> int:
    over_tcp = port.startswith("tcp://")
    capture = Capture(found.protocol, keys=known, is_capture=False, over_tcp=over_tcp)
    advice = _Advice()
    with contextlib.ExitStack() as stack:
        is_live = sys.stdout.isatty() and not options.json
        live = stack.enter_context(Live(console=output.console())) if is_live else None
        async for data in listening.chunks(port, found):
            for frame in capture.feed(data):
                advice.give(frame)
                if live is not None:
                    live.update(_page(found, frame))
                elif options.json:
                    print(json.dumps(frame.as_json(), ensure_ascii=False), flush=True)
                else:
                    print(line_of(frame), flush=True)
                if options.count and frame.number >= options.count:
                    return 0
    print(f"{port}: the line was lost", file=sys.stderr)
    return 1


def asked_advice(found: listening.Found) -> list[str]:
    """Which profiles fit a meter that only answers, by the identification line of its answer."""
    head = _HEAD.search(found.said)  # our own request may come back before it
    if found.protocol != "iec62056" or head is None:
        return []
    who = Identity()
    who.take(Telegram("", ()), head[1].decode("ascii", "replace").strip())
    return [f"it says {who.head}", *(advice_of(one) for one in fitting(of_protocol("iec62056"), who))]


class _Advice:
    """Says on the error output which profile fits, once it is known, and again where that changes."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def give(self, frame: Frame) -> None:
        by, meter = frame.by, frame.telegram.meter
        if by is None or not (meter or frame.number >= _PATIENCE) or self._said.get(meter) == by.profile:
            return
        print(advice_of(by), file=sys.stderr)
        print(f'[devices.meter]\nbus = "meter"\nprofile = "{by.profile}"\n', file=sys.stderr)
        self._said[meter] = by.profile


def advice_of(by: Suggestion) -> str:
    """A profile, how sure it is and why, in one line."""
    return f"profile {by.profile}, {by.sure}: {by.why}"


def line_of(frame: Frame) -> str:
    """A frame in one line for a person: powers first, and not more points than fit."""
    names = sorted(frame.points, key=_importance)
    told = [f"{name} {output.number(frame.points[name], _unit(name))}" for name in names[:_LINE_MAX]]
    more = [f"and {len(names) - _LINE_MAX} more"] if len(names) > _LINE_MAX else []
    bad = f"; {frame.telegram.bad_count} bad" if frame.telegram.bad_count else ""
    return f"frame {frame.number}: {', '.join(told + more) or 'no points'}{bad}"


def _importance(name: str) -> int:
    return next((place for place, begin in enumerate(_FIRST) if name.startswith(begin)), len(_FIRST))


def _page(found: listening.Found, frame: Frame) -> Table:
    telegram = frame.telegram
    rows = [(name, output.number(value, _unit(name)), "", "") for name, value in frame.points.items()]
    rows += [
        ("", "", escape(one.label), escape(f"{one.value} {one.unit}".strip())) for one in telegram.groups
    ]
    profile = "" if frame.by is None else f", profile {frame.by.profile}"
    title = (
        f"{found.protocol} {escape(telegram.meter)}{profile}, frame {frame.number}, {telegram.bad_count} bad"
    )
    return output.table(title, ("point", ">value", "the meter's word", "as it says"), rows)


def _unit(point: str) -> str:
    return output.unit(word(point.rpartition(".")[2]).ucum).removeprefix("1")


def site_lines(port: str, found: listening.Found) -> str:
    """The lines of a site file for what was found."""
    keys_said = site_keys(port, found).items()
    shown = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in keys_said
    ]
    return "\n".join(["[buses.meter]", *shown]) + "\n"


def site_keys(port: str, found: listening.Found) -> dict[str, str | int]:
    """The keys of the bus for what was found."""
    said: dict[str, str | int] = {"kind": found.protocol, "port": port}
    if not port.startswith("tcp://") and found.protocol in ("dlms", "iec62056", "mbus"):
        said |= {"baud": found.setting.baud, "framing": found.setting.framing}
    if found.protocol == "iec62056" and not found.asked:
        said["mode"] = "d"
    return said
