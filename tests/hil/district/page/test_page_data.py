import json

import pytest

from quartier_district.fleet.building_state import BuildingState, LoadSample, LoadTrace
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.fleet.document_writer import DocumentWriter
from quartier_district.fleet.limit_allocation import LimitAllocator
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.gateway_session import TopicNames
from quartier_district.optimiser.plan_records import BuildingPlan, DistrictPlan, PlanFailure, SoftLimit
from quartier_district.page.page_data import POINTS_MAX_COUNT, make_page_state

NOW_MS = 1_780_000_200_000
ROSTER = DistrictFile.model_validate(
    {
        "transformer": {"import_max_w": 20_000, "export_max_w": 9_000, "other_w": 500},
        "buildings": [
            {"edge": edge, "title": "House", "contract_import_w": 12_000, "contract_export_w": 6_000,
             "failsafe_import_w": 4_000, "failsafe_export_w": 0}
            for edge in ("b001", "b002")
        ],
    }
)  # fmt: skip


@pytest.fixture
def members():
    return [BuildingState(place, TopicNames("issy", place.edge)) for place in ROSTER.buildings]


def _state(members, council, trace=None):
    shown = make_page_state(members, council, trace or LoadTrace(), NOW_MS, connected=True, heartbeat_on=True)
    json.dumps(shown)
    return shown


def test_a_district_that_has_heard_nobody_says_so(members):
    found = _state(members, LimitAllocator(ROSTER))

    assert ("the fail-safe shares", [], None) == (found["source"], found["ahead"], found["load_w"])
    assert ["never heard"] * 2 == [one["why"] for one in found["buildings"]]
    assert {"status": "", "reason": "", "age_s": None, "tries_count": 0} == found["buildings"][0]["ack"]


def test_the_plan_ahead_counts_who_is_not_in_it_at_the_share_and_what_gave_way_is_named(members):
    grid = PlanSteps.around(NOW_MS, ROSTER)
    council = LimitAllocator(ROSTER)
    lot = BuildingPlan(grid_w=(3_000.0,) * 96, curtailed_w=(0.0,) * 96)
    relaxed = {SoftLimit.CARS: 900.0}
    council.take(
        DistrictPlan(lots={"b001": lot}, relaxed_wh=relaxed, cost_eur=1.0, solve_s=0.1, solves_count=1), grid
    )
    found = _state(members, council)

    assert [NOW_MS, 7_500] == found["ahead"][0]
    assert (96, ["cars"], "the plan of this quarter hour") == (
        len(found["ahead"]),
        found["plan"]["gave_way"],
        found["source"],
    )
    council.take(PlanFailure("time", 60.0), grid)
    found = _state(members, council)
    assert ("time", "the last good plan") == (found["plan"]["failed"], found["source"])


def test_what_each_was_told_and_answered_stands_beside_what_it_may(members):
    council = LimitAllocator(ROSTER)
    list(DocumentWriter(ROSTER).due(members, council, NOW_MS))
    one = _state(members, council)["buildings"][0]

    assert (4_000.0, 4_000.0, 12_000.0, "unanswered", 1) == (
        one["cap_w"], one["share_w"], one["contract_w"], one["ack"]["status"], one["ack"]["tries_count"],
    )  # fmt: skip


def test_hours_of_samples_become_few_points_that_keep_the_highest(members):
    trace = LoadTrace()
    trace.samples.extend(
        LoadSample(NOW_MS + place * 15_000, 9_000.0 if place == 700 else 100.0, 0.0) for place in range(1_440)
    )
    found = _state(members, LimitAllocator(ROSTER), trace)["trace"]

    assert len(found) <= POINTS_MAX_COUNT
    assert 9_000 == max(load for _, load, _ in found)
