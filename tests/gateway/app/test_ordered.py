"""An ordered site file beside the installer's: which one counts, and how a bad one is got rid of."""

import pytest

from quartier.app import ordered
from quartier.app.ordered import Ordered
from quartier_drivers.errors import ConfigError


@pytest.fixture
def places(tmp_path, tiny_site):
    config = tmp_path / "site.toml"
    config.write_text(tiny_site)
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    return config, state_dir


@pytest.fixture
def tiny_site():
    return (
        'site = { id = "b012", district = "issy" }\n'
        "limits = { contract_import_w = 12000 }\n"
        'buses.lan = { kind = "modbus-tcp", host = "127.0.0.1", port = 1502 }\n'
        'devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }\n'
        'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
        "control = { grid_target_w = 0 }\n"
    )


def target_w(places):
    return ordered.in_force(*places).site.control.grid_target_w


def keep(places, watts, seq=1, before="", **more):
    config, state_dir = places
    made = Ordered(config_text(config, watts), ordered.digest(config), "j", seq, before, **more)
    ordered.keep(state_dir, made)
    return made


def config_text(config, watts):
    return config.read_text().replace("grid_target_w = 0", f"grid_target_w = {watts}")


def test_what_was_ordered_counts_and_says_which_job_it_was(places):
    assert (0, "") == (target_w(places), ordered.in_force(*places).ordered)
    keep(places, 50)
    assert (50, "j (1)") == (target_w(places), ordered.in_force(*places).ordered)


def test_who_changes_the_file_at_the_gateway_has_the_last_word(places):
    keep(places, 50)
    config, _ = places
    before = config.read_text()
    config.write_text(config_text(config, 70))
    assert (70, None) == (target_w(places), ordered.counts(*places))
    assert ("j (1)", "") == (ordered.superseded(*places), ordered.superseded(*places)), "once"
    config.write_text(before)
    assert (0, None) == (target_w(places), ordered.counts(*places)), "what was superseded never comes back"


def test_an_ordered_file_that_a_later_version_cannot_read_gives_way_to_the_one_before(places):
    config, state_dir = places
    before = config_text(config, 30)
    ordered.keep(state_dir, Ordered("limits = 5", ordered.digest(config), "j", 2, before))
    assert (30, "before j (2)") == (target_w(places), ordered.in_force(*places).ordered)
    ordered.keep(state_dir, Ordered("limits = 5", ordered.digest(config), "j", 2, "also = bad"))
    assert 0 == target_w(places)


def test_a_file_with_which_three_runs_did_not_last_a_minute_gives_way_to_the_one_before(places):
    config, state_dir = places
    keep(places, 50, before=config_text(config, 30))
    for _ in range(3):
        assert 50 == target_w(places)
        ordered.begun(state_dir)
    assert (30, None) == (target_w(places), ordered.counts(*places))
    ordered.begun(state_dir)
    ordered.lasted(state_dir)
    assert 30 == target_w(places), "that the one before lasts says nothing of it"


def test_a_run_that_lasts_makes_it_good(places):
    _, state_dir = places
    keep(places, 50)
    for _ in range(9):
        ordered.begun(state_dir)
        ordered.lasted(state_dir)
    assert 50 == target_w(places)


def test_both_copies_hold_the_newest(places):
    _, state_dir = places
    keep(places, 50)
    keep(places, 60, seq=2)
    (state_dir / "ordered.a").unlink()
    assert 60 == target_w(places)
    keep(places, 70, seq=3)
    (state_dir / "ordered.b").unlink()
    assert 70 == target_w(places)


def test_facts_that_are_none_of_ours_count_for_nothing(places):
    _, state_dir = places
    ordered.statefile.save(state_dir / "ordered", {"text": 5})
    assert (None, 0) == (ordered.recalled(state_dir), target_w(places))
    ordered.begun(state_dir)
    ordered.lasted(state_dir)


def test_an_ordered_text_is_checked_whole_and_against_what_only_a_hand_may_change(places):
    config, _ = places
    assert ordered.checked(config, config_text(config, 50)).site.control.grid_target_w == 50
    with pytest.raises(ConfigError) as error:
        ordered.checked(config, config_text(config, 50).replace("12000", "12001"))
    (fault,) = error.value.faults
    assert ("ordered site file", 2, "limits.contract_import_w") == (fault.file, fault.line, fault.key)


def test_lowered_by_an_order_it_may_be_raised_again_up_to_the_file(places):
    config, _ = places
    lower = config.read_text().replace("12000", "9000")
    ordered.keep(places[1], Ordered(lower, ordered.digest(config), "j", 1))
    assert ordered.checked(config, config.read_text()).site.limits.contract_import_w == 12000


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path):
    assert "" == ordered.digest(tmp_path / "gone.toml")


def test_an_order_in_force_is_not_superseded(places):
    assert "" == ordered.superseded(*places)
    keep(places, 50)
    assert ("", 50) == (ordered.superseded(*places), target_w(places))
