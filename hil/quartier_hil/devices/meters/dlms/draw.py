"""Random HAN pushes: every maker's shape, plain and ciphered, on every carrier, and their numbers."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from zoneinfo import ZoneInfo

from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.dlms import apdu as apdus
from quartier_hil.devices.meters.dlms import frame
from quartier_hil.devices.meters.dlms.load import Load
from quartier_hil.devices.meters.dlms.shape import SHAPES
from quartier_hil.devices.meters.speech import Telegram, whole

CARRIERS = ("hdlc", "segmented", "wrapper", "mbus", "bare")
CIPHERS = ("", "glo", "ded", "encrypted")
KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = b"KFM\x10\x20\x02\xac\xa5"


@dataclass(frozen=True, slots=True)
class Push:
    """A push as sent: its shape and list, carrier and cipher ("" plain), its plain APDU, its telegram."""

    shape: str
    number: int
    carrier: str
    cipher: str
    apdu: bytes
    telegram: Telegram


def pushes(
    seed: int,
    count: int,
    *,
    shapes: tuple[str, ...] = tuple(SHAPES),
    carriers: tuple[str, ...] = CARRIERS,
    ciphers: tuple[str, ...] = CIPHERS,
    tags: bool = True,
) -> Iterator[Push]:
    """``count`` pushes; the invocation counter rises with each.

    Without ``tags`` a date-time never has the tag that Kaifa gives it, against the standard.
    """
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for place in range(1, count + 1):
        shape, number = random.choice(shapes), random.choice((1, 2, 3))
        carrier, kind = random.choice(carriers), random.choice(ciphers)
        body = SHAPES[shape](load(random), number)
        plain = apdus.notification(body.data, moment=body.moment, tagged=body.tagged and tags)
        sealed = _sealed(plain, kind, place)
        data = carry(sealed, carrier, content_max=random.randint(32, 120))
        yield Push(shape, number, carrier, kind, plain, whole(data, body.says))


def _sealed(apdu: bytes, kind: str, counter: int) -> bytes:
    match kind:
        case "glo" | "ded":
            return apdus.ciphered(apdu, KEYS, counter, title=TITLE, kind="glo" if kind == "glo" else "ded")
        case "encrypted":
            return apdus.ciphered(apdu, KEYS, counter, title=TITLE, control=cipher.ENCRYPTED)
        case _:
            return apdu


def carry(apdu: bytes, carrier: str, content_max: int = 120) -> bytes:
    """``apdu`` on one of ``CARRIERS``; ``content_max`` bounds a segment of ``segmented``."""
    match carrier:
        case "hdlc":
            return frame.hdlc(apdu)
        case "segmented":
            return frame.hdlc(apdu, content_max=content_max)
        case "wrapper":
            return frame.wrapped(apdu)
        case "mbus":
            return frame.carried(apdu)
        case _:
            return apdu


def load(random: Random) -> Load:
    """A meter with one or three phases."""
    phases = random.choice((1, 3))
    zone = ZoneInfo("Europe/Oslo")
    seconds = random.randrange(15 * 31_536_000)
    return Load(
        moment=dt.datetime(2019, 1, 1, tzinfo=dt.UTC).astimezone(zone) + dt.timedelta(seconds=seconds),
        serial="".join(random.choices("0123456789", k=16)),
        power=_four(random, 40_000),
        energy=_four(random, 2**32),
        milliamps=tuple(random.randrange(64_000) for _ in range(phases)),
        decivolts=tuple(random.randrange(2070, 2530) for _ in range(phases)),
    )


def _four(random: Random, top: int) -> tuple[int, int, int, int]:
    return (random.randrange(top), random.randrange(top), random.randrange(top), random.randrange(top))
