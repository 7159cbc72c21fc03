"""A column of 64-bit integers: steps in their common unit, predicted by a model, the errors packed in blocks.

Layout: first number (folded varint) · unit of the steps (varint; 0 if all are 0, and nothing follows) ·
model (byte) · drift (folded varint) · blocks.

Model: order in the low two bits, 4 if the blocks are wide.  Order 0: every step is the drift, and no block
follows. Else a step, in units, is predicted as the drift (order 1) or as the step before it (order 2; the
drift stands before the first), and the blocks hold the folded errors, one per number: the first number's
step is the drift itself, so that 512 numbers are four blocks and no rest.  The blocks are near where every
step is within 2**29, else wide.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from quartier_native.reference.blocks import (
    BLOCK,
    CORRUPT,
    ByteReader,
    fold,
    pack,
    put_varint,
    unfold,
    unpack,
    wrap_signed,
)

WIDE = 4
NEAR_MAX = 1 << 29
WINDOW = 16
WINDOW_COUNT = 4
MEDIAN_COUNT = 9
MARGIN = 12
"""So many digits must order 2 win in the windows."""


def encode_column(numbers: Sequence[int]) -> bytes:
    """Encode ``numbers``, each in -2**63 .. 2**63 - 1; the count is kept by the caller."""
    out = bytearray()
    if not numbers:
        return bytes(out)
    put_varint(out, fold(numbers[0]))
    if len(numbers) == 1:
        return bytes(out)
    steps = [wrap_signed(after - before) for before, after in pairwise(numbers)]
    wide = not all(-NEAR_MAX < step < NEAR_MAX for step in steps)
    unit = math.gcd(*steps)
    put_varint(out, unit)
    if unit == 0:
        return bytes(out)
    if len(set(steps)) == 1:
        out.append(0)
        put_varint(out, fold(steps[0] // unit))
        return bytes(out)
    steps = [step // unit for step in steps]
    drift = sorted(steps[index * len(steps) // MEDIAN_COUNT] for index in range(MEDIAN_COUNT))[
        MEDIAN_COUNT // 2
    ]
    order = 2 if _digits(steps, 2, drift) + MARGIN < _digits(steps, 1, drift) else 1
    out.append(order | (WIDE if wide else 0))
    put_varint(out, fold(drift))
    errors = [0, *(fold(error) for error in _errors(steps, order, drift, drift))]
    for start in range(0, len(errors), BLOCK):
        out += pack(errors[start : start + BLOCK], wide=wide)
    return bytes(out)


def decode_column(data: ByteReader, count: int) -> list[int]:
    """The ``count`` numbers that ``encode_column`` wrote; ValueError on anything else."""
    if count == 0:
        return []
    number = unfold(data.take_varint())
    if count == 1:
        return [number]
    unit = data.take_varint()
    if unit == 0:
        return [number] * count
    model = data.take(1)[0]
    order, wide = model & 3, bool(model & WIDE)
    if order > 2 or model > 7:
        raise ValueError(CORRUPT)
    drift = unfold(data.take_varint())
    number, step = number - unit * drift, drift
    numbers: list[int] = []
    while len(numbers) < count:
        size = min(BLOCK, count - len(numbers))
        for code in unpack(data, size, wide=wide) if order else [0] * size:
            step = wrap_signed((step if order == 2 else drift) + unfold(code))
            number = wrap_signed(number + unit * step)
            numbers.append(number)
    return numbers


def _errors(steps: Sequence[int], order: int, drift: int, before: int) -> list[int]:
    """The steps less what foretells them; ``before`` is the step before the first."""
    if order == 1:
        return [wrap_signed(step - drift) for step in steps]
    return [wrap_signed(after - earlier) for earlier, after in pairwise([before, *steps])]


def _digits(steps: Sequence[int], order: int, drift: int) -> int:
    """Return how many digits the errors have in a few windows of the steps."""
    count = len(steps)
    windows = [(place * count // WINDOW_COUNT, WINDOW) for place in range(WINDOW_COUNT)]
    if count <= WINDOW * WINDOW_COUNT:
        windows = [(0, count)]
    digits = 0
    for start, length in windows:
        before = steps[start - 1] if start else drift
        errors = _errors(steps[start : start + length], order, drift, before)
        digits += sum(fold(error).bit_length() for error in errors)
    return digits
