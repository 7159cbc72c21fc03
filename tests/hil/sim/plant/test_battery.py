from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.plant.battery import BatterySpec, BatteryState, step_battery

SPEC = BatterySpec(
    capacity_wh=1000,
    charge_max_w=500,
    discharge_max_w=500,
    efficiency_pct=90,
    ramp_max_w_per_s=1000,
    delay_s=0,
)


def test_charging_stores_less_than_it_takes_and_discharging_takes_more_than_it_gives():
    charged = step_battery(SPEC, BatteryState(500), 360, now_s=0, dt_s=10)
    emptied = step_battery(SPEC, BatteryState(500), -360, now_s=0, dt_s=10)

    assert 500 + 1.0 * 0.9 == charged.energy_wh
    assert 500 - 1.0 / 0.9 == emptied.energy_wh


def test_an_order_acts_after_its_delay_and_then_by_its_ramp():
    spec = BatterySpec(ramp_max_w_per_s=100, delay_s=2)
    state = BatteryState(5000)
    powers = []
    for second in range(6):
        state = step_battery(spec, state, 250, now_s=float(second), dt_s=1)
        powers.append(state.power_w)

    assert [0, 0, 100, 200, 250, 250] == powers


def test_the_newest_order_wins_over_those_still_waiting():
    spec = BatterySpec(ramp_max_w_per_s=10_000, delay_s=1)
    state = step_battery(spec, BatteryState(5000), 1000, now_s=0, dt_s=0.5)
    state = step_battery(spec, state, -1000, now_s=0.5, dt_s=0.5)
    state = step_battery(spec, state, -1000, now_s=2, dt_s=1)

    assert -1000 == state.power_w


@given(
    st.lists(
        st.tuples(st.floats(-2000, 2000), st.floats(0.1, 600)),
        min_size=1,
        max_size=40,
    ),
    st.floats(0, 1000),
)
def test_energy_never_leaves_the_battery_and_follows_its_power(orders, energy_wh):
    state, now_s = BatteryState(energy_wh), 0.0
    for order_w, dt_s in orders:
        after = step_battery(SPEC, state, order_w, now_s, dt_s)
        flow_w = after.power_w * 0.9 if after.power_w > 0 else after.power_w / 0.9

        assert 0 <= after.energy_wh <= SPEC.capacity_wh
        assert abs(after.energy_wh - state.energy_wh - flow_w * dt_s / 3600) < 1e-6
        assert -SPEC.discharge_max_w <= after.power_w <= SPEC.charge_max_w
        state, now_s = after, now_s + dt_s
