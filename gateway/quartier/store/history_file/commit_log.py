"""Append what commits add to open chunks, and know which part sealed chunks cover.

A row of SQLite's own takes twice the CPU and more bytes, for its log is two writes a page.  A frame: ``QF`` ·
length · CRC-32 of the length and what follows · a tail (``chunks.py``).  A file is never added to after it
was closed or something failed in it: whatever stands at its end, what comes later is in a file of its own.
A file goes once all in it stands in sealed chunks.
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
    """Of samples of chunks."""
    return {(chunk.boot, chunk.stream): chunk.first + stop - 1 for chunk, _, stop in parts}


def is_covered(of_tail: Mapping[tuple[int, str], int], sealed: Mapping[tuple[int, str], int]) -> bool:
    """Return whether all of a tail stands in sealed chunks."""
    return all(sealed.get(key, 0) >= last for key, last in of_tail.items())


class TailCoverage:
    """That of each file of the log.

    A commit adds to it and nobody asks before chunks are sealed, so what was added last is worked out then.
    """

    def __init__(self) -> None:
        self._files: dict[int, LastSequences] = {}
        self._added: dict[Chunk, int] = {}  # to the newest file: up to which sample of each chunk
        self._newest = 0

    def begin(self, files: dict[int, LastSequences]) -> None:
        """What the files hold that are there; what is added now goes into a new one."""
        self._files = files
        self._added.clear()

    def add(self, number: int, parts: Iterable[ChunkPart]) -> None:
        """These samples now stand in that file, the newest."""
        if number != self._newest:
            self.find_coverage()
            self._newest = number
        added = self._added
        for chunk, _, stop in parts:
            added[chunk] = stop

    def find_coverage(self) -> Mapping[int, LastSequences]:
        """Each file's, by its number."""
        if self._added:
            parts = ((chunk, 0, stop) for chunk, stop in self._added.items())
            self._files.setdefault(self._newest, {}).update(find_lasts(parts))
            self._added.clear()
        return self._files

    def forget(self, number: int) -> None:
        """The file is gone."""
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
        self._unmended: list[tuple[int, int]] = []  # files, and to what size

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(self._sizes.values())

    def size_of(self, numbers: Iterable[int]) -> int:
        """Bytes of some of them."""
        return sum(self._sizes.get(number, 0) for number in numbers)

    @property
    def is_gone(self) -> bool:
        """Return whether somebody removed the open file."""
        return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0

    def begin(self) -> dict[int, tuple[list[bytes], bool]]:
        """Return the contents of the files by number, as ``read_log_file`` has them; start a new file."""
        self.close()
        found = {}
        self._sizes.clear()
        for number, file in list_log_files(self._path):
            found[number] = read_log_file(file)
            self._sizes[number] = file.stat().st_size
            self._number = max(self._number, number)
        return found

    def append(self, body: bytes) -> int:
        """Make one tail durable; returns the number of its file."""
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
        """Cut off what failed calls left at the ends of files; what the disk does not let go now waits."""
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
        """Remove a file that is not added to any more; False where the disk does not let it go."""
        try:
            _make_path(self._path, number).unlink(missing_ok=True)
        except OSError:
            return False
        self._sizes.pop(number, None)
        return True

    @property
    def number(self) -> int:
        """That of the file which is added to; 0 while there is none."""
        return self._number if self._descriptor >= 0 else 0

    def close(self) -> None:
        """Let the file go; what was added stays."""
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
    """The files beside the history at ``path``, oldest first."""
    found = []
    for file in path.parent.glob(f"{path.name}{_NAME_MARK}*"):
        text = file.name.removeprefix(path.name + _NAME_MARK)
        if text.isdecimal():
            found.append((int(text), file))
    return sorted(found)


def move_log_files(path: Path, aside: Path) -> None:
    """Rename the files of the history at ``path`` to those of ``aside``.  Raises OSError."""
    for number, file in list_log_files(path):
        file.rename(_make_path(aside, number))


def remove_log_files(path: Path) -> None:
    """Remove the files of the history at ``path``.  Raises OSError."""
    for _, file in list_log_files(path):
        file.unlink(missing_ok=True)


def is_log_file(name: str) -> bool:
    """Return whether a file of this name is one of ours."""
    return _NAME_MARK in name


def read_log_file(file: Path) -> tuple[list[bytes], bool]:
    """The tails in a file as far as their checksums hold, and whether that was all of it.

    Behind a frame that is damaged the next sound one is looked for.  Raises OSError as ``read_file``.
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
    """Return the content of a file; None where it cannot be read.

    Raises OSError where it can be read another time, since no descriptor or memory is left now.
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
