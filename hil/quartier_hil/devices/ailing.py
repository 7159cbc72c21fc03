"""What is wrong with a meter that speaks by itself: which values it tells, and whether at all."""

from collections.abc import Mapping
from typing import Any

from quartier_hil.devices.fault import Fault, Kind, Shown


class Ailing:
    """The faults in force on one meter; time is seconds of the house."""

    def __init__(self) -> None:
        self.faults: dict[Kind, Fault] = {}
        self._since_s: dict[Kind, float] = {}
        self._shown = Shown()

    def fault(self, kind: Kind, now_s: float, **args: Any) -> None:
        """Put a fault in force beside those that are.  Raises ValueError for what is none."""
        self.faults[kind] = Fault(kind, **args)
        self._since_s[kind] = now_s

    def clear(self) -> None:
        """It is well again."""
        self.faults.clear()

    def is_mute(self, now_s: float) -> bool:
        """Return whether nothing is heard of it now: no power, or a loose contact that is open."""
        loose = self.faults.get("intermittent")
        return "off" in self.faults or (
            loose is not None and loose.is_apart(now_s - self._since_s["intermittent"])
        )

    def seconds(self, kind: Kind) -> float:
        """Return how long a fault says; 0 where it is not in force."""
        fault = self.faults.get(kind)
        return 0.0 if fault is None else fault.seconds

    def told(self, values: Mapping[str, float], now_s: float) -> Mapping[str, float] | None:
        """Return what it shows of ``values``; None: it stands, and shows what it showed."""
        stuck = self.faults.get("stuck")
        if stuck is not None and stuck.is_whole:
            return None
        return self._shown.apply(self.faults, values, now_s)
