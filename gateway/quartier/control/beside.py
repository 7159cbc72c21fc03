"""What the building would take without one of its assets: whether there is room for it (pure)."""

from quartier.control import generation, sight
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
    own_w = sight.power_w(scene.state.memories, asset, scene.now_ns)
    if own_w is None:
        if asset.measured:
            return None
        own_w = asset.modes[mode(scene, asset)].power_w
    return scene.grid_w - own_w - sum(max(0.0, watts) for watts in _batteries_w(scene))


def surplus_w(scene: Scene, asset: Moded) -> float | None:
    """Own generation in W left over (minus: lacking) without the asset and all batteries; None as above.

    What a battery gives is not left over: it gives it because the asset takes it.  What an export limit
    curtails is: PV makes it once the asset takes it.
    """
    rest_w = beside_w(scene, asset)
    if rest_w is None:
        return None
    return sum(min(0.0, watts) for watts in _batteries_w(scene)) - rest_w + generation.curtailed_w(scene)


def _batteries_w(scene: Scene) -> list[float]:
    memories, now_ns = scene.state.memories, scene.now_ns
    batteries = (asset for asset in scene.house.assets if isinstance(asset, Battery))
    return [sight.power_w(memories, battery, now_ns) or 0.0 for battery in batteries]


def sensed(scene: Scene, asset: Moded, quantity: str) -> float | None:
    """What the asset's own sensor says of ``quantity`` while it is not silent."""
    point = f"{asset.name}.{quantity}"
    return sight.fresh(scene.state.memories, point, asset.sense_period_s, scene.now_ns)
