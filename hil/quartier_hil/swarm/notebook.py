"""A gateway's outbox in memory: numbers without holes, kept until a watermark covers them (pure).

It replaces the store, because the disk is not measured here; the contract is the store's.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier.site.samples import SampleBlock, StreamPosition
from quartier_drivers.readings import FLOAT


@dataclass(slots=True)
class Strip:
    """The samples of one stream that are kept: the first one's number, and columns."""

    first: int = 1
    points: "array[int]" = field(default_factory=lambda: array("I"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    times_ms: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def last(self) -> int:
        """The newest number."""
        return self.first + len(self.values) - 1


class Notebook:
    """The outbox of one gateway and one boot; ``names`` are those of the points, as (stream, metric)."""

    is_whole = True

    def __init__(self, boot: int, names: Sequence[tuple[str, str]]) -> None:
        self.boot, self.names = boot, names
        self.most_kept = 0
        self._strips = {stream: Strip() for stream in dict.fromkeys(stream for stream, _ in names)}

    def put(self, point: int, value: float, utc_ms: int) -> None:
        """Number one sample of a point, by its place in ``names``."""
        strip = self._strips[self.names[point][0]]
        strip.points.append(point)
        strip.values.append(value)
        strip.times_ms.append(utc_ms)

    def fill(self, past_s: float, period_s: float, utc_ms: int) -> None:
        """Number a past of all points, one value of each every ``period_s``."""
        count = int(past_s / period_s)
        for stream, strip in self._strips.items():
            places = [place for place, (name, _) in enumerate(self.names) if name == stream]
            step = len(places)
            strip.points.extend(array("I", places) * count)
            strip.values.extend(array("d", range(step * count)))
            begin_ms = utc_ms - round(1000 * past_s)
            times = (begin_ms + round(1000 * period_s * row) for row in range(count) for _ in range(step))
            strip.times_ms.extend(array("q", times))

    @property
    def kept_count(self) -> int:
        """Samples that no watermark covers yet."""
        return sum(len(strip.values) for strip in self._strips.values())

    def heads(self) -> Mapping[str, StreamPosition]:
        """The newest of each stream that has one."""
        return {
            name: StreamPosition(self.boot, strip.last) for name, strip in self._strips.items() if strip.last
        }

    def runs(self, above: Mapping[str, StreamPosition], limit: int) -> list[SampleBlock]:
        """As ``Outbox.runs``; every stream gets the same share."""
        waiting = [
            name for name in self._strips if self._start(name, above.get(name)) <= self._strips[name].last
        ]
        waiting.sort(key=lambda name: self._strips[name].times_ms[self._place(name, above.get(name))])
        found: list[SampleBlock] = []
        left = limit
        for place, name in enumerate(waiting):
            share = -(-left // (len(waiting) - place))
            one = self.run(name, above.get(name), share)
            if one is not None:
                left -= len(one)
                found.append(one)
        return found

    def run(self, stream: str, above: StreamPosition | None, limit: int) -> SampleBlock | None:
        """As ``Outbox.run``."""
        strip = self._strips.get(stream)
        if strip is None:
            return None
        start = self._start(stream, above)
        begin = start - strip.first
        count = min(limit, strip.last - start + 1)
        if count <= 0:
            return None
        span = slice(begin, begin + count)
        kinds = array("B", [FLOAT]) * count
        return SampleBlock(
            stream,
            self.boot,
            start,
            self.names,
            strip.points[span],
            kinds,
            strip.values[span],
            strip.times_ms[span],
        )

    def trim(self, marks: Mapping[str, StreamPosition]) -> None:
        """Drop the samples that the watermarks cover."""
        self.most_kept = max(self.most_kept, self.kept_count)
        for name, mark in marks.items():
            strip = self._strips.get(name)
            if strip is None or mark.boot < self.boot:
                continue
            gone = min(mark.seq, strip.last) - strip.first + 1
            if gone > 0:
                del strip.points[:gone], strip.values[:gone], strip.times_ms[:gone]
                strip.first += gone

    def _start(self, stream: str, above: StreamPosition | None) -> int:
        """The first number above a mark."""
        strip = self._strips[stream]
        if above is None or above.boot < self.boot:
            return strip.first
        if above.boot > self.boot:
            return strip.last + 1
        return max(strip.first, above.seq + 1)

    def _place(self, stream: str, above: StreamPosition | None) -> int:
        return self._start(stream, above) - self._strips[stream].first
