"""Samples in the recorder: under each key a mark of its content, so a repeat must be the same (pure)."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

ABSENT = 0
_GOOD, _UINT64 = 192, 1 << 64
Key = tuple[str, int]


def digest(metric: str, time_ms: int, value: object, quality: int) -> int:
    """32 bits of one sample, never ``ABSENT``; a value that is not good has no say."""
    if quality != _GOOD:
        said = ""
    elif isinstance(value, int | float):
        # A data message has no types: a negative whole number comes as its two's complement.
        said = repr(float(value - _UINT64 if value >= _UINT64 // 2 else value))
    else:
        said = str(value)
    return crc32(f"{metric}|{time_ms}|{said}|{quality}".encode()) or 1


@dataclass
class Held:
    """Digests by (stream, boot) and sequence; the first one is number 1.

    ``differing`` names keys that came twice with different content.
    """

    differing: list[str] = field(default_factory=list)
    _rows: dict[Key, "array[int]"] = field(default_factory=dict)

    def take(self, stream: str, boot: int, first: int, digests: Sequence[int]) -> None:
        """Samples from number ``first`` on."""
        row = self._rows.setdefault((stream, boot), array("I"))
        if len(row) < first - 1 + len(digests):
            row.extend([ABSENT] * (first - 1 + len(digests) - len(row)))
        for place, found in enumerate(digests, first - 1):
            if row[place] not in {ABSENT, found}:
                self.differing.append(f"{stream}/{boot}/{place + 1}")
            row[place] = found

    def of(self, stream: str, boot: int, seq: int) -> int:
        """Return the mark under one key; ``ABSENT`` if there is none."""
        row = self._rows.get((stream, boot), ())
        return row[seq - 1] if 0 < seq <= len(row) else ABSENT

    @property
    def counts(self) -> Mapping[Key, int]:
        """Number of samples of each stream and boot."""
        return {key: len(row) - row.count(ABSENT) for key, row in self._rows.items()}


@dataclass
class Order:
    """Check that the samples of a stream come in order within a session, live and late ones separately.

    ``acknowledged`` is the last watermark, (boot, sequence) by stream: lost samples come again from there.
    """

    faults: list[str] = field(default_factory=list)
    acknowledged: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    _last: dict[tuple[str, bool], tuple[int, int]] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin a new session or new births: samples above the watermark may come again."""
        self._last.clear()

    def take(self, stream: str, boot: int, first: int, count: int, *, late: bool) -> None:
        """A message with samples of one stream."""
        before = self._last.get((stream, late), (-1, -1))
        marked = self.acknowledged.get(stream, (0, 0))
        goes_again = late and (boot, first - 1) <= marked
        if (boot, first) <= before and not goes_again:
            self.faults.append(f"{stream}/{boot}: {first} after {before[1]} of {before[0]}")
        self._last[stream, late] = (boot, first + count - 1)


def middle(values: Iterable[float], share: float) -> float:
    """The quantile ``share`` of some values; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0
