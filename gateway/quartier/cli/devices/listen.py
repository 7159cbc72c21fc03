"""``quartier listen``: find which meter is on a port, and show live what it sends."""

import argparse
import asyncio
import contextlib
import json
import re
import sys
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from quartier.cli.rendering import output
from quartier.runtime.text_output import escape_text
from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.meter import keys
from quartier_drivers.meter import listen as meter_listen
from quartier_drivers.meter.bus_section import MeterBus
from quartier_drivers.meter.capture_decoding import CaptureDecoder, CaptureFrame, list_protocol_profiles
from quartier_drivers.meter.recognition import MeterIdentity, ProfileSuggestion, find_fitting
from quartier_drivers.meter.telegrams import Telegram
from quartier_drivers.points import parse_quantity

if TYPE_CHECKING:
    from quartier_drivers.readings import Value

# The first frame may have begun before we came; not every meter says who it is.
_ADVICE_AFTER_FRAMES = 3
_LINE_POINTS_MAX = 8
_BUS_NAME = "bus1"
"""As quartier init names it: a bus and a device of one name are refused."""
_LABEL_COLUMNS = 10
_REFRESH_PER_S = 4
_PROTOCOL_NAMES = {
    "tic": "Linky TIC",
    "p1": "DSMR P1",
    "iec62056": "IEC 62056-21",
    "sml": "SML",
    "dlms": "DLMS/COSEM",
    "mbus": "M-Bus",
}
_IDENTIFICATION = re.compile(rb"/([A-Za-z]{3}[^\r\n]*)")
_FIRST_POINTS = (
    "power",
    "apparent_power_va",
    "energy_import_wh",
    "energy_export_wh",
    "current_l",
    "voltage_l",
    "energy",
)


def run_listen(options: argparse.Namespace) -> int:
    """Find and show; exit 1 when nothing is found, or the port cannot be opened."""
    try:
        port = MeterBus(kind="", port=options.port).port
        known = keys.load_keys(options.key_file or "")
    except (ValueError, ConfigError) as error:
        print(f"quartier listen: {_format_error(error)}", file=sys.stderr)
        return 2
    for what in keys.find_open_access(options.key_file or ""):
        print(f"quartier listen: {what}", file=sys.stderr)
    try:
        return asyncio.run(_listen_to_port(port, known, options))
    except LinkLost as lost:
        print(_explain_lost(port, lost), file=sys.stderr)
        return 1


_SERVER_ADVICE = "look at address and port of the serial server, and whether another client holds it"


def _explain_lost(port: str, lost: LinkLost) -> str:
    """Return why a port cannot be listened to; for a serial server with what to look at."""
    why = str(lost) if str(lost).startswith(port) else f"{port}: {lost}"
    return f"{why}; {_SERVER_ADVICE}" if port.startswith("tcp://") else why


def _format_error(error: Exception) -> str:
    """Return what is wrong, without pydantic's frame around it."""
    errors = getattr(error, "errors", None)
    return str(errors()[0]["msg"]).removeprefix("Value error, ") if callable(errors) else str(error)


async def _listen_to_port(port: str, known: keys.MeterKeys, options: argparse.Namespace) -> int:
    found = await meter_listen.find_meter(port, lambda text: print(text, file=sys.stderr), known)
    if not found.protocol:
        print(f"{port}: {found.advice}", file=sys.stderr)
        return 1
    at = "" if port.startswith("tcp://") else f" at {found.setting}"
    print(f"{port}: {found.protocol}{at}, {'answers' if found.was_asked else 'speaks'}", file=sys.stderr)
    print(render_meter_lines(port, found), file=sys.stderr)
    if found.was_asked:
        next_step = f"quartier scan mbus '{port}'" if found.protocol == "mbus" else "a device with a profile"
        print(f"it speaks only when it is asked; next: {next_step}", file=sys.stderr)
        for one in find_asked_advice(found):
            print(one, file=sys.stderr)
        return 0
    return await _show_frames(port, found, known, options)


async def _show_frames(
    port: str, found: meter_listen.FoundMeter, known: keys.MeterKeys, options: argparse.Namespace
) -> int:
    over_tcp = port.startswith("tcp://")
    capture = CaptureDecoder(found.protocol, keys=known, is_capture=False, over_tcp=over_tcp)
    advice = _ProfileAdvice()
    now_s = asyncio.get_running_loop().time
    console = output.make_console()
    sheet = MeterSheet(port, found, capture, now_s())
    with contextlib.ExitStack() as stack:
        if is_live := console.is_terminal and not options.json:
            stack.enter_context(
                Live(
                    get_renderable=lambda: Text(
                        "\n".join(sheet.render_lines(now_s(), console.width)),
                        no_wrap=True,
                        overflow="ellipsis",
                    ),
                    console=console,
                    refresh_per_second=_REFRESH_PER_S,
                )
            )
        async for data in meter_listen.read_chunks(port, found):
            for frame in capture.feed(data):
                advice.print_new(frame)
                if is_live:
                    sheet.take(frame, now_s())
                elif options.json:
                    print(json.dumps(frame.as_json(), ensure_ascii=False), flush=True)
                else:
                    print(describe_frame(frame), flush=True)
                if options.count and frame.number >= options.count:
                    return 0
    print(f"{port}: the line was lost", file=sys.stderr)
    return 1


class MeterSheet:
    """Five lines about a smart meter: meter, link, identity, values with their age, frames and faults."""

    def __init__(
        self, port: str, found: meter_listen.FoundMeter, capture: CaptureDecoder, now_s: float
    ) -> None:
        self._port, self._found, self._capture = port, found, capture
        self._began_s = now_s
        self._last_s: float | None = None
        self._meter = ""
        self._by: ProfileSuggestion | None = None
        self._values: dict[str, tuple[Value, float]] = {}

    def take(self, frame: CaptureFrame, now_s: float) -> None:
        """Add a frame.  A meter sends frames of several kinds: each value keeps the time of its own."""
        if frame.telegram.meter not in ("", self._meter):
            self._meter, self._values = frame.telegram.meter, {}
        self._by = frame.by
        self._last_s = now_s
        self._values |= {name: (value, now_s) for name, value in frame.points.items()}

    def render_lines(self, now_s: float, columns: int) -> list[str]:
        """Return the five lines, each at most ``columns`` wide."""
        by = "no profile fits yet" if self._by is None else f"profile {self._by.profile}, {self._by.sure}"
        at = "" if self._port.startswith("tcp://") else f", {self._found.setting.baud} baud"
        at += "" if self._port.startswith("tcp://") else f" {self._found.setting.framing}"
        values = self._fitting_values(now_s, columns - _LABEL_COLUMNS)
        rows = (
            ("meter", f"{_PROTOCOL_NAMES.get(self._found.protocol, self._found.protocol)}, {by}"),
            ("link", f"{self._port}{at}"),
            ("identity", self._identity()),
            ("values", values or "none yet"),
            ("frames", self._counts(now_s)),
        )
        return [_cut_text(f"{label:<{_LABEL_COLUMNS}}{escape_text(text)}", columns) for label, text in rows]

    def _identity(self) -> str:
        meters = self._capture.meters
        who = self._capture.identity(self._meter if self._meter in meters else "").text
        parts = [f"meter {self._meter}" if self._meter else "no number stated", *([who] if who else [])]
        others = len([one for one in meters if one not in ("", self._meter)])
        return ", ".join(
            parts + ([f"and {output.format_count(others, 'other meter', 'others')}"] if others else [])
        )

    def _fitting_values(self, now_s: float, columns: int) -> str:
        """Return as many values as fit, powers first, and the number of the rest."""
        names = sorted(self._values, key=_rank_point)
        parts: list[str] = []
        for place, name in enumerate(names):
            value, at_s = self._values[name]
            text = (
                f"{name} {output.format_number(value, _find_unit(name))} ({output.format_age(now_s - at_s)})"
            )
            left = len(names) - place - 1
            more = f", and {left} more" if left else ""
            if parts and len(", ".join([*parts, text])) + len(more) > columns:
                return f"{', '.join(parts)}, and {len(names) - place} more"
            parts.append(text)
        return ", ".join(parts)

    def _counts(self, now_s: float) -> str:
        counts, capture = self._capture.counts, self._capture
        if self._last_s is None:
            heard = output.format_count(counts.bytes_count, "byte")
            parts = [f"none for {output.format_age(now_s - self._began_s)}, {heard} heard"]
        else:
            parts = [f"{output.format_count(capture.frames_count, 'frame', 'frames')}"]
            parts.append(f"last {output.format_age(now_s - self._last_s)} ago")
        parts += [
            f"faults: {output.format_count(counts.bad_count, 'group', 'groups')} bad",
            f"{output.format_count(counts.resync_count, 'time', 'times')} out of step",
        ]
        return ", ".join([*parts, *([capture.why] if counts.bad_count and capture.why else [])])


def _cut_text(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 1]}…"


def find_asked_advice(found: meter_listen.FoundMeter) -> list[str]:
    """Return which profiles fit a meter that only answers, by the identification line of its answer."""
    head = _IDENTIFICATION.search(found.answer)  # our own request may come back before it
    if found.protocol != "iec62056" or head is None:
        return []
    who = MeterIdentity()
    who.take(Telegram("", ()), head[1].decode("ascii", "replace").strip())
    return [
        f"it says {who.head}",
        *(describe_suggestion(one) for one in find_fitting(list_protocol_profiles("iec62056"), who)),
    ]


class _ProfileAdvice:
    """Says on the error output which profile fits, once it is known, and again where that changes."""

    def __init__(self) -> None:
        self._last_advice: dict[str, str] = {}

    def print_new(self, frame: CaptureFrame) -> None:
        by, meter = frame.by, frame.telegram.meter
        if (
            by is None
            or not (meter or frame.number >= _ADVICE_AFTER_FRAMES)
            or self._last_advice.get(meter) == by.profile
        ):
            return
        print(describe_suggestion(by), file=sys.stderr)
        print(f'[devices.meter]\nbus = "{_BUS_NAME}"\nprofile = "{by.profile}"\n', file=sys.stderr)
        self._last_advice[meter] = by.profile


def describe_suggestion(by: ProfileSuggestion) -> str:
    """Return a profile, how sure it is and why, in one line."""
    return f"profile {by.profile}, {by.sure}: {by.why}"


def describe_frame(frame: CaptureFrame) -> str:
    """Return a frame in one line for a person: powers first, and not more points than fit."""
    names = sorted(frame.points, key=_rank_point)
    told = [
        f"{name} {output.format_number(frame.points[name], _find_unit(name))}"
        for name in names[:_LINE_POINTS_MAX]
    ]
    more = [f"and {len(names) - _LINE_POINTS_MAX} more"] if len(names) > _LINE_POINTS_MAX else []
    bad = f"; {frame.telegram.bad_count} bad" if frame.telegram.bad_count else ""
    return f"frame {frame.number}: {', '.join(told + more) or 'no points'}{bad}"


def _rank_point(name: str) -> int:
    return next(
        (place for place, begin in enumerate(_FIRST_POINTS) if name.startswith(begin)), len(_FIRST_POINTS)
    )


def _find_unit(point: str) -> str:
    return output.format_unit(parse_quantity(point.rpartition(".")[2]).ucum).removeprefix("1")


def render_meter_lines(port: str, found: meter_listen.FoundMeter) -> str:
    """Return the lines of a site file for what was found."""
    keys_said = make_bus_keys(port, found).items()
    shown = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in keys_said
    ]
    return "\n".join([f"[buses.{_BUS_NAME}]", *shown]) + "\n"


def make_bus_keys(port: str, found: meter_listen.FoundMeter) -> dict[str, str | int]:
    """Return the keys of the bus for what was found."""
    said: dict[str, str | int] = {"kind": found.protocol, "port": port}
    if not port.startswith("tcp://") and found.protocol in ("dlms", "iec62056", "mbus"):
        said |= {"baud": found.setting.baud, "framing": found.setting.framing}
    if found.protocol == "iec62056" and not found.was_asked:
        said["mode"] = "d"
    return said
