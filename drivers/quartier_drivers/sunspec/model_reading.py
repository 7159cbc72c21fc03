"""Decode whole models, and list everything that a device states.  Pure.

The words come from outside; this module only interprets them.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from quartier_drivers import register_codec
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.model_chain import FoundModel
from quartier_drivers.sunspec.models import (
    HEAD_WORDS,
    NUMBER_TYPES,
    ModelDefinition,
    ModelPoint,
    UnfoldedModel,
    find_model,
    unfold_model,
)
from quartier_drivers.sunspec.values import TEXT_DECODERS, PlainValue, decode_value, render_names
from quartier_native.sunspec import scale_numbers

PartialWords = Sequence[int | None]
"""The registers of a model from its ID on; None for what the device refuses."""


_UNKNOWN_MODEL_TEXT = "a maker's own model, which the standard does not describe"
_UNSCALED_TEXT = "as it stands: its scale factor is not implemented"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One point: ``text`` has the names of the values of an enumeration or a bit field.

    ``value`` is None if there is none: not implemented, or refused; ``quality`` is then BAD.  A number whose
    scale factor is not implemented is shown unscaled, and BAD.
    """

    point: str
    value: PlainValue | None
    unit: str
    text: str
    raw: str
    quality: str


class ModelReading:
    """One model of a device and its points; ``faults`` are its deviations from the definition.

    ``values`` holds the value of each point, in the order of its registers; ``rows`` are made on demand.
    """

    def __init__(self, found: FoundModel, words: PartialWords | bytes) -> None:
        """Create it; ``words`` as bytes are the registers as received, without gaps."""
        self.found = found
        definition = find_model(found.number)
        self.label = _UNKNOWN_MODEL_TEXT if definition is None else definition.label
        self.values: Sequence[PlainValue | None] = ()
        self.faults: Sequence[str] = ()
        self._unscaled: Collection[int] = ()
        self._words = words
        self._decoder: ModelDecoder | None = None
        if definition is None:
            return
        if not isinstance(words, bytes) and None in words:
            self._decoder = make_decoder(found.number, found.length, words)
        else:
            data = words if isinstance(words, bytes) else struct.pack(f">{len(words)}H", *words)
            self._decoder = make_decoder_of_bytes(found.number, found.length, data)
            self.values, self._unscaled = self._decoder.values(data)
        self.faults = self._decoder.faults

    @property
    def rows(self) -> list[ModelRow]:
        """Its points in readable form; fillers are left out."""
        if self._decoder is None:
            return []
        told = self._words
        words = struct.unpack(f">{len(told) // 2}H", told) if isinstance(told, bytes) else told
        return [
            self._row(place, leaf, words)
            for place, leaf in enumerate(self._decoder.unfolded)
            if leaf.entry.type_name != "pad"
        ]

    def _row(self, place: int, leaf: ModelPoint, words: PartialWords) -> ModelRow:
        entry, point = leaf.entry, f"{render_title(self.found)}.{leaf.path}"
        own = words[leaf.offset : leaf.offset + entry.size]
        held = [word for word in own if word is not None]
        if len(held) < entry.size:
            return ModelRow(point, None, entry.units, "refused", "", Quality.BAD.name)
        if self.values:
            found = self.values[place]
            unscaled = found is not None and place in self._unscaled
        else:  # a part of the model is refused
            scale = find_power(leaf, words)
            found = decode_value(entry, held, 0 if scale is None else scale)
            unscaled = scale is None and found is not None
        raw = "" if entry.type_name == "string" else " ".join(f"{word:04X}" for word in held)
        if unscaled:
            return ModelRow(point, found, entry.units, _UNSCALED_TEXT, raw, Quality.BAD.name)
        quality = Quality.BAD if found is None else Quality.GOOD
        return ModelRow(point, found, entry.units, render_names(entry, found), raw, quality.name)


def render_title(found: FoundModel) -> str:
    """Return ``103``, or ``103#2`` for the second model of that number."""
    return f"{found.number}#{found.instance}" if found.instance > 1 else str(found.number)


def find_leaves(definition: ModelDefinition, found: FoundModel, words: PartialWords) -> UnfoldedModel:
    """Return the places of its points; counts are taken from ``words``."""
    return unfold_model(definition, found.length, lambda at: words[at] if at < len(words) else None)


def find_power(leaf: ModelPoint, words: PartialWords) -> int | None:
    """Return the power of ten of a point; None if its scale factor is not implemented or invalid."""
    if leaf.scale_offset is None:
        return leaf.power
    return decode_power(words[leaf.scale_offset] if leaf.scale_offset < len(words) else None)


def decode_power(word: int | None) -> int | None:
    """Return a scale factor; None if it is refused, not implemented or beyond -10..10."""
    return None if word is None else register_codec.decode_power([word])


def find_counted_size(definition: ModelDefinition) -> int:
    """Return the number of registers, from its ID on, that contain the counts of its repeated groups."""
    return definition.group.size if definition.repeats else HEAD_WORDS


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
_VOID_POWER = 99
_FLOAT_MAX = 1.7976931348623157e308
_BITS = {"h": 16, "i": 32, "q": 64}


class _SheetColumn(NamedTuple):
    """The conversion of the raw value at a place: by one of ``scale`` (a place) and ``power``."""

    at: int
    scale: int | None
    power: int
    is_float: bool


class _ScalePlan(NamedTuple):
    """The conversion of raw values for these scale factors: a divisor or a factor for each."""

    scales: tuple[int, ...]
    divisors: tuple[int | None, ...]
    factors: tuple[int | None, ...]
    unscaled: frozenset[int]


class ModelDecoder:
    """The points of a model of one length; ``values`` reads them all."""

    def __init__(self, unfolded: UnfoldedModel) -> None:
        self.unfolded = unfolded
        places = {leaf.offset: place for place, leaf in enumerate(unfolded)}
        self._offsets = tuple(places)
        codes: list[str] = []
        columns: list[_SheetColumn] = []
        texts: list[tuple[int, Callable[[bytes], PlainValue | None]]] = []
        absents: list[int | None] = []
        for at, leaf in enumerate(unfolded):
            entry = leaf.entry
            kind = NUMBER_TYPES.get(entry.type_name)
            if kind is None:
                codes.append(f"{2 * entry.size}s")
                texts.append((at, TEXT_DECODERS.get(entry.type_name, bytes.hex)))
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
            columns.append(_SheetColumn(at, scale, _VOID_POWER if lost else leaf.power, code in "fd"))
        self.faults = tuple(unfolded.faults)
        self._struct = struct.Struct(f">{''.join(codes)}")
        self._absents = tuple(absents)
        self._columns = tuple(columns)
        self._texts = tuple(texts)
        self._floats = tuple(one.at for one in columns if one.is_float)
        self._scales = tuple(sorted({one.scale for one in columns if one.scale is not None}))
        self._scaling = _make_getter(self._scales)
        self._plan: _ScalePlan | None = None

    def across(self, offset: int) -> ModelPoint | None:
        """Return the point on both sides of a place, in registers from the model's ID; None if none is."""
        before = bisect_left(self._offsets, offset) - 1
        leaf = self.unfolded.leaves[before] if before >= 0 else None
        return leaf if leaf is not None and leaf.offset + leaf.entry.size > offset else None

    def values(self, data: bytes) -> tuple[list[PlainValue | None], frozenset[int]]:
        """Return the value of each point, None if it is not implemented; and the points without scale factor.

        ``data`` are the model's registers from its ID on.  A point without its scale factor is unscaled.
        """
        raws = self._struct.unpack_from(data)
        scales = self._scaling(raws)
        plan = self._plan
        if plan is None or scales != plan.scales:  # like devices have the same, and they hardly ever change
            plan = self._plan = self._plan_scales(scales)
        found = scale_numbers(raws, self._absents, plan.divisors, plan.factors)
        for at in self._floats:
            if not -_FLOAT_MAX <= raws[at] <= _FLOAT_MAX:
                found[at] = None
        for at, reads in self._texts:
            found[at] = reads(raws[at])
        return found, plan.unscaled

    def _plan_scales(self, scales: tuple[int, ...]) -> _ScalePlan:
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
        return _ScalePlan(scales, tuple(divisors), tuple(factors), frozenset(unscaled))


def _make_getter(places: tuple[int, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return a getter of these places; ``itemgetter`` returns a tuple only for two or more."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def make_decoder(number: int, length: int, words: Sequence[int | None]) -> ModelDecoder:
    """Return the decoder of a standard model with these first registers, which include its counts."""
    return _make_known_decoder(
        number, length, tuple(words[at] if at < len(words) else None for at in _find_count_places(number))
    )


def make_decoder_of_bytes(number: int, length: int, data: bytes) -> ModelDecoder:
    """Return the decoder of a model from its registers as received."""
    counts = _find_count_places(number)
    if not counts:
        return _make_known_decoder(number, length, ())
    places = (slice(2 * at, 2 * at + 2) for at in counts)
    return _make_known_decoder(
        number, length, tuple(int.from_bytes(data[at], "big") if data[at] else None for at in places)
    )


@lru_cache(maxsize=256)
def _make_known_decoder(number: int, length: int, counts: tuple[int | None, ...]) -> ModelDecoder:
    definition = find_model(number)
    assert definition is not None
    told = dict(zip(_find_count_places(number), counts, strict=True))
    return ModelDecoder(unfold_model(definition, length, told.get))


@cache
def _find_count_places(number: int) -> tuple[int, ...]:
    """Return the places of the counts that give the repetitions of a model's groups."""
    definition = find_model(number)
    assert definition is not None
    wanted = {group.count for group in definition.group.walk() if isinstance(group.count, str)}
    places, at = [], 0
    for entry in definition.group.entries:
        if entry.name in wanted:
            places.append(at)
        at += entry.size
    return tuple(places)
