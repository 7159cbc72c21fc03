from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_hil.plant import mains
from quartier_hil.plant.building import (
    ASSETS,
    BuildingSpec,
    Drive,
    Orders,
    fresh,
    plug,
    set_mains,
    set_measured,
    step,
    values,
)

SPEC = BuildingSpec()
DRIVES = st.builds(Drive, st.floats(0, 9000), st.floats(0, 1100), st.floats(0, 5000))
ORDERS = st.builds(Orders, st.floats(-9000, 9000), st.floats(0, 9000), st.floats(0, 32), st.booleans())
STEPS = st.lists(st.tuples(ORDERS, DRIVES, st.floats(0.25, 60)), min_size=1, max_size=20)


@given(STEPS)
def test_the_grid_is_the_sum_of_all_assets_and_energies_integrate(steps):
    state = plug(fresh(SPEC), on=True, need_wh=5000)
    flows = dict.fromkeys(("grid", *ASSETS), 0.0)
    for orders, drive, dt_s in steps:
        before = state
        state = step(SPEC, state, orders, drive, dt_s)
        seen = values(SPEC, state)

        assert seen["grid.power_w"] == sum(seen[f"{name}.power_w"] for name in ASSETS)
        for name in flows:
            flows[name] += seen[f"{name}.power_w"] * dt_s / 3600
            assert state.import_wh[name] >= before.import_wh.get(name, 0)
            assert state.export_wh[name] >= before.export_wh.get(name, 0)

    for name, energy_wh in flows.items():
        assert energy_wh == pytest.approx(state.import_wh[name] - state.export_wh[name], abs=1e-6)


def test_voltage_current_and_power_of_a_phase_agree():
    seen = values(SPEC, step(SPEC, fresh(SPEC), Orders(), Drive(3000, 0), 1))

    assert seen["grid.power_l1_w"] == pytest.approx(seen["grid.voltage_l1_v"] * seen["grid.current_l1_a"])


def test_the_charge_state_tells_absent_waiting_charging_and_full():
    state = fresh(SPEC)
    assert 1 == values(SPEC, state)["ev1.charge_state"]
    state = plug(state, on=True, need_wh=10)
    assert 5 == values(SPEC, state)["ev1.charge_state"]
    for expected in (3, 2):
        for _ in range(6):
            state = step(SPEC, state, Orders(), Drive(0, 0), 1)
            if values(SPEC, state)["ev1.charge_state"] == expected:
                break
        assert expected == values(SPEC, state)["ev1.charge_state"]


def test_without_voltage_nothing_runs_and_with_it_everything_again():
    dark = set_mains(fresh(SPEC), mains.levelled(mains.Mains(), 0.0, (1, 2, 3)))
    dark = step(SPEC, dark, Orders(battery_w=3_000), Drive(3_000, 500), 1)
    seen = values(SPEC, dark)
    lit = step(SPEC, set_mains(dark, mains.Mains()), Orders(), Drive(3_000, 0), 1)

    assert (0.0, 0.0, 0.0) == (seen["grid.power_w"], seen["grid.voltage_l1_v"], seen["base.power_w"])
    assert values(SPEC, lit)["grid.power_w"] >= 3_000


def test_a_car_of_one_phase_loads_the_first_and_its_point_shows_it():
    state = plug(fresh(SPEC), on=True, need_wh=5000, phases_count=1, takes_max_a=10.0)
    idle, seen = values(SPEC, state), values(SPEC, step(SPEC, state, Orders(), Drive(0.0, 0.0), 60))

    assert (10.0, 0.0, 0.0) == tuple(round(seen[f"ev1.current_l{k}_a"], 0) for k in (1, 2, 3))
    assert 2_300.0 == seen["grid.power_l1_w"] - seen["grid.power_l2_w"]
    assert 0.0 == idle["ev1.current_l1_a"]
    single = replace(SPEC, phases_count=1)
    assert 10.0 == round(
        values(single, step(SPEC, state, Orders(), Drive(0.0, 0.0), 60))["ev1.current_l1_a"], 0
    )


def test_a_real_asset_takes_what_was_read_of_it_and_the_grid_meter_has_it_in_its_sum():
    state = set_measured(plug(fresh(SPEC), on=True, need_wh=5000), {"ev1": 3700.0})
    state = step(SPEC, state, Orders(current_max_a=16.0), Drive(500.0, 0.0), 3600)
    seen = values(SPEC, state)

    assert 3700.0 == seen["ev1.power_w"]
    assert seen["grid.power_w"] == sum(seen[f"{name}.power_w"] for name in ASSETS)
    assert 3700.0 == state.import_wh["ev1"]


def test_a_real_asset_is_read_also_where_the_plant_has_no_voltage():
    state = set_measured(fresh(SPEC), {"ev1": 3700.0})
    state = set_mains(state, mains.levelled(state.mains, 0.0, (1, 2, 3)))

    assert (3700.0, 3700.0) == (state.powers_w["ev1"], state.grid_w)


def test_what_is_in_no_list_gives_beside_the_unmeasured_load():
    state = step(SPEC, fresh(SPEC), Orders(), Drive(500.0, 0.0, unlisted_w=2_000.0), 1.0)

    assert (-1_500, -1_500) == (state.powers_w["base"], state.grid_w - state.powers_w["hp1"])
