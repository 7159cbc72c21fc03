"""``quartier listen``: find which meter is on a port, and show live what it sends."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from quartier.cli.rendering import output
from quartier.runtime.text_output import escape_text
from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.meter import keys
from quartier_drivers.meter.bus_section import MeterBus
from quartier_drivers.meter.discovery import listen as meter_listen
from quartier_drivers.meter.discovery.capture_decoding import (
    CaptureDecoder,
    CaptureFrame,
    list_protocol_profiles,
)
from quartier_drivers.meter.discovery.recognition import ProfileSuggestion, find_fitting
from quartier_drivers.points import parse_quantity
from quartier_drivers.registry import PROTOCOLS, load_protocol

if TYPE_CHECKING:
    from quartier_drivers.readings import Value

# The first frame may have begun before we came; not every meter says who it is.
_ADVICE_AFTER_FRAMES = 3
_LINE_POINTS_MAX = 8
_BUS_NAME = "bus1"
"""As quartier init names it: a bus and a device of one name are refused."""
_LABEL_COLUMNS = 7
_VALUE_LINES_COUNT = 3
_REFRESH_PER_S = 4
_FIRST_POINTS = (
    "power_w",
    "power_import_w",
    "power_export_w",
    "power_import_mean_w",
    "power_export_mean_w",
    "power_l",
    "apparent_power_va",
    "energy_import_wh",
    "energy_export_wh",
    "energy_import",
    "energy_export",
    "voltage_l",
    "current_l",
    "power",
    "apparent_power",
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
        _print_note(_explain_lost(port, lost))
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


def _print_note(text: str) -> None:
    """Print a sentence on the error output; a narrow terminal breaks it between words."""
    columns = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else 0
    wrap = partial(textwrap.fill, width=columns, break_long_words=False, break_on_hyphens=False)
    print(wrap(text) if columns else text, file=sys.stderr)


async def _listen_to_port(port: str, known: keys.MeterKeys, options: argparse.Namespace) -> int:
    found = await meter_listen.find_meter(port, _print_note, known)
    if not found.protocol:
        _print_note(f"{port}: {found.advice}")
        return 1
    at = "" if port.startswith("tcp://") else f" at {found.setting}"
    _print_note(f"{port}: {found.protocol}{at}, {'answers' if found.was_asked else 'speaks'}")
    print(render_meter_lines(port, found), file=sys.stderr)
    if found.was_asked:
        is_scanned = PROTOCOLS[found.protocol].can_scan
        next_step = f"quartier scan {found.protocol} '{port}'" if is_scanned else "a device with a profile"
        _print_note(f"it answers only to requests; next: {next_step}")
        for one in find_asked_advice(found):
            _print_note(one)
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
    _print_note(f"{port}: the line was lost")
    return 1


class MeterSheet:
    """Five lines about a smart meter: its identity, its last frame and the counts, and its values."""

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
        """Return the five lines, each at most ``columns`` wide; what does not fit is left out whole."""
        heads = (("meter", self._describe_meter()), ("spoke", self._describe_frames(now_s)))
        lines = [
            f"{label:<{_LABEL_COLUMNS}}{_join_fitting(parts, columns - _LABEL_COLUMNS)}"
            for label, parts in heads
        ]
        return [_cut_text(escape_text(line), columns) for line in lines + self._render_values(now_s, columns)]

    def _describe_meter(self) -> list[str]:
        """Return protocol, number, profile, identity and line, the most important first."""
        meters = self._capture.meters
        others_count = len([one for one in meters if one not in ("", self._meter)])
        setting = f"{self._found.setting.baud} baud {self._found.setting.framing}"
        parts = [
            load_protocol(self._found.protocol).title,
            f"meter {self._meter}" if self._meter else "no number stated",
            "no profile fits yet" if self._by is None else f"profile {self._by.profile}, {self._by.sure}",
            self._capture.identity(self._meter if self._meter in meters else "").text,
            f"and {output.format_count(others_count, 'other meter', 'others')}" if others_count else "",
            self._port,
            "" if self._port.startswith("tcp://") else setting,
        ]
        return list(filter(None, parts))

    def _render_values(self, now_s: float, columns: int) -> list[str]:
        """Return lines with as many values as fit, the most useful first, and the number of the rest."""
        names = sorted(self._values, key=_rank_point)
        texts = [self._describe_value(name, now_s) for name in names]
        head = f"{'values':<{_LABEL_COLUMNS}}"
        lines = [f"{head}none yet"]
        for count in range(len(texts), -1, -1):
            left_count = len(texts) - count
            more = [f"and {left_count} more: --json"] if left_count else []
            if parts := [*texts[:count], *more]:
                lines = _wrap_parts([head + parts[0], *parts[1:]], columns)
            if len(lines) <= _VALUE_LINES_COUNT:
                break
        return lines + [""] * (_VALUE_LINES_COUNT - len(lines))

    def _describe_value(self, name: str, now_s: float) -> str:
        """Return a value without the unit in its name; with its age if it is not of the last frame."""
        value, at_s = self._values[name]
        symbol, age = _find_unit(name), output.format_age(now_s - at_s)
        label = name.removesuffix(f"_{parse_quantity(name.rpartition('.')[2]).unit}") if symbol else name
        text = f"{label} {output.format_number(value, symbol)}"
        return text if at_s == self._last_s else f"{text} ({age})"

    def _describe_frames(self, now_s: float) -> list[str]:
        """Return when the meter spoke last, and how many frames were good and bad."""
        counts, capture = self._capture.counts, self._capture
        bad = output.format_count(counts.bad_count, "bad group")
        out_of_step = f"{output.format_count(counts.resync_count, 'time')} out of step"
        if self._last_s is None:
            text = output.format_count(counts.bytes_count, "byte")
            waited = f"for {output.format_age(now_s - self._began_s)}"
            return ["no frame", text, bad, waited, out_of_step]
        frames = output.format_count(capture.frames_count, "frame")
        why = [capture.why] if counts.bad_count and capture.why else []
        return [f"{output.format_age(now_s - self._last_s)} ago", frames, bad, out_of_step, *why]


def _join_fitting(parts: Sequence[str], columns: int) -> str:
    """Join the first parts, as many as fit; at least one."""
    text = parts[0]
    for part in parts[1:]:
        if len(text) + len(part) + 2 <= columns:
            text += f", {part}"
    return text


def _wrap_parts(parts: Sequence[str], columns: int) -> list[str]:
    """Join parts to lines, none cut: a part that does not fit begins the next line, which is indented."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 <= columns:  # a comma before and one that may follow
            lines[-1] += f", {part}"
        else:
            lines[-1] += ","
            lines.append(f"  {part}")
    return lines


def _cut_text(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 1]}…"


def find_asked_advice(found: meter_listen.FoundMeter) -> list[str]:
    """Return which profiles fit a meter that only answers, by the identification line of its answer."""
    who = meter_listen.find_asked_identity(found)
    if who is None:
        return []
    fitting = find_fitting(list_protocol_profiles(found.protocol), who)
    return [f"it says {who.head}", *map(describe_suggestion, fitting)]


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
        _print_note(describe_suggestion(by))
        print(f'[devices.meter]\nbus = "{_BUS_NAME}"\nprofile = "{by.profile}"\n', file=sys.stderr)
        self._last_advice[meter] = by.profile


def describe_suggestion(by: ProfileSuggestion) -> str:
    """Return a profile, how sure it is and why, in one line."""
    return f"profile {by.profile}, {by.sure}: {by.why}"


def describe_frame(frame: CaptureFrame) -> str:
    """Return a frame in one line for a person: powers first, and not more points than fit."""
    names = sorted(frame.points, key=_rank_point)
    values = [
        f"{name} {output.format_number(frame.points[name], _find_unit(name))}"
        for name in names[:_LINE_POINTS_MAX]
    ]
    more = [f"and {len(names) - _LINE_POINTS_MAX} more"] if len(names) > _LINE_POINTS_MAX else []
    bad = f"; {frame.telegram.bad_count} bad" if frame.telegram.bad_count else ""
    return f"frame {frame.number}: {', '.join(values + more) or 'no points'}{bad}"


def _rank_point(name: str) -> int:
    return next(
        (place for place, begin in enumerate(_FIRST_POINTS) if name.startswith(begin)), len(_FIRST_POINTS)
    )


def _find_unit(point: str) -> str:
    return output.format_unit(parse_quantity(point.rpartition(".")[2]).ucum).removeprefix("1")


def render_meter_lines(port: str, found: meter_listen.FoundMeter) -> str:
    """Return the lines of a site file for what was found."""
    section = meter_listen.make_bus_keys(port, found).items()
    shown = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in section]
    return "\n".join([f"[buses.{_BUS_NAME}]", *shown]) + "\n"
