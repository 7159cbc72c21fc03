"""Air conditioning and cold rooms: a store of cold with a temperature band, the mirror of heat.

S2: fill rate based control (the room's temperature, turned round, stands for its fill level), over operation
modes whose timers are the compressor's least run and rest.
"""

from quartier.control import beside, comfort
from quartier.control.leaning import Leaning
from quartier.control.reason import make
from quartier.control.scene import Scene
from quartier.house.modes import Cooling

_STORES, _FULL = make("comfort.precooling"), make("comfort.no_precooling")


def leaning(cooling: Cooling, scene: Scene) -> Leaning:
    """Normal; colder while own generation is left over and the band lasts; blocked last when it is warm."""
    found_c = next((c for q in cooling.senses if (c := beside.sensed(scene, cooling, q)) is not None), None)
    spare_k = None if found_c is None or cooling.comfort_min_c is None else found_c - cooling.comfort_min_c
    short = found_c is not None and cooling.comfort_max_c is not None and found_c > cooling.comfort_max_c
    return comfort.leaning(cooling, scene, spare_k, short=short, stores=_STORES, full=_FULL)
