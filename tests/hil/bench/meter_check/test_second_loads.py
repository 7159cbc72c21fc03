import numpy as np
import pytest

from quartier_bench.meter_check.second_loads import (
    DAY_H,
    DAY_S,
    HOUR_S,
    OVEN_ON_S,
    OVEN_PERIOD_S,
    OVEN_W,
    count_days,
    make_day,
)


def _hours_kwh(seconds_w):
    return seconds_w.reshape(DAY_H, HOUR_S).mean(axis=1) / 1_000.0


@pytest.mark.parametrize("oven_share", [0.0, 1.0])
def test_each_hour_has_the_recorded_energy(home, oven_share):
    day = make_day(home, 1, oven_share=oven_share)

    assert np.allclose(home.load_kwh[DAY_H:], _hours_kwh(day.load_w))
    assert np.allclose(home.pv_kwh[DAY_H:], _hours_kwh(day.generated_w))


def test_days_of_measured_homes_have_the_measured_energies(measured):
    for home in measured:
        for number in (0, 180, count_days(home) - 1):
            day = make_day(home, number)
            hours = slice(DAY_H * number, DAY_H * (number + 1))
            assert np.allclose(home.load_kwh[hours], _hours_kwh(day.load_w), atol=1e-6)
            assert np.allclose(home.pv_kwh[hours], _hours_kwh(day.generated_w), atol=1e-6)


def test_nothing_is_below_zero_and_nights_have_no_sun(home):
    day = make_day(home, 0)

    assert min(phase.min() for phase in day.phases_w) >= 0
    assert (0, 0) == (day.heat_pump_w.min(), day.generated_w[: 6 * HOUR_S].max())
    assert 0.2 <= day.sky.min() <= day.sky.max() <= 1.0001


def test_the_same_seed_gives_the_same_seconds_and_another_gives_others(home):
    assert np.array_equal(make_day(home, 0, 3).load_w, make_day(home, 0, 3).load_w)
    assert not np.array_equal(make_day(home, 0, 3).load_w, make_day(home, 0, 4).load_w)


def test_an_oven_pulses_for_20_s_of_45_s(home):
    load_w = make_day(home, 0, oven_share=1.0).load_w
    on = np.flatnonzero(np.diff(load_w) > OVEN_W - 500)
    off = np.flatnonzero(np.diff(load_w) < -OVEN_W + 500)

    assert len(on) > 20
    assert {OVEN_ON_S} == set((off[: len(on)] - on[: len(off)]).tolist())
    assert OVEN_PERIOD_S == int(np.median(np.diff(on)))


def test_every_day_has_its_seconds(home):
    assert (2, DAY_S) == (count_days(home), len(make_day(home, 0).heat_pump_w))
