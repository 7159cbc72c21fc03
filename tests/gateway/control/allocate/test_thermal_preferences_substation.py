from dataclasses import replace

import pytest

from quartier.control.allocate import thermal_preferences
from quartier.control.reason import render_text
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import HeatSubstation, OperationMode

PUMP = HeatSubstation(
    name="loop",
    rated_w=7_500,
    tier="C",
    quantity="pump_pct",
    senses=("supply_c", "return_c"),
    modes=tuple(OperationMode(f"{p} % speed", p, 7_500 * (p / 100) ** 3) for p in (100, 80, 60, 40)),
    bands=(("supply_c", 8, 75), ("return_c", 5, float("inf"))),
)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ({"supply_c": 40, "return_c": 30}, ""),
        ({"supply_c": 75, "return_c": 5}, ""),
        ({"supply_c": 75.1, "return_c": 30}, "its supply is at 75.1 °C, above 75 °C"),
        ({"supply_c": 40, "return_c": 4.9}, "its return is at 4.9 °C, below 5 °C"),
        ({"return_c": 30}, "its supply temperature is not known"),
    ],
)
def test_outside_its_temperatures_the_pump_is_given_back(seen, points, why):
    assert why == render_text(
        thermal_preferences.find_substation_preference(PUMP, seen(PUMP, **points)).given_back
    )


@pytest.mark.parametrize(("supply_c", "well"), [(74.1, False), (74.0, True)])
def test_what_was_given_back_is_moved_again_only_a_kelvin_inside(seen, supply_c, well):
    make_inputs = seen(PUMP, released=("loop.pump_pct",), supply_c=supply_c, return_c=30)

    assert well is (thermal_preferences.find_substation_preference(PUMP, make_inputs).given_back is None)


def test_at_the_start_it_has_its_time_to_say_how_warm_it_is(seen):
    make_inputs = replace(seen(PUMP), running_s=15.0)

    assert thermal_preferences.find_substation_preference(PUMP, make_inputs).given_back is None
    assert 0 == thermal_preferences.find_substation_preference(PUMP, make_inputs).lowest


def test_its_least_flow_is_the_least_of_all(seen):
    preference = thermal_preferences.find_substation_preference(PUMP, seen(PUMP, supply_c=40, return_c=30))

    assert 40 == PUMP.modes[preference.lowest].value
    assert 0 == preference.preferred_mode


@pytest.mark.parametrize(("ago_s", "why"), [(1_199, "its own control is active for 20 min"), (1_200, "")])
def test_its_own_control_keeps_it_for_20_min_though_the_loop_is_well_again(seen, ago_s, why):
    make_inputs = seen(PUMP, supply_c=40, return_c=30)
    turns = {"loop": SwitchState(back_ns=make_inputs.now_ns - ago_s * 1_000_000_000)}

    later = replace(make_inputs, state=replace(make_inputs.state, switch_states=turns))
    assert why == render_text(thermal_preferences.find_substation_preference(PUMP, later).given_back)
