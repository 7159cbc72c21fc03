"""The steps of a day, and the building's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from quartier.planning.planning_day import PlanningDay

PARIS = ZoneInfo("Europe/Paris")


def day(begin, count, step_s=3600):
    first = datetime.fromisoformat(begin).replace(tzinfo=PARIS).astimezone(UTC)
    times = [(first + number * timedelta(seconds=step_s)).astimezone(PARIS) for number in range(count)]
    return PlanningDay(times=times, step_s=step_s)


def test_a_step_counts_where_it_begins_after_an_arrival_and_ends_before_a_departure():
    here = day("2026-06-12T12:00", 24, 900)

    assert [0, 1, 1, 2] == [here.first(in_s) for in_s in (-900.0, 1.0, 900.0, 901.0)]
    assert [0, 0, 1, 1, 96] == [here.until(in_s) for in_s in (-1.0, 899.0, 900.0, 1799.0, 86_400.0)]


def test_a_time_of_day_is_the_next_later_than_now():
    here = day("2026-06-12T12:00", 36)

    assert 19.5 * 3600 == here.find_next_s(7.5 * 3600)
    assert 24 * 3600.0 == here.find_next_s(12 * 3600.0)
    assert 25 * 3600.0 == here.find_next_s(13 * 3600.0, after_s=3600.0)
    assert 36 * 3600.0 == here.find_next_s(0.0, after_s=20 * 3600.0)
    assert here.find_next_s(1 * 3600.0, after_s=20 * 3600.0) is None
    assert 4.5 * 3600 == here.since_s(7.5 * 3600)


def test_days_of_23_and_25_hours_are_counted_by_what_the_clock_shows():
    spring, autumn = day("2026-03-29T00:00", 23), day("2026-10-25T00:00", 25)

    assert 6 * 3600.0 == spring.find_next_s(7 * 3600.0)
    assert 2 * 3600.0 == spring.find_next_s(2.5 * 3600.0)  # leapt over: as soon as it is past
    assert 8 * 3600.0 == autumn.find_next_s(7 * 3600.0)
    assert 2.5 * 3600 == autumn.find_next_s(2.5 * 3600.0)  # the first of two
    assert 3.5 * 3600 == autumn.find_next_s(2.5 * 3600.0, after_s=3 * 3600.0)
