"""What of a run over wires no verdict tells: its report, its steps, its last seconds.

What runs over wires in CI beside this is `quartier-hil run short`: at 20 times real time, where a machine that stalls
for a moment does not decide the verdict."""

import json
import time

import pytest

from quartier_hil import cli
from quartier_hil.checks.limit_reaction import ReactionCheck
from quartier_hil.checks.verdicts import RunData
from quartier_hil.runner.run import Run, RunOptions
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.site_clock import RigClock


def scenario(test):
    """It runs the daemon as a black box, and a broker."""
    return pytest.mark.daemon(pytest.mark.peer(test))


HEAD = 'title = "{title}"\nstart = 2026-06-12T18:30:00\nduration_s = {duration_s}\nrate = {rate}\n[house]\nsoc_pct = 60\n'


def _run(tmp_path, text, *words, rate=20, duration_s=700):
    path = tmp_path / "scenario.toml"
    path.write_text(HEAD.format(title="short", duration_s=duration_s, rate=rate) + text)
    report = tmp_path / "report"
    code = cli.main(["run", str(path), "--report", str(report), "--json", *words])
    verdicts = json.loads((report / "run.json").read_text())["verdicts"]
    broken = [verdict for verdict in verdicts if not verdict["holds"]]
    assert ([], 0) == (broken, code)
    return report


@scenario
def test_a_cap_is_kept_over_the_embedded_broker_too_and_the_report_is_whole(tmp_path):
    report = tmp_path / "report"
    assert 0 == cli.main(["run", "short-cap", "--report", str(report), "--json", "--broker", "iotcore"])

    assert (report / "index.html").stat().st_size < 2_000_000
    assert (report / "ledger.csv").read_text().startswith("at_s,last_s,point")
    assert (report / "samples.csv").read_text().startswith("unix_s,since_start_s,grid.power_w")


@scenario
def test_while_the_last_samples_arrive_the_timers_of_the_devices_count_on(tmp_path):
    load = '[[events]]\nat_s = 5\ndo = "load"\nextra_w = 3000\nfor_s = 3000\n'
    late = '[[checks]]\ncheck = "delivered"\nsettle_s = 60\n'
    report = _run(tmp_path, 'battery = "sunspec-7xx"\n' + load + late, duration_s=60)

    assert "order.not_held" not in (report / "run" / "daemon.log").read_text()


def _prepared(tmp_path, text, **sizes):
    path = tmp_path / "scenario.toml"
    path.write_text(HEAD.format(title="x", duration_s=1000, rate=60) + text)
    series = LoadSeries(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="", **sizes)
    return Run(RunOptions(scenario=load_scenario(path), series=series, folder=tmp_path))


def test_the_steps_of_the_plant_grow_with_the_rate_up_to_a_second(tmp_path):
    assert 1.0 == _prepared(tmp_path, "").step_s


def test_where_frequency_is_read_faster_the_plant_moves_as_fast(tmp_path):
    assert 0.2 == _prepared(tmp_path, "frequency_period_s = 0.2\n").step_s


def test_a_limit_that_was_kept_before_it_was_shown_reaches_the_check_of_reactions(tmp_path):
    events = '[[events]]\nat_s = 100\ndo = "caps"\nimport_max_w = 4000\nfor_s = 300\n'
    run = _prepared(tmp_path, "[[checks]]\ncheck = 'tightening'\n" + events)
    (check,) = (judge for judge in run.checks if isinstance(judge, ReactionCheck))
    run.zero_s, run.clock = 0.0, RigClock(time.time() - 101_000.0, rate=0.001)
    wide = {"limit.import_w": 12_000.0, "limit.export_w": 6_000.0}
    for now_s, grid_w, car_a in ((97.0, 4_900.0, 16.0), (99.0, 3_900.0, 14.7), (100.0, 3_900.0, 14.7)):
        check.step(now_s, 1.0, {"grid.power_w": grid_w, "order.current_max_a": car_a, **wide})
    run._revise_limits({"mode_age_s": 3.0, "caps": {"import": {"max_w": 4_000}, "export": {"max_w": 6_000}}})

    assert "all was taken back before the limit was due" == check.verdict(RunData()).unshown
