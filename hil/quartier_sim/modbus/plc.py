"""A controller of one plant: lights, heat pump, substation, CHP, waste, air, cooling, hot water, a load.

Source: the maps that the profiles ``quartier/…`` and ``rig/…`` state for an installer's PLC, encoded here by
hand.  Each of the former begins with "QT" and the number of its plant (holding 0 and 1), shows W in input 0
and 1 and takes one order.  The order ends by itself after the seconds in holding 11 without a write, or
after 60 s where that register does not exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit

MARK, MARK_PLACE, PLANT_PLACE, TIMER_PLACE = 0x5154, 0, 1, 11
DEFAULT_LEASE_S = 60


@dataclass(frozen=True, slots=True)
class ShownRegister:
    """A value as registers: ``bits`` 1 for a discrete input; multiplied by ``scale``, then rounded."""

    table: Table
    address: int
    bits: int = 16
    scale: float = 1.0
    signed: bool = False

    def words(self, value: float) -> list[int]:
        """Return the registers of ``value``."""
        if self.bits == 1:
            return [int(value != 0)]
        return list(framing.encode_integer(value * self.scale, self.bits, signed=self.signed))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantMap:
    """Registers of a plant: ``own`` is the value without an order; ``number`` 0: it has no mark."""

    order: str
    table: Table
    own: float
    low: float
    high: float
    number: int = 0
    address: int = 10
    scale: float = 1.0
    shown: Mapping[str, ShownRegister] = field(default_factory=dict)
    power_sign: int = 1


def _make_temperature_register(address: int) -> ShownRegister:
    return ShownRegister("input", address, scale=10.0, signed=True)


PLANT_MAPS: Mapping[str, PlantMap] = {
    "lights": PlantMap(
        number=1,
        order="dim_pct",
        table="holding",
        own=100.0,
        low=50.0,
        high=100.0,
        shown={"failed_count": ShownRegister("input", 4), "lit_on": ShownRegister("discrete", 0, 1)},
    ),
    "waste": PlantMap(
        number=2,
        order="run_on",
        table="coil",
        address=0,
        own=1.0,
        low=0.0,
        high=1.0,
        shown={
            "left_s": ShownRegister("input", 4),
            "waiting_on": ShownRegister("discrete", 0, 1),
            "fans_on": ShownRegister("discrete", 1, 1),
        },
    ),
    "substation": PlantMap(
        number=3,
        order="pump_pct",
        table="holding",
        own=100.0,
        low=10.0,
        high=100.0,
        shown={
            "supply_c": _make_temperature_register(4),
            "return_c": _make_temperature_register(5),
            "flow_m3_per_h": ShownRegister("input", 6, scale=10.0),
            "speed_pct": ShownRegister("input", 7, scale=10.0),
        },
    ),
    "heat": PlantMap(
        number=4,
        order="sg_ready_state",
        table="holding",
        own=2.0,
        low=1.0,
        high=4.0,
        shown={"tank_c": _make_temperature_register(4), "room_c": _make_temperature_register(5)},
    ),
    "chp": PlantMap(
        number=5,
        order="request_on",
        table="coil",
        address=0,
        own=0.0,
        low=0.0,
        high=1.0,
        power_sign=-1,
        shown={"engine_on": ShownRegister("discrete", 0, 1)},
    ),
    "ventilation": PlantMap(
        number=6,
        order="speed_pct",
        table="holding",
        own=100.0,
        low=10.0,
        high=100.0,
        shown={"co2_ppm": ShownRegister("input", 4)},
    ),
    "cooling": PlantMap(
        order="setpoint_shift_k",
        table="holding",
        address=0,
        own=0.0,
        low=-10.0,
        high=10.0,
        scale=10.0,
        shown={"room_c": ShownRegister("input", 2, 32, 100.0, signed=True)},
    ),
    "boiler": PlantMap(
        order="relay_on",
        table="coil",
        address=0,
        own=1.0,
        low=0.0,
        high=1.0,
        shown={"tank_c": _make_temperature_register(2)},
    ),
    "load": PlantMap(order="relay_on", table="coil", address=0, own=1.0, low=0.0, high=1.0),
}


class Plc(Device):
    """One plant; its order is named as the gateway names it (``dim_pct``, ``run_on`` …)."""

    def __init__(self, kind: str, unit: int = 1, seed: int = 0) -> None:
        super().__init__(seed)
        self.map = PLANT_MAPS[kind]
        self._unit = Unit(functions=(1, 2, 3, 4, 5, 6, 15, 16), gaps="zero", accept=self._accept)
        self.units = {unit: self._unit}
        self._order = self.map.own
        self._timer_s = 0 if self.map.number else DEFAULT_LEASE_S
        self._heard_s = self.now_s
        if self.map.number:
            self._unit.put("holding", MARK_PLACE, [MARK, self.map.number])
        self.show({"power_w": 0.0})
        self._settings()

    def show(self, values: Mapping[str, float]) -> None:
        """Put the plant's values into its registers; what this plant cannot measure is left out."""
        for quantity, value in values.items():
            if quantity == "power_w":
                words = framing.encode_integer(value * self.map.power_sign, 32, signed=True)
                self._unit.put("input", 0, words)
            elif quantity == "energy_import_wh" and self.map.number:
                self._unit.put("input", 2, framing.encode_integer(value, 32, signed=False))
            elif quantity in self.map.shown:
                place = self.map.shown[quantity]
                self._unit.put(place.table, place.address, place.words(value))

    def orders(self) -> Mapping[str, float]:
        """Return the order in force."""
        return {self.map.order: self._order}

    def expire(self) -> None:
        """Take back an order that is not repeated in time."""
        if self._timer_s and self.now_s - self._heard_s >= self._timer_s and self._order != self.map.own:
            self._order = self.map.own
            self._settings()

    def forget(self) -> None:
        """Forget the order after a loss of power."""
        self._order = self.map.own
        self._timer_s = 0 if self.map.number else DEFAULT_LEASE_S
        self._settings()

    def _settings(self) -> None:
        if self.map.table == "coil":
            self._unit.put("coil", self.map.address, [int(self._order != 0)])
        else:
            words = framing.encode_integer(self._order * self.map.scale, 16, signed=self.map.low < 0)
            self._unit.put("holding", self.map.address, words)
        if self.map.number:
            self._unit.put("holding", TIMER_PLACE, [self._timer_s])

    def _accept(self, table: Table, address: int, words: Sequence[int]) -> None:
        for place, word in enumerate(words, address):
            if (table, place) == (self.map.table, self.map.address):
                self._take(word)
            elif (table, place) == ("holding", TIMER_PLACE) and self.map.number:
                self._timer_s = word
            else:
                raise Refusal(ILLEGAL_ADDRESS)
        self._heard_s = self.now_s
        self._settings()

    def _take(self, word: int) -> None:
        signed = word - 0x10000 if self.map.low < 0 and word >= 0x8000 else word
        value = signed / self.map.scale
        if not self.map.low <= value <= self.map.high:
            raise Refusal(ILLEGAL_VALUE)
        self._order = value
