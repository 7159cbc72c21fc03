"""A house that plans, in one process: when it asks, what leads, and what ends a plan."""

import datetime as dt

import pytest

from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series import standard_load

NIGHT = """
title = "short"
start = 2026-03-11T03:00:00
duration_s = {duration_s}
cycle_s = 5
wires = false
[house]
meters = ["tic"]
soc_pct = 40
[house.tariff]
contract = "hc"
[house.planning]
history_days = 4
{more}
"""
SAVED = '[[checks]]\ncheck = "saved"\nlow_eur = -5\n'


@pytest.fixture
def night(tmp_path):
    """Makes some minutes of a March night; not yet performed."""

    def make(more="", duration_s=900, **changed):
        path = tmp_path / "scenario.toml"
        path.write_text(NIGHT.format(more=more, duration_s=duration_s))
        scenario = load_scenario(path).model_copy(update=changed)
        series = standard_load.build_standard_series(scenario.start.date(), 1, scenario.seed)
        return SyntheticRun(RunOptions(scenario=scenario, series=series, folder=tmp_path / "site"))

    return make


def _leads(done):
    """When the plan began or ended to lead, and which."""
    spans, last = [], None
    for at_s, leads in zip(done.record.times_s, done.record.columns["plan.leads_on"], strict=True):
        if leads != last:
            spans.append((at_s, bool(leads)))
            last = leads
    return spans


def test_a_plan_is_made_each_five_minutes_and_leads(night):
    done = night(SAVED).perform()

    assert 3 <= done.planner.plans_count <= 6
    assert [(5, True)] == _leads(done)
    assert any(row.reason.startswith("local plan: ") for row in done.ledger.rows)
    assert all(verdict.holds for verdict in done.verdicts())


def test_the_same_night_without_a_plan_stands_beside_it(night):
    done = night().perform()
    alone = night(house=done.scenario.house.model_copy(update={"planning": None})).perform()

    assert alone.planner is None
    assert "unplanned_eur" not in alone.figures
    assert alone.figures["cost_eur"] == done.figures["unplanned_eur"]
    assert done.figures == night().perform().figures


EJP = """
title = "notice"
start = 2026-01-14T06:15:00
duration_s = 2700
cycle_s = 5
wires = false
[house]
meters = ["tic"]
soc_pct = 40
[house.tariff]
contract = "ejp"
colours = ["blue", "{colour}"]
prices_eur_per_kwh = [0.15, 0.24]
mode = "{mode}"
[house.planning]
history_days = 7
"""


@pytest.mark.parametrize("mode", ["historique", "standard"])
def test_the_notice_of_a_mobile_peak_fills_the_battery_before_it_begins(tmp_path, mode):
    def lived(colour):
        path = tmp_path / f"{colour}.toml"
        path.write_text(EJP.format(colour=colour, mode=mode))
        scenario = load_scenario(path)
        series = standard_load.build_standard_series(scenario.start.date(), 1, scenario.seed)
        done = SyntheticRun(RunOptions(scenario=scenario, series=series, folder=tmp_path / colour)).perform()
        soc_pct = dict(zip(done.record.times_s, done.record.columns["bat1.soc_pct"], strict=True))
        return done, [soc_pct[at_s] for at_s in (900, 930, 2700)]

    done, (before, noticed, begins) = lived("red")
    _, calm = lived("blue")

    # announced at half past six: for half an hour what the import cap leaves, 5 kW at most, into 10 kWh
    assert 15.0 <= begins - noticed <= 26.0
    assert before - 1.0 <= noticed <= before + 1.0, "the chance of a peak alone is not worth it"
    assert calm[2] <= calm[0]
    reasons = [row.reason for row in done.ledger.rows]
    assert any("charges at 0.150, used from 07:00 (avoids an import at 0.240)" in one for one in reasons)


def test_a_cap_that_comes_is_planned_at_once(night):
    cap = '[[events]]\nat_s = 400\ndo = "caps"\nimport_max_w = 2500\nfor_s = 300\n'
    counts = [night(more, duration_s=450).perform().planner.plans_count for more in ("", cap)]

    assert counts[1] > counts[0]


def test_a_dead_planner_leads_no_longer_than_its_last_plan(night):
    dead = '[[events]]\nat_s = 400\ndo = "planner"\n[[events]]\nat_s = 1500\ndo = "planner"\non = true\n'
    done = night(dead, duration_s=1_600).perform()

    (begin, _), (end_s, leads), (again_s, leads_again) = _leads(done)
    assert (5, False, True) == (begin, leads, leads_again)
    assert 1_000 <= end_s <= 1_310
    assert 1_500 <= again_s <= 1_510


def test_without_a_trusted_clock_nobody_plans(night):
    lost = '[[events]]\nat_s = 300\ndo = "clock"\nkind = "off"\n[[events]]\nat_s = 600\ndo = "clock"\nkind = "well"\n'
    done = night(lost).perform()

    (_, _), (end_s, leads), (again_s, leads_again) = _leads(done)
    assert (False, True) == (leads, leads_again)
    assert 300 <= end_s <= 310
    assert 600 <= again_s <= 620


def test_plans_that_were_dearer_than_the_rule_in_the_last_week_are_left(night):
    house = night().scenario.house
    factors = {"history_days": 21, "load_factor": 0.5, "sun_factor": 1.5}
    other = house.model_copy(update={"planning": house.planning.model_copy(update=factors), "outdoor_c": 8.0})
    start = dt.datetime(2026, 3, 11, 14)  # noqa: DTZ001 - the house's local time
    done = night(duration_s=60, start=start, house=other).perform()

    assert [(5, False)] == _leads(done)
    assert "in its back-test of the last week a plan cost" in done.planner.why


def test_who_has_not_lived_yet_follows_the_rule(night):
    house = night().scenario.house
    young = house.planning.model_copy(update={"history_days": 1})
    done = night(house=house.model_copy(update={"planning": young})).perform()

    assert [(5, False)] == _leads(done)
    assert "72 h are wanted" in done.planner.why
    assert abs(done.saving.saving_eur) < 1e-12


FIRST_OF_MARCH = dt.datetime(2026, 3, 1, 3)  # noqa: DTZ001 - legal time of the place


CAR = '[[events]]\nat_s = 10\ndo = "plug"\nneed_wh = 8000\n'


def test_what_the_largest_import_costs_spreads_a_car_over_the_night(night):
    def lived(**prices):
        house = night().scenario.house
        planning = house.planning.model_copy(update=prices)
        stay = {"departure": "07:00", "wanted_wh": 8_000.0}
        house = house.model_copy(update={"planning": planning, **stay})
        made = night(CAR, 3_600, house=house, start=FIRST_OF_MARCH)
        made.planner.period_s = 1_200.0  # a plan for a car takes a second, and one after the other is alike
        return made.perform().saving

    free = lived()
    assert (0.0, 0.0) == free.tops_eur

    for price in ("day_peak_eur_per_w", "month_peak_eur_per_w"):
        dear = lived(**{price: 0.005})
        assert dear.top_w[0] < free.top_w[0] - 2_000.0, price
        assert dear.top_w[1] == free.top_w[1] > dear.top_w[0], price
        assert 0.0 < dear.tops_eur[0] < dear.tops_eur[1], price


TANK = """
[[house.assets]]
kind = "boiler"
name = "boiler1"
rated_w = 3000
draw_w = 640
"""


def test_hot_water_is_led_by_the_plan_and_its_heat_counts_at_the_end(night):
    done = night(TANK).perform()

    led = {row.reason for row in done.ledger.rows if row.point == "boiler1.relay_on"}
    assert any("local plan: " in reason for reason in led)
    assert done.saving.heat_wh != 0.0
