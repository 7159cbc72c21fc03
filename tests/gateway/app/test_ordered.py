"""Ordered and applied site files over the installer's: which one counts, and how a bad one is got rid of."""

import pytest

from quartier.app import ordered
from quartier.app.ordered import APPLIED, Ordered
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
    made = Ordered(config_text(config, watts), ordered.digest(config, state_dir), "j", seq, before, **more)
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
    ordered.keep(state_dir, Ordered("limits = 5", ordered.digest(*places), "j", 2, before))
    assert (30, "before j (2)") == (target_w(places), ordered.in_force(*places).ordered)
    ordered.keep(state_dir, Ordered("limits = 5", ordered.digest(*places), "j", 2, "also = bad"))
    assert 0 == target_w(places)


def test_a_file_with_which_three_runs_did_not_last_a_minute_gives_way_to_the_one_before(places):
    config, state_dir = places
    keep(places, 50, before=config_text(config, 30))
    for _ in range(3):
        assert 50 == target_w(places)
        ordered.begun(state_dir, ordered.in_force(*places).ordered)
    assert (30, None) == (target_w(places), ordered.counts(*places))
    ordered.lasted(state_dir, ordered.in_force(*places).ordered)
    assert 30 == target_w(places), "that the one before lasts says nothing of it"
    ordered.begun(state_dir, ordered.in_force(*places).ordered)
    ordered.lasted(state_dir, "")
    assert 30 == target_w(places), "nor does a run with the file itself"


def test_a_run_that_lasts_makes_it_good(places):
    _, state_dir = places
    keep(places, 50)
    for _ in range(9):
        ordered.begun(state_dir, "j (1)")
        ordered.lasted(state_dir, "j (1)")
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
    ordered.begun(state_dir, "j (1)")
    ordered.lasted(state_dir, "j (1)")


def test_an_ordered_text_is_checked_whole_and_against_what_only_a_hand_may_change(places):
    config, _ = places
    used = ordered.in_force(*places)
    assert ("control.grid_target_w",) == ordered.checked(*places, config_text(config, 50), used).changed
    with pytest.raises(ConfigError) as error:
        ordered.checked(*places, config_text(config, 50).replace("12000", "12001"), used)
    (fault,) = error.value.faults
    assert ("ordered site file", 2, "limits.contract_import_w") == (fault.file, fault.line, fault.key)


def test_what_an_order_tightened_loosens_against_what_is_used_though_the_file_says_the_same(places):
    config, state_dir = places
    ordered.keep(state_dir, Ordered(limited(config, 2000), ordered.digest(*places), "j", 1))
    judgement = ordered.checked(*places, config.read_text(), ordered.in_force(*places))
    assert ("limits.failsafe_import_w",) == judgement.loosened


def limited(config, failsafe_w, key="failsafe_import_w"):
    return config.read_text().replace("= 12000", f"= 12000, {key} = {failsafe_w}")


def failsafe_w(places):
    return ordered.in_force(*places).site.limits.import_failsafe_w


def test_a_run_that_failed_loosens_nothing(places):
    config, state_dir = places
    over = ordered.digest(*places)
    ordered.keep(
        state_dir, Ordered(limited(config, 2000), over, "j", 2, limited(config, 3000), starts_count=3)
    )
    assert ("before j (2)", 2000) == (ordered.in_force(*places).ordered, failsafe_w(places))
    ordered.keep(state_dir, Ordered(limited(config, 2000), over, "j", 3, "", starts_count=3))
    assert ("", 2000) == (ordered.in_force(*places).ordered, failsafe_w(places)), "nor down to the file"


def test_a_kept_order_that_changes_what_is_a_persons_is_not_used(places):
    config, state_dir = places
    over = ordered.digest(*places)
    ordered.keep(
        state_dir, Ordered(config.read_text().replace("227", "228"), over, "j", 1, limited(config, 10))
    )
    assert ("before j (1)", 227) == (
        ordered.in_force(*places).ordered,
        ordered.in_force(*places).site.devices["gx"].unit,
    )


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path):
    assert "" == ordered.digest(tmp_path / "gone.toml", tmp_path)


# What a person applied


def apply(places, text, **more):
    config, state_dir = places
    applied = Ordered(text, ordered.file_digest(config), "anna, the console tty1", 5, **more)
    ordered.keep(state_dir, applied, APPLIED)
    return applied.name


def test_an_applied_text_stands_over_the_file_and_an_order_over_that(places):
    config, state_dir = places
    ordered.keep(state_dir, Ordered(config_text(config, 50), ordered.digest(*places), "j", 1))
    name = apply(places, config.read_text().replace("227", "100"))
    loaded = ordered.in_force(*places)
    assert (name, 100, 0) == (loaded.ordered, loaded.site.devices["gx"].unit, target_w(places))
    assert ("j (1)", "") == (ordered.superseded(*places), ordered.superseded(*places, APPLIED))
    with pytest.raises(ConfigError, match=r"devices\.gx\.unit"):
        ordered.checked(*places, config_text(config, 50), loaded)
    text = config_text(config, 50).replace("227", "100")
    ordered.checked(*places, text, loaded)
    ordered.keep(state_dir, Ordered(text, ordered.digest(*places), "j", 2))
    assert ("j (2)", 50) == (ordered.in_force(*places).ordered, target_w(places))


def test_who_changes_the_file_ends_what_was_applied_for_good(places):
    config, _ = places
    name = apply(places, config_text(config, 60))
    before = config.read_text()
    config.write_text(config_text(config, 70))
    assert (70, name) == (target_w(places), ordered.superseded(*places, APPLIED))
    config.write_text(before)
    assert (0, "") == (target_w(places), ordered.superseded(*places, APPLIED))


def test_an_applied_text_with_which_no_run_lasts_gives_way_to_the_file_and_loosens_nothing(places):
    config, state_dir = places
    name = apply(places, limited(config, 1000).replace("grid_target_w = 0", "grid_target_w = 60"))
    for _ in range(3):
        assert 60 == target_w(places)
        ordered.begun(state_dir, name)
    assert ("", 0, 1000) == (ordered.in_force(*places).ordered, target_w(places), failsafe_w(places))
    assert ordered.file_digest(config) == ordered.digest(*places)


def test_an_order_with_which_no_run_lasts_leaves_what_was_applied(places):
    config, state_dir = places
    name = apply(places, config_text(config, 60))
    ordered.keep(state_dir, Ordered(config_text(config, 50), ordered.digest(*places), "j", 1))
    for _ in range(3):
        ordered.begun(state_dir, ordered.in_force(*places).ordered)
    assert (name, 60) == (ordered.in_force(*places).ordered, target_w(places))
    ordered.begun(state_dir, name)
    ordered.lasted(state_dir, name)
    assert 0 == ordered.recalled(state_dir, APPLIED).starts_count


def test_an_applied_text_that_cannot_be_read_gives_way_to_the_file(places):
    apply(places, "limits = 5")
    assert ("", 0) == (ordered.in_force(*places).ordered, target_w(places))


def test_an_order_in_force_is_not_superseded(places):
    assert "" == ordered.superseded(*places)
    keep(places, 50)
    assert ("", 50) == (ordered.superseded(*places), target_w(places))
