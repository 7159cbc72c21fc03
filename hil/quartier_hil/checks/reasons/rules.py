"""Rules that compare each code of a reason with the orders, limits and measurements of its cycle (pure).

A rule belongs to some codes of ``gateway/docs/reasons.md``.  It reads what the daemon shows of a cycle and
returns what contradicts the reason of an order or of the state of an asset; empty if nothing does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from quartier_hil.checks.reasons.site_rules import (
    SITE_ORDER_RULES,
    SITE_STATE_RULES,
    check_grid_target,
    check_latest_start,
    check_mode,
    check_ready,
    check_tier,
    make_time_rule,
)
from quartier_hil.checks.reasons.view import (
    ANSWER_W,
    LIMIT_W,
    RESTORE_AFTER_S,
    SLACK_S,
    SOC_PCT,
    ZERO_W,
    ReasonView,
    iterate_parts,
    list_alarms,
    read_power_w,
)

"""Less than this is ordered as 0 W."""
"""Largest deviation of a battery from its order, W: so far it may also move the other way."""
"""Time for which the import must be 10 % below its limit before a load comes back, s."""
"""Tolerances for rounding of a limit, a state of charge and a time."""


def _check_positive_order(view: ReasonView) -> str:
    return "" if view.value > ZERO_W else f"the order is {view.value:g}, not above 0"


def _check_negative_order(view: ReasonView) -> str:
    return "" if view.value < -ZERO_W else f"the order is {view.value:g}, not below 0"


def _check_zero_order(view: ReasonView) -> str:
    return "" if abs(view.value) <= ZERO_W else f"the order is {view.value:g}, not 0"


def _check_discharging(view: ReasonView) -> str:
    power_w = read_power_w(view)
    return "" if power_w is None or power_w <= ANSWER_W else f"{power_w:g} W are measured"


def _check_charging(view: ReasonView) -> str:
    power_w = read_power_w(view)
    return "" if power_w is None or power_w >= -ANSWER_W else f"{power_w:g} W are measured"


def _check_limit(view: ReasonView) -> str:
    way = view.part["code"].removeprefix("cap.")
    cap, stated_w = view.view["caps"].get(way), view.get("limit_w")
    if cap is None:
        return f"no {way} cap is in force"
    if abs(cap["max_w"] - stated_w) > LIMIT_W:
        return f"the {way} cap is {cap['max_w']:g} W"
    source = view.part.get("source")
    if source is None or "code" not in cap or _describe(source) == _describe(cap):
        return ""
    return f"the {way} cap is that of {cap['whose']}"


def _describe(reason: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return code and values of each part."""
    return [(part["code"], part["values"]) for part in iterate_parts(reason)]


def _check_minimum_on_time(view: ReasonView) -> str:
    if view.value <= 0.0:
        return "it is off"
    if view.on_s is None or view.output is None:
        return ""
    least_s = view.output.min_on_s
    return (
        ""
        if view.on_s <= least_s + SLACK_S + view.slack_s
        else f"it is on for {view.on_s:g} s, its minimum is {least_s:g} s"
    )


def _check_early_off(view: ReasonView) -> str:
    return "" if view.value <= 0.0 or _find_output_kind(view) == "steps" else "it is on"


def _check_shed(view: ReasonView) -> str:
    return _check_zero_order(view) or check_tier(view)


def _check_tier_off(view: ReasonView) -> str:
    tier = view.get("tier")
    return "" if tier in view.view["events"]["off"] else f"tier {tier} is not off"


def _check_event_value(view: ReasonView) -> str:
    """Compare the reading that began an event with the reasons of the tiers that are off now."""
    found = view.view["events"].get("off_reasons")
    stated = view.part["code"], view.part["values"]
    if not found or any(stated in _describe(reason) for reason in found.values()):
        return ""
    return f"the events are {', '.join(view.view['events']['off'].values())}"


def _check_frequency_read(view: ReasonView) -> str:
    if view.view["events"]["frequency_hz"] is None:
        return "the frequency is not read"
    return _check_event_value(view)


def _check_frequency_lost(view: ReasonView) -> str:
    found_hz = view.view["events"]["frequency_hz"]
    return _check_event_value(view) if found_hz is None else f"the frequency is read as {found_hz:g} Hz"


def _check_grid_event(view: ReasonView) -> str:
    return "" if view.view["events"]["off"] else "no event of the grid acts"


def _check_commanded_shed(view: ReasonView) -> str:
    return _check_grid_event(view) or _check_event_value(view)


def _check_not_held(view: ReasonView) -> str:
    return "it is held" if view.name in view.view["restore"]["held"] else ""


def _check_held(view: ReasonView) -> str:
    return "" if view.name in view.view["restore"]["held"] else "nothing holds it"


def _compare_soc(view: ReasonView, sign: int) -> str:
    found_pct = view.asset.get("soc_pct")
    if found_pct is None or sign * (found_pct - view.get("soc_pct")) >= -SOC_PCT:
        return ""
    return f"its state of charge is {found_pct:.1f} %"


def _check_battery_full(view: ReasonView) -> str:
    if view.kind == "battery" and view.get("soc_pct") != view.site_asset.soc_max_pct:
        return f"the site file says {view.site_asset.soc_max_pct:g} %"
    return _compare_soc(view, 1)


def _check_battery_empty(view: ReasonView) -> str:
    if view.kind == "battery":
        least_pct = max(view.site_asset.soc_min_pct, view.site_asset.reserve_soc_pct)
        if view.get("soc_pct") != least_pct:
            return f"the site file says {least_pct:g} %"
    return _compare_soc(view, -1)


def _check_ordered(view: ReasonView) -> str:
    """Compare who orders the asset, and by which document, with the order that is in force."""
    override = view.asset.get("override")
    if override is None:
        return "nobody orders it"
    stated = view.part["code"], view.part["values"]
    return (
        ""
        if "code" not in override or (override["code"], override["values"]) == stated
        else f"{override['words']} orders it"
    )


def _check_plan_leads(view: ReasonView) -> str:
    return "" if view.asset.get("led_by") in {None, "local plan"} else f"{view.asset['led_by']} leads it"


def _check_stale_inputs(view: ReasonView) -> str:
    return "all inputs are well" if view.view["stage"] == "NORMAL" else ""


def _check_meter_suspect(view: ReasonView) -> str:
    found = view.view["grid"]["verdict"]
    return "" if found == "suspect" else f"the grid meter is judged {found}"


def _check_meter_trial(view: ReasonView) -> str:
    found = view.view["grid"]["verdict"]
    return "" if found == "implausible" else f"the grid meter is judged {found}"


def _check_meter_lost(view: ReasonView) -> str:
    state = view.view["grid"]["state"]
    return "" if state in {"lost", "never read"} else f"the grid meter is {state}"


def _check_meter_implausible(view: ReasonView) -> str:
    state = view.view["grid"]["state"]
    return "" if state == "implausible" else f"the grid meter is {state}"


def _check_failsafe_limit(view: ReasonView) -> str:
    return "" if view.view["stage"] == "SAFE" else f"the stage is {view.view['stage']}"


def _check_contact(view: ReasonView) -> str:
    found = view.view["contacts"].get(view.get("contact"))
    return "" if found is not None and found["acting"] else "it rests"


def _check_contact_lost(view: ReasonView) -> str:
    found = view.view["contacts"].get(view.get("contact"), {})
    return "" if found.get("why") == "cannot be read" else f"it {found.get('why', 'is not there')}"


def _check_conflict(view: ReasonView) -> str:
    point = view.asset["command"]["point"]
    found = ("output.second_master", point) in list_alarms(view)
    return "" if found else "no alarm of another controller is active"


def _check_on(view: ReasonView) -> str:
    return "" if view.value > 0.0 or _find_output_kind(view) == "steps" else "it is off"


def _check_off(view: ReasonView) -> str:
    """Compare a state of off with the order: an asset that is off has an order of 0, or none."""
    return _check_zero_order(view) if "command" in view.asset else ""


def _check_not_ordered(view: ReasonView) -> str:
    return f"it is ordered {view.value:g}" if "command" in view.asset else ""


def _check_battery_class(view: ReasonView) -> str:
    return "" if view.asset["role"] == "battery" else f"it is a {view.asset['role']}"


def _make_alarm_rule(code: str) -> Callable[[ReasonView], str]:
    """Return a rule: an alarm of this code is active, of whatever subject."""

    def rule(view: ReasonView) -> str:
        return "" if any(one == code for one, _ in list_alarms(view)) else f"no alarm {code} is active"

    return rule


def _make_asset_alarm_rule(code: str) -> Callable[[ReasonView], str]:
    """Return a rule: an alarm of this code is active for the asset or one of its points."""

    def rule(view: ReasonView) -> str:
        found = {of.partition(".")[0] for one, of in list_alarms(view) if one == code}
        return "" if view.name in found else f"no alarm {code} of it is active"

    return rule


def _check_held_mode(view: ReasonView) -> str:
    return _check_held(view) or check_mode(view)


def _check_order_below_limit(view: ReasonView) -> str:
    """Compare the limit of an asset with its order, which a person may set lower."""
    if why := _check_held(view):
        return why
    if "command" not in view.asset:
        return ""
    most_w, over_w = view.value, RATED_SHARE * _get_rated_w(view)
    if view.kind == "ev":
        floor_a, volts = (
            view.site_asset.current_min_a,
            view.site_asset.voltage_v * view.site_asset.phases_count,
        )
        most_w, over_w = (0.0 if view.value <= floor_a else view.value * volts), 0.0
    elif view.kind != "pv":
        return ""
    if most_w <= view.get("limit_w") + max(over_w, PV_LEAST_W):
        return ""
    return f"{most_w:g} W are ordered"


def _get_rated_w(view: ReasonView) -> float:
    return 0.0 if view.site_asset is None else float(view.site_asset.rated_w)


def _check_minimum_off(view: ReasonView) -> str:
    """Compare the minimum off-time with the site file; a PV has none there."""
    found_s = PV_MIN_OFF_S if view.kind == "pv" else None
    if hasattr(view.site_asset, "min_off_s"):
        found_s = view.site_asset.min_off_s
    if found_s is not None and found_s != view.get("off_s"):
        return f"its minimum off-time is {found_s:g} s"
    return _check_zero_order(view)


def _check_contradicting_meters(view: ReasonView) -> str:
    """Compare the meters that contradict the clock with the alarms: one for each of them."""
    meters = {of for code, of in list_alarms(view) if code == "clock.contradicted"}
    silent = set(view.get("meters").split(" and ")) - meters
    return f"no alarm clock.contradicted of {', '.join(sorted(silent))} is active" if silent else ""


def _check_low_import_time(view: ReasonView) -> str:
    """Compare a wait for 120 s of low import with how long the import has been low."""
    cap, stated_w = view.view["caps"].get("import"), view.part["values"].get("limit_w")
    if (
        cap is not None
        and stated_w is not None
        and abs(RESTORE_BELOW_SHARE * cap["max_w"] - stated_w) > LIMIT_W
    ):
        return f"the import cap is {cap['max_w']:g} W"
    below_s = view.view["restore"]["below_s"]
    is_over = below_s is not None and below_s > RESTORE_AFTER_S + SLACK_S + view.slack_s
    return f"the import is low for {below_s:g} s" if is_over else _check_held(view)


def _check_restore_spread(view: ReasonView) -> str:
    return _check_held(view) if view.view["restore"]["random_wait_s"] > 0.0 else "there is no random delay"


def _check_nothing_raised(view: ReasonView) -> str:
    if view.view["events"]["holds"]:
        return ""
    return _make_alarm_rule("grid.high_frequency")(view) and "no event of the grid holds anything"


def _check_after_outage(view: ReasonView) -> str:
    return _make_alarm_rule("grid.outage")(view) and _make_alarm_rule("grid.after_outage")(view)


def _check_slow_rise(view: ReasonView) -> str:
    return "" if view.view["events"]["ceiling_w"] is not None else "nothing limits the rise"


def _check_voltage_read(view: ReasonView) -> str:
    return _check_event_value(view) if view.view["events"]["voltage_pct"] else "no voltage is read"


def _check_voltage_lost(view: ReasonView) -> str:
    return "a voltage is read" if view.view["events"]["voltage_pct"] else _check_event_value(view)


def _check_autonomous(view: ReasonView) -> str:
    return "" if view.view["mode"] == "AUTONOMOUS" else f"the link is {view.view['mode']}"


def _check_node(view: ReasonView) -> str:
    """Compare the name of a node and its fuse with the connection tree."""
    nodes = {node["name"]: node for node in view.view.get("nodes", ())}
    node = nodes.get(view.get("node"))
    return f"there is no node {view.get('node')}" if node is None else _compare_fuse(view, node)


def _compare_fuse(view: ReasonView, node: Mapping[str, Any]) -> str:
    fuse_a, stated_a = node.get("fuse_a"), view.part["values"].get("fuse_a")
    if fuse_a is not None and stated_a is not None and abs(fuse_a - stated_a) > FUSE_A:
        return f"the fuse of {node['name']} has {fuse_a:g} A"
    return ""


def _check_node_phase(view: ReasonView) -> str:
    phase = view.get("phase")
    return _check_node(view) if phase in PHASE_NAMES else f"there is no phase {phase}"


def _check_node_power(view: ReasonView) -> str:
    """Compare the power of a node with its limit, of which a slow meter leaves 90 %."""
    if why := _check_node(view):
        return why
    node = next(one for one in view.view["nodes"] if one["name"] == view.get("node"))
    limit_w = (node.get("import_max_w") or [None])[0]
    shares = () if limit_w is None else (limit_w, limit_w / SLOW_METER_MARGIN)
    if shares and all(abs(power_w - view.get("limit_w")) > LIMIT_W for power_w in shares):
        return f"its limit is {limit_w:g} W"
    return ""


def _check_main_fuse(view: ReasonView) -> str:
    nodes = view.view.get("nodes")
    if not nodes:
        return "no fuse is declared"
    if view.get("phase") not in PHASE_NAMES:
        return f"there is no phase {view.get('phase')}"
    return _compare_fuse(view, nodes[0])


def _check_supply(view: ReasonView) -> str:
    name = view.get("supply")
    supply = view.view["supplies"].get(name)
    if supply is None:
        return f"there is no supply {name}"
    stated_kva, found_va = view.part["values"].get("subscribed_kva"), supply.get("subscribed_va")
    if stated_kva is None or found_va is None or abs(1_000.0 * stated_kva - found_va) <= LIMIT_W:
        return ""
    return f"{found_va:g} VA are subscribed"


def _check_apparent_power_unit(view: ReasonView) -> str:
    unit = view.view["grid"]["unit"]
    return "" if unit == "VA" else f"the grid meter tells {unit}"


def _check_unknown_power(view: ReasonView) -> str:
    return "its power is known" if view.asset.get("quality") == "good" else ""


def _check_unresponsive_car(view: ReasonView) -> str:
    codes = {part["code"] for part in iterate_parts(view.asset.get("state_reason", {"code": ""}))}
    return "" if "state.unresponsive" in codes else "it obeys"


def _make_run_rule(*states: str) -> Callable[[ReasonView], str]:
    """A rule: its run is in one of these states; waste that is collected shows no run."""

    def rule(view: ReasonView) -> str:
        if "run" not in view.asset:
            return ""
        found = view.asset["run"]["state"]
        return "" if found in states else f"its run is {found}"

    return rule


def _check_run_late(view: ReasonView) -> str:
    return "" if view.asset.get("run", {}).get("late", True) else "its run is not late"


def _check_run_waits(view: ReasonView) -> str:
    return _make_run_rule("owed")(view) or check_latest_start(view)


def _find_output_kind(view: ReasonView) -> str:
    return "" if view.output is None else view.output.sort


FUSE_A = 0.05
PHASE_NAMES = ("L1", "L2", "L3")
RESTORE_BELOW_SHARE = SLOW_METER_MARGIN = 0.9
"""What is left of a limit before a load comes back, and with a slow meter (spec/failsafe.md#rule-5)."""
PV_MIN_OFF_S = 300.0
RATED_SHARE, PV_LEAST_W = 0.005, 25.0
"""An order of PV follows its limit in steps of this share of its rating, or of this power."""
ORDER_RULES: Mapping[str, Callable[[ReasonView], str]] = {
    "battery.discharges": _check_negative_order,
    "battery.discharges_less": _check_negative_order,
    "battery.serves_grid": _check_negative_order,
    "battery.charges": _check_positive_order,
    "battery.charges_less": _check_positive_order,
    "battery.stops_charging": _check_zero_order,
    "battery.stops_discharging": _check_zero_order,
    "charging.slowed": _check_positive_order,
    "charging.paused": _check_zero_order,
    "charging.paused_unread": _check_zero_order,
    "charging.resumes": _check_positive_order,
    "charging.faster": _check_positive_order,
    "load.shed": _check_shed,
    "load.on": _check_positive_order,
    "generation.off": _check_zero_order,
    "generation.stopped": _check_zero_order,
    "car.waits": _check_zero_order,
    "car.shares": _check_positive_order,
    "car.none": _check_positive_order,
    "car.demand": _check_positive_order,
    "minimum_time.off_early": _check_early_off,
    "restore.minimum_off": _check_minimum_off,
    "restore.often": _check_zero_order,
    "restore.below_cap": _check_on,
    "restore.pv_fits": _check_on,
    "car.rises": _check_positive_order,
    **dict.fromkeys(("self_consumption", "meter.trial"), _check_battery_class),
    "grid.target": check_grid_target,
    **dict.fromkeys(("plan.charges", "plan.discharges", "plan.stored_worth"), _check_battery_class),
    **dict.fromkeys(("state.measured", "state.not_ordered", "output.no_fallback"), _check_not_ordered),
    "state.steered": _check_battery_class,
    **SITE_ORDER_RULES,
}
"""Rules of code and order: the two are written together, so that they agree in each cycle."""
STATE_RULES: Mapping[str, Callable[[ReasonView], str]] = {
    **{f"cap.{way}": _check_limit for way in ("import", "export", "generation", "consumption")},
    "minimum_time.on": _check_minimum_on_time,
    "tier.off": _check_tier_off,
    "grid.frequency": _check_frequency_read,
    "grid.frequency_well": _check_frequency_read,
    "grid.frequency_lost": _check_frequency_lost,
    "battery.serves_grid": _check_grid_event,
    "free": _check_not_held,
    "restore.waits": _check_held,
    "restore.found_off": _check_held,
    "battery.discharges": _check_discharging,
    "battery.discharges_less": _check_discharging,
    "battery.charges": _check_charging,
    "battery.charges_less": _check_charging,
    "battery.full": _check_battery_full,
    "battery.empty": _check_battery_empty,
    "hand.orders": _check_ordered,
    "document.orders": _check_ordered,
    "plan.leads": _check_plan_leads,
    "inputs.stale": _check_stale_inputs,
    "meter.suspect": _check_meter_suspect,
    "meter.trial_again": _check_meter_trial,
    "meter.lost": _check_meter_lost,
    "meter.implausible": _check_meter_implausible,
    "limit.failsafe_meter_lost": _check_failsafe_limit,
    "limit.failsafe_meter_implausible": _check_failsafe_limit,
    "contact.acts": _check_contact,
    "contact.waiting": _check_contact,
    "contact.releasing": _check_contact,
    "contact.lost": _check_contact_lost,
    "conflict.safe": _check_conflict,
    "conflict.lowered": _check_conflict,
    "conflict.though": _check_conflict,
    **dict.fromkeys(("cap.fits", "restore.apart"), _check_held),
    "state.limited": _check_order_below_limit,
    "state.held": _check_held_mode,
    **dict.fromkeys((f"generation.{how}" for how in ("curtailed", "share", "further", "rises")), _check_held),
    "restore.below": _check_low_import_time,
    "restore.spread": _check_restore_spread,
    "grid.nothing_raised": _check_nothing_raised,
    "grid.after_outage": _check_after_outage,
    "grid.rises_slowly": _check_slow_rise,
    "grid.frequency_high": _make_alarm_rule("grid.high_frequency"),
    **dict.fromkeys(("grid.voltage", "grid.voltage_well"), _check_voltage_read),
    "grid.voltage_lost": _check_voltage_lost,
    "command.shed": _check_commanded_shed,
    "limit.autonomous": _check_autonomous,
    "fuse.node": _check_node,
    "fuse.node_phase": _check_node_phase,
    "node.power": _check_node_power,
    "fuse.main_phase": _check_main_fuse,
    **dict.fromkeys(("supply.subscribed", "supply.warns", "supply.warned"), _check_supply),
    "meter.no_export": _check_apparent_power_unit,
    **dict.fromkeys(("generation.blind", "meter.was_lost"), _check_failsafe_limit),
    "car.unresponsive": _check_unresponsive_car,
    **dict.fromkeys(("plan.charges_car", "plan.car_waits"), check_ready),
    **dict.fromkeys(
        (
            *("plan.waits", "plan.car_has_all", "plan.heats"),
            *("plan.runs", "plan.waits_until", "plan.heated", "plan.nothing_by_then", "plan.done_by_then"),
        ),
        _check_plan_leads,
    ),
    "plan.doubted": _check_contradicting_meters,
    "hand.maintenance": _check_ordered,
    "input.power_unknown": _check_unknown_power,
    "output.second_master": _make_asset_alarm_rule("output.second_master"),
    "output.fallback_lost": _make_asset_alarm_rule("output.fallback_lost"),
    **dict.fromkeys(("state.shed", "state.paused", "state.off"), _check_off),
    "run.done": make_time_rule("at", 1, _make_run_rule("done")),
    "run.begun": _make_run_rule("begun"),
    "run.begun_late": make_time_rule("by", 1, _make_run_rule("begun")),
    "run.due": make_time_rule("by", 1, _make_run_rule("owed")),
    "run.waits": _check_run_waits,
    "run.late": make_time_rule("by", 1, _check_run_late),
    "state.also": _make_asset_alarm_rule("output.fallback_lost"),
    **SITE_STATE_RULES,
}
"""Rules of state or measurement, by code: a reason may be outdated until its order is written again."""
