from dataclasses import replace

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.observe.residual_load import (
    ResidualLoad,
    ResidualWindow,
    append_residual_sample,
    attribute_rise,
    estimate_lost_discharge_w,
    estimate_residual_load_w,
    estimate_unseen_rise_w,
    find_generation_w,
    find_unmeasured_load_w,
)
from quartier.control.participants import Participant
from quartier.control.switch_state import SwitchState

S = 1_000_000_000


def known(t=0, **powers):
    return {f"{name}.power_w": LastGood(power_w, t * S) for name, power_w in powers.items()}


ALL = {"bat1": -500.0, "pv1": -1000.0, "ev1": 2000.0, "heat": 0.0, "pump": 1000.0, "cold": 500.0, "lift": 0.0}


def test_the_window_keeps_highest_and_lowest_of_5_s(house):
    pump = [Participant(house.assets[4], 1000.0, 1000.0, SwitchState())]
    window = ResidualWindow()
    for t, grid_w in enumerate((9000, 3000, 4000, 5000, 2000, 4000, 4500, 4600)):
        window = append_residual_sample(window, pump, LastGood(grid_w, t * S))

    assert ResidualLoad(3600, 3800, 1200) == window.base(pump)


def test_a_reading_counts_once_with_the_assets_as_they_were(house):
    before, after = ([Participant(house.assets[4], w, w, SwitchState())] for w in (0.0, 3000.0))
    window = append_residual_sample(ResidualWindow(), before, LastGood(4000, 0))

    assert window is append_residual_sample(window, after, LastGood(4000, 0))
    assert ResidualLoad(4000, 4000, 4000) == window.base(after)


def test_noise_within_200_w_costs_nothing(house):
    pump = [Participant(house.assets[4], 0.0, 0.0, SwitchState())]
    window = append_residual_sample(
        append_residual_sample(
            append_residual_sample(ResidualWindow(), pump, LastGood(900, 0)), pump, LastGood(1150, S)
        ),
        pump,
        LastGood(1000, 2 * S),
    )

    assert ResidualLoad(1000, 1000, 1000) == window.base(pump)


def test_other_participants_begin_anew(house):
    pump, heat = (Participant(house.assets[i], 0.0, 0.0, SwitchState()) for i in (4, 3))
    window = append_residual_sample(ResidualWindow(), [pump], LastGood(9000, 0))

    assert window.base([heat]) is None
    assert ResidualLoad(100, 100, 100) == append_residual_sample(window, [heat], LastGood(100, 0)).base(
        [heat]
    )
    assert ResidualWindow().base([]) is None


def test_the_remainder_is_the_most_seen_and_fades_over_a_day(house):
    first = find_unmeasured_load_w(house, known(**ALL), None, 5000, 1, 0)
    later = find_unmeasured_load_w(house, known(**ALL), 3000.0, 2000, 43_200, 0)

    assert (3000, 1500) == (first, later)


def test_the_remainder_waits_while_a_device_is_silent(house):
    some = {name: w for name, w in ALL.items() if name != "pump"}

    assert 700 == find_unmeasured_load_w(house, known(**some), 700, 9000, 1, 0)
    assert find_unmeasured_load_w(house, known(**some), None, 9000, 1, 0) is None


@pytest.mark.parametrize(("pump_w", "remainder"), [(-2_000.0, 8_000), (-32_768.0, 700)])
def test_the_remainder_learns_nothing_while_a_device_says_that_it_gives_far_more_than_it_can(
    house, pump_w, remainder
):
    only = replace(house, assets=(replace(house.assets[4], rated_w=1_500),))

    assert remainder == find_unmeasured_load_w(only, known(pump=pump_w), 700, 6_000, 0, 0)


def test_what_nobody_measures_is_part_of_the_remainder(house):
    oven = replace(house.assets[6], name="oven", measured=False)

    assert 700 == find_unmeasured_load_w(replace(house, assets=(oven,)), known(oven=300.0), None, 700, 1, 0)


def test_blind_counts_everything_at_its_worst(house):
    memories = known(**(ALL | {"bat1": -3000.0}))
    del memories["lift.power_w"]
    participants = [
        Participant(a, 0.0, 0.0, SwitchState())
        for a in house.assets
        if a.name in {"ev1", "heat", "pump", "cold"}
    ]

    assert 0 - 1000 + 4000 + 800 == estimate_residual_load_w(house, memories, participants, 800.0, 0)
    assert 0 - 1000 + 4000 + 5000 == estimate_residual_load_w(house, memories, participants, None, 0)
    assert 0 - 1000 + 4000 + 600 == estimate_residual_load_w(
        replace(house, unmeasured_w=600.0), memories, participants, 800.0, 0
    )


def test_what_nobody_measures_is_not_counted_twice(house):
    oven = replace(house.assets[6], name="oven", rated_w=700, measured=False)
    small = replace(house, assets=(oven,))

    assert 700 + 100 == estimate_residual_load_w(small, {}, [], 800.0, 0)


def test_silent_assets_count_what_they_could_take_more(house):
    assert 0 == estimate_unseen_rise_w(house.assets, known(**ALL), 0)
    assert 9040 + 2000 == estimate_unseen_rise_w(house.assets[2:5:2], known(ev1=2000.0, pump=1000.0), 20 * S)
    assert 0 == estimate_unseen_rise_w(house.assets, {}, 0)


def test_generation_counts_a_pv_that_fell_silent_at_its_rating(house):
    assert 1000 == find_generation_w(house, known(**ALL), 0)
    assert 6000 == find_generation_w(house, known(**ALL), 20 * S)
    assert 0 == find_generation_w(house, {}, 0)


def test_what_a_silent_battery_discharged_may_vanish_until_its_timer_is_over(house):
    def gone_w(age_s, power_w):
        return estimate_lost_discharge_w(house.assets, known(0, bat1=power_w), age_s * S)

    assert [0, 2000, 2000, 0] == [gone_w(age_s, -2000.0) for age_s in (14, 16, 70, 71)]
    assert 0 == gone_w(30, 2000.0)


def _seen(asset, power_w, read_s, grid_w, grid_s, window=None):
    """The window after a reading of the grid, with the asset as it was read last."""
    participant = [Participant(asset, power_w, power_w, SwitchState())]
    memories = known(read_s, **{asset.name: power_w})
    return participant, append_residual_sample(
        ResidualWindow() if window is None else window, participant, LastGood(grid_w, grid_s * S), memories
    )


def test_a_car_that_stopped_before_its_own_meter_told_so_moved_no_rest(house):
    car, window = house.assets[2], ResidualWindow()
    for grid_s, grid_w in enumerate((11_500, 11_500, 500, 500)):  # read at 0 s, it stops at 1.5 s
        participants, window = _seen(car, 11_000, 0, grid_w, grid_s, window)
    assert -10_500 == window.base(participants).now_w  # nobody knows yet

    participants, window = _seen(car, 0, 4, 500, 4, window)
    assert ResidualLoad(500, 500, 500) == window.base(participants)


def test_what_the_next_reading_does_not_explain_stays(house):
    car = house.assets[2]
    _, window = _seen(car, 2_000, 0, 9_000, 0)
    participants, window = _seen(car, 1_000, 1, 2_000, 1, window)

    assert ResidualLoad(1_000, 6_800, 1_000) == window.base(participants)


def test_a_load_that_has_ended_is_past_as_soon_as_the_grid_shows_it(house):
    participant = [Participant(house.assets[0], -5_000.0, -5_000.0, SwitchState())]
    window = ResidualWindow()
    assert (0.0, 0.0) == window.find_past_w(participant)
    told = []
    for t, grid_w in enumerate((7_000, 7_000, -4_200, -4_200)):
        window = append_residual_sample(window, participant, LastGood(grid_w, t * S))
        told.append(window.find_past_w(participant))
    after = [Participant(house.assets[0], -800.0, -800.0, SwitchState())]  # read before the grid shows it
    window = append_residual_sample(window, after, LastGood(-4_200, 4 * S))

    assert [(0.0, 0.0), (0.0, 0.0), (11_000.0, 0.0), (11_000.0, 0.0)] == told
    assert 11_800 == window.base(after).high_w
    assert (11_000.0, 0.0) == window.find_past_w(after)


def test_a_car_that_was_raised_before_the_grid_shows_it_hides_no_load(house):
    car, window = house.assets[2], ResidualWindow()
    for t, car_w in enumerate((0, 11_000, 11_000, 11_000)):
        participants, window = _seen(car, car_w, t, 12_000, t, window)
        assert (0.0, 0.0) == window.find_past_w(participants)


def test_a_load_may_be_that_of_a_car_which_stopped_until_that_is_read(house):
    car = house.assets[2]
    _, window = _seen(car, 3_000, 0, 12_000, 0)
    participants, window = _seen(car, 3_000, 0, 1_000, 1, window)
    unread = window.find_past_w(participants)
    participants, window = _seen(car, 3_000, 2, 1_000, 2, window)

    assert (7_800.0, 10_800.0) == (unread[0], window.find_past_w(participants)[0])


def test_generation_that_has_ended_is_past_as_soon_as_the_grid_shows_it(house):
    participant = [Participant(house.assets[0], 0.0, 0.0, SwitchState())]
    window = append_residual_sample(ResidualWindow(), participant, LastGood(-9_000, 0))
    window = append_residual_sample(window, participant, LastGood(500, S))
    charging = [Participant(house.assets[0], 500.0, 500.0, SwitchState())]

    assert (0.0, 9_300.0) == window.find_past_w(participant)
    window = append_residual_sample(window, charging, LastGood(1_000, 2 * S))
    assert (0.0, 9_300.0) == window.find_past_w(charging)


def _raised(house, grid_w, *, limit_w=8_000.0, raised=("ev1",)):
    car = house.assets[2]
    _, window = _seen(car, 4_000, 0, 4_500, 0)
    participant = Participant(car, 4_000, 4_000, SwitchState(limit_w=limit_w))
    attribute_rise(window, [participant], grid_w, raised)
    return participant.present_w, participant.desired_w


def test_a_rise_after_a_car_was_raised_is_the_cars_up_to_its_order(house):
    assert (7_000, 7_000) == _raised(house, 7_500)
    assert (8_000, 8_000) == _raised(house, 20_000)


def test_a_rise_is_not_the_cars_where_it_was_not_raised_or_has_answered(house):
    assert (4_000, 4_000) == _raised(house, 7_500, raised=())
    assert (4_000, 4_000) == _raised(house, 7_500, limit_w=4_000.0)
    assert (4_000, 4_000) == _raised(house, 1_000)


def settling(house, *, before_w, settled_w):
    """A car that was lowered just now."""
    car = Participant(house.assets[2], before_w, settled_w, SwitchState())
    car.settled_w = settled_w
    return [car]


def test_a_car_that_is_gone_already_is_no_export(house):
    window = append_residual_sample(
        ResidualWindow(),
        [Participant(house.assets[2], 11_000.0, 11_000.0, SwitchState())],
        LastGood(11_600, 0),
    )
    for t in range(1, 4):
        car = settling(house, before_w=11_000.0, settled_w=0.0)
        window = append_residual_sample(
            window, car, LastGood(600, t * S)
        )  # the grid's meter shows it gone, or the rest fell

        assert ResidualLoad(600, 600, 600) == window.base(car)

    stopped = [Participant(house.assets[2], 0.0, 0.0, SwitchState())]
    assert ResidualLoad(600, 600, 600) == append_residual_sample(window, stopped, LastGood(600, 4 * S)).base(
        stopped
    )


def test_a_car_that_is_still_there_sheds_nobody_else(house):
    window = append_residual_sample(
        ResidualWindow(),
        [Participant(house.assets[2], 11_000.0, 11_000.0, SwitchState())],
        LastGood(11_600, 0),
    )
    car = settling(house, before_w=11_000.0, settled_w=0.0)

    assert ResidualLoad(600, 600, 600) == append_residual_sample(window, car, LastGood(11_600, S)).base(car)


def test_what_a_lowered_car_does_not_explain_is_the_rest(house):
    window = append_residual_sample(
        ResidualWindow(),
        [Participant(house.assets[2], 11_000.0, 11_000.0, SwitchState())],
        LastGood(11_600, 0),
    )
    car = settling(house, before_w=11_000.0, settled_w=0.0)

    assert 1_600 == append_residual_sample(window, car, LastGood(12_600, S)).base(car).now_w
    assert -1_400 == append_residual_sample(window, car, LastGood(-1_400, S)).base(car).now_w
