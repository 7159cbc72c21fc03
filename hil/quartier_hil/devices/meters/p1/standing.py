"""A P1 meter on the plant."""

import datetime as dt
from collections.abc import Callable, Mapping

from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.meters.p1.draw import KINDS, UNCHECKED
from quartier_hil.devices.meters.p1.household import Child, Household
from quartier_hil.devices.meters.speech import Telegram

_HOUR_S = 3600


class P1Meter:
    """P1 meter: ``tell`` takes the plant's values; ``telegram`` is the next one, each second in version 5.

    ``children`` are kinds of M-Bus meters (3 gas, 7 water …), whose counters ``count`` moves.
    With ``seal`` it encrypts.
    """

    def __init__(
        self,
        kind: str = "5",
        *,
        serial: str = "E0043007052870318",
        phases: int = 3,
        children: Mapping[int, int] | None = None,
        seal: Callable[[Telegram, int], Telegram] | None = None,
    ) -> None:
        self.kind, self.serial, self.phases = kind, serial, phases
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.counters = dict.fromkeys(children or {}, 0.0)
        self._children = dict(children or {})
        self._mains = Mains()
        self._seal = seal
        self._sent_count = 0

    @property
    def baud(self) -> int:
        """9600 before version 4."""
        return 9600 if self.kind in UNCHECKED else 115_200

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        self._mains.take(values)
        self.now = now

    def count(self, channel: int, value: float) -> None:
        """A child's counter, in its unit (m3, GJ, kWh)."""
        self.counters[channel] = value

    def telegram(self) -> Telegram:
        """The next one."""
        self._sent_count += 1
        said = KINDS[self.kind](self._household(), "none" if self.kind in UNCHECKED else "full")
        return said if self._seal is None else self._seal(said, self._sent_count)

    def _household(self) -> Household:
        mains = self._mains
        kw = [round(mains.phase_power_w(phase) / 1000, 3) for phase in PHASES]
        if self.phases == 1:
            kw = [round(mains.power_w / 1000, 3)]
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        return Household(
            moment=self.now,
            serial=self.serial,
            import_kwh=(round(mains.energy_import_wh / 1000, 3), 0.0),
            export_kwh=(round(mains.energy_export_wh / 1000, 3), 0.0),
            import_kw=tuple(max(value, 0.0) for value in kw),
            export_kw=tuple(max(-value, 0.0) for value in kw),
            import_kvar=(0.0,) * self.phases,
            export_kvar=(0.0,) * self.phases,
            volts=tuple(round(mains.phase_voltage_v(phase), 1) for phase in PHASES[: self.phases]),
            amps=tuple(round(mains.phase_current_a(phase)) for phase in PHASES[: self.phases]),
            sags=(0,) * self.phases,
            swells=(0,) * self.phases,
            children=tuple(
                Child(
                    channel=channel,
                    kind=kind,
                    serial=f"{channel:017d}",
                    moment=hour,
                    value=self.counters[channel],
                )
                for channel, kind in self._children.items()
            ),
        )
