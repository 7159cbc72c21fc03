"""Which class an asset in modes is of, and so what it would like."""

from quartier.control.classes import heat, lights
from quartier.control.leaning import Leaning
from quartier.control.scene import Scene
from quartier.house.assets import Moded
from quartier.house.modes import Heat, Lights


def leaning(asset: Moded, scene: Scene) -> Leaning:
    """What it would like now; one of no class of its own stays normal and may be moved to any mode."""
    if isinstance(asset, Lights):
        return lights.leaning(asset, scene)
    if asset.tier == "A":
        return Leaning(asset.normal, asset.normal, asset.normal, "A", "free")
    if isinstance(asset, Heat):
        return heat.leaning(asset, scene)
    return Leaning(asset.normal, 0, len(asset.modes) - 1, asset.tier, "free")
