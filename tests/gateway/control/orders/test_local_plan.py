"""The local plan as a request: it leads while it holds, below everybody else, and inside every cap."""

from dataclasses import replace
from math import inf
from typing import ClassVar

import pytest

from quartier.control import cycle
from quartier.control.observe.residual_load import ResidualLoad
from quartier.control.orders import local_plan
from quartier.control.participants import Participant
from quartier.control.reason import make_text_reason
from quartier.control.records import Override, PowerRange
from quartier.control.requests import LocalPlan, PlanAim, Requests, RunningAim
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.records import Now
from quartier.site.site_layout import ClockSource
from quartier_drivers.contract import Origin

EPOCH_MS = 1_790_000_000_000
S = 1_000_000_000
PLAN = LocalPlan(
    start_ns=100 * S,
    expires_ns=1000 * S,
    offset_ms=EPOCH_MS,
    aims={
        "bat1": (
            PlanAim(300.0, 2000.0, 0.0, inf, make_text_reason("cheap")),
            PlanAim(300.0, 0.0, 0.0, 0.0, make_text_reason("dear")),
        )
    },
)


def at(t_s, *, synced=True, jump_ms=0):
    return Now(int(t_s * S), EPOCH_MS + int(t_s * 1000) + jump_ms, synced)


def test_the_aim_of_the_moment_runs_until_its_end():
    assert {"bat1": RunningAim(PLAN.aims["bat1"][0], EPOCH_MS + 400_000)} == local_plan.find_running_aims(
        PLAN, at(100), outage=False
    )
    assert PLAN.aims["bat1"][0] == local_plan.find_running_aims(PLAN, at(399.9), outage=False)["bat1"].aim
    assert {"bat1": RunningAim(PLAN.aims["bat1"][1], EPOCH_MS + 700_000)} == local_plan.find_running_aims(
        PLAN, at(400), outage=False
    )


WHY_NOT = [
    (None, at(200), False, "there is no plan"),
    (PLAN, at(200), True, "the public grid's voltage is gone"),
    (PLAN, at(200, synced=False), False, "the clock is not trusted"),
    (PLAN, at(200, jump_ms=60_001), False, "the clock leapt since the plan was made"),
    (PLAN, at(200, jump_ms=-60_001), False, "the clock leapt since the plan was made"),
    (PLAN, at(200, jump_ms=60_000), False, ""),
    (PLAN, at(699.9), False, ""),
    (PLAN, at(700), False, "the plan has no step for now"),
    (replace(PLAN, expires_ns=500 * S), at(499.9), False, ""),
    (replace(PLAN, expires_ns=500 * S), at(500), False, "the plan is too old"),
]


@pytest.mark.parametrize(("plan", "now", "outage", "why"), WHY_NOT)
def test_a_plan_leads_only_while_it_can_be_trusted(plan, now, outage, why):
    assert why == local_plan.explain_no_plan(plan, now, outage=outage)
    assert bool(why) == (local_plan.find_running_aims(plan, now, outage=outage) == {})


def test_a_clock_that_a_meter_contradicts_leads_no_plan():
    doubt = "the clock contradicts linky"

    assert doubt == local_plan.explain_no_plan(PLAN, at(200), outage=False, doubt=doubt)
    assert {} == local_plan.find_running_aims(PLAN, at(200), outage=False, doubt=doubt)


@pytest.mark.parametrize(("plans", "words"), [(True, "; no plan is followed: {}"), (False, "")])
def test_the_rules_reason_says_that_the_clock_is_in_doubt_where_a_plan_would_lead_and_caps_stay(
    plant, plans, words
):
    meter = ClockSource(name="grid", clock_s=1.0)
    p = plant(base_w=500)
    p.house = replace(p.house, clock_sources=(meter,), plans=plans)
    p.state = replace(p.state, site=p.house)
    p.raw = {"grid.clock_offset_s": 3_600.0}
    before = p.cap(import_max_w=5_000.0).run(50).view["caps"]
    reason = p.run(60).view["assets"]["bat1"]["command"]["reason"]

    assert reason.endswith("W" + words.format("the clock contradicts grid"))
    assert local_plan.find_leader(p.state.book.orders["bat1.setpoint_w"].reason) == "rule: self-consumption"
    assert before == p.view["caps"]
    assert ["clock.contradicted"] == [one.code for one in p.view["alarms"]]


LEADERS = [
    (make_text_reason("x", Origin("person", "anna")), "a person"),
    (make_text_reason("x", Origin("document", "schedule bat1")), "the district"),
    (make_text_reason("x", Origin("grid", "f low")), "the public grid"),
    (make_text_reason("x", Origin("rule", local_plan.PLAN)), "local plan"),
    (make_text_reason("x", Origin("rule", local_plan.RULE)), "rule: self-consumption"),
    (make_text_reason("x"), "rule: own"),
]


@pytest.mark.parametrize(("reason", "leader"), LEADERS)
def test_who_leads_is_told_by_the_reason_of_the_order(reason, leader):
    assert leader == local_plan.find_leader(reason)


@pytest.fixture
def aimed(plant):
    """A plant whose plan has one aim for ever; ``people`` order beside it."""

    class Aimed(plant):
        aim = PLAN.aims["bat1"][0]
        people: ClassVar = {}

        def requests(self):
            aims_now = {"bat1": RunningAim(self.aim, EPOCH_MS + 900_000)}
            return Requests(caps=self.caps, aims=aims_now, overrides=self.people)

        @property
        def battery(self):
            return self.decision.view["assets"]["bat1"]

    def make(aim, **more):
        made = Aimed(**more)
        made.aim = aim
        return made

    return make


def test_what_is_bought_goes_into_the_battery_and_the_reason_says_why(aimed):
    p = aimed(PlanAim(900, 2000.0, 0.0, inf, make_text_reason("cheap")), base_w=500).run(60)

    assert abs(p.bat_w - 2000) <= 25, "a setpoint rests within its deadband"
    assert ("local plan", "local plan: cheap") == (p.battery["led_by"], p.battery["command"]["reason"])


def test_what_is_kept_for_later_serves_no_load_and_sun_still_goes_in(aimed):
    kept = PlanAim(900, 0.0, 0.0, inf, make_text_reason("kept"))
    assert abs(aimed(kept, base_w=3000).run(60).bat_w) < 20
    assert abs(aimed(kept, base_w=500, sun_w=2500).run(90).bat_w - 2000) < 60


def test_the_import_cap_comes_before_the_plan(aimed):
    p = (
        aimed(PlanAim(900, 4000.0, 0.0, inf, make_text_reason("cheap")), base_w=3000)
        .cap(import_max_w=5000)
        .run(90)
    )

    assert p.longest_over_s(5000, 10) == 0
    assert p.bat_w < 2100


def test_in_the_fail_safe_state_no_plan_charges_from_the_grid_or_feeds_it(aimed):
    careful = {"no_battery_export": True, "no_grid_charge_above_reserve": True}
    bought = (
        aimed(PlanAim(900, 4000.0, 0.0, inf, make_text_reason("cheap")), base_w=500).cap(**careful).run(60)
    )
    sold = (
        aimed(PlanAim(900, -4000.0, -inf, 0.0, make_text_reason("dear")), base_w=500).cap(**careful).run(60)
    )

    assert bought.bat_w < 20
    assert min(sold.grid_log[10:]) > -60


def test_a_full_battery_and_one_at_its_reserve_are_not_moved_by_a_plan(aimed):
    assert aimed(PlanAim(900, 4000.0, 0.0, inf, make_text_reason("cheap")), soc_pct=95.5).run(30).bat_w < 1
    assert aimed(PlanAim(900, -4000.0, -inf, 0.0, make_text_reason("dear")), soc_pct=19.5).run(30).bat_w > -1


def test_what_a_person_orders_goes_before_the_plan(aimed):
    p = aimed(PlanAim(900, 4000.0, 0.0, inf, make_text_reason("cheap")))
    p.people = {"bat1": Override("bat1", -700.0, 10**13, 0, Origin("person", "anna", "1001"), "")}
    p.run(30)

    assert abs(p.bat_w + 700) < 20
    assert "a person" == p.battery["led_by"]


def test_nothing_is_raised_for_a_plan_while_the_grid_meter_is_stale(aimed):
    p = aimed(PlanAim(900, 0.0, 0.0, 0.0, make_text_reason("serves")), base_w=1000).run(40)
    p.silent.add("grid")
    p.run(4)
    before_w, p.aim = p.bat_w, PlanAim(900, 4000.0, 0.0, inf, make_text_reason("cheap"))
    p.run(4)

    assert "FREEZE" == p.decision.view["stage"]
    assert before_w == p.bat_w
    assert p.bat_w < -900


def test_the_edges_of_the_rule_are_told_where_no_plan_leads(plant):
    full = plant(base_w=-3000.0, soc_pct=95.5).run(10).view["assets"]["bat1"]["command"]["reason"]
    low = plant(base_w=3000.0, soc_pct=19.5).run(10).view["assets"]["bat1"]["command"]["reason"]

    assert ("self-consumption: full at 95 %", "self-consumption: at its lower bound of 20 %") == (full, low)


def test_two_batteries_that_the_plan_leads_serve_the_house_once_and_one_without_an_aim_takes_the_rest(
    make_inputs,
):
    unit = next(one for one in make_inputs().site.assets if one.name == "bat1")
    house = replace(make_inputs().site, assets=(unit, replace(unit, name="bat2", discharge_max_w=1_000)))
    state = ControlState.fresh(house)
    until = EPOCH_MS + 900_000
    serves = RunningAim(PlanAim(900, 0.0, 0.0, 0.0, make_text_reason("serves")), until)
    bought = RunningAim(PlanAim(900, 2_000.0, 0.0, inf, make_text_reason("cheap")), until)

    def wanted(aims_now):
        found = make_inputs(house, state=state)
        found = replace(found, requests=replace(found.requests, aims=aims_now), dt_s=10.0)
        room = PowerRange(-5_000.0, 5_000.0)
        units = [Participant(asset, 0.0, 0.0, SwitchState(), room) for asset in house.assets]
        units[1].headroom = PowerRange(-1_000.0, 5_000.0)
        cycle._want(found, units, ResidualLoad(3_000.0, 3_000.0, 3_000.0))
        return [(round(one.desired_w, -2), str(one.reason)) for one in units]

    assert [(-3_000, "local plan: serves"), (0, "local plan: serves")] == wanted(
        {"bat1": serves, "bat2": serves}
    )
    assert [(2_000, "local plan: cheap"), (-1_000, "local plan: serves")] == wanted(
        {"bat1": bought, "bat2": serves}
    )
    assert [(-2_000, "self-consumption: grid target 0 W"), (-1_000, "local plan: serves")] == wanted(
        {"bat2": serves}
    )
