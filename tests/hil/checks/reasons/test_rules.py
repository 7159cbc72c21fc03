"""Each rule is kept by what is true and broken by what is not."""

from types import SimpleNamespace

import pytest

from quartier.control.reason_codes import KINDS_BY_CODE
from quartier_hil.checks.reasons.rules import ORDER_RULES, STATE_RULES
from quartier_hil.checks.reasons.site_rules import SITE_ORDER_RULES, SITE_STATE_RULES
from quartier_hil.checks.reasons.view import EXCEPTIONS, UNSHOWN_CODES
from quartier_hil.checks.status_checks import ReasonCheck
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.outputs import Output

OUTPUT = Output(asset="x", point="x.relay_on", order="order.x", device="x", sort="switch", min_on_s=300.0)
VIEW = {
    "stage": "NORMAL",
    "mode": "CONTROLLED",
    "grid": {"state": "good", "verdict": "good", "unit": "W"},
    "caps": {"import": {"max_w": 4000.0}},
    "events": {"off": {}, "frequency_hz": 50.0, "holds": False, "ceiling_w": None, "voltage_pct": {}},
    "supplies": {},
    "contacts": {"dso1": {"acting": True, "why": "acts"}},
    "alarms": (),
    "restore": {"held": [], "below_s": None, "random_wait_s": 0.0},
}
HELD = {"restore": {"held": ["x"], "below_s": None, "random_wait_s": 0.0}}
LOW = {"events": {**VIEW["events"], "off": {"D": "grid at 49.46 Hz"}, "frequency_hz": 49.46}}
UNREAD = {"events": {**LOW["events"], "frequency_hz": None}}
CONTESTED = {"alarms": [SimpleNamespace(key=("output.second_master", "x.relay_on"))]}
OTHER_ALARM = {"alarms": ["a text without a key"]}


def grid(state="good", verdict="good", unit="W"):
    return {"grid": {"state": state, "verdict": verdict, "unit": unit}}


def waits(below_s=None, random_wait_s=0.0):
    return {"restore": {"held": ["x"], "below_s": below_s, "random_wait_s": random_wait_s}}


def alarmed(*names):
    """As over wires: names beside the texts."""
    return {"alarms": ["a text"] * len(names), "alarm_names": list(names)}


def event(**changes):
    return {"events": {**VIEW["events"], **changes}}


def run(state, *, late=False):
    return {"asset": {"run": {"state": state, "late": late}}}


def contact(why, *, acting=True):
    return {"contacts": {"dso1": {"acting": acting, "why": why}}}


def look(judge, now_s, code, value=1.0, values=None, view=None, asset=None, **parts):
    command = {"point": "x.relay_on", "value": value, "reason": code, "code": code, "values": values or {}}
    assets = {"x": {**(asset or {}), "command": {**command, **parts}}, "y": {}}
    judge.look(now_s, {**VIEW, **(view or {}), "assets": assets})


def holds(*looks, **more):
    judge = ReasonCheck({"x": OUTPUT})
    for now_s in looks:
        look(judge, now_s, **more)
    return judge.verdict(RunData()).holds


CAP = {"limit_w": 4000}
AGREE = [
    ("battery.discharges", {"value": -500.0}, {"value": 0.0}),
    ("battery.discharges_less", {"value": -500.0}, {"value": 0.0}),
    ("battery.serves_grid", {"value": -500.0, "view": LOW}, {"value": 10.0, "view": LOW}),
    ("battery.charges", {"value": 500.0}, {"value": -608.0}),
    ("battery.charges_less", {"value": 500.0}, {"value": 0.0}),
    ("battery.stops_charging", {"value": 0.0}, {"value": 30.0}),
    ("battery.stops_discharging", {"value": 0.4}, {"value": -30.0}),
    ("charging.slowed", {"value": 6.0}, {"value": 0.0}),
    ("charging.paused", {"value": 0.0}, {"value": 6.0}),
    ("charging.paused_unread", {"value": 0.0}, {"value": 6.0}),
    ("charging.resumes", {"value": 6.0}, {"value": 0.0}),
    ("charging.faster", {"value": 6.0}, {"value": 0.0}),
    ("load.shed", {"value": 0.0, "values": {"tier": "C"}}, {"value": 1.0, "values": {"tier": "C"}}),
    ("load.on", {"value": 1.0}, {"value": 0.0}),
    ("generation.off", {"value": 0.0}, {"value": 1.0}),
    ("generation.stopped", {"value": 0.0}, {"value": 900.0}),
    ("car.waits", {"value": 0.0}, {"value": 6.0}),
    ("car.shares", {"value": 6.0}, {"value": 0.0}),
    ("car.none", {"value": 6.0}, {"value": 0.0}),
    ("car.demand", {"value": 6.0}, {"value": 0.0}),
    ("minimum_time.off_early", {"value": 0.0}, {"value": 1.0}),
    (
        "restore.minimum_off",
        {"value": 0.0, "values": {"off_s": 300.0}},
        {"value": 6.0, "values": {"off_s": 300.0}},
    ),
    ("restore.often", {"value": 0.0}, {"value": 6.0}),
    ("cap.import", {"values": CAP}, {"values": {"limit_w": 5000}}),
    ("cap.export", {"values": CAP, "view": {"caps": {"export": {"max_w": 4000.4}}}}, {"values": CAP}),
    ("cap.generation", {"values": CAP, "view": {"caps": {"generation": {"max_w": 4e3}}}}, {"values": CAP}),
    ("cap.consumption", {"values": CAP, "view": {"caps": {"consumption": {"max_w": 4e3}}}}, {"values": CAP}),
    ("minimum_time.on", {"value": 1.0}, {"value": 0.0}),
    ("tier.off", {"values": {"tier": "D"}, "view": LOW}, {"values": {"tier": "D"}}),
    ("grid.frequency", {"view": LOW}, {"view": UNREAD}),
    ("grid.frequency_well", {}, {"view": UNREAD}),
    ("grid.frequency_lost", {"view": UNREAD}, {"view": LOW}),
    ("battery.serves_grid", {"value": -500.0, "view": LOW}, {"value": -500.0}),
    ("free", {}, {"view": HELD}),
    ("restore.waits", {"view": HELD}, {}),
    ("restore.found_off", {"view": HELD}, {}),
    (
        "battery.full",
        {"values": {"soc_pct": 95}, "asset": {"soc_pct": 94.5}},
        {"values": {"soc_pct": 95}, "asset": {"soc_pct": 80.0}},
    ),
    (
        "battery.empty",
        {"values": {"soc_pct": 20}, "asset": {"soc_pct": 20.5}},
        {"values": {"soc_pct": 20}, "asset": {"soc_pct": 50.0}},
    ),
    ("hand.orders", {"asset": {"override": {}}}, {}),
    ("document.orders", {"asset": {"override": {}}}, {}),
    ("plan.leads", {"asset": {"led_by": "local plan"}}, {"asset": {"led_by": "a person"}}),
    ("inputs.stale", {"view": {"stage": "FREEZE"}}, {}),
    ("meter.suspect", {"view": grid(verdict="suspect")}, {}),
    ("meter.trial_again", {"view": grid(verdict="implausible")}, {}),
    ("meter.lost", {"view": grid("lost")}, {}),
    ("meter.implausible", {"view": grid("implausible")}, {}),
    ("limit.failsafe_meter_lost", {"view": {"stage": "SAFE"}}, {}),
    ("limit.failsafe_meter_implausible", {"view": {"stage": "SAFE"}}, {}),
    (
        "contact.acts",
        {"values": {"contact": "dso1"}},
        {"values": {"contact": "dso1"}, "view": contact("rests", acting=False)},
    ),
    *(
        (
            f"contact.{why}",
            {"values": {"contact": "dso1"}},
            {"values": {"contact": "dso1"}, "view": contact("rests", acting=False)},
        )
        for why in ("waiting", "releasing")
    ),
    *(
        (
            f"battery.{done}",
            {"value": -500.0, "asset": {"power_w": 200.0, "quality": "good"}},
            {"value": -500.0, "asset": {"power_w": 900.0, "quality": "good"}},
        )
        for done in ("discharges", "discharges_less")
    ),
    *(
        (
            f"battery.{done}",
            {"value": 500.0, "asset": {"power_w": -200.0, "quality": "good"}},
            {"value": 500.0, "asset": {"power_w": -900.0, "quality": "good"}},
        )
        for done in ("charges", "charges_less")
    ),
    (
        "contact.lost",
        {"values": {"contact": "dso1"}, "view": contact("cannot be read")},
        {"values": {"contact": "dso1"}},
    ),
    ("conflict.safe", {"view": CONTESTED}, {}),
    ("conflict.lowered", {"view": CONTESTED}, {"view": OTHER_ALARM}),
    ("conflict.though", {"view": CONTESTED}, {}),
    *(
        (code, {"value": 1.0}, {"value": 0.0})
        for code in ("restore.below_cap", "restore.pv_fits", "car.rises")
    ),
    *(
        (code, {"asset": {"role": "battery"}}, {"asset": {"role": "ev"}})
        for code in (
            *("self_consumption", "grid.target", "meter.trial", "state.steered"),
            *("plan.charges", "plan.discharges", "plan.stored_worth"),
        )
    ),
    *(
        (code, {"view": HELD}, {})
        for code in (
            *("cap.fits", "restore.apart", "state.limited", "state.held"),
            *("generation.curtailed", "generation.share", "generation.further", "generation.rises"),
        )
    ),
    ("restore.below", {"view": waits(below_s=119.0)}, {"view": waits(below_s=150.0)}),
    ("restore.spread", {"view": waits(random_wait_s=9.0)}, {"view": waits()}),
    ("grid.nothing_raised", {"view": event(holds=True)}, {}),
    ("grid.after_outage", {"view": alarmed("grid.after_outage:")}, {}),
    ("grid.rises_slowly", {"view": event(ceiling_w=900.0)}, {}),
    ("grid.frequency_high", {"view": alarmed("grid.high_frequency:")}, {}),
    *((code, {"view": event(voltage_pct={"l1": 87})}, {}) for code in ("grid.voltage", "grid.voltage_well")),
    ("grid.voltage_lost", {}, {"view": event(voltage_pct={"l1": 87})}),
    ("command.shed", {"view": LOW}, {}),
    ("limit.autonomous", {"view": {"mode": "AUTONOMOUS"}}, {}),
    *(
        (
            code,
            {"values": {"node": "flat", "phase": "L1"}, "view": {"nodes": [{"name": "flat"}]}},
            {"values": {"node": "flat", "phase": "L1"}},
        )
        for code in ("fuse.node", "fuse.node_phase", "node.power")
    ),
    ("fuse.main_phase", {"values": {"phase": "L1"}, "view": {"nodes": [{"name": "grid"}]}}, {}),
    *(
        (
            code,
            {"values": {"supply": "linky"}, "view": {"supplies": {"linky": {}}}},
            {"values": {"supply": "linky"}},
        )
        for code in ("supply.subscribed", "supply.warns", "supply.warned")
    ),
    ("meter.no_export", {"view": grid(unit="VA")}, {}),
    *((code, {"view": {"stage": "SAFE"}}, {}) for code in ("generation.blind", "meter.was_lost")),
    (
        "car.unresponsive",
        {"asset": {"state_reason": {"code": "free", "more": {"code": "state.unresponsive"}}}},
        {},
    ),
    *(
        (f"plan.{code}", {"asset": {"led_by": "local plan"}}, {"asset": {"led_by": "a person"}})
        for code in (
            *("waits", "charges_car", "car_waits", "car_has_all", "heats", "runs", "waits_until", "heated"),
            *("nothing_by_then", "done_by_then"),
        )
    ),
    (
        "plan.doubted",
        {"values": {"meters": "grid"}, "view": alarmed("clock.contradicted:grid")},
        {"values": {"meters": "grid and p1"}, "view": alarmed("clock.contradicted:grid")},
    ),
    ("hand.maintenance", {"asset": {"override": {}}}, {}),
    ("input.power_unknown", {"asset": {"quality": "silent"}}, {"asset": {"quality": "good"}}),
    *(
        (
            f"output.{code}",
            {"view": alarmed(f"output.{code}:x.relay_on")},
            {"view": alarmed(f"output.{code}:y")},
        )
        for code in ("second_master", "fallback_lost")
    ),
    *((code, {"value": 0.0}, {"value": 1.0}) for code in ("state.shed", "state.paused", "state.off")),
    ("run.done", run("done"), run("owed")),
    *((code, run("begun"), run("owed")) for code in ("run.begun", "run.begun_late")),
    *((code, run("owed"), run("done")) for code in ("run.due", "run.waits")),
    ("run.late", run("owed", late=True), run("owed")),
    ("state.also", {"view": alarmed("output.fallback_lost:x")}, {"view": alarmed("output.fallback_lost:y")}),
]
UNORDERED = ("state.measured", "state.not_ordered", "output.no_fallback")


@pytest.mark.parametrize(("code", "right", "wrong"), AGREE)
def test_a_reason_that_contradicts_what_is_done_or_seen_is_reported(code, right, wrong):
    assert holds(0.0, 10.0, 40.0, code=code, **right)
    assert not holds(0.0, 10.0, 40.0, code=code, **wrong)


def test_each_rule_is_tried_and_of_a_code_that_there_is():
    tried = {code for code, _, _ in AGREE} | {*UNORDERED, *SITE_ORDER_RULES, *SITE_STATE_RULES}

    assert set(ORDER_RULES) | set(STATE_RULES) == tried
    assert tried <= set(KINDS_BY_CODE)


def test_each_code_has_a_rule_or_an_exception_with_a_reason():
    ruled = set(ORDER_RULES) | set(STATE_RULES)

    assert set(KINDS_BY_CODE) == ruled | set(EXCEPTIONS)
    assert not ruled & set(EXCEPTIONS)
    assert all(len(why.split()) > 5 for why in EXCEPTIONS.values())


@pytest.mark.parametrize("code", UNSHOWN_CODES)
def test_a_code_that_no_order_has_is_reported_where_one_has_it(code):
    assert not holds(0.0, code=code)


@pytest.mark.parametrize("code", ["run.due", "run.late"])
def test_waste_that_is_collected_shows_no_run(code):
    assert holds(0.0, 40.0, code=code)


@pytest.mark.parametrize("code", UNORDERED)
def test_what_takes_no_order_has_none(code):
    def stands(**order):
        judge = ReasonCheck({})
        asset = {"state": code, "state_reason": {"code": code, "values": {}}, **order}
        judge.look(0.0, {**VIEW, "assets": {"x": asset}})
        return judge.verdict(RunData()).holds

    assert stands()
    command = {"point": "x.relay_on", "value": 1.0, "reason": "free", "code": "free", "values": {}}
    assert not stands(command=command)
