"""What it would take for an asset that is held to come back: for people, looked up when they ask (pure)."""

from collections.abc import Iterator
from typing import Any

from quartier.control import duties, failsafe, shed
from quartier.control.duties import Duties
from quartier.control.failsafe import Stage
from quartier.control.players import steering_point
from quartier.control.shed import Turn
from quartier.control.state import State
from quartier.control.steps import returning_w
from quartier.house.assets import Ev, Load, Moded, Pv

_S = 1_000_000_000
Flexible = Load | Ev | Pv | Moded


def needs(state: State, name: str, now_ns: int) -> list[dict[str, Any]] | None:
    """What is still missing, each as ``what`` with its figures, JSON-ready; None where nothing is held.

    ``inputs``: those lost must be back.  ``command``: one of the district must be over.  ``minimum``: its own
    minimum time.  ``room``: the power must have been ``below_w`` for ``for_s``.  ``spread`` and
    ``spacing``: it waits lest all come back at once.  ``grid``: frequency or voltage, or an outage just over,
    hold all back.  ``rest``: it was switched often.  ``fits``: what it takes must fit.  ``turn``: these come
    first.
    """
    asset = next((one for one in state.house.assets if one.name == name), None)
    turn = state.turns.get(name)
    if turn is None or not isinstance(asset, Flexible) or state.force is None:
        return None
    if not turn.is_limited and turn.unread_ns is None:
        return None
    grid = duties.of(state.events, state.house.limits.import_hard_w, now_ns)
    waits = grid.pv_holds if isinstance(asset, Pv) else grid.holds
    found = [*_inputs(state), *([{"what": "grid"}] if waits else []), *_commanded(state, asset)]
    found += _minimum(asset, turn, now_ns)
    if isinstance(asset, Pv):
        return [*found, {"what": "export", "below_w": round(state.force.export_w, 1)}]
    return [*found, *_gate(state, grid, now_ns), *_fits(state, asset, turn, now_ns)]


def _inputs(state: State) -> Iterator[dict[str, Any]]:
    if state.judgement.stage is not Stage.WELL:
        yield {"what": "inputs", "rules": [failsafe.WORDS[rule] for rule in state.judgement.rules]}


def _commanded(state: State, asset: Flexible) -> Iterator[dict[str, Any]]:
    order = state.book.orders.get(steering_point(asset))
    behind = None if order is None else order.reason.who
    if order is not None and behind is not None and (behind.kind, behind.name) == ("document", "command"):
        yield {"what": "command", "id": behind.id, "until_utc_ms": order.reason.until_utc_ms}


def _minimum(asset: Flexible, turn: Turn, now_ns: int) -> Iterator[dict[str, Any]]:
    if shed.may_switch(asset, turn, now_ns):
        if not turn.on and not shed.may_return(asset, turn, now_ns):
            yield {"what": "rest"}
        return
    assert turn.since_ns is not None
    least_s = _least_s(asset, turn)
    left_s = least_s - (now_ns - turn.since_ns) / _S
    yield {"what": "minimum", "is_on": turn.on, "least_s": least_s, "left_s": round(left_s, 1)}


def _least_s(asset: Flexible, turn: Turn) -> float:
    if isinstance(asset, Pv):
        return 0.0 if turn.on else shed.PV_MIN_OFF_S
    return asset.min_on_s if turn.on else asset.min_off_s


def _gate(state: State, grid: Duties, now_ns: int) -> Iterator[dict[str, Any]]:
    assert state.force is not None
    gate, goal_w = state.gate, state.force.import_w * shed.RESTORE_BELOW
    if grid.ceiling_w is not None:
        goal_w = min(goal_w, grid.ceiling_w)
    below_s = 0.0 if gate.below_since_ns is None else (now_ns - gate.below_since_ns) / _S
    if below_s < shed.RESTORE_AFTER_S:
        power = state.memories.get(f"{state.house.grid.name}.power_w")
        yield {
            "what": "room",
            "below_w": round(goal_w, 1),
            "grid_w": None if power is None else round(power.value, 1),
            "for_s": shed.RESTORE_AFTER_S,
            "below_s": round(below_s, 1),
        }
    if gate.not_before_ns is not None and gate.not_before_ns > now_ns:
        yield {"what": "spread", "left_s": round((gate.not_before_ns - now_ns) / _S, 1)}
    if gate.last_ns is not None and now_ns - gate.last_ns < shed.RESTORE_EACH_S * _S:
        left_s = shed.RESTORE_EACH_S - (now_ns - gate.last_ns) / _S
        yield {"what": "spacing", "left_s": round(left_s, 1)}


def _fits(state: State, asset: Load | Ev | Moded, turn: Turn, now_ns: int) -> Iterator[dict[str, Any]]:
    if not isinstance(asset, Moded) and not turn.on:
        yield {"what": "fits", "power_w": round(returning_w(asset, turn), 1)}
    held = [
        one
        for one in state.house.assets
        if isinstance(one, Load | Ev | Moded) and state.turns.get(one.name, Turn()).is_limited
    ]
    order = [one.name for one in reversed(shed.in_turn(held, state.turns, now_ns))]
    if asset.name in order and order.index(asset.name):
        yield {"what": "turn", "before": order[: order.index(asset.name)]}
