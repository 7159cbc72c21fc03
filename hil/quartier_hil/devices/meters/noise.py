"""Damage telegrams as a bad line does, repeatable by a seed, with a ledger of what passed whole.

The ledger is the point: a piece that no damage touched must be decoded, and whatever is decoded
must have been sent.  A stray byte between two pieces touches neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from quartier_hil.devices.meters.speech import Piece, Telegram

# STX, ETX, EOT, LF and CR: the bytes that a framing gives a meaning to.
CONTROLS = b"\x02\x03\x04\n\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
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
    strays: bytes = CONTROLS
    burst_max: int = 12


@dataclass(slots=True)
class Heard:
    """Output of the line: its bytes, the pieces that passed whole, and those hit.

    ``gone`` are the hit pieces of which nothing arrived.
    """

    data: bytearray = field(default_factory=bytearray)
    intact: list[Piece] = field(default_factory=list)
    hit: list[Piece] = field(default_factory=list)
    gone: list[Piece] = field(default_factory=list)


# The measured kinds of bad lines, by name: a weak pull-up, a long cable next to a drive, a loose dongle.
LINES = {
    "clean": Noise(),
    "weak": Noise(flip=0.002),
    "humming": Noise(flip=0.004, stray=0.05, insert=0.002),
    "loose": Noise(drop=0.01, burst=0.03, cut=0.1, late=0.05),
    "awful": Noise(flip=0.01, drop=0.005, insert=0.005, stray=0.2, burst=0.05, cut=0.2, late=0.1),
}


def damage(telegrams: Iterable[Telegram], noise: Noise, seed: int) -> Heard:
    """Send ``telegrams`` over a line with ``noise``."""
    random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
    heard = Heard()
    for telegram in telegrams:
        size = sum(len(piece.data) for piece in telegram.pieces)
        first = random.randrange(1, size) if size > 1 and random.random() < noise.late else 0
        last = random.randrange(1, size) if size > 1 and random.random() < noise.cut else size
        start = 0
        for piece in telegram.pieces:
            kept = piece.data[max(first - start, 0) : max(last - start, 0)]
            start += len(piece.data)
            data = _through(kept, noise, random)
            heard.data += data.prefix + data.body
            (heard.intact if data.body == piece.data else heard.hit).append(piece)
            if not data.body:
                heard.gone.append(piece)
    return heard


@dataclass(slots=True)
class _Damaged:
    prefix: bytes
    body: bytes


def _through(data: bytes, noise: Noise, random: Random) -> _Damaged:
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
    return _Damaged(bytes(prefix), bytes(body))
