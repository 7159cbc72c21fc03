"""Classes of assets that run in modes (S2, EN 50491-12-2: operation modes)."""

from dataclasses import dataclass

from quartier.house.assets import Moded


@dataclass(frozen=True, slots=True, kw_only=True)
class Lights(Moded):
    """A group of street lights: dimmed in steps, never below half and never switched off by us.

    Points: ``power_w``; writes ``dim_pct``.  ``evening`` says from when (seconds of the local day, in order
    from noon to noon) which share of the light is enough, in %; lamps are lit by their own clock.
    """

    evening: tuple[tuple[float, float], ...] = ()
