"""What the building would take without one of its assets: whether there is room for it (pure)."""

from quartier.control import sight
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.house.assets import Battery, Moded


def mode(scene: Scene, asset: Moded) -> int:
    """The mode it was ordered into last, the normal one before the first order."""
    ordered = scene.state.turns.get(asset.name, Turn()).mode
    return asset.normal if ordered is None else ordered


def beside_w(scene: Scene, asset: Moded) -> float | None:
    """Import in W (export is minus) if the asset took nothing and no battery charged; None while unknown.

    One that is not measured counts as its mode says.
    """
    if scene.grid_w is None:
        return None
    memories, now_ns = scene.state.memories, scene.now_ns
    own_w = sight.power_w(memories, asset, now_ns)
    if own_w is None:
        if asset.measured:
            return None
        own_w = asset.modes[mode(scene, asset)].power_w
    charged_w = sum(
        max(0.0, sight.power_w(memories, battery, now_ns) or 0.0)
        for battery in scene.house.assets
        if isinstance(battery, Battery)
    )
    return scene.grid_w - own_w - charged_w


def sensed(scene: Scene, asset: Moded, quantity: str) -> float | None:
    """What the asset's own sensor says of ``quantity`` while it is not silent."""
    point = f"{asset.name}.{quantity}"
    return sight.fresh(scene.state.memories, point, asset.sense_period_s, scene.now_ns)
