"""The names of a boot's points by their numbers, in columns: most metrics have their like elsewhere."""

from array import array
from collections.abc import Sequence
from sys import intern
from typing import overload


class NameTable(Sequence[tuple[str, str]]):
    """Number -> (stream, metric).  It only grows, so another thread may read what it was told of."""

    __slots__ = ("_metrics", "_numbers", "_order", "_streams")

    def __init__(self) -> None:
        self._metrics: list[str] = []
        self._streams = array("I")  # the place of each point's stream in ``_order``
        self._order: list[str] = []
        self._numbers: dict[str, tuple[int, array[int]]] = {}  # a stream's place, and its points

    def __len__(self) -> int:
        return len(self._streams)

    @overload
    def __getitem__(self, number: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[tuple[str, str]]: ...
    def __getitem__(self, number: int | slice) -> tuple[str, str] | Sequence[tuple[str, str]]:
        """The stream and the metric of one point, or of several."""
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        return self._order[self._streams[number]], self._metrics[number]

    def numbers(self, stream: str) -> dict[str, int]:
        """The metrics of a stream and their numbers; made anew at each call."""
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
        self._streams.append(place)  # last: whoever counts finds all of it
        return number
