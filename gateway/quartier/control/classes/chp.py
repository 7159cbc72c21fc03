"""Combined heat and power: asked to run when much is imported or a cap needs it, never stopped.

S2: operation based control with two operation modes, at rest and asked to run, of which the second generates;
the timers are its least run and its least rest, and their transitions are blocked until they are over.  All
that is ever done at the end of a run is to withdraw the request: its own controller stops it.
"""

from quartier.control import beside
from quartier.control.leaning import Leaning
from quartier.control.reason import FREE, make
from quartier.control.scene import Scene
from quartier.house.modes import Chp

AFTER_S = 300.0
WITHDRAWN_BELOW = 0.9
REST, RUN = 0, 1
_HEAT_LED = make("chp.heat_led")


def leaning(chp: Chp, scene: Scene) -> Leaning:
    """Asked for while the import without it stays above its start value; the battery comes before it."""
    here = beside.mode(scene, chp)
    need_w = beside.beside_w(scene, chp)
    start_w = chp.start_import_w
    if start_w is None:
        return Leaning(here, here, here, chp.tier, _HEAT_LED)
    if need_w is None:
        return Leaning(here, REST, RUN, chp.tier, FREE, after_s=AFTER_S)
    wanted, end_w = here, WITHDRAWN_BELOW * start_w
    reason = FREE if here == REST else make("chp.import_not_below", end_w=round(end_w))
    if need_w > start_w:
        wanted, reason = RUN, make("chp.import_above", start_w=round(start_w))
    elif need_w < end_w and here == RUN:
        wanted, reason = REST, make("chp.import_below", end_w=round(end_w))
    return Leaning(wanted, REST, RUN, chp.tier, reason, after_s=AFTER_S)
