"""Find the parts of a scenario that only wires can show (pure but for the file that is read)."""

from pathlib import Path

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil import scenario as asked

SPOKEN = {"tic"}
"""The smart meters that are there without wires too."""


class NeedsWiresError(ConfigError):
    """The scenario shows what only wires can."""


def fits(path: Path) -> bool:
    """Return whether a scenario can be run without wires.  Raises ConfigError for one that is faulty."""
    try:
        refuse(asked.load(path))
    except NeedsWiresError:
        return False
    return True


def refuse(scenario: asked.Scenario) -> None:
    """Raise NeedsWiresError for what only wires can show."""
    faults = [
        Fault(scenario.title, None, f"events.{index}", f"{event.do} needs the wires: quartier-hil run")
        for index, event in enumerate(scenario.events)
        if isinstance(event, asked.Unplug | asked.Disturb)
    ]
    if others := set(scenario.house.meters) - SPOKEN:
        what = f"{', '.join(sorted(others))}: needs the wires: quartier-hil run"
        faults.append(Fault(scenario.title, None, "house.meters", what))
    if faults:
        raise NeedsWiresError(faults)
