"""Street lights: as bright as the hour asks for, dimmed no further than half, never switched off."""

from quartier.control import daytime
from quartier.control.leaning import Leaning
from quartier.control.scene import Scene
from quartier.house.modes import Lights

LEAST_PCT = 50.0
_NOON_S, _DAY_S = 43_200.0, 86_400.0


def leaning(lights: Lights, scene: Scene) -> Leaning:
    """The mode for the hour; without a trusted clock as bright as ever."""
    lowest = max(i for i, mode in enumerate(lights.modes) if mode.value >= LEAST_PCT)
    share_pct = _share_pct(lights, daytime.local_s(scene.now, scene.house.zone))
    wanted = max((i for i in range(lowest + 1) if lights.modes[i].value >= share_pct), default=0)
    words = "enough at this hour" if wanted else "free"
    return Leaning(wanted, 0, lowest, lights.tier, words)


def _share_pct(lights: Lights, local_s: float | None) -> float:
    share_pct = 100.0
    if local_s is not None:
        for begins_s, wanted_pct in lights.evening:
            if (local_s - _NOON_S) % _DAY_S >= (begins_s - _NOON_S) % _DAY_S:
                share_pct = wanted_pct
    return share_pct
