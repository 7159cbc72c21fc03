import pytest

from quartier_hil.report import curves
from quartier_hil.report.curves import Axis


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.3, 9.7, (0, 2.5, 5, 7.5, 10)),
        (-4.1, 11.9, (-5, 0, 5, 10, 15)),
        (49.38, 50.02, (49.2, 49.4, 49.6, 49.8, 50.0, 50.2)),
        (7, 7, (6, 6.5, 7, 7.5, 8)),
    ],
)
def test_an_axis_goes_to_the_round_steps_around_its_values(low, high, ticks):
    begins, ends, found = curves.round_axis(low, high, 4)

    assert (ticks[0], ticks[-1], pytest.approx(ticks)) == (begins, ends, found)


def test_an_axis_that_was_said_is_kept():
    axis = curves.make_value_axis([55, 80], low=40, high=100, top=10, bottom=110)

    assert (40, 100, 110, 10) == (axis.low, axis.high, axis.at(40), axis.at(100))
    assert {40, 60, 80, 100} <= set(axis.ticks)


def test_what_is_far_outside_stays_near_the_panel():
    assert (-100, 200) == (Axis(0, 1, 0, 100).at(-1e9), Axis(0, 1, 0, 100).at(1e9))


def test_times_are_those_of_a_clock():
    start_s = 18 * 3600 + 20 * 60
    axis = curves.make_time_axis(start_s, 0, 7200, 50, 650)

    assert ["18:30", "18:45", "19:00"] == [curves.format_clock(start_s + tick) for tick in axis.ticks][:3]
    assert (50, 650) == (axis.at(0), axis.at(7200))


def test_a_clock_goes_on_after_midnight():
    assert ("00:30", "00:30:05") == (curves.format_clock(88_200), curves.format_clock(88_205, seconds=True))
