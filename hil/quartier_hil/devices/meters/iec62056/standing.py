"""An electricity meter with an optical port, on the plant: what it reads out when it is asked."""

import datetime as dt
from collections.abc import Mapping, Sequence

from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.meters.iec62056.readout import DataSet, mode_c, number, text
from quartier_hil.devices.meters.speech import Telegram

_POWERS, _CURRENTS, _VOLTAGES = ("21.7.0", "41.7.0", "61.7.0"), ("31.7.0", "51.7.0", "71.7.0"), (32, 52, 72)


class StandingMeter:
    """Meter with readouts: ``tell`` takes the plant's values; ``telegram`` is its next readout in mode C.

    ``sets`` has the content of the readout.  It keeps its counters at the end of each of the last ``months``.
    """

    def __init__(self, *, serial: str = "12345678", phases: int = 3, months: int = 3) -> None:
        self.serial, self.phases = serial, phases
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self._mains = Mains()
        self._ends = [(0.0, 0.0)] * months

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        if (now.year, now.month) != (self.now.year, self.now.month):
            self._ends = [self._counted(), *self._ends][: len(self._ends)]
        self._mains.take(values)
        self.now = now

    def sets(self) -> Sequence[DataSet]:
        """Return the data sets of its present readout."""
        import_kwh, export_kwh = self._counted()
        mains, phases = self._mains, PHASES[: self.phases]
        said = [
            text("F.F", "00000000"),
            text("0.0.0", self.serial),
            text("0.9.1", f"{self.now:%H%M%S}"),
            text("0.9.2", f"{self.now:%y%m%d}"),
        ]
        for code, now_kwh, then in (("1.8.0", import_kwh, 0), ("2.8.0", export_kwh, 1)):
            said.append(number(code, now_kwh, (9, 3), "kWh"))
            said += [
                number(f"{code}*{month:02d}", ends[then], (9, 3), "kWh")
                for month, ends in enumerate(self._ends, start=1)
            ]
        said.append(number("16.7.0", mains.power_w / 1000, (6, 3), "kW"))
        for place, phase in enumerate(phases):
            said += [
                number(_POWERS[place], mains.phase_power_w(phase) / 1000, (6, 3), "kW"),
                number(_CURRENTS[place], mains.phase_current_a(phase), (5, 2), "A"),
                number(f"{_VOLTAGES[place]}.7.0", mains.phase_voltage_v(phase), (4, 1), "V"),
            ]
        said.append(number("14.7.0", mains.frequency_hz, (4, 2), "Hz"))
        return said

    def telegram(self) -> Telegram:
        """The next readout."""
        return mode_c(self.sets(), self.serial)

    def _counted(self) -> tuple[float, float]:
        return self._mains.energy_import_wh / 1000, self._mains.energy_export_wh / 1000
