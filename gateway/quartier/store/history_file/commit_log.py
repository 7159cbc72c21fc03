"""Append to files what commits add to open chunks, and know which part sealed chunks cover.

A row in SQLite would take twice the CPU and more bytes, because its log makes two writes per page.  A frame:
``QF`` · length · CRC-32 of the length and what follows · a tail (``chunks.py``).  A file is never appended to
after it was closed or a write to it failed: whatever is at its end, later frames go into a new file.  A file
is removed once sealed chunks hold everything in it.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from quartier.store.chunks import Chunk, ChunkPart

LastSequences = dict[tuple[int, str], int]
"""The last sequence per (boot, stream)."""


def find_lasts(parts: Iterable[ChunkPart]) -> LastSequences:
    """Return the last sequence per (boot, stream) of parts of chunks."""
    return {(chunk.boot, chunk.stream): chunk.first + stop - 1 for chunk, _, stop in parts}


def is_covered(of_tail: Mapping[tuple[int, str], int], sealed: Mapping[tuple[int, str], int]) -> bool:
    """Return whether sealed chunks hold everything in a tail."""
    return all(sealed.get(key, 0) >= last for key, last in of_tail.items())


class TailCoverage:
    """The last sequences in each file of the log.

    Every commit adds to it, but it is queried only when chunks are sealed, so the latest additions are
    evaluated then.
    """

    def __init__(self) -> None:
        self._files: dict[int, LastSequences] = {}
        self._added: dict[Chunk, int] = {}  # in the newest file: up to which sample of each chunk
        self._newest = 0

    def begin(self, files: dict[int, LastSequences]) -> None:
        """Set the contents of the existing files; later additions go into a new one."""
        self._files = files
        self._added.clear()

    def add(self, number: int, parts: Iterable[ChunkPart]) -> None:
        """Note that the newest file, ``number``, now holds these samples."""
        if number != self._newest:
            self.find_coverage()
            self._newest = number
        added = self._added
        for chunk, _, stop in parts:
            added[chunk] = stop

    def find_coverage(self) -> Mapping[int, LastSequences]:
        """Return the last sequences of each file, by its number."""
        if self._added:
            parts = ((chunk, 0, stop) for chunk, stop in self._added.items())
            self._files.setdefault(self._newest, {}).update(find_lasts(parts))
            self._added.clear()
        return self._files

    def forget(self, number: int) -> None:
        """Forget a file that was removed."""
        del self._files[number]


_FRAME_FORMAT = struct.Struct("<2sII")
_LENGTH_FORMAT = struct.Struct("<I")
_MAGIC = b"QF"
_BODY_MAX = 1 << 26
_LOG_FILE_BYTES = 128 * 1024
_NAME_MARK = "-tail."
_PASSING_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.EINTR}


class CommitLog:
    """The append side, for the writer's thread.  Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._size = 0
        self._sizes: dict[int, int] = {}
        self._number = 0
        self._unmended: list[tuple[int, int]] = []  # files, and the size to cut them to

    @property
    def size_bytes(self) -> int:
        """The size of all files together, in bytes."""
        return sum(self._sizes.values())

    def size_of(self, numbers: Iterable[int]) -> int:
        """Return the size of some files, in bytes."""
        return sum(self._sizes.get(number, 0) for number in numbers)

    @property
    def is_gone(self) -> bool:
        """True if somebody removed the open file."""
        return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0

    def begin(self) -> dict[int, tuple[list[bytes], bool]]:
        """Return the contents of the files by number, each as from ``read_log_file``; start a new file."""
        self.close()
        found = {}
        self._sizes.clear()
        for number, file in list_log_files(self._path):
            found[number] = read_log_file(file)
            self._sizes[number] = file.stat().st_size
            self._number = max(self._number, number)
        return found

    def append(self, body: bytes) -> int:
        """Make one tail durable; return the number of its file."""
        if self._descriptor < 0 or self._size >= _LOG_FILE_BYTES:
            self._open()
        frame = _make_frame(body)
        try:
            _write_frame(self._descriptor, frame)
            os.fdatasync(self._descriptor)
        except OSError:
            self._unmended.append((self._number, self._size))
            self.repair()
            self.close()
            raise
        self._size += len(frame)
        self._sizes[self._number] = self._size
        return self._number

    def repair(self) -> None:
        """Cut off what failed writes left at the ends of files; a file that the disk refuses now waits."""
        while self._unmended:
            number, size = self._unmended[-1]
            try:
                os.truncate(_make_path(self._path, number), size)
            except FileNotFoundError:
                pass
            except OSError:
                return
            self._unmended.pop()

    def drop(self, number: int) -> bool:
        """Remove a file that is complete; return False if the disk refuses."""
        try:
            _make_path(self._path, number).unlink(missing_ok=True)
        except OSError:
            return False
        self._sizes.pop(number, None)
        return True

    @property
    def number(self) -> int:
        """The number of the file that is appended to; 0 if there is none."""
        return self._number if self._descriptor >= 0 else 0

    def close(self) -> None:
        """Close the file; its content stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self.close()
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(_make_path(self._path, self._number), flags, 0o644)
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                _make_path(self._path, self._number).unlink()
            raise
        self._descriptor, self._size = descriptor, 0
        self.repair()


def list_log_files(path: Path) -> list[tuple[int, Path]]:
    """Return number and path of each log file of the history at ``path``, oldest first."""
    found = []
    for file in path.parent.glob(f"{path.name}{_NAME_MARK}*"):
        text = file.name.removeprefix(path.name + _NAME_MARK)
        if text.isdecimal():
            found.append((int(text), file))
    return sorted(found)


def move_log_files(path: Path, aside: Path) -> None:
    """Rename the log files of the history at ``path`` to those of ``aside``.  Raises OSError."""
    for number, file in list_log_files(path):
        file.rename(_make_path(aside, number))


def remove_log_files(path: Path) -> None:
    """Remove the log files of the history at ``path``.  Raises OSError."""
    for _, file in list_log_files(path):
        file.unlink(missing_ok=True)


def is_log_file(name: str) -> bool:
    """Return whether a file of this name is a log file."""
    return _NAME_MARK in name


def read_log_file(file: Path) -> tuple[list[bytes], bool]:
    """Return the sound tails in a file, and whether they are all of it.

    After a damaged frame the next sound one is searched for.  Raises OSError as ``read_file``.
    """
    content = read_file(file)
    if content is None:
        return [], False
    found, at, is_whole = [], 0, True
    while at < len(content):
        body = _read_body(content, at)
        if body is None:
            is_whole = False
            at = content.find(_MAGIC, at + 1)
            if at < 0:
                break
        else:
            found.append(body)
            at += _FRAME_FORMAT.size + len(body)
    return found, is_whole


def read_file(file: Path) -> bytes | None:
    """Return the content of a file; None if it cannot be read.

    Raises OSError if it may be readable later, because no descriptor or memory is left now.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        if error.errno in _PASSING_ERRORS:
            raise
        return None


def _write_frame(descriptor: int, frame: bytes) -> None:
    if os.write(descriptor, frame) != len(frame):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _make_path(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}{_NAME_MARK}{number}")


def _make_frame(body: bytes) -> bytes:
    return _FRAME_FORMAT.pack(_MAGIC, len(body), _find_crc(body)) + body


def _find_crc(body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_LENGTH_FORMAT.pack(len(body))))


def _read_body(content: bytes, at: int) -> bytes | None:
    if len(content) - at < _FRAME_FORMAT.size:
        return None
    magic, size, crc = _FRAME_FORMAT.unpack_from(content, at)
    start = at + _FRAME_FORMAT.size
    if magic != _MAGIC or size > min(_BODY_MAX, len(content) - start):
        return None
    body = content[start : start + size]
    return body if _find_crc(body) == crc else None
