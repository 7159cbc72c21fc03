"""``quartier listen``: finds out what is on a port and shows live what it says."""

import argparse
import asyncio
import contextlib
import json
import sys

from rich.live import Live
from rich.table import Table

from quartier.cli import output
from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.meter import keys
from quartier_drivers.meter import listen as listening
from quartier_drivers.meter.bus import MeterBus
from quartier_drivers.meter.decode import Frame, Points, usual
from quartier_drivers.meter.telegram import Telegram
from quartier_drivers.points import word

# The first frame may have begun before we came; not every meter says who it is.
_PATIENCE = 3


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
        return 0
    return await _shown(port, found, known, options)


async def _shown(port: str, found: listening.Found, known: keys.Keys, options: argparse.Namespace) -> int:
    points, number, advised = Points(usual(found.protocol)), 0, False
    plain = options.json or not sys.stdout.isatty()
    with contextlib.ExitStack() as stack:
        live = None if plain else stack.enter_context(Live(console=output.console()))
        async for telegram in listening.telegrams(port, found, known):
            if not telegram.groups:
                continue
            number += 1
            if not advised and (telegram.meter or number >= _PATIENCE) and (best := points.best(telegram)):
                advised = True
                print(f"a device's profile may be {' or '.join(best)}", file=sys.stderr)
            frame = Frame(number, telegram, points.of(telegram))
            if live is None:
                print(json.dumps(frame.as_json(), ensure_ascii=False), flush=True)
            else:
                live.update(_page(found, frame, telegram))
            if options.count and number >= options.count:
                return 0
    print(f"{port}: the line was lost", file=sys.stderr)
    return 1


def _page(found: listening.Found, frame: Frame, telegram: Telegram) -> Table:
    rows = [(name, output.number(value, _unit(name)), "", "") for name, value in frame.points.items()]
    rows += [("", "", one.label, f"{one.value} {one.unit}".strip()) for one in telegram.groups]
    title = f"{found.protocol} {telegram.meter}, frame {frame.number}, {telegram.bad_count} bad"
    return output.table(title, ("point", ">value", "the meter's word", "as it says"), rows)


def _unit(point: str) -> str:
    return output.unit(word(point.rpartition(".")[2]).ucum).removeprefix("1")


def site_lines(port: str, found: listening.Found) -> str:
    """The lines of a site file for what was found."""
    lines = ["[buses.meter]", f'kind = "{found.protocol}"', f'port = "{port}"']
    if not port.startswith("tcp://") and found.protocol in ("dlms", "iec62056", "mbus"):
        lines += [f"baud = {found.setting.baud}", f'framing = "{found.setting.framing}"']
    if found.protocol == "iec62056" and not found.asked:
        lines.append('mode = "d"')
    return "\n".join(lines) + "\n"
