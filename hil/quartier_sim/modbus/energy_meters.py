"""Three-phase meters: Carlo Gavazzi EM24 E1 on Modbus TCP, Eastron SDM630 V2 on RS-485.

Source: Carlo Gavazzi, EM24_E1 (Ethernet) communication protocol version 0 revision 1.3, sections 2.3 to
2.5: signed 32-bit numbers, least significant word first, the same with functions 3 and 4.

Source: Eastron SDM630Modbus Smart Meter Modbus Protocol Implementation V1.8, tables of input and holding
registers: every value an IEEE 754 single, most significant word first, in even places, at most 80
registers
a read, odd places and odd counts refused.
"""

from collections.abc import Mapping

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit

_EM24_MODEL_PLACE = 0x000B  # asked for alone, it is the identification code; in a block, half a voltage
_EM24_MODEL = 1648  # EM24DINAV23XE1X
_EM24_SERIAL_PLACE, _EM24_SERIAL_WORDS = 0x5000, 7
_EM24_LAST = 0x0051


class _Em24Unit(Unit):
    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        if (address, count) == (_EM24_MODEL_PLACE, 1):
            return [_EM24_MODEL]
        return super().get(table, address, count)


class Em24(Device):
    """Shows the quantities of ``mains``; takes no orders."""

    def __init__(self, unit: int = 1, serial: str = "BX0300021234X", seed: int = 0) -> None:
        super().__init__(seed)
        self._unit = _Em24Unit(functions=(3, 4))
        self.units = {unit: self._unit}
        self._mains = MeterValues()
        self._put(0, [0] * (_EM24_LAST + 1))  # the table has no holes; what is not shown here reads 0
        self._put(_EM24_SERIAL_PLACE, framing.encode_text(serial, _EM24_SERIAL_WORDS))
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the meter's values into its registers."""
        self._mains.take(values)
        for place, phase in enumerate(PHASES):
            self._number(0x0000 + 2 * place, self._mains.phase_voltage_v(phase) * 10)
            self._number(0x000C + 2 * place, self._mains.phase_current_a(phase) * 1000)
            self._number(0x0012 + 2 * place, self._mains.phase_power_w(phase) * 10)
        self._number(0x0028, self._mains.power_w * 10)
        self._put(0x0033, framing.encode_integer(self._mains.frequency_hz * 10, 16, signed=False))
        self._number(0x0034, self._mains.energy_import_wh / 100)  # 0.1 kWh
        self._number(0x004E, self._mains.energy_export_wh / 100)

    def _number(self, address: int, value: float) -> None:
        self._put(address, framing.encode_integer(value, 32, low_first=True))

    def _put(self, address: int, words: list[int]) -> None:
        self._unit.put("input", address, words)
        self._unit.put("holding", address, words)


_SDM630_LAST_INPUT = 0x0181  # the table ends with "resettable export", 0x0180
_SDM630_SERIAL_PLACE = 0xFC00


class _RegisterPairUnit(Unit):
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
        self._unit = _RegisterPairUnit(functions=(3, 4, 16), words_max=80)
        self.units = {unit: self._unit}
        self._mains = MeterValues()
        self._unit.put("input", 0, [0] * (_SDM630_LAST_INPUT + 1))  # what is not shown here reads 0
        self._unit.put("holding", _SDM630_SERIAL_PLACE, framing.encode_integer(serial, 32, signed=False))
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
        self._unit.put("input", address, framing.encode_float(value))
