"""Plants that serve typed variables over OPC UA, with a lease on their orders (pure).

Source: OPC 10000-3 (variables, access level), OPC 10000-8 (analog items: EURange, EngineeringUnits; the
unit's number is its UNECE Recommendation 20 code, its characters read as one number), OPC 10000-3 clause
8.2 (NodeId).

No variable of OPC UA expires by itself. A plant's do here because its maker added a lease: with ``Lease``
at 0 (after a loss of power) an order stays in force for ever; with a number of seconds it falls back once
neither the order nor ``Watchdog`` was written for that time.

Heat substation: made for the rig.  Its quantities are those of the map ``quartier/substation``, and
further
the valve, the heat given to the building and a shift of its supply set-point; kW and kWh as such plants
show them.

Waste terminal: made for the rig.  Its quantities are those of the map ``quartier/waste_plant``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from quartier_sim.devices.simulated_device import Device

VariableKind = Literal["Double", "Float", "UInt32", "Boolean"]
UNIT_NAMES: Mapping[str, str] = {
    "KWT": "kW",
    "KWH": "kWh",
    "CEL": "°C",
    "MQH": "m³/h",
    "P1": "%",
    "KEL": "K",
    "SEC": "s",
}
"""The codes in use here and how they are displayed."""
UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"


def compute_unit_id(code: str) -> int:
    """The number that OPC 10000-8 gives a UNECE code: ``"CEL"`` is 4408652."""
    return int.from_bytes(code.encode("ascii"), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: its value is ``quantity`` in gateway units times ``scale``.

    ``unit`` is a UNECE code; with one it is an analog item of the range ``low..high`` (its own units).
    ``start`` is its value after a loss of power; an ``order`` falls back to it.
    """

    name: str
    quantity: str
    kind: VariableKind = "Double"
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    scale: float = 1.0
    start: float = 0.0
    writable: bool = False
    order: bool = False

    def takes(self, value: float) -> bool:
        """Return whether it may be written: NaN never, and nothing outside the range of an analog item."""
        return value == value and (not self.unit or self.low <= value <= self.high)  # noqa: PLR0124 - NaN alone is not itself


@dataclass(frozen=True, slots=True)
class AddressSpace:
    """An address space: the namespace ``uri``, one object, and its variables, each ``s=<object>.<name>``."""

    uri: str
    title: str
    variables: Sequence[Variable]

    def identifier(self, variable: Variable) -> str:
        """The string identifier of a variable in the plant's namespace."""
        return f"{self.title}.{variable.name}"


LEASE_QUANTITY, WATCHDOG_QUANTITY = "lease_s", "watchdog_count"
LEASE_VARIABLES = (
    Variable(name="Lease", quantity=LEASE_QUANTITY, kind="UInt32", unit="SEC", high=86_400.0, writable=True),
    Variable(name="Watchdog", quantity=WATCHDOG_QUANTITY, kind="UInt32", writable=True),
)
_SECONDS_PER_HOUR = 3_600.0


class OpcuaPlant(Device):
    """``listeners`` are called with a variable and its new value whenever one changes."""

    def __init__(self, space: AddressSpace, seed: int = 0) -> None:
        super().__init__(seed)
        self.space = space
        self.listeners: list[Callable[[Variable, float], None]] = []
        self._by_quantity = {variable.quantity: variable for variable in space.variables}
        self._writable = {variable.name: variable for variable in space.variables if variable.writable}
        self.held = {variable.name: variable.start for variable in space.variables}
        self._power_w, self._energy_wh, self._counted_s = 0.0, 0.0, 0.0
        self._heard_s = self.now_s

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that the plant can publish, by the gateway's names; an energy is counted here."""
        shown = (name for name, variable in self._by_quantity.items() if not variable.writable)
        return tuple(name for name in shown if name != "energy_import_wh")

    def show(self, values: Mapping[str, float]) -> None:
        """Put the plant's values into its variables."""
        for quantity, value in values.items():
            variable = self._by_quantity[quantity]
            self._put(variable, value * variable.scale)
        if "power_w" in values:
            self._power_w = values["power_w"]

    def take(self, name: str, value: float) -> bool:
        """A client writes; False: the value is outside the variable's range and is not taken.

        Raises KeyError for a variable that there is not, or that cannot be written.
        """
        variable = self._writable[name]
        if not variable.takes(value):
            return False
        self.writes_count += 1
        self._heard_s = self.now_s
        self._put(variable, value)
        return True

    def orders(self) -> Mapping[str, float]:
        """Return the orders in force, in gateway units."""
        return {
            variable.quantity: self.held[variable.name] / variable.scale
            for variable in self.space.variables
            if variable.order
        }

    def tick(self, now_s: float) -> None:
        """Plant time goes on: its meter counts, its lease runs out."""
        super().tick(now_s)
        spent_s = self.now_s - self._counted_s
        self._counted_s = self.now_s
        energy = self._by_quantity.get("energy_import_wh")
        if energy is not None and not self.off and "stuck" not in self.faults:
            self._energy_wh += max(self._power_w, 0.0) * spent_s / _SECONDS_PER_HOUR
            self._put(energy, self._energy_wh * energy.scale)

    def expire(self) -> None:
        """Take back orders that are not repeated in time."""
        lease_s = self.held.get("Lease", 0.0)
        if lease_s and self.now_s - self._heard_s >= lease_s:
            self._fall_back()

    def forget(self) -> None:
        """Forget orders and lease after a loss of power."""
        for variable in self._writable.values():
            self._put(variable, variable.start)

    def _fall_back(self) -> None:
        for variable in self.space.variables:
            if variable.order:
                self._put(variable, variable.start)

    def _put(self, variable: Variable, value: float) -> None:
        if self.held[variable.name] != value:
            self.held[variable.name] = value
            for listener in self.listeners:
                listener(variable, value)


HEAT_SUBSTATION_URI = "urn:quartier:rig:heat-substation"
_SUBSTATION_KILO = 1e-3
HEAT_SUBSTATION_SPACE = AddressSpace(
    HEAT_SUBSTATION_URI,
    "Substation",
    (
        Variable(name="Power", quantity="power_w", unit="KWT", high=1_000.0, scale=_SUBSTATION_KILO),
        Variable(name="Energy", quantity="energy_import_wh", unit="KWH", high=1e9, scale=_SUBSTATION_KILO),
        Variable(name="SupplyTemperature", quantity="supply_c", unit="CEL", low=-40.0, high=150.0),
        Variable(name="ReturnTemperature", quantity="return_c", unit="CEL", low=-40.0, high=150.0),
        Variable(name="Flow", quantity="flow_m3_per_h", kind="Float", unit="MQH", high=500.0),
        Variable(name="PumpSpeed", quantity="speed_pct", unit="P1", high=110.0),
        Variable(name="ValvePosition", quantity="valve_pct", kind="Float", unit="P1", high=100.0),
        Variable(name="HeatPower", quantity="heat_w", unit="KWT", high=10_000.0, scale=_SUBSTATION_KILO),
        Variable(
            name="PumpLimit",
            quantity="pump_pct",
            unit="P1",
            low=10.0,
            high=100.0,
            start=100.0,
            writable=True,
            order=True,
        ),
        Variable(
            name="SetpointShift",
            quantity="setpoint_shift_k",
            unit="KEL",
            low=-5.0,
            high=5.0,
            writable=True,
            order=True,
        ),
        *LEASE_VARIABLES,
    ),
)


class HeatSubstation(OpcuaPlant):
    """Ordered by ``pump_pct`` (the most speed of its pump) and ``setpoint_shift_k``."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(HEAT_SUBSTATION_SPACE, seed)


WASTE_TERMINAL_URI = "urn:quartier:rig:waste-collection"
_TERMINAL_KILO = 1e-3
WASTE_TERMINAL_SPACE = AddressSpace(
    WASTE_TERMINAL_URI,
    "Terminal",
    (
        Variable(name="Power", quantity="power_w", unit="KWT", high=1_000.0, scale=_TERMINAL_KILO),
        Variable(name="Energy", quantity="energy_import_wh", unit="KWH", high=1e9, scale=_TERMINAL_KILO),
        Variable(name="BatchLeft", quantity="left_s", kind="UInt32", unit="SEC", high=86_400.0),
        Variable(name="Waiting", quantity="waiting_on", kind="Boolean"),
        Variable(name="FansOn", quantity="fans_on", kind="Boolean"),
        Variable(name="MayRun", quantity="run_on", kind="Boolean", start=1.0, writable=True, order=True),
        *LEASE_VARIABLES,
    ),
)


class WasteTerminal(OpcuaPlant):
    """Ordered by ``run_on``: whether a batch may run."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(WASTE_TERMINAL_SPACE, seed)
