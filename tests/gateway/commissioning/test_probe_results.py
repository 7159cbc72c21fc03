from dataclasses import replace

import pytest

from quartier.commissioning import probe_results
from quartier.commissioning.probe_results import ProbeResult
from quartier.daemon import state_files
from quartier.runtime import state_file
from quartier.site.asset_types import Battery, GridMeter, Load
from quartier.site.site_layout import Site, SiteLimits

GOOD = ProbeResult(
    when_utc_ms=1,
    is_good=True,
    sentence="bat1 answered",
    delay_s=2.1,
    lag_s=0.4,
    ramp_w_per_s=300,
    gain=0.98,
    grid_gain=1.0,
)
BATTERY = Battery(
    name="bat1", rated_w=5000, capacity_wh=1, charge_max_w=1, discharge_max_w=1, ramp_max_w_per_s=1000
)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9000),
    assets=(BATTERY, Load(name="hp1", rated_w=1)),
    limits=SiteLimits(
        import_hard_w=1,
        export_hard_w=1,
        import_failsafe_w=1,
        export_failsafe_w=1,
        import_autonomous_w=1,
        export_autonomous_w=1,
    ),
)


def test_what_was_found_outlives_a_restart_and_stands_beside_the_others(tmp_path):
    state_files.save_probe_result(tmp_path, "bat1", GOOD)
    state_files.save_probe_result(tmp_path, "ev1", ProbeResult(when_utc_ms=2, is_good=False, sentence="x"))

    assert GOOD == state_files.load_probe_results(tmp_path)["bat1"]
    assert ["bat1", "ev1"] == list(state_files.load_probe_results(tmp_path))


def test_a_damaged_copy_costs_nothing(tmp_path):
    state_files.save_probe_result(tmp_path, "bat1", GOOD)
    (tmp_path / "probes.a").write_bytes(b"rubbish")

    assert GOOD == state_files.load_probe_results(tmp_path)["bat1"]


def test_where_nobody_probed_nothing_is_known(tmp_path):
    assert {} == state_files.load_probe_results(tmp_path)


@pytest.mark.parametrize(
    "facts",
    [
        {"when_utc_ms": 1},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "delay_s": -1},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "delay_s": float("inf")},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "lag_s": "late"},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "ramp_w_per_s": -5},
        "rubbish",
    ],
)
def test_what_makes_no_sense_is_left_out(tmp_path, facts):
    state_file.save_facts(tmp_path / "probes", {"bat1": facts})

    assert {} == state_files.load_probe_results(tmp_path)


def test_a_later_versions_keys_are_no_harm(tmp_path):
    facts = {"when_utc_ms": 1, "is_good": True, "sentence": "x", "colour": "red"}
    state_file.save_facts(tmp_path / "probes", {"bat1": facts})

    assert state_files.load_probe_results(tmp_path)["bat1"].is_good


def test_control_is_given_delay_lag_and_ramp_of_a_battery_that_answers():
    battery, load = probe_results.add_probe_results(HOUSE, {"bat1": GOOD, "hp1": GOOD}).assets

    assert (2.1, 0.4, 300, 300) == (
        battery.delay_s,
        battery.lag_s,
        battery.response_w_per_s,
        battery.ramp_max_w_per_s,
    )
    assert HOUSE.assets[1] == load


def test_what_is_faster_than_could_be_seen_keeps_the_ramp_of_the_site_file():
    battery, _ = probe_results.add_probe_results(HOUSE, {"bat1": replace(GOOD, ramp_w_per_s=0.0)}).assets

    assert (0.0, 1000) == (battery.response_w_per_s, battery.ramp_max_w_per_s)


@pytest.mark.parametrize(
    "change",
    [{"gain": -1.0}, {"grid_gain": 0.1}, {"gain": 10.0}, {"delay_s": None}, {"lag_s": None}, {"lag_s": 60.0}],
)
def test_what_was_not_proved_is_not_used(change):
    assert HOUSE == probe_results.add_probe_results(HOUSE, {"bat1": replace(GOOD, **change)})


def test_people_see_what_was_found_and_whether_it_is_used():
    house = probe_results.add_probe_results(HOUSE, {"bat1": GOOD})
    told = probe_results.render_probe_results({"bat1": GOOD, "gone": GOOD}, house, 61_001)

    assert ["bat1"] == list(told)
    assert (61.0, True, "bat1 answered") == (
        told["bat1"]["age_s"],
        told["bat1"]["used"],
        told["bat1"]["sentence"],
    )
