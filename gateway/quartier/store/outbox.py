"""Find what the district has not confirmed, from memory and from sealed chunks.

A sample above the mark of its stream is in one of these places, the oldest first: sealed in the file, sealed
but not yet forgotten by memory, or in memory only.

Invariants:

- Samples of a stream are returned in sequence; no later one overtakes an earlier one that can still be found.
- If the file cannot be read now, or a damaged one is still carried over (``is_partial``), nothing newer than
  what it holds is returned.
- No file is read if memory holds the sample after the mark: live data costs no read.
- A run of samples has one stream, one boot and no hole (spec/sync.md#sequence).
- One call returns fewer samples than its limit only if no more can be found.
"""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Protocol

from quartier.site.samples import SampleBlock, StreamPosition
from quartier.store.chunks import Chunk, ChunkPart
from quartier.store.history_file.chunk_reader import ChunkReader

NOTHING_TRIMMED = StreamPosition(0, 0)
ALL_TRIMMED = StreamPosition(2**64 - 1, 2**64 - 1)  # no sample is above it
DAMAGED_CHUNKS_COUNT_MAX = (
    16  # damaged chunks skipped in one call; the rest waits until these are out of the file
)


class Delivery(Protocol):
    """Knowledge of the link to the district about the samples that it sent."""

    @property
    def district_marks(self) -> Mapping[str, StreamPosition]:
        """The position of each stream up to which the district has it."""
        ...

    @property
    def decision_ns(self) -> int:
        """The time up to which evicted samples are decided: what is not confirmed did not arrive."""
        ...

    def has_sent(self, stream: str, boot: int, first: int, last: int) -> bool:
        """Return whether any of these samples was sent, so that the district may have it."""
        ...


def is_above(mark: StreamPosition, boot: int, seq: int) -> bool:
    """Return whether sample ``seq`` of ``boot`` is newer than the mark."""
    return (boot, seq) > (mark.boot, mark.seq)


class Outbox:
    """Reads streams one after the other, each in sequence; each stream gets its share of a call.

    While ``is_partial`` (a damaged file is being carried over) nothing older than memory is offered, so that
    no later sample overtakes it.
    """

    def __init__(self, chunk_reader: ChunkReader) -> None:
        self._chunk_reader = chunk_reader
        self._lock = threading.Lock()
        self.is_partial = False

    def runs(
        self,
        marks: Mapping[str, StreamPosition],
        heads: Mapping[str, StreamPosition],
        memory: Mapping[str, Sequence[Chunk]],
        limit: int,
    ) -> list[SampleBlock]:
        """Return up to ``limit`` samples above the marks; the stream that waits longest comes first.

        There are fewer samples only if no more exist.  ``heads`` gives the streams that exist besides those
        in memory, and how far they go.  Each stream gets its share; what one does not use goes to the others.
        """
        with self._lock:
            runs, is_cut = self._share_runs(marks, heads, memory, limit)
            left = limit - sum(map(len, runs))
            while is_cut and left > 0:
                ahead = {**marks, **{run.stream: StreamPosition(run.boot, run.last) for run in runs}}
                more, is_cut = self._share_runs(ahead, heads, memory, left)
                runs += more
                left -= sum(map(len, more))
            return runs

    def _share_runs(
        self,
        marks: Mapping[str, StreamPosition],
        heads: Mapping[str, StreamPosition],
        memory: Mapping[str, Sequence[Chunk]],
        limit: int,
    ) -> tuple[list[SampleBlock], bool]:
        """Return a share of each stream, and whether any of them may have more than its share."""
        # Evaluated for every stream whenever one has something new: most have nothing.
        behind = [
            stream
            for stream, chunks in memory.items()
            if (mark := marks.get(stream)) is None
            or not chunks
            or mark.seq != (newest := chunks[-1]).first + len(newest.times) - 1
            or mark.boot != newest.boot
        ]
        waiting = []
        for stream in (*behind, *(heads.keys() - memory.keys())):
            mark, chunks = marks.get(stream, NOTHING_TRIMMED), memory.get(stream, ())
            if _is_behind(mark, chunks, heads.get(stream)):
                parts = self._parts(stream, mark, chunks)
                if (part := next(parts, None)) is not None:
                    waiting.append((part[0].times[part[1]], stream, part, parts))
        waiting.sort(key=lambda found: found[:2])
        runs: list[SampleBlock] = []
        left, is_cut = limit, False
        for place, (_, _, part, parts) in enumerate(waiting):
            share = -(-left // (len(waiting) - place))
            taken = 0
            for run in _join_runs(part, parts, share):
                runs.append(run)
                taken += len(run)
            left -= taken
            is_cut |= taken == share
        return runs, is_cut

    def run(
        self,
        stream: str,
        mark: StreamPosition,
        head: StreamPosition | None,
        memory: Sequence[Chunk],
        limit: int,
    ) -> SampleBlock | None:
        """Return the next samples of one stream, at most ``limit``, of one boot and without a hole."""
        if not _is_behind(mark, memory, head):
            return None
        with self._lock:
            parts = self._parts(stream, mark, memory)
            part = next(parts, None)
            return None if part is None else next(_join_runs(part, parts, limit), None)

    def forget(self) -> None:
        """Note that the file was replaced: read the new one from now on."""
        with self._lock:
            self._chunk_reader.forget()

    def _parts(self, stream: str, mark: StreamPosition, memory: Sequence[Chunk]) -> Iterator[ChunkPart]:
        """Yield everything above the mark in sequence, as indices into chunks."""
        chunks = [chunk for chunk in memory if len(chunk)]
        # If memory begins at or below the mark, no file is read: live data costs no read.
        if not chunks or is_above(mark, chunks[0].boot, chunks[0].first - 1):
            if self.is_partial:
                return
            whole = yield from self._read_stored(
                stream, mark, (chunks[0].boot, chunks[0].first) if chunks else None
            )
            if self._chunk_reader.condemned or not whole:
                return
        for chunk in chunks:
            yield from _select_newer(chunk, mark)

    def _read_stored(
        self, stream: str, mark: StreamPosition, before: tuple[int, int] | None
    ) -> Generator[ChunkPart, None, bool]:
        """Yield sealed samples above the mark.

        Returns False if it stops early, at damaged chunks or because the file cannot be read now: nothing
        newer may overtake what is there.
        """
        at, left = mark, DAMAGED_CHUNKS_COUNT_MAX
        while (entry := self._chunk_reader.after(stream, at)) is not None:
            if before is not None and (entry.boot, entry.first) >= before:
                return True
            if entry.chunk is not None:
                yield from _select_newer(entry.chunk, mark)
            elif not left:
                return False
            else:
                left -= 1
            at = StreamPosition(entry.boot, entry.last)
        return not self._chunk_reader.is_hidden


def _is_behind(mark: StreamPosition, memory: Sequence[Chunk], head: StreamPosition | None) -> bool:
    """Return whether anything can be above the mark."""
    for chunk in reversed(memory):
        if last := chunk.first + len(chunk.times) - 1:
            return is_above(mark, chunk.boot, last)
    return head is not None and is_above(mark, head.boot, head.seq)


def _select_newer(chunk: Chunk, mark: StreamPosition) -> Iterator[ChunkPart]:
    start = 0
    if chunk.boot == mark.boot:
        start = max(0, mark.seq + 1 - chunk.first)
    elif chunk.boot < mark.boot:
        return
    if start < len(chunk):
        yield chunk, start, len(chunk)


def _join_runs(first: ChunkPart, more: Iterator[ChunkPart], limit: int) -> Iterator[SampleBlock]:
    """Yield at most ``limit`` samples; samples without a hole between them are one run, across chunks."""
    run: SampleBlock | None = None
    part: ChunkPart | None = first
    left = limit
    while part is not None and left > 0:
        chunk, start, stop = part
        taken = chunk.run(start, min(stop, start + left))
        left -= len(taken)
        if run is not None and run.boot == taken.boot and run.last + 1 == taken.first:
            run = run.append(taken)
        else:
            if run is not None:
                yield run
            run = taken
        part = next(more, None) if left > 0 else None
    if run is not None:
        yield run
