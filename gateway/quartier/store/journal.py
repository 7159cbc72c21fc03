"""The journal in the runtime directory: open samples that a killed process must not lose.

One file per generation, a generation being what one commit takes.  A file is a row of frames:
length · CRC-32 · kind · body.  Frames are appended with one write(2) each, so they outlive the
process at once; the folder is a tmpfs, so no disk is waited for or worn.  Inside a file:
``N`` names and places (JSON: numbers of points and where each stream's sequence starts) and
``S`` samples, numbered by counting on from those places.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier.house.sample import Sample
from quartier.store.chunks import Chunk

_FRAME = struct.Struct("<II")
_COUNT = struct.Struct("<I")
_SAMPLE = "IBdq"
_ONE = struct.Struct("<" + _SAMPLE)
_FRAME_BYTES_MAX = 1 << 26
_PIECE = 64  # samples packed at once; bounds the shapes kept
_SHAPES: dict[int, struct.Struct] = {}


class Journal:
    """Append side.  Errors of the folder are counted in ``failed_count``, never raised.

    ``size_max_bytes`` bounds all generations together; beyond it samples are only in memory.
    """

    def __init__(self, folder: Path, boot: int, size_max_bytes: int) -> None:
        self._folder = folder
        self._boot = boot
        self._size_max_bytes = size_max_bytes
        self._descriptor = -1
        self._sizes: dict[Path, int] = {}
        self.path = folder
        self.size_bytes = 0
        self.generation = 0
        self.failed_count = 0

    def rotate(self) -> None:
        """Start the next generation, at ``path``."""
        self.close()
        self.generation += 1
        self.path = self._folder / f"{self._boot}-{self.generation:08d}.journal"
        self._sizes[self.path] = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, flags, 0o640)
        except OSError:
            self.failed_count += 1

    def append(self, places: dict[str, Any] | None, items: list[Any], texts: list[tuple[int, str]]) -> bool:
        """Write samples, flat (point, kind, value, time_ms) × n, in one write; False when it failed.

        ``places`` = ``{"names": [[point, stream, metric], …], "streams": [[stream, seq], …]}`` for
        what this generation has not named yet; ``seq`` is that of the stream's first sample here.
        """
        if self._descriptor < 0 or self.size_bytes > self._size_max_bytes:
            self.failed_count += 1
            return False
        body = b"S" + _COUNT.pack(len(items) // 4) + _pack(items)
        if texts:
            body += json.dumps(texts).encode()
        block = _FRAME.pack(len(body), zlib.crc32(body)) + body
        if places is not None:
            head = b"N" + json.dumps(places).encode()
            block = _FRAME.pack(len(head), zlib.crc32(head)) + head + block
        return self._write(block)

    def _write(self, block: bytes) -> bool:
        size = self._sizes[self.path]
        try:
            written = os.write(self._descriptor, block)
            if written != len(block):
                os.ftruncate(self._descriptor, size)
        except OSError:
            written = -1
        if written != len(block):
            self.failed_count += 1
            return False
        self._sizes[self.path] = size + written
        self.size_bytes += written
        return True

    def drop(self, path: Path) -> None:
        """Remove a generation that is committed."""
        self.size_bytes -= self._sizes.pop(path, 0)
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what was written stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _pack(items: list[Any]) -> bytes:
    if len(items) <= 4 * _PIECE:
        return _shape(len(items) // 4).pack(*items)
    return b"".join(_pack(items[at : at + 4 * _PIECE]) for at in range(0, len(items), 4 * _PIECE))


def _shape(count: int) -> struct.Struct:
    shape = _SHAPES.get(count)
    if shape is None:
        shape = _SHAPES[count] = struct.Struct("<" + _SAMPLE * count)
    return shape


@dataclass(slots=True)
class Replay:
    """What a generation's file holds: names of its points, and pieces of chunks in the order they began."""

    boot: int
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    pieces: list[Chunk] = field(default_factory=list)
    complete: bool = True

    @property
    def samples(self) -> list[Sample]:
        """All of it, piece by piece."""
        return [sample for piece in self.pieces for sample in piece.rows()]


def files(folder: Path) -> list[Path]:
    """Every journal file there, oldest first."""
    return sorted(folder.glob("*-*.journal"), key=_order)


def file_boot(path: Path) -> int:
    """The boot a journal file belongs to."""
    return _order(path)[0]


def _order(path: Path) -> tuple[int, int]:
    boot, _, generation = path.stem.partition("-")
    return (int(boot), int(generation)) if boot.isdigit() and generation.isdigit() else (0, 0)


def replay(path: Path) -> Replay:
    """Read one file as far as its frames hold; a tail cut by a kill is left out."""
    found = Replay(file_boot(path))
    try:
        content = path.read_bytes()
    except OSError:
        found.complete = False
        return found
    pieces: dict[str, Chunk] = {}
    at = 0
    for body in _frames(content):
        at += _FRAME.size + len(body)
        if not _take(body, found, pieces):
            found.complete = False
            return found
    found.complete = at == len(content)
    return found


def _frames(content: bytes) -> Iterator[bytes]:
    at = 0
    while at + _FRAME.size <= len(content):
        size, crc = _FRAME.unpack_from(content, at)
        body = content[at + _FRAME.size : at + _FRAME.size + size]
        if size == 0 or size > _FRAME_BYTES_MAX or len(body) != size or crc != zlib.crc32(body):
            return
        yield body
        at += _FRAME.size + size


def _take(body: bytes, found: Replay, pieces: dict[str, Chunk]) -> bool:
    try:
        if body[:1] == b"N":
            declared = json.loads(body[1:])
            found.names.update({point: (stream, metric) for point, stream, metric in declared["names"]})
            for stream, seq in declared["streams"]:
                pieces[stream] = Chunk(stream, found.boot, seq, found.names)
                found.pieces.append(pieces[stream])
            return True
        (count,) = _COUNT.unpack_from(body, 1)
        end = 1 + _COUNT.size + count * _ONE.size
        texts = dict(json.loads(body[end:])) if len(body) > end else {}
        for index, (point, kind, value, time_ms) in enumerate(_ONE.iter_unpack(body[1 + _COUNT.size : end])):
            pieces[found.names[point][0]].append(point, kind, value, time_ms, texts.get(index, ""))
    except (ValueError, KeyError, TypeError, struct.error):
        return False
    return True
