"""Times and values of one point as bytes: the specification that the compiled codec equals to the last bit.

Layout: ``Q`` · version 1 · count (varint) · column of times · form byte · exceptions · column of regular
values · CRC-32 of all before, lowest byte first.  With count 0 nothing stands between count and CRC.

A meter counts in decimals, so its values are kept as whole numbers of its last digit.  The form byte tells
how a value comes from such a number m (bits 0..2), whether m = 0 is -0.0 (bit 3), the decimals k (bits 4..7):

0. ``m / 10**k``
1. ``m * 10**-k``, what a driver computes that multiplies by a scale
2. ``m / 10**k`` rounded to float32, what a meter with float registers sends
3. m are the bits of a float32, in numeric order
4. m are the bits of a float64, in numeric order

A value that its form cannot give back to the last bit (NaN, infinity, the other zero, an odd one) is an
exception: their runs are counted (varint), each is the number of regular values since the last run (varint),
its length (varint) and the eight bytes of the value, lowest first.
"""

import math
import struct
import zlib
from array import array
from collections.abc import Iterable, Sequence

from quartier_native.reference.integers import decode_column, encode_column
from quartier_native.reference.varints import CORRUPT, ByteReader, put_varint

SAMPLE_MAX = 65_536
"""Samples in one call at most, which also bounds what decoding a few bytes can cost."""

_START = b"Q\x01"
_BYTES_MAX = 40 * SAMPLE_MAX + 128
_DIVIDED, _MULTIPLIED, _SINGLE, _SINGLE_BITS, _BITS = range(5)
_DECIMALS_MAX = 9
_TENS = tuple(10.0**decimals for decimals in range(_DECIMALS_MAX + 1))
_TENTHS = tuple(float(f"1e-{decimals}") for decimals in range(_DECIMALS_MAX + 1))
_INTEGER_MAX = float(1 << 51)
_ROUNDER = 1.5 * (1 << 52)  # adding and taking it away rounds to a whole number, half to even
_SINGLE_MAX = 3.4028234663852886e38
_MINUS_ZERO = -(1 << 63)

# Rough prices, a decimal more is 1: an exception, and a value in each of the two bit forms.
_EXCEPTION_PRICE, _SINGLE_PRICE, _DOUBLE_PRICE = 24, 6, 15


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


def _bits_of(doubles: "array[float]") -> "memoryview[int]":
    return memoryview(doubles).cast("B").cast("q")


def _encode_values(doubles: "array[float]") -> bytes:
    bits = _bits_of(doubles)
    count = len(doubles)
    zeros_negative = bits.tolist().count(_MINUS_ZERO) > bits.tolist().count(0)
    form, decimals = _choose(doubles, 16, thorough=False)
    numbers, runs = _split(doubles, form, decimals, zeros_negative=zeros_negative)
    if 16 * len(runs) > count:
        form, decimals = _choose(doubles, 64, thorough=True)
        numbers, runs = _split(doubles, form, decimals, zeros_negative=zeros_negative)
    if 4 * len(runs) > count:
        form, decimals = _BITS, 0
        numbers, runs = _split(doubles, form, decimals, zeros_negative=zeros_negative)
    out = bytearray([form | (8 if zeros_negative else 0) | decimals << 4])
    put_varint(out, len(runs))
    for gap, length, value_bits in runs:
        put_varint(out, gap)
        put_varint(out, length)
        out += value_bits.to_bytes(8, "little", signed=True)
    return bytes(out) + encode_column(numbers)


def _split(
    doubles: "array[float]", form: int, decimals: int, *, zeros_negative: bool
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The whole numbers of the regular values, and the runs (gap, length, bits) of exceptions."""
    numbers: list[int] = []
    runs: list[tuple[int, int, int]] = []
    gap = 0
    for value, bits in zip(doubles, _bits_of(doubles), strict=True):
        number = _number(value, bits, form, decimals)
        if form < _SINGLE_BITS and number == 0 and bits != (_MINUS_ZERO if zeros_negative else 0):
            number = None
        if number is not None:
            numbers.append(number)
            gap += 1
        elif runs and gap == 0 and runs[-1][2] == bits:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, bits)
        else:
            runs.append((gap, 1, bits))
            gap = 0
    return numbers, runs


def _number(value: float, bits: int, form: int, decimals: int) -> int | None:
    """The whole number that gives ``value`` back in this form (0 for both zeros), None if there is none."""
    if form == _BITS:
        return _ordered(bits, 64)
    if form == _SINGLE_BITS:
        if not -_SINGLE_MAX <= value <= _SINGLE_MAX or _single(value) != value:
            return None
        return _ordered(int.from_bytes(struct.pack("<f", value), "little", signed=True), 32)
    scaled = value * _TENS[decimals]
    if not -_INTEGER_MAX < scaled < _INTEGER_MAX:
        return None
    whole = (scaled + _ROUNDER) - _ROUNDER
    return int(whole) if _decimal(whole, form, decimals) == value else None


def _decimal(whole: float, form: int, decimals: int) -> float:
    if form == _MULTIPLIED:
        return whole * _TENTHS[decimals]
    quotient = whole / _TENS[decimals]
    return quotient if form == _DIVIDED else _single(quotient)


def _single(value: float) -> float:
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return single


def _ordered(bits: int, width: int) -> int:
    """Signed bits of a float as numbers in the order of the floats; its own inverse."""
    return bits if bits >= 0 else bits ^ ((1 << (width - 1)) - 1)


def _choose(doubles: "array[float]", sample_max: int, *, thorough: bool) -> tuple[int, int]:
    """The cheapest form and decimals by a sample; the first that fits all of it unless ``thorough``."""
    count = len(doubles)
    size = min(count, sample_max)
    sample = [doubles[index * count // size] for index in range(size)]
    sample = [value for value in sample if math.isfinite(value)]
    choices = []
    for form in (_DIVIDED, _MULTIPLIED, _SINGLE):
        needed = [_decimals_needed(value, form) for value in sample]
        prices = [
            _EXCEPTION_PRICE * sum(need > decimals for need in needed) + decimals * len(sample)
            for decimals in range(_DECIMALS_MAX + 1)
        ]
        decimals = prices.index(min(prices))
        if not thorough and max(needed, default=0) <= decimals:
            return form, decimals
        choices.append((prices[decimals], form, decimals))
    failing = sum(_number(value, 0, _SINGLE_BITS, 0) is None for value in sample)
    choices += (
        (_SINGLE_PRICE * len(sample) + _EXCEPTION_PRICE * failing, _SINGLE_BITS, 0),
        (_DOUBLE_PRICE * len(sample), _BITS, 0),
    )
    return min(choices)[1:]


def _decimals_needed(value: float, form: int) -> int:
    for decimals in range(_DECIMALS_MAX + 1):
        if _number(value, 0, form, decimals) is not None:
            return decimals
    return _DECIMALS_MAX + 1


def _decode_values(reader: ByteReader, count: int) -> "array[float]":
    code = reader.take(1)[0]
    form, zeros_negative, decimals = code & 7, bool(code & 8), code >> 4
    if form > _BITS or decimals > _DECIMALS_MAX:
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
    bits = _bits_of(values)
    regular = iter(_regular(numbers, form, decimals, zeros_negative=zeros_negative))
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


def _regular(numbers: Iterable[int], form: int, decimals: int, *, zeros_negative: bool) -> "memoryview[int]":
    """The bits of the values that ``numbers`` stand for."""
    if form == _BITS:
        return memoryview(array("q", [_ordered(number, 64) for number in numbers]))
    values = array("d")
    for number in numbers:
        if form == _SINGLE_BITS:
            if not -(1 << 31) <= number < 1 << 31:
                raise ValueError(CORRUPT)
            packed = _ordered(number, 32).to_bytes(4, "little", signed=True)
            value = struct.unpack("<f", packed)[0]
            if not -_SINGLE_MAX <= value <= _SINGLE_MAX:
                raise ValueError(CORRUPT)
        else:
            if not -_INTEGER_MAX < number < _INTEGER_MAX:
                raise ValueError(CORRUPT)
            value = -0.0 if number == 0 and zeros_negative else _decimal(float(number), form, decimals)
        values.append(value)
    return _bits_of(values)
