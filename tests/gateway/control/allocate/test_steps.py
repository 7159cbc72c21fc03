from dataclasses import replace

import pytest

from quartier.control.allocate import steps
from quartier.control.participants import Participant
from quartier.control.records import ModeStep, PowerRange
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import OperationMode, OperationModeAsset

S = 1_000_000_000


def participants(house, **turns):
    made = [
        Participant(asset, 0.0, 0.0, turns.get(asset.name, SwitchState()))
        for asset in house.assets
        if asset.tier != "A" or asset.name == "pv1"
    ]
    made[0].headroom = PowerRange(-5000, 5000)
    return made, {participant.name: participant.switch_state for participant in made}


def takes(made, name, watts):
    """Has an asset be seen to take so much."""
    participant = next(participant for participant in made if participant.name == name)
    participant.present_w = participant.desired_w = watts
    return participant


def words(found, made):
    return [(made[step.index].name, str(step.reason)) for step in found]


def test_down_is_the_one_order(house):
    made, turns = participants(house)

    assert [
        ("bat1", "battery stops charging"),
        ("ev1", "charging slowed"),
        ("bat1", "battery discharges"),
        ("ev1", "charging paused"),
        ("heat", "shed, tier D"),
        ("pump", "shed, tier C"),
        ("cold", "shed, tier B"),
    ] == words(steps.list_import_steps(made, turns, 0), made)


def test_an_ev_of_a_higher_tier_takes_its_turn_there(house):
    made, turns = participants(
        replace(house, assets=(*house.assets[:2], replace(house.assets[2], tier="B"), house.assets[4]))
    )

    assert [
        "battery stops charging",
        "battery discharges",
        "shed, tier C",
        "charging slowed",
        "charging paused",
    ] == [str(step.reason) for step in steps.list_import_steps(made, turns, 0)]


def test_what_may_not_switch_yet_is_left_out(house):
    fresh = SwitchState(since_ns=0)
    ev_b = replace(house, assets=(*house.assets[:2], replace(house.assets[2], tier="B"), *house.assets[3:]))
    for made, turns in (
        participants(house, ev1=fresh, pump=fresh),
        participants(ev_b, ev1=fresh, pump=fresh),
    ):
        found = words(steps.list_import_steps(made, turns, S), made)

        assert ("ev1", "charging slowed") in found
        assert not {("ev1", "charging paused"), ("pump", "shed, tier C")} & set(found)


def test_up_charges_then_lets_loads_on_then_curtails(house):
    off = SwitchState(on=False, before_w=700)
    made, turns = participants(house, pump=off, heat=off, ev1=SwitchState(limit_w=5000))
    takes(made, "ev1", 5000)
    found = steps.list_export_steps(made, turns, 0, raising=True)

    assert [
        ("bat1", "battery charges"),
        ("pump", "switched on again"),
        ("heat", "switched on again"),
        ("ev1", "charging faster"),
        ("pv1", "generation curtailed"),
    ] == words(found, made)
    assert (700, False) == (found[1].target_w, found[1].divisible)


def test_up_without_raising_only_curtails(house):
    made, turns = participants(house, pump=SwitchState(on=False))

    assert ["generation curtailed"] == [
        str(step.reason) for step in steps.list_export_steps(made, turns, 0, raising=False)
    ]


def test_a_paused_ev_comes_back_at_its_floor_and_not_before_its_rest(house):
    made, turns = participants(house, ev1=SwitchState(on=False, since_ns=0))

    assert [] == [
        s for s in steps.list_export_steps(made, turns, 100 * S, raising=True) if made[s.index].name == "ev1"
    ]
    back = [
        s for s in steps.list_export_steps(made, turns, 200 * S, raising=True) if made[s.index].name == "ev1"
    ]
    assert [(4140, False, "charging resumes")] == [(s.target_w, s.divisible, str(s.reason)) for s in back]


def test_cars_that_share_are_slowed_together_and_pause_by_turns_if_they_may_switch(house):
    late = replace(house.assets[2], tier="B")
    evs = (replace(late, name="ev0"), late)
    made, turns = participants(replace(house, assets=(*house.assets[:2], *evs)), ev1=SwitchState(since_ns=0))
    for participant in made:
        participant.allowed_w = 4_140.0 if participant.asset in evs else None

    assert [("ev0", "charging slowed"), ("ev1", "charging slowed"), ("ev0", "charging paused")] == words(
        steps.list_import_steps(made, turns, S)[-3:], made
    )


def mode_asset(name, tier="C", **changes):
    modes = (OperationMode("on", 1, 900.0), OperationMode("off", 0, 0.0))
    asset = OperationModeAsset(name=name, rated_w=900, tier="D", quantity="step_index", modes=modes)
    made = Participant(asset, 900.0, 900.0, SwitchState(), tier=tier)
    for key, value in changes.items():
        setattr(made, key, value)
    return made


def mode_step(words, tier="C", **more):
    return ModeStep(1, 0.0, words, tier, **more)


def test_pre_heating_goes_early_own_generation_after_the_battery_the_rest_in_its_tier(house):
    made, turns = participants(house)
    boiler = mode_asset("boiler", downs=(mode_step("normal", "D", early=True), mode_step("blocked", "B")))
    made += [boiler, mode_asset("chp", downs=(mode_step("run", generates=True),))]

    assert [
        ("bat1", "battery stops charging"),
        ("boiler", "to normal, tier D"),
        ("ev1", "charging slowed"),
        ("bat1", "battery discharges"),
        ("chp", "to run"),
        ("ev1", "charging paused"),
        ("heat", "shed, tier D"),
        ("pump", "shed, tier C"),
        ("boiler", "to blocked, tier B"),
        ("cold", "shed, tier B"),
    ] == words(steps.list_import_steps(made, turns, 0), made)


def test_tier_a_and_what_has_no_fall_back_take_part_in_no_step(house):
    made, turns = participants(house)
    made += [
        mode_asset("vital", tier="A", downs=(mode_step("off"),)),
        mode_asset("unsure", usable=False, downs=(mode_step("off"),), ups=(mode_step("on"),)),
    ]
    for participant in made:
        participant.usable = participant.usable and participant.name not in {"ev1", "pump", "pv1"}
    taken = {name for name, _ in words(steps.list_import_steps(made, turns, 0), made)}
    off = turns | {name: SwitchState(on=False) for name in ("pump", "heat")}

    assert {"bat1", "heat", "cold"} == taken
    assert {"bat1", "heat"} == {
        name for name, _ in words(steps.list_export_steps(made, off, 0, raising=True), made)
    }


def test_cars_that_share_are_raised_by_the_sharing_and_go_down_together(house):
    made, turns = participants(house, ev1=SwitchState(limit_w=5_000.0))
    car = takes(made, "ev1", 5_000.0)
    down, up = steps.list_import_steps(made, turns, 0), steps.list_export_steps(made, turns, 0, raising=True)
    car.allowed_w = 5_000.0
    shared_down, shared_up = (
        steps.list_import_steps(made, turns, 0),
        steps.list_export_steps(made, turns, 0, raising=True),
    )

    assert [-1, 0] == [
        next(step.pool for step in found if str(step.reason) == "charging slowed")
        for found in (down, shared_down)
    ]
    assert ("ev1", "charging faster") in words(up, made)
    assert not [step for step in shared_up if made[step.index].name == "ev1"]


def test_a_load_that_is_on_and_a_car_without_a_limit_are_not_raised(house):
    made, turns = participants(house)

    assert ["battery charges", "generation curtailed"] == [
        str(step.reason) for step in steps.list_export_steps(made, turns, 0, raising=True)
    ]


@pytest.mark.parametrize(
    ("takes_w", "is_raised"),
    [(5_000, True), (3_965, True), (3_964, False), (0, False)],  # 1.5 A on three phases are 1035 W
)
def test_a_car_that_takes_less_than_it_may_is_no_step_up(house, takes_w, is_raised):
    made, turns = participants(house, ev1=SwitchState(limit_w=5_000))
    car = takes(made, "ev1", takes_w)

    assert is_raised is (
        ("ev1", "charging faster") in words(steps.list_export_steps(made, turns, 0, raising=True), made)
    )
    car.is_measured = False
    assert ("ev1", "charging faster") not in words(
        steps.list_export_steps(made, turns, 0, raising=True), made
    )


def deaf(made, name):
    participant = next(participant for participant in made if participant.name == name)
    participant.is_unresponsive = True
    return participant


@pytest.mark.parametrize(
    ("limit_w", "lowered"), [(5_000.0, [(4_140, False)]), (4_140.0, []), (4_141.0, [(4_140, False)])]
)
def test_a_car_that_does_not_obey_is_told_its_floor_once_after_the_others(house, limit_w, lowered):
    cars = tuple(replace(house.assets[2], name=name) for name in ("ev1", "ev2"))
    made, turns = participants(replace(house, assets=cars), ev1=SwitchState(limit_w=limit_w))
    deaf(made, "ev1")
    slowed = [s for s in steps.list_import_steps(made, turns, 0) if str(s.reason) == "charging slowed"]

    assert [(4_140, True), *lowered] == [(s.target_w, s.divisible) for s in slowed]
    assert ("ev1", "charging paused") in words(steps.list_import_steps(made, turns, 0), made)


def test_where_cars_share_one_that_does_not_obey_is_only_paused(house):
    late = replace(house.assets[2], tier="B")
    made, turns = participants(replace(house, assets=(late,)), ev1=SwitchState(limit_w=5_000.0))
    deaf(made, "ev1").allowed_w = 9_000.0

    assert [("ev1", "charging paused")] == words(steps.list_import_steps(made, turns, 0), made)


def test_what_does_not_obey_is_raised_for_no_export_cap_and_pv_is_told_to_make_none_once(house):
    made, turns = participants(house, ev1=SwitchState(limit_w=5_000.0), pump=SwitchState(on=False))
    takes(made, "ev1", 9_000.0)
    deaf(made, "ev1"), deaf(made, "pump")
    roof = deaf(made, "pv1")
    found = steps.list_export_steps(made, turns, 0, raising=True)
    roof.switch_state = SwitchState(limit_w=0.0)

    assert [("bat1", "battery charges"), ("pv1", "generation curtailed")] == words(found, made)
    assert not found[1].divisible
    assert ["battery charges"] == [
        str(s.reason) for s in steps.list_export_steps(made, turns, 0, raising=True)
    ]
    roof.is_unresponsive = False
    assert steps.list_export_steps(made, turns, 0, raising=True)[1].divisible


@pytest.mark.parametrize("limit_w", [9_000, None])
def test_a_car_that_may_take_more_since_just_now_is_believed_to_be_on_its_way(house, limit_w):
    made, turns = participants(house, ev1=SwitchState(limit_w=limit_w, raised_ns=100 * S))
    takes(made, "ev1", 4_140)
    up = [words(steps.list_export_steps(made, turns, t * S, raising=True), made) for t in (103, 104)]

    assert [True, False] == [("ev1", "charging faster") in found for found in up]


def test_what_may_not_be_raised_still_gives_less_for_an_export_cap(house):
    made, turns = participants(house)
    takes(made, "bat1", -3_000.0)

    assert [("bat1", "battery stops discharging"), ("pv1", "generation curtailed")] == words(
        steps.list_export_steps(made, turns, 0, raising=False), made
    )
    takes(made, "bat1", 3_000.0)
    assert [("pv1", "generation curtailed")] == words(
        steps.list_export_steps(made, turns, 0, raising=False), made
    )
