"""M-Bus slaves on the plant: an electricity meter and a heat meter."""

import datetime as dt
from collections.abc import Mapping, Sequence

from quartier_hil.devices.mains import Mains
from quartier_hil.devices.meters.mbus import record as records
from quartier_hil.devices.meters.mbus.frame import Identity
from quartier_hil.devices.meters.mbus.record import Place, Record
from quartier_hil.devices.meters.mbus.slave import Slave

ELECTRICITY, HEAT = 0x02, 0x04
_WATER_WH_PER_M3_K = 1_163.0
_SPREAD_K, _RETURN_C = 20.0, 30.0


class ElectricitySlave(Slave):
    """Energy in and out in Wh, power in W; ``tell`` moves it."""

    def __init__(self, serial: int, *, address: int = 0, wait_s: float = 0.0) -> None:
        self._mains = Mains()
        identity = Identity(serial=serial, maker="QRT", medium=ELECTRICITY)
        super().__init__(identity, self._records, address=address, wait_s=wait_s)

    def tell(self, values: Mapping[str, float], _now: dt.datetime) -> None:
        """Take the values of the plant, in gateway units."""
        self._mains.take(values)

    def _records(self) -> Sequence[Sequence[Record]]:
        mains = self._mains
        return [
            [
                records.measured("energy", round(mains.energy_import_wh), 0, "bcd8"),
                records.measured("energy", round(mains.energy_export_wh), 0, "bcd8", Place(subunit=1)),
                records.measured("power", round(mains.power_w), 0, "int32"),
            ]
        ]


class HeatSlave(Slave):
    """A heat meter: energy, volume, power, flow and temperatures of a heat in W."""

    def __init__(self, serial: int, *, address: int = 0, wait_s: float = 0.0) -> None:
        self.heat_wh = 0.0
        self.heat_w = 0.0
        self.now = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - a meter's local time
        identity = Identity(serial=serial, maker="QRT", medium=HEAT)
        super().__init__(identity, self._records, address=address, wait_s=wait_s)

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take ``heat_w`` and ``heat_wh`` of the plant at ``now``."""
        self.heat_w = values.get("heat_w", self.heat_w)
        self.heat_wh = values.get("heat_wh", self.heat_wh)
        self.now = now

    def _records(self) -> Sequence[Sequence[Record]]:
        flow = self.heat_w / _WATER_WH_PER_M3_K / _SPREAD_K
        volume = self.heat_wh / _WATER_WH_PER_M3_K / _SPREAD_K
        return [
            [
                records.measured("energy", round(self.heat_wh / 1000), 3, "bcd8"),
                records.measured("volume", round(volume * 100), -2, "bcd8"),
                records.measured("power", round(self.heat_w / 100), 2, "bcd6"),
                records.measured("flow", round(flow * 1000), -3, "bcd6"),
                records.measured("flow_temperature", round((_RETURN_C + _SPREAD_K) * 10), -1, "bcd4"),
                records.measured("return_temperature", round(_RETURN_C * 10), -1, "bcd4"),
                records.date_time(self.now),
            ]
        ]
