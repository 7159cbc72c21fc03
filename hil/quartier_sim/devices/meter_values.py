"""Values of a three-phase meter, completed from as little as its total power."""

from collections.abc import Mapping

PHASES = ("l1", "l2", "l3")
QUANTITIES = frozenset(
    {"power_w", "frequency_hz", "energy_import_wh", "energy_export_wh"}
    | {
        f"{kind}_{phase}_{unit}"
        for phase in PHASES
        for kind, unit in (("power", "w"), ("voltage", "v"), ("current", "a"))
    }
)
_VOLTAGE_V = 230.0


class MeterValues:
    """The latest values of one meter, in gateway units and sign (plus: import).

    Phases that were never given share the total equally, a total that was never given is their sum,
    currents follow from power and voltage at unity power factor.
    """

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def take(self, values: Mapping[str, float]) -> None:
        """Remember ``values``; raises KeyError for a quantity that no meter has."""
        for quantity, value in values.items():
            if quantity not in QUANTITIES:
                raise KeyError(quantity)
            self._told[quantity] = value

    @property
    def power_w(self) -> float:
        """Total active power, import plus."""
        value = self._told.get("power_w")
        return (
            value if value is not None else sum(self._told.get(f"power_{phase}_w", 0.0) for phase in PHASES)
        )

    def phase_power_w(self, phase: str) -> float:
        """Active power of ``l1``, ``l2`` or ``l3``."""
        return self._told.get(f"power_{phase}_w", self.power_w / len(PHASES))

    def phase_voltage_v(self, phase: str) -> float:
        """Voltage to neutral."""
        return self._told.get(f"voltage_{phase}_v", _VOLTAGE_V)

    def phase_current_a(self, phase: str) -> float:
        """Current, never negative."""
        value = self._told.get(f"current_{phase}_a")
        return value if value is not None else abs(self.phase_power_w(phase)) / self.phase_voltage_v(phase)

    @property
    def frequency_hz(self) -> float:
        """Frequency of the mains, Hz."""
        return self._told.get("frequency_hz", 50.0)

    @property
    def energy_import_wh(self) -> float:
        """Counter of what came in."""
        return self._told.get("energy_import_wh", 0.0)

    @property
    def energy_export_wh(self) -> float:
        """Counter of what went out."""
        return self._told.get("energy_export_wh", 0.0)
