"""Ordered and applied site files over the installer's: which one counts, and how a bad one is got rid of."""

import pytest

from quartier.config import stored_site_file
from quartier.config.stored_site_file import APPLIED_FILE, StoredSiteFile, TightenedLimits
from quartier.runtime.state_file import save_facts
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
    return stored_site_file.load_site_file_in_force(*places).site.control.grid_target_w


def keep(places, watts, seq=1, before="", **more):
    config, state_dir = places
    made = StoredSiteFile(
        config_text(config, watts),
        stored_site_file.find_base_digest(config, state_dir),
        "j",
        seq,
        before,
        **more,
    )
    stored_site_file.save_stored_site_file(state_dir, made)
    return made


def config_text(config, watts):
    return config.read_text().replace("grid_target_w = 0", f"grid_target_w = {watts}")


def test_what_was_ordered_counts_and_says_which_job_it_was(places):
    assert (0, "") == (target_w(places), stored_site_file.load_site_file_in_force(*places).ordered)
    keep(places, 50)
    assert (50, "j (1)") == (target_w(places), stored_site_file.load_site_file_in_force(*places).ordered)


def test_who_changes_the_file_at_the_gateway_has_the_last_word(places):
    keep(places, 50)
    config, _ = places
    before = config.read_text()
    config.write_text(config_text(config, 70))
    assert (70, None) == (target_w(places), stored_site_file.find_order_in_force(*places))
    assert ("j (1)", "") == (
        stored_site_file.drop_superseded(*places),
        stored_site_file.drop_superseded(*places),
    ), "once"
    config.write_text(before)
    assert (0, None) == (target_w(places), stored_site_file.find_order_in_force(*places)), (
        "what was superseded never comes back"
    )


def test_an_ordered_file_that_a_later_version_cannot_read_gives_way_to_the_one_before(places):
    config, state_dir = places
    before = config_text(config, 30)
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile("limits = 5", stored_site_file.find_base_digest(*places), "j", 2, before)
    )
    assert (30, "before j (2)") == (
        target_w(places),
        stored_site_file.load_site_file_in_force(*places).ordered,
    )
    stored_site_file.save_stored_site_file(
        state_dir,
        StoredSiteFile("limits = 5", stored_site_file.find_base_digest(*places), "j", 2, "also = bad"),
    )
    assert 0 == target_w(places)


def test_a_file_with_which_three_runs_did_not_last_a_minute_gives_way_to_the_one_before(places):
    config, state_dir = places
    keep(places, 50, before=config_text(config, 30))
    for _ in range(3):
        assert 50 == target_w(places)
        stored_site_file.note_run_began(state_dir, stored_site_file.load_site_file_in_force(*places).ordered)
    assert (30, None) == (target_w(places), stored_site_file.find_order_in_force(*places))
    stored_site_file.note_run_lasted(state_dir, stored_site_file.load_site_file_in_force(*places).ordered)
    assert 30 == target_w(places), "that the one before lasts says nothing of it"
    stored_site_file.note_run_began(state_dir, stored_site_file.load_site_file_in_force(*places).ordered)
    stored_site_file.note_run_lasted(state_dir, "")
    assert 30 == target_w(places), "nor does a run with the file itself"


def test_a_run_that_lasts_makes_it_good(places):
    _, state_dir = places
    keep(places, 50)
    for _ in range(9):
        stored_site_file.note_run_began(state_dir, "j (1)")
        stored_site_file.note_run_lasted(state_dir, "j (1)")
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
    save_facts(state_dir / "ordered", {"text": 5})
    assert (None, 0) == (stored_site_file.load_stored_site_file(state_dir), target_w(places))
    stored_site_file.note_run_began(state_dir, "j (1)")
    stored_site_file.note_run_lasted(state_dir, "j (1)")


def test_an_ordered_text_is_checked_whole_and_against_what_only_a_hand_may_change(places):
    config, _ = places
    used = stored_site_file.load_site_file_in_force(*places)
    assert ("control.grid_target_w",) == stored_site_file.check_ordered_text(
        *places, config_text(config, 50), used
    ).changed
    with pytest.raises(ConfigError) as error:
        stored_site_file.check_ordered_text(*places, config_text(config, 50).replace("12000", "12001"), used)
    (fault,) = error.value.faults
    assert ("ordered site file", 2, "limits.contract_import_w") == (fault.file, fault.line, fault.key)


def test_what_an_order_tightened_loosens_against_what_is_used_though_the_file_says_the_same(places):
    config, state_dir = places
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(limited(config, 2000), stored_site_file.find_base_digest(*places), "j", 1)
    )
    judgement = stored_site_file.check_ordered_text(
        *places, config.read_text(), stored_site_file.load_site_file_in_force(*places)
    )
    assert ("limits.failsafe_import_w",) == judgement.loosened


def limited(config, failsafe_w, key="failsafe_import_w"):
    return config.read_text().replace("= 12000", f"= 12000, {key} = {failsafe_w}")


def failsafe_w(places):
    return stored_site_file.load_site_file_in_force(*places).site.limits.import_failsafe_w


def test_a_run_that_failed_loosens_nothing(places):
    config, state_dir = places
    over = stored_site_file.find_base_digest(*places)
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(limited(config, 2000), over, "j", 2, limited(config, 3000), starts_count=3)
    )
    assert ("before j (2)", 2000) == (
        stored_site_file.load_site_file_in_force(*places).ordered,
        failsafe_w(places),
    )
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(limited(config, 2000), over, "j", 3, "", starts_count=3)
    )
    assert ("", 2000) == (stored_site_file.load_site_file_in_force(*places).ordered, failsafe_w(places)), (
        "nor down to the file"
    )


def test_a_kept_order_that_changes_what_is_a_persons_is_not_used(places):
    config, state_dir = places
    over = stored_site_file.find_base_digest(*places)
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(config.read_text().replace("227", "228"), over, "j", 1, limited(config, 10))
    )
    assert ("before j (1)", 227) == (
        stored_site_file.load_site_file_in_force(*places).ordered,
        stored_site_file.load_site_file_in_force(*places).site.devices["gx"].unit,
    )


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path):
    assert "" == stored_site_file.find_base_digest(tmp_path / "gone.toml", tmp_path)


# What a person applied


def apply(places, text, **more):
    config, state_dir = places
    applied = StoredSiteFile(
        text, stored_site_file.find_file_digest(config), "anna, the console tty1", 5, **more
    )
    stored_site_file.save_stored_site_file(state_dir, applied, APPLIED_FILE)
    return applied.name


def test_an_applied_text_stands_over_the_file_and_an_order_over_that(places):
    config, state_dir = places
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(config_text(config, 50), stored_site_file.find_base_digest(*places), "j", 1)
    )
    name = apply(places, config.read_text().replace("227", "100"))
    loaded = stored_site_file.load_site_file_in_force(*places)
    assert (name, 100, 0) == (loaded.ordered, loaded.site.devices["gx"].unit, target_w(places))
    assert ("j (1)", "") == (
        stored_site_file.drop_superseded(*places),
        stored_site_file.drop_superseded(*places, APPLIED_FILE),
    )
    with pytest.raises(ConfigError, match=r"devices\.gx\.unit"):
        stored_site_file.check_ordered_text(*places, config_text(config, 50), loaded)
    text = config_text(config, 50).replace("227", "100")
    stored_site_file.check_ordered_text(*places, text, loaded)
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(text, stored_site_file.find_base_digest(*places), "j", 2)
    )
    assert ("j (2)", 50) == (stored_site_file.load_site_file_in_force(*places).ordered, target_w(places))


def test_who_changes_the_file_ends_what_was_applied_for_good(places):
    config, _ = places
    name = apply(places, config_text(config, 60))
    before = config.read_text()
    config.write_text(config_text(config, 70))
    assert (70, name) == (target_w(places), stored_site_file.drop_superseded(*places, APPLIED_FILE))
    config.write_text(before)
    assert (0, "") == (target_w(places), stored_site_file.drop_superseded(*places, APPLIED_FILE))


def test_an_applied_text_with_which_no_run_lasts_gives_way_to_the_file_and_loosens_nothing(places):
    config, state_dir = places
    name = apply(places, limited(config, 1000).replace("grid_target_w = 0", "grid_target_w = 60"))
    for _ in range(3):
        assert 60 == target_w(places)
        stored_site_file.note_run_began(state_dir, name)
    assert ("", 0, 1000) == (
        stored_site_file.load_site_file_in_force(*places).ordered,
        target_w(places),
        failsafe_w(places),
    )
    assert stored_site_file.find_file_digest(config) == stored_site_file.find_base_digest(*places)


def test_an_order_with_which_no_run_lasts_leaves_what_was_applied(places):
    config, state_dir = places
    name = apply(places, config_text(config, 60))
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(config_text(config, 50), stored_site_file.find_base_digest(*places), "j", 1)
    )
    for _ in range(3):
        stored_site_file.note_run_began(state_dir, stored_site_file.load_site_file_in_force(*places).ordered)
    assert (name, 60) == (stored_site_file.load_site_file_in_force(*places).ordered, target_w(places))
    stored_site_file.note_run_began(state_dir, name)
    stored_site_file.note_run_lasted(state_dir, name)
    assert 0 == stored_site_file.load_stored_site_file(state_dir, APPLIED_FILE).starts_count


def test_an_applied_text_that_cannot_be_read_gives_way_to_the_file(places):
    apply(places, "limits = 5")
    assert ("", 0) == (stored_site_file.load_site_file_in_force(*places).ordered, target_w(places))


def test_an_order_in_force_is_not_superseded(places):
    assert "" == stored_site_file.drop_superseded(*places)
    keep(places, 50)
    assert ("", 50) == (stored_site_file.drop_superseded(*places), target_w(places))


# The tighter values of a file that waits


def tighten(places, over=None, seq=7, **limits):
    over = stored_site_file.find_approval_digest(*places) if over is None else over
    made = TightenedLimits("w", seq, 10**12, over, limits)
    stored_site_file.save_tightened_limits(places[1], made)
    return made


def test_tighter_values_act_beside_each_text_and_never_loosen_it(places):
    config, _ = places
    made = tighten(places, failsafe_import_w=2000.0)
    assert made == stored_site_file.load_tightened_limits(places[1])
    assert (2000, "") == (failsafe_w(places), stored_site_file.load_site_file_in_force(*places).ordered)
    keep(places, 50)
    assert (2000, 50) == (failsafe_w(places), target_w(places)), "beside an order"
    stored_site_file.save_stored_site_file(
        places[1], StoredSiteFile(limited(config, 1000), stored_site_file.find_base_digest(*places), "j", 2)
    )
    assert 1000 == failsafe_w(places), "the tighter of both"


def test_a_person_who_changes_the_file_or_applies_one_ends_tighter_values_for_good(places):
    config, state_dir = places
    before = config.read_text()
    made = tighten(places, failsafe_import_w=2000.0)
    assert stored_site_file.drop_superseded_limits(*places) is None
    config.write_text(config_text(config, 70))
    assert (6000, made) == (failsafe_w(places), stored_site_file.drop_superseded_limits(*places))
    assert stored_site_file.drop_superseded_limits(*places) is None, "once"
    config.write_text(before)
    assert 6000 == failsafe_w(places), "they do not come back with the file"
    assert "w" == stored_site_file.load_tightened_limits(state_dir).id, "which job it was stays known"

    apply(places, before)
    tighten(places, failsafe_import_w=2000.0)
    assert 2000 == failsafe_w(places)
    applied = StoredSiteFile(before, stored_site_file.find_file_digest(config), "anna", 6)
    stored_site_file.save_stored_site_file(state_dir, applied, APPLIED_FILE)
    assert 6000 == failsafe_w(places), "the same text, applied again"


def test_an_applied_text_that_no_run_lasts_with_ends_no_tighter_value(places):
    config, state_dir = places
    name = apply(places, config_text(config, 60))
    tighten(places, failsafe_import_w=2000.0)
    for _ in range(4):
        assert 2000 == failsafe_w(places)
        stored_site_file.note_run_began(state_dir, name)
    assert (2000, 0) == (failsafe_w(places), target_w(places))
    assert stored_site_file.drop_superseded_limits(*places) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"id": "w", "seq": 1, "exp": 1, "over": "", "limits": {"failsafe_import_w": "none"}},
        {"id": "w", "seq": 1, "exp": 1, "over": "", "limits": {"failsafe_import_w": True}},
        {"id": "w", "seq": 1, "exp": 1, "over": "", "limits": {"failsafe_import_w": float("nan")}},
        {"id": "w", "seq": 1, "exp": 1, "over": ""},
    ],
)
def test_tighter_values_that_cannot_be_read_leave_the_file_in_force_as_it_is(places, facts):
    config, state_dir = places
    text = limited(config, 3000)
    stored_site_file.save_stored_site_file(
        state_dir, StoredSiteFile(text, stored_site_file.find_base_digest(*places), "j", 1)
    )
    facts = {**facts, "over": stored_site_file.find_approval_digest(*places)}
    save_facts(state_dir / "tightened", facts)
    assert (None, 3000) == (stored_site_file.load_tightened_limits(state_dir), failsafe_w(places))
    for copy in "ab":
        (state_dir / f"tightened.{copy}").write_bytes(b"damaged")
    assert (None, 3000) == (stored_site_file.load_tightened_limits(state_dir), failsafe_w(places))
    assert stored_site_file.drop_superseded_limits(*places) is None


def test_one_damaged_copy_of_tighter_values_changes_nothing(places):
    for copy in "ab":
        tighten(places, failsafe_import_w=3000.0)
        tighten(places, failsafe_import_w=2000.0)
        (places[1] / f"tightened.{copy}").write_bytes(b"damaged")
        assert 2000 == failsafe_w(places)


def test_a_file_that_is_gone_for_a_moment_ends_no_tighter_value(places):
    config, _ = places
    tighten(places, failsafe_import_w=2000.0)
    text = config.read_text()
    config.unlink()
    assert stored_site_file.drop_superseded_limits(*places) is None
    config.write_text(text)
    assert 2000 == failsafe_w(places)


def test_values_of_an_earlier_job_stay_beside_those_of_a_newer_one():
    before = TightenedLimits("a", 1, 10, "base", {"failsafe_import_w": 1000.0, "hold_max_s": 3600.0})
    newer = TightenedLimits("b", 2, 20, "base", {"failsafe_import_w": 500.0})
    both = stored_site_file.tighten_further(before, newer)
    assert TightenedLimits("b", 2, 20, "base", {"failsafe_import_w": 500.0, "hold_max_s": 3600.0}) == both
    assert newer == stored_site_file.tighten_further(None, newer)


def test_what_a_person_ended_does_not_come_back_with_the_same_job_but_with_a_newer_one():
    before = TightenedLimits("a", 1, 10, "base", {"failsafe_import_w": 1000.0})
    again = TightenedLimits("a", 1, 10, "other", {"failsafe_import_w": 1000.0})
    newer = TightenedLimits("b", 2, 10, "other", {"failsafe_import_w": 1000.0})
    ended = stored_site_file.end_tightened_limits(again)
    assert ("", {}) == (ended.over, ended.limits)
    for known in (before, ended):
        assert ended == stored_site_file.tighten_further(known, again)
        assert newer == stored_site_file.tighten_further(known, newer)
