"""Values of points: qualities, single readings, layouts of points, and readings in columns."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import overload

Value = float | int | bool | str
# Kinds of a column.  Whole numbers beyond 2**53 and all texts are kept in ``texts``, not in the column.
FLOAT, INT, BOOL, TEXT = range(4)
VALUE_KINDS: Mapping[str, int] = MappingProxyType({"float": FLOAT, "int": INT, "bool": BOOL, "text": TEXT})
EXACT_INT_MAX = 2**53


class Quality(IntEnum):
    """The trust in a value; the numbers are Sparkplug B 3.0's Quality property."""

    BAD = 0
    GOOD = 192
    STALE = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point, in our units and sign.

    ``taken_ns`` is monotonic.  ``raw`` is the content on the wire, for people (``quartier read``). A value
    that is not ``GOOD`` is only useful as the last known one.
    """

    point: str
    value: Value
    quality: Quality
    taken_ns: int
    raw: str = ""


# A column of qualities holds the index of each quality in this tuple.
QUALITIES = (Quality.GOOD, Quality.BAD, Quality.STALE)
_QUALITY_CODES = {quality: code for code, quality in enumerate(QUALITIES)}


class SharedQuantities:
    """The part of a layout that like devices share: quantities of an owner with their kinds and places."""

    __slots__ = ("kinds", "names", "places")

    def __init__(self, names: Iterable[str], kinds: bytes) -> None:
        self.names = tuple(names)
        self.kinds = kinds
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(self.names)}


class Layout:
    """The points that one exchange reads, in order, with their kinds (``FLOAT`` … ``TEXT``).

    Made once, known by its identity and never changed: data per point can be kept per layout. ``of`` makes a
    layout that keeps nothing per point itself: full names are made on demand.
    """

    __slots__ = ("__weakref__", "_names", "_owner", "_places", "kinds")

    def __init__(
        self, names: Sequence[str], kinds: bytes, owner: str = "", places: Mapping[str, int] | None = None
    ) -> None:
        """``names`` are full names, or quantities of ``owner``; ``places`` are those of the quantities."""
        self.kinds = kinds
        self._names = tuple(names)
        self._owner = owner
        self._places = places

    @classmethod
    def of(cls, owner: str, quantities: SharedQuantities) -> "Layout":
        """Return the layout of these quantities of one owner."""
        return cls(quantities.names, quantities.kinds, owner, quantities.places)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def points(self) -> tuple[str, ...]:
        """The full names, in order."""
        return tuple(f"{self._owner}.{name}" for name in self._names) if self._owner else self._names

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners of the points, each once."""
        if self._owner:
            return (self._owner,)
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self._names))

    def point(self, place: int) -> str:
        """Return the full name at ``place``."""
        return f"{self._owner}.{self._names[place]}" if self._owner else self._names[place]

    def place(self, point: str) -> int | None:
        """Return the place of a point, the last one if it occurs twice; None if it is not in the layout."""
        if self._owner:
            owner, _, quantity = point.partition(".")
            return self._places.get(quantity) if self._places and owner == self._owner else None
        if self._places is None:
            self._places = {name: place for place, name in enumerate(self._names)}
        return self._places.get(point)


class Readings(Sequence[Reading]):
    """The readings of all points of one layout at one moment, in columns.

    ``values`` is an ``array("d")``; ``qualities`` has one index into ``QUALITIES`` per point; ``taken_ns`` is
    monotonic.  ``texts`` holds what no double can hold, ``raws`` the content on the wire, both by place.
    Immutable.  As a sequence it yields ``Reading``s, which are made on demand.
    """

    __slots__ = ("layout", "qualities", "raws", "taken_ns", "texts", "values")

    def __init__(
        self,
        layout: Layout,
        values: "array[float]",
        qualities: bytes,
        taken_ns: int,
        texts: Mapping[int, str] = MappingProxyType({}),
        raws: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self.layout = layout
        self.values = values
        self.qualities = qualities
        self.taken_ns = taken_ns
        self.texts = texts
        self.raws = raws

    def __len__(self) -> int:
        return len(self.layout.kinds)

    @overload
    def __getitem__(self, place: int) -> Reading: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Reading]: ...
    def __getitem__(self, place: int | slice) -> Reading | Sequence[Reading]:
        """Return one reading, or a list of them for a slice."""
        if isinstance(place, slice):
            return [self.reading(at) for at in range(*place.indices(len(self)))]
        return self.reading(range(len(self))[place])

    def __iter__(self) -> Iterator[Reading]:
        return map(self.reading, range(len(self)))

    def reading(self, place: int) -> Reading:
        """Return the reading at ``place``, 0 or more."""
        quality = QUALITIES[self.qualities[place]]
        raw = self.raws.get(place, "") if self.raws else ""
        return Reading(self.layout.point(place), self.value(place), quality, self.taken_ns, raw)

    def value(self, place: int) -> Value:
        """Return the value at ``place`` as the kind of its point."""
        kind = self.layout.kinds[place]
        if kind == FLOAT:
            return self.values[place]
        if kind == BOOL:
            return self.values[place] != 0.0
        text = self.texts.get(place)
        if kind == TEXT:
            return text or ""
        return int(self.values[place]) if text is None else int(text)


def make_readings(readings: Iterable[Reading], taken_ns: int, layout: Layout | None = None) -> Readings:
    """Convert readings of one moment to columns; their own ``taken_ns`` is ignored.

    ``layout`` must have just these points in this order; without one, a new layout is made from the readings.
    """
    rows = tuple(readings)
    made = layout or Layout(tuple(row.point for row in rows), bytes(_find_kind(row.value) for row in rows))
    texts = {
        place: str(row.value)
        for place, row in enumerate(rows)
        if isinstance(row.value, str)
        or (type(row.value) is int and not -EXACT_INT_MAX <= row.value <= EXACT_INT_MAX)
    }
    return Readings(
        made,
        array("d", [0.0 if place in texts else float(row.value) for place, row in enumerate(rows)]),
        bytes(_QUALITY_CODES[row.quality] for row in rows),
        taken_ns,
        texts,
        {place: row.raw for place, row in enumerate(rows) if row.raw},
    )


def _find_kind(value: Value) -> int:
    if isinstance(value, float):
        return FLOAT
    if isinstance(value, bool):
        return BOOL
    return TEXT if isinstance(value, str) else INT


NO_READINGS = make_readings((), 0)
"""No readings at all."""
