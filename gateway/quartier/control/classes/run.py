"""A load's run of the day: begun by the plan, with own generation or as late as it may be; then left alone.

S2: operation based control with two operation modes, running and waiting, of which the first is left only
when it is over; what a limit takes of it claims its place again.  Timers: least run and rest.
"""

from quartier.control import beside, comfort, daytime, runs
from quartier.control.leaning import Leaning
from quartier.control.runs import RUN, WAIT, Progress
from quartier.control.scene import Scene
from quartier.house.modes import Run

ROOM_AFTER_S = 60.0
MARGIN_SHARE, MARGIN_LEAST_S = 0.1, 300.0
"""So much earlier than needed it begins at the latest: an interruption takes time, and so does its rest."""


def leaning(run: Run, scene: Scene) -> Leaning:
    """Waits for the plan or own generation; one that has begun, or must, goes on after C and D."""
    one = scene.state.runs.get(run.name, runs.NONE)
    until_s = None if one.due_ns is None else (one.due_ns - scene.now_ns) / 1e9
    if why := _why_not(run, one, until_s, scene):
        return Leaning(WAIT, WAIT, WAIT, run.tier, why)
    if why := _why_now(run, one, until_s):
        return Leaning(RUN, RUN, WAIT, comfort.later(run.tier), why, claims=True)
    if until_s is None:
        return Leaning(RUN, RUN, WAIT, run.tier, "the time of day is not known")
    if _has_room(run, scene):
        return Leaning(RUN, RUN, WAIT, run.tier, "with own generation", after_s=ROOM_AFTER_S)
    latest = daytime.clock(run.deadline_s - needed_s(run, one))
    words = f"for own generation, until {latest} at the latest"
    return Leaning(WAIT, RUN, WAIT, run.tier, words, after_s=ROOM_AFTER_S)


def _why_not(run: Run, one: Progress, until_s: float | None, scene: Scene) -> str:
    """Why it must not run now; empty where it may."""
    if one.is_done:
        return f"its run is done, the next is of after {daytime.clock(run.deadline_s)}"
    if one.is_begun:
        return ""
    if not runs.waits(run, scene.state.memories, scene.now_ns):
        return "nothing waits to be run"
    if until_s is not None and until_s > run.hours_s and not one.is_late:
        return f"its hours begin at {daytime.clock(run.deadline_s - run.hours_s)}"
    return ""


def _why_now(run: Run, one: Progress, until_s: float | None) -> str:
    """Why it can wait no longer; empty where it can."""
    by = daytime.clock(run.deadline_s)
    late = f"late: it was due at {by}"
    if one.is_begun:
        return f"its run has begun, {late}" if one.is_late else "its run has begun"
    if one.is_late:
        return late
    return "" if until_s is None or until_s > needed_s(run, one) else f"has to be done by {by}"


def needed_s(run: Run, one: Progress) -> float:
    """So long before its deadline it begins at the latest, in s."""
    left_s = runs.left_s(run, one)
    return left_s + max(MARGIN_SHARE * left_s, MARGIN_LEAST_S, run.min_off_s)


def _has_room(run: Run, scene: Scene) -> bool:
    """Whether own generation covers it."""
    left_w = beside.surplus_w(scene, run)
    return left_w is not None and left_w >= run.rated_w
