from quartier_sim.plant.heating import HeatPumpSpec, HeatPumpState, step_heat_pump

SPEC = HeatPumpSpec()


def test_runs_from_its_lower_to_its_upper_temperature():
    cold = step_heat_pump(SPEC, HeatPumpState(tank_c=49.9), 0, 1, relay_on=True)
    warm = step_heat_pump(SPEC, HeatPumpState(tank_c=53, running_on=True), 0, 1, relay_on=True)
    hot = step_heat_pump(SPEC, HeatPumpState(tank_c=56.1, running_on=True), 0, 1, relay_on=True)

    assert (True, True, False) == (cold.running_on, warm.running_on, hot.running_on)
    assert 1 == cold.starts_count


def test_an_open_relay_stops_it_whatever_the_tank_wants():
    state = step_heat_pump(SPEC, HeatPumpState(tank_c=30), 0, 1, relay_on=False)

    assert SPEC.idle_w == state.power_w


def test_heat_is_electricity_times_cop_less_losses_and_draw():
    state = step_heat_pump(SPEC, HeatPumpState(tank_c=40), 1000, 3600, relay_on=True)

    assert 40 + (2500 * 3 - 4 * 20 - 1000) / 350 == state.tank_c
