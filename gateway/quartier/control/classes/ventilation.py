"""Ventilation: slowed under a cap down to the declared least, and not at all while the air is bad.

S2: operation based control, one operation mode for each speed.  The last step, onto the least ventilation,
is taken after C and D.  Limits of CO2: EN 16798-1, annex B (category II: 800 ppm above outdoors).
"""

from quartier.control import beside, comfort
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE, make
from quartier.control.scene import Scene
from quartier.house.modes import Ventilation


def leaning(unit: Ventilation, scene: Scene) -> Leaning:
    """Its normal speed; while CO2 is above its limit no slower than it runs now."""
    lowest, tier = len(unit.modes) - 1, unit.tier
    co2_ppm = beside.sensed(scene, unit, "co2_ppm")
    if co2_ppm is not None and co2_ppm > unit.co2_max_ppm:
        here = max(beside.mode(scene, unit), unit.normal)
        reason = make("ventilation.co2", co2_ppm=round(co2_ppm))
        return Leaning(unit.normal, unit.normal, here, comfort.later(tier), reason)
    return Leaning(unit.normal, unit.normal, lowest, tier, FREE, last_tier=comfort.later(tier))
