"""Numbered readings for history and district (pure)."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_drivers.readings import BOOL, FLOAT, INT, QUALITIES, TEXT, Quality, Value

LARGE_INTEGER = (
    4  # after FLOAT, INT, BOOL and TEXT of the contract: an int beyond a double; low four bits of a kind
)
QUALITY_SHIFT = 4  # the bits above: the index into ``contract.QUALITIES``

# The number of a point in its table -> (stream, metric)
PointNames = Sequence[tuple[str, str]] | Mapping[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One numbered value (spec/sync.md#section-3).

    ``stream`` is an asset, ``node`` or ``event``. ``metric`` is the point after the dot (for the stream
    ``node`` the full point name). ``(boot, stream, seq)`` is unique for ever.
    """

    stream: str
    boot: int
    seq: int
    metric: str
    taken_utc_ms: int
    value: Value
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The position up to which the district has stored a stream: ``(boot, seq)`` included."""

    boot: int
    seq: int


@dataclass(slots=True, eq=False)  # a frozen one takes three times as long to make
class SampleBlock:
    """Consecutive samples of one stream and boot, in columns; ``first`` is the sequence of the first one.

    It never changes once made. ``points`` (array of ``I``) are numbers into ``names``. ``kinds`` (``B``),
    ``values`` (``d``) and ``times_ms`` (``q``, UTC) are as in a chunk. ``texts`` holds, by place, the values
    that a double cannot hold.
    """

    stream: str
    boot: int
    first: int
    names: PointNames
    points: "array[int]"
    kinds: "array[int]"
    values: "array[float]"
    times_ms: "array[int]"
    texts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times_ms)

    @property
    def last(self) -> int:
        """The newest sequence; ``first - 1`` while empty."""
        return self.first + len(self.times_ms) - 1

    def value(self, place: int) -> Value:
        """Return the value at ``place``, by its kind. Raises ValueError for an unknown kind."""
        return make_value(self.kinds[place], self.values[place], self.texts.get(place, ""))

    def rows(self) -> Iterator[Sample]:
        """Iterate over the samples one by one."""
        columns = zip(self.points, self.kinds, self.values, self.times_ms, strict=True)
        for place, (point, kind, value, time_ms) in enumerate(columns):
            yield Sample(
                self.stream,
                self.boot,
                self.first + place,
                self.names[point][1],
                time_ms,
                make_value(kind, value, self.texts.get(place, "")),
                QUALITIES[kind >> QUALITY_SHIFT],
            )

    def head(self, count: int) -> "SampleBlock":
        """Return the first ``count`` samples."""
        if count >= len(self):
            return self
        return SampleBlock(
            self.stream,
            self.boot,
            self.first,
            self.names,
            self.points[:count],
            self.kinds[:count],
            self.values[:count],
            self.times_ms[:count],
            {place: text for place, text in self.texts.items() if place < count},
        )

    def append(self, other: "SampleBlock") -> "SampleBlock":
        """Return this block joined with the one that follows it (same stream and boot, the next sequence)."""
        names, points = self.names, self.points + other.points
        if other.names is not self.names:
            order: dict[tuple[str, str], int] = {}
            names_by_sample = [names[point] for point in self.points] + [
                other.names[point] for point in other.points
            ]
            points = array("I", [order.setdefault(name, len(order)) for name in names_by_sample])
            names = list(order)
        texts = self.texts
        if other.texts:
            texts = {**texts, **{place + len(self): text for place, text in other.texts.items()}}
        return SampleBlock(
            self.stream,
            self.boot,
            self.first,
            names,
            points,
            self.kinds + other.kinds,
            self.values + other.values,
            self.times_ms + other.times_ms,
            texts,
        )


def make_value(kind: int, value: float, text: str) -> Value:
    """Make a value from its columns. Raises ValueError for an unknown kind."""
    kind &= 15
    if kind == FLOAT:
        return value
    if kind == INT:
        return int(value)
    if kind == BOOL:
        return value != 0.0
    if kind == TEXT:
        return text
    if kind == LARGE_INTEGER:
        return int(text)
    raise ValueError(f"kind {kind}")
