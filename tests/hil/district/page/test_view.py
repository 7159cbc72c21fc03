import json

import pytest

from quartier_hil.district.fleet.council import Council
from quartier_hil.district.fleet.member import Member
from quartier_hil.district.fleet.outlook import Grid
from quartier_hil.district.fleet.post import Writer
from quartier_hil.district.fleet.roster import Roster
from quartier_hil.district.fleet.trace import Sample, Trace
from quartier_hil.district.optimum.plan import Failure, Level, Lot, Plan
from quartier_hil.district.page.view import POINTS_MAX_COUNT, state
from quartier_hil.district.session import Names

NOW_MS = 1_780_000_200_000
ROSTER = Roster.model_validate(
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
    return [Member(place, Names("issy", place.edge)) for place in ROSTER.buildings]


def _state(members, council, trace=None):
    shown = state(members, council, trace or Trace(), NOW_MS, connected=True, heartbeat_on=True)
    json.dumps(shown)
    return shown


def test_a_district_that_has_heard_nobody_says_so(members):
    found = _state(members, Council(ROSTER))

    assert ("the fail-safe shares", [], None) == (found["source"], found["ahead"], found["load_w"])
    assert ["never heard"] * 2 == [one["why"] for one in found["buildings"]]
    assert {"status": "", "reason": "", "age_s": None, "tries_count": 0} == found["buildings"][0]["ack"]


def test_the_plan_ahead_counts_who_is_not_in_it_at_the_share_and_what_gave_way_is_named(members):
    grid = Grid.around(NOW_MS, ROSTER)
    council = Council(ROSTER)
    lot = Lot(grid_w=(3_000.0,) * 96, curtailed_w=(0.0,) * 96)
    relaxed = {Level.CARS: 900.0}
    council.take(
        Plan(lots={"b001": lot}, relaxed_wh=relaxed, cost_eur=1.0, solve_s=0.1, solves_count=1), grid
    )
    found = _state(members, council)

    assert [NOW_MS, 7_500] == found["ahead"][0]
    assert (96, ["cars"], "the plan of this quarter hour") == (
        len(found["ahead"]),
        found["plan"]["gave_way"],
        found["source"],
    )
    council.take(Failure("time", 60.0), grid)
    found = _state(members, council)
    assert ("time", "the last good plan") == (found["plan"]["failed"], found["source"])


def test_what_each_was_told_and_answered_stands_beside_what_it_may(members):
    council = Council(ROSTER)
    list(Writer(ROSTER).due(members, council, NOW_MS))
    one = _state(members, council)["buildings"][0]

    assert (4_000.0, 4_000.0, 12_000.0, "unanswered", 1) == (
        one["cap_w"], one["share_w"], one["contract_w"], one["ack"]["status"], one["ack"]["tries_count"],
    )  # fmt: skip


def test_hours_of_samples_become_few_points_that_keep_the_highest(members):
    trace = Trace()
    trace.samples.extend(
        Sample(NOW_MS + place * 15_000, 9_000.0 if place == 700 else 100.0, 0.0) for place in range(1_440)
    )
    found = _state(members, Council(ROSTER), trace)["trace"]

    assert len(found) <= POINTS_MAX_COUNT
    assert 9_000 == max(load for _, load, _ in found)
