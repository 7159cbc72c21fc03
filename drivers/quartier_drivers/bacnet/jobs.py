"""One planned read and how its answer becomes columns."""

import math
from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from quartier_drivers.bacnet.answers import Read, Told
from quartier_drivers.bacnet.meaning import FAULT_BIT, OUT_OF_SERVICE_BIT, Meaning, text_of
from quartier_drivers.bacnet.words import PROPERTIES
from quartier_drivers.contract import (
    EXACT_INT_MAX,
    QUALITIES,
    SLOT_NS,
    TEXT,
    Quality,
    Readings,
    Value,
    slot_ns,
)
from quartier_drivers.layout import Layout
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

NUMBERS = frozenset((BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, ENUMERATED, BITS))
STATUS_FLAGS, PRESENT_VALUE = PROPERTIES["status-flags"], PROPERTIES["present-value"]
GOOD, BAD = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)
_TROUBLE = FAULT_BIT | OUT_OF_SERVICE_BIT
_NONE: Mapping[int, str] = MappingProxyType({})


def flags_of(ref: Ref) -> Ref:
    """The status flags of the object of a property."""
    return Ref(ref.object_type, ref.instance, STATUS_FLAGS)


class Columns:
    """Points in the order of their layout, each with where its value and its status flags stand among
    ``refs``.

    ``known`` are values from before, kept while nothing better is there.
    """

    __slots__ = ("_rows", "_texts", "_values", "layout", "meanings")

    def __init__(self, meanings: Sequence[Meaning], refs: Sequence[Ref], known: Mapping[str, Value]) -> None:
        places = {ref: place for place, ref in enumerate(refs)}
        self.meanings = tuple(meanings)
        self.layout = Layout(tuple(one.name for one in meanings), bytes(one.kind for one in meanings))
        self._rows = tuple(
            (
                place,
                one,
                places[one.ref],
                places.get(flags_of(one.ref), -1) if one.ref.property_id == PRESENT_VALUE else -1,
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
    def known(self) -> dict[str, Value]:
        """The last good value of each point, or the nought of its kind."""
        now = Readings(self.layout, self._values, bytes(len(self.meanings)), 0, self._texts)
        return {one.name: now.value(place) for place, one in enumerate(self.meanings)}

    def told(self, told: Told, now_ns: int, *, shows_raw: bool = False) -> Readings:
        """Return what an answer, or a notification, says; what it does not say is BAD."""
        values = array("d", self._values)
        qualities = bytearray(len(self._rows))
        raws: dict[int, str] = {}
        read, kinds = told.values, told.kinds
        for place, one, at, flags in self._rows:
            kind = kinds[at]
            good = one.plain and kind in NUMBERS and math.isfinite(read[at])
            if good:
                values[place] = read[at] * one.factor + one.offset
            else:
                good = self._odd(place, one, told, at, values)
            if flags >= 0 and kinds[flags] == BITS and int(read[flags]) & _TROUBLE:
                good = False
            if not good:
                qualities[place] = BAD
            if shows_raw or not good:
                raws[place] = raw_of(one, told, at, flags)
        self._values = values
        texts = dict(self._texts) if self._texts else _NONE
        return Readings(self.layout, values, bytes(qualities), now_ns, texts, raws or _NONE)

    def _odd(self, place: int, one: Meaning, told: Told, at: int, values: "array[float]") -> bool:
        """A value that is more than a number times a factor; whether it can be believed."""
        kind = told.kinds[at]
        if kind in (DENIED, MISSING, NULL) or one.why:
            return False
        if one.kind == TEXT:
            return self._text(place, one, told, at)
        if kind not in NUMBERS:
            return False
        value = one.value(told.values[at])
        if value is None:
            return False
        values[place] = value
        self._texts.pop(place, None)
        if abs(value) >= EXACT_INT_MAX and kind in (UNSIGNED, SIGNED):
            self._texts[place] = str(told.elements(at)[0].value)
        return True

    def _text(self, place: int, one: Meaning, told: Told, at: int) -> bool:
        found = told.elements(at) if told.kinds[at] == CHARACTERS else ()
        said = str(found[0].value) if found else ""
        self._texts[place] = text_of(one.point, told.values[at], said)
        return bool(self._texts[place]) or bool(found)

    def failed(self, why: str, now_ns: int) -> Readings:
        """All of them BAD."""
        count = len(self.meanings)
        raws = dict.fromkeys(range(count), why)
        return Readings(
            self.layout, array("d", self._values), bytes([BAD]) * count, now_ns, dict(self._texts), raws
        )


def raw_of(one: Meaning, told: Told, at: int, flags: int) -> str:
    """Return what stood on the wire, for a person."""
    denial = told.denial(at)
    if denial is not None:
        return str(denial)
    if one.why:
        return one.why
    found = told.elements(at)
    words = ", ".join(str(element.value) for element in found) or "nothing"
    if flags >= 0 and told.kinds[flags] == BITS:
        bits = int(told.values[flags])
        named = [
            name
            for bit, name in ((FAULT_BIT, "in fault"), (OUT_OF_SERVICE_BIT, "out of service"))
            if bits & bit
        ]
        words = ", ".join([words, *named])
    return words


class Job:
    """A request of the plan: its points, when it is due, how often.  ``refs`` are those of its read, flags
    with them.
    """

    __slots__ = ("columns", "due_ns", "period_ns", "read", "refs")

    def __init__(
        self,
        meanings: Sequence[Meaning],
        read: Read,
        period_s: float,
        due_ns: int,
        known: Mapping[str, Value],
    ) -> None:
        self.read = read
        self.refs = read.refs
        self.period_ns = int(period_s * 1e9)
        self.due_ns = due_ns
        self.columns = Columns(meanings, read.refs, known)

    @property
    def names(self) -> tuple[str, ...]:
        """Return whose values it brings."""
        return self.columns.layout.points

    def move_on(self, now_ns: int, phase_ns: int) -> int:
        """It is due at the next point of its grid from now on; returns how many have passed already."""
        skipped = max(0, now_ns - self.due_ns) // self.period_ns
        if self.period_ns % SLOT_NS:
            self.due_ns += (skipped + 1) * self.period_ns
        else:
            self.due_ns = slot_ns(now_ns + 1, self.period_ns, phase_ns)
        return skipped
