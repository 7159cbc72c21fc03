"""Compare three sides: values served by meters, rows in the history of the daemon, samples that the
recorder received.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from quartier.site.ledger import LEDGER_STREAM as LEDGER
from quartier.site.samples import Sample
from quartier.store.history_reader import HistoryReader
from quartier_drivers.readings import Quality

ABSENT = 0
_GOOD_QUALITY, _UINT64_RANGE = 192, 1 << 64
StreamKey = tuple[str, int]


def compute_digest(metric: str, time_ms: int, value: object, quality: int) -> int:
    """32 bits of one sample, never ``ABSENT``; a value that is not good has no say."""
    if quality != _GOOD_QUALITY:
        text = ""
    elif isinstance(value, int | float):
        # A data message has no types: a negative whole number comes as its two's complement.
        text = repr(float(value - _UINT64_RANGE if value >= _UINT64_RANGE // 2 else value))
    else:
        text = str(value)
    return crc32(f"{metric}|{time_ms}|{text}|{quality}".encode()) or 1


@dataclass
class ReceivedSamples:
    """Digests by (stream, boot) and sequence; the first one is number 1.

    ``differing`` names keys that came twice with different content.
    """

    differing: list[str] = field(default_factory=list)
    _rows: dict[StreamKey, "array[int]"] = field(default_factory=dict)

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
    def counts(self) -> Mapping[StreamKey, int]:
        """Number of samples of each stream and boot."""
        return {key: len(row) - row.count(ABSENT) for key, row in self._rows.items()}


@dataclass
class SequenceCheck:
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


def compute_quantile(values: Iterable[float], share: float) -> float:
    """The quantile ``share`` of some values; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


_UNBOUNDED_MS = 1 << 60
_LISTED_MAX = 8
_NODE_STREAMS = ("node", "event")
SampleKeys = dict[tuple[str, int], list[int]]


def read_history(state_dir: Path, runtime_dir: Path) -> Iterator[Sample]:
    """Every sample of the daemon's history that may leave the building, while it runs or not."""
    reader = HistoryReader(state_dir / "history.db", runtime_dir, -_UNBOUNDED_MS, _UNBOUNDED_MS)
    try:
        for stream in reader.streams():
            if stream != LEDGER:
                yield from reader.samples(stream)
    finally:
        reader.close()


@dataclass
class HistoryAudit:
    """Comparison of the history with the recorder; ``numbers`` are the answers kept of each meter, by asset.

    ``backwards_count``: samples of meters stamped before the one before them.
    """

    samples_count: int = 0
    newest_ms: int = 0
    backward_stamps_count: int = 0
    missing: SampleKeys = field(default_factory=lambda: defaultdict(list))
    differing: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    @property
    def faults(self) -> list[str]:
        """In words, the first ones of each kind."""
        lost = [
            f"{stream}/{boot}: {_format_spans(seqs)} did not arrive"
            for (stream, boot), seqs in self.missing.items()
        ]
        unlike = [f"{key}: not what the history holds" for key in self.differing[:_LISTED_MAX]]
        return [*lost[:_LISTED_MAX], *unlike, *self.holes[:_LISTED_MAX]]


def compare_history(samples: Iterable[Sample], held: ReceivedSamples, until_ms: int) -> HistoryAudit:
    """Every sample taken until then must have arrived, as it was kept, and none of the history may lack.

    ``samples`` come stream by stream in their sequence.
    """
    found = HistoryAudit()
    before: dict[tuple[str, int], int] = {}
    latest_ms: dict[tuple[str, int], int] = {}
    for sample in samples:
        key = sample.stream, sample.boot
        if sample.seq != before.get(key, 0) + 1:
            found.holes.append(f"{key[0]}/{key[1]}: the history has {sample.seq} after {before.get(key, 0)}")
        before[key] = sample.seq
        if sample.stream not in _NODE_STREAMS:
            found.backward_stamps_count += sample.taken_utc_ms < latest_ms.get(key, 0)
            latest_ms[key] = sample.taken_utc_ms
        if sample.metric == "power_w" and sample.quality is Quality.GOOD:
            found.numbers[sample.stream].add(int(float(sample.value)))
        if sample.taken_utc_ms > until_ms:
            continue
        found.samples_count += 1
        found.newest_ms = max(found.newest_ms, sample.taken_utc_ms)
        there = held.of(sample.stream, sample.boot, sample.seq)
        if there == ABSENT:
            found.missing[key].append(sample.seq)
        elif sample.stream != "event" and there != _compute_sample_digest(sample):
            found.differing.append(f"{sample.stream}/{sample.boot}/{sample.seq}")
    return found


def list_unstored(served: int, numbers: set[int]) -> list[int]:
    """Answers 1 to ``served`` of which the history knows nothing."""
    return sorted(set(range(1, served + 1)) - numbers)


def list_unserved(served: int, numbers: set[int]) -> list[int]:
    """Numbers in the history that the meter never served: made up, or torn."""
    return sorted(number for number in numbers if not 0 < number <= served)


def _compute_sample_digest(sample: Sample) -> int:
    return compute_digest(sample.metric, sample.taken_utc_ms, sample.value, int(sample.quality))


def _format_spans(numbers: list[int]) -> str:
    """``3..7, 9`` of rising numbers."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    texts = [str(first) if first == last else f"{first}..{last}" for first, last in spans[:_LISTED_MAX]]
    return ", ".join(texts) + (" …" if len(spans) > _LISTED_MAX else "")
