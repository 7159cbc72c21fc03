import json

import pytest

from quartier.control import duties
from quartier.control.duties import Duties
from quartier.control.events import Acting, Events
from quartier.control.outage import Outage
from quartier.control.reason import make


def texts(off):
    return {tier: str(reason) for tier, reason in off.items()}


def commanded(*tiers):
    return {tier: make("command.shed", document="c1").then(duties.tier_off(tier)) for tier in tiers}


def test_a_quiet_grid_asks_nothing():
    assert Duties() == duties.of(Events(), 10_000, 0)
    assert [] == duties.alarms(Events(), Duties(), 0)


def test_each_low_row_adds_its_tier_with_the_reading_that_made_it_act():
    found = duties.of(Events(low=Acting(level=2, value=49.461)), 10_000, 0)

    assert {"D": "grid at 49.46 Hz: tier D off", "C": "grid at 49.46 Hz: tier C off"} == texts(found.off)
    assert "lower frequency" == found.off["C"].who.name
    assert (True, True, "grid at 49.46 Hz: discharges") == (
        found.holds,
        found.no_grid_charge,
        str(found.discharges),
    )


def test_low_voltage_takes_tier_d_and_says_so():
    found = duties.of(Events(low_u=Acting(level=1, value=87.4)), 10_000, 0)

    assert {"D": "voltage at 87 %: tier D off"} == texts(found.off)
    assert found.holds


def test_high_voltage_and_high_frequency_shed_nothing():
    found = duties.of(Events(high_u=Acting(level=1), high=Acting(level=1)), 10_000, 0)

    assert ({}, False, True, True) == (found.off, found.holds, found.no_feed_in, found.pv_holds)


def test_after_an_outage_nothing_is_raised_and_then_only_slowly():
    waits = duties.of(Events(outage=Outage(is_open=True)), 10_000, 0)
    rises = duties.of(Events(outage=Outage(is_open=True, rises_ns=0, from_w=500)), 10_000, 0)

    assert (True, True, True) == (waits.holds, waits.no_grid_charge, waits.pv_holds)
    assert (False, 500, 0.1) == (rises.holds, rises.ceiling_w, rises.pv_ramp_per_min)
    assert ["after an outage: the building rises slowly"] == duties.alarms(
        Events(outage=Outage(is_open=True, rises_ns=0, from_w=500)), rises, 0
    )


def test_what_is_shown_is_plain_json():
    events = Events(low=Acting(level=1, value=49.7, ends_ns=3_000_000_000))
    shown = duties.shown(events, duties.of(events, 10_000, 0), 0)

    assert shown == json.loads(json.dumps(shown))
    assert 3.0 == shown["returns_in_s"]


def test_a_shed_command_has_its_tiers_off_below_what_the_grid_itself_asks():
    grid = duties.of(Events(low_u=Acting(level=1, value=87.4)), 10_000, 0)
    both = duties.shed(grid, commanded("D", "C"))

    assert {"D": "voltage at 87 %: tier D off", "C": "shed command c1: tier C off"} == texts(both.off)
    assert frozenset({"C"}) == both.asked
    assert grid is duties.shed(grid, {})


def test_a_shed_command_holds_its_own_tiers_and_is_none_for_what_a_person_ordered():
    found = duties.shed(Duties(), commanded("D"))

    assert (True, False, True) == (found.keeps_down("D"), found.keeps_down("C"), found.asked_no_grid_charge)
    assert ({}, found.off) == (found.off_for(by_hand=True), found.off_for(by_hand=False))
    assert Duties(holds=True).keeps_down("C")
    events = duties.of(Events(low=Acting(level=1, value=49.7)), 10_000, 0)
    assert events.off == events.off_for(by_hand=True), "the grid's own events come before people"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "grid at 49.46 Hz"),
        ({"well_ns": 1}, "grid was at 49.46 Hz, back to normal"),
        ({"lost_ns": 1}, "grid was at 49.46 Hz, it is no longer read"),
    ],
)
def test_a_reason_says_what_became_of_the_reading_that_began_it(more, words):
    events = Events(low=Acting(level=2, value=49.46, **more))
    found = duties.of(events, 10_000, 0)

    assert {"D": f"{words}: tier D off", "C": f"{words}: tier C off"} == texts(found.off)
    assert f"{words}: discharges" == str(found.discharges)
    lost = "; the frequency is no longer read" * ("lost_ns" in more)
    assert [f"low frequency: tier D, C off{lost}"] == duties.alarms(events, found, 0)


def test_a_reason_of_low_voltage_says_so_too():
    events = Events(low_u=Acting(level=1, value=87.0, well_ns=1))

    assert {"D": "voltage was at 87 %, it is well again: tier D off"} == texts(
        duties.of(events, 10_000, 0).off
    )


@pytest.mark.parametrize(
    ("events", "held"),
    [
        (Events(), (False, False)),
        (Events(low_u=Acting(level=1)), (False, False)),
        (Events(low=Acting(level=2)), (False, False)),
        (Events(high=Acting(level=1)), (True, False)),
        (Events(outage=Outage(is_open=True)), (True, True)),
        (Events(outage=Outage(is_open=True), high=Acting(level=1)), (True, False)),
        (Events(outage=Outage(is_open=True), is_gone=True), (True, False)),
    ],
)
def test_pv_serves_the_building_in_every_event_but_a_high_frequency(events, held):
    found = duties.of(events, 10_000, 0)

    assert held == (found.pv_holds, found.pv_serves)
