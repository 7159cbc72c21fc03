from types import SimpleNamespace

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


def test_what_an_order_does_is_told_at_once_and_why_until_it_is_written_again():
    assert not holds(0.0, code="battery.charges", value=-608.0)
    assert holds(0.0, 20.0, code="cap.import", values={"limit_w": 5000})


def test_a_battery_that_is_not_seen_or_does_not_obey_by_an_alarm_is_not_compared():
    against = {"power_w": 900.0, "quality": "good"}
    told = {"alarms": [SimpleNamespace(key=("device.gain", "x"))]}

    assert holds(0, 40, code="battery.discharges", value=-500.0, asset={"power_w": None, "quality": "silent"})
    assert holds(0, 40, code="battery.discharges", value=-500.0, asset=against, view=told)


def test_a_reason_that_was_right_in_between_begins_anew():
    judge = ReasonCheck({})
    for now_s, limit_w in ((0, 5000), (10, 4000), (20, 5000), (44, 5000)):
        look(judge, now_s, "cap.import", values={"limit_w": limit_w})
    look(judge, 50, "free")
    look(judge, 60, "cap.import", values={"limit_w": 5000})

    assert judge.verdict(RunData()).holds


def test_all_parts_of_a_reason_are_looked_at_and_whose_limit_it_is():
    shed = {"more": {"code": "load.shed", "values": {"tier": "C"}}}
    lost = {"source": {"code": "limit.failsafe_meter_lost", "values": {}}}

    assert not holds(0.0, code="cap.import", values=CAP, value=1.0, **shed)
    assert not holds(0.0, 10.0, 40.0, code="cap.import", values=CAP, **lost)


def test_a_minimum_time_is_over_by_the_time_that_it_was_on():
    judge = ReasonCheck({"x": OUTPUT})
    look(judge, 0, "load.shed", 0.0, {"tier": "C"})
    for now_s in (10, 100, 300):
        look(judge, now_s, "minimum_time.on", 1.0)
    assert judge.verdict(RunData()).holds
    for now_s in (320, 350):
        look(judge, now_s, "minimum_time.on", 1.0)
    assert "on for 340 s" in judge.verdict(RunData()).measured

    again = ReasonCheck({"x": OUTPUT})
    again.begin()
    for now_s in (0, 400, 800):
        look(again, now_s, "minimum_time.on", 1.0)
    assert again.verdict(RunData()).holds, "nobody knows since when it is on"


def test_what_stands_is_looked_at_every_few_seconds_and_what_changed_at_once():
    judge = ReasonCheck({})
    for now_s in range(10):
        look(judge, now_s, "free")
    before = judge.count
    look(judge, 10, "battery.charges", -608.0)

    assert (2, False) == (before, judge.verdict(RunData()).holds)
    judge.step(0.0, 1.0, {})


def test_over_wires_what_is_seen_may_be_late():
    judge = ReasonCheck({}, slack_s=10.0)
    for now_s in (0, 34):
        look(judge, now_s, "cap.import", values={"limit_w": 5000})
    assert judge.verdict(RunData()).holds
    look(judge, 40, "cap.import", values={"limit_w": 5000})

    assert not judge.verdict(RunData()).holds


def test_how_an_asset_stands_is_compared_as_well():
    judge = ReasonCheck({})
    for now_s in (0.0, 10.0, 40.0):
        shed = {"state": "shed", "state_reason": {"code": "state.shed", "values": {}}}
        look(judge, now_s, "free", 1.0, asset=shed)

    assert "says 'shed; free' (state.shed), but the order is 1, not 0" in judge.verdict(RunData()).measured
