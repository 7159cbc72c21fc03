from dataclasses import replace

import pytest
from tests.gateway.control.ordering import by_hand, commanded, document, settled

from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.orders import command_progress
from quartier.control.orders.commands import (
    FailsafeTest,
    Ping,
    Release,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.control.orders.conflicts import PointConflict
from quartier.site.records import Now

ACCEPTED = ("ACCEPTED", "")


@pytest.fixture
def building(plant):
    return settled(plant, base_w=500, soc_pct=60, loads_w={"heat": 2_000, "pump": 3_000})


def unsynced(p):
    return Now(p.t * 10**9, 0, synced=False)


# --- rule 3: what loosens ----------------------------------------------------------------------

GIVES = [Shed(0, 60), Release(), Setpoint("bat1", 1_000, 60), SetMode("manual", 60), SetMode("auto", 0)]
TAKES = [Shed(1, 60), FailsafeTest(60)]
NEUTRAL = [Ping(), Replay(1, 1), ResetAlarm("x")]


@pytest.mark.parametrize("requested", TAKES + NEUTRAL)
def test_rule_clock_not_trusted_only_what_tightens_is_taken(building, requested):
    building.context_changes = {"now": unsynced(building), "may_loosen": False, "follows_district": False}

    assert ACCEPTED == building.command(requested, persisted=False)


@pytest.mark.parametrize("requested", GIVES)
def test_rule_clock_not_trusted_what_loosens_is_refused(building, requested):
    building.context_changes = {"now": unsynced(building)}

    assert ("REJECTED", "CLOCK") == building.command(requested)


@pytest.mark.parametrize("requested", GIVES)
def test_rule_a_seq_that_cannot_be_kept_lets_nothing_loosen(building, requested):
    found = command_progress.decide_command(
        document(requested), building.commands, building.context, persisted=False
    )

    assert ("TEMPORARY_ERROR", "REJECTED") == (found.reception, found.status)


@pytest.mark.parametrize("requested", GIVES)
def test_rule_what_loosens_needs_a_heartbeat_of_the_last_minute(building, requested):
    building.context_changes = {"may_loosen": False}

    assert ("REJECTED", "SAFETY") == building.command(requested)


@pytest.mark.parametrize(
    ("requested", "tightens"),
    [(Shed(2, 600), True), (Shed(3, 900), True), (Shed(1, 900), False), (Shed(3, 500), False)],
)
def test_a_shed_that_is_weaker_or_shorter_than_the_one_that_runs_loosens(building, requested, tightens):
    building.command(Shed(2, 600))
    building.context_changes = {"may_loosen": False}

    assert (ACCEPTED if tightens else ("REJECTED", "SAFETY")) == building.command(requested, 2)


def test_a_test_that_ends_sooner_than_the_one_that_runs_loosens(building):
    building.command(FailsafeTest(300))
    building.context_changes = {"may_loosen": False}

    assert ACCEPTED == building.command(FailsafeTest(300), 2)
    assert ("REJECTED", "SAFETY") == building.command(FailsafeTest(100), 3)


# --- setpoints ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nobody", "grid", "lift"])
def test_rule_unknown_device_what_is_not_there_or_takes_no_order(building, name):
    assert ("REJECTED", "UNKNOWN_DEVICE") == building.command(Setpoint(name, 0, 60))


@pytest.mark.parametrize(("name", "watts"), [("bat1", 5_100), ("ev1", 2_000), ("pump", 100), ("pv1", 100)])
def test_rule_bounds_what_a_device_can_never_do(building, name, watts):
    assert ("REJECTED", "BOUNDS") == building.command(Setpoint(name, watts, 60))


def test_rule_local_override_a_persons_order_comes_first(building):
    building.people = {"bat1": by_hand("bat1", 0.0)}

    assert ("REJECTED", "LOCAL_OVERRIDE") == building.command(Setpoint("bat1", 1_000, 60))
    assert ACCEPTED == building.command(Setpoint("ev1", 6_900, 60))


def test_rule_safety_where_the_district_does_not_lead_or_inputs_are_not_well(building):
    requested = Setpoint("bat1", 1_000, 60)
    building.context_changes = {"follows_district": False}
    assert ("REJECTED", "SAFETY") == building.command(requested)
    for changes in (
        {"judgement": StageDecision(ControlStage.FREEZE)},
        {"events": GridEvents(is_grid_lost=True)},
    ):
        building.context_changes = {"state": replace(building.state, **changes)}
        assert ("REJECTED", "SAFETY") == building.command(requested)
    building.context_changes = {}
    building.command(SetMode("maintenance", 60), 2)
    assert ("REJECTED", "SAFETY") == building.command(requested, 3)
    assert ACCEPTED == building.command(Setpoint("ev1", 6_900, 60), 4)


@pytest.mark.parametrize(("soc_pct", "watts"), [(15.0, -1_000), (95.5, 1_000), (None, 1_000)])
def test_rule_self_protection_a_battery_at_its_edge_or_of_unknown_charge(plant, soc_pct, watts):
    p = commanded(plant, soc_pct=soc_pct or 60.0, silent=set() if soc_pct else {"bat1.soc_pct"}).run(20)

    assert ("REJECTED", "SELF_PROTECTION") == p.command(Setpoint("bat1", watts, 60))


def test_rule_self_protection_a_minimum_time_is_not_over(plant):
    p = commanded(plant, base_w=500, soc_pct=12, loads_w={"pump": 3_000}).run(40)
    p.cap(import_max_w=1_000).run(5).cap(import_max_w=10_000)

    assert ("REJECTED", "SELF_PROTECTION") == p.command(Setpoint("pump", 3_000, 60))
    assert ACCEPTED == p.command(Setpoint("pump", 0, 60))


@pytest.mark.parametrize(("name", "point"), [("bat1", "bat1.setpoint_w"), ("ev1", "ev1.current_max_a")])
def test_rule_self_protection_another_controller_or_a_fallback_that_is_not_there(building, name, point):
    watts = 0.0 if name == "ev1" else 1_000.0
    rests = {point: PointConflict(rests_ns=2**62, pauses=1)}
    building.context_changes = {"state": replace(building.state, conflicts=rests)}
    assert ("REJECTED", "SELF_PROTECTION") == building.command(Setpoint(name, watts, 60))
    building.context_changes = {}
    building.raw[f"{name}.fallback_on"] = 0.0
    building.run(2)

    assert ("REJECTED", "SELF_PROTECTION") == building.command(Setpoint(name, watts, 60))


@pytest.mark.parametrize(
    ("event", "name", "watts"),
    [
        ({"low": ActiveRow(level=1)}, "bat1", 1_000),
        ({"low": ActiveRow(level=1)}, "ev1", 6_900),
        ({"high_u": ActiveRow(level=1)}, "bat1", -1_000),
    ],
)
def test_rule_regulatory_an_event_of_the_grid_stands_against_it(building, event, name, watts):
    building.context_changes = {"state": replace(building.state, events=GridEvents(**event))}

    assert ("REJECTED", "REGULATORY") == building.command(Setpoint(name, watts, 60))
    assert ACCEPTED == building.command(Setpoint(name, 0, 60))


# --- modes, sheds, tests -----------------------------------------------------------------------


def test_a_mode_is_refused_where_people_order_all_that_it_is_about(building):
    requested = SetMode("manual", 60)
    assert ACCEPTED == building.command(requested)
    building.people = {"bat1": by_hand("bat1", 0.0)}
    assert ("REJECTED", "LOCAL_OVERRIDE") == building.command(requested, 2)
    two = (*building.house.assets, replace(building.house.assets[0], name="bat2"))
    building.context_changes = {"state": replace(building.state, site=replace(building.house, assets=two))}
    assert ("ACCEPTED", "LOCAL_OVERRIDE") == building.command(requested, 3)
    building.people, building.context_changes = {}, {"follows_district": False}
    assert ("REJECTED", "SAFETY") == building.command(requested, 4)


def test_a_shed_says_where_people_order_a_part_of_it_or_all(building):
    building.people = {"heat": by_hand("heat", 1.0)}
    assert ("ACCEPTED", "LOCAL_OVERRIDE") == building.command(Shed(1, 600))
    building.people["ev1"] = by_hand("ev1", 16.0)
    assert ("REJECTED", "LOCAL_OVERRIDE") == building.command(Shed(1, 600), 2)
    assert ("ACCEPTED", "LOCAL_OVERRIDE") == building.command(Shed(2, 600), 3), "the pump is nobody's"
    assert ACCEPTED == building.command(Shed(0, 600), 4)


def test_in_an_outage_there_is_nothing_to_test(building):
    building.context_changes = {"state": replace(building.state, events=GridEvents(is_grid_lost=True))}

    assert ("REJECTED", "SAFETY") == building.command(FailsafeTest(60))
