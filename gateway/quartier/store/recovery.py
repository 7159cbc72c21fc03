"""After a restart: what stood open in the last boots becomes chunks again, and what is gone is named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quartier.house.sample import Mark
from quartier.store import journal
from quartier.store.chunks import CHUNK_COUNT_MAX, Chunk
from quartier.store.contents import Loaded
from quartier.store.gaps import Gap


@dataclass(slots=True)
class Recovered:
    """Closed chunks of earlier boots in their sequence, the newest sample of each stream, and gaps."""

    chunks: list[Chunk] = field(default_factory=list)
    heads: dict[str, Mark] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def recover(loaded: Loaded, files: Sequence[Path], boot: int, utc_ms: int, boot_before: int = 0) -> Recovered:
    """Join the tail of the database and the journals of boots before ``boot``; each key counts once.

    A boot that neither ended well nor left a journal was cut off from its power: one gap record.
    So is one whose journal cannot be read to its end, and a file that is new although there was a
    ``boot_before``: somebody removed it while nobody ran.
    """
    found = Recovered(heads=dict(loaded.heads))
    loose: dict[tuple[int, str], list[Chunk]] = {}
    _gather(loose, loaded.pieces)
    tails = {key: max(piece.last for piece in pieces) for key, pieces in loose.items()}
    torn: set[int] = set()
    for path in files:  # a hole before a later file shows by itself
        replay = journal.replay(path)
        _gather(loose, replay.pieces)
        (torn.discard if replay.complete else torn.add)(replay.boot)
    for (old, stream), pieces in sorted(loose.items()):
        last = _rebuild(sorted(pieces, key=_first), loaded.sealed.get((old, stream), 0), found)
        head = found.heads.get(stream, Mark(0, 0))
        if last and (old, last) > (head.boot, head.seq):
            found.heads[stream] = Mark(old, last)
    kept = {journal.file_boot(path) for path in files}
    if loaded.boot and loaded.boot < boot and loaded.clean_boot != loaded.boot and loaded.boot not in kept:
        firsts = _firsts({**loaded.sealed, **tails}, loaded.boot)
        from_ms = min(loaded.newest_utc_ms, utc_ms)
        found.gaps.append(Gap("power-cut", "*", loaded.boot, 0, 0, from_ms, utc_ms, firsts))
    if loaded.is_torn and loaded.boot and loaded.clean_boot == loaded.boot:  # else no end was promised
        firsts = _firsts({**loaded.sealed, **tails}, loaded.boot)
        found.gaps.append(Gap("damaged", "*", loaded.boot, 0, 0, loaded.newest_utc_ms, utc_ms, firsts))
    if loaded.fresh and boot_before:
        from_ms = min((min(chunk.times) for chunk in found.chunks), default=utc_ms)
        found.gaps.append(Gap("removed", "*", boot_before, 0, 0, 0, from_ms))
    for old in sorted(torn):
        ends = {key: max(piece.last for piece in pieces) for key, pieces in loose.items()}
        newest = [max(piece.times) for (of, _), pieces in loose.items() if of == old for piece in pieces]
        from_ms = min(max(newest, default=loaded.newest_utc_ms), utc_ms)
        firsts = _firsts({**loaded.sealed, **ends}, old)
        found.gaps.append(Gap("damaged", "*", old, 0, 0, from_ms, utc_ms, firsts))
    return found


def _firsts(ends: Mapping[tuple[int, str], int], boot: int) -> tuple[tuple[str, int], ...]:
    """Per stream of a boot the first sequence that may be missing."""
    return tuple(sorted((stream, last + 1) for (old, stream), last in ends.items() if old == boot))


def lost_with_file(
    boot: int,
    memory: Mapping[str, Sequence[Chunk]],
    heads: Mapping[str, Mark],
    marks: Mapping[str, Mark],
    from_ms: int,
    utc_ms: int,
) -> list[Gap]:
    """What stood only in a file that was removed under us: all of this boot that is not in memory.

    ``heads`` are the newest samples of older boots: of those only what the marks do not cover.
    """
    gaps = []
    for stream, chunks in memory.items():
        ours = [chunk for chunk in chunks if chunk.boot == boot]
        if ours and ours[0].first > 1:
            to_ms = ours[0].times[0] if len(ours[0]) else utc_ms
            gaps.append(Gap("removed", stream, boot, 1, ours[0].first - 1, from_ms, to_ms))
    for stream, head in heads.items():
        mark = marks.get(stream, Mark(0, 0))
        kept = [chunk.first for chunk in memory.get(stream, ()) if chunk.boot == head.boot]
        first = mark.seq + 1 if mark.boot == head.boot else 1
        last = min(kept) - 1 if kept else head.seq
        if mark.boot <= head.boot and first <= last:
            gaps.append(Gap("removed", stream, head.boot, first, last, 0, from_ms))
    return gaps


def unknown_end(loaded: Loaded, utc_ms: int) -> Gap:
    """Of a damaged file that does not say how it ended: everything after what is left."""
    firsts = tuple(sorted((stream, mark.seq + 1) for stream, mark in loaded.heads.items()))
    boot = max((mark.boot for mark in loaded.heads.values()), default=0)
    return Gap("damaged", "*", boot, 0, 0, loaded.newest_utc_ms, utc_ms, firsts)


def _gather(loose: dict[tuple[int, str], list[Chunk]], pieces: Iterable[Chunk]) -> None:
    for piece in pieces:
        if len(piece):
            loose.setdefault((piece.boot, piece.stream), []).append(piece)


def _first(piece: Chunk) -> int:
    return piece.first


def _rebuild(pieces: Sequence[Chunk], sealed: int, found: Recovered) -> int:
    """Join the pieces of one stream of one boot above ``sealed``; returns the last sequence."""
    names = {point: name for piece in pieces for point, name in _table(piece)}
    chunk: Chunk | None = None
    expected, before_ms = sealed + 1, pieces[0].times[0]
    for piece in pieces:
        if piece.last < expected:
            continue
        start = max(0, expected - piece.first)
        if piece.first > expected:
            key = piece.stream, piece.boot, expected, piece.first - 1
            found.gaps.append(Gap("damaged", *key, before_ms, piece.times[0]))
            chunk = None
        if chunk is None or len(chunk) >= CHUNK_COUNT_MAX // 2:
            chunk = Chunk(piece.stream, piece.boot, piece.first + start, names)
            found.chunks.append(chunk)
        chunk.extend(piece, start)
        expected, before_ms = piece.last + 1, piece.times[-1]
    return expected - 1 if chunk is not None else 0


def _table(piece: Chunk) -> Iterable[tuple[int, tuple[str, str]]]:
    return ((point, piece.names[point]) for point in set(piece.points))
