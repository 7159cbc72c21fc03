"""Blocks of 64 whole numbers, mostly small, in as few bits as they need; the last may be shorter.

Layout: width w (7 bits of a byte; its top bit says that exceptions follow) · the low w bits of each number,
the first lowest, filled up to a byte.  Exceptions have more than w bits: their count less 1 (byte), then as
one string of bits filled up to a byte: width h of the high parts less 1 (6 bits), and for each its place (6
bits) and its high part (h bits).  Packing with patches follows Zukowski and others, Super-Scalar RAM-CPU
Cache Compression (ICDE 2006); without a chain from number to number a block is fast to read.
"""

from collections.abc import Sequence

from quartier_native.reference.varints import CORRUPT, ByteReader

BLOCK = 64
EXCEPTIONS_PRICE = 14
"""Bits that the first exception of a block costs more than another."""


def pack(numbers: Sequence[int]) -> bytes:
    """Pack 1 to 64 numbers, each in 0 .. 2**64 - 1; their count is kept by the caller."""
    width, high_width = _widths([number.bit_length() for number in numbers])
    out = bytearray([width | (0x80 if high_width else 0)])
    out += _joined([(number & ((1 << width) - 1), width) for number in numbers])
    if high_width:
        highs = [(place, number >> width) for place, number in enumerate(numbers) if number >> width]
        out.append(len(highs) - 1)
        fields = [(high_width - 1, 6)]
        for place, high in highs:
            fields += [(place, 6), (high, high_width)]
        out += _joined(fields)
    return bytes(out)


def _widths(digits: Sequence[int]) -> tuple[int, int]:
    """Width of the low parts and of the exceptions' high parts (0: none) that take the fewest bits."""
    most = max(digits)
    best = (most * len(digits), most)
    for width in range(most - 1, -1, -1):
        exceptions = sum(number > width for number in digits)
        bits = width * len(digits) + EXCEPTIONS_PRICE + exceptions * (6 + most - width)
        if bits < best[0]:
            best = (bits, width)
    return best[1], most - best[1]


def _joined(fields: Sequence[tuple[int, int]]) -> bytes:
    """Fields (value, width) one after the other, the first lowest, filled up to a byte."""
    bits = at = 0
    for value, width in fields:
        bits |= value << at
        at += width
    return bits.to_bytes((at + 7) // 8, "little")


def unpack(data: ByteReader, count: int) -> list[int]:
    """The ``count`` numbers that ``pack`` wrote; ValueError on anything else."""
    head = data.take(1)[0]
    width = head & 0x7F
    if width > 64:
        raise ValueError(CORRUPT)
    bits = int.from_bytes(data.take((width * count + 7) // 8), "little")
    numbers = [bits >> index * width & ((1 << width) - 1) for index in range(count)]
    if head & 0x80:
        exceptions = data.take(1)[0] + 1
        first = data.take(1)
        high_width = (first[0] & 63) + 1
        if exceptions > count or width + high_width > 64:
            raise ValueError(CORRUPT)
        size = (6 + exceptions * (6 + high_width) + 7) // 8
        bits = int.from_bytes(first + data.take(size - 1), "little") >> 6
        for _ in range(exceptions):
            place = bits & 63
            if place >= count:
                raise ValueError(CORRUPT)
            numbers[place] |= (bits >> 6 & ((1 << high_width) - 1)) << width
            bits >>= 6 + high_width
    return numbers
