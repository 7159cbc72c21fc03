"""What the district has not confirmed: samples above its marks, from memory and from sealed chunks."""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice

from quartier.house.sample import Mark, Sample
from quartier.store.chunks import Chunk
from quartier.store.shelf import Shelf

NONE = Mark(0, 0)
DAMAGED_MAX = 16  # chunks passed over in one call; the rest waits until these are out of the file


def above(mark: Mark, boot: int, seq: int) -> bool:
    """Whether sample ``seq`` of ``boot`` is newer than the mark."""
    return (boot, seq) > (mark.boot, mark.seq)


class Outbox:
    """Reads one stream after the other in sequence; several are merged, the oldest sample first.

    While ``is_partial`` (a damaged file is being carried over) nothing older than memory is offered,
    lest a later sample overtake it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self.is_partial = False

    def read(
        self,
        marks: Mapping[str, Mark],
        heads: Mapping[str, Mark],
        memory: Mapping[str, Sequence[Chunk]],
        limit: int,
    ) -> list[Sample]:
        """Up to ``limit`` samples of the streams in ``heads`` above their marks."""
        with self._lock:
            rows = [
                self._rows(stream, marks.get(stream, NONE), memory.get(stream, ()))
                for stream, head in heads.items()
                if above(marks.get(stream, NONE), head.boot, head.seq)
            ]
            if len(rows) == 1:
                return list(islice(rows[0], limit))
            return list(islice(merge(*rows, key=_age), limit))

    def forget(self) -> None:
        """The file was replaced: read the new one from now on."""
        with self._lock:
            self._shelf.forget()

    def _rows(self, stream: str, mark: Mark, memory: Sequence[Chunk]) -> Iterator[Sample]:
        kept = [chunk for chunk in memory if len(chunk)]
        # Where memory begins at or below the mark no file need be asked: so live data costs no read.
        if not kept or above(mark, kept[0].boot, kept[0].first - 1):
            if self.is_partial:
                return
            whole = yield from self._stored(stream, mark, (kept[0].boot, kept[0].first) if kept else None)
            if self._shelf.condemned or not whole:
                return
        for chunk in kept:
            yield from _newer(chunk, mark)

    def _stored(
        self, stream: str, mark: Mark, before: tuple[int, int] | None
    ) -> Generator[Sample, None, bool]:
        """Sealed samples above the mark; returns False where it stops early, among damaged chunks."""
        at, left = mark, DAMAGED_MAX
        while (entry := self._shelf.after(stream, at)) is not None:
            if before is not None and (entry.boot, entry.first) >= before:
                return True
            if entry.chunk is not None:
                yield from _newer(entry.chunk, mark)
            elif not left:
                return False
            else:
                left -= 1
            at = Mark(entry.boot, entry.last)
        return True


def _newer(chunk: Chunk, mark: Mark) -> Iterator[Sample]:
    if chunk.boot > mark.boot:
        yield from chunk.rows()
    elif chunk.boot == mark.boot:
        yield from chunk.rows(max(0, mark.seq + 1 - chunk.first))


def _age(sample: Sample) -> int:
    return sample.taken_utc_ms
