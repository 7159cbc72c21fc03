import pytest

from quartier_district.fleet.document_writer import DocumentWriter, dump_documents, load_documents
from quartier_district.fleet.limit_allocation import ENVELOPE_TOPIC, LimitAllocator
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.optimiser.plan_records import BuildingPlan, DistrictPlan


def test_a_district_that_was_killed_still_counts_what_a_building_may_hold(roster, members, wire, now_ms):
    found = roster()
    everyone, council, writer = members(found), LimitAllocator(found), DocumentWriter(found)
    grid = PlanSteps.around(now_ms, found)
    lots = {
        edge: BuildingPlan(grid_w=(watts,) * 96, curtailed_w=(0.0,) * 96)
        for edge, watts in (("b001", 11_000.0), ("b002", 1_000.0), ("b003", 1_000.0))
    }
    council.take(DistrictPlan(lots=lots, relaxed_wh={}, cost_eur=0.0, solve_s=0.0, solves_count=1), grid)
    for member in everyone:
        wire.birth(member, now_ms, grid__power_w=500.0)
    list(writer.due(everyone, council, now_ms))
    for member in everyone:
        wire.ack(member, member.find_sent_documents(ENVELOPE_TOPIC).last.seq, now_ms)
    list(writer.due(everyone, council, now_ms + 2_000))
    held = [
        member.find_sent_documents(ENVELOPE_TOPIC).list_possible_limits_w(
            "import", grid.step_starts_ms, 4_000.0
        )
        for member in everyone
    ]

    again = members(found)
    last_seq = load_documents(again, dump_documents(everyone, writer.last_seq), now_ms + 60_000)

    assert writer.last_seq == last_seq
    assert held == [
        member.find_sent_documents(ENVELOPE_TOPIC).list_possible_limits_w(
            "import", grid.step_starts_ms, 4_000.0
        )
        for member in again
    ]
    assert held[0][0] > 4_000.0
    # Nobody was heard yet: all are silent, and counted at what they may hold.
    assert (
        held[0][0] + 8_000.0
        <= LimitAllocator(found).compute_reserved_w(again, PlanSteps(now_ms, 900, 4), now_ms)["import"][0]
    )


def test_what_has_ended_is_forgotten_and_what_is_none_of_ours_is_refused(roster, members, wire, now_ms):
    found = roster(1)
    everyone, writer = members(found), DocumentWriter(found)
    wire.birth(everyone[0], now_ms, grid__power_w=500.0)
    list(writer.due(everyone, LimitAllocator(found), now_ms))
    text = dump_documents(everyone, writer.last_seq)

    again = members(found)
    load_documents(again, text, now_ms + 49 * 3_600_000)
    assert [] == again[0].find_sent_documents(ENVELOPE_TOPIC).sent
    for odd in ("[]", "{", '{"last_seq": 1}', '{"last_seq": 1, "buildings": {"b001": {"x": [1]}}}'):
        with pytest.raises(ValueError, match=r"letters|Expecting"):
            load_documents(again, odd, now_ms)
