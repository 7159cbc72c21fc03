"""Rules that compare the codes of single asset classes and of limits with the site and the plant (pure).

They have the same form as those of ``rules``, which adds them to its tables.
"""

from collections.abc import Callable, Mapping

from quartier_hil.checks.reasons.view import (
    LIMIT_W,
    ZERO_W,
    ReasonView,
    iterate_parts,
    list_alarms,
    read_power_w,
)

Rule = Callable[[ReasonView], str]
TEMPERATURE_K, CO2_PPM, POWER_W, PRICE_EUR_PER_KWH = 0.5, 30.0, 100.0, 0.001
"""Largest difference between a value of a reason and the plant, whose device is read some seconds later."""
ENERGY_KWH, POWER_KW = 0.05, 0.05
"""Rounding of an energy and of a power in the reason of a plan."""
LOOP_INSIDE_K, LOOP_RESTS_MIN = 1.0, 20.0
"""How far inside its band a loop must be, in K, and for how long, before its pump is slowed again."""
CHP_WITHDRAW_SHARE = 0.9
"""A CHP is asked to run no longer below this share of its start value."""
DAY_S = 86_400.0
READY_BEFORE_S = 7_200.0
"""Longest time between the hour at which a plan has a car ready and its departure, s."""
CHP_AFTER_MIN, AFTER_MIN = 5.0, 1.0
"""How long a CHP and other assets want another mode before they go there, min."""
LIT_SHARE = 0.05
"""Lights below this share of their rating are off."""
CAREFUL_MODES = ("INIT", "FAILSAFE")
"""States of the link in which batteries do not export."""
_RAISES = frozenset({"load.shed", "charging.slowed", "charging.paused"}) | {
    f"battery.{how}" for how in ("charges_less", "stops_charging", "discharges")
}
"""What is done for a limit of import, and makes an export larger."""


# -- limits ----------------------------------------------------------------------------------


def check_limit_source(view: ReasonView) -> str:
    """Compare the source of a limit with the limits in force."""
    found = [part for cap in view.view["caps"].values() for part in iterate_parts(cap)]
    stated = view.part["code"], view.part["values"]
    if any((part.get("code"), part.get("values")) == stated for part in found):
        return ""
    sources = {str(cap.get("whose")) for cap in view.view["caps"].values()}
    return f"the limits in force are those of {', '.join(sorted(sources)) or 'nobody'}"


def _check_failsafe_source(view: ReasonView) -> str:
    mode = view.view["mode"]
    return check_limit_source(view) if mode in CAREFUL_MODES else f"the link is {mode}"


def _is_clock_lost(view: ReasonView) -> bool:
    return any(loss["name"] == "clock-unsynced" for loss in view.view["losses"])


def _check_source_by_clock(view: ReasonView) -> str:
    return "the clock is not synced" if _is_clock_lost(view) else check_limit_source(view)


def _check_source_without_clock(view: ReasonView) -> str:
    return check_limit_source(view) if _is_clock_lost(view) else "the clock is synced"


def _check_source_by_heartbeats(view: ReasonView) -> str:
    if not any(code == "clock.stepped" for code, _ in list_alarms(view)):
        return "no alarm says that the heartbeats contradict the clock"
    return check_limit_source(view)


def _check_exceeded(view: ReasonView) -> str:
    """Compare a response to a breach with the alarms; the response lasts longer than the alarm."""
    return "" if view.raised & {"cap.exceeded", "node.exceeded"} else "no alarm said that a limit is exceeded"


def _check_feeding_back(view: ReasonView) -> str:
    done = {part["code"] for part in view.iterate_reasons()} & _RAISES
    return f"{', '.join(sorted(done))} makes an export larger" if done else ""


# -- orders of modes -------------------------------------------------------------------------


def check_mode(view: ReasonView) -> str:
    """Compare a mode with the order, by the table of modes in the site."""
    if view.site_asset is None or "command" not in view.asset:
        return ""
    wanted = view.modes.get(view.get("mode"))
    if wanted is None:
        return f"it has no mode {view.get('mode')!r}"
    return "" if wanted == view.value else f"the order is {view.value:g}, that mode is {wanted:g}"


def _check_mode_of_tier(view: ReasonView) -> str:
    allowed = {"D", "B", view.asset["tier"]}
    if view.get("tier") not in allowed:
        return f"it is in tier {view.asset['tier']}"
    return check_mode(view)


def _check_later_mode(view: ReasonView) -> str:
    """Compare the mode for which an asset waits with that in which it is."""
    if view.site_asset is not None and view.modes.get(view.get("mode")) is None:
        return f"it has no mode {view.get('mode')!r}"
    after_min = CHP_AFTER_MIN if view.asset["role"] == "chp" else AFTER_MIN
    if view.get("after_min") != after_min:
        return f"it waits for {after_min:g} min"
    present = {part["values"]["mode"] for part in view.iterate_reasons() if part["code"] == "mode.stands"}
    return "it is in that mode" if present == {view.get("mode")} else ""


def _check_no_order(view: ReasonView) -> str:
    return f"it is ordered {view.value:g}" if "command" in view.asset else ""


def check_tier(view: ReasonView) -> str:
    """Compare the tier of a shed with that of the asset."""
    tier = view.asset.get("tier", view.get("tier"))
    return "" if tier == view.get("tier") else f"it is in tier {tier}"


# -- batteries -------------------------------------------------------------------------------


def _check_link_limits_battery(view: ReasonView) -> str:
    mode = view.view["mode"]
    if mode != view.get("mode"):
        return f"the link is {mode}"
    return "" if mode in CAREFUL_MODES else f"{mode} does not limit batteries"


def _check_grid_limits_charge(view: ReasonView) -> str:
    events = view.view["events"]
    acts = events["off"] or events["holds"] or events["ceiling_w"] is not None
    return "" if acts else "no event of the grid acts"


def _check_grid_limits_feed_in(view: ReasonView) -> str:
    found = {code for code, _ in list_alarms(view)} & {"grid.high_voltage", "grid.outage"}
    return "" if found else "no alarm of a high or missing voltage is active"


def check_led_by_plan(view: ReasonView) -> str:
    """Compare a reason of the plan with who leads the asset."""
    leader = view.asset.get("led_by")
    return "" if leader in {None, "local plan"} else f"{leader} leads it"


def _check_plan_of_battery(view: ReasonView) -> str:
    if view.asset["role"] != "battery":
        return f"it is a {view.asset['role']}"
    return check_led_by_plan(view)


def _check_price(view: ReasonView) -> str:
    """Compare the price of an import now with the contract; a later step has the price of its hour."""
    if why := _check_plan_of_battery(view):
        return why
    price = view.measured.get("contract.price_eur_per_kwh")
    is_later = any(part.get("source") is view.part for part in view.iterate_reasons())
    if price is None or is_later or abs(price - view.get("price_eur_per_kwh")) <= PRICE_EUR_PER_KWH:
        return ""
    return f"the contract asks {price:.3f} EUR/kWh now"


def _check_kept_energy(view: ReasonView) -> str:
    """Compare the energy with what the battery holds, and the import with the contract."""
    if view.kind == "battery":
        most_kwh = view.site_asset.capacity_wh * view.site_asset.soc_max_pct / 100_000.0
        if view.get("energy_kwh") > most_kwh + ENERGY_KWH:
            return f"it holds {most_kwh:g} kWh"
    if view.site is not None:
        most_kw = view.site.limits.import_hard_w / 1_000.0
        if view.get("limit_kw") > most_kw + POWER_KW:
            return f"the contract allows {most_kw:g} kW"
    return _check_plan_of_battery(view)


def check_grid_target(view: ReasonView) -> str:
    """Compare the target of a battery with the site; it is not below 0 where batteries may not export."""
    if view.asset["role"] != "battery":
        return f"it is a {view.asset['role']}"
    if view.site is None or view.get("target_w") in {
        round(view.site.grid_target_w),
        max(0, round(view.site.grid_target_w)),
    }:
        return ""
    return f"the site file says {view.site.grid_target_w:g} W"


def _check_curtailed_sun(view: ReasonView) -> str:
    if view.get("power_w") <= 0.0:
        return "no power is curtailed"
    return _check_plan_of_battery(view)


# -- cars ------------------------------------------------------------------------------------


def _check_full_current(view: ReasonView) -> str:
    """A car that must be ready is offered all that its point gives."""
    most_a = view.site_asset.current_max_a if view.kind == "ev" else ZERO_W
    return "" if view.value >= most_a else f"the order is {view.value:g} A"


def _check_plugged(view: ReasonView) -> str:
    return "no car is there" if view.read("plugged_on") == 0.0 else ""


def _check_not_read(view: ReasonView) -> str:
    if view.asset.get("quality") != "good":
        return ""
    codes = {part["code"] for part in view.iterate_reasons()}
    return "" if codes & {"output.no_fallback", "output.fallback_lost"} else "its power is read"


def _check_disobeys(view: ReasonView) -> str:
    """Compare the measured power with the order: what does not obey takes, or makes, more."""
    if view.asset.get("quality") != "good" or "command" not in view.asset:
        return ""
    power_w = float(view.asset["power_w"])
    most_w = view.value
    if view.kind == "pv":
        power_w, most_w = -power_w, view.value if view.site_asset.curtail == "limit" else 0.0
    elif view.kind == "ev":
        most_w = view.value * view.site_asset.voltage_v * view.site_asset.phases_count
    elif view.value > 0.0:
        return "it is on"
    return "" if power_w > most_w else f"{power_w:g} W are measured, {most_w:g} W are ordered"


# -- combined heat and power, lights ---------------------------------------------------------


def find_import_without_w(view: ReasonView) -> float | None:
    """Return the import in W without the asset and without the charging of batteries; None if unknown."""
    grid_w, own_w = view.view["grid"].get("power_w"), view.asset.get("power_w")
    if view.view["grid"]["state"] != "good" or view.asset.get("quality") != "good":
        return None
    return (
        float(grid_w or 0.0)
        - float(own_w or 0.0)
        - sum(max(0.0, power_w) for power_w in _list_batteries_w(view))
    )


def _list_batteries_w(view: ReasonView) -> list[float]:
    return [
        float(one["power_w"] or 0.0)
        for one in view.view["assets"].values()
        if one.get("role") == "battery" and one.get("quality") == "good"
    ]


def _make_import_rule(value: str, share: float, sign: int) -> Rule:
    """Return a rule: the import without the CHP is above its limit (``sign`` 1) or below it (-1)."""

    def rule(view: ReasonView) -> str:
        if view.kind == "chp":
            start_w = view.site_asset.start_import_w
            if start_w is None:
                return "it is led by heat"
            if abs(view.get(value) - share * start_w) > LIMIT_W:
                return f"the site file says {share * start_w:g} W"
        need_w = find_import_without_w(view)
        if need_w is None or sign * (need_w - view.get(value)) >= -POWER_W:
            return ""
        return f"the import without it is {need_w:.0f} W"

    return rule


def _check_led_by_heat(view: ReasonView) -> str:
    if view.kind == "chp" and view.site_asset.start_import_w is not None:
        return "it is led by electricity"
    return _check_no_order(view)


def _check_unlit(view: ReasonView) -> str:
    power_w = read_power_w(view)
    if power_w is None or view.kind != "lights":
        return ""
    return "" if power_w <= LIT_SHARE * view.site_asset.rated_w + 1.0 else f"it takes {power_w:g} W"


def _check_dimmed(view: ReasonView) -> str:
    if view.kind != "lights" or "command" not in view.asset:
        return ""
    return "" if view.value < max(view.modes.values()) else "it gives its full light"


# -- heat, cold and air ----------------------------------------------------------------------


def _make_comfort_rule(edge: str, sign: int) -> Rule:
    """Return a rule: the temperature is above the edge of the band (``sign`` 1) or below it (-1)."""

    def rule(view: ReasonView) -> str:
        limit_c, found_c = getattr(view.site_asset, f"comfort_{edge}_c", None), _read_temperature_c(view)
        if view.site_asset is not None and limit_c is None:
            return "the site file says no such temperature"
        if limit_c is None or found_c is None or sign * (found_c - limit_c) >= -TEMPERATURE_K:
            return ""
        return f"it is at {found_c:.1f} °C, the band ends at {limit_c:g} °C"

    return rule


def _read_temperature_c(view: ReasonView) -> float | None:
    if view.kind not in {"heat", "cooling"}:
        return None
    return next((c for one in view.site_asset.senses if (c := view.read(one)) is not None), None)


def _check_outside_comfort(view: ReasonView) -> str:
    """Compare: heat below the lower edge of its band, a cooled room above the upper one."""
    is_cold_store = view.asset["role"] == "cooling"
    return _make_comfort_rule(*(("max", 1) if is_cold_store else ("min", -1)))(view)


def _check_loop_unknown(view: ReasonView) -> str:
    if view.kind == "substation" and all(
        quantity != f"{view.get('quantity')}_c" for quantity, _, _ in view.site_asset.bands
    ):
        return f"no band of {view.get('quantity')} is declared"
    return _check_no_order(view)


def _make_loop_rule(sign: int) -> Rule:
    """Return a rule: a temperature of the loop is below its band (``sign`` -1) or above it (1)."""

    def rule(view: ReasonView) -> str:
        if sign * (view.get("found_c") - view.get("limit_c")) < 0.0:
            return "its own values contradict each other"
        quantity = f"{view.get('quantity')}_c"
        if view.kind == "substation":
            edges = [
                edge_c + inside_k
                for name, low_c, high_c in view.site_asset.bands
                for edge_c, inside_k in ((low_c, LOOP_INSIDE_K), (high_c, -LOOP_INSIDE_K))
                for edge_c, inside_k in ((edge_c, 0.0), (edge_c, inside_k))
                if name == quantity
            ]
            if view.get("limit_c") not in edges:
                return f"the bands of {quantity} are {edges}"
        found_c = view.measured.get(f"{view.name}.{quantity}")
        if found_c is not None and abs(found_c - view.get("found_c")) > TEMPERATURE_K:
            return f"it is at {found_c:.1f} °C"
        return _check_no_order(view)

    return rule


def _check_loop_rests(view: ReasonView) -> str:
    if view.get("after_min") != LOOP_RESTS_MIN:
        return f"its own control is active for {LOOP_RESTS_MIN:g} min"
    return _check_no_order(view)


def _check_air(view: ReasonView) -> str:
    found_ppm, stated_ppm = view.read("co2_ppm"), view.get("co2_ppm")
    if view.kind == "ventilation" and stated_ppm < view.site_asset.co2_max_ppm:
        return f"the limit is {view.site_asset.co2_max_ppm:g} ppm"
    if found_ppm is None or abs(found_ppm - stated_ppm) <= CO2_PPM:
        return ""
    return f"{found_ppm:.0f} ppm are measured"


# -- runs ------------------------------------------------------------------------------------


def _check_no_time(view: ReasonView) -> str:
    return "" if _is_clock_lost(view) else "the clock is synced"


def _check_nothing_waits(view: ReasonView) -> str:
    return "something waits" if view.read("waiting_on") == 1.0 else ""


def _check_own_generation(view: ReasonView) -> str:
    """Compare with the surplus that is measured, unless a limit of PV hides a part of it."""
    rest_w = find_import_without_w(view)
    is_hidden = any(
        one.get("role") == "pv" and one.get("state_reason", {}).get("code") != "free"
        for one in view.view["assets"].values()
    )
    if rest_w is None or is_hidden or not view.modes:
        return ""
    left_w = sum(min(0.0, power_w) for power_w in _list_batteries_w(view)) - rest_w
    share = 0.5 if view.kind == "waste" else 1.0
    return "" if left_w >= share * view.site_asset.rated_w - POWER_W else f"the surplus is {left_w:.0f} W"


def _find_times(view: ReasonView) -> tuple[str, str] | None:
    """Return the begin and the end of the time in which a run is allowed; None if they are not known."""
    one = view.site_asset
    if view.kind not in {"run", "waste"}:
        return None
    begin_s = one.deadline_s if one.window_s is None else one.window_s
    return _format_clock(begin_s), _format_clock(one.deadline_s)


def make_time_rule(value: str, place: int, other: Rule | None = None) -> Rule:
    """Return a rule: a time is the begin (``place`` 0) or the end (1) that the site file says."""

    def rule(view: ReasonView) -> str:
        times = _find_times(view)
        if times is not None and times[place] != view.get(value):
            return f"the site file says {times[place]}"
        return "" if other is None else other(view)

    return rule


def check_latest_start(view: ReasonView) -> str:
    """Compare the latest start of a run with the time in which the site file allows it."""
    one = view.site_asset
    if view.kind not in {"run", "waste"}:
        return ""
    begin_s = one.deadline_s if one.window_s is None else one.window_s
    before_s = (one.deadline_s - _parse_clock_s(view.get("latest"))) % DAY_S
    if 0.0 < before_s <= ((one.deadline_s - begin_s) % DAY_S or DAY_S):
        return ""
    return f"the site file says {_format_clock(begin_s)} to {_format_clock(one.deadline_s)}"


def check_ready(view: ReasonView) -> str:
    """Compare the time by which a car is ready with its departure in the site file: soon before it."""
    if view.kind == "ev" and view.site_asset.departure_s is not None:
        before_s = (view.site_asset.departure_s - _parse_clock_s(view.get("ready"))) % DAY_S
        if before_s > READY_BEFORE_S:
            return f"it leaves at {_format_clock(view.site_asset.departure_s)}"
    return check_led_by_plan(view)


def _format_clock(at_s: float) -> str:
    minutes = int(at_s // 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _parse_clock_s(text: str) -> float:
    hours, _, minutes = text.partition(":")
    return 3_600.0 * int(hours) + 60.0 * int(minutes)


def _check_not_yet(view: ReasonView) -> str:
    """Compare a run that waits for its hours with its order: it is off."""
    return "" if "command" not in view.asset or view.value <= 0.0 else "it is on"


SITE_ORDER_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("car.ready", "car.late", "car.unseen"), _check_full_current),
    "fuse.feeds_back": _check_feeding_back,
}
_WITHOUT_ORDER = (
    *("output.given_back", "output.no_setpoint", "input.waits", "input.soc_unknown", "meter.checked"),
    *("mode.normal_again", "state.unread"),
)
SITE_STATE_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("limit.hard", "limit.link", "limit.before", "envelope.says"), check_limit_source),
    **dict.fromkeys(("envelope.default", "envelope.until_loosening"), check_limit_source),
    **dict.fromkeys(("envelope.as_counted", "envelope.strictest"), check_limit_source),
    "limit.failsafe": _check_failsafe_source,
    "envelope.by_clock": _check_source_by_clock,
    "envelope.by_heartbeats": _check_source_by_heartbeats,
    "envelope.not_synced": _check_source_without_clock,
    **dict.fromkeys(("cap.over", "cap.mean_over", "cap.kept_over"), _check_exceeded),
    **dict.fromkeys(("mode.to", "mode.stands"), check_mode),
    "mode.to_of_tier": _check_mode_of_tier,
    "mode.after": _check_later_mode,
    **dict.fromkeys(("battery.link_no_charge", "battery.link_no_export"), _check_link_limits_battery),
    "battery.grid_no_charge": _check_grid_limits_charge,
    "battery.grid_no_feed_in": _check_grid_limits_feed_in,
    **dict.fromkeys(("plan.bought", "plan.import_costs", "plan.spares_import"), _check_price),
    **dict.fromkeys(("plan.with_sun", "plan.used_from", "plan.kept_beyond"), _check_plan_of_battery),
    **dict.fromkeys(("plan.export_brings", "plan.held_worth", "plan.spares_peak"), _check_plan_of_battery),
    **dict.fromkeys(("plan.kept_cap", "plan.kept_peak"), _check_kept_energy),
    "plan.curtails": _check_curtailed_sun,
    **dict.fromkeys(("car.ready", "car.late", "car.unseen"), _check_plugged),
    "car.not_read": _check_not_read,
    **dict.fromkeys(_WITHOUT_ORDER, _check_no_order),
    "state.unresponsive": _check_disobeys,
    "chp.heat_led": _check_led_by_heat,
    "chp.import_above": _make_import_rule("start_w", 1.0, 1),
    "chp.import_below": _make_import_rule("end_w", CHP_WITHDRAW_SHARE, -1),
    "chp.import_not_below": _make_import_rule("end_w", CHP_WITHDRAW_SHARE, 1),
    "comfort.last": _check_outside_comfort,
    "comfort.no_preheating": _make_comfort_rule("max", 1),
    "comfort.preheating": _make_comfort_rule("max", -1),
    "comfort.no_precooling": _make_comfort_rule("min", -1),
    "comfort.precooling": _make_comfort_rule("min", 1),
    "lights.daylight": _check_unlit,
    "lights.enough": _check_dimmed,
    "run.no_time": _check_no_time,
    "run.own_generation": _check_own_generation,
    **dict.fromkeys(("run.nothing", "waste.nothing"), _check_nothing_waits),
    "run.hours": make_time_rule("at", 0, _check_not_yet),
    "waste.begins": make_time_rule("at", 0, _check_not_yet),
    "substation.unknown": _check_loop_unknown,
    "substation.cold": _make_loop_rule(-1),
    "substation.hot": _make_loop_rule(1),
    "substation.rests": _check_loop_rests,
    "ventilation.co2": _check_air,
}
