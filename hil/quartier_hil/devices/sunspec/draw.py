"""Seeded random values for SunSpec models: every type, every group, points that are not implemented."""

import random
import struct
from collections.abc import Callable, Iterable
from typing import Any

from quartier_hil.devices.sunspec import shape
from quartier_hil.devices.sunspec.image import Part, Values
from quartier_hil.devices.sunspec.shape import Group, Point
from quartier_hil.devices.sunspec.word import Value, bounds

FIRST = (1, 101, 103, 111, 113, 120, 121, 122, 123, 124, 160, 201, 203, 211, 213)
"""The first generation: models 1xx and 12x, and the meters."""
SECOND = (1, *range(701, 716), 802, 803, 804)
"""The second: the family of IEEE 1547, and batteries with strings and modules."""
_ABSENT_SHARE = 0.15
_GROUPS_MAX = 3
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_./é°"
_HEAD = frozenset({"ID", "L"})


def models(numbers: Iterable[int], seed: int) -> list[Part]:
    """Each of ``numbers`` with random values; the same for the same seed."""
    source = random.Random(seed)  # noqa: S311 - values that can be repeated, no secret
    return [(number, _drawn(source, shape.model(number))) for number in numbers]


def _drawn(source: random.Random, group: Group) -> Values:
    counts = {name: source.randint(1, _GROUPS_MAX) for name in sorted(group.counts)}
    found = _values(source, group, counts, top=True)
    loose = [below.name for below in group.groups if below.count == 0]
    # A point of this type is the number of the groups for which the length leaves room.
    told = {point.name: len(found[name]) for point in group.points if point.kind == "count" for name in loose}
    return {**found, **counts, **told}


def _values(
    source: random.Random, group: Group, counts: dict[str, int], *, top: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {
        point.name: _value(source, point) for point in group.points if not (top and point.name in _HEAD)
    }
    for below in group.groups:
        if below.count is None:
            found[below.name] = _values(source, below, counts)
            continue
        count = counts[below.count] if isinstance(below.count, str) else below.count
        often = count or source.randint(1, _GROUPS_MAX)
        found[below.name] = [_values(source, below, counts) for _ in range(often)]
    return found


def _value(source: random.Random, point: Point) -> Value | None:
    if point.kind == "pad" or source.random() < _ABSENT_SHARE:
        return None
    if point.kind in _DRAWN:
        return _DRAWN[point.kind](source, point)
    if point.codes and point.kind.startswith("enum"):
        return source.choice(sorted(point.codes))
    return source.choice([source.randint(*bounds(point.kind)), *bounds(point.kind)])


def _text(source: random.Random, size: int) -> str:
    whole = "".join(source.choices(_LETTERS, k=source.randint(1, size)))
    return whole.encode()[:size].decode("utf-8", errors="ignore").rstrip("\0") or "x"


def _single(source: random.Random, _: Point) -> float:
    found: float = struct.unpack(">f", struct.pack(">f", source.uniform(-1e6, 1e6)))[0]
    return found


_DRAWN: dict[str, Callable[[random.Random, Point], Value]] = {
    "string": lambda source, point: _text(source, 2 * point.words),
    "float32": _single,
    "float64": lambda source, _: source.uniform(-1e12, 1e12),
    "eui48": lambda source, _: source.randbytes(6).hex(":").upper(),
    "ipv6addr": lambda source, _: source.randbytes(16).hex(":", 4).upper(),
    "sunssf": lambda source, _: source.randint(-4, 4),
}
