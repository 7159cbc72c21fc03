"""The local plan as a wish: which aim runs, what it asks of a battery, and who leads an asset (pure).

Priority 5 (spec/failsafe.md#priority-5): below people, commands and schedules; inside every cap and the
battery's own room, which come after it.  Without a plan that holds, the rule of self-consumption leads.
"""

from collections.abc import Sequence
from typing import TypeVar

from quartier.control import battery, clocks
from quartier.control.players import Player
from quartier.control.reason import Reason, make, rule
from quartier.control.scene import Scene
from quartier.control.wishes import Aim, Leg, LocalPlan, RunningAim
from quartier.house.assets import Battery
from quartier.house.now import Now

PLAN, RULE = "local plan", "self-consumption"
LEADS = rule("plan.leads", PLAN)
BY_PLAN = LEADS.who
_RULES = rule("self_consumption", RULE)
LEAP_MS = 60_000
"""A wall clock that moved so far against the monotonic one since the plan was made is not the plan's."""
_Step = TypeVar("_Step", Aim, Leg)
_LEADERS = {"person": "a person", "document": "the district", "grid": "the public grid"}


def why_not(plan: LocalPlan | None, now: Now, *, outage: bool, doubt: str = "") -> str:
    """Why no plan leads; empty when one does.  ``doubt`` says why the clock is not believed."""
    if plan is None:
        return "there is no plan"
    is_leapt = abs(now.utc_ms - now.ns // 1_000_000 - plan.offset_ms) > LEAP_MS
    runs = any(running(plan, steps, now) for steps in plan.aims.values())
    runs = runs or any(running(plan, steps, now) for steps in plan.legs.values())
    judged = (
        (outage, "the public grid's voltage is gone"),
        (not now.synced, "the clock is not trusted"),
        (bool(doubt), doubt),
        (is_leapt, "the clock leapt since the plan was made"),
        (now.ns >= plan.expires_ns, "the plan is too old"),
        (not runs, "the plan has no step for now"),
    )
    return next((words for is_so, words in judged if is_so), "")


def now_wanted(plan: LocalPlan | None, now: Now, *, outage: bool, doubt: str = "") -> dict[str, RunningAim]:
    """The aim that runs, by its battery; nothing of a plan that does not hold."""
    if plan is None or why_not(plan, now, outage=outage, doubt=doubt):
        return {}
    found = ((name, running(plan, steps, now)) for name, steps in plan.aims.items())
    return {name: RunningAim(one[0], plan.offset_ms + one[1] // 1_000_000) for name, one in found if one}


def running(plan: LocalPlan, steps: Sequence[_Step], now: Now) -> tuple[_Step, int] | None:
    """The step that runs, and its end by the monotonic clock."""
    elapsed_s, at_s = 0.0, (now.ns - plan.start_ns) / 1e9
    for one in steps:
        elapsed_s += one.duration_s
        if at_s < elapsed_s:
            return one, plan.start_ns + int(elapsed_s * 1000) * 1_000_000
    return None


def led(scene: Scene, unit: Player, net_w: float) -> tuple[float, Reason]:
    """What a battery shall do as the plan aims, in W, and why; ``net_w`` is what the grid would show without
    it and those that come after it.
    """
    found = scene.wishes.aims[unit.name]
    reason = LEADS._replace(until_utc_ms=found.until_utc_ms, more=found.aim.why)
    return found.aim.asked_w(net_w), reason


def ruled(scene: Scene, unit: Player, target_w: float, net_w: float) -> Reason:
    """Why the rule has it do what it does: it brings the grid from ``net_w`` to ``target_w``."""
    reason = _edge(unit, target_w - net_w) or make("grid.target", target_w=round(target_w))
    if scene.house.plans and (meters := clocks.contradicting(scene.state.clocks, scene.now_ns)):
        reason = reason.then(make("plan.doubted", meters=meters))
    return _RULES.then(reason)


def _edge(unit: Player, wanted_w: float) -> Reason | None:
    """Which edge of its band keeps a battery from doing what is wanted; None when none does."""
    asset = unit.asset
    assert isinstance(asset, Battery)
    if wanted_w < -battery.DEADBAND_W and unit.room.low_w == 0:
        return make("battery.empty", soc_pct=max(asset.soc_min_pct, asset.reserve_soc_pct))
    if wanted_w > battery.DEADBAND_W and unit.room.high_w == 0:
        return make("battery.full", soc_pct=asset.soc_max_pct)
    return None


def leader(reason: Reason) -> str:
    """Who leads an asset, by the reason of its order: a person, the district, the local plan or a rule."""
    behind = reason.who
    return _LEADERS.get(behind.kind) or (PLAN if behind.name == PLAN else f"rule: {behind.name or 'own'}")
