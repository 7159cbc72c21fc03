import datetime as dt

import pytest

from quartier.control.daytime import local_s
from quartier.house.now import Now


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
    assert pytest.approx(hour * 3600) == local_s(now, "Europe/Paris")


def test_nobody_knows_the_hour_while_the_clock_is_not_trusted():
    assert local_s(Now(0, 0, synced=False), "Europe/Paris") is None
