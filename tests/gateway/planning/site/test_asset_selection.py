"""From a house and what is known of its day to the parts of a site."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from quartier.planning.horizon import Contract, Outlook, RefusedError
from quartier.planning.planning_day import PlanningDay
from quartier.planning.site.asset_selection import (
    KNOWN_POINTS,
    SERIES_POINTS,
    ExcludedAsset,
    StorageTerms,
    select_assets,
)
from quartier.planning.site.site_plan import plan_site
from quartier.site.asset_types import (
    BatchLoad,
    Battery,
    ChargePointAsset,
    HeatAsset,
    Load,
    OperationMode,
    Pv,
    WasteCollection,
    WaterTank,
)

HOUR_S = 3600.0
TERMS = StorageTerms(worth_eur_per_wh=0.0003)
BATTERY = Battery(
    name="bat1",
    rated_w=5000.0,
    capacity_wh=10_000.0,
    charge_max_w=4000.0,
    discharge_max_w=5000.0,
    ramp_max_w_per_s=1000.0,
    soc_max_pct=90.0,
)
EV = ChargePointAsset(name="ev1", rated_w=11_040.0, departure_s=7.5 * HOUR_S, energy_wanted_wh=15_000.0)
HEAT = HeatAsset(
    name="boiler",
    rated_w=3000.0,
    quantity="relay_on",
    modes=(OperationMode("normal", 1, 3000.0), OperationMode("blocked", 0, 0.0)),
    comfort_min_c=45.0,
    comfort_max_c=60.0,
    water=WaterTank(volume_m3=0.3, loss_w=90.0, heat_pct=250.0, draw_w=200.0),
)
WASTE = WasteCollection(
    name="waste1",
    rated_w=9000.0,
    quantity="run_on",
    modes=(OperationMode("runs", 1, 9000.0), OperationMode("waits", 0, 0.0)),
    window_s=6 * HOUR_S,
    deadline_s=22 * HOUR_S,
    duration_s=4500.0,
)
WASHER = BatchLoad(
    name="washer",
    rated_w=2200.0,
    quantity="relay_on",
    modes=(OperationMode("runs", 1, 2200.0), OperationMode("waits", 0, 0.0)),
    run_w=(2000.0, 400.0, 100.0, 700.0, 300.0),
)


def day(known=(), series=(), begin="2026-06-12T18:00", count=24, step_s=3600):
    first = datetime.fromisoformat(begin)
    times = [first + number * timedelta(seconds=step_s) for number in range(count)]
    return PlanningDay(times=times, step_s=step_s, known=dict(known), series=dict(series))


def of(asset, *args, **kwargs):
    """The part, or why there is none."""
    made = select_assets([asset], day(*args, **kwargs), TERMS)
    kinds = (made.batteries, made.cars, made.tanks, made.batches, made.left_out)
    return next((kind[asset.name] for kind in kinds if asset.name in kind), None)


def test_a_battery_has_what_lies_between_its_reserve_and_its_most():
    made = of(BATTERY, {"bat1.soc_pct": 40.0, "bat1.target_soc_pct": 50.0})

    assert (9000.0, 2000.0, 4000.0, 5000.0) == (
        made.capacity_wh,
        made.reserve_wh,
        made.energy_wh,
        made.target_wh,
    )
    assert (4000.0, 5000.0, 0.0003) == (made.charge_max_w, made.discharge_max_w, made.worth_eur_per_wh)
    assert 10_000.0 == of(BATTERY, {"bat1.soc_pct": 120.0}).energy_wh


def test_what_nobody_says_leaves_an_asset_out_and_is_named():
    assert ExcludedAsset("its state of charge is not known", "bat1.soc_pct") == of(BATTERY)
    assert "boiler.tank_c" == of(HEAT).missing
    wanting = ChargePointAsset(name="ev1", rated_w=11_040.0)
    assert "ev1.energy_wanted_wh" == of(wanting).missing
    dry = HeatAsset(name="pump", rated_w=3000.0, quantity="relay_on", modes=HEAT.modes)
    assert "assets.pump.tank_m3" == of(dry).missing
    for low_c, high_c, key in ((None, 60.0, "comfort_min_c"), (45.0, None, "comfort_max_c")):
        bare = HeatAsset(
            name="pump",
            rated_w=3000.0,
            quantity="relay_on",
            modes=HEAT.modes,
            water=HEAT.water,
            comfort_min_c=low_c,
            comfort_max_c=high_c,
        )
        assert f"assets.pump.{key}" == of(bare).missing


def test_what_cannot_be_planned_is_passed_over():
    assert of(Pv(name="pv1", rated_w=5000.0)) is None
    assert of(Load(name="lift", rated_w=5000.0)) is None


def test_a_car_wants_what_its_charger_says_less_what_it_got_until_it_leaves():
    by_file = of(EV)
    said = of(
        EV, {"ev1.energy_wanted_wh": 9000.0, "ev1.session_energy_wh": 2000.0, "ev1.departure_in_s": 9000.0}
    )

    assert (15_000.0, 0, 13) == (by_file.need_wh, by_file.from_step, by_file.until_step)  # 07:30, from 18:00
    assert (7000.0, 7000.0, 0, 2) == (said.need_wh, said.room_wh, said.from_step, said.until_step)
    assert (1.0, 3, 230.0, 6.0, 16.0) == (
        said.efficiency,
        said.phases,
        said.voltage_v,
        said.current_min_a,
        said.current_max_a,
    )
    assert "its car has all the energy that it wants" == of(EV, {"ev1.session_energy_wh": 15_000.0}).why


def test_a_car_that_comes_later_leaves_at_the_next_such_time_after_that():
    late = of(EV, {"ev1.arrival_in_s": 14 * HOUR_S})  # 08:00 of the next day
    stays = of(ChargePointAsset(name="ev1", rated_w=11_040.0, energy_wanted_wh=9000.0))

    assert (14, 24) == (late.from_step, late.until_step)
    assert (0, 24) == (stays.from_step, stays.until_step)


def test_a_car_is_planned_with_what_its_current_can_give_before_it_leaves():
    made = select_assets([EV], day({"ev1.departure_in_s": HOUR_S}), TERMS)
    gone = select_assets([EV], day({"ev1.departure_in_s": 0.0}), TERMS)

    assert (11_040.0, 15_000.0) == (made.cars["ev1"].need_wh, made.wanting["ev1"].need_wh)
    assert ({}, 15_000.0, ()) == (gone.cars, gone.wanting["ev1"].need_wh, gone.names)


def test_energy_in_too_many_parts_is_divided_by_more_amperes():
    fine = {"begin": "2026-06-12T18:00", "count": 288, "step_s": 300}
    one = ChargePointAsset(name="ev1", rated_w=7360.0, phases_count=1, current_max_a=32.0)

    # An ampere for 5 minutes is 19.2 Wh; 4096 of them are 78.5 kWh.
    assert 1.0 == of(one, {"ev1.energy_wanted_wh": 70_000.0}, **fine).current_step_a
    assert 2.0 == of(one, {"ev1.energy_wanted_wh": 100_000.0}, **fine).current_step_a
    odd = replace(one, current_min_a=7.0)
    with pytest.raises(RefusedError, match="ev1: 100000 Wh in amperes of 5 min are too many parts"):
        of(odd, {"ev1.energy_wanted_wh": 100_000.0}, **fine)


def test_currents_that_are_no_whole_amperes_are_taken_to_those_within_them():
    odd = replace(EV, current_min_a=6.5, current_max_a=15.9)
    narrow = of(replace(EV, current_min_a=6.5, current_max_a=6.9))

    assert (7.0, 15.0, 1.0) == (of(odd).current_min_a, of(odd).current_max_a, of(odd).current_step_a)
    assert ExcludedAsset("no whole ampere lies within its currents", "assets.ev1.current_max_a") == narrow


def test_a_tank_that_loses_all_it_has_at_once_names_its_key():
    leaking = replace(HEAT, water=WaterTank(volume_m3=0.01, loss_w=900.0))

    with pytest.raises(RefusedError, match=r"assets\.boiler\.tank_loss_w: 900 W empty 0\.01 m3 in 0\.6 h"):
        of(leaking, {"boiler.tank_c": 50.0})


def test_where_no_car_is_there_none_is_planned():
    none = "no car is there"

    assert none == of(EV, {"ev1.plugged_on": 0.0}).why
    assert none == of(EV, (), {"ev1.plugged_on": [0.0] * 24}).why
    assert 2 == of(EV, {"ev1.plugged_on": 0.0, "ev1.arrival_in_s": 2 * HOUR_S}).from_step
    assert "later than what is planned" in of(EV, {"ev1.arrival_in_s": 24 * HOUR_S}).why


def test_a_series_says_when_a_car_is_there():
    series = {"ev1.plugged_on": [0.0] * 3 + [1.0] * 5 + [0.0] * 16}
    made, to_the_end = of(EV, (), series), of(EV, (), {"ev1.plugged_on": [1.0] * 24})

    assert (3, 8) == (made.from_step, made.until_step)
    assert (0, 13) == (to_the_end.from_step, to_the_end.until_step)
    said = of(EV, {"ev1.arrival_in_s": 4 * HOUR_S, "ev1.departure_in_s": 6 * HOUR_S}, series)
    assert (4, 6) == (said.from_step, said.until_step)
    with pytest.raises(RefusedError, match=r"ev1\.plugged_on: a car comes a second time; expected one stay"):
        of(EV, (), {"ev1.plugged_on": [1.0, 0.0, 1.0] + [0.0] * 21})


def test_a_tank_counts_its_heat_from_the_temperature_around_it():
    made = of(HEAT, {"boiler.tank_c": 50.0})
    per_k = 0.3 * 1163.0

    assert (30 * per_k, 25 * per_k, 40 * per_k) == pytest.approx((made.energy_wh, made.low_wh, made.high_wh))
    assert 45 * per_k / 90.0 == pytest.approx(made.time_constant_h)
    assert (2.5, 3000.0, [200.0] * 24) == (made.heat_per_wh, made.power_max_w, made.draw_w)
    assert 0.0003 / 2.5 == pytest.approx(made.worth_eur_per_wh)
    assert 0.0 == of(HEAT, {"boiler.tank_c": 12.0}).energy_wh


def test_draws_are_those_of_the_series_before_those_of_the_file():
    draws = [0.0] * 23 + [900.0]

    assert draws == of(HEAT, {"boiler.tank_c": 50.0}, {"boiler.draw_w": draws}).draw_w
    assert [50.0] * 24 == of(HEAT, {"boiler.tank_c": 50.0, "boiler.draw_w": 50.0}).draw_w


def test_waste_runs_in_the_first_window_that_has_room():
    evening = of(WASTE, begin="2026-06-12T18:00")
    late = of(WASTE, begin="2026-06-12T21:00")
    night = of(WASTE, begin="2026-06-12T23:00")
    short = of(WASTE, {"waste1.left_s": 1800.0}, begin="2026-06-12T21:00")

    assert ([9000.0, 2250.0], 0, 4) == (evening.powers_w, evening.from_step, evening.until_step)
    assert (9, 24) == (late.from_step, late.until_step)
    assert (7, 23) == (night.from_step, night.until_step)
    assert ([4500.0], 0, 1) == (short.powers_w, short.from_step, short.until_step)


def test_a_batch_that_waits_for_nothing_or_has_no_room_is_left_out():
    assert "no run is waiting" == of(WASTE, {"waste1.waiting_on": 0.0}).why
    assert "no run is waiting" == of(WASTE, {"waste1.left_s": 0.0}).why
    narrow = of(WASTE, {"waste1.left_s": 20 * HOUR_S})
    assert ("assets.waste1.deadline", True) == (
        narrow.missing,
        "a run of 1200 min does not fit" in narrow.why,
    )
    assert "assets.waste1.deadline" == of(WASTE, begin="2026-06-12T23:00", count=3).missing


@pytest.mark.parametrize(
    ("step_s", "run_w"),
    [
        (900, [2000.0, 400.0, 100.0, 700.0, 300.0]),
        (3600, [800.0, 75.0]),
        (300, [w for w in (2000.0, 400.0, 100.0, 700.0, 300.0) for _ in range(3)]),
    ],
)
def test_a_run_keeps_its_energy_at_every_length_of_step(step_s, run_w):
    made = of(WASHER, step_s=step_s, count=24)

    assert run_w == pytest.approx(made.powers_w)
    assert (0, min(24, 6 * 3600 // step_s)) == (made.from_step, made.until_step)  # by midnight


def test_the_hours_of_a_run_are_those_of_the_file():
    def hours(window_s, deadline_s, begin):
        made = of(replace(WASHER, run_w=(2000.0,), window_s=window_s, deadline_s=deadline_s), begin=begin)
        return made.from_step, made.until_step

    assert (0, 14) == hours(None, 8 * HOUR_S, "2026-06-12T18:00")
    assert (2, 6) == hours(20 * HOUR_S, 0.0, "2026-06-12T18:00")
    assert (0, 3) == hours(20 * HOUR_S, 0.0, "2026-06-12T21:00")
    assert (4, 14) == hours(22 * HOUR_S, 8 * HOUR_S, "2026-06-12T18:00")
    assert (0, 7) == hours(22 * HOUR_S, 8 * HOUR_S, "2026-06-12T01:00")


def test_a_roster_is_planned_together_with_what_else_the_house_takes():
    known = {"bat1.soc_pct": 50.0, "boiler.tank_c": 50.0}
    found = select_assets([BATTERY, EV, HEAT, WASTE, WASHER, Pv(name="pv1", rated_w=1.0)], day(known), TERMS)
    outlook = Outlook(
        step_s=3600,
        load_w=[500.0] * 24,
        pv_w=[0.0] * 24,
        import_eur_per_wh=[0.0003] * 12 + [0.0001] * 12,
        export_eur_per_wh=[0.0] * 24,
        import_max_w=[20_000.0] * 24,
        export_max_w=[0.0] * 24,
    )
    plan = plan_site(found.site(outlook, Contract()))

    assert ("bat1", "ev1", "boiler", "waste1", "washer") == found.names
    assert set(found.names) == set(plan.parts)
    assert not plan.given_up
    assert sum(plan.parts["ev1"].power_w) >= 15_000.0


def test_the_tables_name_every_point_that_is_looked_for():
    class Asked(dict):
        def get(self, key, default=None):
            asked.add(key.partition(".")[2])
            return super().get(key, default)

    asked: set[str] = set()
    known = Asked({"bat1.soc_pct": 50.0, "boiler.tank_c": 50.0})
    here = PlanningDay(times=day().times, step_s=3600, known=known, series={})
    select_assets([BATTERY, EV, HEAT, WASTE, WASHER], here, TERMS)

    assert {name for names in KNOWN_POINTS.values() for name in names} == asked
    assert {"plugged_on", "draw_w"} == {name for names in SERIES_POINTS.values() for name in names}
