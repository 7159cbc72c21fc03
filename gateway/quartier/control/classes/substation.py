"""The pump of a geothermal loop: slowed to its least flow at most, given back where it gets hot or cold.

S2: operation based control, one operation mode for each speed; its timers keep valves and pump from chasing.
"""

from quartier.control import beside, measures
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE, Reason, make
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.house.modes import Substation

BACK_K, BACK_S = 1.0, 1_200.0
"""So far inside its band the loop must be before it is moved again, and so long its own control has it."""


def leaning(pump: Substation, scene: Scene) -> Leaning:
    """Its normal speed; given back to its own control while the loop is outside its temperatures."""
    if scene.running_s <= measures.START_S and any(
        f"{pump.name}.{quantity}" not in scene.state.memories for quantity, _, _ in pump.bands
    ):
        return Leaning(pump.normal, pump.normal, pump.normal, pump.tier, FREE)
    given_back = _outside(pump, scene)
    return Leaning(pump.normal, pump.normal, len(pump.modes) - 1, pump.tier, FREE, given_back=given_back)


def _outside(pump: Substation, scene: Scene) -> Reason | None:
    """Which temperature is outside its band, or unknown; None while all are well."""
    back_k = BACK_K if pump.point in scene.state.book.released else 0.0
    for quantity, low_c, high_c in pump.bands:
        found_c = beside.sensed(scene, pump, quantity)
        word = quantity.removesuffix("_c")
        if found_c is None:
            return make("substation.unknown", quantity=word)
        if found_c < low_c + back_k:
            return make("substation.cold", quantity=word, found_c=round(found_c, 1), limit_c=low_c + back_k)
        if found_c > high_c - back_k:
            return make("substation.hot", quantity=word, found_c=round(found_c, 1), limit_c=high_c - back_k)
    back_ns = scene.state.turns.get(pump.name, Turn()).back_ns
    if back_ns is not None and scene.now_ns - back_ns < BACK_S * 1e9:
        return make("substation.rests", after_min=round(BACK_S / 60))
    return None
