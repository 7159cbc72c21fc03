"""A Linky beside the grid meter, and a Linky in its place: one that says VA without a sign."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control.limits import supplies
from quartier.site.site_layout import SupplyMeter


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
