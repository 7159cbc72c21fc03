"""The process image: the latest reading of every point, put to by buses and frozen for a cycle."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from quartier_drivers.contract import QUALITIES, TEXT, Layout, Quality, Readings, Value

# A spot says where the newest telling of a point is: ``number of the layout * _WIDTH + place``.  A plain
# number, so that however many points are held, the garbage collector has nothing to walk through.
_WIDTH = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A point as a cycle sees it: value, quality and age in seconds."""

    value: Value
    quality: Quality
    age_s: float


class Frozen(Mapping[str, Seen]):
    """The image at one instant; does not change while a cycle thinks."""

    def __init__(self, spots: Mapping[str, int], latest: Mapping[int, Readings], now_ns: int) -> None:
        self._spots = spots
        self._latest = latest
        self.now_ns = now_ns

    def __getitem__(self, point: str) -> Seen:
        number, place = divmod(self._spots[point], _WIDTH)
        readings = self._latest[number]
        quality = QUALITIES[readings.qualities[place]]
        return Seen(readings.value(place), quality, (self.now_ns - readings.taken_ns) / 1e9)

    def __iter__(self) -> Iterator[str]:
        return iter(self._spots)

    def __len__(self) -> int:
        return len(self._spots)

    def number(self, point: str, max_age_s: float) -> float | None:
        """The value as a float, or None when it is absent, not good, no number or older than asked."""
        spot = self._spots.get(point)
        if spot is None:
            return None
        number, place = divmod(spot, _WIDTH)
        readings = self._latest[number]
        if QUALITIES[readings.qualities[place]] is not Quality.GOOD or readings.layout.kinds[place] == TEXT:
            return None
        if self.now_ns - readings.taken_ns > max_age_s * 1e9:
            return None
        return float(readings.value(place))

    def age_s(self, point: str) -> float:
        """Seconds since the last *good* reading now held; infinite when there is none."""
        spot = self._spots.get(point)
        if spot is None:
            return float("inf")
        number, place = divmod(spot, _WIDTH)
        readings = self._latest[number]
        if QUALITIES[readings.qualities[place]] is not Quality.GOOD:
            return float("inf")
        return (self.now_ns - readings.taken_ns) / 1e9


@dataclass(slots=True, eq=False)
class _Teller:
    """A layout, its number, and of how many points its telling is the newest."""

    layout: Layout
    number: int
    spots_count: int = 0


class Image:
    """Put to by the buses, frozen by the ticker; never subscribed to.

    Keeps what each layout told last, whole.  A layout whose telling is the newest of all its points is put
    in one step; one that is the newest of none is let go.
    """

    def __init__(self) -> None:
        self._tellers: dict[Layout, _Teller] = {}
        self._numbered: dict[int, _Teller] = {}
        self._latest: dict[int, Readings] = {}
        self._spots: dict[str, int] = {}
        self._shared = False  # whether a frozen image looks at these spots
        self._next = 0

    def put(self, readings: Readings) -> None:
        """Take what one exchange told; the newest telling of each point stays."""
        layout = readings.layout
        teller = self._tellers.get(layout)
        if teller is None or teller.spots_count < len(layout.points):
            if not layout.points:
                return
            teller = teller or self._new_teller(layout)
            self._claim(teller)
        self._latest[teller.number] = readings

    def drop(self, points: Iterable[str]) -> None:
        """Forget points whose device left the site file."""
        spots = self._own_spots()
        for point in points:
            spot = spots.pop(point, None)
            if spot is not None:
                self._lose(spot // _WIDTH)

    def freeze(self, now_ns: int) -> Frozen:
        """The whole image as it stands now; costs one shallow copy of a few entries."""
        self._shared = True
        return Frozen(self._spots, self._latest.copy(), now_ns)

    def _new_teller(self, layout: Layout) -> _Teller:
        teller = _Teller(layout, self._next)
        self._next += 1
        self._tellers[layout] = self._numbered[teller.number] = teller
        return teller

    def _claim(self, teller: _Teller) -> None:
        """Let the spots of all its points be the teller's."""
        spots = self._own_spots()
        for spot, point in enumerate(teller.layout.points, teller.number * _WIDTH):
            before = spots.get(point)
            spots[point] = spot
            if before is None:
                teller.spots_count += 1
            elif before // _WIDTH != teller.number:
                teller.spots_count += 1
                self._lose(before // _WIDTH)

    def _lose(self, number: int) -> None:
        """One spot less; a layout without any is let go."""
        teller = self._numbered[number]
        teller.spots_count -= 1
        if not teller.spots_count:
            del self._numbered[number], self._tellers[teller.layout], self._latest[number]

    def _own_spots(self) -> dict[str, int]:
        """The spots, to be changed: a copy where a frozen image looks at them."""
        if self._shared:
            self._spots = self._spots.copy()
            self._shared = False
        return self._spots
