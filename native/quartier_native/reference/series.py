"""Times and values of one point as bytes: the specification that the compiled codec equals to the last bit.

Layout: ``Q`` · version 2 · count (varint) · column of times · form byte · exceptions · column of regular
values · CRC-32 of all before, lowest byte first.  With count 0 nothing stands between count and CRC.

The form byte holds the form (bits 0..2, see ``forms``), whether all signs are turned (bit 3) and the decimals
(bits 4..7).  A value that its form cannot give back to the last bit (NaN, infinity, the other zero, an odd
one) is an exception: their runs are counted (varint), each is the number of regular values since the last run
(varint), its length (varint) and the eight bytes of the value, lowest first.
"""

import zlib
from array import array
from collections.abc import Sequence

from quartier_native.reference.blocks import CORRUPT, ByteReader, put_varint
from quartier_native.reference.forms import (
    BITS,
    DECIMALS_MAX,
    bits_of,
    choose,
    join_values,
    mostly_minus,
    split,
)
from quartier_native.reference.integers import decode_column, encode_column

SAMPLE_MAX = 65_536
"""Samples in one call at most, which also bounds what decoding a few bytes can cost."""

_START = b"Q\x02"
_BYTES_MAX = 40 * SAMPLE_MAX + 128


def encode_series(times_ms: Sequence[int], values: Sequence[float]) -> bytes:
    """Pack samples; ``decode_series`` gives every one of them back to the last bit.

    ``times_ms`` are any integers of 64 bits in any order (compact when nearly regular), ``values`` any floats
    (compact in a meter's decimal resolution).  At most 65,536 of each, as many of one as of the other, else
    ValueError; TypeError where something is not a number, OverflowError beyond 64 bits.
    """
    times = array("q", times_ms)
    doubles = array("d", values)
    if len(times) != len(doubles):
        raise ValueError("as many times as values are needed")
    if len(times) > SAMPLE_MAX:
        raise ValueError(f"more than {SAMPLE_MAX} samples")
    out = bytearray(_START)
    put_varint(out, len(times))
    if times:
        out += encode_column(times)
        out += _encode_values(doubles)
    return bytes(out) + zlib.crc32(out).to_bytes(4, "little")


def decode_series(data: bytes) -> tuple["array[int]", "array[float]"]:
    """Unpack what ``encode_series`` gave: times (typecode ``q``) and values (typecode ``d``).

    ValueError for anything else, be it cut, changed or made up.
    """
    data = bytes(memoryview(data))
    if not len(_START) + 5 <= len(data) <= _BYTES_MAX or data[: len(_START)] != _START:
        raise ValueError("not a series")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError(CORRUPT)
    reader = ByteReader(data[len(_START) : -4])
    count = reader.take_varint()
    if count > SAMPLE_MAX:
        raise ValueError(CORRUPT)
    times = array("q", decode_column(reader, count))
    values = _decode_values(reader, count) if count else array("d")
    reader.close()
    return times, values


def _encode_values(doubles: "array[float]") -> bytes:
    count = len(doubles)
    minus = mostly_minus(doubles)
    form, decimals = choose(doubles, 16)
    numbers, runs = split(doubles, form, decimals, minus=minus)
    if 16 * len(runs) > count:
        form, decimals = choose(doubles, 64)
        numbers, runs = split(doubles, form, decimals, minus=minus)
    if 4 * len(runs) > count:
        form, decimals = BITS, 0
        numbers, runs = split(doubles, form, decimals, minus=minus)
    out = bytearray([form | (8 if minus else 0) | decimals << 4])
    put_varint(out, len(runs))
    for gap, length, value_bits in runs:
        put_varint(out, gap)
        put_varint(out, length)
        out += value_bits.to_bytes(8, "little", signed=True)
    return bytes(out) + encode_column(numbers)


def _decode_values(reader: ByteReader, count: int) -> "array[float]":
    code = reader.take(1)[0]
    form, minus, decimals = code & 7, bool(code & 8), code >> 4
    if form > BITS or decimals > DECIMALS_MAX:
        raise ValueError(CORRUPT)
    runs: list[tuple[int, int, int]] = []
    room = count
    for _ in range(reader.take_varint()):
        gap, length = reader.take_varint(), reader.take_varint()
        room -= gap + length
        if room < 0 or length == 0:
            raise ValueError(CORRUPT)
        runs.append((gap, length, int.from_bytes(reader.take(8), "little", signed=True)))
    numbers = decode_column(reader, count - sum(length for _, length, _ in runs))
    values = array("d", bytes(8 * count))
    bits = bits_of(values)
    regular = iter(join_values(numbers, form, decimals, minus=minus))
    at = 0
    for gap, length, value_bits in runs:
        for _ in range(gap):
            bits[at] = next(regular)
            at += 1
        for _ in range(length):
            bits[at] = value_bits
            at += 1
    for value_bits in regular:
        bits[at] = value_bits
        at += 1
    return values
