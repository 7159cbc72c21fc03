"""Hold consecutive samples of one stream, in memory as open chunks and as bytes when sealed.

A sealed chunk contains its own key and a CRC-32, so that an altered row of the database is noticed and never
used.  Layout, little-endian: ``QC`` · version · CRC-32 of what follows · boot, first sequence, count, oldest
and newest time · stream · metrics · the order in which they alternate · kinds · texts · one series per metric
(`quartier_native`).

A tail is the same for the samples that one commit adds to all open chunks: ``QT`` · version · CRC-32 · boot ·
one (first sequence, count) per chunk · texts · one series of points and kinds, one of times and values.
"""

import json
import struct
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from quartier.site.samples import PointNames, Sample, SampleBlock
from quartier.store.sample_columns import SampleTimes
from quartier_drivers.readings import TEXT
from quartier_native import decode_series, encode_series, gather, join_strands, part_strands

CHUNK_COUNT_MAX = 16_384  # samples in one chunk
SAMPLES_COUNT_MAX = 65_536  # samples that the codec accepts at once; more means damage
# Samples of one tail: its columns of 32 KiB fit into memory that the process has.  Larger ones get new memory
# from the system, page by page, for each commit, which takes five times as long as packing them.
TAIL_COUNT_MAX = 4096

_HEAD_FORMAT = struct.Struct("<2sBxI")
_KEY_FORMAT = struct.Struct("<QQIqq")
_TAIL_FORMAT = struct.Struct("<QIH")
_SHORT_FORMAT = struct.Struct("<H")
_LONG_FORMAT = struct.Struct("<I")
_BLOCK_FORMAT = struct.Struct("<QII")
_VERSION = 2
_TEXT_BYTES_MAX = 1 << 26

_T = TypeVar("_T")


class DamagedBytes(ValueError):  # noqa: N818 - a state of the bytes, named as the house names it
    """These bytes are not the ones that were written."""


@dataclass(slots=True, eq=False)
class Chunk:
    """A run of samples of one stream with consecutive sequences, in columns.

    The loop appends, and any thread may read: a sample exists once its time does, which is added last.
    ``points`` are numbers in the boot's table of names.  The first ``committed`` samples are on disk.
    """

    stream: str
    boot: int
    first: int
    names: PointNames
    committed: int = 0
    points: "array[int]" = field(default_factory=lambda: array("I"))
    kinds: "array[int]" = field(default_factory=lambda: array("B"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    times: SampleTimes = field(default_factory=SampleTimes)
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def last(self) -> int:
        """The newest sequence; ``first - 1`` while empty."""
        return self.first + len(self.times) - 1

    def append(self, point: int, kind: int, value: float, time_ms: int, text: str = "") -> None:
        """Add one sample; ``text`` is the value for the kinds TEXT and BIG, where ``value`` is 0."""
        if kind & 15 >= TEXT:
            self.texts[len(self.times)] = text
        self.points.append(point)
        self.kinds.append(kind)
        self.values.append(value)
        self.times.append(time_ms)

    def take(
        self,
        points: "array[int]",
        kinds: "array[int]",
        values: "array[float]",
        time_ms: int,
        texts: Iterable[tuple[int, str]] = (),
    ) -> None:
        """Add samples with one time; ``texts`` by their index among these."""
        for index, text in texts:
            self.texts[len(self.times) + index] = text
        self.points.extend(points)
        self.kinds.extend(kinds)
        self.values.extend(values)
        self.times.append(time_ms, len(points))

    def cut(self, count: int) -> None:
        """Drop all but the first ``count`` samples."""
        self.times.cut(count)
        del self.values[count:], self.kinds[count:], self.points[count:]
        for index in [index for index in self.texts if index >= count]:
            del self.texts[index]

    def extend(self, other: "Chunk", start: int, stop: int | None = None) -> None:
        """Add samples of another chunk by index; both must use the same table of names."""
        end = len(other.times) if stop is None else stop
        if other.texts:
            shift = len(self.times) - start
            self.texts.update({at + shift: text for at, text in other.texts.items() if start <= at < end})
        self.points += other.points[start:end]
        self.kinds += other.kinds[start:end]
        self.values += other.values[start:end]
        self.times.extend(other.times[start:end])

    def run(self, start: int = 0, stop: int | None = None) -> SampleBlock:
        """Return a copy of samples by index in the chunk; later appends do not change it."""
        end = len(self.times) if stop is None else min(stop, len(self.times))
        texts = self.texts
        if len(texts) > end - start:
            texts = {at - start: texts[at] for at in range(start, end) if at in texts}
        elif texts:
            texts = {at - start: text for at, text in texts.items() if start <= at < end}
        return SampleBlock(
            self.stream,
            self.boot,
            self.first + start,
            self.names,
            self.points[start:end],
            self.kinds[start:end],
            self.values[start:end],
            self.times[start:end],
            texts,
        )

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """Return samples by index in the chunk, in sequence."""
        return self.run(start, stop).rows()

    def seal(self) -> bytes:
        """Return the whole chunk as bytes."""
        times = self.times[:]
        order, steps, strands = part_strands(self.points, times, self.values)
        parts = [
            _KEY_FORMAT.pack(self.boot, self.first, len(times), *self.times.span()),
            _pack_name(self.stream),
            _SHORT_FORMAT.pack(len(order)),
            *(_pack_name(self.names[point][1]) for point in order),
            _pack_section(_deflate(steps)),
            _pack_section(_deflate(self.kinds.tobytes())),
            _pack_texts(sorted(self.texts.items())),
            *(_pack_section(encode_series(times, values)) for times, values in strands),
        ]
        return _add_frame(b"QC", b"".join(parts))


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """The key that a sealed chunk contains; it is compared with the row of the chunk."""

    stream: str
    boot: int
    first: int
    count: int
    from_utc_ms: int
    to_utc_ms: int


def read_sealed_key(body: bytes) -> ChunkKey:
    """Read only the key of a sealed chunk, after verifying its checksum.  Raises DamagedBytes."""
    return _read_checked(body, _read_key)


def unseal(body: bytes) -> Chunk:
    """Return the chunk as it was when sealed.  Raises DamagedBytes if any byte has changed."""
    return _read_checked(body, _read_chunk)


def _read_checked(body: bytes, take: "Callable[[_Cursor], _T]", magic: bytes = b"QC") -> "_T":
    try:
        return take(_Cursor(_remove_frame(magic, body)))
    except (struct.error, UnicodeDecodeError, zlib.error, ValueError, IndexError, OverflowError) as error:
        raise DamagedBytes(str(error)) from error


def _read_key(cursor: "_Cursor") -> ChunkKey:
    boot, first, count, from_ms, to_ms = cursor.unpack(_KEY_FORMAT)
    if count > SAMPLES_COUNT_MAX:
        raise DamagedBytes(f"{count} samples in one chunk")
    return ChunkKey(cursor.name(), boot, first, count, from_ms, to_ms)


def _read_chunk(cursor: "_Cursor") -> Chunk:
    key = _read_key(cursor)
    metrics = [cursor.name() for _ in range(cursor.unpack(_SHORT_FORMAT)[0])]
    chunk = Chunk(key.stream, key.boot, key.first, [(key.stream, metric) for metric in metrics])
    width = 1 if len(metrics) <= 256 else 2
    steps = _inflate(cursor.section(), width * key.count)
    chunk.kinds = array("B", _inflate(cursor.section(), key.count))
    chunk.texts = _unpack_texts(cursor.section())
    strands = [decode_series(cursor.section()) for _ in metrics]
    chunk.points, times, chunk.values = join_strands(steps, strands)
    chunk.times = SampleTimes(times)
    chunk.committed = key.count
    return chunk


def pack_tail(parts: Sequence[tuple[Chunk, int, int]]) -> bytes:
    """Pack what one commit adds: samples start to stop (exclusive) of each chunk, all of one boot."""
    columns = []
    texts: list[tuple[int, str]] = []
    count = 0
    for chunk, start, stop in parts:
        if chunk.texts:
            shift = count - start
            texts += [(at + shift, chunk.texts[at]) for at in sorted(chunk.texts) if start <= at < stop]
        moments, ends = chunk.times.columns
        columns.append((chunk.points, chunk.kinds, chunk.values, moments, ends, chunk.first, start, stop))
        count += stop - start
    blocks, points, kinds, times, values = gather(columns)
    return _add_frame(
        b"QT",
        b"".join(
            (
                _TAIL_FORMAT.pack(parts[0][0].boot, count, len(parts)),
                blocks,
                _pack_texts(texts),
                _pack_section(encode_series(points, kinds)),
                _pack_section(encode_series(times, values)),
            )
        ),
    )


ChunkPart = tuple[Chunk, int, int]  # a chunk with start and stop (exclusive) of its samples


def split_parts(parts: Sequence[ChunkPart], count_max: int = TAIL_COUNT_MAX) -> Iterator[list[ChunkPart]]:
    """Split the samples into groups of at most ``count_max``, each small enough for one tail."""
    group: list[ChunkPart] = []
    room = count_max
    for chunk, begin, stop in parts:
        start = begin
        while start < stop:
            size = min(room, stop - start)
            group.append((chunk, start, start + size))
            start, room = start + size, room - size
            if not room:
                yield group
                group, room = [], count_max
    if group:
        yield group


def unpack_tail(body: bytes, names: Mapping[int, PointNames]) -> list[Chunk]:
    """Return the samples of one tail, a piece of a chunk for each stream; ``names`` by boot.

    Pieces of streams that ``names`` does not contain are left out.  Raises DamagedBytes.
    """
    return _read_checked(body, partial(_read_tail, names=names), b"QT")


def read_tail_lasts(body: bytes, names: Mapping[int, PointNames]) -> dict[tuple[int, str], int]:
    """Read the last sequence in a tail per (boot, stream), from its head alone.  Raises DamagedBytes."""
    return _read_checked(body, partial(_read_lasts, names=names), b"QT")


def read_tail_boot(body: bytes) -> int:
    """Read the boot of a tail's samples, from its head alone.  Raises DamagedBytes."""
    return _read_checked(body, lambda cursor: int(cursor.unpack(_TAIL_FORMAT)[0]), b"QT")


def _read_blocks(
    cursor: "_Cursor", names: Mapping[int, PointNames]
) -> tuple[int, int, list[tuple[str, int, int]]]:
    """Read boot, count, and per block its stream (empty if unknown), first sequence and size."""
    boot, count, blocks = cursor.unpack(_TAIL_FORMAT)
    if count > SAMPLES_COUNT_MAX:
        raise DamagedBytes(f"{count} samples in one tail")
    known = names.get(boot, {})
    found = []
    for first, size, point in [cursor.unpack(_BLOCK_FORMAT) for _ in range(blocks)]:
        try:
            found.append((known[point][0], first, size))
        except LookupError:
            found.append(("", first, size))
    return boot, count, found


def _read_lasts(cursor: "_Cursor", names: Mapping[int, PointNames]) -> dict[tuple[int, str], int]:
    boot, _, blocks = _read_blocks(cursor, names)
    return {(boot, stream): first + size - 1 for stream, first, size in blocks if stream}


def _read_tail(cursor: "_Cursor", names: Mapping[int, PointNames]) -> list[Chunk]:
    boot, count, blocks = _read_blocks(cursor, names)
    whole = Chunk("", boot, 1, names.get(boot, {}))
    whole.texts = _unpack_texts(cursor.section())
    points, kinds = decode_series(cursor.section())
    whole.points, whole.kinds = array("I", points), array("B", map(int, kinds))
    times, whole.values = decode_series(cursor.section())
    whole.times = SampleTimes(times)
    if not len(whole.points) == len(whole.times) == count or sum(size for _, _, size in blocks) != count:
        raise DamagedBytes("blocks and samples differ in number")
    pieces = []
    start = 0
    for stream, first, size in blocks:
        if stream:
            piece = Chunk(stream, boot, first, names[boot])
            piece.extend(whole, start, start + size)
            pieces.append(piece)
        start += size
    return pieces


class _Cursor:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._content[self._at : self._at + size]
        if len(taken) != size:
            raise DamagedBytes("cut short")
        self._at += size
        return taken

    def unpack(self, shape: struct.Struct) -> tuple[Any, ...]:
        return shape.unpack(self.take(shape.size))

    def name(self) -> str:
        return self.take(self.unpack(_SHORT_FORMAT)[0]).decode()

    def section(self) -> bytes:
        return self.take(self.unpack(_LONG_FORMAT)[0])


def _add_frame(magic: bytes, content: bytes) -> bytes:
    return _HEAD_FORMAT.pack(magic, _VERSION, zlib.crc32(content)) + content


def _remove_frame(magic: bytes, body: bytes) -> bytes:
    found, version, crc = _HEAD_FORMAT.unpack_from(body)
    content = body[_HEAD_FORMAT.size :]
    if found != magic or version != _VERSION:
        raise DamagedBytes(f"starts with {found!r} version {version}")
    if crc != zlib.crc32(content):
        raise DamagedBytes("checksum")
    return content


def _deflate(plain: bytes) -> bytes:
    """Compress by run lengths only: steps and kinds contain little else, and it takes a tenth of the time."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(plain) + packer.flush()


def _inflate(packed: bytes, size: int) -> bytes:
    plain = zlib.decompressobj().decompress(packed, size + 1)
    if len(plain) != size:
        raise DamagedBytes(f"{len(plain)} bytes where {size} were expected")
    return plain


def _pack_name(name: str) -> bytes:
    encoded = name.encode()
    return struct.pack("<H", len(encoded)) + encoded


def _pack_section(packed: bytes) -> bytes:
    return struct.pack("<I", len(packed)) + packed


def _pack_texts(texts: Iterable[tuple[int, str]]) -> bytes:
    found = list(texts)
    return _pack_section(zlib.compress(json.dumps(found).encode(), 6) if found else b"")


def _unpack_texts(packed: bytes) -> dict[int, str]:
    if not packed:
        return {}
    return dict(json.loads(zlib.decompressobj().decompress(packed, _TEXT_BYTES_MAX)))
