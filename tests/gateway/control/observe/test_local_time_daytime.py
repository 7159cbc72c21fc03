import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from quartier.control.observe import local_time
from quartier.control.observe.local_time import find_local_time_s
from quartier.site.records import Now


def utc(*then: int) -> Now:
    return Now(0, int(dt.datetime(*then, tzinfo=dt.UTC).timestamp() * 1000), synced=True)


@pytest.mark.parametrize(
    ("now", "hour"),
    [
        (utc(2026, 1, 15, 21), 22),
        (utc(2026, 7, 15, 21), 23),
        (utc(2026, 3, 29, 0, 59), 1 + 59 / 60),
        (utc(2026, 3, 29, 1, 0), 3),
        (utc(2026, 10, 25, 0, 30), 2.5),
        (utc(2026, 10, 25, 1, 30), 2.5),
    ],
)
def test_the_wall_of_the_building_also_on_the_days_when_clocks_change(now, hour):
    assert pytest.approx(hour * 3600) == find_local_time_s(now, "Europe/Paris")


def test_nobody_knows_the_hour_while_the_clock_is_not_trusted():
    assert find_local_time_s(Now(0, 0, synced=False), "Europe/Paris") is None


@pytest.mark.parametrize(
    ("day", "hour", "at_hour", "left_h"),
    [
        ((2026, 1, 15), 12, 22, 10),
        ((2026, 1, 15), 22, 22, 24),
        ((2026, 1, 15), 23, 6, 7),
        ((2026, 3, 28), 22, 6, 7),  # the clock goes forward in that night
        ((2026, 10, 24), 22, 6, 9),  # and back in this one
    ],
)
def test_the_time_left_until_a_time_of_day_knows_the_change_of_the_clock(day, hour, at_hour, left_h):
    then = dt.datetime(*day, hour, tzinfo=ZoneInfo("Europe/Paris"))
    now = Now(0, round(then.timestamp() * 1000), True)

    assert left_h * 3600 == local_time.find_seconds_until(now, "Europe/Paris", at_hour * 3600)


def test_without_a_trusted_clock_no_time_is_left():
    assert local_time.find_seconds_until(Now(0, 0, False), "Europe/Paris", 0) is None


def test_a_time_of_day_is_said_as_on_a_clock_also_around_midnight():
    assert ["00:00", "23:54", "06:05"] == [local_time.format_clock(s) for s in (86_400, -360, 21_930)]
