"""Reads all points of a model at once; the way to read is made once per length and counts.  Pure."""

import struct
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from quartier_drivers.sunspec.kinds import KINDS
from quartier_drivers.sunspec.leaves import Leaf, Unfolded, unfold
from quartier_drivers.sunspec.models import model
from quartier_drivers.sunspec.values import TEXTS, Plain
from quartier_native.sunspec import scaled

_CODES: Mapping[str, str] = MappingProxyType(
    {
        "int16": "h",
        "uint16": "H",
        "int32": "i",
        "uint32": "I",
        "int64": "q",
        "uint64": "Q",
        "float32": "f",
        "float64": "d",
    }
)
_TENS = tuple(10**power for power in range(11))
_VOID = 99
_FLOAT_MAX = 1.7976931348623157e308
_BITS = {"h": 16, "i": 32, "q": 64}


class _Column(NamedTuple):
    """How the raw value at a place becomes the point's value: by one of ``scale`` (a place) and ``power``."""

    at: int
    scale: int | None
    power: int
    is_float: bool


class _Plan(NamedTuple):
    """What is done with raw values for these scale factors: a divisor or a factor for each."""

    scales: tuple[int, ...]
    divisors: tuple[int | None, ...]
    factors: tuple[int | None, ...]
    unscaled: frozenset[int]


class Sheet:
    """The points of a model of one length; ``values`` reads them all."""

    def __init__(self, unfolded: Unfolded) -> None:
        self.unfolded = unfolded
        places = {leaf.offset: place for place, leaf in enumerate(unfolded)}
        self._offsets = tuple(places)
        codes: list[str] = []
        columns: list[_Column] = []
        texts: list[tuple[int, Callable[[bytes], Plain | None]]] = []
        absents: list[int | None] = []
        for at, leaf in enumerate(unfolded):
            entry = leaf.entry
            kind = KINDS.get(entry.type_name)
            if kind is None:
                codes.append(f"{2 * entry.size}s")
                texts.append((at, TEXTS.get(entry.type_name, bytes.hex)))
                absents.append(None)
                continue
            code = _CODES[kind.type_name]
            codes.append(code)
            absent = kind.absent[0] if kind.absent else None
            if absent is not None and code in _BITS and absent >> _BITS[code] - 1:
                absent -= 1 << _BITS[code]
            scale = None if leaf.scale_offset is None else places.get(leaf.scale_offset)
            lost = leaf.scale_offset is not None and scale is None
            absents.append(absent)
            columns.append(_Column(at, scale, _VOID if lost else leaf.power, code in "fd"))
        self.faults = tuple(unfolded.faults)
        self._struct = struct.Struct(f">{''.join(codes)}")
        self._absents = tuple(absents)
        self._columns = tuple(columns)
        self._texts = tuple(texts)
        self._floats = tuple(one.at for one in columns if one.is_float)
        self._scales = tuple(sorted({one.scale for one in columns if one.scale is not None}))
        self._scaling = _taking(self._scales)
        self._plan: _Plan | None = None

    def across(self, offset: int) -> Leaf | None:
        """Return the point on both sides of a place, in registers from the model's ID; None if none is."""
        before = bisect_left(self._offsets, offset) - 1
        leaf = self.unfolded.leaves[before] if before >= 0 else None
        return leaf if leaf is not None and leaf.offset + leaf.entry.size > offset else None

    def values(self, data: bytes) -> tuple[list[Plain | None], frozenset[int]]:
        """Return the value of each point, None if it is not implemented; and the points without scale factor.

        ``data`` are the model's registers from its ID on.  A point without its scale factor is unscaled.
        """
        raws = self._struct.unpack_from(data)
        scales = self._scaling(raws)
        plan = self._plan
        if plan is None or scales != plan.scales:  # like devices have the same, and they hardly ever change
            plan = self._plan = self._planned(scales)
        found = scaled(raws, self._absents, plan.divisors, plan.factors)
        for at in self._floats:
            if not -_FLOAT_MAX <= raws[at] <= _FLOAT_MAX:
                found[at] = None
        for at, reads in self._texts:
            found[at] = reads(raws[at])
        return found, plan.unscaled

    def _planned(self, scales: tuple[int, ...]) -> _Plan:
        powers = dict(zip(self._scales, scales, strict=True))
        divisors: list[int | None] = [None] * len(self._absents)
        factors = divisors.copy()
        unscaled = []
        for one in self._columns:
            ten = one.power if one.scale is None else powers[one.scale]
            if -10 <= ten < 0:
                divisors[one.at] = _TENS[-ten]
            elif 0 < ten <= 10:
                factors[one.at] = _TENS[ten]
            elif ten:
                unscaled.append(one.at)
        return _Plan(scales, tuple(divisors), tuple(factors), frozenset(unscaled))


def _taking(places: tuple[int, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return a getter of these places; ``itemgetter`` returns a tuple only for two or more."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def sheet(number: int, length: int, words: Sequence[int | None]) -> Sheet:
    """Return the sheet of a standard model with these first registers, which include its counts."""
    return _made(number, length, tuple(words[at] if at < len(words) else None for at in _counts(number)))


def sheet_of(number: int, length: int, data: bytes) -> Sheet:
    """Return the sheet of a model from its registers as received."""
    counts = _counts(number)
    if not counts:
        return _made(number, length, ())
    places = (slice(2 * at, 2 * at + 2) for at in counts)
    return _made(
        number, length, tuple(int.from_bytes(data[at], "big") if data[at] else None for at in places)
    )


@lru_cache(maxsize=256)
def _made(number: int, length: int, counts: tuple[int | None, ...]) -> Sheet:
    definition = model(number)
    assert definition is not None
    told = dict(zip(_counts(number), counts, strict=True))
    return Sheet(unfold(definition, length, told.get))


@cache
def _counts(number: int) -> tuple[int, ...]:
    """Return the places of the counts that give the repetitions of a model's groups."""
    definition = model(number)
    assert definition is not None
    wanted = {group.count for group in definition.group.walk() if isinstance(group.count, str)}
    places, at = [], 0
    for entry in definition.group.entries:
        if entry.name in wanted:
            places.append(at)
        at += entry.size
    return tuple(places)
