"""A column of 64-bit integers: steps in their common unit, foretold by a model, the errors in Rice codes.

Layout, each number a varint: first (folded) · unit of the steps, 0 if all are equal and nothing follows ·
model byte · start byte · drift (folded) · length of the bits in bytes · bits.

Model: a step in units is foretold as the drift (order 1) or as the step before it (order 2), less
``weight / 8`` of the last error: 0 is plain differences, 7 almost a mean that follows slowly, as jitter
around a period or noise around a level wants it; -4 follows what swings.  This is a moving-average model
MA(1), see Box and Jenkins, Time Series Analysis, chapter 3.  Its byte: order in the high four bits,
weight + 8 in the low four.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from quartier_native.reference.bits import (
    CORRUPT,
    BitReader,
    BitWriter,
    ByteReader,
    folded,
    put_varint,
    signed,
    unfolded,
)

MODELS = ((1, -4), (1, 4), (1, 7), (2, 0), (2, 7))
"""Pairs of order and weight that the encoder tries besides (1, 0); a decoder takes weights from -8 to 7."""
WINDOW = 16
WINDOW_COUNT = 4
MEDIAN_COUNT = 15
MARGIN = 12
"""So many digits must another model than plain differences win in the windows."""
ERROR_MAX = 1 << 40
"""After a larger error the model starts anew."""


def encode_column(numbers: Sequence[int]) -> bytes:
    """Encode ``numbers``, each in -2**63 .. 2**63 - 1; the count is kept by the caller."""
    out = bytearray()
    if not numbers:
        return bytes(out)
    put_varint(out, folded(numbers[0]))
    if len(numbers) == 1:
        return bytes(out)
    steps = [signed(after - before) for before, after in pairwise(numbers)]
    unit = math.gcd(*steps)
    put_varint(out, unit)
    if unit == 0:
        return bytes(out)
    steps = [step // unit for step in steps]
    order, weight, drift = _choose(steps, signed(numbers[-1] - numbers[0]) // unit)
    errors = [folded(error) for error in _errors(steps, drift, order, weight, drift)]
    start = (sum(min(error, ERROR_MAX) for error in errors[:16]) // len(errors[:16])).bit_length()
    bits = bytes(_write(errors, start))
    out.append(order << 4 | weight + 8)
    out.append(start)
    put_varint(out, folded(drift))
    put_varint(out, len(bits))
    return bytes(out) + bits


def decode_column(data: ByteReader, count: int) -> list[int]:
    """The ``count`` numbers that ``encode_column`` wrote; ValueError on anything else."""
    if count == 0:
        return []
    number = unfolded(data.take_varint())
    if count == 1:
        return [number]
    unit = data.take_varint()
    if unit == 0:
        return [number] * count
    order, weight = divmod(data.take(1)[0], 16)
    weight -= 8
    start = data.take(1)[0]
    if order not in (1, 2) or start > 41:
        raise ValueError(CORRUPT)
    drift = unfolded(data.take_varint())
    bits = BitReader(data.take(data.take_varint()))
    numbers = [number]
    step, error = drift, 0
    for code in _read(bits, start, count - 1):
        foretold = (drift if order == 1 else step) - _share(error, weight)
        error = unfolded(code)
        step = signed(foretold + error)
        number = signed(number + unit * step)
        numbers.append(number)
    bits.close()
    return numbers


def _share(error: int, weight: int) -> int:
    return weight * error + 4 >> 3 if -ERROR_MAX < error < ERROR_MAX else 0


def _errors(steps: Sequence[int], before: int, order: int, weight: int, drift: int) -> list[int]:
    errors = []
    error = 0
    for step in steps:
        error = signed(step - (drift if order == 1 else before) + _share(error, weight))
        errors.append(error)
        before = step
    return errors


def _choose(steps: Sequence[int], rise: int) -> tuple[int, int, int]:
    """Order, weight and drift whose errors have the fewest digits in a few windows of the steps."""
    count = len(steps)
    drift = sorted(steps[index * count // MEDIAN_COUNT] for index in range(MEDIAN_COUNT))[MEDIAN_COUNT // 2]
    mean = rise // count
    least = _digits(steps, 1, 0, drift)
    if least and mean != drift and (digits := _digits(steps, 1, 0, mean)) < least:
        least, drift = digits, mean
    best = (1, 0)
    for order, weight in MODELS if least else ():
        if (digits := _digits(steps, order, weight, drift) + MARGIN) < least:
            least, best = digits, (order, weight)
    return *best, drift


def _digits(steps: Sequence[int], order: int, weight: int, drift: int) -> int:
    count = len(steps)
    windows = [(place * count // WINDOW_COUNT, WINDOW) for place in range(WINDOW_COUNT)]
    if count <= WINDOW * WINDOW_COUNT:
        windows = [(0, count)]
    digits = 0
    for start, length in windows:
        before = steps[start - 1] if start else drift
        errors = _errors(steps[start : start + length], before, order, weight, drift)
        digits += sum(folded(error).bit_length() for error in errors)
    return digits


@dataclass(slots=True)
class _Mean:
    """A running mean in 1/256, and the number of low bits that suits it."""

    mean: int
    decay: int

    def low_count(self) -> int:
        return max((self.mean >> 8).bit_length() - 1, 0)

    def add(self, number: int) -> None:
        """A large number counts for at most eight times the mean, so that one peak is soon forgotten."""
        number = min(number, (self.mean >> 8) * 8 + 4, 1 << 52)
        self.mean += (number << 8) - self.mean >> self.decay


class _Means:
    """What both sides know: of all codes, and in sparse stretches of the runs of 0 and of what ends them."""

    def __init__(self, start: int) -> None:
        self.all = _Mean(128 << start if start else 0, 5)
        self.run = _Mean(8 << 8, 3)
        self.end = _Mean(2 << 8, 3)

    def sparse(self) -> bool:
        return self.all.mean < 128

    def pass_run(self, length: int) -> None:
        self.run.add(length)
        self.all.mean -= self.all.mean * min(length, 32) >> 5


def _write(codes: Sequence[int], start: int) -> BitWriter:
    bits = BitWriter()
    means = _Means(start)
    at = 0
    while at < len(codes):
        if means.sparse():
            length = 0
            while at < len(codes) and codes[at] == 0:
                length += 1
                at += 1
            bits.put_rice(length, means.run.low_count())
            means.pass_run(length)
            if at == len(codes):
                break
            bits.put_rice(codes[at] - 1, means.end.low_count())
            means.end.add(codes[at] - 1)
        else:
            bits.put_rice(codes[at], means.all.low_count())
        means.all.add(codes[at])
        at += 1
    return bits


def _read(bits: BitReader, start: int, count: int) -> list[int]:
    means = _Means(start)
    codes: list[int] = []
    while len(codes) < count:
        if means.sparse():
            length = bits.take_rice(means.run.low_count())
            if length > count - len(codes):
                raise ValueError(CORRUPT)
            codes += [0] * length
            means.pass_run(length)
            if len(codes) == count:
                break
            code = bits.take_rice(means.end.low_count()) + 1
            means.end.add(code - 1)
        else:
            code = bits.take_rice(means.all.low_count())
        if code >= 1 << 64:
            raise ValueError(CORRUPT)
        means.all.add(code)
        codes.append(code)
    return codes
