"""Carlo Gavazzi EM24 E1 (Ethernet), a three-phase meter on Modbus TCP.

Source: Carlo Gavazzi, EM24_E1 (Ethernet) communication protocol version 0 revision 1.3, sections
2.3 to 2.5: signed 32-bit numbers, least significant word first, the same with functions 3 and 4.
"""

from collections.abc import Mapping

from quartier_hil.devices import wire
from quartier_hil.devices.actor import Device
from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.unit import Table, Unit

_MODEL_PLACE = 0x000B  # asked for alone, it is the identification code; in a block, half a voltage
_MODEL = 1648  # EM24DINAV23XE1X
_SERIAL_PLACE, _SERIAL_WORDS = 0x5000, 7
_LAST = 0x0051


class _Unit(Unit):
    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        if (address, count) == (_MODEL_PLACE, 1):
            return [_MODEL]
        return super().get(table, address, count)


class Em24(Device):
    """Shows the quantities of ``mains``; takes no orders."""

    def __init__(self, unit: int = 1, serial: str = "BX0300021234X", seed: int = 0) -> None:
        super().__init__(seed)
        self._unit = _Unit(functions=(3, 4))
        self.units = {unit: self._unit}
        self._mains = Mains()
        self._put(0, [0] * (_LAST + 1))  # the table has no holes; what is not shown here reads 0
        self._put(_SERIAL_PLACE, wire.text(serial, _SERIAL_WORDS))
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the meter's values into its registers."""
        self._mains.take(values)
        for place, phase in enumerate(PHASES):
            self._number(0x0000 + 2 * place, self._mains.phase_voltage_v(phase) * 10)
            self._number(0x000C + 2 * place, self._mains.phase_current_a(phase) * 1000)
            self._number(0x0012 + 2 * place, self._mains.phase_power_w(phase) * 10)
        self._number(0x0028, self._mains.power_w * 10)
        self._put(0x0033, wire.whole(self._mains.frequency_hz * 10, 16, signed=False))
        self._number(0x0034, self._mains.energy_import_wh / 100)  # 0.1 kWh
        self._number(0x004E, self._mains.energy_export_wh / 100)

    def _number(self, address: int, value: float) -> None:
        self._put(address, wire.whole(value, 32, low_first=True))

    def _put(self, address: int, words: list[int]) -> None:
        self._unit.put("input", address, words)
        self._unit.put("holding", address, words)
