"""HAN meters: one on the plant, and seeded random pushes of every maker, cipher and carrier."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.meters import encryption
from quartier_sim.meters.dlms import encoding
from quartier_sim.meters.dlms import encoding as apdus
from quartier_sim.meters.dlms.push_lists import PUSH_SHAPES, HanValues
from quartier_sim.meters.encryption import CipherKeys
from quartier_sim.meters.telegrams import Telegram, make_telegram

CARRIERS = ("hdlc", "segmented", "wrapper", "mbus", "bare")
CIPHERS = ("", "glo", "ded", "encrypted")
EXAMPLE_KEYS = CipherKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
SYSTEM_TITLE = b"KFM\x10\x20\x02\xac\xa5"


@dataclass(frozen=True, slots=True)
class GeneratedPush:
    """A push as sent: its shape and list, carrier and cipher ("" plain), its plain APDU, its telegram."""

    shape: str
    number: int
    carrier: str
    cipher: str
    apdu: bytes
    telegram: Telegram


def generate_pushes(
    seed: int,
    count: int,
    *,
    shapes: tuple[str, ...] = tuple(PUSH_SHAPES),
    carriers: tuple[str, ...] = CARRIERS,
    ciphers: tuple[str, ...] = CIPHERS,
    tags: bool = True,
) -> Iterator[GeneratedPush]:
    """``count`` pushes; the invocation counter rises with each.

    Without ``tags`` a date-time never has the tag that Kaifa gives it, against the standard.
    """
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for place in range(1, count + 1):
        shape, number = random.choice(shapes), random.choice((1, 2, 3))
        carrier, kind = random.choice(carriers), random.choice(ciphers)
        body = PUSH_SHAPES[shape](generate_values(random), number)
        plain = apdus.build_notification(body.data, moment=body.moment, tagged=body.tagged and tags)
        sealed = _cipher_apdu(plain, kind, place)
        data = frame_apdu(sealed, carrier, content_max=random.randint(32, 120))
        yield GeneratedPush(shape, number, carrier, kind, plain, make_telegram(data, body.says))


def _cipher_apdu(apdu: bytes, kind: str, counter: int) -> bytes:
    match kind:
        case "glo" | "ded":
            return apdus.build_ciphered_apdu(
                apdu, EXAMPLE_KEYS, counter, title=SYSTEM_TITLE, kind="glo" if kind == "glo" else "ded"
            )
        case "encrypted":
            return apdus.build_ciphered_apdu(
                apdu, EXAMPLE_KEYS, counter, title=SYSTEM_TITLE, control=encryption.ENCRYPTED
            )
        case _:
            return apdu


def frame_apdu(apdu: bytes, carrier: str, content_max: int = 120) -> bytes:
    """``apdu`` on one of ``CARRIERS``; ``content_max`` bounds a segment of ``segmented``."""
    match carrier:
        case "hdlc":
            return encoding.build_hdlc_frames(apdu)
        case "segmented":
            return encoding.build_hdlc_frames(apdu, content_max=content_max)
        case "wrapper":
            return encoding.build_wrapper(apdu)
        case "mbus":
            return encoding.build_mbus_frames(apdu)
        case _:
            return apdu


def generate_values(random: Random) -> HanValues:
    """A meter with one or three phases."""
    phases = random.choice((1, 3))
    zone = ZoneInfo("Europe/Oslo")
    seconds = random.randrange(15 * 31_536_000)
    return HanValues(
        moment=dt.datetime(2019, 1, 1, tzinfo=dt.UTC).astimezone(zone) + dt.timedelta(seconds=seconds),
        serial="".join(random.choices("0123456789", k=16)),
        power=_generate_four(random, 40_000),
        energy=_generate_four(random, 2**32),
        milliamps=tuple(random.randrange(64_000) for _ in range(phases)),
        decivolts=tuple(random.randrange(2070, 2530) for _ in range(phases)),
    )


def _generate_four(random: Random, top: int) -> tuple[int, int, int, int]:
    return (random.randrange(top), random.randrange(top), random.randrange(top), random.randrange(top))


Carrier = Literal["hdlc", "segmented", "wrapper", "mbus"]
_HOURLY, _TEN_SECONDS = 1440, 4


class HanMeter:
    """HAN meter: ``tell`` takes the plant's values; ``telegram`` is its next push, each 2.5 s as in Norway.

    List 1 each time, list 2 each fourth, list 3 each hour; with ``keys`` it encrypts.
    """

    def __init__(
        self,
        shape: str = "aidon",
        *,
        carrier: Carrier = "hdlc",
        serial: str = "7359992892587665",
        phases: int = 3,
        keys: CipherKeys | None = None,
        title: bytes = SYSTEM_TITLE,
    ) -> None:
        self.baud = 2400
        self.shape, self.carrier, self.serial = shape, carrier, serial
        self._phases = PHASES[:phases]
        self._keys, self._title = keys, title
        self._mains = MeterValues()
        self._now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.sent_count = 0

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now`` (local), in gateway units."""
        self._mains.take(values)
        self._now = now

    def telegram(self) -> Telegram:
        """The next push."""
        number = 3 if self.sent_count % _HOURLY == 0 else 2 if self.sent_count % _TEN_SECONDS == 0 else 1
        self.sent_count += 1
        body = PUSH_SHAPES[self.shape](self._load(), number)
        apdu = apdus.build_notification(body.data, moment=body.moment, tagged=body.tagged)
        if self._keys is not None:
            apdu = apdus.build_ciphered_apdu(apdu, self._keys, self.sent_count, title=self._title)
        return make_telegram(frame_apdu(apdu, self.carrier), body.says, self.serial)

    def _load(self) -> HanValues:
        mains = self._mains
        power, imported = round(mains.power_w), round(mains.energy_import_wh)
        return HanValues(
            moment=self._now,
            serial=self.serial,
            power=(max(power, 0), max(-power, 0), 0, 0),
            energy=(imported, round(mains.energy_export_wh), 0, 0),
            milliamps=tuple(round(mains.phase_current_a(phase) * 1000) for phase in self._phases),
            decivolts=tuple(round(mains.phase_voltage_v(phase) * 10) for phase in self._phases),
        )
