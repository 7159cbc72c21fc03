"""The class that PythonFMU finds in an exported FMU; only that FMU imports it."""

from pathlib import Path
from typing import Any

from pythonfmu import Fmi2Causality, Fmi2Initial, Fmi2Slave, Fmi2Variability, Real

from quartier_sim.fmi.exported_building import load_building


class QuartierBuilding(Fmi2Slave):  # type: ignore[misc]  # PythonFMU has no types
    """A building of Quartier: orders in, measurements out."""

    author = "Quartier"
    description = "The plant of a site file of Quartier: assets, connection and grid"

    def __init__(self, **settings: Any) -> None:
        """Make the building of the site file in the resources, and name its variables."""
        super().__init__(**settings)
        self._building = load_building(Path(self.resources))
        for name in self._building.inputs:
            self._add(name, Fmi2Causality.input, self._building.inputs)
        for name in sorted(set(self._building.outputs) - set(self._building.inputs)):
            self._add(name, Fmi2Causality.output, None)

    def _add(self, name: str, causality: Any, place: dict[str, float] | None) -> None:
        def read() -> float:
            return (self._building.outputs if place is None else place)[name]

        def write(value: float) -> None:
            assert place is not None
            place[name] = value

        self.register_variable(
            Real(
                name,
                causality=causality,
                variability=Fmi2Variability.continuous,
                getter=read,
                **({"initial": Fmi2Initial.exact} if place is None else {"setter": write}),
            ),
            nested=False,
        )

    def do_step(self, _current_time: float, step_size: float) -> bool:
        """Go on by ``step_size`` s."""
        self._building.step(step_size)
        return True
