"""Caps of the steps ahead: documents by their time, what else binds now binds on."""

from dataclasses import replace

import pytest

from quartier.control.limits import active
from quartier.control.limits.active import ActiveLimits
from quartier.control.link import allowed
from quartier.control.reason import make_text_reason
from quartier.control.requests import Interval
from quartier_drivers.contract import Origin

DOCUMENT = make_text_reason("envelope dso 1", Origin("document", "dso", "1", 1))
SPANS = (Interval(1800, 5_000, 6_000), Interval(900, 3_000), Interval(900))


@pytest.fixture
def caps(drive):
    """(import, export) of steps of 900 s, under a document of three intervals."""
    found = drive().controlled(intervals=SPANS, exp_s=5_400)

    def make(import_w, export_w, whose, count=8):
        force = ActiveLimits(import_w=import_w, export_w=export_w, sources=whose)
        when = found.now, found.now.utc_ms, 900_000, count
        powers = allowed.find_limits_ahead(found.state, found.params, force, *when)
        return [(one.import_w, one.export_w) for one in powers]

    return make


def test_the_first_step_has_what_is_in_force_and_the_others_what_documents_say_for_then(caps):
    found = caps(4_500, 5_500, {"import": DOCUMENT, "export": DOCUMENT})

    assert (4_500, 5_500) == found[0]
    # a direction that an interval leaves out has the document's default
    assert [(5_000, 6_000), (3_000, 3_000), (7_000, 3_000)] == found[1:4]


def test_the_default_of_a_document_outlives_its_intervals_and_itself(caps):
    found = caps(4_500, 5_500, {"import": DOCUMENT, "export": DOCUMENT})

    assert [(7_000, 3_000)] * 4 == found[4:]


def test_what_binds_and_is_no_document_is_taken_to_bind_on(caps):
    found = caps(2_000, 5_500, {"import": make_text_reason("contact dso1"), "export": DOCUMENT})

    assert [2_000] * 8 == [one for one, _ in found]


def test_without_a_document_only_the_hard_limits_and_what_binds_count(drive):
    found = drive().start()
    force = ActiveLimits(import_w=10_000, export_w=6_000, sources={})
    when = found.now, found.now.utc_ms, 900_000, 3
    powers = allowed.find_limits_ahead(found.state, found.params, force, *when)

    assert [(10_000, 6_000)] * 3 == [(one.import_w, one.export_w) for one in powers]


def test_a_random_start_delays_what_loosens_and_not_what_tightens(drive, document, limits):
    steps = (Interval(1000, 8000), Interval(1000, 2000), Interval(9000, 8000))
    made = replace(document(), intervals=steps, randomize_start_s=600)
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


def test_seeds_spread_buildings_and_each_repeats_itself(drive, document, limits):
    made = replace(document(), intervals=(Interval(1000, 2000), Interval(9000, 8000)), randomize_start_s=600)

    def at_1300(seed):
        d = drive(params=allowed.LinkParameters(limits=limits, seed=seed)).start()
        d.give(made)
        return d.beats_until(1300).caps.import_max_w

    first = [at_1300(seed) for seed in range(30)]

    assert {2000, 8000} == set(first)
    assert first == [at_1300(seed) for seed in range(30)]


def test_caps_are_those_of_the_hard_limits_where_nothing_else_says_less(drive):
    d = drive().controlled(import_w=1e6, export_w=1e6)

    assert {"import": active.HARD, "export": active.HARD} == d.caps.sources
    assert (None, None) == (d.caps.generation_max_w, d.caps.consumption_max_w)


def test_the_cap_of_a_document_names_it_by_program_id_and_seq(drive):
    d = drive().controlled(import_w=3000)
    found = d.caps.sources["import"]

    assert ("document", found.get("program"), found.get("document")) == (
        found.who.kind,
        found.who.name,
        found.who.id,
    )
    assert d.state.programs[0].envelope.seq == found.who.seq


@pytest.mark.parametrize(
    ("on_loss", "t", "followed"), [("failsafe", 119, True), ("failsafe", 121, False), ("hold", 121, True)]
)
def test_requests_for_assets_are_followed_in_control_and_hold_and_not_in_failsafe(
    drive, on_loss, t, followed
):
    d = drive().controlled(on_loss=on_loss).tick(t)

    assert followed == allowed.follows_district(d.state, d.params, d.now)


def test_in_autonomous_requests_need_a_heartbeat_in_time(drive):
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
