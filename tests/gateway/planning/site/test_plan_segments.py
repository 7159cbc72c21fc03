"""Why each part of a site's plan does what it does."""

from dataclasses import replace
from math import inf

from quartier.planning.horizon import BatteryModel, Outlook
from quartier.planning.site.plan_segments import describe_segments
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.site.site_plan import plan_site

BATTERY = BatteryModel(
    capacity_wh=2000.0,
    reserve_wh=0.0,
    energy_wh=0.0,
    charge_max_w=1000.0,
    discharge_max_w=1000.0,
    charge_efficiency=1.0,
    discharge_efficiency=1.0,
)


def site(prices_eur_per_kwh, load_w=1000.0, export_eur_per_kwh=0.0, **parts):
    """Hours."""
    count = len(prices_eur_per_kwh)
    outlook = Outlook(
        step_s=3600,
        load_w=[load_w] * count,
        pv_w=[0.0] * count,
        import_eur_per_wh=[price / 1000 for price in prices_eur_per_kwh],
        export_eur_per_wh=[export_eur_per_kwh / 1000] * count,
        import_max_w=[20_000.0] * count,
        export_max_w=[inf] * count,
    )
    return SiteModel(outlook, **parts)


def told(asked, name):
    plan = plan_site(asked)
    found = describe_segments(asked, plan, lambda step: f"{step} h")[name]
    assert [one.until_step for one in found[:-1]] == [one.from_step for one in found[1:]]
    assert (0, asked.outlook.count) == (found[0].from_step, found[-1].until_step)
    return [(one.from_step, one.why) for one in found]


def test_a_battery_says_what_its_charge_is_for_and_what_it_spares():
    said = told(site([0.35, 0.1, 0.3, 0.5], batteries={"bat1": BATTERY}), "bat1")

    assert [
        (0, "waits: it is at its reserve"),
        (1, "charges at 0.100: gives from 3 h, where it avoids an import at 0.500"),
        (2, "waits: 0.300 is too dear to charge by and too cheap to give for"),
        (3, "gives: it avoids an import at 0.500"),
    ] == said


def test_a_battery_with_room_for_more_says_what_it_spares_though_a_kwh_more_costs_what_it_charged_at():
    large = replace(BATTERY, capacity_wh=20_000.0, charge_max_w=5000.0, charge_efficiency=0.95)
    said = told(site([0.1, 0.3, 0.3, 0.3], load_w=800.0, batteries={"bat1": large}), "bat1")

    assert (0, "charges at 0.100: gives from 1 h, where it avoids an import at 0.300") == said[0]


def test_a_car_that_waits_for_hours_as_cheap_says_so():
    dear = [0.1, 0.1, 0.1, 0.3]
    ahead = replace(site(dear).outlook, import_max_w=[20_000.0, 1000.0, 20_000.0, 20_000.0])
    said = told(replace(site(dear, cars={"ev1": car(from_step=0, until_step=3)}), outlook=ahead), "ev1")

    assert (1, "waits: as cheap from 2 h, at 0.100") in said


def test_a_battery_that_sells_or_keeps_says_so():
    full = BatteryModel(2000.0, 0.0, 2000.0, 1000.0, 1000.0, 1.0, 1.0)
    kept = BatteryModel(1000.0, 0.0, 0.0, 1000.0, 1000.0, 1.0, 1.0, worth_eur_per_wh=0.0004)

    sold = told(site([0.5, 0.5], load_w=0.0, export_eur_per_kwh=0.2, batteries={"bat1": full}), "bat1")
    assert [(0, "gives: an export earns 0.200")] == sold
    assert [
        (0, "charges at 0.100: kept for the time after the plan, where it is worth 0.400"),
        (1, "waits: it is full"),
    ] == told(site([0.1, 0.3], batteries={"bat1": kept}), "bat1")


def test_a_battery_that_is_filled_again_says_when():
    full = BatteryModel(1000.0, 0.0, 1000.0, 1000.0, 1000.0, 1.0, 1.0, target_wh=1000.0)
    said = told(site([0.5, 0.1], batteries={"bat1": full}), "bat1")

    assert "gives: it avoids an import at 0.500; charges again from 1 h, at 0.100" == said[0][1]
    assert "charges at 0.100: kept for the time after the plan" == said[1][1]


def car(**changes):
    said = {"need_wh": 7360.0, "room_wh": 7360.0, "from_step": 1, "until_step": 5, "efficiency": 1.0}
    return CarModel(**{**said, "current_max_a": 16.0, "phases": 1, **changes})


def test_a_car_says_why_it_waits_and_that_its_hours_are_the_cheapest():
    said = told(site([0.3, 0.3, 0.1, 0.1, 0.3, 0.3], cars={"ev1": car()}), "ev1")

    assert [
        (0, "is not there yet"),
        (1, "waits: 0.300 now, 0.100 from 2 h"),
        (2, "charges at 0.100: the cheapest steps before it leaves at 5 h"),
        (4, "has all the energy that it wants"),
        (5, "has left"),
    ] == said
    left = told(site([0.1, 0.1, 0.1, 0.3], cars={"ev1": car(from_step=0, until_step=2)}), "ev1")
    assert (2, "has left") == left[-1]


def test_a_car_that_needs_all_its_time_or_more_says_so():
    short = told(
        site([0.1] * 3, cars={"ev1": car(from_step=0, until_step=9, need_wh=20_000.0, room_wh=20_000.0)}),
        "ev1",
    )
    whole = told(site([0.1] * 3, cars={"ev1": car(from_step=0, until_step=2)}), "ev1")

    assert [(0, "charges all it can before the last step: 8960 Wh are missing")] == short
    assert (0, "charges at 0.100: it needs all its time before it leaves at 2 h") == whole[0]


def test_a_car_whose_steps_are_not_all_the_cheapest_says_what_the_others_cost():
    """A cap keeps it from the cheap hour."""
    asked = site(
        [0.3, 0.1, 0.4], cars={"ev1": car(from_step=0, until_step=3, need_wh=1380.0, room_wh=1380.0)}
    )
    capped = replace(asked, outlook=replace(asked.outlook, import_max_w=[20_000.0, 1000.0, 20_000.0]))

    assert (0, "charges at 0.300: 0.250 in its other steps before the last step") == told(capped, "ev1")[0]


def tank(**changes):
    said = {"energy_wh": 3000.0, "low_wh": 2000.0, "high_wh": 6000.0, "power_max_w": 1500.0}
    return TankModel(**{**said, "draw_w": [500.0] * 6, "time_constant_h": 1e5, **changes})


def test_a_tank_says_until_when_its_heat_is_enough():
    said = told(site([0.3, 0.1, 0.3, 0.3, 0.3, 0.3], tanks={"boiler": tank()}), "boiler")

    assert [
        (0, "is warm enough until 1 h"),
        (1, "heats at 0.100: enough until 5 h, then at 0.300"),
        (2, "is warm enough until 5 h"),
        (5, "heats at 0.300: as much as holds the comfort band's lower end"),
    ] == said
    warm = told(site([0.3] * 6, tanks={"boiler": tank(energy_wh=5900.0)}), "boiler")
    assert [(0, "is warm enough to the last step")] == warm
    kept = tank(worth_eur_per_wh=0.0002, draw_w=[100.0] * 6)
    assert (
        "heats at 0.100: enough to the last step"
        == told(site([0.1, *[0.3] * 5], tanks={"boiler": kept}), "boiler")[0][1]
    )


def test_a_run_says_what_other_times_would_cost():
    batch = BatchModel([1000.0, 1000.0], 0, 5)
    said = told(site([0.3, 0.2, 0.1, 0.1, 0.3], batches={"washer": batch}), "washer")

    assert [
        (0, "waits for its run"),
        (2, "runs for 0.200 EUR: its cheapest time by 5 h, 0.500 at the dearest"),
        (4, "is done"),
    ] == said
    forced = told(site([0.3, 0.2, 0.1], batches={"washer": BatchModel([1000.0, 1000.0], 0, 2)}), "washer")
    assert "runs for 0.500 EUR: there is no other time by 2 h" == forced[0][1]
