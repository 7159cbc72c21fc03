"""Street lights: as bright as the hour asks for, dimmed no further than half, never switched off.

S2: operation based control, one operation mode for each step of dimming; no timers, lamps bear any change.
In daylight there is nothing to dim: the lamps' own clock, or their own sensor, has them off.
"""

from quartier.control import beside, daytime, sun
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE, make
from quartier.control.scene import Scene
from quartier.house.modes import Lights

LEAST_PCT = 50.0
BURNING_SHARE = 0.05
"""A group that takes more than this part of its rating is lit, whatever the calendar says."""
_DAYLIGHT, _ENOUGH = make("lights.daylight"), make("lights.enough")
_NOON_S, _DAY_S = 43_200.0, 86_400.0


def leaning(lights: Lights, scene: Scene) -> Leaning:
    """The mode for the hour; without a trusted clock as bright as ever."""
    if is_day(lights, scene) and not _burning(lights, scene):
        return Leaning(0, 0, 0, lights.tier, _DAYLIGHT)
    lowest = max(i for i, mode in enumerate(lights.modes) if mode.value >= LEAST_PCT)
    share_pct = _share_pct(lights, daytime.local_s(scene.now, scene.house.zone))
    wanted = max((i for i in range(lowest + 1) if lights.modes[i].value >= share_pct), default=0)
    reason = _ENOUGH if wanted else FREE
    return Leaning(wanted, 0, lowest, lights.tier, reason)


def is_day(lights: Lights, scene: Scene) -> bool:
    """Whether the lamps' own clock has them off; never while place or time is not known.

    They are lit ``dusk_s`` after sunset and put out as long before sunrise, so by day the sun is up either
    so long ago or so long ahead; in the hours about noon both say the same.
    """
    if lights.place is None or not scene.now.synced:
        return False
    earlier, later = (
        sun.elevation_deg(scene.now.utc_ms + step_s * 1000.0, *lights.place)
        for step_s in (-lights.dusk_s, lights.dusk_s)
    )
    if lights.dusk_s >= 0.0:
        return max(earlier, later) > sun.HORIZON_DEG
    return min(earlier, later) > sun.HORIZON_DEG


def _burning(lights: Lights, scene: Scene) -> bool:
    power_w = beside.sensed(scene, lights, "power_w")
    return power_w is not None and power_w > BURNING_SHARE * lights.rated_w


def _share_pct(lights: Lights, local_s: float | None) -> float:
    share_pct = 100.0
    if local_s is not None:
        for begins_s, wanted_pct in lights.evening:
            if (local_s - _NOON_S) % _DAY_S >= (begins_s - _NOON_S) % _DAY_S:
                share_pct = wanted_pct
    return share_pct
