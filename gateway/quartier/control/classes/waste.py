"""Pneumatic waste collection: a batch with a deadline, run with own generation or as late as it may be.

S2: operation based control with two operation modes, running and waiting; a batch may be interrupted, so a
cap takes it in its turn until its slack is used up, and then after C and D.  Timers: least run and rest.
"""

from quartier.control import beside, comfort, daytime
from quartier.control.leaning import Leaning
from quartier.control.reason import make
from quartier.control.scene import Scene
from quartier.house.modes import Waste

ROOM_AFTER_S = 60.0
MARGIN_SHARE, MARGIN_LEAST_S = 0.1, 300.0
"""So much earlier than needed it starts at the latest: fans, valves and an interruption take time."""
RUN, WAIT = 0, 1
_NOTHING = make("waste.nothing")
_NO_TIME, _OWN_GENERATION = make("run.no_time"), make("run.own_generation")
_DAY_S = 86_400.0


def leaning(waste: Waste, scene: Scene) -> Leaning:
    """Waits while nothing waits to be taken; unknown counts as waiting, since a missed batch is the worse."""
    if beside.sensed(scene, waste, "waiting_on") == 0:
        return Leaning(WAIT, WAIT, WAIT, waste.tier, _NOTHING)
    left_s = _left_s(waste, scene)
    until_s = daytime.until_s(scene.now, scene.house.zone, waste.deadline_s)
    if until_s is None:
        return Leaning(RUN, RUN, WAIT, waste.tier, _NO_TIME)
    if until_s > ((waste.deadline_s - waste.window_s) % _DAY_S or _DAY_S):
        reason = make("waste.begins", at=daytime.clock(waste.window_s))
        return Leaning(WAIT, WAIT, WAIT, waste.tier, reason)
    margin_s = max(MARGIN_SHARE * left_s, MARGIN_LEAST_S)
    if until_s <= left_s + margin_s:
        reason = make("run.due", by=daytime.clock(waste.deadline_s))
        return Leaning(RUN, RUN, WAIT, comfort.later(waste.tier), reason, claims=True)
    if _has_room(waste, scene):
        return Leaning(RUN, RUN, WAIT, waste.tier, _OWN_GENERATION, after_s=ROOM_AFTER_S)
    latest = daytime.clock(waste.deadline_s - left_s - margin_s)
    reason = make("run.waits", latest=latest)
    return Leaning(WAIT, RUN, WAIT, waste.tier, reason, after_s=ROOM_AFTER_S)


def _left_s(waste: Waste, scene: Scene) -> float:
    left_s = beside.sensed(scene, waste, "left_s")
    return waste.duration_s if left_s is None else left_s


def _has_room(waste: Waste, scene: Scene) -> bool:
    """Whether own generation covers it; once it runs, half of it is enough."""
    left_w = beside.surplus_w(scene, waste)
    running = beside.mode(scene, waste) == RUN
    return left_w is not None and left_w >= (0.5 if running else 1.0) * waste.rated_w
