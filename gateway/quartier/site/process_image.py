"""The process image: the newest reading of every point, frozen for a cycle (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from quartier.site.records import replace
from quartier_drivers.readings import QUALITIES, TEXT, Layout, Quality, Readings, Value

_GOOD = QUALITIES.index(Quality.GOOD)


@dataclass(frozen=True, slots=True)
class PointValue:
    """A point in one cycle: value, quality and age in seconds."""

    value: Value
    quality: Quality
    age_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _LayoutSource:
    """A layout and its number; ``hidden`` are its points that another layout reported later, or that left."""

    layout: Layout
    number: int
    hidden: frozenset[str] = frozenset()

    @property
    def visible_points(self) -> list[str]:
        """The points whose newest reading is from this layout."""
        return [point for point in dict.fromkeys(self.layout.points) if point not in self.hidden]


_Places = dict[str, tuple[int, int] | None]
"""Where to find a point: the number of the layout and the place in it; None if the point is not a number."""


class FrozenImage(Mapping[str, PointValue]):
    """The process image at one instant; it does not change during a cycle.

    ``places`` keeps what ``good`` found in earlier cycles; it is valid as long as ``sources`` are the same.
    """

    def __init__(
        self,
        sources: Mapping[str, tuple[_LayoutSource, ...]],
        latest: Mapping[int, Readings],
        now_ns: int,
        places: _Places | None = None,
    ) -> None:
        self._sources = sources
        self._latest = latest
        self._places = {} if places is None else places
        self.now_ns = now_ns

    def __getitem__(self, point: str) -> PointValue:
        found = self._find(point)
        if found is None:
            raise KeyError(point)
        readings, place = found
        quality = QUALITIES[readings.qualities[place]]
        return PointValue(readings.value(place), quality, (self.now_ns - readings.taken_ns) / 1e9)

    def __iter__(self) -> Iterator[str]:
        each = {source.number: source for sources in self._sources.values() for source in sources}
        return (point for _, source in sorted(each.items()) for point in source.visible_points)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, point: object) -> bool:
        return isinstance(point, str) and self._find(point) is not None

    def number(self, point: str, max_age_s: float) -> float | None:
        """Return the value as a float; None if absent, not good, not a number or older than ``max_age_s``."""
        found = self.good(point)
        if found is None or self.now_ns - found[1] > max_age_s * 1e9:
            return None
        return found[0]

    def good(self, point: str) -> tuple[float, int] | None:
        """Return the value as a float and when it was taken (ns); None if absent, not good or not a number.

        Each cycle asks for the same points: their places are looked up once and kept. So ask only for points
        of the site file.
        """
        try:
            found = self._places[point]
        except KeyError:
            found = self._places[point] = self._find_number(point)
        if found is None:
            return None
        readings = self._latest[found[0]]
        place = found[1]
        if readings.qualities[place] != _GOOD:
            return None
        return float(readings.value(place)), readings.taken_ns

    def _find_number(self, point: str) -> tuple[int, int] | None:
        """Find the layout that last reported a point and the place in it; None if absent or not a number."""
        source = self._find_source(point)
        return (
            None
            if source is None or source[0].layout.kinds[source[1]] == TEXT
            else (source[0].number, source[1])
        )

    def age_s(self, point: str) -> float:
        """Return the seconds since the newest reading if it is good; infinite if it is not, or absent."""
        found = self._find(point)
        if found is None:
            return float("inf")
        readings, place = found
        if readings.qualities[place] != _GOOD:
            return float("inf")
        return (self.now_ns - readings.taken_ns) / 1e9

    def _find(self, point: str) -> tuple[Readings, int] | None:
        """Find the newest readings of a point and the place in them."""
        source = self._find_source(point)
        return None if source is None else (self._latest[source[0].number], source[1])

    def _find_source(self, point: str) -> tuple[_LayoutSource, int] | None:
        """Find the layout that last reported a point and the place in it."""
        for source in self._sources.get(point.partition(".")[0], ()):
            place = source.layout.place(point)
            if place is not None and point not in source.hidden:
                return source, place
        return None


class ProcessImage:
    """The process image: written by the buses, frozen by the ticker; nobody subscribes to it.

    It keeps the last readings of each layout as a whole, and per point only where a cycle finds its number. A
    layout that is the newest for all its points is stored in one step. A layout that is the newest for none
    is removed.
    """

    def __init__(self) -> None:
        self._sources: dict[Layout, _LayoutSource] = {}
        self._of_owner: dict[str, tuple[_LayoutSource, ...]] = {}
        self._latest: dict[int, Readings] = {}
        self._shared = False  # whether a frozen image uses the layouts by owner
        self._places: _Places = {}  # valid for the present layouts: replaced with them
        self._next = 0

    def put(self, readings: Readings) -> None:
        """Store the readings of one exchange; the newest reading of each point stays."""
        layout = readings.layout
        source = self._sources.get(layout)
        if source is None or source.hidden:
            if not len(layout):
                return
            source = self._take_points(layout, source)
        self._latest[source.number] = readings

    def drop(self, points: Iterable[str]) -> None:
        """Forget points whose device left the site file."""
        gone: dict[str, set[str]] = {}
        for point in points:
            gone.setdefault(point.partition(".")[0], set()).add(point)
        for owner, names in gone.items():
            for source in self._of_owner.get(owner, ()):
                self._hide_points(source, names)

    def freeze(self, now_ns: int) -> FrozenImage:
        """Return the whole image of this instant; this costs one shallow copy of a few entries."""
        self._shared = True
        return FrozenImage(self._of_owner, self._latest.copy(), now_ns, self._places)

    def _take_points(self, layout: Layout, before: _LayoutSource | None) -> _LayoutSource:
        """Make a layout the newest source of all its points."""
        number = self._next if before is None else before.number
        self._next += before is None
        source = _LayoutSource(layout, number)
        points = layout.points
        others = {
            other.number: other
            for owner in layout.owners
            for other in self._of_owner.get(owner, ())
            if other.number != number
        }
        for other in others.values():
            self._hide_points(other, points)
        self._place(source)
        return source

    def _hide_points(self, source: _LayoutSource, points: Iterable[str]) -> None:
        """Hide points that another layout now reports, or that left; remove a layout without any point."""
        layout = source.layout
        hidden = source.hidden.union(point for point in points if layout.place(point) is not None)
        if hidden == source.hidden:
            return
        if hidden.issuperset(layout.points):
            del self._sources[layout], self._latest[source.number]
            self._replace(source, ())
        else:
            self._place(replace(source, hidden=hidden))

    def _place(self, source: _LayoutSource) -> None:
        self._sources[source.layout] = source
        self._replace(source, (source,))

    def _replace(self, source: _LayoutSource, by: tuple[_LayoutSource, ...]) -> None:
        """Replace the entry of the same number with ``by``, for each of its owners."""
        self._places = {}
        if self._shared:
            self._of_owner = self._of_owner.copy()
            self._shared = False
        for owner in source.layout.owners:
            others = tuple(one for one in self._of_owner.get(owner, ()) if one.number != source.number)
            if others or by:
                self._of_owner[owner] = (*others, *by)
            else:
                del self._of_owner[owner]
