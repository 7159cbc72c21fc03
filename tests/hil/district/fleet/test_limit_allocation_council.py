import random

import pytest

from quartier_district.fleet.building_state import Availability
from quartier_district.fleet.document_writer import DocumentWriter
from quartier_district.fleet.limit_allocation import ENVELOPE_TOPIC, LimitAllocator
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.optimiser.plan_records import BuildingPlan, DistrictPlan, PlanFailure

STEP_MS = 900_000


def plan(grid, **watts):
    lots = {
        name: BuildingPlan(grid_w=(power_w,) * grid.count, curtailed_w=(0.0,) * grid.count)
        for name, power_w in watts.items()
    }
    return DistrictPlan(lots=lots, relaxed_wh={}, cost_eur=0.0, solve_s=0.0, solves_count=1)


@pytest.fixture
def street(roster, members, wire, now_ms):
    """Three buildings that are there, and what counts for them."""
    found = roster()
    everyone = members(found)
    for member in everyone:
        wire.birth(member, now_ms, grid__power_w=1_000.0)
    return found, everyone, LimitAllocator(found), PlanSteps(now_ms, 900, 4)


def test_without_a_plan_each_is_told_its_share(street, now_ms):
    _, everyone, council, grid = street

    assert "shares" == council.source(now_ms)
    assert {(4_000.0,) * 4} == set(council.compute_limits_w(everyone, grid, now_ms)["import"].values())


def test_a_failure_leaves_the_last_good_plan_for_an_hour_and_then_the_shares(street, now_ms):
    roster, everyone, council, grid = street
    council.take(plan(PlanSteps.around(now_ms, roster), b001=9_000.0, b002=1_000.0, b003=1_000.0), grid)
    assert "plan" == council.source(now_ms)
    council.take(PlanFailure("time", 60.0), grid)

    assert "last plan" == council.source(now_ms + 4_500_000)
    assert "shares" == council.source(now_ms + 4_500_001)
    later = PlanSteps(now_ms + 6 * STEP_MS, 900, 4)
    assert {(4_000.0,) * 4} == set(
        council.compute_limits_w(everyone, later, later.start_ms)["import"].values()
    )


def test_a_silent_building_is_counted_at_its_share_and_told_no_more(street, wire, now_ms):
    roster, everyone, council, grid = street
    council.take(plan(PlanSteps.around(now_ms, roster), b001=9_000.0, b002=9_000.0, b003=2_000.0), grid)
    wire.death(everyone[0], now_ms)

    assert (4_000.0,) * 4 == council.compute_reserved_w(everyone, grid, now_ms)["import"]
    told = council.compute_limits_w(everyone, grid, now_ms)["import"]
    assert 4_000.0 == told["b001"][0]
    # The two others had never more than their share: what is left of 20 kW is theirs.
    assert 16_000.0 == pytest.approx(told["b002"][0] + told["b003"][0], abs=1.0)


def test_a_silent_building_that_may_still_hold_more_counts_at_that_until_its_intervals_end(
    street, wire, now_ms
):
    roster, everyone, council, grid = street
    council.take(plan(PlanSteps.around(now_ms, roster), b001=11_000.0, b002=3_000.0, b003=3_000.0), grid)
    for _ in DocumentWriter(roster).due(everyone, council, now_ms):
        pass
    for member in everyone:
        wire.ack(member, member.find_sent_documents(ENVELOPE_TOPIC).last.seq, now_ms)
    held_w = everyone[0].find_sent_documents(ENVELOPE_TOPIC).last.cap_w("import", now_ms)
    assert held_w > 4_000.0
    wire.death(everyone[0], now_ms)

    longer = PlanSteps(now_ms, 900, 6)
    assert (*[held_w] * 4, 4_000.0, 4_000.0) == council.compute_reserved_w(everyone, longer, now_ms)["import"]


def test_a_building_that_does_not_keep_its_cap_is_counted_at_what_it_takes_until_it_does(
    street, wire, now_ms
):
    roster, everyone, council, grid = street
    wire.data(everyone[0], now_ms, grid__power_w=7_000.0)
    everyone[0].watch(now_ms)
    for second in (60, 120, 121):
        wire.data(everyone[0], now_ms + second * 1_000, grid__power_w=7_000.0)
        everyone[0].watch(now_ms + second * 1_000)
        for member in everyone[1:]:
            wire.data(member, now_ms + second * 1_000, grid__power_w=1_000.0)
        found = everyone[0].standing(now_ms + second * 1_000)
        assert (Availability.OVER if second > 120 else Availability.LIVE) == found

    late_ms = now_ms + 121_000
    assert (7_000.0,) * 4 == council.compute_reserved_w(everyone, grid, late_ms)["import"]
    council.take(plan(PlanSteps.around(now_ms, roster), b001=9_000.0, b002=9_000.0, b003=9_000.0), grid)
    told = council.compute_limits_w(everyone, grid, late_ms)["import"]
    assert 4_000.0 == told["b001"][0]
    assert 13_000.0 == pytest.approx(told["b002"][0] + told["b003"][0], abs=1.0)
    wire.data(everyone[0], late_ms, grid__power_w=4_100.0)
    everyone[0].watch(late_ms)
    assert Availability.LIVE is everyone[0].standing(late_ms)


@pytest.mark.parametrize("seed", range(12))
def test_no_loss_of_words_answers_or_buildings_lets_the_sum_that_may_be_held_pass_the_limit(
    roster, members, wire, now_ms, seed
):
    rng = random.Random(seed)
    found = roster(rng.randint(2, 5), limit_w=21_000.0)
    everyone, council, writer = members(found), LimitAllocator(found), DocumentWriter(found)
    really_w = {member.place.edge: {} for member in everyone}
    at_ms = now_ms
    for _ in range(60):
        at_ms += rng.choice((2_000, 20_000, 60_000, 300_000))
        for member in everyone:
            _lives(member, wire, rng, at_ms)
        grid = PlanSteps.around(at_ms, found)
        if rng.random() < 0.3:
            drawn = {member.place.edge: rng.uniform(0, 12_000) for member in everyone if rng.random() < 0.9}
            council.take(plan(grid, **drawn) if rng.random() < 0.8 else PlanFailure("time", 1.0), grid)
        for post in writer.due(everyone, council, at_ms):
            if post.topic == ENVELOPE_TOPIC and rng.random() < 0.7:
                _arrives(post, everyone, really_w, wire, rng, at_ms)
        for look_ms in range(at_ms, at_ms + 5 * STEP_MS, STEP_MS):
            caps = [really_w[member.place.edge].get("letter") for member in everyone]
            sum_w = sum(
                member.place.failsafe_import_w if letter is None else letter.cap_w("import", look_ms)
                for member, letter in zip(everyone, caps, strict=True)
            )
            assert sum_w <= 21_000.0 + 1e-6


def _lives(member, wire, rng, at_ms):
    """It is born, talks, is quiet or dies."""
    chance = rng.random()
    if not member.session.online and chance < 0.4:
        wire.birth(member, at_ms, grid__power_w=500.0)
    elif member.session.online and chance < 0.05:
        wire.death(member, at_ms)
    elif member.session.online and chance < 0.8:
        wire.data(member, at_ms, grid__power_w=500.0)


def _arrives(post, everyone, really_w, wire, rng, at_ms):
    """A building takes the document, whether or not its answer gets through."""
    member = next(member for member in everyone if member.place.edge == post.edge)
    letter = next(
        one for one in member.find_sent_documents(ENVELOPE_TOPIC).sent if one.payload == post.payload
    )
    older = really_w[post.edge].get("letter")
    if older is None or letter.seq > older.seq:
        really_w[post.edge]["letter"] = letter
    if rng.random() < 0.7:
        wire.ack(member, letter.seq, at_ms)
