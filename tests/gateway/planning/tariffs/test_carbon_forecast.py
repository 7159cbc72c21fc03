"""Carbon of the hours to come, by the days that are over alone."""

import json
import math

import pytest

from quartier.planning.tariffs.carbon_forecast import CarbonForecast, fill_carbon


def daily(slot):
    return 0.15 + 0.05 * math.sin(2 * math.pi * slot / 24)


def learnt(course, slots):
    carbon = CarbonForecast()
    for slot in slots:
        carbon.learn(slot, course(slot))
    return carbon


def test_nothing_is_expected_before_anything_is_known():
    assert () == CarbonForecast().ahead(4)
    assert [0.2] * 4 == learnt(lambda _: 0.2, [7]).ahead(4)


def test_each_day_as_the_last_is_expected_again():
    found = learnt(daily, range(24 * 9)).ahead(48)
    assert pytest.approx([daily(24 * 9 - 1 + at) for at in range(48)]) == found


def test_a_day_that_is_dirtier_than_usual_is_so_for_hours_and_less_and_less():
    carbon = learnt(daily, range(24 * 8))
    carbon.learn(24 * 8, daily(24 * 8) + 0.08)
    off = [value - daily(24 * 8 + at) for at, value in enumerate(carbon.ahead(24))]
    assert pytest.approx([0.08 * math.exp(-at / 24) for at in range(24)]) == off


def test_hours_that_nobody_told_count_for_nothing():
    carbon = learnt(daily, [*range(24 * 3), *range(24 * 3 + 5, 24 * 6)])
    assert pytest.approx([daily(24 * 6 - 1 + at) for at in range(24)]) == carbon.ahead(24)


def test_after_a_gap_of_weeks_the_old_days_are_gone():
    carbon = learnt(daily, range(24 * 8))
    carbon.learn(24 * 50, 0.4)
    assert [0.4] * 24 == pytest.approx(carbon.ahead(24))


def test_what_is_older_than_known_is_left_out():
    carbon = learnt(daily, range(24 * 2))
    carbon.learn(3, 9.0)
    assert max(carbon.ahead(24)) < 1.0


def test_slots_may_be_shorter():
    carbon = CarbonForecast(slot_s=900)
    for slot in range(96 * 8):
        carbon.learn(slot, 0.1 if slot % 96 < 48 else 0.3)
    found = carbon.ahead(97)
    assert (0.3, 0.1, 0.3) == tuple(pytest.approx(found[at]) for at in (0, 1, 96))


def test_hours_to_come_are_asked_by_their_number_while_the_newest_is_of_the_last_day():
    carbon = learnt(daily, range(24 * 8))
    newest = 24 * 8 - 1

    assert carbon.ahead(5)[2:] == pytest.approx(carbon.at([newest + 2, newest + 3, newest + 4]))
    assert carbon.ahead(1) == carbon.at([newest])
    assert (
        () == carbon.at([newest - 1]) == carbon.at([newest + 24]) == carbon.at([]) == CarbonForecast().at([5])
    )
    assert 2 == len(carbon.at([newest + 23, newest + 40]))


def test_it_outlives_being_kept():
    carbon, other = learnt(daily, range(5, 24 * 2)), CarbonForecast()
    other.recall(json.loads(json.dumps(carbon.keep())))

    assert carbon.at([50, 60]) == other.at([50, 60])
    assert (carbon.newest, 2) == (other.newest, other.days)
    fresh = CarbonForecast()
    fresh.recall(json.loads(json.dumps(CarbonForecast().keep())))
    assert (0, ()) == (fresh.days, fresh.ahead(3))


@pytest.mark.parametrize(
    "change", [{"slot_s": 900}, {"values": None}, {"values": [1.0]}, {"newest": "x"}, {"newest": math.inf}]
)
def test_what_is_no_such_thing_is_not_taken(change):
    carbon = CarbonForecast()
    for told in (None, CarbonForecast().keep() | change):
        with pytest.raises(ValueError, match="carbon: expected"):
            carbon.recall(told)


def test_what_is_signalled_counts_before_what_is_forecast_and_a_mean_before_nothing():
    nan = math.nan
    assert (0.1, 0.2) == fill_carbon((0.1, 0.2), [9.0, 9.0])
    assert [0.1, 0.4, 0.5] == fill_carbon((0.1, nan, nan), [0.3, 0.4, 0.5])
    assert [0.1, 0.3, 0.2] == pytest.approx(fill_carbon((0.1, 0.3, nan), ()))
    assert [0.0, 0.0] == fill_carbon((nan, nan), ())


def test_what_a_slot_emitted_is_known_for_a_week_and_nothing_else_is():
    one = CarbonForecast()
    assert math.isnan(one.of(5))
    for slot in (*range(5, 8), *range(9, 180)):
        one.learn(slot, slot / 1000.0)
    assert (0.179, 0.012) == (one.of(179), one.of(12))
    assert all(math.isnan(one.of(slot)) for slot in (8, 11, 180, 5))
