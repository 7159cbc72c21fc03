"""A house that plans, over wires: what its site file says, what its daemon tells, and what the plan was worth."""

from math import inf

import pytest

from quartier_hil.runner import planner
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.planner import PlannerMonitor
from quartier_hil.runner.supervisor import RigError
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.scenario.supply_contract import build_calendar

HOUSE = """
title = "short"
start = 2026-03-11T23:30:00
duration_s = 60
rate = 20
[house]
meters = ["tic"]
[house.tariff]
contract = "hc"
"""
PLANS = HOUSE + "[house.planning]\nhistory_days = 1\n"


@pytest.fixture
def scenario(tmp_path):
    def make(text):
        path = tmp_path / "scenario.toml"
        path.write_text(text)
        return load_scenario(path)

    return make


def test_a_house_that_plans_is_there_before_its_scenario_begins(scenario):
    assert (0.0, 20 * planner.LEAD_REAL_S) == tuple(
        planner.compute_advance_s(scenario(text)) for text in (HOUSE, PLANS)
    )


def test_its_report_draws_the_price_and_what_leads(scenario):
    bare = scenario(HOUSE[: HOUSE.index("[house.tariff]")])

    assert () == planner.list_plan_points(bare)
    assert ("contract.price_eur_per_kwh",) == planner.list_plan_points(scenario(HOUSE))
    assert ("contract.price_eur_per_kwh", "plan.leads_on") == planner.list_plan_points(scenario(PLANS))


def test_what_leads_is_what_the_daemons_status_says(scenario):
    house = scenario(PLANS)
    led = {"control": {"assets": {"bat1": {"led_by": "local plan"}}}, "plan": {"age_s": 310.0}}
    ruled = {"control": {"assets": {"bat1": {"led_by": "rule: self-consumption"}}}, "plan": {"age_s": None}}

    assert {"plan.leads_on": 1.0, "plan.age_s": 310.0} == planner.make_plan_values(house, led, None)
    assert {"plan.leads_on": 0.0, "plan.age_s": inf} == planner.make_plan_values(house, ruled, None)
    assert {"plan.leads_on": 0.0, "plan.age_s": inf} == planner.make_plan_values(house, {}, None)
    assert {} == planner.make_plan_values(scenario(HOUSE), led, None)


def test_a_wh_costs_what_the_contract_says_where_there_is_one(scenario):
    house = scenario(HOUSE)
    standing = build_calendar(house.house.tariff, house.start).at(house.start)

    assert (pytest.approx(0.0001635), "off_peak") == planner.find_price(standing, 0.5)
    assert (0.5, "") == planner.find_price(None, 0.5)
    assert (
        pytest.approx(0.1635) == planner.make_plan_values(house, {}, standing)["contract.price_eur_per_kwh"]
    )


def test_the_story_says_when_a_plan_is_followed_and_why_none_is(prepared):
    planner = PlannerMonitor()
    for said in ({"why_not": ""}, {"why_not": ""}, None, {"why_not": "the plan is too old"}, {"why_not": ""}):
        prepared.status = {} if said is None else {"plan": said}
        planner.look(prepared)

    assert [
        "the gateway follows a plan",
        "the gateway follows no plan: the plan is too old",
        "the gateway follows a plan",
    ] == [mark.text for mark in prepared.record.marks[1:]]


async def test_what_a_plan_saved_is_held_against_the_same_minute_without_one(prepared, scenario, tmp_path):
    house = scenario(PLANS)
    prepared.options = prepared.options.__class__(
        scenario=house, series=prepared.options.series, folder=tmp_path
    )
    prepared.calendar = build_calendar(house.house.tariff, house.start)
    prepared.clock = prepared.clock.__class__(house.start.timestamp())
    prepared.kpis.cost_eur, prepared.end_wh = 1.0, (6_000.0, 0.0)
    found = await planner.compute_saving(prepared)

    # the battery feeds 500 W for a minute: nothing is bought, some 8 Wh of 5 kWh are gone
    assert (1.0, 0.0) == (found.planned_eur, pytest.approx(found.unplanned_eur, abs=0.001))
    assert 1_000 <= found.stored_wh <= 1_020
    prepared.options.scenario.house.__dict__["planning"] = None
    assert await planner.compute_saving(prepared) is None


async def test_days_that_could_not_be_laid_down_are_told_with_the_reason(scenario, tmp_path):
    (tmp_path / "state").write_text("no folder")

    with pytest.raises(RigError, match=r"(?s)prior_history: .*FileExistsError"):
        await planner.write_prior_history(scenario(PLANS), tmp_path)


async def test_the_site_file_says_the_contract_only_where_the_gateway_plans(scenario):
    assert "[tariff]" in scenario(PLANS).house.supply_text
    assert "" == scenario(HOUSE).house.supply_text
    assert DeviceWiring(1, scenario(PLANS).house).house.planning is not None
