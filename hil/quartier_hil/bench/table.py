"""The figures as a table for people, and as JSON for machines."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from quartier_hil.bench.figure import Figure

_HEAD = ("figure", "what", "ours", "peer", "ratio", "floor", "holds")
_GAP = "  "


def rows(figures: Iterable[Figure], share: float) -> list[str]:
    """One line a figure below a head; what was skipped says what to install.

    ``share`` of a floor is what has to be kept.
    """
    cells = [_HEAD, *(_cells(figure, share) for figure in figures)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(_HEAD))]
    lines = [_line(row, widths) for row in cells]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(row[2:6], widths[2:6], strict=True)]
    return _GAP.join([*left, *right, row[6]]).rstrip()


def _cells(figure: Figure, share: float) -> tuple[str, ...]:
    floor = (
        "" if figure.floor is None else f"{'≤' if figure.better == 'less' else '≥'} {_number(figure.floor)}"
    )
    if figure.skipped:
        return (figure.name, figure.what, "", "", "", floor, f"SKIPPED: {figure.skipped}")
    unit = f" {figure.unit}" if figure.unit else ""
    ours = "" if figure.ours is None else _number(figure.ours) + unit
    peer = "" if figure.peer is None else _number(figure.peer) + unit
    ratio = "" if figure.ratio is None or figure.peer is None else _number(figure.ratio)
    against = f", against {figure.peer_name}" if figure.peer_name else ""
    return (figure.name, figure.what + against, ours, peer, ratio, floor, _verdict(figure, share))


def _verdict(figure: Figure, share: float) -> str:
    if (holds := figure.holds()) is None:
        return ""
    if holds:
        return "yes"
    return "nearly" if figure.holds(share) else "NO"


def _number(value: float) -> str:
    """Three figures that matter, without an exponent."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def document(
    about: dict[str, object], figures: Iterable[Figure], *, short: bool, rounds: int
) -> dict[str, Any]:
    """All of it, JSON-ready."""
    return {
        "machine": about,
        "short": short,
        "rounds": rounds,
        "figures": [{**asdict(figure), "group": figure.group, "holds": figure.holds()} for figure in figures],
    }
