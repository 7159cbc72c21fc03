import pytest

from quartier.app import probed
from quartier.app.probed import Probed
from quartier.runtime import statefile

GOOD = Probed(when_utc_ms=1, is_good=True, sentence="bat1 answered", delay_s=2.1, lag_s=0.4, ramp_w_per_s=300)


def test_what_was_found_outlives_a_restart_and_stands_beside_the_others(tmp_path):
    probed.keep(tmp_path, "bat1", GOOD)
    probed.keep(tmp_path, "ev1", Probed(when_utc_ms=2, is_good=False, sentence="x"))

    assert GOOD == probed.recalled(tmp_path)["bat1"]
    assert ["bat1", "ev1"] == list(probed.recalled(tmp_path))


def test_a_damaged_copy_costs_nothing(tmp_path):
    probed.keep(tmp_path, "bat1", GOOD)
    (tmp_path / "probes.a").write_bytes(b"rubbish")

    assert GOOD == probed.recalled(tmp_path)["bat1"]


def test_where_nobody_probed_nothing_is_known(tmp_path):
    assert {} == probed.recalled(tmp_path)


@pytest.mark.parametrize(
    "facts",
    [
        {"when_utc_ms": 1},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "delay_s": -1},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "delay_s": 1e9},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "lag_s": "late"},
        {"when_utc_ms": 1, "is_good": True, "sentence": "x", "ramp_w_per_s": -5},
        "rubbish",
    ],
)
def test_what_makes_no_sense_is_left_out(tmp_path, facts):
    statefile.save(tmp_path / "probes", {"bat1": facts})

    assert {} == probed.recalled(tmp_path)


def test_a_later_versions_keys_are_no_harm(tmp_path):
    facts = {"when_utc_ms": 1, "is_good": True, "sentence": "x", "colour": "red"}
    statefile.save(tmp_path / "probes", {"bat1": facts})

    assert probed.recalled(tmp_path)["bat1"].is_good
