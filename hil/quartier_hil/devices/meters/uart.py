"""Find the bytes that a receiver at another speed, or with swapped wires, takes from a line.

The sender's bits are a waveform; the receiver waits for a falling edge and samples the middle of
each of its own bits.  A Linky in the other mode gives such bytes, and a dongle that inverts.
"""

from collections.abc import Iterator, Sequence

_CHARACTER_BITS_MAX = 12
_REST = 1


def levels(data: bytes, *, bits: int = 7, parity: str = "even") -> list[int]:
    """The line's level for each bit time of ``data``; 1 is rest.  ``parity``: even, odd or none."""
    line: list[int] = []
    for byte in data:
        character = [byte >> place & 1 for place in range(bits)]
        line.append(0)
        line += character
        if parity != "none":
            line.append(sum(character) + (parity == "odd") & 1)
        line.append(1)
    return line


def with_parity(data: bytes) -> bytes:
    """Seven-bit bytes of a line with even parity as a port of eight bits without parity gives them."""
    return bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in data)


def heard(
    data: bytes,
    sent_baud: int,
    heard_baud: int,
    *,
    bits: int = 7,
    parity: str = "even",
    heard_bits: int | None = None,
    heard_parity: str | None = None,
    inverted: bool = False,
) -> bytes:
    """Return the bytes that arrive at ``heard_baud`` of ``data`` sent at ``sent_baud``.

    Bytes without a stop bit are delivered, as most receivers do; the parity is not checked, as by a port
    that ignores it.
    """
    line = [_REST, *levels(data, bits=bits, parity=parity)]
    if inverted:
        line = [1 - level for level in line]
    form = (heard_bits or bits, parity if heard_parity is None else heard_parity)
    if sent_baud == heard_baud and not inverted and form == (bits, parity):
        return data
    # The line rests after the end: the receiver's last character needs its bits.
    line += [_REST] * _CHARACTER_BITS_MAX
    return bytes(_received(line, sent_baud / heard_baud, *form))


def _received(line: Sequence[int], step: float, bits: int, parity: str) -> Iterator[int]:
    """Yield the bytes of a receiver with bits of ``step`` bits of the sender."""
    at = 0.0
    end = len(line)
    length = 1 + bits + (parity != "none") + 1
    while (start := _falling(line, at)) is not None:
        last = start + (length - 0.5) * step
        if last >= end:
            return
        if line[int(start + 0.5 * step)]:
            at = start + 0.5 * step  # a spike, no start bit
            continue
        value = 0
        for place in range(bits):
            value |= line[int(start + (place + 1.5) * step)] << place
        yield value
        at = last


def _falling(line: Sequence[int], at: float) -> int | None:
    """Return the position of the next falling edge at or after ``at``; None if there is none."""
    place = int(at)
    # The receiver is armed by the line at rest: within a long break it finds no new byte.
    while place < len(line) and not line[place]:
        place += 1
    while place < len(line) and line[place]:
        place += 1
    return place if place < len(line) else None


def together(voices: Sequence[tuple[int, bytes]], *, bits: int = 8, parity: str = "even") -> bytes:
    """Return the bytes that arrive when several send at once, each from its own bit time: space (0) wins.

    M-Bus works so: a slave sends by drawing current.
    """
    lines = [[_REST] * (offset + 1) + levels(data, bits=bits, parity=parity) for offset, data in voices]
    length = max((len(line) for line in lines), default=0)
    mixed = [min(line[place] if place < len(line) else _REST for line in lines) for place in range(length)]
    return bytes(_received(mixed + [_REST] * _CHARACTER_BITS_MAX, 1.0, bits, parity))
