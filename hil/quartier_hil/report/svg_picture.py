"""A picture of a run for a page: curves, events and reasons as one drawing, SVG (pure).

The same run gives the same bytes.  Colours follow the reader's light or dark; each line is named at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import isfinite

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.checks.run_record import OrderLedger, RunRecord
from quartier_hil.report import annotations, curves
from quartier_hil.report.annotations import Frame, MarkLine, select_marks
from quartier_hil.report.curves import Axis, Trace
from quartier_hil.scenario.pictures import UNIT_FACTORS, Curve, Panel, Picture
from quartier_hil.scenario.scenario_file import Scenario

WIDTH, LEFT, RIGHT = 760, 46, 746
_TOP, _BETWEEN, _AXIS_H, _LINE_H = 30, 32, 24, 17
_BADGE, _LINE_CHARACTERS = 15, 112
LINES_MAX_COUNT = 16
"""Most lines of the legend below a picture."""
INFINITE_LEVEL = 1e8
"""A cap that is not set is infinite, or nearly so."""
_LIMITS = ("cap.",)
_OWNERS = {"battery_w": "bat1", "generation_max_w": "pv1", "current_max_a": "ev1", "relay_on": "hp1"}
_LIGHT = ("#1b4f8a", "#00796b", "#b85c00", "#7b3fa0", "#8a6d00", "#c2185b", "#5f6b76")
_DARK = ("#8fc1f2", "#4fd0b8", "#ffb066", "#d0a3f2", "#e5c94d", "#ff8ab5", "#a9b4bf")
_STYLE = """\
<style>
.p{{fill:#fff}}.f{{fill:none;stroke:#c9ced4}}.t{{stroke:#e6e9ec}}.n{{fill:#49525b}}.w{{fill:#1f262d}}
.l{{fill:none;stroke-width:1.7;stroke-linejoin:round}}.s{{stroke-dasharray:6 3}}
.v{{stroke:#8a939c;stroke-dasharray:2 3}}
.h{{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}}
.e{{fill:#49525b}}.o{{fill:#1b4f8a}}.b{{fill:#fff;font-size:10px}}.lx{{stroke:#c62828}}.nx{{fill:#c62828}}
{light}
@media (prefers-color-scheme:dark){{
.p{{fill:#14191f}}.f{{stroke:#46505a}}.t{{stroke:#262e36}}.n{{fill:#aab4be}}.w{{fill:#e3e8ec}}.v{{stroke:#77828c}}
.h{{stroke:#14191f}}.e{{fill:#aab4be}}.o{{fill:#8fc1f2}}.b{{fill:#14191f}}.lx{{stroke:#ff7b72}}.nx{{fill:#ff7b72}}
{dark}
}}
</style>
"""


def draw_picture(shown: Picture, scenario: Scenario, record: RunRecord, ledger: OrderLedger) -> str:
    """The whole drawing.  Raises ConfigError for a curve without a value in it, and for too many lines."""
    until_s = min(shown.until_s, scenario.duration_s)
    start = scenario.start
    day_s = start.hour * 3600.0 + start.minute * 60.0 + start.second
    time = curves.make_time_axis(day_s, shown.from_s, until_s, LEFT, RIGHT)
    lines = select_marks(shown, record.marks, ledger.rows)
    _refuse_empty_curves(shown, scenario.title, record, time, len(lines))
    colours = _choose_colours(shown)
    parts: list[str] = []
    top = float(_TOP if lines else _BETWEEN)
    first_top = top
    for panel in shown.panels:
        parts += _draw_panel(panel, record, time, Frame(LEFT, RIGHT, top, top + panel.height), colours)
        top += panel.height + _BETWEEN
    bottom = top - _BETWEEN
    axis = list(_draw_times(time, bottom, day_s))
    legend, height = _draw_legend(lines, bottom + _AXIS_H, day_s)
    rules, badges = _draw_marks(lines, time, first_top, bottom)
    return "".join(
        (*_draw_head(shown.title, height, colours), *rules, *parts, *axis, *badges, *legend, "</svg>\n")
    )


def _refuse_empty_curves(shown: Picture, title: str, record: RunRecord, time: Axis, lines_count: int) -> None:
    """Refuse a picture with a missing curve: a reader would not notice it."""
    held = {
        point
        for point in shown.points
        if any(
            time.low <= at_s <= time.high and abs(value) < INFINITE_LEVEL
            for at_s, value in zip(record.times_s, record.columns[point], strict=True)
        )
    }
    words = [f"{point} has no value in its time" for point in shown.points if point not in held]
    if lines_count > LINES_MAX_COUNT:
        words.append(f"tells {lines_count} lines, more than {LINES_MAX_COUNT}: less time, or fewer orders")
    if words:
        raise ConfigError([Fault(title, None, f"pictures.{shown.name}", what) for what in words])


def _draw_head(title: str, height: float, colours: Mapping[str, int]) -> Iterator[str]:
    used = sorted(set(colours.values()))
    light, dark = (
        "".join(f".l{i}{{stroke:{tones[i]}}}.n{i}{{fill:{tones[i]}}}" for i in used)
        for tones in (_LIGHT, _DARK)
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" font-family="system-ui,sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(title)}</title>\n"
    )
    yield _STYLE.format(light=light, dark=dark)
    yield f'<rect class="p" width="{WIDTH}" height="{height:g}"/>\n'


def _find_owner(point: str) -> str:
    """Return whose curve it is: what was ordered, and what is measured, of one asset have one colour."""
    name, _, rest = point.partition(".")
    if name != "order":
        return name
    return _OWNERS.get(rest, rest.partition(".")[0])


def _is_limit(curve: Curve) -> bool:
    return curve.point is None or curve.point.startswith(_LIMITS)


def _choose_colours(shown: Picture) -> dict[str, int]:
    found: dict[str, int] = {}
    for panel in shown.panels:
        taken = {found[o] for o in map(_find_curve_owner, panel.curves) if o in found}
        for curve in panel.curves:
            owner = _find_curve_owner(curve)
            if owner and owner not in found:
                free = [i for i in range(len(_LIGHT)) if i not in {*found.values(), *taken}]
                found[owner] = free[0] if free else len(found) % len(_LIGHT)
    return found


def _find_curve_owner(curve: Curve) -> str:
    return "" if _is_limit(curve) else _find_owner(str(curve.point))


def _draw_panel(
    panel: Panel, record: RunRecord, time: Axis, frame: Frame, colours: Mapping[str, int]
) -> Iterator[str]:
    columns = [_scale_values(curve, record, panel.unit) for curve in panel.curves]
    seen = [
        value
        for column in columns
        for at_s, value in zip(record.times_s, column, strict=True)
        if time.low <= at_s <= time.high and isfinite(value)
    ]
    axis = curves.make_value_axis(seen, low=panel.low, high=panel.high, top=frame.top, bottom=frame.bottom)
    yield from _draw_axis(axis, frame, panel.unit)
    named = [
        (curve.label, _draw_trace(record.times_s, column, time, axis, steps=_is_stepped(curve)))
        for curve, column in zip(panel.curves, columns, strict=True)
    ]
    looks = [_choose_style(curve, colours) for curve in panel.curves]
    for (_, trace), look, curve in zip(named, looks, panel.curves, strict=True):
        dashed = " s" if _is_stepped(curve) else ""
        yield f'<path class="l l{look}{dashed}" d="{curves.format_svg_path(trace)}"/>\n'
    for label, look in zip(annotations.place_labels(named, frame), looks, strict=True):
        yield (
            f'<text class="h n{look}" x="{label.x:g}" y="{label.top + 10.5:.1f}" text-anchor="middle">'
            f"{escape(label.text)}</text>\n"
        )


def _choose_style(curve: Curve, colours: Mapping[str, int]) -> str:
    return "x" if _is_limit(curve) else str(colours[_find_curve_owner(curve)])


def _is_stepped(curve: Curve) -> bool:
    return _is_limit(curve) or str(curve.point).startswith("order.")


def _scale_values(curve: Curve, record: RunRecord, unit: str) -> list[float]:
    """In the panel's unit; what is infinite is not there."""
    if curve.level is not None:
        return [curve.level] * len(record.times_s)
    assert curve.point is not None
    factor = UNIT_FACTORS.get(unit, 1.0) * (-1.0 if curve.point == "cap.export_w" else 1.0)
    return [
        value * factor if abs(value) < INFINITE_LEVEL else float("nan")
        for value in record.columns[curve.point]
    ]


def _draw_trace(
    times_s: Sequence[float], column: Sequence[float], time: Axis, axis: Axis, *, steps: bool
) -> Trace:
    spots = [
        (curves.round_to_grid(time.at(at_s)), curves.round_to_grid(axis.at(value)))
        if isfinite(value)
        else None
        for at_s, value in zip(times_s, column, strict=True)
        if time.low <= at_s <= time.high
    ]
    return curves.thin_curve(spots, steps=steps)


def _draw_axis(axis: Axis, frame: Frame, unit: str) -> Iterator[str]:
    for tick in axis.ticks:
        y = axis.at(tick)
        yield f'<path class="t" d="M{LEFT} {y:g}H{RIGHT}"/>'
        yield f'<text class="n" x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>\n'
    height = frame.bottom - frame.top
    yield f'<rect class="f" x="{LEFT}" y="{frame.top:g}" width="{RIGHT - LEFT}" height="{height:g}"/>\n'
    yield f'<text class="n" x="{LEFT - 6}" y="{frame.top - 9:g}" text-anchor="end">{unit}</text>\n'


def _draw_times(time: Axis, bottom: float, day_s: float) -> Iterator[str]:
    for tick in time.ticks:
        x = time.at(tick)
        yield f'<path class="f" d="M{x:.1f} {bottom:g}v4"/>'
        anchor = "end" if x > RIGHT - 14 else "middle"
        words = curves.format_clock(day_s + tick)
        yield f'<text class="n" x="{x:.1f}" y="{bottom + 17:g}" text-anchor="{anchor}">{words}</text>\n'


def _draw_marks(
    lines: Sequence[MarkLine], time: Axis, top: float, bottom: float
) -> tuple[list[str], list[str]]:
    """An upright line for each that happened, and its number above."""
    rules, badges = [], []
    centres = _spread_places([time.at(one.at_s) for one in lines])
    for number, (one, x) in enumerate(zip(lines, centres, strict=True), 1):
        at = time.at(one.at_s)
        rules.append(f'<path class="f v" d="M{at:.1f} {bottom:g}V{top:g}L{x:.1f} {top - 8:g}"/>\n')
        badges.append(_draw_badge(number, x, top - 15, is_order=one.is_order))
    return rules, badges


def _spread_places(wanted: Sequence[float]) -> list[float]:
    """The places nearest to those wanted at which numbers do not overlap, in their order."""
    found: list[float] = []
    for x in wanted:
        found.append(max(x, found[-1] + _BADGE) if found else x)
    most = float(RIGHT)
    for place in reversed(range(len(found))):
        found[place] = min(found[place], most)
        most = found[place] - _BADGE
    return found


def _draw_badge(number: int, x: float, y: float, *, is_order: bool) -> str:
    shape = "o" if is_order else "e"
    return (
        f'<rect class="{shape}" x="{x - 7:.1f}" y="{y - 7:g}" width="14" height="14" '
        f'rx="{2 if is_order else 7}"/><text class="b" x="{x:.1f}" y="{y + 3.5:g}" '
        f'text-anchor="middle">{number}</text>\n'
    )


def _draw_legend(lines: Sequence[MarkLine], top: float, day_s: float) -> tuple[list[str], float]:
    """Return the legend, a line or two per mark, and the height of the whole."""
    parts, y = [], top
    for number, one in enumerate(lines, 1):
        y += _LINE_H
        parts.append(_draw_badge(number, LEFT - 20, y, is_order=one.is_order))
        words = f"{curves.format_clock(day_s + one.at_s, seconds=True)}  {one.text}"
        for row, line in enumerate(_wrap_text(words)):
            y += _LINE_H - 2 if row else 0
            x = LEFT - 6 if not row else LEFT + 50
            parts.append(f'<text class="w" x="{x}" y="{y + 4:g}">{escape(line)}</text>\n')
    return parts, y + 14


def _wrap_text(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LINE_CHARACTERS:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
