from dataclasses import replace

import pytest

from quartier.control.limits import active
from quartier.control.link import allowed
from quartier.control.requests import Interval


def test_a_random_start_delays_what_loosens_and_not_what_tightens(drive, paper, limits):
    steps = (Interval(1000, 8000), Interval(1000, 2000), Interval(9000, 8000))
    made = replace(paper(), intervals=steps, randomize_start_s=600)
    seen = {}
    for seed in range(20):
        d = drive(params=allowed.LinkParameters(limits=limits, seed=seed)).start()
        d.give(made)
        d.beats_until(1001)
        assert 2000 == d.caps.import_max_w
        d.beats_until(2001)
        seen[seed] = d.caps.import_max_w
        d.beats_until(2601)
        assert 8000 == d.caps.import_max_w

    assert {2000} == set(seen.values())


def test_seeds_spread_buildings_and_each_repeats_itself(drive, paper, limits):
    made = replace(paper(), intervals=(Interval(1000, 2000), Interval(9000, 8000)), randomize_start_s=600)

    def at_1300(seed):
        d = drive(params=allowed.LinkParameters(limits=limits, seed=seed)).start()
        d.give(made)
        return d.beats_until(1300).caps.import_max_w

    first = [at_1300(seed) for seed in range(30)]

    assert {2000, 8000} == set(first)
    assert first == [at_1300(seed) for seed in range(30)]


def test_caps_are_those_of_the_hard_limits_where_nothing_else_says_less(drive):
    d = drive().controlled(import_w=1e6, export_w=1e6)

    assert {"import": active.HARD, "export": active.HARD} == d.caps.whose
    assert (None, None) == (d.caps.generation_max_w, d.caps.consumption_max_w)


def test_the_cap_of_a_document_names_it_by_program_id_and_seq(drive):
    d = drive().controlled(import_w=3000)
    found = d.caps.whose["import"]

    assert ("document", found.get("program"), found.get("document")) == (
        found.who.kind,
        found.who.name,
        found.who.id,
    )
    assert d.state.programs[0].envelope.seq == found.who.seq


@pytest.mark.parametrize(
    ("on_loss", "t", "followed"), [("failsafe", 119, True), ("failsafe", 121, False), ("hold", 121, True)]
)
def test_wishes_for_assets_are_followed_in_control_and_hold_and_not_in_failsafe(drive, on_loss, t, followed):
    d = drive().controlled(on_loss=on_loss).tick(t)

    assert followed == allowed.follows_district(d.state, d.params, d.now)


def test_in_autonomous_wishes_need_a_heartbeat_in_time(drive):
    d = drive().start().tick(121)
    alone = allowed.follows_district(d.state, d.params, d.now)

    assert not alone
    assert allowed.follows_district(d.beat().state, d.params, d.now)


@pytest.mark.parametrize(
    ("values", "loosens"),
    [
        ({"import_max_w": 4_000, "export_max_w": 0}, False),
        ({"import_max_w": 5_001, "export_max_w": 0}, True),
        ({"import_max_w": 5_000, "export_max_w": 1}, True),
        ({"import_max_w": 5_000, "export_max_w": 0, "duration_min_s": 8_000}, False),
    ],
)
@pytest.mark.parametrize("beat_s", [0, 61])
def test_failsafe_parameters_loosen_where_they_allow_more_now_or_later(drive, values, loosens, beat_s):
    d = drive().controlled().tick(beat_s)
    before = d.state
    d.give_failsafe(1, **values)

    assert loosens == allowed.loosens_failsafe(before, d.state, d.params)


def test_a_shorter_minimum_of_failsafe_loosens(drive):
    d = drive().controlled()
    d.give_failsafe(1, import_max_w=5_000, export_max_w=0, duration_min_s=9_000)
    before = d.state
    d.give_failsafe(2, import_max_w=5_000, export_max_w=0, duration_min_s=8_000)

    assert allowed.loosens_failsafe(before, d.state, d.params)
