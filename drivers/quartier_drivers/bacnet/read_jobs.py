"""One planned read, and the conversion of its answer into values and columns.

A ``PointMeaning`` is prepared once per point, with the conversion from the unit that the device states.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer
from quartier_drivers.bacnet.schema import LOAD_CONTROL, PRESENT_VALUE, BacnetPoint
from quartier_drivers.bacnet.standard_names import (
    BINARY_TYPES,
    NO_UNITS,
    PROPERTIES,
    UNIT_NUMBERS,
    UnitConversion,
    find_conversion,
    render_unit,
)
from quartier_drivers.contract import SLOT_NS, find_slot_ns
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import (
    EXACT_INT_MAX,
    QUALITIES,
    TEXT,
    VALUE_KINDS,
    Layout,
    Quality,
    Readings,
    Value,
)
from quartier_native.bacnet import (
    BITS,
    BOOLEAN,
    CHARACTERS,
    DENIED,
    DOUBLE,
    ENUMERATED,
    MISSING,
    NULL,
    REAL,
    SIGNED,
    UNSIGNED,
    Ref,
)

NUMBER_TYPES = frozenset((BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, ENUMERATED, BITS))
STATUS_FLAGS_ID, PRESENT_VALUE_ID = PROPERTIES["status-flags"], PROPERTIES["present-value"]
GOOD_PLACE, BAD_PLACE = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)
FAULT_BIT, OUT_OF_SERVICE_BIT = 2, 8
"""Of the status flags (clause 12): in alarm 1, fault 2, overridden 4, out of service 8, as they are summed
here.
"""


_BAD_FLAGS = FAULT_BIT | OUT_OF_SERVICE_BIT
_NONE: Mapping[int, str] = MappingProxyType({})


def make_flags_ref(ref: Ref) -> Ref:
    """Return the status flags of the object of a property."""
    return Ref(ref.object_type, ref.instance, STATUS_FLAGS_ID)


@dataclass(frozen=True, slots=True)
class PointMeaning:
    """The conversion of one point: value = ``factor`` times the device's value, plus ``offset``.

    ``why`` is the reason why no value of it can be trusted; empty if there is none.
    """

    name: str
    quantity: str
    point: BacnetPoint
    kind: int
    factor: float = 1.0
    offset: float = 0.0
    why: str = ""
    plain: bool = field(init=False)
    """Whether factor and offset are all there is to it."""

    def __post_init__(self) -> None:
        point = self.point
        odd = bool(point.absent) or point.low is not None or point.high is not None or bool(self.why)
        plain = self.kind == VALUE_KINDS["float"] and not odd
        object.__setattr__(self, "plain", plain)

    @property
    def ref(self) -> Ref:
        """The property that holds the point."""
        point = self.point
        index = -1 if point.index is None else point.index
        return Ref(point.place.kind, point.place.instance, point.property_id, index)

    def value(self, raw: float) -> float | None:
        """Return the value of a number from the device; None if it is absent or implausible."""
        point = self.point
        if math.isnan(raw) or math.isinf(raw) or raw in point.absent:
            return None
        if self.kind == VALUE_KINDS["bool"]:
            return self._decode_truth(raw)
        value = raw * self.factor + self.offset
        too_low = point.low is not None and value < point.low
        too_high = point.high is not None and value > point.high
        return None if too_low or too_high else value

    def _decode_truth(self, raw: float) -> float:
        point = self.point
        if point.bit is not None:
            return float(int(raw) >> point.bit & 1)
        if point.place.kind == LOAD_CONTROL and point.property_id == PRESENT_VALUE:
            return float(raw != SHED_COMPLIANT)
        return float(raw != 0)

    def raw(self, value: float) -> float:
        """Return the number in the device for ``value``."""
        return (value - self.offset) / self.factor


class PointColumns:
    """Points in the order of their layout, with the places of their values and status flags in ``refs``.

    ``known`` holds earlier values, kept until better ones come.
    """

    __slots__ = ("_rows", "_texts", "_values", "layout", "meanings")

    def __init__(
        self, meanings: Sequence[PointMeaning], refs: Sequence[Ref], known: Mapping[str, Value]
    ) -> None:
        places = {ref: place for place, ref in enumerate(refs)}
        self.meanings = tuple(meanings)
        self.layout = Layout(tuple(one.name for one in meanings), bytes(one.kind for one in meanings))
        self._rows = tuple(
            (
                place,
                one,
                places[one.ref],
                places.get(make_flags_ref(one.ref), -1) if one.ref.property_id == PRESENT_VALUE_ID else -1,
            )
            for place, one in enumerate(meanings)
        )
        self._values = array("d", [0.0] * len(self.meanings))
        self._texts: dict[int, str] = {}
        for place, one in enumerate(self.meanings):
            last = known.get(one.name)
            if isinstance(last, str):
                self._texts[place] = last
            elif last is not None:
                self._values[place] = float(last)

    @property
    def last_values(self) -> dict[str, Value]:
        """The last good value of each point, or the zero of its kind."""
        now = Readings(self.layout, self._values, bytes(len(self.meanings)), 0, self._texts)
        return {one.name: now.value(place) for place, one in enumerate(self.meanings)}

    def make_readings(self, answer: ReadAnswer, now_ns: int, *, shows_raw: bool = False) -> Readings:
        """Return the readings of an answer or a notification; points without a value are BAD."""
        values = array("d", self._values)
        qualities = bytearray(len(self._rows))
        raws: dict[int, str] = {}
        read, kinds = answer.values, answer.kinds
        for place, one, at, flags in self._rows:
            kind = kinds[at]
            good = one.plain and kind in NUMBER_TYPES and math.isfinite(read[at])
            if good:
                values[place] = read[at] * one.factor + one.offset
            else:
                good = self._odd(place, one, answer, at, values)
            if flags >= 0 and kinds[flags] == BITS and int(read[flags]) & _BAD_FLAGS:
                good = False
            if not good:
                qualities[place] = BAD_PLACE
            if shows_raw or not good:
                raws[place] = render_raw(one, answer, at, flags)
        self._values = values
        texts = dict(self._texts) if self._texts else _NONE
        return Readings(self.layout, values, bytes(qualities), now_ns, texts, raws or _NONE)

    def _odd(
        self, place: int, one: PointMeaning, answer: ReadAnswer, at: int, values: "array[float]"
    ) -> bool:
        """Decode a value that is not just a number times a factor; return whether it can be trusted."""
        kind = answer.kinds[at]
        if kind in (DENIED, MISSING, NULL) or one.why:
            return False
        if one.kind == TEXT:
            return self._text(place, one, answer, at)
        if kind not in NUMBER_TYPES:
            return False
        value = one.value(answer.values[at])
        if value is None:
            return False
        values[place] = value
        self._texts.pop(place, None)
        if abs(value) >= EXACT_INT_MAX and kind in (UNSIGNED, SIGNED):
            self._texts[place] = str(answer.elements(at)[0].value)
        return True

    def _text(self, place: int, one: PointMeaning, answer: ReadAnswer, at: int) -> bool:
        found = answer.elements(at) if answer.kinds[at] == CHARACTERS else ()
        text = str(found[0].value) if found else ""
        self._texts[place] = find_text(one.point, answer.values[at], text)
        return bool(self._texts[place]) or bool(found)

    def make_bad_readings(self, why: str, now_ns: int) -> Readings:
        """Return all points as BAD."""
        count = len(self.meanings)
        raws = dict.fromkeys(range(count), why)
        return Readings(
            self.layout, array("d", self._values), bytes([BAD_PLACE]) * count, now_ns, dict(self._texts), raws
        )


def render_raw(one: PointMeaning, answer: ReadAnswer, at: int, flags: int) -> str:
    """Return the content on the wire, for people."""
    denial = answer.denial(at)
    if denial is not None:
        return str(denial)
    if one.why:
        return one.why
    found = answer.elements(at)
    words = ", ".join(str(element.value) for element in found) or "nothing"
    if flags >= 0 and answer.kinds[flags] == BITS:
        bits = int(answer.values[flags])
        named = [
            name
            for bit, name in ((FAULT_BIT, "in fault"), (OUT_OF_SERVICE_BIT, "out of service"))
            if bits & bit
        ]
        words = ", ".join([words, *named])
    return words


class ReadJob:
    """A request of the plan with its points, its due time and its period.

    ``refs`` are the properties that it reads, status flags included.
    """

    __slots__ = ("columns", "due_ns", "period_ns", "read", "refs")

    def __init__(
        self,
        meanings: Sequence[PointMeaning],
        read: PreparedRead,
        period_s: float,
        due_ns: int,
        known: Mapping[str, Value],
    ) -> None:
        self.read = read
        self.refs = read.refs
        self.period_ns = int(period_s * 1e9)
        self.due_ns = due_ns
        self.columns = PointColumns(meanings, read.refs, known)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the full names of the points that it reads."""
        return self.columns.layout.points

    def move_on(self, now_ns: int, phase_ns: int) -> int:
        """Move to the next moment of its grid after now; return how many moments have passed unused."""
        skipped = max(0, now_ns - self.due_ns) // self.period_ns
        if self.period_ns % SLOT_NS:
            self.due_ns += (skipped + 1) * self.period_ns
        else:
            self.due_ns = find_slot_ns(now_ns + 1, self.period_ns, phase_ns)
        return skipped


SHED_COMPLIANT = 2
"""BACnetShedState: 0 inactive, 1 pending, 2 compliant, 3 non-compliant (clause 12.28)."""


_NO_CONVERSION = UnitConversion("", 1.0)


def needs_unit(point: BacnetPoint, quantity: str) -> bool:
    """Return whether the value depends on the engineering unit of the object."""
    numeric = bool(parse_quantity(quantity).unit) and point.place.kind not in BINARY_TYPES
    return numeric and point.property_id == PRESENT_VALUE


def make_meaning(name: str, quantity: str, point: BacnetPoint, said: int | None) -> PointMeaning:
    """Return the conversion of a point whose object states the engineering unit ``said``; None for none."""
    unit = parse_quantity(quantity).unit
    kind = VALUE_KINDS[parse_quantity(quantity).kind]
    if not unit or kind != VALUE_KINDS["float"]:
        return PointMeaning(name, quantity, point, kind, point.scale * point.sign, point.offset)
    found, why = _find_worth(point, unit, said)
    factor = point.scale * point.sign
    return PointMeaning(
        name, quantity, point, kind, factor * found.factor, factor * found.offset + point.offset, why
    )


def _find_worth(point: BacnetPoint, unit: str, said: int | None) -> tuple[UnitConversion, str]:
    declared = None if point.units is None else UNIT_NUMBERS[point.units]
    mute = said is None or said == NO_UNITS
    if declared == NO_UNITS or (declared is None and point.property_id != PRESENT_VALUE):
        return _NO_CONVERSION, ""
    if declared is not None and not mute and said != declared:
        return (
            _NO_CONVERSION,
            f"{point.where} is in {render_unit(said or 0)}, and the profile says {point.units}",
        )
    number = declared if mute else said
    if number is None:
        return _NO_CONVERSION, f"{point.where} says no unit; say units = … in the profile, from its manual"
    found = find_conversion(number, unit)
    if found is None:
        return _NO_CONVERSION, f"{point.where} is in {render_unit(number)}, which does not fit _{unit}"
    return found, ""


def find_text(point: BacnetPoint, raw: float, said: str) -> str:
    """Return the text of a value: its name in the profile, or the text from the device."""
    if point.values is not None and not math.isnan(raw):
        return point.values.get(int(raw), "")
    return said


def find_missing_units(meanings: Sequence[PointMeaning]) -> list[PointMeaning]:
    """Return the points whose values cannot be trusted."""
    return [one for one in meanings if one.why]
