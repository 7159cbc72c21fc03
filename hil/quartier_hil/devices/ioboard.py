"""Waveshare Modbus RTU IO 8CH, eight digital inputs and eight open-drain outputs on RS-485.

Source: Waveshare wiki, "Modbus RTU IO 8CH": input and output n are discrete input and coil n - 1
(functions 2; 1, 5 and 15).  It has no watchdog, and all outputs open when its power goes.
"""

from collections.abc import Mapping, Sequence

from quartier_hil.devices.actor import Device
from quartier_hil.devices.unit import ILLEGAL_ADDRESS, Refusal, Table, Unit

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
