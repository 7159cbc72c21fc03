"""What an event of the grid does to a building, through the whole cycle."""

from dataclasses import replace

import pytest
from tests.gateway.control.ordering import by_hand, commanded

from quartier.control.allocate import steps
from quartier.control.events import response
from quartier.control.events.effects import GridEffects
from quartier.control.orders.commands import Shed
from quartier.control.participants import Participant
from quartier.control.records import AllocationStep
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, Lights, OperationMode, OperationModeAsset, Pv

CALM_S = 30  # of a sound grid before an event
ALL = {"heat": 1_500, "pump": 2_000, "cold": 1_000, "lift": 700}


@pytest.fixture
def fed(plant, house):
    """A building whose meter says frequency and voltage every second; the last row needs faster ones."""

    def made(**more):
        house_ = more.pop("house", house)
        grid = replace(house_.grid, frequency_period_s=more.pop("period_s", 1.0), voltage_period_s=1.0)
        p = commanded(plant, house=replace(house_, grid=grid), base_w=500, loads_w=dict(ALL), **more)
        p.raw |= {f"grid.voltage_l{n}_v": 230.0 for n in (1, 2, 3)}
        return p

    return made


def hz(p, value, seconds):
    """The grid at about this frequency: a real one never stands still."""
    for _ in range(seconds):
        p.raw["grid.frequency_hz"] = value - 0.001 * (p.t % 3)
        p.step()
    return p


def hz_until(p, value, is_so, most_s):
    """The grid at about this frequency until something is so."""
    for _ in range(most_s):
        if is_so():
            return p
        hz(p, value, 1)
    raise AssertionError(f"not within {most_s} s")


def _firsts(p, point, since):
    """When a relay was first told to close again."""
    return [(t, on) for t, on in p.written(point, since) if on][:1]


def relays(p):
    return [p.points.get(f"{name}.relay_on", 1.0) for name in ("heat", "pump", "cold", "lift")]


@pytest.mark.parametrize(
    ("value", "stands"), [(49.82, [1, 1, 1, 1]), (49.75, [0, 1, 1, 1]), (49.45, [0, 0, 1, 1])]
)
def test_a_low_frequency_takes_its_tiers_in_order_and_never_tier_a(fed, value, stands):
    p = hz(hz(fed(), 50.0, CALM_S), value, 6)

    assert stands == relays(p)


def test_a_low_frequency_waits_for_no_reading_of_the_power_where_another_set_of_assets_takes_part(fed):
    p = hz(fed(), 50.0, CALM_S)
    p.silent = {"grid.power_w"}
    hz(p, 50.0, 4)
    p.people["bat1"] = by_hand("bat1", None)

    assert [0, 1, 1, 1] == relays(hz(p, 49.75, 4))


def test_a_low_frequency_just_after_a_start_waits_for_no_reading_of_the_power(fed):
    p = hz(fed(silent={"grid.power_w"}), 49.75, 4)

    assert [(2, 0.0)] == p.written("heat.relay_on")
    assert [] == p.written("pump.relay_on")


def test_in_an_outage_a_start_does_not_tell_a_car_to_take_all_it_may_where_its_order_is_not_shown(fed):
    p = fed()
    sound = {f"grid.voltage_l{n}_v": 230.0 for n in (1, 2, 3)}
    p.raw |= dict.fromkeys(sound, 0.0)
    hz(p, 50.0, 30)
    assert [] == p.written("ev1.current_max_a")

    p.raw |= sound
    hz_until(p, 50.0, lambda: p.written("ev1.current_max_a"), 400)
    assert [16.0] == [amperes for _, amperes in p.written("ev1.current_max_a")]


def test_the_last_row_takes_tier_b_where_frequency_is_read_fast_enough(fed):
    p = hz(hz(fed(period_s=0.2), 50.0, CALM_S), 49.1, 3)

    assert [0, 0, 0, 1] == relays(p)
    assert "grid at 49.10 Hz: tier B off" == str(p.state.book.orders["cold.relay_on"].reason)


@pytest.mark.long
def test_the_reason_names_the_grid_and_then_what_is_waited_for(fed):
    p = hz(hz(fed(), 50.0, CALM_S), 49.46, 4)
    assert p.view["assets"]["pump"]["command"]["reason"] == "grid at 49.46 Hz: tier C off"
    assert "low frequency: tier D, C off" in p.view["alarms"]

    hz_until(p, 50.0, lambda: relays(p) == [1, 1, 1, 1], 800)
    reasons = [c.reason for _, c in p.log if c.point == "pump.relay_on"]
    assert "grid at 49.46 Hz: tier C off" in reasons


def test_while_a_row_acts_nothing_is_said_to_come_back_though_a_further_row_began(fed):
    p = hz(hz(hz(fed(), 50.0, CALM_S), 49.75, 4), 49.46, 30)

    assert "grid at 49.46 Hz: tier D off" == str(p.state.book.orders["heat.relay_on"].reason)


@pytest.mark.long
def test_what_was_shed_comes_back_one_by_one(fed):
    p = hz(hz(fed(), 50.0, CALM_S), 49.4, 5)
    ended = p.t
    hz_until(p, 50.0, lambda: relays(p) == [1, 1, 1, 1], 900)
    back = sorted(t for n in ("heat", "pump") for t, _ in _firsts(p, f"{n}.relay_on", ended))

    assert back[0] >= ended + 60
    assert back[1] - back[0] >= 30


def test_a_battery_stops_charging_from_the_grid_and_then_gives_up_to_the_export_cap(fed):
    p = fed(soc_pct=60)
    p.house = replace(p.house, grid_target_w=4_000)
    p.state = p.state.adopt(p.house)
    p.loads_w = {}
    hz(p, 50.0, CALM_S)
    assert p.bat_w > 2_000, "it charges from the grid, as is aimed at"

    hz(p, 49.75, 20)
    assert p.bat_w <= 50
    p.cap(export_max_w=1_500)
    hz(p, 49.45, 30)
    assert -1_500 - 50 <= p.grid_w <= -1_200
    assert (
        "grid at 49.45 Hz: discharges" in str(p.state.book.orders["bat1.setpoint_w"].reason)
        or p.bat_w < -1_500
    )


def test_a_battery_that_has_nothing_to_give_is_not_said_to_discharge(fed, with_house):
    p = fed(house=with_house("bat1"), soc_pct=20)
    p.loads_w = {}
    hz(hz(p, 50.0, CALM_S), 49.45, 20)
    order = p.state.book.orders["bat1.setpoint_w"]

    assert (0.0, "self-consumption: at its lower bound of 20 %") == (order.value, str(order.reason))


def test_a_surplus_still_charges_the_battery_in_the_first_row(fed):
    p = fed(soc_pct=50, sun_w=4_000)
    p.loads_w = {}
    hz(p, 50.0, CALM_S)
    hz(p, 49.75, 30)

    assert p.bat_w > 3_000
    assert abs(p.grid_w) < 300


def test_a_boost_that_the_first_row_ended_is_blocked_by_the_second_without_a_wait(fed, house):
    boiler = OperationModeAsset(
        name="boiler",
        rated_w=3_000,
        tier="C",
        quantity="sg_ready_state",
        modes=(
            OperationMode("boost", 3, 3_000),
            OperationMode("normal", 2, 2_000),
            OperationMode("blocked", 1, 0),
        ),
        normal=1,
        min_on_s=300,
        min_off_s=180,
    )
    roof = Pv(name="pv1", rated_w=9_000, curtail="none")
    p = fed(house=replace(house, assets=(boiler, roof)))
    p.loads_w, p.base_w, p.sun_w = {}, 0, 8_500
    hz(p, 50.0, 340)
    boosted = p.points["boiler.sg_ready_state"]
    hz(p, 49.75, 4)
    ended = p.points["boiler.sg_ready_state"]
    hz(p, 49.45, 4)

    assert (3, 2, 1) == (boosted, ended, p.points["boiler.sg_ready_state"])


@pytest.mark.long
def test_a_minimum_time_outlasts_the_event(fed):
    p = hz(fed(soc_pct=12), 50.0, CALM_S)
    p.cap(import_max_w=2_500)
    hz(p, 50.0, 10)
    p.cap(import_max_w=10_000)
    eased = p.t
    hz_until(p, 50.0, lambda: p.points["pump.relay_on"] == 1, 900)
    came_back = p.t - 1
    assert came_back > eased + 120
    hz(p, 49.4, 10)
    assert 1 == p.points["pump.relay_on"], "a compressor that just started protects itself"

    hz_until(p, 49.4, lambda: p.points["pump.relay_on"] == 0, 300)
    off = [t for t, on in p.written("pump.relay_on", came_back) if not on]
    assert off
    assert 299 <= off[0] - came_back <= 305


def test_a_load_that_rests_is_held_off_too(fed):
    p = fed()
    p.loads_w["pump"] = 0
    hz(p, 50.0, CALM_S)
    hz(p, 49.4, 5)

    assert 0 == p.points["pump.relay_on"]


def test_a_car_pauses_and_is_not_raised_until_it_is_over(fed):
    p = fed(ev_wants_w=11_040)
    hz(p, 50.0, CALM_S)
    assert p.points["ev1.current_max_a"] > 0
    hz(p, 49.7, 450)  # longer than the 120 s and the random 300 s after which cars are raised

    assert 0 == p.points["ev1.current_max_a"]


def test_lights_are_dimmed_to_half_and_never_off(fed, house):
    modes = tuple(OperationMode(f"{n} %", n, 10.0 * n) for n in (100, 75, 50, 0))
    street = Lights(name="street", rated_w=1_000, tier="C", quantity="dim_pct", modes=modes)
    p = fed(house=replace(house, assets=(*house.assets, street)))
    hz(p, 50.0, CALM_S)
    hz(p, 49.4, 10)

    assert 50 == p.points["street.dim_pct"]


@pytest.mark.long
def test_modes_go_to_the_last_mode_step_of_their_tier_and_come_back(fed, house):
    modes = (OperationMode("high", 2, 2_000), OperationMode("low", 1, 1_000), OperationMode("off", 0, 0))
    fan = OperationModeAsset(name="fan", rated_w=2_000, tier="C", quantity="step_index", modes=modes)
    p = fed(house=replace(house, assets=(*house.assets, fan)))
    p.loads_w["fan"] = 1.0
    hz(p, 50.0, CALM_S)
    hz(p, 49.4, 10)
    assert 0 == p.points["fan.step_index"]

    hz_until(p, 50.0, lambda: p.points["fan.step_index"] == 2, 1_000)


@pytest.mark.long
def test_a_high_frequency_keeps_pv_where_it_is_for_600_s_of_calm(fed):
    p = fed(sun_w=6_000, soc_pct=95)
    p.loads_w = {}
    hz(p, 50.0, 60)
    p.cap(export_max_w=1_000)
    hz(p, 50.3, 60)
    held_w = p.points["pv1.generation_max_w"]
    p.cap(export_max_w=6_000)
    hz(p, 50.3, 60)
    assert held_w == p.points["pv1.generation_max_w"]

    hz(p, 50.05, 599)
    assert held_w == p.points["pv1.generation_max_w"]
    hz_until(p, 50.05, lambda: p.points["pv1.generation_max_w"] > held_w, 300)


def test_high_voltage_stops_a_battery_from_feeding_in_and_low_voltage_takes_tier_d(fed):
    p = fed(soc_pct=80)
    p.house = replace(p.house, grid_target_w=-2_000)
    p.state = p.state.adopt(p.house)
    p.loads_w = dict.fromkeys(ALL, 0)
    hz(p, 50.0, 60)
    assert p.grid_w < -1_000
    p.raw["grid.voltage_l2_v"] = 254.0
    hz(p, 50.0, 100)
    assert p.grid_w > -300

    p.raw |= {f"grid.voltage_l{n}_v": 205.0 for n in (1, 2, 3)}
    hz_until(p, 50.0, lambda: relays(p) != [1, 1, 1, 1], 300)
    hz(p, 50.0, 70)  # longer than any row waits before it acts
    assert [0, 1, 1, 1] == relays(p)


@pytest.mark.long
def test_after_an_outage_nothing_of_ours_rises_until_the_grid_is_well_and_then_slowly(fed):
    p = fed(ev_wants_w=11_040, soc_pct=60)
    p.cap(import_max_w=9_000)
    hz(p, 50.0, CALM_S)
    p.raw |= {f"grid.voltage_l{n}_v": 0.0 for n in (1, 2, 3)}
    before = relays(p)
    hz(p, 50.0, 10)
    assert before == relays(p), "nothing is opened by itself"
    p.raw |= {f"grid.voltage_l{n}_v": 230.0 for n in (1, 2, 3)}
    begun, seen = p.t, p.points["ev1.current_max_a"]
    hz(p, 50.0, 61)
    assert p.points["ev1.current_max_a"] <= seen
    assert "after an outage: nothing is raised until the grid is normal" in p.view["alarms"]

    hz_until(p, 50.0, lambda: p.points["ev1.current_max_a"] > seen, 300 + 700)
    assert p.state.events.outage.rises_ns < p.t * 10**9
    hz_until(p, 50.0, lambda: not p.state.events.outage.is_open, 700)
    assert p.t - begun > 61 + 300


def test_no_event_lifts_a_cap(fed):
    p = fed(ev_wants_w=11_040)
    p.cap(import_max_w=6_000, export_max_w=2_000)
    hz(p, 50.0, CALM_S)
    for value in (49.7, 49.3, 50.3, 50.0):
        hz(p, value, 60)
        assert 6_000 == p.view["caps"]["import"]["max_w"]
        assert 2_000 == p.view["caps"]["export"]["max_w"]
    hz_until(p, 50.0, lambda: relays(p) == [1, 1, 1, 1], 900)
    hz(p, 50.0, 60)
    assert 6_000 == p.view["caps"]["import"]["max_w"]
    assert 2_000 == p.view["caps"]["export"]["max_w"]
    assert 0 == p.longest_over_s(6_000, CALM_S + 10)
    assert p.longest_over_s(2_000, CALM_S + 10, export=True) <= 5


@pytest.mark.parametrize(
    ("turn", "deaf", "want_w", "after_w", "moved"),
    [
        (SwitchState(), False, 9_000.0, 0.0, {0: 0}),
        (SwitchState(since_ns=0), False, 9_000.0, 4_140.0, {}),
        (SwitchState(since_ns=0), False, 3_000.0, 3_000.0, {}),
        (SwitchState(on=False, since_ns=0), False, 0.0, 0.0, {}),
        (SwitchState(since_ns=0, limit_w=5_000.0), True, 9_000.0, 4_140.0, {}),
        (SwitchState(since_ns=0, limit_w=4_140.0), True, 9_000.0, 9_000.0, {}),  # it was told so already
        (SwitchState(since_ns=0), True, 20_000.0, 4_140.0, {}),
    ],
)
def test_a_car_that_may_not_pause_yet_goes_down_to_its_floor(make_inputs, turn, deaf, want_w, after_w, moved):
    wants, acted = [want_w], {}
    car = Participant(
        ChargePointAsset(name="ev1", rated_w=11_040), want_w, want_w, turn, is_unresponsive=deaf
    )
    found = response.apply_tier_shed(
        make_inputs(t=59, grid_effects=GridEffects(off={"D": "grid at 49.70 Hz"})), [car], wants, acted
    )

    assert (moved, [after_w]) == (found, wants)
    assert ({} if after_w == want_w else {0: "grid at 49.70 Hz"}) == acted


def test_while_nothing_may_take_more_an_export_cap_has_batteries_take_what_is_left_over_and_pv_make_less(
    house,
):
    participants = [Participant(asset, 0.0, 0.0, SwitchState()) for asset in house.assets[:4]]
    ups = [
        AllocationStep(0, 5_000.0, divisible=True, reason=steps.TAKES),
        AllocationStep(3, 2_000.0, divisible=False, reason=steps.SWITCHED_ON),
        AllocationStep(1, 0.0, divisible=True, reason=steps.CURTAILED),
    ]
    found = response.protect_from_increase(ups, participants)

    assert [("battery charges", 5_000.0), ("generation curtailed", 0.0)] == [
        (str(one.reason), one.target_w) for one in found
    ]


def test_a_car_that_stops_at_a_low_frequency_brings_no_battery_to_charge(fed, with_house):
    p = fed(house=with_house("bat1", "ev1"), ev_wants_w=11_040, soc_pct=80)
    p.loads_w = {}
    hz(p, 50.0, CALM_S)
    since = p.t
    hz(p, 48.9, 2)
    p.raw |= {"ev1.power_w": 11_040.0, "ev1.plugged_on": 1.0}  # it stops at once, and its meter tells it late
    p.ev_wants_w = 0.0
    hz(p, 48.9, 2)
    p.raw["ev1.power_w"] = 0.0
    hz(p, 48.9, 20)

    assert 0.0 == p.points["ev1.current_max_a"]
    assert max(value for _, value in p.written("bat1.setpoint_w", since)) <= -4_000


def test_a_low_frequency_ends_charging_that_a_person_ordered_and_a_shed_does_not(fed):
    p = hz(fed(soc_pct=30), 50.0, CALM_S)
    p.people = {"bat1": by_hand("bat1", 3_000.0)}
    p.command(Shed(1, 600))
    hz(p, 50.0, 30)
    assert pytest.approx(3_000, abs=30) == p.points["bat1.setpoint_w"]
    hz(p, 49.7, 5)
    assert p.points["bat1.setpoint_w"] <= 0
