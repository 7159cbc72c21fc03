"""Names the limit that holds back an order for one asset: of a person, the district or the plan.

For people, in the view of a cycle; it decides nothing (pure).
"""

from typing import Any

from quartier.control import battery, shed, sight, unseen
from quartier.control.orders import TOLERANCE, Order
from quartier.control.override import Override, is_by_hand
from quartier.control.plausibility.judge import Verdict
from quartier.control.players import Player, steering_point
from quartier.control.reason import FREE, Reason, data, make
from quartier.control.scene import Scene
from quartier.house.assets import Battery, Ev, Load, Moded, Steered

_MINIMUM_ON = make("minimum_time.on")
_NO_FEED_IN, _NO_CHARGE = make("battery.grid_no_feed_in"), make("battery.grid_no_charge")
_SUSPECT, _APPARENT = make("meter.suspect"), make("meter.no_export")
_ORDERED = frozenset({"hand.orders", "hand.maintenance", "document.orders"})
_BATTERY_LED = frozenset({"plan.leads", "self_consumption"})


def report(
    scene: Scene, asset: Steered, wish: Override, order: Order | None, player: Player | None
) -> dict[str, Any]:
    """Return what was wished, what is ordered (``done``), both in the unit of ``point``, and what limits it.

    JSON-ready.  ``held_by``: the limit that holds the wish back; None where none does, because the wish is
    done or on its way.
    """
    wished, done = _at_point(asset, wish.value), None if order is None else order.value
    held = None if wished is None or order is None else _held(scene, asset, wish, wished, order, player)
    return {
        "point": steering_point(asset),
        "wished": wished,
        "done": done,
        "held_by": None if held is None else {"text": str(held), **data(held)},
    }


def _at_point(asset: Steered, value: float | None) -> float | None:
    return asset.modes[int(value)].value if isinstance(asset, Moded) and value is not None else value


def _held(
    scene: Scene, asset: Steered, wish: Override, wished: float, order: Order, player: Player | None
) -> Reason | None:
    point = steering_point(asset)
    if abs(wished - order.value) <= TOLERANCE.get(point.rpartition("_")[2], 0.0):
        return None
    if isinstance(asset, Load | Ev) and wished == 0:
        turn = scene.state.turns.get(asset.name, shed.Turn())
        return None if shed.may_switch(asset, turn, scene.now_ns) else _MINIMUM_ON
    if order.reason not in (wish.reason, FREE) and not _is_earlier(asset, order.reason):
        return order.reason
    return _narrowed(scene, asset, wished, player) if isinstance(asset, Battery) and player else None


def _is_earlier(asset: Steered, reason: Reason) -> bool:
    """Return whether a reason is what led the asset before the present wish, and so no limit.

    An order that keeps its value keeps its reason until it is refreshed, also when the wish is a new one.
    """
    if isinstance(asset, Battery) and reason.code in _BATTERY_LED:
        return True
    return reason.code in _ORDERED and reason.last.code in (reason.code, "said")


def _narrowed(scene: Scene, asset: Battery, wished_w: float, player: Player) -> Reason | None:
    """Return what leaves a battery less room than is wished; None where only its ramp delays the wish."""
    if player.room.low_w - 1.0 <= wished_w <= player.room.high_w + 1.0:
        return None
    soc_pct = sight.fresh(scene.state.memories, f"{asset.name}.soc_pct", asset.soc_period_s, scene.now_ns)
    if soc_pct is None:
        return None
    own = battery.room(asset, soc_pct)
    return (
        _no_charge(scene, asset, wished_w, own)
        if wished_w > 0
        else _no_discharge(scene, asset, wished_w, own)
    )


def _no_charge(scene: Scene, asset: Battery, wished_w: float, own: battery.Room) -> Reason | None:
    if wished_w > own.high_w:
        return make("battery.full", soc_pct=asset.soc_max_pct)
    is_shed = scene.duties.asked_no_grid_charge and not is_by_hand(asset.name, scene.wishes.overrides)
    if scene.duties.no_grid_charge or is_shed or scene.duties.ceiling_w is not None:
        return _NO_CHARGE
    return make("battery.link_no_charge", mode=scene.wishes.caps.mode)


def _no_discharge(scene: Scene, asset: Battery, wished_w: float, own: battery.Room) -> Reason | None:
    if wished_w < own.low_w:
        return make("battery.empty", soc_pct=max(asset.soc_min_pct, asset.reserve_soc_pct))
    if scene.duties.no_feed_in:
        return _NO_FEED_IN
    if scene.wishes.caps.no_battery_export:
        return make("battery.link_no_export", mode=scene.wishes.caps.mode)
    if unseen.is_unsigned(scene.house, scene.state.memories):
        return _APPARENT
    if scene.force.generation_w is not None:
        return scene.force.reason("generation")
    return _SUSPECT if scene.meter.verdict is Verdict.SUSPECT else make("conflict.though")
