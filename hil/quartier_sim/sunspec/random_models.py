"""Seeded random values for SunSpec models: every type, every group, points that are not implemented."""

import random
import struct
from collections.abc import Callable, Iterable
from typing import Any

from quartier_sim.sunspec import model_layout
from quartier_sim.sunspec.model_layout import Group, Point, Value, get_bounds
from quartier_sim.sunspec.register_image import ModelEntry, ModelValues

FIRST_GENERATION = (1, 101, 103, 111, 113, 120, 121, 122, 123, 124, 160, 201, 203, 211, 213)
"""The first generation: models 1xx and 12x, and the meters."""
SECOND_GENERATION = (1, *range(701, 716), 802, 803, 804)
"""The second: the family of IEEE 1547, and batteries with strings and modules."""
_ABSENT_SHARE = 0.15
_GROUPS_MAX = 3
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_./é°"
_HEAD = frozenset({"ID", "L"})


def generate_models(numbers: Iterable[int], seed: int) -> list[ModelEntry]:
    """Each of ``numbers`` with random values; the same for the same seed."""
    source = random.Random(seed)  # noqa: S311 - values that can be repeated, no secret
    return [(number, _generate_group(source, model_layout.load_model(number))) for number in numbers]


def _generate_group(source: random.Random, group: Group) -> ModelValues:
    counts = {name: source.randint(1, _GROUPS_MAX) for name in sorted(group.counts)}
    found = _generate_values(source, group, counts, top=True)
    loose = [below.name for below in group.groups if below.count == 0]
    # A point of this type is the number of the groups for which the length leaves room.
    loose_counts = {
        point.name: len(found[name]) for point in group.points if point.kind == "count" for name in loose
    }
    return {**found, **counts, **loose_counts}


def _generate_values(
    source: random.Random, group: Group, counts: dict[str, int], *, top: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {
        point.name: _generate_value(source, point)
        for point in group.points
        if not (top and point.name in _HEAD)
    }
    for below in group.groups:
        if below.count is None:
            found[below.name] = _generate_values(source, below, counts)
            continue
        count = counts[below.count] if isinstance(below.count, str) else below.count
        often = count or source.randint(1, _GROUPS_MAX)
        found[below.name] = [_generate_values(source, below, counts) for _ in range(often)]
    return found


def _generate_value(source: random.Random, point: Point) -> Value | None:
    if point.kind == "pad" or source.random() < _ABSENT_SHARE:
        return None
    if point.kind in _GENERATORS:
        return _GENERATORS[point.kind](source, point)
    if point.codes and point.kind.startswith("enum"):
        return source.choice(sorted(point.codes))
    return source.choice([source.randint(*get_bounds(point.kind)), *get_bounds(point.kind)])


def _generate_text(source: random.Random, size: int) -> str:
    whole = "".join(source.choices(_LETTERS, k=source.randint(1, size)))
    return whole.encode()[:size].decode("utf-8", errors="ignore").rstrip("\0") or "x"


def _generate_float(source: random.Random, _: Point) -> float:
    found: float = struct.unpack(">f", struct.pack(">f", source.uniform(-1e6, 1e6)))[0]
    return found


_GENERATORS: dict[str, Callable[[random.Random, Point], Value]] = {
    "string": lambda source, point: _generate_text(source, 2 * point.words),
    "float32": _generate_float,
    "float64": lambda source, _: source.uniform(-1e12, 1e12),
    "eui48": lambda source, _: source.randbytes(6).hex(":").upper(),
    "ipv6addr": lambda source, _: source.randbytes(16).hex(":", 4).upper(),
    "sunssf": lambda source, _: source.randint(-4, 4),
}
