"""Generate the page ``gateway/docs/failsafe.md``, and the drawing (SVG) of the link states (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from math import copysign, hypot, inf, isfinite

from quartier.control.link import transitions
from quartier.control.link.state import LinkMode
from quartier.control.supervise import loss_table
from quartier.control.supervise.loss_table import LossRow, SitePeriods

LINK_PICTURE = "link-states.svg"
_PAGE_HEAD = """\
# What each loss does

Made by `quartier drill --reference page` from the table that the running gateway uses too: its alarms
and `quartier status` name these rows. `quartier drill --simulated` makes each loss happen in a simulated
building and compares; `quartier drill --on-site` guides through the real cable pulls, and signs the record.
The rules behind this table are [specified](spec/failsafe.md).

Times count from the loss. The figures are for a site with the usual periods: a cycle of 1 s, meters read each
second, timers of 60 s in the devices, a heartbeat time-out of 120 s, a commit of the history each 10 s.
`quartier drill --declared` shows those of a running gateway, with its own periods and timers.
"""
_LINK_SECTION = f"""\
## The link to the district

![The states of the link and the ways between them]({LINK_PICTURE})

Each way out of a state, in the order in which they are tried; the first that holds is taken. The picture has
the same numbers. The states are [specified](spec/failsafe.md#section-2).

| | from | to | when |
| --- | --- | --- | --- |
"""
_PAGE_TAIL = f"""
From every state a grid outage leads to INIT ({transitions.OUTAGE_TEXT}).
A process that starts goes on in the state that was kept: HOLD only where a synchronised clock and a document
that allows it are there, else FAILSAFE. With no state kept it begins in INIT; where one was kept that nobody
can read, the fail-safe values hold for their minimum.
"""


def render_loss_page() -> str:
    """Return the whole page, in Markdown."""
    return "".join(
        (
            _PAGE_HEAD,
            "\n",
            *_render_table(),
            "\n",
            *_render_rows(),
            "\n",
            _LINK_SECTION,
            *_render_transitions(),
            _PAGE_TAIL,
        )
    )


def _render_table() -> Iterator[str]:
    yield "| loss | what is done | by then | where | noticed after |\n| --- | --- | --- | --- | --- |\n"
    periods = SitePeriods()
    for loss in loss_table.LOSSES:
        deadline, noticed = (_format_seconds(one(periods)) for one in (loss.deadline_s, loss.noticed_s))
        yield f"| [{loss.words}](#{loss.name}) | {loss.action} | {deadline} | {loss.where} | {noticed} |\n"


def _render_rows() -> Iterator[str]:
    for loss in loss_table.LOSSES:
        yield _render_row(loss)


def _render_row(loss: LossRow) -> str:
    return (
        f"### {loss.name}\n\n"
        f"{loss.words[0].upper()}{loss.words[1:]}: {loss.action}.\n\n"
        f"- noticed: {loss.noticed_by} ({_format_seconds(loss.noticed_s(SitePeriods()))})\n"
        f"- done by: {loss.within} ({_format_seconds(loss.deadline_s(SitePeriods()))})\n"
        f"- where: {loss.where}\n"
        f"- comes back: {loss.back}\n\n"
    )


def _render_transitions() -> Iterator[str]:
    for number, row in enumerate(transitions.TRANSITIONS, 1):
        yield f"| {number} | {row.source} | {row.target} | {row.why} |\n"


def _format_seconds(seconds: float) -> str:
    return f"{seconds:g} s" if isfinite(seconds) else "–"


PICTURE_WIDTH, BOX_W, BOX_H = 960, 190, 66
_LEGEND_Y, _LINE_H = 560, 22
_ASIDE, _NUMBER_AT = 13, 0.32
_BOX_CENTRES: Mapping[LinkMode, tuple[float, float]] = {
    LinkMode.CONTROLLED: (480, 80),
    LinkMode.INIT: (130, 290),
    LinkMode.HOLD: (830, 290),
    LinkMode.AUTONOMOUS: (330, 480),
    LinkMode.FAILSAFE: (660, 480),
}
_STATE_LIMITS: Mapping[LinkMode, str] = {
    LinkMode.CONTROLLED: "the documents' caps",
    LinkMode.INIT: "fail-safe values",
    LinkMode.HOLD: "the cached schedules",
    LinkMode.AUTONOMOUS: "autonomous values",
    LinkMode.FAILSAFE: "fail-safe values",
}
_STATE_FILLS: Mapping[LinkMode, str] = {
    LinkMode.CONTROLLED: "#dff3e3",
    LinkMode.INIT: "#fdf3d6",
    LinkMode.HOLD: "#fdf3d6",
    LinkMode.AUTONOMOUS: "#dfeefa",
    LinkMode.FAILSAFE: "#fbe0de",
}
_PICTURE_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="system-ui, sans-serif" font-size="15" role="img" aria-label="The states of the link">
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 10 5 0 10z" fill="#345"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
"""


@dataclass(frozen=True, slots=True)
class _TransitionArrow:
    """All rows from one state to another, as one arrow; ``both``: there is one back beside it."""

    source: LinkMode
    target: LinkMode
    numbers: tuple[int, ...]
    both: bool


def render_link_picture() -> str:
    """Return the whole drawing; each way out of a state is there once, by its number."""
    lines = len(transitions.TRANSITIONS) + 1
    parts = [_PICTURE_HEAD.format(width=PICTURE_WIDTH, height=_LEGEND_Y + _LINE_H * (lines + 1))]
    parts += [part for way in _list_arrows() for part in _render_arrow(way)]
    parts += [_render_box(mode) for mode in LinkMode]
    parts += _render_legend()
    return "".join((*parts, "</svg>\n"))


def _list_arrows() -> Iterator[_TransitionArrow]:
    found: dict[tuple[LinkMode, LinkMode], list[int]] = {}
    for number, row in enumerate(transitions.TRANSITIONS, 1):
        found.setdefault((row.source, row.target), []).append(number)
    for (source, target), numbers in found.items():
        yield _TransitionArrow(source, target, tuple(numbers), (target, source) in found)


def _render_arrow(way: _TransitionArrow) -> Iterator[str]:
    (from_x, from_y), (to_x, to_y) = _BOX_CENTRES[way.source], _BOX_CENTRES[way.target]
    length = hypot(to_x - from_x, to_y - from_y)
    run_x, run_y = (to_x - from_x) / length, (to_y - from_y) / length
    # Beside its way back, to the right of it.
    aside_x, aside_y = (-run_y * _ASIDE, run_x * _ASIDE) if way.both else (0.0, 0.0)
    out, back = (
        _find_exit_distance(aside_x, aside_y, run_x, run_y),
        _find_exit_distance(aside_x, aside_y, -run_x, -run_y),
    )
    start_x, start_y = from_x + aside_x + run_x * out, from_y + aside_y + run_y * out
    end_x, end_y = to_x + aside_x - run_x * back, to_y + aside_y - run_y * back
    yield (
        f'<path d="M{start_x:.1f} {start_y:.1f} {end_x:.1f} {end_y:.1f}" stroke="#345" stroke-width="1.6" '
        'fill="none" marker-end="url(#tip)"/>\n'
    )
    # Nearer to where it begins: there arrows into one state are still apart.
    middle_x, middle_y = start_x + (end_x - start_x) * _NUMBER_AT, start_y + (end_y - start_y) * _NUMBER_AT
    for place, number in enumerate(way.numbers):
        x = middle_x + (place - (len(way.numbers) - 1) / 2) * 24
        yield f'<circle cx="{x:.1f}" cy="{middle_y:.1f}" r="11" fill="#fff" stroke="#345"/>\n'
        where = f'x="{x:.1f}" y="{middle_y + 4.5:.1f}" text-anchor="middle" font-size="13"'
        yield f"<text {where}>{number}</text>\n"


def _find_exit_distance(aside_x: float, aside_y: float, run_x: float, run_y: float) -> float:
    """Return how far from beside a box's middle one goes in that direction until the box is left."""
    far_x = (BOX_W / 2 + 2 - copysign(aside_x, aside_x * run_x)) / abs(run_x) if run_x else inf
    far_y = (BOX_H / 2 + 2 - copysign(aside_y, aside_y * run_y)) / abs(run_y) if run_y else inf
    return min(far_x, far_y)


def _render_box(mode: LinkMode) -> str:
    x, y = _BOX_CENTRES[mode]
    return (
        f'<rect x="{x - BOX_W / 2:g}" y="{y - BOX_H / 2:g}" width="{BOX_W}" height="{BOX_H}" rx="10" '
        f'fill="{_STATE_FILLS[mode]}" stroke="#345" stroke-width="1.6"/>\n'
        f'<text x="{x:g}" y="{y - 3:g}" text-anchor="middle" font-weight="600">{mode}</text>\n'
        f'<text x="{x:g}" y="{y + 18:g}" text-anchor="middle" font-size="13">'
        f"{escape(_STATE_LIMITS[mode])}</text>\n"
    )


def _render_legend() -> Iterator[str]:
    for number, row in enumerate(transitions.TRANSITIONS, 1):
        y = _LEGEND_Y + number * _LINE_H
        yield f'<text x="60" y="{y}" text-anchor="end">{number}</text>\n'
        yield f'<text x="76" y="{y}">{row.source} → {row.target}: {escape(row.why)}</text>\n'
    y = _LEGEND_Y + (len(transitions.TRANSITIONS) + 1) * _LINE_H
    yield f'<text x="76" y="{y}">every state → INIT: grid outage ({escape(transitions.OUTAGE_TEXT)})</text>\n'
