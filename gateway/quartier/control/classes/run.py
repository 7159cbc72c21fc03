"""A load's run of the day: begun by the plan, with own generation or as late as it may be; then left alone.

S2: operation based control with two operation modes, running and waiting, of which the first is left only
when it is over; what a limit takes of it claims its place again.  Timers: least run and rest.
"""

from quartier.control import beside, comfort, daytime, runs
from quartier.control.leaning import Leaning
from quartier.control.reason import Reason, make
from quartier.control.runs import RUN, WAIT, Progress
from quartier.control.scene import Scene
from quartier.house.modes import Run

ROOM_AFTER_S = 60.0
MARGIN_SHARE, MARGIN_LEAST_S = 0.1, 300.0
"""So much earlier than needed it begins at the latest: an interruption takes time, and so does its rest."""
_NO_TIME, _OWN_GENERATION = make("run.no_time"), make("run.own_generation")
_BEGUN, _NOTHING = make("run.begun"), make("run.nothing")


def leaning(run: Run, scene: Scene) -> Leaning:
    """Waits for the plan or own generation; one that has begun, or must, goes on after C and D."""
    one = scene.state.runs.get(run.name, runs.NONE)
    until_s = None if one.due_ns is None else (one.due_ns - scene.now_ns) / 1e9
    if why := _why_not(run, one, until_s, scene):
        return Leaning(WAIT, WAIT, WAIT, run.tier, why)
    if why := _why_now(run, one, until_s):
        return Leaning(RUN, RUN, WAIT, comfort.later(run.tier), why, claims=True)
    if until_s is None:
        return Leaning(RUN, RUN, WAIT, run.tier, _NO_TIME)
    if _has_room(run, scene):
        return Leaning(RUN, RUN, WAIT, run.tier, _OWN_GENERATION, after_s=ROOM_AFTER_S)
    latest = daytime.clock(run.deadline_s - needed_s(run, one))
    reason = make("run.waits", latest=latest)
    return Leaning(WAIT, RUN, WAIT, run.tier, reason, after_s=ROOM_AFTER_S)


def _why_not(run: Run, one: Progress, until_s: float | None, scene: Scene) -> Reason | None:
    """Why it must not run now; None where it may."""
    if one.is_done:
        return make("run.done", at=daytime.clock(run.deadline_s))
    if one.is_begun:
        return None
    if not runs.waits(run, scene.state.memories, scene.now_ns):
        return _NOTHING
    if until_s is not None and until_s > run.hours_s and not one.is_late:
        return make("run.hours", at=daytime.clock(run.deadline_s - run.hours_s))
    return None


def _why_now(run: Run, one: Progress, until_s: float | None) -> Reason | None:
    """Why it can wait no longer; None where it can."""
    by = daytime.clock(run.deadline_s)
    if one.is_begun:
        return make("run.begun_late", by=by) if one.is_late else _BEGUN
    if one.is_late:
        return make("run.late", by=by)
    return None if until_s is None or until_s > needed_s(run, one) else make("run.due", by=by)


def needed_s(run: Run, one: Progress) -> float:
    """So long before its deadline it begins at the latest, in s."""
    left_s = runs.left_s(run, one)
    return left_s + max(MARGIN_SHARE * left_s, MARGIN_LEAST_S, run.min_off_s)


def _has_room(run: Run, scene: Scene) -> bool:
    """Whether own generation covers it."""
    left_w = beside.surplus_w(scene, run)
    return left_w is not None and left_w >= run.rated_w
