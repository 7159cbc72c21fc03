"""What is not read yet is not ordered on: nobody knows how it stands."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control.allocate import results, steps
from quartier.control.allocate.results import AllocationResult
from quartier.control.allocate.steps import PAUSED, SLOWED
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.orders import unread_assets
from quartier.control.participants import Participant
from quartier.control.reason import make_text_reason
from quartier.control.records import OrderBook
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv
from quartier_drivers.contract import Origin

S = 1_000_000_000
NOW = 60 * S
PUMP = Load(name="pump", rated_w=3_000, tier="C", switchable=True)
CAR = ChargePointAsset(name="ev1", rated_w=11_040)
ROOF = Pv(name="pv1", rated_w=6_000, curtail="limit")
BARN = Pv(name="pv2", rated_w=3_000, curtail="relay")
PUMPED = OperationModeAsset(
    name="heat",
    rated_w=3_000,
    quantity="mode_index",
    modes=(
        OperationMode("boost", 2.0, 3_000.0),
        OperationMode("normal", 1.0, 2_000.0),
        OperationMode("blocked", 0.0, 0.0),
    ),
    normal=1,
)
YOUNG, OLD = SwitchState(unread_ns=NOW - 15 * S), SwitchState(unread_ns=NOW - 16 * S)


@pytest.fixture
def here(make_inputs):
    """A minute after the start, with what is heard of each asset's power, and a stage."""

    def make(stage=ControlStage.NORMAL, **more):
        plain = make_inputs()
        heard = {f"{name}.power_w": LastGood(0.0, NOW) for name in ("pump", "ev1", "pv1", "pv2", "heat")}
        state = replace(plain.state, last_good=heard, book=OrderBook(), judgement=StageDecision(stage=stage))
        return make_inputs(state=state, **more)

    return make


def told(make_inputs, participant, setpoint_w, high_w=0.0, **more):
    """What is written to the only participant, and its turn."""
    found = AllocationResult((setpoint_w,), high_w, 0.0, {}, is_met=True, gate=RestoreGate(), **more)
    wants, turns = results.apply_allocation(make_inputs, [participant], found)
    return [want.value for want in wants], turns[participant.name]


# --- a building ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "stands", "state"),
    [
        ("pump.relay_on", 0.0, "shed"),
        ("ev1.current_max_a", 0.0, "paused"),
        ("ev1.current_max_a", 8.0, "limited to 5520 W"),
    ],
)
def test_what_is_read_late_is_not_ordered_on_before_and_then_taken_as_it_stands(plant, point, stands, state):
    p, name = plant(base_w=-3_000, loads_w={"pump": 1_000}, ev_wants_w=11_040), point.partition(".")[0]
    p.points[point], p.silent = stands, {point}
    p.run(12)
    assert [] == p.written(point)
    assert "no order yet: its actual state is not known" == p.view["assets"][name]["state"]

    p.silent = set()
    p.run(1)

    assert state in p.view["assets"][name]["state"]
    assert stands == p.points[point]
    if not stands:
        assert 12 * S == p.state.switch_states[name].since_ns


@pytest.mark.long
@pytest.mark.parametrize(("loads_w", "first_s"), [(1_000, 16), (0, 400)])
def test_one_that_never_shows_its_order_is_ordered_after_15_s_where_it_runs_else_in_its_turn(
    plant, loads_w, first_s
):
    p = plant(base_w=500, loads_w={"pump": loads_w})
    p.silent = {"pump.relay_on"}
    step_until(p, lambda: p.written("pump.relay_on"), 800)
    (first, value), *_ = p.written("pump.relay_on")

    assert (1.0, first_s == 16) == (value, first == 16)
    assert 120 <= first <= 450 or loads_w
    assert (None if loads_w else first * S) == p.state.switch_states["pump"].since_ns


def test_a_cap_sheds_what_was_not_read_at_once_and_a_car_that_may_be_paused_is_not_woken(plant):
    p = plant(base_w=9_000, loads_w={"pump": 2_500}, soc_pct=10).cap(import_max_w=10_000)
    p.points["ev1.current_max_a"] = 0.0
    p.silent = {"pump.relay_on", "ev1"}
    p.run(4)

    assert [0.0] == [value for _, value in p.written("ev1.current_max_a")][:1]
    assert "paused, actual state not read" in p.view["assets"]["ev1"]["command"]["reason"]
    assert 0.0 == p.points["pump.relay_on"]


@pytest.mark.parametrize(
    ("unread_ns", "on", "done", "words"),
    [
        (NOW, False, SLOWED, "cap: charging paused, actual state not read"),
        (NOW, True, SLOWED, "cap: charging slowed"),
        (NOW, False, PAUSED, "cap: charging paused"),
        (None, False, SLOWED, "cap: charging slowed"),
    ],
)
def test_a_car_that_is_paused_where_it_was_to_be_slowed_says_so(unread_ns, on, done, words):
    whose = make_text_reason("cap", Origin("rule", "hard limit")).then(done)

    told = steps.explain_first_order(
        Participant(CAR, 0.0, 0.0, SwitchState(unread_ns=unread_ns)), SwitchState(on=on), whose
    )

    assert (words, whose.who) == (str(told), told.who)


def test_pv_that_never_shows_its_limit_begins_at_what_it_makes_and_rises_into_the_room(plant):
    p = plant(base_w=500, sun_w=6_000, soc_pct=95).cap(export_max_w=3_000)
    p.points["pv1.generation_max_w"], p.silent = 1_000.0, {"pv1.generation_max_w"}
    p.run(16)
    assert [] == p.written("pv1.generation_max_w")
    p.run(40)

    assert 1_000.0 <= p.written("pv1.generation_max_w")[0][1] <= 2_000.0
    assert min(p.grid_log) >= -3_060
    assert p.points["pv1.generation_max_w"] > 3_000


# --- the rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "read", "since_ns"),
    [(SwitchState(), True, None), (YOUNG, True, None), (SwitchState(), False, NOW)],
)
def test_the_point_is_waited_for_from_the_first_look_without_it(turn, read, since_ns):
    assert since_ns == unread_assets.note_unread_point(turn, NOW, read=read).unread_ns
    assert unread_assets.note_unread_point(YOUNG, NOW, read=False) is YOUNG


@pytest.mark.parametrize(
    ("turn", "period_s", "more", "is_due"),
    [
        (SwitchState(), 1.0, {}, False),
        (YOUNG, 1.0, {}, False),
        (OLD, 1.0, {}, True),
        (OLD, 6.0, {}, False),  # three polls
        (OLD, 1.0, {"is_meter_lost": True}, False),
        (OLD, 1.0, {"stage": ControlStage.FREEZE}, False),
    ],
)
def test_it_is_waited_for_as_long_as_its_device_may_be_silent_and_while_nothing_may_rise(
    here, turn, period_s, more, is_due
):
    assert is_due is unread_assets.is_wait_over(here(**more), replace(PUMP, period_s=period_s), turn)


@pytest.mark.parametrize(
    ("asset", "turn", "power_w", "more", "comes_back"),
    [
        (PUMP, OLD, 0.0, {}, True),
        (PUMP, YOUNG, 0.0, {}, False),
        (PUMP, OLD, 500.0, {}, False),
        (PUMP, OLD, 500.0, {"is_measured": False}, True),
        (PUMP, OLD, 0.0, {"usable": False}, False),
        (PUMP, replace(OLD, since_ns=1), 0.0, {}, False),
        (CAR, OLD, 0.0, {}, True),
        (CAR, OLD, 0.0, {"allowed_w": 4_140.0}, False),
        (BARN, OLD, 0.0, {}, True),
        (BARN, OLD, -900.0, {}, False),
        (ROOF, OLD, 0.0, {}, False),
        (PUMPED, OLD, 0.0, {}, False),
    ],
)
def test_who_may_be_off_for_all_that_is_known_comes_back_in_its_turn(
    here, asset, turn, power_w, more, comes_back
):
    participant = Participant(asset, power_w, power_w, turn, **more)

    assert comes_back is unread_assets.returns_staged(here(), participant)
    assert (comes_back or turn is YOUNG) is unread_assets.is_unread(here(), participant)
    assert not unread_assets.is_unread(here(), replace(participant, switch_state=SwitchState()))
    assert comes_back is unread_assets.is_possibly_off(here(), participant)


def test_one_that_is_remembered_off_is_told_so_before_it_may_return(here):
    off = SwitchState(on=False, since_ns=1)
    unknown = Participant(PUMP, 0.0, 0.0, replace(off, unread_ns=NOW))

    assert unread_assets.is_possibly_off(here(), replace(unknown, switch_state=off))
    assert not unread_assets.is_possibly_off(here(), unknown)
    assert [0.0] == told(here(), unknown, 0.0)[0]


@pytest.mark.parametrize(
    ("participant", "setpoint_w", "values", "on"),
    [
        (Participant(PUMP, 500.0, 500.0, YOUNG), 500.0, [], True),
        (Participant(PUMP, 500.0, 500.0, YOUNG), 0.0, [0.0], False),
        (Participant(PUMP, 500.0, 500.0, OLD), 500.0, [1.0], True),
        (Participant(PUMP, 0.0, 0.0, OLD), 0.0, [], True),
        (Participant(CAR, 0.0, 0.0, YOUNG), 0.0, [], True),
        (Participant(CAR, 11_040.0, 11_040.0, YOUNG), 5_520.0, [8.0], True),  # it charges: it is slowed
        (Participant(CAR, 11_040.0, 11_040.0, YOUNG, is_measured=False), 5_520.0, [0.0], False),
        (Participant(CAR, 5_520.0, 5_520.0, OLD), 5_520.0, [16.0], True),
        (
            Participant(CAR, 5_520.0, 5_520.0, replace(YOUNG, limit_w=5_520.0), allowed_w=5_520.0),
            5_520.0,
            [8.0],
            True,
        ),
        (Participant(CAR, 0.0, 0.0, replace(YOUNG, limit_w=5_520.0), allowed_w=0.0), 0.0, [], True),
        (Participant(ROOF, -4_000.0, -4_000.0, YOUNG), -4_000.0, [], True),
        (Participant(ROOF, -4_000.0, -4_000.0, YOUNG), -1_000.0, [1_000.0], True),
        (Participant(ROOF, -4_000.0, -4_000.0, OLD), -4_000.0, [4_000.0], True),
        (Participant(ROOF, -4_000.0, -4_000.0, OLD, is_measured=False), -4_000.0, [6_000.0], True),
        (Participant(BARN, -900.0, -900.0, OLD), -900.0, [1.0], True),
    ],
)
def test_before_it_is_read_only_what_is_less_is_written(here, participant, setpoint_w, values, on):
    found, turn = told(here(), participant, setpoint_w, high_w=-90_000.0)

    assert (values, on) == (found, turn.on)
    assert bool(values) is (turn.unread_ns is None)


@pytest.mark.parametrize(
    ("turn", "mode", "values"),
    [(YOUNG, 1, []), (YOUNG, 0, []), (YOUNG, 2, [0.0]), (OLD, 1, [1.0]), (OLD, 0, [2.0])],
)
def test_one_in_modes_is_told_only_to_go_below_normal_before_it_is_read(here, turn, mode, values):
    participant = Participant(PUMPED, 2_000.0, 2_000.0, turn, mode=mode, preferred_mode=mode)

    assert values == told(here(), participant, 2_000.0)[0]


def test_one_in_modes_that_may_not_be_ordered_is_not_ordered_for_the_first_time(here):
    participant = Participant(PUMPED, 2_000.0, 2_000.0, SwitchState(), usable=False, mode=1, preferred_mode=1)
    values, turn = told(here(), participant, 2_000.0)

    assert ([], None) == (values, turn.mode)


def test_who_comes_back_in_its_turn_is_ordered_on_from_then(here):
    participant = Participant(PUMP, 0.0, 0.0, OLD)

    values, turn = told(here(), participant, 0.0, back={0: replace(OLD, since_ns=NOW)})

    assert ([1.0], NOW, None) == (values, turn.since_ns, turn.unread_ns)
