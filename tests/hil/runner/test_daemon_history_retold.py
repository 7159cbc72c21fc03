"""The daemon's own command tells of a history what its store gives: times of the house, each quarter once."""

import asyncio
import time

from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_hil.runner import daemon_history
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series import standard_load
from quartier_sim.site_clock import RigClock


def _night(**changed):
    night = load_scenario(list_builtin()["clock-change-night"])
    checks = tuple(check for check in night.checks if check.check == "quarters")
    return night.model_copy(update={"checks": checks, "events": (), "cycle_s": 5.0, **changed})


def test_the_command_tells_what_the_store_holds(tmp_path):
    night = _night(duration_s=5_400.0)
    series = standard_load.build_standard_series(night.start.date(), 2, night.seed)
    done = SyntheticRun(RunOptions(scenario=night, series=series, folder=tmp_path)).perform()
    daemon = DaemonProcess(tmp_path / "site.toml", tmp_path, RigClock(time.time(), 0.0, 1.0))

    told = asyncio.run(daemon_history.read_stored_history(daemon, night))

    assert done.stored == told
    assert "2026-10-25 02:00:00+01:00" == told.quarters["grid.power_w"][5][0]


def test_without_a_history_nothing_is_told_and_without_a_check_nothing_is_asked(tmp_path):
    daemon = DaemonProcess(tmp_path / "site.toml", tmp_path, RigClock(time.time(), 0.0, 1.0))

    assert asyncio.run(daemon_history.read_stored_history(daemon, _night())) is None
    assert asyncio.run(daemon_history.read_stored_history(daemon, _night(checks=()))) is None
