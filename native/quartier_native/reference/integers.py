"""A column of 64-bit integers: steps in their common unit, foretold by a model, the errors packed in blocks.

Layout: first number (folded varint) · unit of the steps (varint; 0 if all are equal, and nothing follows) ·
model (byte) · drift (folded varint) · blocks.

Model: order in the high four bits, weight + 8 in the low four.  Order 0: every step is the drift, and no
block follows.  Else a step, in units, is foretold as the drift (order 1) or as the step before it (order 2;
the drift stands before the first), less ``weight / 8`` of the last error.  Weight 0 is plain differences, 7
almost a mean that follows slowly, as jitter around a period or noise around a level wants it; -4 follows what
swings.  This is a moving-average model MA(1), see Box and Jenkins, Time Series Analysis, chapter 3.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from quartier_native.reference.blocks import BLOCK, pack, unpack
from quartier_native.reference.varints import CORRUPT, ByteReader, folded, put_varint, signed, unfolded

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
    if not any(errors):
        order = 0
    out.append(order << 4 | weight + 8)
    put_varint(out, folded(drift))
    if order:
        for start in range(0, len(errors), BLOCK):
            out += pack(errors[start : start + BLOCK])
    return bytes(out)


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
    if order > 2:
        raise ValueError(CORRUPT)
    drift = unfolded(data.take_varint())
    numbers = [number]
    step, error = drift, 0
    while len(numbers) < count:
        size = min(BLOCK, count - len(numbers))
        for code in unpack(data, size) if order else [0] * size:
            foretold = (step if order == 2 else drift) - _share(error, weight)
            error = unfolded(code)
            step = signed(foretold + error)
            number = signed(number + unit * step)
            numbers.append(number)
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
