import pytest

from quartier.commissioning.probe import probe_subject
from quartier.commissioning.probe.probe_subject import ProbeLimits, find_runaway_power_w
from quartier.site.asset_types import Battery, Pv

BATTERY = probe_subject.make_battery_subject(
    Battery(
        name="bat1",
        rated_w=5000,
        capacity_wh=10_000,
        charge_max_w=5000,
        discharge_max_w=5000,
        ramp_max_w_per_s=1000,
    ),
    "bat1.setpoint_w",
    None,
)


def test_a_step_keeps_five_percent_from_contract_and_export():
    low_w, high_w = ProbeLimits(2000, 1000).find_interval(BATTERY, asset_w=0, grid_w=700, soc_pct=50)

    assert (-1650, 1200) == (pytest.approx(low_w), pytest.approx(high_w))


def test_what_the_asset_takes_already_is_in_the_grids_power():
    low_w, high_w = ProbeLimits(2000, 1000).find_interval(BATTERY, asset_w=300, grid_w=1000, soc_pct=50)

    assert (-1650, 1200) == (pytest.approx(low_w), pytest.approx(high_w))


def test_a_fuse_bounds_both_ways():
    assert (-800, 800) == ProbeLimits(20_000, 20_000, 800).find_interval(
        BATTERY, asset_w=0, grid_w=0, soc_pct=50
    )


@pytest.mark.parametrize(("soc_pct", "expected"), [(95.0, (-5000, 0)), (20.0, (0, 5000)), (19.0, (0, 5000))])
def test_the_band_of_the_state_of_charge_takes_a_way_off(soc_pct, expected):
    assert expected == ProbeLimits(20_000, 20_000).find_interval(
        BATTERY, asset_w=0, grid_w=0, soc_pct=soc_pct
    )


def test_without_leave_to_charge_from_the_grid_only_surplus_is_taken():
    held = ProbeLimits(20_000, 20_000, charges_from_grid=False, exports_stored=False)

    assert (-700, 0) == held.find_interval(BATTERY, asset_w=0, grid_w=700, soc_pct=50)
    assert (0, 900) == held.find_interval(BATTERY, asset_w=0, grid_w=-900, soc_pct=50)


def test_a_cap_of_generation_bounds_pv_alone():
    held = ProbeLimits(20_000, 20_000, generation_w=2000)
    pv = probe_subject.make_pv_subject(
        Pv(name="pv1", rated_w=6000, curtail="limit"), "pv1.generation_max_w", None
    )

    assert -2000 == held.find_interval(pv, asset_w=0, grid_w=0, soc_pct=None)[0]
    assert -5000 == held.find_interval(BATTERY, asset_w=0, grid_w=0, soc_pct=50)[0]


def test_a_limit_that_is_passed_is_named():
    bounds = ProbeLimits(9000, 0)

    assert "imports 9001 W, 9000 W are allowed" in bounds.broken(9001)
    assert "exports 200 W, 0 W are allowed" in bounds.broken(-200)
    assert not bounds.broken(8999)
    assert not bounds.broken(-100)


def test_a_tenfold_answer_to_a_small_step_stays_within_what_was_agreed_to():
    assert 600 == find_runaway_power_w(BATTERY, 50, 0)
    assert 1150 == find_runaway_power_w(BATTERY, 500, 0)
