"""Effects of a serial line: another baud rate, swapped wires, collisions, seeded damage.

The sender's bits are a waveform; the receiver waits for a falling edge and samples the middle of each of
its own bits.  A Linky in the other mode gives such bytes, and a dongle that inverts.

The record of what passed is the point: a part that no damage touched must be decoded, and whatever is
decoded must have been sent.  A stray byte between two parts touches neither.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from quartier_sim.meters.telegrams import Telegram, TelegramPart

_CHARACTER_BITS_MAX = 12
_IDLE_LEVEL = 1


def compute_levels(data: bytes, *, bits: int = 7, parity: str = "even") -> list[int]:
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


def add_parity(data: bytes) -> bytes:
    """Seven-bit bytes of a line with even parity as a port of eight bits without parity gives them."""
    return bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in data)


def receive_at_baud(
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
    line = [_IDLE_LEVEL, *compute_levels(data, bits=bits, parity=parity)]
    if inverted:
        line = [1 - level for level in line]
    form = (heard_bits or bits, parity if heard_parity is None else heard_parity)
    if sent_baud == heard_baud and not inverted and form == (bits, parity):
        return data
    # The line rests after the end: the receiver's last character needs its bits.
    line += [_IDLE_LEVEL] * _CHARACTER_BITS_MAX
    return bytes(_sample_bytes(line, sent_baud / heard_baud, *form))


def _sample_bytes(line: Sequence[int], step: float, bits: int, parity: str) -> Iterator[int]:
    """Yield the bytes of a receiver with bits of ``step`` bits of the sender."""
    at = 0.0
    end = len(line)
    length = 1 + bits + (parity != "none") + 1
    while (start := _find_falling_edge(line, at)) is not None:
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


def _find_falling_edge(line: Sequence[int], at: float) -> int | None:
    """Return the position of the next falling edge at or after ``at``; None if there is none."""
    place = int(at)
    # The receiver is armed by the line at rest: within a long break it finds no new byte.
    while place < len(line) and not line[place]:
        place += 1
    while place < len(line) and line[place]:
        place += 1
    return place if place < len(line) else None


def mix_senders(senders: Sequence[tuple[int, bytes]], *, bits: int = 8, parity: str = "even") -> bytes:
    """Return the bytes that arrive when several send at once, each from its own bit time: space (0) wins.

    M-Bus works so: a slave sends by drawing current.
    """
    lines = [
        [_IDLE_LEVEL] * (offset + 1) + compute_levels(data, bits=bits, parity=parity)
        for offset, data in senders
    ]
    length = max((len(line) for line in lines), default=0)
    mixed = [
        min(line[place] if place < len(line) else _IDLE_LEVEL for line in lines) for place in range(length)
    ]
    return bytes(_sample_bytes(mixed + [_IDLE_LEVEL] * _CHARACTER_BITS_MAX, 1.0, bits, parity))


# STX, ETX, EOT, LF and CR: the bytes that a framing gives a meaning to.
CONTROL_BYTES = b"\x02\x03\x04\n\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNoise:
    """Quality of a line; all values are probabilities 0..1.

    flip, drop, insert   for each byte: one bit inverted, the byte lost, a random byte before it
    stray                for each piece: one of ``strays`` somewhere before or within it
    burst                for each piece: a run of up to ``burst_max`` bytes becomes random
    cut                  for each telegram: all from some byte on is lost (the half of a frame)
    late                 for each telegram: all before some byte is lost (listening began within it)
    """

    flip: float = 0.0
    drop: float = 0.0
    insert: float = 0.0
    stray: float = 0.0
    burst: float = 0.0
    cut: float = 0.0
    late: float = 0.0
    strays: bytes = CONTROL_BYTES
    burst_max: int = 12


@dataclass(slots=True)
class NoisyOutput:
    """Output of the line: its bytes, the pieces that passed whole, and those hit.

    ``gone`` are the hit pieces of which nothing arrived.
    """

    data: bytearray = field(default_factory=bytearray)
    intact: list[TelegramPart] = field(default_factory=list)
    hit: list[TelegramPart] = field(default_factory=list)
    gone: list[TelegramPart] = field(default_factory=list)


# The measured kinds of bad lines, by name: a weak pull-up, a long cable next to a drive, a loose dongle.
LINE_QUALITIES = {
    "clean": LineNoise(),
    "weak": LineNoise(flip=0.002),
    "humming": LineNoise(flip=0.004, stray=0.05, insert=0.002),
    "loose": LineNoise(drop=0.01, burst=0.03, cut=0.1, late=0.05),
    "awful": LineNoise(flip=0.01, drop=0.005, insert=0.005, stray=0.2, burst=0.05, cut=0.2, late=0.1),
}


def damage_telegrams(telegrams: Iterable[Telegram], noise: LineNoise, seed: int) -> NoisyOutput:
    """Send ``telegrams`` over a line with ``noise``."""
    random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
    output = NoisyOutput()
    for telegram in telegrams:
        size = sum(len(piece.data) for piece in telegram.pieces)
        first = random.randrange(1, size) if size > 1 and random.random() < noise.late else 0
        last = random.randrange(1, size) if size > 1 and random.random() < noise.cut else size
        start = 0
        for piece in telegram.pieces:
            kept = piece.data[max(first - start, 0) : max(last - start, 0)]
            start += len(piece.data)
            data = _damage_part(kept, noise, random)
            output.data += data.prefix + data.body
            (output.intact if data.body == piece.data else output.hit).append(piece)
            if not data.body:
                output.gone.append(piece)
    return output


@dataclass(slots=True)
class _DamagedPart:
    prefix: bytes
    body: bytes


def _damage_part(data: bytes, noise: LineNoise, random: Random) -> _DamagedPart:
    """Send one piece over the line: return the bytes before it, and its damaged form."""
    prefix, body = bytearray(), bytearray()
    for place, byte in enumerate(data):
        if random.random() < noise.insert:
            (body if place else prefix).append(random.randrange(256))
        if random.random() < noise.drop:
            continue
        body.append(byte ^ 1 << random.randrange(8) if random.random() < noise.flip else byte)
    if data and random.random() < noise.stray:
        place = random.randrange(len(data))
        byte = random.choice(noise.strays)
        if place:
            body.insert(min(place, len(body)), byte)
        else:
            prefix.append(byte)
    if body and random.random() < noise.burst:
        place = random.randrange(len(body))
        count = random.randint(1, noise.burst_max)
        body[place : place + count] = random.randbytes(count)
    return _DamagedPart(bytes(prefix), bytes(body))


# Nothing of a telegram comes through.
GARBAGE_NOISE = LineNoise(flip=0.3, burst=1.0, burst_max=400)
