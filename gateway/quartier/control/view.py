"""What a person sees of a cycle: JSON-ready, for ``quartier status``."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from quartier.control import (
    aims,
    clocks,
    conflict,
    contacts,
    duties,
    failsafe,
    guards,
    hunting,
    lag,
    losses,
    moded,
    overload,
    precedence,
    releases,
    rivals,
    runs,
    sight,
    supplies,
    tree,
    trespass,
    unmet,
    wishlimits,
)
from quartier.control.limits import Force
from quartier.control.outcome import Result, why_not
from quartier.control.plausibility import judge as plausibility
from quartier.control.plausibility.judge import Verdict
from quartier.control.players import Limitable, Player, flexible, steering_point, takes_orders
from quartier.control.reason import FREE, Reason, data, make
from quartier.control.scene import Scene
from quartier.control.shed import Turn
from quartier.control.state import State
from quartier.house import alarm
from quartier.house.alarm import Alarm
from quartier.house.assets import Asset, Battery, Ev, Load, Moded, Pv, Steered
from quartier.house.modes import Run

_STEERED, _MEASURED = make("state.steered"), make("state.measured")
_NOT_ORDERED = make("state.not_ordered", more=guards.NONE)
_UNREAD, _SHED = make("state.unread"), make("state.shed")
_ALSO, _DEAF = make("state.also"), make("state.deaf")
_OFF: Mapping[type, Reason] = {Ev: make("state.paused"), Pv: make("state.off")}
_PLAIN: Mapping[int, dict[str, Any]] = {
    id(one): {"state": str(one), "state_reason": data(one)}
    for one in (_STEERED, _MEASURED, _NOT_ORDERED, _UNREAD, _SHED, *_OFF.values(), FREE)
}
"""By the reason itself: to find it by all that it says costs more."""
_ROLES: Mapping[type, str] = {Run: "load"}
"""What the site file calls those that are called otherwise here."""


def shown(
    scene: Scene, players: Sequence[Player], result: Result, after: State, lost: Mapping[str, Reason]
) -> dict[str, Any]:
    """Mode and why, stage and rules, caps and whose, alarms, the grid, each asset, which rule acted."""
    caps = scene.wishes.caps
    rules = scene.state.judgement.rules
    by_name = {player.name: player for player in players}
    said = {player.name: player.reason for player in players}
    deaf = {player.name for player in players if player.deaf}
    said |= {point.partition(".")[0]: make("output.given_back", more=why) for point, why in lost.items()}
    return {
        "mode": caps.mode,
        "why": caps.why,
        "mode_age_s": round((scene.now_ns - caps.since_ns) / 1e9, 1),
        "stage": scene.stage.name,
        "rules": [{"name": name, "words": failsafe.WORDS[name]} for name in rules],
        "caps": _caps(scene.force),
        "grid": {
            "power_w": _last(scene, scene.house.grid),
            "age_s": _age(scene.grid_age_s),
            "state": _grid_state(scene),
            "lag_s": scene.state.lag.found_s,
            "verdict": scene.meter.verdict.name.lower(),
            "causes": [{"code": code, "value": round(value, 2)} for code, value in scene.meter.causes],
            "unit": "VA" if scene.house.grid.is_apparent else "W",
        },
        "events": duties.shown(scene.state.events, scene.duties, scene.now_ns),
        "contacts": contacts.shown(scene.house.contacts, scene.state.contacts, scene.now_ns),
        "supplies": supplies.shown(
            scene.house.supplies, scene.state.supplies, scene.state.memories, scene.now_ns
        ),
        "losses": [{"name": name, "of": of} for name, of in losses.present(scene)],
        "alarms": alarm.standing(after.alarms, scene.house.zone),
        "acted": sorted({f"{players[index].name}: {reason}" for index, reason in result.acted.items()}),
        "restore": _restore(scene, result),
        "assets": {
            a.name: _with_wish(
                scene,
                a,
                after,
                by_name.get(a.name),
                _asset(scene, a, after, said.get(a.name), is_deaf=a.name in deaf),
            )
            for a in scene.house.assets
        },
        **_nodes(scene, result, after),
    }


def _nodes(scene: Scene, result: Result, after: State) -> dict[str, Any]:
    if result.grove is None or not scene.house.is_branched:
        return {}
    return {"nodes": tree.shown(scene, result.grove, after.book.orders)}


def _caps(force: Force) -> dict[str, Any]:
    found = {}
    for direction in ("import", "export", "generation", "consumption"):
        watts = getattr(force, f"{direction}_w")
        if watts is not None:
            whose = force.whose[direction]
            found[direction] = {"max_w": round(watts, 1), "whose": str(whose), **data(whose)}
    return found


def _grid_state(scene: Scene) -> str:
    if scene.grid_w is not None:
        return "suspect" if scene.meter.verdict is Verdict.SUSPECT else "good"
    if f"{scene.house.grid.name}.power_w" not in scene.state.memories:
        return "never read" if scene.lost else "starting"
    if scene.meter.verdict is Verdict.IMPLAUSIBLE:
        return "implausible"
    return "lost" if scene.lost else "stale"


def alarms(
    scene: Scene, players: Sequence[Player], result: Result, lost: Mapping[str, Reason]
) -> Iterator[Alarm]:
    """What is wrong in this cycle; how long each stands in the view is for ``alarm.hold``."""
    for one in _alarms(scene, players, result, lost):
        yield _with_meter_cause(scene, one)
    yield from unmet.alarms(scene, players)
    yield from runs.alarms(scene.house, scene.state.runs)
    yield from precedence.alarms(scene, players, result.grove, result.broken)


def _with_meter_cause(scene: Scene, one: Alarm) -> Alarm:
    """Return an alarm with the doubt of the grid meter as its cause, where it follows from its readings."""
    if scene.meter.verdict is Verdict.GOOD or one.cause is not None:
        return one
    code = "meter.implausible" if scene.meter.verdict is Verdict.IMPLAUSIBLE else "meter.suspect"
    if one.code in {"meter.late", "control.hunting"}:
        return one.changed(cause=(code, scene.house.grid.name))
    if one.code == "cap.exceeded":
        return one.changed(more=f"; the grid meter is doubted: see {code} first")
    return one


def _alarms(
    scene: Scene, players: Sequence[Player], result: Result, lost: Mapping[str, Reason]
) -> Iterator[Alarm]:
    yield from contacts.alarms(scene.state.contacts)
    yield from supplies.alarms(scene.state.supplies)
    yield from duties.alarms(scene.state.events, scene.duties, scene.now_ns)
    yield from hunting.alarms(scene.state.swings)
    yield from conflict.alarms(scene)
    yield from trespass.alarms(scene.state.trespasses, scene.house)
    yield from lag.alarms(scene.state.lag, scene.house)
    yield from plausibility.alarms(scene.meter, scene.house)
    yield from clocks.alarms(scene.state.clocks, scene.now_ns)
    if scene.wishes.caps.clock:
        yield Alarm("clock.stepped", "", scene.wishes.caps.clock)
    for direction, breach in (("import", scene.state.import_breach), ("export", scene.state.export_breach)):
        if breach.fast_over:
            words = f"over the {scene.force.reason(direction)} by 10 % for 5 s"
            yield Alarm("cap.exceeded", direction, words)
        elif breach.mean_over:
            yield Alarm("cap.exceeded", direction, f"60 s mean over the {scene.force.reason(direction)}")
    yield from overload.alarms(scene.state.overloads, scene.house, scene.force)
    if 0 in result.broken:
        words = "the caps cannot be met: all that may be moved was moved"
        if result.total_high_w is not None and result.total_high_w > scene.force.import_w:
            kept = precedence.in_the_way(scene, players)
            words += f"; in the way: {kept}" * bool(kept)
        yield Alarm("cap.unmet", "", words, losses.cause(scene, ""))
    for name, why in lost.items():
        yield from _given_back(scene, name, why)
    yield from releases.alarms(scene, lost)
    for asset in (*flexible(scene.house), *moded.steered(scene.house)):
        if unsafe := guards.why_not(asset, scene.state.memories):
            words = f"{asset.name}: used for no cap and no shed, {unsafe}"
            yield Alarm("output.fallback_lost", asset.name, words)


def _given_back(scene: Scene, name: str, why: Reason) -> Iterator[Alarm]:
    """Why a point is given back; where a person ordered it, that is nobody's alarm."""
    words = f"{name}: given back, {why}"
    if why.code == rivals.WHY.code:
        yield Alarm("output.second_master", name, words)
    elif why.code == guards.LOST.code:
        yield Alarm("output.fallback_lost", name.partition(".")[0], words)
    elif why.who.kind not in {"person", "document"}:
        yield Alarm("output.given_back", name, words, losses.cause(scene, name.partition(".")[0]))


def _restore(scene: Scene, result: Result) -> dict[str, Any]:
    gate, now_ns = result.gate, scene.now_ns
    waits_ns = max(0, (gate.not_before_ns or now_ns) - now_ns)
    below_s = None if gate.below_since_ns is None else (now_ns - gate.below_since_ns) / 1e9
    held = sorted(n for n, t in scene.state.turns.items() if t.is_limited)
    return {
        "held": held,
        "below_s": None if below_s is None else round(below_s, 1),
        "random_wait_s": round(waits_ns / 1e9, 1),
    }


def _asset(
    scene: Scene, asset: Steered, after: State, said: Reason | None, *, is_deaf: bool
) -> dict[str, Any]:
    memory = scene.state.memories.get(f"{asset.name}.power_w")
    silent = sight.power_w(scene.state.memories, asset, scene.now_ns) is None
    quality = "never read" if memory is None else ("silent" if silent else "good")
    shown_asset: dict[str, Any] = {
        "role": _ROLES.get(type(asset), type(asset).__name__.lower()),
        "tier": asset.tier,
        "power_w": _last(scene, asset),
        "age_s": _age(sight.age_s(memory, scene.now_ns)),
        "quality": quality if asset.measured else "not measured",
    }
    if isinstance(asset, Battery):
        soc = scene.state.memories.get(f"{asset.name}.soc_pct")
        shown_asset["soc_pct"] = None if soc is None else soc.value
        state = why_not(scene, asset) or _STEERED
        name = steering_point(asset)
    elif isinstance(asset, Moded) and asset in moded.steered(scene.house):
        state = moded.state(asset, after.turns[asset.name], said)
        name = asset.point
    elif isinstance(asset, Limitable) and takes_orders(asset):
        state = _turn_state(asset, after.turns[asset.name])
        if unguarded := guards.why_not(asset, scene.state.memories):
            state = state.then(_ALSO).then(unguarded)
        state = state.then(_DEAF) if is_deaf else state
        name = steering_point(asset)
    else:
        state = _MEASURED if guards.may_order(asset) else _NOT_ORDERED
        return shown_asset | _shown_state(state)
    shown_asset |= _shown_state(state)
    if isinstance(asset, Run):
        shown_asset["run"] = runs.shown(asset, scene.state.runs[asset.name])
    order = after.book.orders.get(name)
    if order is not None:
        if isinstance(asset, Battery | Ev | Moded):
            shown_asset["led_by"] = aims.leader(order.reason)
        age = round((scene.now_ns - order.written_ns) / 1e9, 1)
        shown_asset["command"] = {"point": name, "value": order.value, "age_s": age}
        shown_asset["command"] |= {"reason": str(order.reason), **data(order.reason)}
    return shown_asset


def _with_wish(
    scene: Scene, asset: Steered, after: State, player: Player | None, found: dict[str, Any]
) -> dict[str, Any]:
    """Add the order for this asset, if there is one, and the limit that holds it back."""
    wish = scene.wishes.overrides.get(asset.name)
    if wish is None:
        return found
    order = after.book.orders.get(steering_point(asset))
    found["override"] = {
        "value": wish.value,
        "words": str(wish.reason),
        **data(wish.reason),
        "left_s": round((wish.until_ns - scene.now_ns) / 1e9, 1),
        "until_utc_ms": wish.until_utc_ms,
        **wishlimits.report(scene, asset, wish, order, player),
    }
    return found


def _shown_state(state: Reason) -> dict[str, Any]:
    """How an asset stands, as text and as code with values; the same for many cycles."""
    return _PLAIN.get(id(state)) or _found_state(state)


@lru_cache(maxsize=1024)
def _found_state(state: Reason) -> dict[str, Any]:
    return {"state": str(state), "state_reason": data(state)}


def _turn_state(asset: Pv | Ev | Load, turn: Turn) -> Reason:
    if turn.unread_ns is not None:
        return _UNREAD
    if not turn.on:
        return _OFF.get(type(asset), _SHED)
    return FREE if turn.limit_w is None else _limited(round(turn.limit_w))


@lru_cache(maxsize=1024)
def _limited(limit_w: int) -> Reason:
    return make("state.limited", limit_w=limit_w)


def _last(scene: Scene, asset: Asset) -> float | None:
    memory = scene.state.memories.get(f"{asset.name}.power_w")
    return None if memory is None else round(memory.value, 1)


def _age(age_s: float) -> float | None:
    return None if age_s == float("inf") else round(age_s, 1)
