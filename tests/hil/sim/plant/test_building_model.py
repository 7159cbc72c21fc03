from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.plant import grid
from quartier_sim.plant.building_model import (
    STANDARD_ASSETS,
    BuildingSpec,
    Orders,
    PlantInputs,
    build_initial_state,
    measure_quantities,
    plug_car,
    set_measured_powers,
    set_public_grid,
    step_building,
)

SPEC = BuildingSpec()
DRIVES = st.builds(PlantInputs, st.floats(0, 9000), st.floats(0, 1100), st.floats(0, 5000))
ORDERS = st.builds(Orders, st.floats(-9000, 9000), st.floats(0, 9000), st.floats(0, 32), st.booleans())
STEPS = st.lists(st.tuples(ORDERS, DRIVES, st.floats(0.25, 60)), min_size=1, max_size=20)


@given(STEPS)
def test_the_grid_is_the_sum_of_all_assets_and_energies_integrate(steps):
    state = plug_car(build_initial_state(SPEC), on=True, need_wh=5000)
    flows = dict.fromkeys(("grid", *STANDARD_ASSETS), 0.0)
    for orders, drive, dt_s in steps:
        before = state
        state = step_building(SPEC, state, orders, drive, dt_s)
        seen = measure_quantities(SPEC, state)

        assert seen["grid.power_w"] == sum(seen[f"{name}.power_w"] for name in STANDARD_ASSETS)
        for name in flows:
            flows[name] += seen[f"{name}.power_w"] * dt_s / 3600
            assert state.import_wh[name] >= before.import_wh.get(name, 0)
            assert state.export_wh[name] >= before.export_wh.get(name, 0)

    for name, energy_wh in flows.items():
        assert energy_wh == pytest.approx(state.import_wh[name] - state.export_wh[name], abs=1e-6)


def test_voltage_current_and_power_of_a_phase_agree():
    seen = measure_quantities(
        SPEC, step_building(SPEC, build_initial_state(SPEC), Orders(), PlantInputs(3000, 0), 1)
    )

    assert seen["grid.power_l1_w"] == pytest.approx(seen["grid.voltage_l1_v"] * seen["grid.current_l1_a"])


def test_the_charge_state_tells_absent_waiting_charging_and_full():
    state = build_initial_state(SPEC)
    assert 1 == measure_quantities(SPEC, state)["ev1.charge_state"]
    state = plug_car(state, on=True, need_wh=10)
    assert 5 == measure_quantities(SPEC, state)["ev1.charge_state"]
    for expected in (3, 2):
        for _ in range(6):
            state = step_building(SPEC, state, Orders(), PlantInputs(0, 0), 1)
            if measure_quantities(SPEC, state)["ev1.charge_state"] == expected:
                break
        assert expected == measure_quantities(SPEC, state)["ev1.charge_state"]


def test_without_voltage_nothing_runs_and_with_it_everything_again():
    dark = set_public_grid(build_initial_state(SPEC), grid.set_voltage(grid.PublicGrid(), 0.0, (1, 2, 3)))
    dark = step_building(SPEC, dark, Orders(battery_w=3_000), PlantInputs(3_000, 500), 1)
    seen = measure_quantities(SPEC, dark)
    lit = step_building(SPEC, set_public_grid(dark, grid.PublicGrid()), Orders(), PlantInputs(3_000, 0), 1)

    assert (0.0, 0.0, 0.0) == (seen["grid.power_w"], seen["grid.voltage_l1_v"], seen["base.power_w"])
    assert measure_quantities(SPEC, lit)["grid.power_w"] >= 3_000


def test_a_car_of_one_phase_loads_the_first_and_its_point_shows_it():
    state = plug_car(build_initial_state(SPEC), on=True, need_wh=5000, phases_count=1, takes_max_a=10.0)
    idle, seen = (
        measure_quantities(SPEC, state),
        measure_quantities(SPEC, step_building(SPEC, state, Orders(), PlantInputs(0.0, 0.0), 60)),
    )

    assert (10.0, 0.0, 0.0) == tuple(round(seen[f"ev1.current_l{k}_a"], 0) for k in (1, 2, 3))
    assert 2_300.0 == seen["grid.power_l1_w"] - seen["grid.power_l2_w"]
    assert 0.0 == idle["ev1.current_l1_a"]
    single = replace(SPEC, phases_count=1)
    assert 10.0 == round(
        measure_quantities(single, step_building(SPEC, state, Orders(), PlantInputs(0.0, 0.0), 60))[
            "ev1.current_l1_a"
        ],
        0,
    )


def test_a_real_asset_takes_what_was_read_of_it_and_the_grid_meter_has_it_in_its_sum():
    state = set_measured_powers(plug_car(build_initial_state(SPEC), on=True, need_wh=5000), {"ev1": 3700.0})
    state = step_building(SPEC, state, Orders(current_max_a=16.0), PlantInputs(500.0, 0.0), 3600)
    seen = measure_quantities(SPEC, state)

    assert 3700.0 == seen["ev1.power_w"]
    assert seen["grid.power_w"] == sum(seen[f"{name}.power_w"] for name in STANDARD_ASSETS)
    assert 3700.0 == state.import_wh["ev1"]


def test_a_real_asset_is_read_also_where_the_plant_has_no_voltage():
    state = set_measured_powers(build_initial_state(SPEC), {"ev1": 3700.0})
    state = set_public_grid(state, grid.set_voltage(state.mains, 0.0, (1, 2, 3)))

    assert (3700.0, 3700.0) == (state.powers_w["ev1"], state.grid_w)


def test_what_is_in_no_list_gives_beside_the_unmeasured_load():
    state = step_building(
        SPEC, build_initial_state(SPEC), Orders(), PlantInputs(500.0, 0.0, unlisted_w=2_000.0), 1.0
    )

    assert (-1_500, -1_500) == (state.powers_w["base"], state.grid_w - state.powers_w["hp1"])
