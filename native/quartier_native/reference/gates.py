"""Selects the readings that become samples: the specification; the compiled kernel gives the same bits.

Each point has a gate.  A reading passes if its quality changed.  A good reading also passes if it moved by
max(width, share x last passed value) and the pace allows it.  The first reading passes.  A reading that is
not good passes only once, because its value is just the last known one.
"""

from array import array
from collections.abc import Mapping, Sequence
from math import inf, isfinite

FLOAT, INT, BOOL, TEXT, BIG = range(5)
"""Kinds of a sample; BIG is a whole number beyond a double, which stands beside the column like a TEXT."""

GOOD, BAD, STALE = range(3)
"""Qualities; a sample's kind holds its quality from the fifth bit on."""

EARLY_MAX_NS = 500_000_000
"""A poll that comes a little early must not cost a whole period; the average pace still holds."""

TIME_MAX_NS = 1 << 62
PERIOD_MAX_NS = 1 << 60
_TINY = 5e-324  # a band of zero (share of a zero) must still stop what did not change at all

Odd = int | str  # a value that no double holds
Passed = tuple["array[int]", "array[int]", "array[float]", tuple[int, ...], list[tuple[int, str]]]


class Route:
    """The gate and the group of each place of a layout.

    By place: ``gates`` (numbers from ``Gates.add``), ``points`` (numbers of 32 bits that name the samples),
    ``kinds`` (FLOAT to TEXT) and ``groups`` (0 to the number of groups).  Raises ValueError if they differ in
    length or contain something else.
    """

    def __init__(
        self, gates: Sequence[int], points: Sequence[int], kinds: bytes, groups: Sequence[int]
    ) -> None:
        if not len(gates) == len(points) == len(kinds) == len(groups):
            raise ValueError("as many gates as points, kinds and groups are needed")
        if any(kind > TEXT for kind in kinds):
            raise ValueError("an unknown kind")
        if any(gate < 0 for gate in gates) or any(not 0 <= group < len(groups) for group in groups):
            raise ValueError("gates and groups are counted from 0")
        if any(not 0 <= point < 1 << 32 for point in points):
            raise ValueError("a point's number has 32 bits")
        self.gate_max = max(gates, default=-1)
        self.group_count = max(groups, default=-1) + 1
        self._places = sorted(range(len(groups)), key=lambda place: groups[place])
        self._rows = [(place, gates[place], points[place], kinds[place]) for place in self._places]
        self._groups = [groups[place] for place in self._places]

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Sequence[tuple[int, int, int, int]]:
        """Place, gate, point and kind, group by group, in the order of the places within one."""
        return self._rows

    def groups(self) -> Sequence[int]:
        """The group of each row."""
        return self._groups


class _Gate:
    """One point: what passed last, and how far the next must be from it."""

    __slots__ = ("band", "early_ns", "exact", "last", "next_ns", "period_ns", "quality", "share", "width")

    def __init__(self, width: float, share: float, period_ns: int) -> None:
        self.width = width
        self.share = share
        self.exact = width == 0.0 and share == 0.0
        self.period_ns = period_ns
        self.early_ns = min(period_ns // 2, EARLY_MAX_NS)
        self.next_ns: int | None = None
        self.quality = -1
        self.last: float | Odd = 0.0
        self.band = 0.0


class Gates:
    """The gates of many points, by number."""

    def __init__(self) -> None:
        self._gates: list[_Gate] = []

    def __len__(self) -> int:
        return len(self._gates)

    def add(self, width: float, share: float, period_ns: int) -> int:
        """A new gate, nothing having passed it; returns its number.

        ``share`` of 0.01 is 1 %.  Width and share of 0 let every change pass, a period of 0 sets no pace.
        ValueError for what is negative or no number, or a period above ``PERIOD_MAX_NS``.
        """
        if not (width >= 0.0 and share >= 0.0 and 0 <= period_ns <= PERIOD_MAX_NS):
            raise ValueError("width, share and period are not negative")
        self._gates.append(_Gate(float(width), float(share), period_ns))
        return len(self._gates) - 1

    def sift(
        self, route: Route, values: "array[float]", qualities: bytes, taken_ns: int, texts: Mapping[int, str]
    ) -> Passed | None:
        """Return the values of one layout at one moment that pass; later values are compared with them.

        ``values`` (typecode ``d``), ``qualities`` (GOOD to STALE; any other counts as BAD) and ``texts`` by
        place.  Returns None when nothing passes, else points, kinds with their qualities, values, where each
        group ends, and texts by their index therein.  A whole number that is none (NaN, infinity) passes as a
        FLOAT; a text that should be a whole number and is none, as a TEXT.  ValueError where lengths differ
        or ``taken_ns`` is beyond ``TIME_MAX_NS``; then nothing has changed.
        """
        if values.typecode != "d":
            raise ValueError("an array of doubles is needed")
        if not len(values) == len(qualities) == len(route):
            raise ValueError("as many values as places are needed")
        if route.gate_max >= len(self._gates):
            raise ValueError("a gate that is not there")
        if not -TIME_MAX_NS < taken_ns < TIME_MAX_NS:
            raise ValueError("a time beyond all clocks")
        points, kinds, passed = array("I"), array("B"), array("d")
        ends = [0] * route.group_count
        odd: list[tuple[int, str]] = []
        for (place, number, point, wanted), group in zip(route.rows(), route.groups(), strict=True):
            quality = qualities[place] if qualities[place] <= STALE else BAD
            kind, value = _classify(wanted, values[place], texts, place)
            if _passes(self._gates[number], value, quality, taken_ns):
                if isinstance(value, float):
                    passed.append(value)
                else:
                    odd.append((len(passed), str(value)))
                    passed.append(0.0)
                points.append(point)
                kinds.append(kind | quality << 4)
            ends[group] = len(passed)
        if not passed:
            return None
        # A group of no places ends where the one before does.
        for group in range(1, len(ends)):
            ends[group] = max(ends[group], ends[group - 1])
        return points, kinds, passed, tuple(ends), odd


def _classify(kind: int, value: float, texts: Mapping[int, str], place: int) -> tuple[int, float | Odd]:
    """The kind as it will be stored, and the value: a float, or what no float holds."""
    if kind == FLOAT:
        return kind, value
    if kind == BOOL:
        return kind, 1.0 if value != 0.0 else 0.0
    text = texts.get(place)
    if kind == TEXT:
        return kind, text or ""
    if text is not None:
        number = whole(text)
        return (TEXT, text) if number is None else (BIG, number)
    return (INT, float(int(value))) if isfinite(value) else (FLOAT, value)


def whole(text: str) -> int | None:
    """The whole number that a text says; None where it says none."""
    try:
        return int(text)
    except ValueError:
        return None


def _passes(gate: _Gate, value: float | Odd, quality: int, taken_ns: int) -> bool:
    if quality == gate.quality:
        if quality != GOOD or not is_outside_band(gate.last, value, gate.band, exact=gate.exact):
            return False
        if gate.next_ns is not None and taken_ns < gate.next_ns - gate.early_ns:
            return False
    gate.last, gate.quality = value, quality
    if gate.period_ns:
        # A change of quality passes out of turn; it must not push the next turns ever further away.
        start_ns = taken_ns if gate.next_ns is None else max(gate.next_ns, taken_ns)
        gate.next_ns = min(start_ns, taken_ns + gate.early_ns) + gate.period_ns
    if not gate.exact:
        share = gate.share * size(value) if gate.share else 0.0
        gate.band = (max(gate.width, share)) or _TINY
    return True


def is_outside_band(last: float | Odd, value: float | Odd, band: float, *, exact: bool) -> bool:
    """Return whether ``value`` is out of the band around ``last``; where one is a text, any change counts."""
    if exact:
        return last != value
    if isinstance(last, str) or isinstance(value, str):
        return last != value
    try:
        return not -band < value - last < band
    except OverflowError:  # a whole number beyond all doubles, and a float
        return True


def size(value: float | Odd) -> float:
    """Return how large a value is; a text has no size."""
    if isinstance(value, str):
        return 0.0
    try:
        return float(abs(value))
    except OverflowError:
        return inf
