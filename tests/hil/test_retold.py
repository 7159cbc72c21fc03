"""The daemon's own command tells of a history what its store gives: times of the house, each quarter once."""

import asyncio
import time

from quartier_hil import retold
from quartier_hil.clock import RigClock
from quartier_hil.offline.day import Day, Options
from quartier_hil.records import standard
from quartier_hil.scenario import load
from quartier_hil.shelf import builtin
from quartier_hil.stage.daemon import Daemon


def _night(**changed):
    night = load(builtin()["clock-change-night"])
    checks = tuple(check for check in night.checks if check.check == "quarters")
    return night.model_copy(update={"checks": checks, "events": (), "cycle_s": 5.0, **changed})


def test_the_command_tells_what_the_store_holds(tmp_path):
    night = _night(duration_s=5_400.0)
    series = standard.make(night.start.date(), 2, night.seed)
    done = Day(Options(scenario=night, series=series, folder=tmp_path)).perform()
    daemon = Daemon(tmp_path / "site.toml", tmp_path, RigClock(time.time(), 0.0, 1.0))

    told = asyncio.run(retold.stored(daemon, night))

    assert done.stored == told
    assert "2026-10-25 02:00:00+01:00" == told.quarters["grid.power_w"][5][0]


def test_without_a_history_nothing_is_told_and_without_a_check_nothing_is_asked(tmp_path):
    daemon = Daemon(tmp_path / "site.toml", tmp_path, RigClock(time.time(), 0.0, 1.0))

    assert asyncio.run(retold.stored(daemon, _night())) is None
    assert asyncio.run(retold.stored(daemon, _night(checks=()))) is None
