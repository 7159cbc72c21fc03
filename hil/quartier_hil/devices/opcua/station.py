"""A plant that serves its variables over OPC UA: values in, orders out, and a lease on its orders (pure).

No variable of OPC UA expires by itself. This plant's do because its maker added a lease: with
``Lease`` at 0 (after a loss of power) an order stays in force for ever; with a number of seconds it falls
back once neither the order nor ``Watchdog`` was written for that time.
"""

from collections.abc import Callable, Mapping

from quartier_hil.devices.actor import Device
from quartier_hil.devices.opcua.space import Space, Variable

LEASE, WATCHDOG = "lease_s", "watchdog_count"
LEASE_VARIABLES = (
    Variable(name="Lease", quantity=LEASE, kind="UInt32", unit="SEC", high=86_400.0, writable=True),
    Variable(name="Watchdog", quantity=WATCHDOG, kind="UInt32", writable=True),
)
_SECONDS_PER_HOUR = 3_600.0


class Station(Device):
    """``listeners`` are called with a variable and its new value whenever one changes."""

    def __init__(self, space: Space, seed: int = 0) -> None:
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
