"""Each rule about the site and the plant agrees with a true reason and contradicts a false one."""

from types import SimpleNamespace

import pytest

from quartier.site.asset_types import (
    BatchLoad,
    Battery,
    ChargePointAsset,
    ChpUnit,
    CoolingAsset,
    GridMeter,
    HeatAsset,
    HeatSubstation,
    Lights,
    OperationMode,
    Pv,
    VentilationUnit,
    WasteCollection,
)
from quartier.site.site_layout import Site, SiteLimits
from quartier_hil.checks.reasons.rules import ORDER_RULES, STATE_RULES
from quartier_hil.checks.reasons.site_rules import SITE_ORDER_RULES, SITE_STATE_RULES
from quartier_hil.checks.reasons.view import ReasonView

MODES = (OperationMode("full", 100.0, 2_000.0), OperationMode("half", 50.0, 500.0))
RUNS = (OperationMode("runs", 1.0, 2_000.0), OperationMode("waits", 0.0, 0.0))


def moded(kind, quantity, modes=MODES, **more):
    return kind(name="x", rated_w=2_000.0, quantity=quantity, modes=modes, tier="C", **more)


BATTERY = Battery(
    name="x",
    rated_w=5_000.0,
    capacity_wh=10_000.0,
    charge_max_w=5_000.0,
    discharge_max_w=5_000.0,
    ramp_max_w_per_s=500.0,
)
CAR = ChargePointAsset(name="x", rated_w=11_000.0)
LEAVING = ChargePointAsset(name="x", rated_w=11_000.0, departure_s=25_200.0)
PV = Pv(name="x", rated_w=6_000.0, curtail="limit")
CHP = moded(ChpUnit, "request_on", start_import_w=4_000.0)
LED_BY_HEAT = moded(ChpUnit, "request_on")
LIGHTS = moded(Lights, "dim_pct")
HEAT = moded(HeatAsset, "sg_ready_state", senses=("tank_c",), comfort_min_c=45.0, comfort_max_c=60.0)
COOL = moded(CoolingAsset, "relay_on", senses=("room_c",), comfort_min_c=20.0, comfort_max_c=26.0)
LOOP = moded(HeatSubstation, "pump_pct", bands=(("return_c", 4.0, 20.0),))
AIR = moded(VentilationUnit, "speed_pct", co2_max_ppm=1_200.0)
RUN = moded(BatchLoad, "relay_on", RUNS, run_w=(2_000.0,), window_s=3_600.0 * 8, deadline_s=3_600.0 * 18)
WASTE = moded(WasteCollection, "run_on", RUNS, window_s=3_600.0 * 6, deadline_s=79_200.0, duration_s=1_800.0)
LIMITS = SiteLimits(
    import_hard_w=12_000.0,
    export_hard_w=6_000.0,
    import_failsafe_w=6_000.0,
    export_failsafe_w=0.0,
    import_autonomous_w=9_600.0,
    export_autonomous_w=6_000.0,
)
VIEW = {
    "mode": "CONTROLLED",
    "grid": {"state": "good", "power_w": 5_000.0},
    "caps": {},
    "losses": [],
    "events": {"off": {}, "holds": False, "ceiling_w": None, "frequency_hz": 50.0, "voltage_pct": {"l1": 87}},
    "alarms": (),
    "assets": {},
    "restore": {"held": ["x"], "below_s": None, "random_wait_s": 0.0},
    "supplies": {"linky": {"subscribed_va": 9_000.0}},
}
UNSYNCED = {"losses": [{"name": "clock-unsynced", "of": ""}]}
TREE = {
    "nodes": [
        {"name": "grid", "fuse_a": 60.0},
        {"name": "park", "fuse_a": 63.0, "import_max_w": [40_000.0, None, None, None]},
    ]
}


def make_site(declared):
    grid = GridMeter(name="grid", rated_w=0.0)
    return Site(name="site", grid=grid, assets=() if declared is None else (declared,), limits=LIMITS)


def find_fault(
    code,
    values=None,
    *,
    more=None,
    order=None,
    asset=None,
    declared=None,
    site=None,
    plant=None,
    raised=(),
    **view,
):
    """Return what contradicts a reason by both tables of rules."""
    part = {"code": code, "values": values or {}, **(more or {})}
    found = {"role": "load" if declared is None else declared.role, "tier": "C", "quality": "good"}
    reason = {"state_reason": part} if order is None else {"command": {"value": order, **part}}
    one = ReasonView(
        "x",
        {"power_w": 0.0, **found, **reason, **(asset or {})},
        {**VIEW, **view},
        (asset or {}).get("part", part),
        site=make_site(declared) if site is None else site,
        measured=plant or {},
        raised=frozenset(raised),
    )
    found = (rules[code](one) for rules in (ORDER_RULES, STATE_RULES) if code in rules)
    return "; ".join(filter(None, found))


def cap(code, **values):
    """A limit of the import in force, with its source."""
    return {"caps": {"import": {"max_w": 4_000.0, "whose": code, "code": code, "values": values}}}


def alarms(*names):
    return {"alarms": [SimpleNamespace(key=tuple(name.split(":"))) for name in names]}


def event(**changes):
    return {"events": {**VIEW["events"], **changes}}


def grid(power_w):
    return {"grid": {"state": "good", "power_w": power_w}}


DOCUMENT = {"program": "district", "document": "d1"}
OTHER = {"program": "district", "document": "d2"}
LED, UNLED = {"role": "battery", "led_by": "local plan"}, {"role": "battery", "led_by": "a person"}
PRICE = {"price_eur_per_kwh": 0.25}
CHEAP, DEAR = ({"contract.price_eur_per_kwh": price} for price in (0.25, 0.30))
EXCEEDED = {"raised": ["cap.exceeded"]}
IN_MODE, IN_OTHER_MODE = ({"mode": mode} for mode in ("half", "full"))
AFTER = {"state_reason": {"code": "mode.stands", "values": {"mode": "full"}}}
AFTER_HALF = {"state_reason": {"code": "mode.stands", "values": {"mode": "half"}}}
COLD = {"quantity": "return", "found_c": 3.0, "limit_c": 4.0}
HOT = {"quantity": "return", "found_c": 21.0, "limit_c": 20.0}
STOPPED = {"more": {"more": {"code": "generation.stopped", "values": {}}}}
SHED = {"more": {"more": {"code": "load.shed", "values": {"tier": "C"}}}}


def same(code, right, wrong, **both):
    """An example whose two sides share all but some facts."""
    return code, {**both, **right}, {**both, **wrong}


AGREE = [
    *(
        same(code, cap(code), cap("limit.other"))
        for code in ("limit.hard", "limit.link", "limit.before", "envelope.until_loosening")
    ),
    *(same(code, cap(code), cap("limit.hard")) for code in ("envelope.as_counted", "envelope.strictest")),
    *(
        same(code, cap(code, **DOCUMENT), cap(code, **OTHER), values=DOCUMENT)
        for code in ("envelope.says", "envelope.default")
    ),
    same("limit.failsafe", {"mode": "FAILSAFE"}, {"mode": "CONTROLLED"}, **cap("limit.failsafe")),
    same("envelope.by_clock", {}, UNSYNCED, **cap("envelope.by_clock")),
    same("envelope.not_synced", UNSYNCED, {}, **cap("envelope.not_synced")),
    same("envelope.by_heartbeats", alarms("clock.stepped:"), {}, **cap("envelope.by_heartbeats")),
    *(same(code, EXCEEDED, {}) for code in ("cap.over", "cap.mean_over", "cap.kept_over")),
    same("fuse.feeds_back", STOPPED, SHED, order=0.0),
    *(
        same(code, {"order": 50.0}, {"order": 100.0}, values=IN_MODE, declared=LIGHTS)
        for code in ("mode.to", "mode.stands")
    ),
    same("mode.to", {}, {"values": {"mode": "none"}}, values=IN_MODE, declared=LIGHTS, order=50.0),
    same(
        "mode.to_of_tier",
        {"values": {**IN_MODE, "tier": "D"}},
        {"values": {**IN_MODE, "tier": "A"}},
        declared=LIGHTS,
        order=50.0,
    ),
    same(
        "mode.to_of_tier", {"order": 50.0}, {"order": 100.0}, values={**IN_MODE, "tier": "C"}, declared=LIGHTS
    ),
    same(
        "mode.after",
        {"asset": AFTER},
        {"asset": AFTER_HALF},
        values={**IN_MODE, "after_min": 1},
        declared=HEAT,
    ),
    same(
        "mode.after",
        {"values": {**IN_MODE, "after_min": 1}},
        {"values": {**IN_MODE, "after_min": 5}},
        asset=AFTER,
        declared=HEAT,
    ),
    *(
        same(code, {"mode": "FAILSAFE"}, {"mode": "CONTROLLED"}, values={"mode": "FAILSAFE"})
        for code in ("battery.link_no_charge", "battery.link_no_export")
    ),
    same("battery.link_no_charge", {"values": {"mode": "INIT"}}, {"values": {"mode": "HOLD"}}, mode="INIT"),
    same("battery.grid_no_charge", event(holds=True), {}),
    same("battery.grid_no_feed_in", alarms("grid.high_voltage:"), {}),
    *(
        same(code, {"plant": CHEAP}, {"plant": DEAR}, values=PRICE, asset=LED)
        for code in ("plan.bought", "plan.import_costs", "plan.spares_import")
    ),
    *(
        same(code, {"asset": LED}, {"asset": UNLED})
        for code in (
            *("plan.bought", "plan.with_sun", "plan.used_from", "plan.kept_beyond", "plan.export_brings"),
            *("plan.held_worth", "plan.spares_peak"),
        )
    ),
    *(
        same(
            code,
            {"values": {"energy_kwh": 3.0, "limit_kw": 6.0}},
            {"values": {"energy_kwh": 12.0, "limit_kw": 6.0}},
            asset=LED,
            declared=BATTERY,
        )
        for code in ("plan.kept_cap", "plan.kept_peak")
    ),
    same(
        "plan.kept_cap",
        {"values": {"energy_kwh": 3.0, "limit_kw": 12.0}},
        {"values": {"energy_kwh": 3.0, "limit_kw": 13.0}},
        asset=LED,
        declared=BATTERY,
    ),
    same("plan.curtails", {"values": {"power_w": 300}}, {"values": {"power_w": 0}}, asset=LED),
    *(
        same(code, {"order": 16.0}, {"order": 10.0}, declared=CAR)
        for code in ("car.ready", "car.late", "car.unseen")
    ),
    same(
        "car.ready",
        {"plant": {"x.plugged_on": 1.0}},
        {"plant": {"x.plugged_on": 0.0}},
        declared=CAR,
        order=16.0,
    ),
    same("car.not_read", {"asset": {"quality": "silent"}}, {}, declared=CAR, order=6.0),
    *(
        same(code, {}, {"order": 0.0})
        for code in (
            *("output.given_back", "output.no_setpoint", "input.waits", "input.soc_unknown", "meter.checked"),
            *("mode.normal_again", "state.unread"),
        )
    ),
    same(
        "state.unresponsive",
        {"asset": {"power_w": 9_000.0}},
        {"asset": {"power_w": 4_000.0}},
        declared=CAR,
        order=6.0,
    ),
    same(
        "state.unresponsive",
        {"asset": {"power_w": -4_000.0}},
        {"asset": {"power_w": -900.0}},
        declared=PV,
        order=1_000.0,
    ),
    same("state.unresponsive", {"order": 0.0}, {"order": 1.0}, asset={"power_w": 900.0}),
    same("chp.heat_led", {"declared": LED_BY_HEAT}, {"declared": CHP}),
    same("chp.import_above", grid(5_000.0), grid(3_000.0), values={"start_w": 4_000}, declared=CHP),
    same("chp.import_above", {"values": {"start_w": 4_000}}, {"values": {"start_w": 5_000}}, declared=CHP),
    same("chp.import_below", grid(3_000.0), grid(5_000.0), values={"end_w": 3_600}, declared=CHP),
    same("chp.import_not_below", grid(3_700.0), grid(3_000.0), values={"end_w": 3_600}, declared=CHP),
    same("comfort.last", {"plant": {"x.tank_c": 44.0}}, {"plant": {"x.tank_c": 50.0}}, declared=HEAT),
    same("comfort.last", {"plant": {"x.room_c": 27.0}}, {"plant": {"x.room_c": 23.0}}, declared=COOL),
    same(
        "comfort.no_preheating", {"plant": {"x.tank_c": 60.0}}, {"plant": {"x.tank_c": 50.0}}, declared=HEAT
    ),
    same("comfort.preheating", {"plant": {"x.tank_c": 50.0}}, {"plant": {"x.tank_c": 61.0}}, declared=HEAT),
    same(
        "comfort.no_precooling", {"plant": {"x.room_c": 20.0}}, {"plant": {"x.room_c": 23.0}}, declared=COOL
    ),
    same("comfort.precooling", {"plant": {"x.room_c": 23.0}}, {"plant": {"x.room_c": 19.0}}, declared=COOL),
    same("lights.daylight", {"asset": {"power_w": 0.0}}, {"asset": {"power_w": 900.0}}, declared=LIGHTS),
    same("lights.enough", {"order": 50.0}, {"order": 100.0}, declared=LIGHTS),
    same("run.no_time", UNSYNCED, {}, declared=RUN),
    same("run.own_generation", grid(-2_500.0), grid(500.0), declared=RUN),
    *(
        same(code, {"plant": {"x.waiting_on": 0.0}}, {"plant": {"x.waiting_on": 1.0}})
        for code in ("run.nothing", "waste.nothing")
    ),
    same("run.hours", {"values": {"at": "08:00"}}, {"values": {"at": "09:00"}}, declared=RUN),
    same("run.hours", {"order": 0.0}, {"order": 1.0}, declared=RUN, values={"at": "08:00"}),
    same("waste.begins", {"values": {"at": "06:00"}}, {"values": {"at": "07:00"}}, declared=WASTE),
    same(
        "substation.unknown",
        {"values": {"quantity": "return"}},
        {"values": {"quantity": "flow"}},
        declared=LOOP,
    ),
    same(
        "substation.cold",
        {"plant": {"x.return_c": 3.2}},
        {"plant": {"x.return_c": 9.0}},
        declared=LOOP,
        values=COLD,
    ),
    same("substation.cold", {"values": COLD}, {"values": {**COLD, "limit_c": 7.0}}, declared=LOOP),
    same("substation.cold", {"values": COLD}, {"values": {**COLD, "found_c": 9.0}}, declared=LOOP),
    same("substation.hot", {}, {"order": 50.0}, declared=LOOP, values=HOT),
    same("substation.rests", {"values": {"after_min": 20}}, {"values": {"after_min": 10}}, declared=LOOP),
    same(
        "ventilation.co2",
        {"plant": {"x.co2_ppm": 1_390.0}},
        {"plant": {"x.co2_ppm": 900.0}},
        declared=AIR,
        values={"co2_ppm": 1_400},
    ),
    same("ventilation.co2", {"values": {"co2_ppm": 1_400}}, {"values": {"co2_ppm": 900}}, declared=AIR),
]
CAP = {"max_w": 4_000.0, "whose": "hard limit", "code": "limit.hard", "values": {}}
LIMIT = {"limit_w": 4_000}
ORDERED = {"override": {"words": "by hand", "code": "document.orders", "values": DOCUMENT}}
EVENTS = {
    "frequency_hz": 49.4,
    "off": {"C": "grid at 49.46 Hz"},
    "off_reasons": {
        "C": {
            "code": "grid.frequency",
            "values": {"frequency_hz": 49.46},
            "more": {"code": "grid.voltage", "values": {"voltage_pct": 87}},
        },
        "D": {"code": "command.shed", "values": {"document": "d1"}},
    },
}
VALUES = [
    same("load.shed", {"values": {"tier": "C"}}, {"values": {"tier": "D"}}, order=0.0),
    same(
        "cap.import",
        {"more": {"source": {"code": "limit.hard", "values": {}}}},
        {"more": {"source": {"code": "limit.link", "values": {}}}},
        values=LIMIT,
        caps={"import": CAP},
    ),
    same("restore.below", {"values": {"limit_w": 3_600}}, {"values": LIMIT}, caps={"import": CAP}),
    same(
        "restore.minimum_off",
        {"values": {"off_s": 180.0}},
        {"values": {"off_s": 60.0}},
        declared=CAR,
        order=0.0,
    ),
    same(
        "restore.minimum_off",
        {"values": {"off_s": 300.0}},
        {"values": {"off_s": 60.0}},
        declared=PV,
        order=0.0,
    ),
    same("battery.full", {"values": {"soc_pct": 95.0}}, {"values": {"soc_pct": 90.0}}, declared=BATTERY),
    same("battery.empty", {"values": {"soc_pct": 20.0}}, {"values": {"soc_pct": 10.0}}, declared=BATTERY),
    same("state.limited", {"order": 5.7}, {"order": 8.0}, values=LIMIT, declared=CAR),
    same("state.limited", {"order": 4_000.0}, {"order": 4_900.0}, values=LIMIT, declared=PV),
    same("state.held", {"order": 50.0}, {"order": 100.0}, values=IN_MODE, declared=LIGHTS),
    same("document.orders", {"values": DOCUMENT}, {"values": OTHER}, asset=ORDERED),
    same(
        "fuse.node",
        {"values": {"node": "park", "fuse_a": 63.0}},
        {"values": {"node": "park", "fuse_a": 35.0}},
        **TREE,
    ),
    same(
        "fuse.node_phase",
        {"values": {"node": "park", "fuse_a": 63.0, "phase": "L2"}},
        {"values": {"node": "park", "fuse_a": 63.0, "phase": "L4"}},
        **TREE,
    ),
    same(
        "fuse.main_phase",
        {"values": {"fuse_a": 60.0, "phase": "L1"}},
        {"values": {"fuse_a": 63.0, "phase": "L1"}},
        **TREE,
    ),
    same(
        "node.power",
        {"values": {"node": "park", "limit_w": 40_000}},
        {"values": {"node": "park", "limit_w": 30_000}},
        **TREE,
    ),
    same(
        "supply.subscribed",
        {"values": {"supply": "linky", "subscribed_kva": 9.0}},
        {"values": {"supply": "linky", "subscribed_kva": 6.0}},
    ),
    same(
        "grid.frequency",
        {"values": {"frequency_hz": 49.46}},
        {"values": {"frequency_hz": 49.1}},
        events={**VIEW["events"], **EVENTS},
    ),
    same(
        "grid.voltage",
        {"values": {"voltage_pct": 87}},
        {"values": {"voltage_pct": 80}},
        events={**VIEW["events"], **EVENTS},
    ),
    same(
        "command.shed",
        {"values": {"document": "d1"}},
        {"values": {"document": "d2"}},
        events={**VIEW["events"], **EVENTS},
    ),
    same("grid.target", {"values": {"target_w": 0}}, {"values": {"target_w": 300}}, declared=BATTERY),
    *(
        same(
            code,
            {"values": {"at" if code == "run.done" else "by": "18:00"}},
            {"values": {"at" if code == "run.done" else "by": "19:00"}},
            declared=RUN,
        )
        for code in ("run.done", "run.begun_late", "run.due", "run.late")
    ),
    same("run.waits", {"values": {"latest": "16:30"}}, {"values": {"latest": "07:30"}}, declared=RUN),
    *(
        same(
            code, {"values": {"ready": "06:15"}}, {"values": {"ready": "07:15"}}, declared=LEAVING, asset=LED
        )
        for code in ("plan.charges_car", "plan.car_waits")
    ),
    same("state.also", alarms("output.fallback_lost:x"), {}),
]
"""Rules of ``rules`` that compare values with the site."""


@pytest.mark.parametrize(("code", "right", "wrong"), [*AGREE, *VALUES])
def test_a_reason_that_contradicts_the_site_or_the_plant_is_reported(code, right, wrong):
    assert not find_fault(code, **right)
    assert find_fault(code, **wrong)


def test_each_rule_has_an_example():
    assert set(SITE_ORDER_RULES) | set(SITE_STATE_RULES) == {code for code, _, _ in AGREE}


def test_a_later_step_of_a_plan_has_the_price_of_its_hour():
    later = {"code": "plan.spares_import", "values": PRICE}
    reason = {"code": "plan.used_from", "values": {"at": "18:00"}, "source": later}
    asset = {**LED, "part": later, "state_reason": reason}

    assert not find_fault("plan.spares_import", PRICE, asset=asset, plant=DEAR)


def test_a_quantity_of_an_asset_with_an_alarm_contradicts_nothing():
    silent = alarms("device.lost:x")

    assert not find_fault("waste.nothing", plant={"x.waiting_on": 1.0}, **silent)


def test_a_limit_of_pv_hides_a_surplus():
    others = {"pv1": {"role": "pv", "state_reason": {"code": "state.limited"}}}

    assert find_fault("run.own_generation", declared=RUN, assets={}, **grid(500.0))
    assert not find_fault("run.own_generation", declared=RUN, assets=others, **grid(500.0))


def test_a_site_that_is_not_known_contradicts_nothing():
    nothing = SimpleNamespace(assets=(), limits=LIMITS, grid_target_w=0.0)

    assert not find_fault("mode.to", IN_MODE, order=100.0, site=nothing)
    assert not find_fault("substation.cold", COLD, site=nothing)
