import json
from dataclasses import replace

import pytest
from tests.gateway.control.walk.sites import TANK

from quartier.control import switch_state
from quartier.control.switch_state import SwitchState, is_switch_allowed
from quartier.site.asset_types import OperationMode, OperationModeAsset
from quartier.site.records import Now

S = 1_000_000_000
UTC_MS = 1_790_000_000_000
BEFORE = Now(5_000 * S, UTC_MS, synced=True)


def restarted(house, known, *, away_s=10, synced=True, **broken):
    facts = json.loads(json.dumps(switch_state.dump_switch_states(known, BEFORE)))
    for facts_of_one in facts.values():
        facts_of_one.update(broken)
    return switch_state.load_switch_states(house, facts, Now(7 * S, UTC_MS + away_s * 1000, synced))


@pytest.mark.parametrize(("on", "least_s"), [(True, 300), (False, 180)])
def test_a_minimum_time_goes_on_over_a_restart(house, on, least_s):
    pump = next(asset for asset in house.assets if asset.name == "pump")
    known = {"pump": SwitchState(on=on, since_ns=BEFORE.ns - 100 * S)}

    for away_s, over in ((least_s - 101, False), (least_s - 99, True)):
        found = restarted(house, known, away_s=away_s)
        assert over is is_switch_allowed(pump, found["pump"], 7 * S)


@pytest.mark.parametrize("ago_ms", [100_000, 100_001, 100_500, 100_999])
def test_no_minimum_time_is_over_early_for_whole_seconds(house, ago_ms):
    found = restarted(house, {"pump": SwitchState(on=True, since_ns=BEFORE.ns - ago_ms * 1_000_000)})["pump"]

    assert 0 <= found.since_ns - (7 * S - 10 * S - ago_ms * 1_000_000) < S


@pytest.mark.parametrize(("synced", "away_s"), [(False, 10), (True, -3600)])
def test_where_nobody_knows_how_long_it_took_a_minimum_time_begins_anew(house, synced, away_s):
    found = restarted(
        house, {"pump": SwitchState(on=False, since_ns=BEFORE.ns - 10 * S)}, synced=synced, away_s=away_s
    )

    assert 7 * S == found["pump"].since_ns


@pytest.mark.parametrize("away_s", [-3_600, 10, 86_400 * 3_650])
@pytest.mark.parametrize("synced", [False, True])
def test_while_the_machine_goes_on_no_wall_clock_changes_a_minimum_time(house, away_s, synced):
    known = {
        "pump": SwitchState(
            on=False, since_ns=BEFORE.ns - 10 * S, sheds_ns=(5 * S,), switch_times_ns=(5 * S, 6 * S)
        )
    }
    facts = json.loads(json.dumps(switch_state.dump_switch_states(known, BEFORE)))
    now = Now(BEFORE.ns + 20 * S, UTC_MS + away_s * 1000, synced)
    found = switch_state.load_switch_states(house, facts, now, same_boot=True)["pump"]

    assert (known["pump"].since_ns, (5 * S,), (5 * S, 6 * S)) == (
        found.since_ns,
        found.sheds_ns,
        found.switch_times_ns,
    )


def test_sheds_of_the_day_still_count_so_that_the_turns_stay_fair(house):
    known = {"pump": SwitchState(on=False, since_ns=0, before_w=900.0, sheds_ns=(0, 10 * S, 20 * S))}
    found = restarted(house, known)["pump"]

    assert (3, 900.0, False) == (found.sheds_24h(7 * S), found.before_w, found.on)


@pytest.mark.parametrize(("mode", "goes_on"), [(0, True), (1, True), (2, False), (-1, False)])
def test_a_mode_that_it_has_goes_on_and_whether_a_cap_holds_it_there(house, mode, goes_on):
    fan = OperationModeAsset(
        name="fan",
        rated_w=9,
        quantity="step_index",
        modes=(OperationMode("on", 1, 9), OperationMode("off", 0, 0)),
    )
    known = {"fan": SwitchState(on=False, since_ns=0, mode=mode, is_held=True)}
    found = restarted(replace(house, assets=(fan,)), known)

    assert ({"fan": (mode, True)} if goes_on else {}) == {n: (t.mode, t.is_held) for n, t in found.items()}


def test_nothing_is_kept_of_what_was_never_switched_and_nothing_changes_between_switchings():
    known = {"a": SwitchState(), "b": SwitchState(on=False, since_ns=4_000 * S)}
    later = replace_s(BEFORE, 3.7)

    assert {"b"} == switch_state.dump_switch_states(known, BEFORE).keys()
    assert switch_state.dump_switch_states(known, BEFORE) == switch_state.dump_switch_states(known, later)


def replace_s(now: Now, later_s: float) -> Now:
    return Now(now.ns + round(later_s * S), now.utc_ms + round(later_s * 1000), now.synced)


@pytest.mark.parametrize(
    "broken",
    [
        {"since_utc_ms": "x"},
        {"since_utc_ms": None},
        {"sheds_utc_ms": 7},
        {"mode": 3},
        {"before_w": float("inf")},
        {"turns_utc_ms": [None]},
    ],
)
def test_facts_that_are_none_are_left_out(house, broken):
    assert {} == restarted(house, {"pump": SwitchState(on=False, since_ns=0)}, **broken)


@pytest.mark.parametrize("facts", [None, 7, [], {"pump": 1}, {"pump": {}}, {"gone": {}}])
def test_a_file_of_anything_else_begins_anew(house, facts):
    assert {} == switch_state.load_switch_states(house, facts, BEFORE)


def test_a_cycle_begins_with_what_was_recalled(plant):
    p = plant(base_w=500, loads_w={"pump": 2_000}, soc_pct=12)
    p.run(30).cap(import_max_w=600).run(30)
    assert 0 == p.points["pump.relay_on"]
    found = switch_state.load_switch_states(
        p.house,
        switch_state.dump_switch_states(p.state.switch_states, Now(p.t * S, UTC_MS, synced=True)),
        Now(p.t * S, UTC_MS, synced=True),
    )
    p.state = replace(type(p.state).fresh(p.house), switch_states=found)
    p.raw["pump.relay_on"] = 0.0
    p.cap(import_max_w=10_000).run(100)

    assert 0 == p.points["pump.relay_on"]
    assert 1 == p.state.switch_states["pump"].sheds_24h(p.t * S)


@pytest.mark.parametrize(
    ("mode", "dark", "expected"), [(0, False, 0), (0, True, 1), (1, True, 1), (2, True, 2)]
)
def test_after_an_outage_nothing_is_recalled_above_its_normal_mode(house, mode, dark, expected):
    facts = switch_state.dump_switch_states({"tank": SwitchState(since_ns=BEFORE.ns, mode=mode)}, BEFORE)
    found = switch_state.load_switch_states(replace(house, assets=(TANK,)), facts, BEFORE, dark=dark)

    assert expected == found["tank"].mode
