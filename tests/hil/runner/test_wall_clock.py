from pathlib import Path

import pytest

from quartier.runtime.clock import RigClock, read_rig_clock
from quartier_hil.runner.wall_clock import WallClock
from quartier_hil.scenario.events import ClockFault

HOUR_MS = 3_600_000


def _wall(kind, seconds=0.0):
    wall = WallClock()
    wall.set_clock_fault(ClockFault(at_s=0, do="clock", kind=kind, seconds=seconds), 1_000)
    return wall


@pytest.mark.parametrize(
    ("kind", "seconds", "shown"),
    [
        ("well", 0, (1_000 + HOUR_MS, True)),
        ("off", 0, (1_000 + HOUR_MS, False)),
        ("stuck", 0, (1_000, True)),
        ("wrong", 60, (61_000 + HOUR_MS, True)),
        ("slow", 10, (1_000 + HOUR_MS - 10_000, True)),
        ("delayed", 60, (HOUR_MS - 59_000, True)),
        ("intermittent", 7_200, (1_000 + HOUR_MS, False)),
        ("intermittent", 1_800, (1_000 + HOUR_MS, False)),
        ("intermittent", 2_400, (1_000 + HOUR_MS, True)),
    ],
)
def test_a_clock_lies_as_it_is_told(kind, seconds, shown):
    assert shown == _wall(kind, seconds).shows(1_000 + HOUR_MS)


def test_a_clock_without_sense_shows_another_moment_every_ten_seconds_and_never_further_off_than_told():
    wall = _wall("garbage", 600)
    off_ms = [wall.shows(at_ms)[0] - at_ms for at_ms in range(10_000, 1_000_000, 5_000)]

    assert off_ms[0] == off_ms[1] != off_ms[2]
    assert -600_000 <= min(off_ms) < -300_000
    assert 600_000 >= max(off_ms) > 300_000


def test_a_clock_that_is_well_again_shows_the_true_time():
    wall = _wall("wrong", 60)
    wall.set_clock_fault(ClockFault(at_s=0, do="clock", kind="well"), 1_000)

    assert (5_000, True) == wall.shows(5_000)


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        ("well", 0, RigClock()),
        ("off", 0, RigClock(synced=False)),
        ("stuck", 0, RigClock(stands_utc_ms=1_000)),
        ("wrong", -60, RigClock(jump_s=-60.0)),
        ("slow", 10, RigClock(jump_s=-10.0)),
    ],
)
def test_a_daemon_reads_from_the_word_what_the_clock_shows(tmp_path: Path, kind, seconds, expected):
    path = tmp_path / "word"
    path.write_text(_wall(kind, seconds).word(1_000 + HOUR_MS))

    assert expected == read_rig_clock(path)
