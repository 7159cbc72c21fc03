import json

import pytest

from quartier_district.fleet.document_writer import DocumentWriter, make_log_entry
from quartier_district.fleet.limit_allocation import ENVELOPE_TOPIC, LimitAllocator
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.optimiser.plan_records import BuildingPlan, DistrictPlan


@pytest.fixture
def desk(roster, members, wire, now_ms):
    found = roster()
    everyone = members(found)
    for member in everyone:
        wire.birth(member, now_ms, grid__power_w=1_000.0)
    return everyone, LimitAllocator(found), DocumentWriter(found)


def _plan(watts, battery_w=None, count=96):
    lots = {
        name: BuildingPlan(grid_w=(power_w,) * count, curtailed_w=(0.0,) * count, battery_w=battery_w)
        for name, power_w in watts.items()
    }
    return DistrictPlan(lots=lots, relaxed_wh={}, cost_eur=0.0, solve_s=0.0, solves_count=1)


def _answered(everyone, wire, now_ms):
    for member in everyone:
        for letters in member.sent_documents.values():
            if letters.last is not None and not letters.last.is_answered:
                wire.ack(member, letters.last.seq, now_ms)


def test_a_birth_gets_its_share_as_failsafe_and_an_envelope_that_says_the_share_around_its_intervals(
    desk, now_ms
):
    posts = list(desk[2].due(desk[0], desk[1], now_ms))

    assert [("b001", "failsafe"), ("b001", ENVELOPE_TOPIC)] == [(post.edge, post.topic) for post in posts[:2]]
    failsafe, envelope = (json.loads(post.payload) for post in posts[:2])
    assert (4_000.0, 1_000.0, 7_200) == (
        failsafe["import_max_w"],
        failsafe["export_max_w"],
        failsafe["duration_min_s"],
    )
    assert {"import_max_w": 4_000.0, "export_max_w": 1_000.0} == envelope["default"]
    assert ("failsafe", "issy.b001", "district", now_ms) == (
        envelope["on_loss"], envelope["aud"], envelope["program"], envelope["start"],
    )  # fmt: skip
    assert [900] * 4 == [interval["duration_s"] for interval in envelope["intervals"]]
    assert 48 * 3_600_000 == envelope["exp"] - envelope["iat"]
    seqs = [json.loads(post.payload)["seq"] for post in posts]
    assert sorted(set(seqs)) == seqs


def test_nothing_new_is_written_while_nothing_changes_and_the_same_bytes_go_until_answered(
    desk, wire, now_ms
):
    everyone, council, writer = desk
    first = {
        post.edge: post.payload
        for post in writer.due(everyone, council, now_ms)
        if post.topic == ENVELOPE_TOPIC
    }
    again = list(writer.due(everyone, council, now_ms + 10_000))
    assert first == {post.edge: post.payload for post in again if post.topic == ENVELOPE_TOPIC}
    assert all(post.is_repeated for post in again)
    _answered(everyone, wire, now_ms)

    assert [] == list(writer.due(everyone, council, now_ms + 60_000))


def test_more_is_said_once_those_who_lose_have_answered(desk, wire, now_ms):
    everyone, council, writer = desk
    grid = PlanSteps.around(now_ms, council.roster)
    council.take(_plan({"b001": 12_000.0, "b002": 4_000.0, "b003": 4_000.0}), grid)
    list(writer.due(everyone, council, now_ms))
    _answered(everyone, wire, now_ms)
    assert 12_000.0 == everyone[0].find_sent_documents(ENVELOPE_TOPIC).last.cap_w("import", now_ms)

    council.take(_plan({"b001": 1_000.0, "b002": 12_000.0, "b003": 1_000.0}), grid)
    first = {post.edge: json.loads(post.payload) for post in writer.due(everyone, council, now_ms + 1_000)}
    assert {"b001"} == first.keys()
    held = [
        member.find_sent_documents(ENVELOPE_TOPIC).list_possible_limits_w("import", (now_ms,), 4_000.0)[0]
        for member in everyone
    ]
    assert sum(held) <= 20_000.0
    _answered(everyone, wire, now_ms + 2_000)
    more = {post.edge: json.loads(post.payload) for post in writer.due(everyone, council, now_ms + 3_000)}
    assert 12_000.0 == more["b002"]["intervals"][0]["import_max_w"]


def test_a_new_birth_gets_everything_with_a_new_number(desk, wire, now_ms):
    everyone, council, writer = desk
    first = [json.loads(post.payload)["seq"] for post in writer.due(everyone, council, now_ms)]
    _answered(everyone, wire, now_ms)
    wire.birth(everyone[0], now_ms + 5_000, grid__power_w=1.0)
    posts = list(writer.due(everyone, council, now_ms + 5_000))

    assert [("b001", "failsafe"), ("b001", ENVELOPE_TOPIC)] == [(post.edge, post.topic) for post in posts]
    assert min(json.loads(post.payload)["seq"] for post in posts) > max(first)


def test_the_next_steps_are_promised_when_a_step_has_gone(desk, wire, now_ms):
    everyone, council, writer = desk
    council.take(
        _plan({"b001": 9_000.0, "b002": 1_000.0, "b003": 1_000.0}), PlanSteps.around(now_ms, council.roster)
    )
    list(writer.due(everyone, council, now_ms))
    _answered(everyone, wire, now_ms)
    later_ms = now_ms + 900_000
    for member in everyone:
        wire.data(member, later_ms, grid__power_w=1_000.0)
    posts = {post.edge: json.loads(post.payload) for post in writer.due(everyone, council, later_ms)}

    assert later_ms == posts["b001"]["start"]
    assert posts["b001"]["intervals"][3]["import_max_w"] > 4_000.0


def test_a_battery_with_a_schedule_gets_one_for_each_plan(desk, wire, now_ms):
    everyone, council, writer = desk
    everyone[0].place = everyone[0].place.model_copy(update={"schedules": ("bat1",)})
    grid = PlanSteps.around(now_ms, council.roster)
    council.take(_plan({"b001": 1.0, "b002": 1.0, "b003": 1.0}, battery_w=(-500.0,) * 96), grid)
    posts = [post for post in writer.due(everyone, council, now_ms) if post.topic.startswith("schedule")]
    assert ["schedule/bat1"] == [post.topic for post in posts]
    body = json.loads(posts[0].payload)
    assert ("bat1", 96, {"duration_s": 900, "power_w": -500}) == (
        body["asset"], len(body["intervals"]), body["intervals"][0],
    )  # fmt: skip

    _answered(everyone, wire, now_ms)
    assert [] == list(writer.due(everyone, council, now_ms + 2_000))
    assert {"edge": "b001", "topic": "schedule/bat1", "again": False, "body": body} == make_log_entry(
        posts[0]
    )
