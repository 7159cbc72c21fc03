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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comfort(Moded):
    """Keeps a temperature inside a band: ``comfort_min_c`` to ``comfort_max_c``; None: not known.

    Points: ``power_w``; ``tank_c`` or ``room_c``, the first of ``senses`` that is not silent.  ``preheat``:
    it stores what the building generates and does not use.  ``boosts`` is the highest mode that it goes to
    for that by itself; ``normal`` where it has none.
    """

    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    preheat: bool = True
    boosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat(Comfort):
    """A heat pump or a water heater; writes ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``."""
