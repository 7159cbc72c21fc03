"""Ledger of the samples in the district: each counted once by its key, holes, the watermark (pure)."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field


class Ranges:
    """A set of whole numbers kept as disjoint ranges ``[first, last]``."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, first: int, count: int) -> int:
        """Take ``count`` numbers from ``first``; returns how many of them were new."""
        if count <= 0:
            return 0
        last = first + count - 1
        low = bisect_left(self._ranges, (first,))
        if low and self._ranges[low - 1][1] >= first - 1:
            low -= 1
        high = bisect_right(self._ranges, (last + 1, float("inf")))
        touched = self._ranges[low:high]
        held = sum(max(min(end, last) - max(start, first) + 1, 0) for start, end in touched)
        del self._ranges[low:high]
        start = min([first, *(item[0] for item in touched)])
        end = max([last, *(item[1] for item in touched)])
        insort(self._ranges, (start, end))
        return count - held

    @property
    def holes(self) -> list[tuple[int, int]]:
        """The ranges missing between the smallest and the largest number."""
        pairs = zip(self._ranges, self._ranges[1:], strict=False)
        return [(left[1] + 1, right[0] - 1) for left, right in pairs]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Spans of sequence numbers held."""
        return list(self._ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)


@dataclass
class Ledger:
    """One gateway's samples by (boot, stream, sequence).

    ``first_seq`` is the number of a stream's first sample of a boot.  The watermark of a stream is
    the end of what is held without a hole.  It moves on to a newer boot only once ``settled`` said
    that nothing of older boots is still to come.
    """

    first_seq: int = 1
    held: dict[tuple[str, int], Ranges] = field(default_factory=dict)
    samples_count: int = 0
    repeats_count: int = 0
    _boots: dict[str, int] = field(default_factory=dict)

    def take(self, stream: str, boot: int, first: int, count: int) -> int:
        """A message with ``count`` samples from sequence ``first``; returns how many were new."""
        self._boots.setdefault(stream, boot)
        new = self.held.setdefault((stream, boot), Ranges()).add(first, count)
        self.samples_count += new
        self.repeats_count += count - new
        return new

    def forgive(self, stream: str, boot: int, first: int, last: int) -> None:
        """The gateway declared these lost (a gap record): they count as known, not as samples."""
        self._boots.setdefault(stream, boot)
        self.held.setdefault((stream, boot), Ranges()).add(first, last - first + 1)

    def settled(self, stream: str, boot: int) -> None:
        """Nothing of ``stream`` from before ``boot`` is still to come."""
        if (stream, boot) in self.held and boot > self._boots[stream]:
            self._boots[stream] = boot

    @property
    def watermark(self) -> Mapping[str, tuple[int, int]]:
        """Per stream the last (boot, sequence) below which nothing is missing."""
        marks: dict[str, tuple[int, int]] = {}
        for stream, boot in self._boots.items():
            start, last = self.held[stream, boot].spans[0]
            if start <= self.first_seq:
                marks[stream] = (boot, last)
        return marks

    @property
    def holes(self) -> Mapping[str, list[tuple[int, int]]]:
        """Missing sequences as ``stream/boot`` -> ranges, those before the first one held included."""
        found = {}
        for (stream, boot), ranges in self.held.items():
            missing = ranges.holes
            start = ranges.spans[0][0]
            if start > self.first_seq:
                missing = [(self.first_seq, start - 1), *missing]
            if missing:
                found[f"{stream}/{boot}"] = missing
        return found
