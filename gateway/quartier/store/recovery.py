"""Join the open samples of earlier boots after a restart, and record what is missing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from quartier.site.samples import StreamPosition
from quartier.store import journal
from quartier.store.chunks import CHUNK_COUNT_MAX, Chunk
from quartier.store.gap_records import (
    GAP_EVENT_CODE,
    GapReason,
    GapRecord,
    KnownGaps,
    load_gap,
    subtract_spans,
)
from quartier.store.history_file.contents import FileContents
from quartier.store.ingest import EVENT_STREAM


@dataclass(slots=True)
class RecoveredHistory:
    """The remains of earlier boots.

    ``chunks`` are closed and in sequence; the first ``seal_first_count`` fill holes between sealed ones.
    ``heads`` are the newest samples of each stream.  ``gaps`` must be reported.  ``noted`` were reported by a
    boot that was killed before it could commit their records.  ``unreported_gaps`` have records but no
    events. ``ends`` are boots with a known end: the last sequence of each stream.  ``last_boot`` is the
    previous boot.
    """

    chunks: list[Chunk] = field(default_factory=list)
    seal_first_count: int = 0
    heads: dict[str, StreamPosition] = field(default_factory=dict)
    gaps: list[GapRecord] = field(default_factory=list)
    noted: list[GapRecord] = field(default_factory=list)
    unreported_gaps: list[GapRecord] = field(default_factory=list)
    ends: dict[int, dict[str, int]] = field(default_factory=dict)
    last_boot: int = 0


@dataclass(slots=True)
class _OpenStream:
    """The open samples of one stream of one boot; ``last``: how far it was numbered at least.

    They come from tails and journals.
    """

    pieces: list[Chunk] = field(default_factory=list)
    durable: list[tuple[int, int]] = field(default_factory=list)
    last: int = 0


def recover_history(
    loaded: FileContents,
    files: Sequence[Path],
    boot: int,
    utc_ms: int,
    boot_before: int = 0,
    started: Iterable[int] = (),
) -> RecoveredHistory:
    """Join the tail of the database and the journals of boots before ``boot``; each key counts once.

    ``started`` are boots that may have begun without a commit.  A boot is settled once a later one committed
    what was left of it: its journal has nothing to add.  Of the others, a boot that neither ended in order
    nor left a journal had a power cut and gets one gap record.  So does a boot whose journal cannot be read
    to its end.  So does a file that is new although there was a ``boot_before``: somebody removed it while no
    daemon ran.

    Raises OSError if a journal may be readable later.
    """
    found = RecoveredHistory(heads=dict(loaded.heads))
    settled_boot = loaded.boot if loaded.clean_boot == loaded.boot else loaded.boot - 1
    replays: dict[int, list[journal.JournalContents]] = {}
    for path in files:
        if settled_boot < journal.find_journal_boot(path) < boot:
            replay = journal.read_journal(path)
            replays.setdefault(replay.boot, []).append(replay)
    before = {old for old in (loaded.boot, *started, *replays) if old < boot}
    found.last_boot = max(before)
    streams = _gather_streams(loaded, replays)
    known = KnownGaps(loaded.known_gaps)
    _take_reported_gaps(streams, loaded, known, found)
    for hole in loaded.gaps:
        _fill_hole(hole, streams.get((hole.boot, hole.stream)), known, found)
    found.seal_first_count = len(found.chunks)
    for (old, name), stream in sorted(streams.items()):
        last = _join_pieces(loaded, old, name, stream, known, found)
        head = found.heads.get(name, StreamPosition(0, 0))
        if last and (old, last) > (head.boot, head.seq):
            found.heads[name] = StreamPosition(old, last)
    if loaded.fresh and boot_before:
        from_ms = min((min(chunk.times) for chunk in found.chunks), default=utc_ms)
        found.gaps += known.subtract(GapRecord("removed", "*", boot_before, 0, 0, 0, from_ms))
        return found
    for old in sorted(old for old in before if old > settled_boot):
        _find_boot_end(loaded, old, replays.get(old, []), streams, utc_ms, known, found)
    if settled_boot and settled_boot == loaded.boot:  # it ended in order
        lasts = _find_lasts(loaded, streams, loaded.boot)
        if loaded.is_torn:
            gap = GapRecord(
                "damaged", "*", loaded.boot, 0, 0, loaded.newest_utc_ms, utc_ms, _find_firsts(lasts)
            )
            found.gaps += known.subtract(gap)
        else:
            found.ends[loaded.boot] = lasts
    return found


def _gather_streams(
    loaded: FileContents, replays: Mapping[int, Sequence[journal.JournalContents]]
) -> dict[tuple[int, str], _OpenStream]:
    streams: dict[tuple[int, str], _OpenStream] = {}
    for piece in loaded.pieces:
        if len(piece):
            stream = streams.setdefault((piece.boot, piece.stream), _OpenStream())
            stream.pieces.append(piece)
            stream.durable.append((piece.first, piece.last))
    for boot, of_boot in replays.items():
        for replay in of_boot:
            for piece in replay.pieces:
                if len(piece):
                    streams.setdefault((boot, piece.stream), _OpenStream()).pieces.append(piece)
            for name, last in replay.lasts.items():
                stream = streams.setdefault((boot, name), _OpenStream())
                stream.last = max(stream.last, last)
    for stream in streams.values():
        stream.pieces.sort(key=_find_first)
        stream.last = max([stream.last, *(piece.last for piece in stream.pieces)])
    return streams


def _take_reported_gaps(
    streams: Mapping[tuple[int, str], _OpenStream],
    loaded: FileContents,
    known: KnownGaps,
    found: RecoveredHistory,
) -> None:
    """Take gap events that are in no sealed chunk yet: they are reported, whether recorded or not."""
    gaps = KnownGaps()
    for (_, name), stream in streams.items():
        for piece in stream.pieces if name == EVENT_STREAM else ():
            for gap in _find_reported_gaps(piece):
                gaps.add(gap)
                if known.subtract(gap):
                    known.add(gap)
                    found.noted.append(gap)
    found.unreported_gaps = [gap for gap in loaded.unreported_gaps if gaps.subtract(gap)]


def _find_reported_gaps(piece: Chunk) -> Iterable[GapRecord]:
    for sample in piece.rows():
        if sample.metric == GAP_EVENT_CODE:
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                yield load_gap(json.loads(str(sample.value))["data"])


def _fill_hole(
    hole: GapRecord, stream: _OpenStream | None, known: KnownGaps, found: RecoveredHistory
) -> None:
    """Fill a hole between sealed chunks with what a tail or a journal holds; the rest is missing."""
    pieces = [] if stream is None else stream.pieces
    chunks, missing = _make_chunks(pieces, hole.first, hole.last)
    found.chunks += chunks
    for first, last, from_ms, to_ms in missing:
        gap = replace(hole.part(first, last), from_utc_ms=from_ms or hole.from_utc_ms)
        found.gaps += known.subtract(replace(gap, to_utc_ms=to_ms or hole.to_utc_ms))


def _join_pieces(
    loaded: FileContents, boot: int, name: str, stream: _OpenStream, known: KnownGaps, found: RecoveredHistory
) -> int:
    """Join the pieces of one stream of one boot above the sealed part; return the last new sequence, or 0."""
    before = _find_sealed_last(loaded, boot, name)
    if before is None:  # all before the first piece was evicted
        before = min([stream.last, *(piece.first - 1 for piece in stream.pieces)])
    chunks, missing = _make_chunks(stream.pieces, before + 1, stream.last)
    for chunk in chunks:
        chunk.committed = _count_durable(chunk, stream.durable)
    found.chunks += chunks
    for first, last, before_ms, after_ms in missing:
        to_ms = after_ms or loaded.newest_utc_ms
        from_ms = min(before_ms or loaded.newest_utc_ms, to_ms)
        found.gaps += known.subtract(GapRecord("damaged", name, boot, first, last, from_ms, to_ms))
    return chunks[-1].last if chunks else 0


def _find_sealed_last(loaded: FileContents, boot: int, name: str) -> int | None:
    """Return the last sealed sequence of a stream of a boot.

    None if it is unknown because a later boot was evicted too.
    """
    evicted = loaded.evicted.get(name, StreamPosition(0, 0))
    sealed = loaded.sealed.get((boot, name), 0)
    if evicted.boot > boot:
        return sealed or None
    return max(sealed, evicted.seq) if evicted.boot == boot else sealed


def _make_chunks(
    pieces: Sequence[Chunk], first: int, last: int
) -> tuple[list[Chunk], list[tuple[int, int, int, int]]]:
    """Make chunks of sequences ``first`` to ``last`` from pieces in sequence.

    Returns the chunks and what is missing: sequences, and the times before and after it (0 if unknown).
    """
    names = {point: name for piece in pieces for point, name in _list_names(piece)}
    chunks: list[Chunk] = []
    missing: list[tuple[int, int, int, int]] = []
    chunk: Chunk | None = None
    expected, before_ms = first, 0
    for piece in pieces:
        if piece.last < expected or piece.first > last:
            continue
        start = max(0, expected - piece.first)
        stop = min(len(piece), last - piece.first + 1)
        if piece.first > expected:
            missing.append((expected, piece.first - 1, before_ms, piece.times[0]))
            chunk = None
        if chunk is None or len(chunk) >= CHUNK_COUNT_MAX // 2:
            chunk = Chunk(piece.stream, piece.boot, piece.first + start, names)
            chunks.append(chunk)
        chunk.extend(piece, start, stop)
        expected, before_ms = piece.first + stop, piece.times[stop - 1]
    if expected <= last:
        missing.append((expected, last, before_ms, 0))
    return chunks, missing


def _count_durable(chunk: Chunk, durable: Iterable[tuple[int, int]]) -> int:
    """Return the number of samples of a chunk, from its first one on, that are in a tail already."""
    left = subtract_spans((chunk.first, chunk.last), durable)
    return left[0][0] - chunk.first if left else len(chunk)


def _find_boot_end(
    loaded: FileContents,
    boot: int,
    replays: Sequence[journal.JournalContents],
    streams: Mapping[tuple[int, str], _OpenStream],
    utc_ms: int,
    known: KnownGaps,
    found: RecoveredHistory,
) -> None:
    """Record how a boot ended: at its last sample, or at an unknown place."""
    lasts = _find_lasts(loaded, streams, boot)
    if replays and _is_whole(replays):
        found.ends[boot] = lasts
        return
    newest = [max(piece.times) for (old, _), one in streams.items() if old == boot for piece in one.pieces]
    from_ms = min(max(newest, default=loaded.newest_utc_ms), utc_ms)
    why: GapReason = "damaged" if replays else "power-cut"
    found.gaps += known.subtract(GapRecord(why, "*", boot, 0, 0, from_ms, utc_ms, _find_firsts(lasts)))


def _is_whole(replays: Sequence[journal.JournalContents]) -> bool:
    """Return whether the newest generation is present and readable to its end.

    A hole before it shows by itself.
    """
    newest = max(replays, key=_find_generation)
    return newest.complete and not newest.is_followed


def _find_lasts(
    loaded: FileContents, streams: Mapping[tuple[int, str], _OpenStream], boot: int
) -> dict[str, int]:
    """Return per stream of a boot the last known sequence."""
    found = {name: last for (old, name), last in loaded.sealed.items() if old == boot}
    for name, mark in loaded.evicted.items():
        if mark.boot == boot:
            found[name] = max(mark.seq, found.get(name, 0))
    for (old, name), stream in streams.items():
        if old == boot:
            found[name] = max(stream.last, found.get(name, 0))
    return found


def _find_firsts(lasts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return per stream the first sequence that may be missing."""
    return tuple(sorted((stream, last + 1) for stream, last in lasts.items()))


def find_lost_with_file(
    boot: int,
    memory: Mapping[str, Sequence[Chunk]],
    heads: Mapping[str, StreamPosition],
    marks: Mapping[str, StreamPosition],
    from_ms: int,
    utc_ms: int,
) -> list[GapRecord]:
    """Return gap records for a file that was removed: all of this boot that is not in memory.

    ``heads`` are the newest samples of older boots: of those only what the marks do not cover.
    """
    gaps = []
    for stream, chunks in memory.items():
        ours = [chunk for chunk in chunks if chunk.boot == boot]
        if ours and ours[0].first > 1:
            to_ms = ours[0].times[0] if len(ours[0]) else utc_ms
            gaps.append(GapRecord("removed", stream, boot, 1, ours[0].first - 1, from_ms, to_ms))
    for stream, head in heads.items():
        mark = marks.get(stream, StreamPosition(0, 0))
        kept = [chunk.first for chunk in memory.get(stream, ()) if chunk.boot == head.boot]
        first = mark.seq + 1 if mark.boot == head.boot else 1
        last = min(kept) - 1 if kept else head.seq
        if mark.boot <= head.boot and first <= last:
            gaps.append(GapRecord("removed", stream, head.boot, first, last, 0, from_ms))
    return gaps


def make_unknown_end(loaded: FileContents, boot_before: int, utc_ms: int) -> GapRecord:
    """Make the record of a damaged file that does not tell how it ended: all after what is left."""
    boot = max([boot_before, *(mark.boot for mark in loaded.heads.values())])
    heads = loaded.heads.items()
    firsts = tuple(sorted((stream, mark.seq + 1) for stream, mark in heads if mark.boot == boot))
    return GapRecord("damaged", "*", boot, 0, 0, loaded.newest_utc_ms, utc_ms, firsts)


def _find_first(piece: Chunk) -> int:
    return piece.first


def _find_generation(replay: journal.JournalContents) -> int:
    return replay.generation


def _list_names(piece: Chunk) -> Iterable[tuple[int, tuple[str, str]]]:
    return ((point, piece.names[point]) for point in set(piece.points))
