"""A HAN meter on the plant."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal

from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.dlms import apdu as apdus
from quartier_hil.devices.meters.dlms.draw import TITLE, carry
from quartier_hil.devices.meters.dlms.load import Load
from quartier_hil.devices.meters.dlms.shape import SHAPES
from quartier_hil.devices.meters.speech import Telegram, whole

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
        keys: Keys | None = None,
        title: bytes = TITLE,
    ) -> None:
        self.baud = 2400
        self.shape, self.carrier, self.serial = shape, carrier, serial
        self._phases = PHASES[:phases]
        self._keys, self._title = keys, title
        self._mains = Mains()
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
        body = SHAPES[self.shape](self._load(), number)
        apdu = apdus.notification(body.data, moment=body.moment, tagged=body.tagged)
        if self._keys is not None:
            apdu = apdus.ciphered(apdu, self._keys, self.sent_count, title=self._title)
        return whole(carry(apdu, self.carrier), body.says, self.serial)

    def _load(self) -> Load:
        mains = self._mains
        power, imported = round(mains.power_w), round(mains.energy_import_wh)
        return Load(
            moment=self._now,
            serial=self.serial,
            power=(max(power, 0), max(-power, 0), 0, 0),
            energy=(imported, round(mains.energy_export_wh), 0, 0),
            milliamps=tuple(round(mains.phase_current_a(phase) * 1000) for phase in self._phases),
            decivolts=tuple(round(mains.phase_voltage_v(phase) * 10) for phase in self._phases),
        )
