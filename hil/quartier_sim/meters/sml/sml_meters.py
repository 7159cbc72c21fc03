"""Meters under an optical head: one on the plant, and seeded random files."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.meters.sml import encoding as messages
from quartier_sim.meters.sml.encoding import (
    EXPORT_STATUS_BIT,
    UNITS,
    Entry,
    MakerDeviations,
    frame_messages,
    make_identity_entry,
    make_number_entry,
)
from quartier_sim.meters.telegrams import Telegram, make_telegram

BAUD = 9600
_POWER, _CURRENT, _VOLTAGE = (36, 56, 76), (31, 51, 71), (32, 52, 72)


def build_file(
    entries: Sequence[Entry],
    server: bytes,
    count: int,
    seconds: int | None = None,
    habit: MakerDeviations | None = None,
) -> Telegram:
    """A whole SML file of three messages."""
    how = habit or MakerDeviations()
    ids = [count.to_bytes(4, "big") + bytes([part]) for part in (1, 2, 3)]
    content = (
        messages.build_open_message(ids[0], count.to_bytes(4, "big"), server, how)
        + messages.build_list_message(ids[1], server, [entry.data for entry in entries], seconds, how)
        + messages.build_close_message(ids[2], how)
    )
    return make_telegram(frame_messages(content, how.check), (entry.says for entry in entries), server.hex())


class OpticalHead:
    """Meter head: ``tell`` takes the plant's values; ``telegram`` is its next file.

    ``unsigned_power``: power comes without sign and the status word of 1.8.0 has the direction, as in
    older heads.
    """

    def __init__(
        self,
        *,
        phases: int = 3,
        server: bytes = bytes.fromhex("0a01454d480000112233"),
        unsigned_power: bool = False,
        habit: MakerDeviations | None = None,
    ) -> None:
        self.baud = BAUD
        self.server = server
        self._phases = PHASES[:phases]
        self._unsigned_power = unsigned_power
        self._habit = habit or MakerDeviations()
        self._mains = MeterValues()
        self._seconds = 0
        self._sent_count = 0

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        self._mains.take(values)
        self._seconds = int(now.timestamp()) % 2**31

    def telegram(self) -> Telegram:
        """The next file."""
        self._sent_count += 1
        return build_file(list(self._entries()), self.server, self._sent_count, self._seconds, self._habit)

    def _entries(self) -> Iterator[Entry]:
        mains = self._mains
        status = 0x0182 | (EXPORT_STATUS_BIT if mains.power_w < 0 else 0)
        yield make_identity_entry("1-0:96.50.1*1", self.server[2:5])
        yield make_identity_entry("1-0:96.1.0", self.server)
        import_raw, export_raw = round(mains.energy_import_wh * 10), round(mains.energy_export_wh * 10)
        yield make_number_entry(
            "1-0:1.8.0", import_raw, width=8, is_signed=False, scaler=-1, unit="Wh", status=status
        )
        yield make_number_entry("1-0:2.8.0", export_raw, width=8, is_signed=False, scaler=-1, unit="Wh")
        yield self._power("1-0:16.7.0", mains.power_w)
        if len(self._phases) == 1:
            return
        for place, phase in enumerate(self._phases):
            yield self._power(f"1-0:{_POWER[place]}.7.0", mains.phase_power_w(phase))
            volts, amps = round(mains.phase_voltage_v(phase) * 10), round(mains.phase_current_a(phase) * 100)
            yield make_number_entry(
                f"1-0:{_VOLTAGE[place]}.7.0", volts, width=2, is_signed=False, scaler=-1, unit="V"
            )
            yield make_number_entry(
                f"1-0:{_CURRENT[place]}.7.0", amps, width=4, is_signed=False, scaler=-2, unit="A"
            )
        hertz = round(mains.frequency_hz * 10)
        yield make_number_entry("1-0:14.7.0", hertz, width=2, is_signed=False, scaler=-1, unit="Hz")

    def _power(self, code: str, power_w: float) -> Entry:
        raw = round(power_w)
        if self._unsigned_power:
            return make_number_entry(
                code, abs(raw), width=4, is_signed=False, scaler=0, unit="W", meaning=raw
            )
        return make_number_entry(code, raw, width=4, scaler=0, unit="W")


_CODE_GROUPS = {
    "Wh": (1, 2),
    "varh": (3, 4),
    "W": (1, 2, 16, 36, 56, 76),
    "V": (32, 52, 72),
    "A": (31, 51, 71),
}
_COUNTER_UNITS = ("Wh", "VAh", "varh")


def generate_telegrams(seed: int, count: int, *, kermit: bool = False) -> Iterator[Telegram]:
    """``count`` files; with ``kermit`` from meters that compute that check."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for place in range(count):
        server = b"\x0a\x01" + random.randbytes(8)
        entries = [make_identity_entry("1-0:96.1.0", server)]
        if random.random() < 0.3:
            entries.append(make_identity_entry("129-129:199.130.5", random.randbytes(48)))
        codes = {code for code, _ in (_generate_code(random) for _ in range(random.randint(1, 24)))}
        entries += [generate_entry(code, random) for code in sorted(codes)]
        seconds = random.randrange(2**32) if random.random() < 0.8 else None
        yield build_file(entries, server, place + 1, seconds, MakerDeviations(kermit=kermit))


def generate_entry(code: str, random: Random) -> Entry:
    """A number of any width, sign and scaler under ``code``."""
    width = random.randint(1, 8)
    is_signed = random.random() < 0.5
    low, high = (-(1 << 8 * width - 1), (1 << 8 * width - 1) - 1) if is_signed else (0, (1 << 8 * width) - 1)
    raw = random.choice((random.randint(low, high), low, high, random.randint(0, min(high, 1000))))
    status = random.randrange(2**32) if random.random() < 0.2 else None
    return make_number_entry(
        code,
        raw,
        width=width,
        is_signed=is_signed,
        scaler=random.choice((None, *range(-4, 4))),
        unit=random.choice(tuple(UNITS)) if "8." not in code else random.choice(_COUNTER_UNITS),
        status=status,
        status_width=random.randint(4, 8),
    )


def _generate_code(random: Random) -> tuple[str, str]:
    unit = random.choice(tuple(_CODE_GROUPS))
    group = random.choice(_CODE_GROUPS[unit])
    counts = unit in _COUNTER_UNITS
    return f"1-0:{group}.{8 if counts else 7}.{random.randrange(5) if counts else 0}", unit
