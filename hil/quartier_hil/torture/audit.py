"""Compare three sides: values served by meters, rows in the daemon's history, samples that arrived."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from quartier.site.ledger import LEDGER_STREAM as LEDGER
from quartier.site.samples import Sample
from quartier.store.history_reader import HistoryReader
from quartier_drivers.readings import Quality
from quartier_hil.torture.held import ABSENT, Held, digest

_FOR_EVER_MS = 1 << 60
_SHOWN = 8
_OWN = ("node", "event")
Keys = dict[tuple[str, int], list[int]]


def kept(state_dir: Path, runtime_dir: Path) -> Iterator[Sample]:
    """Every sample of the daemon's history that may leave the building, while it runs or not."""
    reader = HistoryReader(state_dir / "history.db", runtime_dir, -_FOR_EVER_MS, _FOR_EVER_MS)
    try:
        for stream in reader.streams():
            if stream != LEDGER:
                yield from reader.samples(stream)
    finally:
        reader.close()


@dataclass
class Audit:
    """Comparison of the history with the recorder; ``numbers`` are the answers kept of each meter, by asset.

    ``backwards_count``: samples of meters stamped before the one before them.
    """

    samples_count: int = 0
    newest_ms: int = 0
    backwards_count: int = 0
    missing: Keys = field(default_factory=lambda: defaultdict(list))
    differing: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    @property
    def faults(self) -> list[str]:
        """In words, the first ones of each kind."""
        lost = [
            f"{stream}/{boot}: {_spans(seqs)} did not arrive" for (stream, boot), seqs in self.missing.items()
        ]
        unlike = [f"{key}: not what the history holds" for key in self.differing[:_SHOWN]]
        return [*lost[:_SHOWN], *unlike, *self.holes[:_SHOWN]]


def compare(samples: Iterable[Sample], held: Held, until_ms: int) -> Audit:
    """Every sample taken until then must have arrived, as it was kept, and none of the history may lack.

    ``samples`` come stream by stream in their sequence.
    """
    found = Audit()
    before: dict[tuple[str, int], int] = {}
    latest_ms: dict[tuple[str, int], int] = {}
    for sample in samples:
        key = sample.stream, sample.boot
        if sample.seq != before.get(key, 0) + 1:
            found.holes.append(f"{key[0]}/{key[1]}: the history has {sample.seq} after {before.get(key, 0)}")
        before[key] = sample.seq
        if sample.stream not in _OWN:
            found.backwards_count += sample.taken_utc_ms < latest_ms.get(key, 0)
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
        elif sample.stream != "event" and there != _digest(sample):
            found.differing.append(f"{sample.stream}/{sample.boot}/{sample.seq}")
    return found


def unkept(served: int, numbers: set[int]) -> list[int]:
    """Answers 1 to ``served`` of which the history knows nothing."""
    return sorted(set(range(1, served + 1)) - numbers)


def unserved(served: int, numbers: set[int]) -> list[int]:
    """Numbers in the history that the meter never served: made up, or torn."""
    return sorted(number for number in numbers if not 0 < number <= served)


def _digest(sample: Sample) -> int:
    return digest(sample.metric, sample.taken_utc_ms, sample.value, int(sample.quality))


def _spans(numbers: list[int]) -> str:
    """``3..7, 9`` of rising numbers."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    told = [str(first) if first == last else f"{first}..{last}" for first, last in spans[:_SHOWN]]
    return ", ".join(told) + (" …" if len(spans) > _SHOWN else "")
