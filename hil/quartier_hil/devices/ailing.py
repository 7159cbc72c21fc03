"""Faults of a meter that sends by itself: they change its values, or silence it."""

from collections.abc import Mapping
from typing import Any

from quartier_hil.devices.fault import Fault, Kind, Shown


class Ailing:
    """Faults in force on one meter; time is seconds of the site's clock."""

    def __init__(self) -> None:
        self.faults: dict[Kind, Fault] = {}
        self._since_s: dict[Kind, float] = {}
        self._shown = Shown()

    def fault(self, kind: Kind, now_s: float, **args: Any) -> None:
        """Put a fault in force in addition to the others.  Raises ValueError for an unknown kind."""
        self.faults[kind] = Fault(kind, **args)
        self._since_s[kind] = now_s

    def clear(self) -> None:
        """End all faults."""
        self.faults.clear()

    def is_mute(self, now_s: float) -> bool:
        """Return whether it sends nothing now: no power, or a loose contact that is open."""
        loose = self.faults.get("intermittent")
        return "off" in self.faults or (
            loose is not None and loose.is_apart(now_s - self._since_s["intermittent"])
        )

    def seconds(self, kind: Kind) -> float:
        """Return the ``seconds`` of a fault; 0 where it is not in force."""
        fault = self.faults.get(kind)
        return 0.0 if fault is None else fault.seconds

    def told(self, values: Mapping[str, float], now_s: float) -> Mapping[str, float] | None:
        """Return the values that it shows for ``values``; None: it is stuck and shows the last ones."""
        stuck = self.faults.get("stuck")
        if stuck is not None and stuck.is_whole:
            return None
        return self._shown.apply(self.faults, values, now_s)
