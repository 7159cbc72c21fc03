from dataclasses import replace
from itertools import pairwise

import pytest
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.control.allocate import restore
from quartier.control.allocate.results import AllocationResult
from quartier.control.events.effects import GridEffects
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.records import ModeStep, Override
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv
from quartier_drivers.contract import Origin

S = 1_000_000_000
T = 1_000  # s; long after all minimum times
CAR = ChargePointAsset(name="ev1", rated_w=11_040)
ROOF = Pv(name="roof", rated_w=5_000, curtail="relay")
COLD, PUMP, HEAT = (
    Load(name=name, rated_w=2_000, tier=tier, switchable=True)
    for name, tier in (("cold", "B"), ("pump", "C"), ("heat", "D"))
)
OFF = SwitchState(on=False, before_w=1_000.0)


@pytest.fixture
def restored(make_inputs, house):
    """What a cycle of all well at ``T`` restores: the gate is open, 9 kW of import are free below nine tenths."""

    def make(
        *participants, high_w=0.0, below_s=120, acted=None, consumption_w=None, generation_w=None, **more
    ):
        state = ControlState.fresh(
            replace(house, assets=tuple(participant.asset for participant in participants))
        )
        state = replace(
            state,
            switch_states={participant.name: participant.switch_state for participant in participants},
            gate=RestoreGate(below_since_ns=(T - below_s) * S),
            last_good=more.pop("memories", {}),
            judgement=StageDecision(more.pop("stage", ControlStage.NORMAL)),
        )
        now = make_inputs(t=T, state=state, grid_w=high_w, **more)
        now = replace(
            now,
            active_limits=replace(now.active_limits, consumption_w=consumption_w, generation_w=generation_w),
        )
        wants = tuple(participant.desired_w for participant in participants)
        return restore.restore_next(
            now,
            participants,
            AllocationResult(wants, high_w, high_w, acted or {}, is_met=True, gate=RestoreGate()),
        )

    return make


def off(*assets, **changes):
    return [Participant(asset, 0.0, 0.0, replace(OFF, **changes)) for asset in assets]


def test_the_one_that_was_shed_last_comes_back_first_and_alone(restored):
    found = restored(*off(HEAT, PUMP, COLD))

    assert ({2}, T * S) == (set(found.back), found.gate.last_ns)
    assert (True, T * S) == (found.back[2].on, found.back[2].since_ns)


@pytest.mark.parametrize(
    ("high_w", "back"), [(8_000.0, {2}), (8_001.0, {1}), (8_101.0, {0}), (8_501.0, set())]
)
def test_what_does_not_fit_lets_the_next_one_that_does_come_first(restored, high_w, back):
    """Nine tenths of 10 kW are free, less what flows."""
    heat, pump, cold = off(HEAT, PUMP, COLD)
    heat.switch_state, pump.switch_state = replace(OFF, before_w=500.0), replace(OFF, before_w=900.0)

    assert back == set(restored(heat, pump, cold, high_w=high_w).back)


@pytest.mark.parametrize(
    "why",
    [
        {"below_s": 119},
        {"acted": {0: "a cap"}},
        {"stage": ControlStage.FREEZE},
        {"grid_effects": GridEffects(holds=True)},
        {"common": True},
    ],
)
def test_nothing_comes_back_before_its_time_or_while_anything_is_wrong(restored, why):
    found = restored(*off(HEAT, PUMP, COLD), **why)

    assert ({}, None) == (found.back, found.gate.last_ns)


def test_what_a_person_keeps_off_stays_off(restored):
    by_hand = Override("cold", 0.0, 0, 0, Origin("person", "anna"))
    roof = replace(by_hand, asset="roof")
    requests = Requests(caps=None, overrides={"cold": by_hand, "roof": roof})

    assert {0} == set(restored(*off(PUMP, COLD), requests=requests).back)
    assert set() == set(restored(*off(COLD, ROOF), requests=requests).back)


def test_what_was_just_switched_off_waits_for_its_minimum_time(restored):
    for ago_s, back in ((179, {0}), (180, {1})):
        heat, cold = off(HEAT, COLD)
        cold.switch_state = replace(OFF, since_ns=(T - ago_s) * S)

        assert back == set(restored(heat, cold).back)


@pytest.mark.parametrize(("cap_w", "back"), [(3_334.0, {0}), (3_333.0, set())])
def test_a_consumption_cap_leaves_nine_tenths_of_itself_less_what_is_consumed(restored, cap_w, back):
    assert back == set(restored(*off(PUMP), high_w=2_000.0, consumption_w=cap_w).back)


@pytest.mark.parametrize(("age_s", "back"), [(15, {0}), (16, set())])
def test_room_is_left_for_what_a_silent_asset_may_take_more(restored, age_s, back):
    lift = Load(name="lift", rated_w=4_000)
    memories = {"lift.power_w": LastGood(0.0, (T - age_s) * S)}
    participants = [*off(PUMP), Participant(lift, 0.0, 0.0, SwitchState())]

    assert back == set(restored(*participants, high_w=4_500.0, memories=memories).back)


@pytest.mark.parametrize(
    ("turn", "high_w", "after"),
    [
        (OFF, 4_800.0, (True, 4_140.0)),
        (OFF, 4_900.0, None),
        (SwitchState(limit_w=5_000.0), 8_310.0, (True, 5_690.0)),
        (SwitchState(limit_w=5_000.0), 8_311.0, None),
        (SwitchState(limit_w=5_000.0), 0.0, (True, None)),
        (SwitchState(limit_w=10_900.0), 8_850.0, (True, None)),
        (SwitchState(), 0.0, None),
    ],
)
def test_a_car_returns_at_its_floor_and_is_raised_by_an_ampere_at_least(restored, turn, high_w, after):
    found = restored(Participant(CAR, 0.0, 0.0, turn), high_w=high_w).back

    assert after == ((found[0].on, found[0].limit_w) if found else None)


@pytest.mark.parametrize("turn", [OFF, SwitchState(limit_w=5_000.0)])
def test_a_car_that_shares_is_left_to_the_sharing(restored, turn):
    car = Participant(CAR, 0.0, 0.0, turn)
    car.allowed_w = 0.0

    assert {} == restored(car).back


def test_what_was_paused_returns_before_anything_is_raised(restored):
    raised, heat = Participant(CAR, 0.0, 0.0, SwitchState(limit_w=5_000.0)), off(HEAT)[0]

    assert {1} == set(restored(raised, heat).back)


@pytest.mark.parametrize(("tier", "back"), [("B", {0}), ("D", {1})])
def test_an_asset_in_modes_has_the_turn_that_its_comfort_gives_it_now(restored, tier, back):
    modes = (OperationMode("on", 1, 900.0), OperationMode("off", 0, 0.0))
    fan = OperationModeAsset(name="fan", rated_w=900, tier="D", quantity="step_index", modes=modes)
    held = Participant(fan, 0.0, 0.0, SwitchState(on=False, mode=1, is_held=True), mode=1, tier=tier)
    held.ups = (ModeStep(0, 900.0, "to on", tier),)

    assert back == set(restored(held, *off(PUMP)).back)
    held.switch_state = replace(held.switch_state, is_held=False)
    assert {1} == set(restored(held, *off(PUMP)).back), "it is where it likes to be"


@pytest.mark.parametrize(
    ("turn", "low_w", "back"),
    [
        (SwitchState(on=False, before_w=-3_000.0), -2_400.0, {0}),
        (SwitchState(on=False, before_w=-3_000.0), -2_401.0, set()),
        (SwitchState(on=False), -400.0, {0}),
        (SwitchState(on=False), -401.0, set()),
        (SwitchState(on=False, since_ns=(T - 299) * S), 0.0, set()),
        (SwitchState(on=False, since_ns=(T - 300) * S), 0.0, {0}),
        (SwitchState(), 0.0, set()),
    ],
)
def test_a_pv_behind_a_relay_returns_where_what_it_made_fits_below_nine_tenths_of_the_export_cap(
    restored, turn, low_w, back
):
    """5,400 W are nine tenths of the cap."""
    others = [Participant(PUMP, 0.0, 0.0, SwitchState())]

    assert back == set(restored(Participant(ROOF, 0.0, 0.0, turn), *others, high_w=low_w).back)


def test_a_load_and_a_pv_do_not_come_back_in_one_cycle(restored):
    assert {1} == set(restored(*off(ROOF, PUMP)).back)


@pytest.mark.long
def test_one_asset_comes_back_at_a_time_and_the_next_half_a_minute_later(plant):
    p = plant(base_w=500, loads_w={"heat": 1_000, "pump": 1_000, "cold": 1_000}, soc_pct=20)
    p.run(30).cap(import_max_w=600).run(60)
    step_until(p.cap(import_max_w=10_000), lambda: are_all_on(p, "heat", "pump", "cold"), 1_500)
    back = sorted(
        next(t for t, value in p.written(f"{name}.relay_on", since=91) if value)
        for name in ("heat", "pump", "cold")
    )

    assert all(later - sooner >= 30 for sooner, later in pairwise(back))
    assert back[0] >= 90 + 120


@pytest.mark.long
def test_nothing_comes_back_where_it_would_not_fit_with_room_to_spare(plant):
    p = plant(base_w=500, loads_w={"pump": 2_000}, soc_pct=12)
    p.run(30).cap(import_max_w=600).run(30)
    p.cap(import_max_w=2_600).run(500)

    assert 0 == p.points["pump.relay_on"]


@pytest.mark.parametrize(("ceiling_w", "below"), [(None, True), (5_001.0, True), (5_000.0, False)])
def test_after_an_outage_the_slow_rise_is_the_cap_below_which_something_comes_back(
    make_inputs, ceiling_w, below
):
    rising = make_inputs(grid_effects=GridEffects(ceiling_w=ceiling_w), grid_w=5_000.0)
    found = restore.restore_next(
        rising, [], AllocationResult((), 5_000.0, 5_000.0, {}, is_met=True, gate=RestoreGate())
    )

    assert below is (found.gate.below_since_ns is not None)


@pytest.mark.parametrize(
    ("effects", "back"),
    [
        (GridEffects(), {0}),
        (GridEffects(pv_holds=True), set()),
        (GridEffects(pv_ramp_per_min=0.1), set()),
    ],
)
def test_a_pv_behind_a_relay_stays_off_while_the_grid_holds_it_or_the_building_rises_slowly(
    make_inputs, effects, back
):
    roof = Pv(name="pv1", rated_w=5_000, curtail="relay")
    off = Participant(roof, 0.0, 0.0, SwitchState(on=False))
    found = restore.restore_next(
        make_inputs(grid_effects=effects),
        [off],
        AllocationResult((0.0,), 0.0, 0.0, {}, is_met=True, gate=RestoreGate()),
    )

    assert back == set(found.back)


def test_a_pv_behind_a_relay_comes_back_where_all_of_it_fits_below_a_generation_cap(make_inputs):
    roof = Pv(name="pv1", rated_w=5_000, curtail="relay")
    off = Participant(roof, 0.0, 0.0, SwitchState(on=False))
    plain = make_inputs()
    for cap_w, back in ((5_000.0 / 0.9 + 1, {0}), (5_000.0 / 0.9 - 1, set())):
        capped = replace(plain, active_limits=replace(plain.active_limits, generation_w=cap_w))
        found = restore.restore_next(
            capped, [off], AllocationResult((0.0,), 0.0, 0.0, {}, is_met=True, gate=RestoreGate())
        )

        assert back == set(found.back)
