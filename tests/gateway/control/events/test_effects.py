import json

import pytest

from quartier.control.events import effects
from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.events.effects import GridEffects
from quartier.control.events.outage import OutageRecovery
from quartier.control.reason import make_reason


def texts(off):
    return {tier: str(reason) for tier, reason in off.items()}


def commanded(*tiers):
    return {
        tier: make_reason("command.shed", document="c1").then(effects.make_tier_reason(tier))
        for tier in tiers
    }


def test_a_quiet_grid_asks_nothing():
    assert GridEffects() == effects.find_grid_effects(GridEvents(), 10_000, 0)
    assert [] == effects.find_grid_alarms(GridEvents(), GridEffects(), 0)


def test_each_low_row_adds_its_tier_with_the_reading_that_made_it_act():
    found = effects.find_grid_effects(GridEvents(low=ActiveRow(level=2, value=49.461)), 10_000, 0)

    assert {"D": "grid at 49.46 Hz: tier D off", "C": "grid at 49.46 Hz: tier C off"} == texts(found.off)
    assert "lower frequency" == found.off["C"].who.name
    assert (True, True, "grid at 49.46 Hz: discharges") == (
        found.holds,
        found.no_grid_charge,
        str(found.discharges),
    )


def test_low_voltage_takes_tier_d_and_says_so():
    found = effects.find_grid_effects(GridEvents(low_u=ActiveRow(level=1, value=87.4)), 10_000, 0)

    assert {"D": "voltage at 87 %: tier D off"} == texts(found.off)
    assert found.holds


def test_high_voltage_and_high_frequency_shed_nothing():
    found = effects.find_grid_effects(
        GridEvents(high_u=ActiveRow(level=1), high=ActiveRow(level=1)), 10_000, 0
    )

    assert ({}, False, True, True) == (found.off, found.holds, found.no_feed_in, found.pv_holds)


def test_after_an_outage_nothing_is_raised_and_then_only_slowly():
    waits = effects.find_grid_effects(GridEvents(outage=OutageRecovery(is_open=True)), 10_000, 0)
    rises = effects.find_grid_effects(
        GridEvents(outage=OutageRecovery(is_open=True, rises_ns=0, from_w=500)), 10_000, 0
    )

    assert (True, True, True) == (waits.holds, waits.no_grid_charge, waits.pv_holds)
    assert (False, 500, 0.1) == (rises.holds, rises.ceiling_w, rises.pv_ramp_per_min)
    assert ["after an outage: the building rises slowly"] == effects.find_grid_alarms(
        GridEvents(outage=OutageRecovery(is_open=True, rises_ns=0, from_w=500)), rises, 0
    )


def test_what_is_shown_is_plain_json():
    events = GridEvents(low=ActiveRow(level=1, value=49.7, ends_ns=3_000_000_000))
    shown = effects.render_grid_effects(events, effects.find_grid_effects(events, 10_000, 0), 0)

    assert shown == json.loads(json.dumps(shown))
    assert 3.0 == shown["returns_in_s"]


def test_a_shed_command_has_its_tiers_off_below_what_the_grid_itself_asks():
    grid = effects.find_grid_effects(GridEvents(low_u=ActiveRow(level=1, value=87.4)), 10_000, 0)
    both = effects.add_commanded_tiers(grid, commanded("D", "C"))

    assert {"D": "voltage at 87 %: tier D off", "C": "shed command c1: tier C off"} == texts(both.off)
    assert frozenset({"C"}) == both.requested_assets
    assert grid is effects.add_commanded_tiers(grid, {})


def test_a_shed_command_holds_its_own_tiers_and_is_none_for_what_a_person_ordered():
    found = effects.add_commanded_tiers(GridEffects(), commanded("D"))

    assert (True, False, True) == (found.holds_down("D"), found.holds_down("C"), found.asked_no_grid_charge)
    assert ({}, found.off) == (found.find_shed_tiers(by_hand=True), found.find_shed_tiers(by_hand=False))
    assert GridEffects(holds=True).holds_down("C")
    events = effects.find_grid_effects(GridEvents(low=ActiveRow(level=1, value=49.7)), 10_000, 0)
    assert events.off == events.find_shed_tiers(by_hand=True), "the grid's own events come before people"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "grid at 49.46 Hz"),
        ({"normal_ns": 1}, "grid was at 49.46 Hz, back to normal"),
        ({"lost_ns": 1}, "grid was at 49.46 Hz, it is no longer read"),
    ],
)
def test_a_reason_says_what_became_of_the_reading_that_began_it(more, words):
    events = GridEvents(low=ActiveRow(level=2, value=49.46, **more))
    found = effects.find_grid_effects(events, 10_000, 0)

    assert {"D": f"{words}: tier D off", "C": f"{words}: tier C off"} == texts(found.off)
    assert f"{words}: discharges" == str(found.discharges)
    lost = "; the frequency is no longer read" * ("lost_ns" in more)
    assert [f"low frequency: tier D, C off{lost}"] == effects.find_grid_alarms(events, found, 0)


def test_a_reason_of_low_voltage_says_so_too():
    events = GridEvents(low_u=ActiveRow(level=1, value=87.0, normal_ns=1))

    assert {"D": "voltage was at 87 %, back to normal: tier D off"} == texts(
        effects.find_grid_effects(events, 10_000, 0).off
    )


@pytest.mark.parametrize(
    ("events", "held"),
    [
        (GridEvents(), (False, False)),
        (GridEvents(low_u=ActiveRow(level=1)), (False, False)),
        (GridEvents(low=ActiveRow(level=2)), (False, False)),
        (GridEvents(high=ActiveRow(level=1)), (True, False)),
        (GridEvents(outage=OutageRecovery(is_open=True)), (True, True)),
        (GridEvents(outage=OutageRecovery(is_open=True), high=ActiveRow(level=1)), (True, False)),
        (GridEvents(outage=OutageRecovery(is_open=True), is_grid_lost=True), (True, False)),
    ],
)
def test_pv_serves_the_building_in_every_event_but_a_high_frequency(events, held):
    found = effects.find_grid_effects(events, 10_000, 0)

    assert held == (found.pv_holds, found.pv_serves)
