"""Heat pumps and hot water: a store with a temperature band, filled when there is room, emptied under a cap.

S2: fill rate based control (the store's temperature stands for its fill level), over operation modes whose
timers are the compressor's least run and rest.  A hybrid, which can cover the same heat by gas, would be
demand driven; here it is its own controller that chooses.  SG Ready (Bundesverband Waermepumpe, rules of the
label 1.1): state 1 blocked, 2 normal, 3 recommended on, 4 forced on.
"""

from quartier.control import beside, comfort
from quartier.control.leaning import Leaning
from quartier.control.reason import make
from quartier.control.scene import Scene
from quartier.house.modes import Heat

_STORES, _FULL = make("comfort.preheating"), make("comfort.no_preheating")


def leaning(heat: Heat, scene: Scene) -> Leaning:
    """Normal; more while own generation is left over and the store takes it; blocked last when it is cold."""
    found_c = next((c for q in heat.senses if (c := beside.sensed(scene, heat, q)) is not None), None)
    spare_k = None if found_c is None or heat.comfort_max_c is None else heat.comfort_max_c - found_c
    short = found_c is not None and heat.comfort_min_c is not None and found_c < heat.comfort_min_c
    return comfort.leaning(heat, scene, spare_k, short=short, stores=_STORES, full=_FULL)
