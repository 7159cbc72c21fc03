"""After a restart: what stood open in the last boots becomes chunks again, and what is gone is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quartier.house.sample import Mark, Sample
from quartier.store import journal
from quartier.store.chunks import CHUNK_COUNT_MAX, QUALITY_BITS, Chunk, sort_value
from quartier.store.contents import Loaded
from quartier.store.gaps import Gap


@dataclass(slots=True)
class Recovered:
    """Closed chunks of earlier boots in their sequence, the newest sample of each stream, and gaps."""

    chunks: list[Chunk] = field(default_factory=list)
    heads: dict[str, Mark] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def recover(loaded: Loaded, files: Sequence[Path], boot: int, utc_ms: int) -> Recovered:
    """Join the tail of the database and the journals of boots before ``boot``; each key counts once.

    A boot that neither ended well nor left a journal was cut off from its power: one gap record.
    """
    found = Recovered(heads=dict(loaded.heads))
    loose: dict[tuple[int, str], dict[int, Sample]] = {}
    _gather(loose, loaded.samples)
    tails = {key: max(samples) for key, samples in loose.items()}
    for path in files:
        _gather(loose, journal.samples(path))
    for (old, stream), samples in sorted(loose.items()):
        sealed = loaded.sealed.get((old, stream), 0)
        numbers = sorted(seq for seq in samples if seq > sealed)
        _rebuild([samples[seq] for seq in numbers], sealed, found)
        if numbers:
            head, mark = found.heads.get(stream, Mark(0, 0)), Mark(old, numbers[-1])
            found.heads[stream] = mark if (old, numbers[-1]) > (head.boot, head.seq) else head
    kept = {journal.file_boot(path) for path in files}
    if loaded.boot and loaded.boot < boot and loaded.clean_boot != loaded.boot and loaded.boot not in kept:
        ends = {**loaded.sealed, **tails}
        firsts = tuple(
            sorted((stream, last + 1) for (old, stream), last in ends.items() if old == loaded.boot)
        )
        from_ms = min(loaded.newest_utc_ms, utc_ms)
        found.gaps.append(Gap("power-cut", "*", loaded.boot, 0, 0, from_ms, utc_ms, firsts))
    return found


def _gather(loose: dict[tuple[int, str], dict[int, Sample]], samples: Iterable[Sample]) -> None:
    for sample in samples:
        loose.setdefault((sample.boot, sample.stream), {})[sample.seq] = sample


def _rebuild(samples: list[Sample], sealed: int, found: Recovered) -> None:
    numbers: dict[str, int] = {}
    names: list[tuple[str, str]] = []
    chunk: Chunk | None = None
    expected, before_ms = sealed + 1, samples[0].taken_utc_ms if samples else 0
    for sample in samples:
        if chunk is None or sample.seq != expected or len(chunk) >= CHUNK_COUNT_MAX:
            chunk = Chunk(sample.stream, sample.boot, sample.seq, names)
            found.chunks.append(chunk)
        if sample.seq != expected:
            key = sample.stream, sample.boot, expected, sample.seq - 1
            found.gaps.append(Gap("damaged", *key, before_ms, sample.taken_utc_ms))
        if sample.metric not in numbers:
            numbers[sample.metric] = len(names)
            names.append((sample.stream, sample.metric))
        kind, number, text = sort_value(sample.value)
        kind |= QUALITY_BITS[sample.quality]
        chunk.append(numbers[sample.metric], kind, number, sample.taken_utc_ms, text)
        expected, before_ms = sample.seq + 1, sample.taken_utc_ms
