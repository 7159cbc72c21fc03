import pytest

from quartier_hil.happenings import ClockFault
from quartier_hil.offline.wall import WallClock

HOUR_MS = 3_600_000


def _shown(kind, seconds=0.0, later_ms=HOUR_MS):
    wall = WallClock()
    wall.fault(ClockFault(at_s=0, do="clock", kind=kind, seconds=seconds), 1_000)
    return wall.shows(1_000 + later_ms)


@pytest.mark.parametrize(
    ("kind", "seconds", "shown"),
    [
        ("well", 0, (1_000 + HOUR_MS, True)),
        ("off", 0, (1_000 + HOUR_MS, False)),
        ("stuck", 0, (1_000, True)),
        ("wrong", 60, (61_000 + HOUR_MS, True)),
        ("slow", 10, (1_000 + HOUR_MS - 10_000, True)),
    ],
)
def test_a_clock_lies_as_it_is_told(kind, seconds, shown):
    assert shown == _shown(kind, seconds)


def test_a_clock_that_is_well_again_shows_the_true_time():
    wall = WallClock()
    for kind in ("wrong", "well"):
        wall.fault(ClockFault(at_s=0, do="clock", kind=kind, seconds=60), 1_000)

    assert (5_000, True) == wall.shows(5_000)
