"""Which class an asset in modes is of, and so what it would like."""

from collections.abc import Callable, Mapping
from typing import Any

from quartier.control.classes import chp, cooling, heat, lights, run, substation, ventilation, waste
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE
from quartier.control.scene import Scene
from quartier.house.assets import Moded
from quartier.house.modes import Chp, Cooling, Heat, Lights, Run, Substation, Ventilation, Waste

_CLASSES: Mapping[type[Moded], Callable[[Any, Scene], Leaning]] = {
    Lights: lights.leaning,
    Heat: heat.leaning,
    Cooling: cooling.leaning,
    Substation: substation.leaning,
    Chp: chp.leaning,
    Waste: waste.leaning,
    Run: run.leaning,
    Ventilation: ventilation.leaning,
}


def leaning(asset: Moded, scene: Scene) -> Leaning:
    """What it would like now; one of no class of its own stays normal and may be moved to any mode.

    Tier A is never touched, but for the calendar of lights, which is their owner's and no cap's.
    """
    if asset.tier == "A" and not isinstance(asset, Lights):
        return Leaning(asset.normal, asset.normal, asset.normal, "A", FREE)
    own = _CLASSES.get(type(asset))
    if own is not None:
        return own(asset, scene)
    return Leaning(asset.normal, 0, len(asset.modes) - 1, asset.tier, FREE)
