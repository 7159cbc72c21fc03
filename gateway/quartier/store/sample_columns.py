"""Keep compact columns of a chunk: times of samples, and names of points by number.

One answer of a device holds up to 125 points with the same time.  Without this, times would be two fifths of
an open chunk.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from sys import intern
from typing import overload


class SampleTimes(Sequence[int]):
    """Times in ms (UTC) by the index of the sample.  The loop appends, any thread may read.

    A sample's time exists once ``len`` counts it.
    """

    __slots__ = ("_ends", "_times")

    def __init__(self, times: Iterable[int] = ()) -> None:
        self._times = array("q")
        self._ends = array("I")  # up to which sample each time holds
        self.extend(times)

    def __len__(self) -> int:
        ends = self._ends
        return ends[-1] if ends else 0

    def __iter__(self) -> Iterator[int]:
        start = 0
        for end, time_ms in zip(self._ends, self._times, strict=False):
            for _ in range(start, end):
                yield time_ms
            start = end

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "array[int]": ...
    def __getitem__(self, index: int | slice) -> "int | array[int]":
        """Return one time, or those from ``start`` to ``stop`` in an array."""
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return self._between(start, stop)
        return self._times[bisect_right(self._ends, range(len(self))[index])]

    def spans(self, start: int, stop: int) -> Sequence[tuple[int, int]]:
        """Return the times of the existing samples from ``start`` to ``stop``: (time, count)."""
        ends, times = self._ends, self._times
        place = bisect_right(ends, start)
        if start < stop <= ends[place]:
            return ((times[place], stop - start),)
        found = []
        while start < stop:
            end = min(ends[place], stop)
            found.append((times[place], end - start))
            start, place = end, place + 1
        return found

    def span(self) -> tuple[int, int]:
        """Return the earliest and the latest time.  Raises ValueError if there is none."""
        return min(self._times), max(self._times)

    def _between(self, start: int, stop: int) -> "array[int]":
        found = array("q")
        for time_ms, count in self.spans(start, stop):
            found += array("q", (time_ms,)) * count
        return found

    @property
    def columns(self) -> "tuple[array[int], array[int]]":
        """The times, and up to which sample each of them holds; do not change them."""
        return self._times, self._ends

    def append(self, time_ms: int, count: int = 1) -> None:
        """Add the time of the next ``count`` samples."""
        ends = self._ends
        size = ends[-1] if ends else 0
        if size and self._times[-1] == time_ms:
            ends[-1] = size + count
        elif count:
            self._times.append(time_ms)
            ends.append(size + count)

    def extend(self, times: Iterable[int]) -> None:
        """Add more times, in order."""
        for time_ms, run in groupby(times):
            self.append(time_ms, len(list(run)))

    def cut(self, count: int) -> None:
        """Drop all but the first ``count`` times."""
        if count >= len(self):
            return
        place = bisect_right(self._ends, count - 1) + 1 if count else 0
        del self._ends[place:], self._times[place:]
        if count:
            self._ends[-1] = count


class PointNameTable(Sequence[tuple[str, str]]):
    """Number -> (stream, metric).  It only grows, so another thread may read the numbers it was given."""

    __slots__ = ("_metrics", "_numbers", "_order", "_streams")

    def __init__(self) -> None:
        self._metrics: list[str] = []
        self._streams = array("I")  # the index of each point's stream in ``_order``
        self._order: list[str] = []
        self._numbers: dict[str, tuple[int, array[int]]] = {}  # the index of a stream, and its points

    def __len__(self) -> int:
        return len(self._streams)

    @overload
    def __getitem__(self, number: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[tuple[str, str]]: ...
    def __getitem__(self, number: int | slice) -> tuple[str, str] | Sequence[tuple[str, str]]:
        """Return the stream and the metric of one point, or of several."""
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        return self._order[self._streams[number]], self._metrics[number]

    def numbers(self, stream: str) -> dict[str, int]:
        """Return the metrics of a stream and their numbers, newly made at each call."""
        found = self._numbers.get(stream)
        return {} if found is None else {self._metrics[number]: number for number in found[1]}

    def add(self, stream: str, metric: str) -> int:
        """Number a point that has no number yet."""
        if stream not in self._numbers:
            self._numbers[stream] = len(self._order), array("I")
            self._order.append(stream)
        place, numbers = self._numbers[stream]
        number = len(self._streams)
        numbers.append(number)
        self._metrics.append(intern(metric))
        self._streams.append(place)  # last: a thread that sees the length finds all of it
        return number
