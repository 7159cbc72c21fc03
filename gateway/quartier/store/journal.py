"""Keep the journal in the runtime directory: open samples that a killed process must not lose.

There is one file per generation, and a generation covers several commits: a file for each commit would cost
more than its content.  A file is a sequence of frames: length · CRC-32 · kind · body.  Each frame is appended
with one write(2), so it outlives the process at once.  The folder is a tmpfs, so no disk is waited for or
worn.  Inside a file:

- ``H`` says that the file was begun: a file without it is damaged, not new;
- ``L`` says how far each stream was numbered before (JSON), so that a missing generation is noticed;
- ``E`` says that the next generation was begun, so that a missing newest one is noticed too;
- ``N`` has names and places (JSON: numbers of points and where each stream's sequence starts);
- ``S`` has samples with one time, numbered by counting on from those places: their time and count, then
  columns of points, kinds and values, then texts (JSON).
"""

import json
import os
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from quartier.site.samples import Sample
from quartier.store.chunks import Chunk
from quartier.store.history_file.commit_log import read_file

_FRAME_FORMAT = struct.Struct("<II")
_MOMENT_FORMAT = struct.Struct("<cqI")
_FRAME_BYTES_MAX = 1 << 26
_GENERATION_BYTES = 128 * 1024
_PAGE_BYTES = 4096  # the smallest page size on Linux
_FILE_MODE, _TORN_FILE_MODE = 0o640, 0o600

Columns = tuple["array[int]", "array[int]", "array[float]"]  # points, kinds, values


class Journal:
    """The append side.  Errors of the folder are counted in ``failed_count``, never raised.

    ``size_max_bytes`` limits all generations together; beyond it samples are only in memory.
    """

    def __init__(self, folder: Path, boot: int, size_max_bytes: int) -> None:
        self._folder = folder
        self._boot = boot
        self._size_max_bytes = size_max_bytes
        self._descriptor = -1
        self._sizes: dict[Path, int] = {}  # of earlier generations
        self._size = 0
        self.path = folder
        self.size_bytes = 0
        self.generation = 0
        self.failed_count = 0
        self._has_hole = False

    def rotate(self, lasts: Mapping[str, int] | None = None) -> None:
        """Start the next generation, at ``path``; ``lasts`` is how far each stream is numbered."""
        before = self._descriptor
        self._sizes[self.path] = self._size
        self.generation += 1
        self.path = self._folder / f"{self._boot}-{self.generation:08d}.journal"
        self._descriptor, self._size = -1, 0
        self._has_hole = False
        is_begun = self._begin(
            _HEAD_FRAME + (_make_frame(b"L" + json.dumps(lasts).encode()) if lasts else b"")
        )
        if before >= 0:
            with suppress(OSError):
                if is_begun:
                    os.write(before, _END_FRAME)
                else:  # a generation that was never begun cannot show what it misses
                    os.fchmod(before, _TORN_FILE_MODE)
            os.close(before)

    def _begin(self, head: bytes) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        fresh = self._folder / "next"  # named once it has its head: a kill between the two is no damage
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(fresh, flags, _FILE_MODE)
            is_written = self._write(head)
            fresh.replace(self.path)
        except OSError:
            self.failed_count += 1
            return False
        return is_written

    @property
    def is_done(self) -> bool:
        """True if the next generation is due: this file is large, had a failed write, or was removed."""
        if self._descriptor < 0 or self._has_hole or self._size >= _GENERATION_BYTES:
            return True
        return os.fstat(self._descriptor).st_nlink == 0

    def append(self, head: bytes, time_ms: int, columns: Columns, texts: Sequence[tuple[int, str]]) -> bool:
        """Write samples with one time, as points, kinds and values, in one write; return False if it failed.

        ``head`` is the result of ``make_places_frame`` for what this generation has not named yet.
        """
        if self._descriptor < 0 or self.size_bytes > self._size_max_bytes:
            return self._note_failure()
        body = b"".join((_MOMENT_FORMAT.pack(b"S", time_ms, len(columns[0])), *columns))
        if texts:
            body += json.dumps(texts).encode()
        return self._write(head + _make_frame(body))

    def _write(self, block: bytes) -> bool:
        try:
            written = os.write(self._descriptor, block)
            if written != len(block):
                os.ftruncate(self._descriptor, self._size)
        except OSError:
            written = -1
        if written != len(block):
            return self._note_failure()
        self._size += written
        self.size_bytes += written
        return True

    def _note_failure(self) -> bool:
        """Count a failure, and mark the file by its mode, which works even on a full disk.

        The mark counts if the process is killed before the next commit.
        """
        self.failed_count += 1
        if self._descriptor >= 0 and not self._has_hole:
            with suppress(OSError):
                os.fchmod(self._descriptor, _TORN_FILE_MODE)
        self._has_hole = True
        return False

    def drop(self, path: Path) -> None:
        """Remove a generation that is committed."""
        if path == self.path:
            self.size_bytes, self._size = self.size_bytes - self._size, 0
        self.size_bytes -= self._sizes.pop(path, 0)
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; its content stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def list_names(names: Iterable[tuple[int, str, str]]) -> str:
    """Return names for ``make_places_frame``: numbers, streams and metrics of points."""
    return json.dumps(list(names))


def make_places_frame(names: str, streams: Iterable[tuple[str, int]]) -> bytes:
    """Make the frame that names points and gives the sequence of each stream's next sample."""
    return _make_frame(f'N{{"names": {names}, "streams": {json.dumps(list(streams))}}}'.encode())


def _make_frame(body: bytes) -> bytes:
    return _FRAME_FORMAT.pack(len(body), zlib.crc32(body)) + body


_HEAD_FRAME, _END_FRAME = _make_frame(b"H"), _make_frame(b"E")


@dataclass(slots=True)
class JournalContents:
    """The content of a generation's file: names of its points, and pieces of chunks in order of their start.

    ``lasts``: how far each stream was numbered when it began.  ``is_followed``: the next generation was
    begun.
    """

    boot: int
    generation: int = 0
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    pieces: list[Chunk] = field(default_factory=list)
    lasts: dict[str, int] = field(default_factory=dict)
    complete: bool = True
    is_followed: bool = False

    @property
    def samples(self) -> list[Sample]:
        """All samples, piece by piece."""
        return [sample for piece in self.pieces for sample in piece.rows()]


def list_journal_files(folder: Path) -> list[Path]:
    """Return every journal file in a folder, oldest first."""
    return sorted(folder.glob("*-*.journal"), key=_find_order)


def find_journal_boot(path: Path) -> int:
    """Return the boot of a journal file."""
    return _find_order(path)[0]


def _find_order(path: Path) -> tuple[int, int]:
    boot, _, generation = path.stem.partition("-")
    return (int(boot), int(generation)) if boot.isdigit() and generation.isdigit() else (0, 0)


def read_journal(path: Path) -> JournalContents:
    """Read one file as far as its frames hold; leave out an end that a kill cut off.

    It is not complete if it is cut (except by a kill), damaged, or marked as lacking samples.  Raises OSError
    as ``read_file``.
    """
    found = JournalContents(*_find_order(path))
    content = read_file(path)
    if content is None:
        found.complete = False
        return found
    is_torn = path.stat().st_mode & 0o777 == _TORN_FILE_MODE
    pieces: dict[str, Chunk] = {}
    at = 0
    for body in _read_frames(content):
        at += _FRAME_FORMAT.size + len(body)
        if not _read_frame(body, found, pieces):
            found.complete = False
            return found
    found.complete = (at == len(content) > 0 or _is_killed(content, at)) and not is_torn
    return found


def _is_killed(content: bytes, at: int) -> bool:
    """Return whether a kill stopped the last write, which the kernel does only between two pages.

    Nobody was told of the samples in such a frame.
    """
    size = (
        _FRAME_FORMAT.unpack_from(content, at)[0]
        if at + _FRAME_FORMAT.size <= len(content)
        else _FRAME_BYTES_MAX
    )
    return len(content) % _PAGE_BYTES == 0 and at < len(content) < at + _FRAME_FORMAT.size + size


def _read_frames(content: bytes) -> Iterator[bytes]:
    at = 0
    while at + _FRAME_FORMAT.size <= len(content):
        size, crc = _FRAME_FORMAT.unpack_from(content, at)
        body = content[at + _FRAME_FORMAT.size : at + _FRAME_FORMAT.size + size]
        if size == 0 or size > _FRAME_BYTES_MAX or len(body) != size or crc != zlib.crc32(body):
            return
        yield body
        at += _FRAME_FORMAT.size + size


def _read_frame(body: bytes, found: JournalContents, pieces: dict[str, Chunk]) -> bool:
    try:
        if body == b"H":
            return True
        if body == b"E":
            found.is_followed = True
            return True
        if body[:1] == b"L":
            found.lasts = {str(stream): int(last) for stream, last in json.loads(body[1:]).items()}
            return True
        if body[:1] == b"N":
            declared = json.loads(body[1:])
            found.names.update({point: (stream, metric) for point, stream, metric in declared["names"]})
            for stream, seq in declared["streams"]:
                pieces[stream] = Chunk(stream, found.boot, seq, found.names)
                found.pieces.append(pieces[stream])
            return True
        _read_moment(body, found, pieces)
    except (ValueError, KeyError, TypeError, OverflowError, struct.error):
        return False
    return True


def _read_moment(body: bytes, found: JournalContents, pieces: dict[str, Chunk]) -> None:
    _, time_ms, count = _MOMENT_FORMAT.unpack_from(body)
    points, kinds, values = columns = array("I"), array("B"), array("d")
    at = _MOMENT_FORMAT.size
    for column in columns:
        size = column.itemsize * count
        column.frombytes(body[at : at + size])
        at += size
    if not len(points) == len(kinds) == len(values) == count:
        raise ValueError("cut short")
    texts = json.loads(body[at:]) if len(body) > at else []
    start = 0
    for stream, run in groupby(found.names[point][0] for point in points):
        stop = start + len(list(run))
        inside = [(index - start, text) for index, text in texts if start <= index < stop]
        pieces[stream].take(points[start:stop], kinds[start:stop], values[start:stop], time_ms, inside)
        start = stop
