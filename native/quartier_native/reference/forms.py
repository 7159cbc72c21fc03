"""Converts floats to whole numbers and back without loss: decimals of a meter, or the bits of the float.

A meter counts in decimals, so its values are stored as whole numbers m of its last digit.  The forms:

0. ``m / 10**k``
1. ``m * 10**-k``, the result of a driver that multiplies by a scale
2. ``m / 10**k`` rounded to float32, the value of a meter with float registers
3. m are the bits of a float32, in numeric order
4. m are the bits of a float64, in numeric order

In forms 0 to 2 all signs may be inverted: if most zeros are -0.0, as from a source that counts export as
negative, the negated values are stored.  m is from -2**51 to below 2**51.
"""

import math
import struct
from array import array
from collections.abc import Iterable, Sequence

from quartier_native.reference.blocks import CORRUPT

_DIVIDED, _MULTIPLIED, _SINGLE, _SINGLE_BITS, BITS = range(5)
DECIMALS_MAX = 9
_TENS = tuple(10.0**decimals for decimals in range(DECIMALS_MAX + 1))
_TENTHS = tuple(float(f"1e-{decimals}") for decimals in range(DECIMALS_MAX + 1))
_INTEGER_MAX = 1 << 51
_ROUNDER = 1.5 * (1 << 52)  # adding and taking it away rounds to a whole number, half to even
_ROUNDED = (float(1 << 52), float(1 << 53))
_SINGLE_MAX = 3.4028234663852886e38
_MINUS_ZERO = -(1 << 63)

# Rough prices, a decimal more is 1: an exception, and a value in each of the two bit forms.
_EXCEPTION_PRICE, _SINGLE_PRICE, _DOUBLE_PRICE = 24, 6, 15


def bits_of(doubles: "array[float]") -> "memoryview[int]":
    """The same memory as signed 64-bit numbers."""
    return memoryview(doubles).cast("B").cast("q")


def mostly_minus(doubles: "array[float]") -> bool:
    """Return whether more zeros are -0.0 than 0.0."""
    bits = bits_of(doubles).tolist()
    return bits.count(_MINUS_ZERO) > bits.count(0)


def split(
    doubles: "array[float]", form: int, decimals: int, *, minus: bool
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The whole numbers of the regular values, and the runs (gap, length, bits) of exceptions."""
    numbers: list[int] = []
    runs: list[tuple[int, int, int]] = []
    gap = 0
    for value, bits in zip(doubles, bits_of(doubles), strict=True):
        number = _number(-value if minus and form < _SINGLE_BITS else value, bits, form, decimals)
        if number == 0 and form < _SINGLE_BITS and bits != (_MINUS_ZERO if minus else 0):
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
    if form == BITS:
        return _order_bits(bits, 64)
    if form == _SINGLE_BITS:
        if not -_SINGLE_MAX <= value <= _SINGLE_MAX or _single(value) != value:
            return None
        return _order_bits(int.from_bytes(struct.pack("<f", value), "little", signed=True), 32)
    rounded = value * _TENS[decimals] + _ROUNDER
    if not _ROUNDED[0] <= rounded < _ROUNDED[1]:
        return None
    whole = rounded - _ROUNDER
    return int(whole) if _decimal(whole, form, decimals) == value else None


def _decimal(whole: float, form: int, decimals: int) -> float:
    if form == _MULTIPLIED:
        return whole * _TENTHS[decimals]
    quotient = whole / _TENS[decimals]
    return quotient if form == _DIVIDED else _single(quotient)


def _single(value: float) -> float:
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return single


def _order_bits(bits: int, width: int) -> int:
    """Signed bits of a float as numbers in the order of the floats; its own inverse."""
    return bits if bits >= 0 else bits ^ ((1 << (width - 1)) - 1)


def choose(doubles: "array[float]", sample_max: int) -> tuple[int, int]:
    """The form and decimals for a sample: the fewest that fit all of it, else the cheapest of all."""
    count = len(doubles)
    size = min(count, sample_max)
    sample = [doubles[index * count // size] for index in range(size)]
    sample = [value for value in sample if math.isfinite(value)]
    choices = []
    for decimals in range(DECIMALS_MAX + 1):
        for form in (_DIVIDED, _MULTIPLIED, _SINGLE):
            failing = _failing(sample, form, decimals)
            if failing == 0:
                return form, decimals
            choices.append((_EXCEPTION_PRICE * failing + decimals * len(sample), form, decimals))
    failing = _failing(sample, _SINGLE_BITS, 0)
    choices += (
        (_SINGLE_PRICE * len(sample) + _EXCEPTION_PRICE * failing, _SINGLE_BITS, 0),
        (_DOUBLE_PRICE * len(sample), BITS, 0),
    )
    return min(choices)[1:]


def _failing(sample: Sequence[float], form: int, decimals: int) -> int:
    return sum(_number(value, 0, form, decimals) is None for value in sample)


def join_values(numbers: Iterable[int], form: int, decimals: int, *, minus: bool) -> "memoryview[int]":
    """The bits of the values that ``numbers`` stand for."""
    if form == BITS:
        return memoryview(array("q", [_order_bits(number, 64) for number in numbers]))
    values = array("d")
    for number in numbers:
        if form == _SINGLE_BITS:
            if not -(1 << 31) <= number < 1 << 31:
                raise ValueError(CORRUPT)
            packed = _order_bits(number, 32).to_bytes(4, "little", signed=True)
            value = struct.unpack("<f", packed)[0]
            if not -_SINGLE_MAX <= value <= _SINGLE_MAX:
                raise ValueError(CORRUPT)
        else:
            if not -_INTEGER_MAX <= number < _INTEGER_MAX:
                raise ValueError(CORRUPT)
            value = _decimal(float(number), form, decimals)
            value = -value if minus else value
        values.append(value)
    return bits_of(values)
