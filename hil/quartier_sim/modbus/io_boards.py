"""Waveshare boards on RS-485: eight relays (Relay), eight inputs and outputs (IO 8CH).

Source: Waveshare wiki, "Modbus RTU Relay", development protocol V2 and V3: relays are coils 0..7
(functions
1, 5 and 15), 0x00FF is all of them, 0x5500 toggles one, the firmware version is in holding register
0x8000.  The relay board has no watchdog, and all relays drop when its power does.

Source: Waveshare wiki, "Modbus RTU IO 8CH": input and output n are discrete input and coil n - 1
(functions
2; 1, 5 and 15).  The IO board has no watchdog, and all outputs open when its power goes.
"""

import struct
from collections.abc import Mapping, Sequence

from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, Refusal, Table, Unit

RELAYS = 8
_ALL_RELAYS = 0x00FF
_FIRMWARE_PLACE, _FIRMWARE = 0x8000, 200  # V2.00
_TOGGLE = 0x5500


class _RelayUnit(Unit):
    """Unit that also takes the value that toggles a relay, which is not in the Modbus standard."""

    def answer(self, pdu: bytes) -> bytes:
        if pdu[0] == 5 and len(pdu) == 5 and struct.unpack(">H", pdu[3:])[0] == _TOGGLE:
            address = struct.unpack(">H", pdu[1:3])[0]
            if address < RELAYS:
                self.put("coil", address, [1 - self.tables["coil"][address]])
                return pdu
        return super().answer(pdu)


class RelayBoard(Device):
    """Orders ``relay1.relay_on`` … ``relay8.relay_on``, 1.0 for a relay that is pulled in."""

    def __init__(self, unit: int = 1, seed: int = 0) -> None:
        super().__init__(seed)
        self._unit = _RelayUnit(functions=(1, 3, 5, 6, 15), accept=self._accept)
        self.units = {unit: self._unit}
        self._unit.put("holding", _FIRMWARE_PLACE, [_FIRMWARE])
        self.forget()

    def show(self, values: Mapping[str, float]) -> None:
        """It measures nothing: raises KeyError for any value."""
        for quantity in values:
            raise KeyError(quantity)

    def orders(self) -> Mapping[str, float]:
        """Return the state of each relay: 1 pulled in, 0 dropped."""
        coils = self._unit.tables["coil"]
        return {f"relay{number + 1}.relay_on": float(coils[number]) for number in range(RELAYS)}

    def forget(self) -> None:
        """Without power every relay drops."""
        self._unit.put("coil", 0, [0] * RELAYS)

    def _accept(self, table: Table, address: int, words: Sequence[int]) -> None:
        if (table, address) == ("coil", _ALL_RELAYS):
            self._unit.put("coil", 0, [words[0]] * RELAYS)
        elif table == "coil" and address + len(words) <= RELAYS:
            self._unit.put("coil", address, words)
        else:
            raise Refusal(ILLEGAL_ADDRESS)


CHANNELS = 8


class IoBoard(Device):
    """Shows ``in1.input_on`` … (not 0: closed); orders ``out1.relay_on`` …, 1.0 for an output that is on."""

    def __init__(self, unit: int = 1, seed: int = 0) -> None:
        super().__init__(seed)
        self._unit = Unit(functions=(1, 2, 5, 15), accept=self._accept)
        self.units = {unit: self._unit}
        self._unit.put("discrete", 0, [0] * CHANNELS)
        self.forget()

    def show(self, values: Mapping[str, float]) -> None:
        """Close or open contacts; raises KeyError for what is no input of it."""
        places = {f"in{number + 1}.input_on": number for number in range(CHANNELS)}
        for quantity, value in values.items():
            self._unit.put("discrete", places[quantity], [int(value != 0)])

    def orders(self) -> Mapping[str, float]:
        """Return the state of each output: 1 on, 0 off."""
        coils = self._unit.tables["coil"]
        return {f"out{number + 1}.relay_on": float(coils[number]) for number in range(CHANNELS)}

    def forget(self) -> None:
        """Without power every output opens."""
        self._unit.put("coil", 0, [0] * CHANNELS)

    def _accept(self, table: Table, address: int, words: Sequence[int]) -> None:
        if table != "coil" or address + len(words) > CHANNELS:
            raise Refusal(ILLEGAL_ADDRESS)
        self._unit.put("coil", address, words)
