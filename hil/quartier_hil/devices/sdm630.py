"""Eastron SDM630-Modbus V2, a three-phase meter on RS-485.

Source: Eastron SDM630Modbus Smart Meter Modbus Protocol Implementation V1.8, tables of input and
holding registers: every value an IEEE 754 single, most significant word first, in even places, at
most 80 registers a read, odd places and odd counts refused.
"""

from collections.abc import Mapping

from quartier_hil.devices import wire
from quartier_hil.devices.actor import Device
from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit

_LAST_INPUT = 0x0181  # the table ends with "resettable export", 0x0180
_SERIAL = 0xFC00


class _Pairs(Unit):
    """A unit with registers in pairs."""

    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        if address % 2:
            raise Refusal(ILLEGAL_ADDRESS)
        if count % 2:
            raise Refusal(ILLEGAL_VALUE)
        return super().get(table, address, count)


class Sdm630(Device):
    """Shows the quantities of ``mains``; takes no orders."""

    def __init__(self, unit: int = 1, serial: int = 20_123_456, seed: int = 0) -> None:
        super().__init__(seed)
        self._unit = _Pairs(functions=(3, 4, 16), words_max=80)
        self.units = {unit: self._unit}
        self._mains = Mains()
        self._unit.put("input", 0, [0] * (_LAST_INPUT + 1))  # what is not shown here reads 0
        self._unit.put("holding", _SERIAL, wire.whole(serial, 32, signed=False))
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the meter's values into its registers."""
        self._mains.take(values)
        for place, phase in enumerate(PHASES):
            self._real(0x0000 + 2 * place, self._mains.phase_voltage_v(phase))
            self._real(0x0006 + 2 * place, self._mains.phase_current_a(phase))
            self._real(0x000C + 2 * place, self._mains.phase_power_w(phase))
        self._real(0x0034, self._mains.power_w)
        self._real(0x0046, self._mains.frequency_hz)
        self._real(0x0048, self._mains.energy_import_wh / 1000)  # kWh
        self._real(0x004A, self._mains.energy_export_wh / 1000)

    def _real(self, address: int, value: float) -> None:
        self._unit.put("input", address, wire.real(value))
