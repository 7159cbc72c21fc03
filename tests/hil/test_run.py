"""The daemon as a black box on real wires: short scenarios, judged by the rig itself.

At 20 times real time a machine that stalls for a moment does not decide the verdict; where nothing is timed, faster."""

import json

import pytest

from quartier_hil import cli
from quartier_hil.records.series import Series
from quartier_hil.run import Options, Run
from quartier_hil.scenario import load
from quartier_hil.stage.broker import mosquitto


def scenario(test):
    """It runs the daemon as a black box, and a broker."""
    return pytest.mark.scenario(pytest.mark.peer(test))


HEAD = 'title = "{title}"\nstart = 2026-06-12T18:30:00\nduration_s = {duration_s}\nrate = {rate}\n[house]\nsoc_pct = 60\n'
BAND = '[[checks]]\ncheck = "within"\npoint = "bat1.soc_pct"\nlow = 9.5\nhigh = 95.5\n'
DELIVERED = '[[checks]]\ncheck = "delivered"\nsettle_s = 200\n'
CAP_KEPT = '[[checks]]\ncheck = "cap-kept"\n'
CAR = '[[events]]\nat_s = 30\ndo = "plug"\nneed_wh = 30000\n'


def _run(tmp_path, text, *words, rate=20, duration_s=700):
    path = tmp_path / "scenario.toml"
    path.write_text(HEAD.format(title="short", duration_s=duration_s, rate=rate) + text)
    report = tmp_path / "report"
    code = cli.main(["run", str(path), "--report", str(report), "--json", *words])
    verdicts = json.loads((report / "run.json").read_text())["verdicts"]
    broken = [verdict for verdict in verdicts if not verdict["holds"]]
    assert ([], 0) == (broken, code)
    return report


def _brokers():
    return ["iotcore", *(["mosquitto"] if mosquitto() else [])]


@scenario
@pytest.mark.parametrize("broker", _brokers())
def test_a_cap_from_the_district_is_kept_and_every_sample_delivered_with_either_broker(tmp_path, broker):
    events = '[[events]]\nat_s = 240\ndo = "caps"\nimport_max_w = 4000\nfor_s = 400\n'
    report = _run(tmp_path, CAR + events + CAP_KEPT + BAND + DELIVERED, "--broker", broker)

    assert (report / "index.html").stat().st_size < 2_000_000
    assert (report / "samples.csv").read_text().startswith("unix_s,since_start_s,grid.power_w")


@scenario
def test_an_hour_without_the_broker_costs_no_sample(tmp_path):
    events = '[[events]]\nat_s = 300\ndo = "broker"\nup = false\n[[events]]\nat_s = 3900\ndo = "broker"\nup = true\n'
    modes = '[[checks]]\ncheck = "mode"\nat_s = 3800\nexpected = "FAILSAFE"\n'
    _run(tmp_path, events + modes + CAP_KEPT + DELIVERED, rate=60, duration_s=4300)


@scenario
def test_kill_nine_loses_nothing_and_leaves_the_outputs_released(tmp_path):
    events = '[[events]]\nat_s = 120\ndo = "kills"\ncount = 3\nuntil_s = 600\ndown_s = 5\n'
    checks = '[[checks]]\ncheck = "released"\n'
    lost = '[[checks]]\ncheck = "nothing-lost"\npoint = "rs485.requests_count"\ngap_max_s = 90\n'
    _run(tmp_path, CAR + events + checks + lost + DELIVERED)


@scenario
def test_without_its_grid_meter_the_house_keeps_the_fail_safe_cap_and_gives_the_battery_back(tmp_path):
    events = '[[events]]\nat_s = 300\ndo = "fault"\ndevice = "meter"\nkind = "silent"\n'
    clear = '[[events]]\nat_s = 600\ndo = "clear"\ndevice = "meter"\n'
    idle = '[[checks]]\ncheck = "within"\npoint = "order.battery_w"\nlow = -5\nhigh = 5\nfrom_s = 400\nuntil_s = 590\n'
    low = '[[checks]]\ncheck = "within"\npoint = "grid.power_w"\nhigh = 6600\nfrom_s = 400\nuntil_s = 590\n'
    _run(tmp_path, CAR + events + clear + idle + low + DELIVERED)


@scenario
def test_a_device_that_goes_and_comes_leaves_the_others_their_rate(tmp_path):
    events = '[[events]]\nat_s = 200\ndo = "fault"\ndevice = "gx"\nkind = "off"\n'
    clear = '[[events]]\nat_s = 500\ndo = "clear"\ndevice = "gx"\n'
    rate = '[[checks]]\ncheck = "nothing-lost"\npoint = "rs485.requests_count"\ngap_max_s = 90\n'
    _run(tmp_path, CAR + events + clear + rate + CAP_KEPT + DELIVERED)


@scenario
def test_smart_meters_unplugged_and_plugged_in_again_are_read_on_through_to_the_district(tmp_path):
    pulled = "".join(
        f'[[events]]\nat_s = {at_s + gone_s}\ndo = "unplug"\nmeter = "{name}"\nback = {back}\n'
        for at_s, name in ((150, "tic"), (200, "p1"), (250, "mbus"))
        for gone_s, back in ((0, "false"), (150, "true"))
    )
    told = "".join(
        f'[[checks]]\ncheck = "told"\npoint = "{point}"\nfrom_s = {from_s}\nuntil_s = {until_s}\nquality = "{quality}"\n'
        for at_s, point in ((150, "linky.apparent_power_va"), (200, "flat1.power_w"), (250, "flat2.power_w"))
        for from_s, until_s, quality in ((at_s, at_s + 60, "bad"), (at_s + 150, at_s + 270, "good"))
    )
    _run(tmp_path, 'meters = ["tic", "p1", "mbus"]\n' + pulled + told + CAP_KEPT + DELIVERED)


@scenario
def test_every_group_that_went_over_the_line_of_a_smart_meter_whole_is_counted(tmp_path):
    disturbed = '[[events]]\nat_s = 200\ndo = "disturb"\nmeter = "tic"\nline = "humming"\n'
    accounted = (
        '[[checks]]\ncheck = "accounted"\n[[checks]]\ncheck = "memory"\nfrom_s = 60\ngrowth_max_mb = 10\n'
    )
    _run(tmp_path, 'meters = ["tic", "p1", "mbus"]\n' + disturbed + accounted, duration_s=400)


@scenario
@pytest.mark.parametrize("name", ["frequency-jolt", "blackout-restart", "master-on-charger"])
def test_what_befalls_grid_supply_and_outputs_breaks_no_promise_over_wires(tmp_path, name):
    report = tmp_path / "report"
    code = cli.main(["run", name, "--report", str(report), "--json"])
    run = json.loads((report / "run.json").read_text())

    assert ([], 0) == ([verdict for verdict in run["verdicts"] if not verdict["holds"]], code)
    assert (report / "ledger.csv").read_text().startswith("at_s,last_s,point")


@scenario
def test_while_the_last_samples_arrive_the_timers_of_the_devices_count_on(tmp_path):
    load = '[[events]]\nat_s = 5\ndo = "load"\nextra_w = 3000\nfor_s = 3000\n'
    late = '[[checks]]\ncheck = "delivered"\nsettle_s = 60\n'
    report = _run(tmp_path, 'battery = "sunspec-7xx"\n' + load + late, duration_s=60)

    assert "order.not_held" not in (report / "run" / "daemon.log").read_text()


def _prepared(tmp_path, text, **sizes):
    path = tmp_path / "scenario.toml"
    path.write_text(HEAD.format(title="x", duration_s=1000, rate=60) + text)
    series = Series(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="", **sizes)
    return Run(Options(scenario=load(path), series=series, folder=tmp_path))


def test_the_steps_of_the_plant_grow_with_the_rate_up_to_a_second(tmp_path):
    assert 1.0 == _prepared(tmp_path, "").step_s


def test_where_frequency_is_read_faster_the_plant_moves_as_fast(tmp_path):
    assert 0.2 == _prepared(tmp_path, "frequency_period_s = 0.2\n").step_s
