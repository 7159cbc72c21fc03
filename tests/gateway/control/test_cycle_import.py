"""A Linky beside the grid meter, and a Linky in its place: one that says VA without a sign."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import are_all_off, are_all_on, step_until

from quartier.control.limits import supplies
from quartier.site.asset_types import Load
from quartier.site.site_layout import SupplyMeter

# --- import cap ------------------------------------------------------------------------------


def test_an_import_cap_is_taken_in_the_one_order(plant):
    """Charging stops, EV to 6 A, battery discharges, EV pauses, then D, C, B; never A."""
    loads = {"heat": 1000, "pump": 1000, "cold": 1000, "lift": 1000}
    taken = []
    for cap_w in (14_000, 9_300, 5_000, 3_100, 2_100, 1_100, 100):
        p = plant(base_w=200, ev_wants_w=11_040, soc_pct=50, loads_w=loads)
        p.house = replace(
            p.house,
            grid_target_w=20_000.0,
            limits=replace(p.house.limits, import_hard_w=20_000),
            assets=(replace(p.house.assets[0], discharge_max_w=1000), *p.house.assets[1:]),
        )
        p.__post_init__()
        p.cap(import_max_w=cap_w).run(1)
        off = {name for name in ("heat", "pump", "cold", "lift") if p.points.get(f"{name}.relay_on") == 0}
        taken.append((p.points["ev1.current_max_a"], p.points["bat1.setpoint_w"] < 0, off))

    assert [
        (14.2, False, set()),
        (7.3, False, set()),
        (0.0, True, set()),
        (0.0, True, {"heat"}),
        (0.0, True, {"heat", "pump"}),
        (0.0, True, {"heat", "pump", "cold"}),
        (0.0, True, {"heat", "pump", "cold"}),
    ] == taken


def test_battery_charging_stops_first(plant):
    p = plant(base_w=5500, sun_w=0, soc_pct=50)
    p.house = replace(p.house, grid_target_w=12_000.0)
    p.__post_init__()
    p.run(20).cap(import_max_w=5900)
    p.run(3)

    assert 0 <= p.points["bat1.setpoint_w"] <= 400
    done = "battery charges less" if p.points["bat1.setpoint_w"] else "battery stops charging"
    assert str(p.state.book.orders["bat1.setpoint_w"].reason).endswith(done)


@pytest.mark.parametrize("lag_s", [0, 2])
def test_a_tightened_cap_is_commanded_within_2_s_and_kept_within_30_s(plant, lag_s):
    p = plant(base_w=1500, ev_wants_w=7000, soc_pct=15, lag_s=lag_s, loads_w={"pump": 1500, "lift": 500})
    p.run(60)
    p.cap(import_max_w=5000).run(2)
    commanded = p.points["ev1.current_max_a"]
    p.run(120)

    assert 0.0 == commanded
    assert max(p.grid_log[90:]) <= 5000
    assert p.longest_over_s(5000, since=60) <= 5


def test_an_ev_is_slowed_to_what_fits_before_it_is_paused(plant):
    p = plant(base_w=1000, ev_wants_w=11_040, soc_pct=15).cap(import_max_w=8000).run(30)

    assert 10.1 == p.points["ev1.current_max_a"]
    assert "import cap 8000 W (envelope dso 1): charging slowed" == str(
        p.state.book.orders["ev1.current_max_a"].reason
    )


def test_an_idle_car_may_not_jump_over_the_cap(plant):
    p = plant(base_w=3000, ev_wants_w=0, soc_pct=15).cap(import_max_w=8000)
    p.raw["ev1.plugged_on"] = 1.0
    p.run(30)

    assert 7.0 == p.points["ev1.current_max_a"]
    assert str(p.state.book.orders["ev1.current_max_a"].reason).startswith("limited to fit import cap")


def test_tier_a_is_never_commanded(plant):
    p = plant(base_w=9000, soc_pct=10, loads_w={"lift": 4000, "pump": 2000}).cap(import_max_w=0).run(100)

    assert [] == p.written("lift.relay_on")


@pytest.mark.long
def test_minimum_times_are_kept(plant):
    p = plant(base_w=1000, soc_pct=10, loads_w={"pump": 3000}).cap(import_max_w=3000)
    p.run(20).cap(import_max_w=9000)
    assert are_all_off(p, "pump")
    step_until(p, lambda: are_all_on(p, "pump"), 1000)
    back = p.t
    step_until(p.cap(import_max_w=3000), lambda: are_all_off(p, "pump"), 400)

    assert back >= 180
    assert p.t - back >= 300


@pytest.mark.long
def test_a_minimum_on_time_makes_the_next_load_take_the_turn(plant, house):
    ready = replace(house.assets[5], min_on_s=0)
    p = plant(
        house=replace(house, assets=(*house.assets[:5], ready)),
        base_w=500,
        soc_pct=10,
        loads_w={"pump": 2000, "cold": 1500},
    ).cap(import_max_w=500)
    p.run(2)
    assert are_all_off(p, "pump", "cold")
    step_until(p.cap(import_max_w=9000), lambda: are_all_on(p, "pump", "cold"), 800)
    p.run(60)
    p.cap(import_max_w=2600).run(3)

    assert (1.0, 0.0) == (p.points["pump.relay_on"], p.points["cold.relay_on"])


@pytest.mark.long
def test_the_load_with_the_fewest_sheds_goes_first_inside_a_tier(plant, house):
    twins = tuple(
        Load(name=name, rated_w=1000, tier="C", switchable=True, min_on_s=0, min_off_s=0)
        for name in ("l1", "l2")
    )
    p = plant(house=replace(house, assets=twins), base_w=500, loads_w={"l1": 1000, "l2": 1000})
    shed = []
    for _ in range(2):
        p.cap(import_max_w=1700).run(5)
        shed.append({n for n in ("l1", "l2") if p.points[f"{n}.relay_on"] == 0})
        step_until(p.cap(import_max_w=9000), lambda: are_all_on(p, "l1", "l2"), 800)

    assert [{"l1"}, {"l2"}] == shed


# --- restore ---------------------------------------------------------------------------------


@pytest.mark.long
def test_restore_waits_for_120_s_then_takes_one_load_each_30_s_and_machines_a_minimum_time_apart(plant):
    p = plant(base_w=290, soc_pct=10, loads_w={"heat": 1500, "pump": 1500, "cold": 1000})
    p.cap(import_max_w=300).run(200)
    step_until(p.cap(import_max_w=9000), lambda: are_all_on(p, "heat", "pump", "cold"), 900)
    back = {
        name: next(t for t, v in p.written(f"{name}.relay_on", since=200) if v)
        for name in ("cold", "pump", "heat")
    }

    assert 200 + 120 <= back["cold"] <= 200 + 421
    assert (30, 300) == (back["heat"] - back["cold"], back["pump"] - back["cold"])
    assert "restored: below the cap by 10 % for 120 s" in {c.reason for _, c in p.log}


@pytest.mark.long
def test_nothing_is_restored_that_does_not_fit_below_90_percent(plant):
    p = plant(base_w=3000, soc_pct=10, loads_w={"pump": 1500}).cap(import_max_w=4000).run(450)

    assert 0.0 == p.points["pump.relay_on"]
    assert ["pump"] == p.view["restore"]["held"]


@pytest.mark.long
def test_buildings_restore_at_different_times_after_a_common_event(plant, house):
    def restored_at(seed):
        heat = tuple(asset for asset in house.assets if asset.name == "heat")
        p = plant(house=replace(house, seed=seed, assets=heat), base_w=290, loads_w={"heat": 1500})
        p.cap(import_max_w=300).run(80)
        return step_until(p.cap(import_max_w=9000), lambda: are_all_on(p, "heat"), 500).t

    times = [restored_at(seed) for seed in range(6)]

    assert len(set(times)) > 4
    assert all(200 <= t <= 502 for t in times)


@pytest.mark.long
def test_an_ev_comes_back_at_its_floor_and_then_as_fast_as_fits(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=3000).run(100)
    paused = p.points["ev1.current_max_a"]
    step_until(p.cap(import_max_w=9000), lambda: p.points["ev1.current_max_a"] == 11, 800).run(120)
    amperes = [a for _, a in p.written("ev1.current_max_a", since=100)]

    assert 0.0 == paused
    assert [0.0, 6.0] == sorted(set(amperes))[:2]
    assert 11.0 == amperes[-1]
    assert max(p.grid_log[100:]) <= 9000


@pytest.mark.long
def test_a_silent_asset_counts_at_its_worst_where_something_would_come_back(plant, house):
    more = Load(name="oven", rated_w=6000, tier="A")
    p = plant(
        house=replace(house, assets=(*house.assets, more)), soc_pct=10, base_w=500, loads_w={"pump": 2000}
    )
    p.cap(import_max_w=1000).run(180)
    p.silent = {"oven"}
    p.run(20)
    p.cap(import_max_w=8000).run(440)
    waiting = p.points["pump.relay_on"]
    p.silent = set()
    p.run(60)

    assert (0.0, 1.0) == (waiting, p.points["pump.relay_on"])


@pytest.mark.long
def test_a_single_car_is_paused_three_times_an_hour_at_most_however_the_rest_swings(plant, with_house):
    p = plant(house=with_house("ev1"), base_w=500, ev_wants_w=11_040).run(430)
    told = []
    for base_w in (9_500, 500) * 5:
        p.base_w = base_w
        p.run(20 if base_w > 500 else 330)
        told.append(p.points["ev1.current_max_a"] > 0)

    assert [False, True, False, True, False] + [False] * 5 == told
    assert p.longest_over_s(10_000) <= 5


def with_supply(house):
    return replace(house, supplies=(SupplyMeter(name="linky", release_s=60.0),))


def with_va(house, *, name="grid"):
    grid = replace(house.grid, is_apparent=True)
    return replace(house, grid=grid, supplies=(SupplyMeter(name=name, is_grid=True),))


@pytest.fixture
def linky(plant):
    """A building whose only grid meter is a Linky, of a consumer or of a producer."""

    class Building(plant):
        is_producer = False

        def _read(self):
            seen = super()._read()
            seen.pop("grid.power_w", None)
            seen["grid.apparent_power_va"] = abs(self.grid_w)
            seen["grid.subscribed_power_va"] = 9_000.0
            if self.is_producer:
                seen["grid.apparent_power_va"] = max(0.0, self.grid_w)
                seen["grid.apparent_power_export_va"] = max(0.0, -self.grid_w)
            return seen

    return Building


def test_subscribed_power_is_kept_named_and_shown(plant, house):
    p = plant(house=with_supply(house), base_w=1_000, soc_pct=10, ev_wants_w=11_000)
    p.raw |= {"linky.subscribed_power_va": 6_000.0, "linky.tariff_index": 2.0}
    p.run(60)

    cap = p.view["caps"]["import"]
    assert (5_400.0, "linky, 6 kVA subscribed") == (cap["max_w"], cap["whose"])
    assert p.grid_w <= 5_400
    assert (6_000.0, 2) == (
        p.view["supplies"]["linky"]["subscribed_va"],
        p.view["supplies"]["linky"]["tariff_index"],
    )


@pytest.mark.long
@pytest.mark.parametrize("warning", ["over_power_on", "over_current_on"])
def test_a_warning_acts_in_the_cycle_that_sees_it_and_all_comes_back_after_it(plant, house, warning):
    p = plant(house=with_supply(house), base_w=2_000, soc_pct=10, ev_wants_w=11_040, loads_w={"pump": 2_000})
    p.raw |= {"linky.subscribed_power_va": 9_000.0, f"linky.{warning}": 0.0}
    p.run(60)
    before_w = p.grid_w
    p.raw[f"linky.{warning}"] = 1.0
    p.step()

    words = {"over_power_on": "over-power", "over_current_on": "over-current"}[warning]
    assert f"linky, {words}" == p.view["caps"]["import"]["whose"]
    present = [one for one in p.view["alarms"] if one.ended_utc_ms is None]
    assert ["linky warns, or did until now: more flows than 9 kVA subscribed allow"] == present
    assert [] != [c for t, c in p.log if t == p.t - 1], "commands left in the same cycle"
    p.run(8)
    assert p.grid_w <= before_w - 450

    p.raw[f"linky.{warning}"] = 0.0
    p.run(62)
    assert "linky, 9 kVA subscribed" == p.view["caps"]["import"]["whose"]
    step_until(p, lambda: p.grid_w >= before_w - 100, 900)


def test_a_linky_that_falls_silent_keeps_its_cap(plant, house):
    p = plant(house=with_supply(house), base_w=1_000)
    p.raw["linky.subscribed_power_va"] = 3_000.0
    p.run(5)
    p.silent = {"linky"}
    p.run(int(supplies.SUPPLY_GONE_S) + 30)

    assert 2_700.0 == p.view["caps"]["import"]["max_w"]


def test_va_stand_for_watts_where_there_is_nothing_else_and_are_called_va(linky, house):
    p = linky(house=with_va(house), base_w=3_000, soc_pct=10, ev_wants_w=11_040).run(60)

    assert ("good", "VA") == (p.view["grid"]["state"], p.view["grid"]["unit"])
    assert abs(p.grid_w) == p.view["grid"]["power_w"]
    assert p.grid_w <= 9_000


def test_where_export_cannot_be_seen_generation_is_limited_to_the_export_cap(linky, house):
    p = linky(house=with_va(house), base_w=1_000, sun_w=6_000, soc_pct=50).cap(export_max_w=2_000).run(120)

    cap = p.view["caps"]["generation"]
    assert (2_000.0, "envelope dso 1: the grid meter shows no export") == (cap["max_w"], cap["whose"])
    assert p.pv_w >= -2_000
    assert p.bat_w >= 0, "what a battery fed in would look like import"


def test_a_battery_does_not_discharge_where_export_cannot_be_seen(linky, house):
    p = linky(house=with_va(house), base_w=3_000, soc_pct=80).run(120)

    assert p.bat_w == 0


@pytest.mark.long
def test_a_producers_linky_shows_export_so_the_battery_serves_the_house(linky, house):
    p = linky(house=with_va(house), base_w=3_000, soc_pct=80)
    p.is_producer = True
    p.run(120)
    assert abs(p.grid_w) < 100

    p.sun_w = 6_000
    p.run(120)
    assert abs(p.grid_w) < 100
    assert "generation" not in p.view["caps"]


def test_a_linky_alone_that_falls_silent_is_a_lost_grid_meter(linky, house):
    p = linky(house=with_va(house), base_w=3_000).run(30)
    p.silent = {"grid"}
    p.run(20)

    assert ("lost", "SAFE") == (p.view["grid"]["state"], p.view["stage"])


def test_short_frames_of_an_over_current_say_amperes_alone_which_is_enough(linky, house):
    p = linky(house=with_va(house), base_w=3_000).run(30)
    p.silent = {"grid.apparent_power_va"}
    p.raw |= {"grid.current_l1_a": 20.0, "grid.current_l2_a": 12.0, "grid.current_l3_a": 10.0}
    p.run(30)

    assert ("good", 42 * 230) == (p.view["grid"]["state"], p.view["grid"]["power_w"])
