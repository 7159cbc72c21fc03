from types import SimpleNamespace

import pytest

from quartier.control.reasonkinds import BY_CODE
from quartier_hil.outputs import Output
from quartier_hil.verdict.agreed import AT_ONCE, IN_TIME, ReasonsAgree
from quartier_hil.verdict.checks import Ending

OUTPUT = Output(asset="x", point="x.relay_on", order="order.x", device="x", sort="switch", min_on_s=300.0)
VIEW = {
    "stage": "WELL",
    "grid": {"state": "good", "verdict": "good"},
    "caps": {"import": {"max_w": 4000.0}},
    "events": {"off": {}, "frequency_hz": 50.0},
    "contacts": {"dso1": {"acting": True, "why": "acts"}},
    "alarms": (),
    "restore": {"held": []},
}
HELD = {"restore": {"held": ["x"]}}
LOW = {"events": {"off": {"D": "grid at 49.46 Hz"}, "frequency_hz": 49.46}}
UNREAD = {"events": {"off": {"D": "grid at 49.46 Hz"}, "frequency_hz": None}}
CONTESTED = {"alarms": [SimpleNamespace(key=("output.second_master", "x.relay_on"))]}
OTHER_ALARM = {"alarms": ["a text without a key"]}


def grid(state="good", verdict="good"):
    return {"grid": {"state": state, "verdict": verdict}}


def contact(why, *, acting=True):
    return {"contacts": {"dso1": {"acting": acting, "why": why}}}


def look(judge, now_s, code, value=1.0, values=None, view=None, asset=None, **parts):
    command = {"point": "x.relay_on", "value": value, "reason": code, "code": code, "values": values or {}}
    assets = {"x": {**(asset or {}), "command": {**command, **parts}}, "y": {}}
    judge.look(now_s, {**VIEW, **(view or {}), "assets": assets})


def holds(*looks, **more):
    judge = ReasonsAgree({"x": OUTPUT})
    for now_s in looks:
        look(judge, now_s, **more)
    return judge.verdict(Ending()).holds


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
        for why in ("waiting", "held")
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
]


@pytest.mark.parametrize(("code", "right", "wrong"), AGREE)
def test_a_reason_that_contradicts_what_is_done_or_seen_is_reported(code, right, wrong):
    assert holds(0.0, 10.0, 40.0, code=code, **right)
    assert not holds(0.0, 10.0, 40.0, code=code, **wrong)


def test_each_rule_is_tried_here_and_of_a_code_that_there_is():
    assert set(AT_ONCE) | set(IN_TIME) == {code for code, _, _ in AGREE}
    assert set(AT_ONCE) | set(IN_TIME) <= set(BY_CODE)


def test_what_an_order_does_is_told_at_once_and_why_until_it_is_written_again():
    assert not holds(0.0, code="battery.charges", value=-608.0)
    assert holds(0.0, 20.0, code="cap.import", values={"limit_w": 5000})


def test_a_battery_that_is_not_seen_or_does_not_obey_by_an_alarm_is_not_compared():
    against = {"power_w": 900.0, "quality": "good"}
    told = {"alarms": [SimpleNamespace(key=("device.gain", "x"))]}

    assert holds(0, 40, code="battery.discharges", value=-500.0, asset={"power_w": None, "quality": "silent"})
    assert holds(0, 40, code="battery.discharges", value=-500.0, asset=against, view=told)


def test_a_reason_that_was_right_in_between_begins_anew():
    judge = ReasonsAgree({})
    for now_s, limit_w in ((0, 5000), (10, 4000), (20, 5000), (44, 5000)):
        look(judge, now_s, "cap.import", values={"limit_w": limit_w})
    look(judge, 50, "free")
    look(judge, 60, "cap.import", values={"limit_w": 5000})

    assert judge.verdict(Ending()).holds


def test_all_parts_of_a_reason_are_looked_at_and_whose_limit_it_is():
    shed = {"more": {"code": "load.shed", "values": {"tier": "C"}}}
    lost = {"source": {"code": "limit.failsafe_meter_lost", "values": {}}}

    assert not holds(0.0, code="cap.import", values=CAP, value=1.0, **shed)
    assert not holds(0.0, 10.0, 40.0, code="cap.import", values=CAP, **lost)


def test_a_minimum_time_is_over_by_the_time_that_it_was_on():
    judge = ReasonsAgree({"x": OUTPUT})
    look(judge, 0, "load.shed", 0.0, {"tier": "C"})
    for now_s in (10, 100, 300):
        look(judge, now_s, "minimum_time.on", 1.0)
    assert judge.verdict(Ending()).holds
    for now_s in (320, 350):
        look(judge, now_s, "minimum_time.on", 1.0)
    assert "on for 340 s" in judge.verdict(Ending()).measured

    again = ReasonsAgree({"x": OUTPUT})
    again.begin()
    for now_s in (0, 400, 800):
        look(again, now_s, "minimum_time.on", 1.0)
    assert again.verdict(Ending()).holds, "nobody knows since when it is on"


def test_what_stands_is_looked_at_every_few_seconds_and_what_changed_at_once():
    judge = ReasonsAgree({})
    for now_s in range(10):
        look(judge, now_s, "free")
    before = judge.count
    look(judge, 10, "battery.charges", -608.0)

    assert (2, False) == (before, judge.verdict(Ending()).holds)
    judge.step(0.0, 1.0, {})
