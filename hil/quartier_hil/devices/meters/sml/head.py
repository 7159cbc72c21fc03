"""Meters under an optical head, on the plant: one and three phases, with or without signed power."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.meters.sml import message as messages
from quartier_hil.devices.meters.sml.entry import EXPORTING, Entry, identity, number
from quartier_hil.devices.meters.sml.message import Habit
from quartier_hil.devices.meters.sml.transport import packed
from quartier_hil.devices.meters.speech import Telegram, whole

BAUD = 9600
_POWER, _CURRENT, _VOLTAGE = (36, 56, 76), (31, 51, 71), (32, 52, 72)


def file(
    entries: Sequence[Entry],
    server: bytes,
    count: int,
    seconds: int | None = None,
    habit: Habit | None = None,
) -> Telegram:
    """A whole SML file of three messages."""
    how = habit or Habit()
    ids = [count.to_bytes(4, "big") + bytes([part]) for part in (1, 2, 3)]
    content = (
        messages.opening(ids[0], count.to_bytes(4, "big"), server, how)
        + messages.listing(ids[1], server, [entry.data for entry in entries], seconds, how)
        + messages.closing(ids[2], how)
    )
    return whole(packed(content, how.check), (entry.says for entry in entries), server.hex())


class Head:
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
        habit: Habit | None = None,
    ) -> None:
        self.baud = BAUD
        self.server = server
        self._phases = PHASES[:phases]
        self._unsigned_power = unsigned_power
        self._habit = habit or Habit()
        self._mains = Mains()
        self._seconds = 0
        self._sent_count = 0

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        self._mains.take(values)
        self._seconds = int(now.timestamp()) % 2**31

    def telegram(self) -> Telegram:
        """The next file."""
        self._sent_count += 1
        return file(list(self._entries()), self.server, self._sent_count, self._seconds, self._habit)

    def _entries(self) -> Iterator[Entry]:
        mains = self._mains
        status = 0x0182 | (EXPORTING if mains.power_w < 0 else 0)
        yield identity("1-0:96.50.1*1", self.server[2:5])
        yield identity("1-0:96.1.0", self.server)
        import_raw, export_raw = round(mains.energy_import_wh * 10), round(mains.energy_export_wh * 10)
        yield number("1-0:1.8.0", import_raw, width=8, is_signed=False, scaler=-1, unit="Wh", status=status)
        yield number("1-0:2.8.0", export_raw, width=8, is_signed=False, scaler=-1, unit="Wh")
        yield self._power("1-0:16.7.0", mains.power_w)
        if len(self._phases) == 1:
            return
        for place, phase in enumerate(self._phases):
            yield self._power(f"1-0:{_POWER[place]}.7.0", mains.phase_power_w(phase))
            volts, amps = round(mains.phase_voltage_v(phase) * 10), round(mains.phase_current_a(phase) * 100)
            yield number(f"1-0:{_VOLTAGE[place]}.7.0", volts, width=2, is_signed=False, scaler=-1, unit="V")
            yield number(f"1-0:{_CURRENT[place]}.7.0", amps, width=4, is_signed=False, scaler=-2, unit="A")
        hertz = round(mains.frequency_hz * 10)
        yield number("1-0:14.7.0", hertz, width=2, is_signed=False, scaler=-1, unit="Hz")

    def _power(self, code: str, power_w: float) -> Entry:
        raw = round(power_w)
        if self._unsigned_power:
            return number(code, abs(raw), width=4, is_signed=False, scaler=0, unit="W", meaning=raw)
        return number(code, raw, width=4, scaler=0, unit="W")
