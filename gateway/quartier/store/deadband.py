"""Decide which readings become samples: deadbands and periods by quantity (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from quartier_drivers.points import parse_quantity, split_point


@dataclass(frozen=True, slots=True)
class Deadband:
    """A reading passes if it moved by max(``width``, ``share_pct`` % of the last one that passed).

    ``width`` is in the unit of the quantity; 0 without a share lets every change pass.  ``period_s`` is the
    shortest time between two that pass, on average; 0 sets no limit.
    """

    width: float = 0.0
    share_pct: float = 0.0
    period_s: float = 0.0


NO_DEADBAND = Deadband()
_POWER_DEADBAND = Deadband(width=50.0, share_pct=1.0, period_s=1.0)
_COUNTER_DEADBAND = Deadband(period_s=60.0)

# spec/sync.md#deadbands sets power, voltage, frequency, temperature, SoC and counters; the others follow
# them.
DEFAULT_DEADBANDS: Mapping[str, Deadband] = MappingProxyType(
    {
        "w": _POWER_DEADBAND,
        "va": _POWER_DEADBAND,
        "var": _POWER_DEADBAND,
        "a": Deadband(width=0.2, share_pct=1.0, period_s=1.0),
        "v": Deadband(width=1.0),
        "hz": Deadband(width=0.01),
        "c": Deadband(width=0.2),
        "k": Deadband(width=0.2),
        "pct": Deadband(width=0.5),
        "ppm": Deadband(width=20.0),
        "pa": Deadband(share_pct=1.0, period_s=1.0),
        "m3_per_h": Deadband(share_pct=1.0, period_s=1.0),
        "s": Deadband(width=1.0, share_pct=5.0, period_s=60.0),
        "wh": _COUNTER_DEADBAND,
        "varh": _COUNTER_DEADBAND,
        "m3": _COUNTER_DEADBAND,
        "count": _COUNTER_DEADBAND,
    }
)


class Deadbands:
    """The table of deadbands: by point, then by quantity, then by unit or kind, else every change.

    ``overrides`` maps any of the three (``"grid.power_w"``, ``"soc_pct"``, ``"v"``) to its deadband.
    """

    def __init__(self, overrides: Mapping[str, Deadband] | None = None) -> None:
        self._table = {**DEFAULT_DEADBANDS, **(overrides or {})}

    def of(self, point: str) -> Deadband:
        """Return the deadband of one point, given by its full name."""
        quantity = split_point(point)[1]
        for key in (point, quantity, _find_ending(quantity)):
            if key in self._table:
                return self._table[key]
        return NO_DEADBAND


def _find_ending(quantity: str) -> str:
    try:
        meaning = parse_quantity(quantity)
    except ValueError:
        return ""
    return meaning.unit or quantity.rsplit("_", 1)[-1]
