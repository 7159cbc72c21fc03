from dataclasses import replace

import pytest
from tests.gateway.control.conftest import HOUSE

from quartier.control.allocate import held_reasons
from quartier.control.allocate.results import AllocationResult, apply_allocation
from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.events.effects import GridEffects, make_tier_reason
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.orders import local_plan
from quartier.control.participants import Participant
from quartier.control.reason import make_grid_reason, make_reason, make_text_reason
from quartier.control.records import Order, OrderBook
from quartier.control.state import ControlState
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset, OperationMode, Pv, VentilationUnit

S = 1_000_000_000
OFF = make_grid_reason("grid.frequency", "low frequency", frequency_hz=49.46).then(make_tier_reason("D"))
WAITS = make_reason("restore.apart")


def test_an_event_of_the_grid_is_the_reason_as_long_as_it_acts(make_inputs):
    acts = make_inputs(grid_effects=GridEffects(off={"D": OFF}))

    assert OFF == held_reasons.explain_held(acts, OFF, WAITS)
    assert WAITS == held_reasons.explain_held(make_inputs(), OFF, WAITS)


@pytest.mark.parametrize(
    "ended",
    [
        make_reason("hand.orders", person="anna").then(make_text_reason("filter changed")),
        make_reason("document.orders", program="command", document="c1"),
        make_reason("conflict.lowered"),
        make_reason("mode.stands", mode="waits").then(make_reason("run.waits", latest="23:10")),
        local_plan.LEADERS.then(make_reason("plan.waits_until", at="22:00")),
        make_grid_reason("grid.frequency", "low frequency", frequency_hz=49.7).then(
            make_reason("grid.nothing_raised")
        ),
    ],
)
def test_what_ended_is_no_reason_any_more(make_inputs, ended):
    assert WAITS == held_reasons.explain_held(make_inputs(), ended, WAITS)


def test_reason_of_another_rule_stands(make_inputs):
    assert "by another rule" == str(
        held_reasons.explain_held(make_inputs(), make_text_reason("by another rule"), WAITS)
    )


# Why one that fits does not come back now


T = 1_000
BELOW = RestoreGate(below_since_ns=(T - 500) * S)
LOW, HIGH, LOW_U = (ActiveRow(level=1, value=value) for value in (49.7, 50.31, 87.0))


@pytest.fixture
def waiting(make_inputs):
    """``waiting(gate=…, spare_w=…)``: why a load of 1000 W that was shed is not raised at second ``T``."""

    def find(
        *,
        gate=BELOW,
        spare_w=1_000.0,
        stage=ControlStage.NORMAL,
        verdict=MeterVerdict.GOOD,
        events=None,
        **more,
    ):
        at = make_inputs(t=T, **more)
        meter = replace(at.state.meter, verdict=verdict)
        state = replace(
            at.state, judgement=StageDecision(stage=stage), meter=meter, events=events or GridEvents()
        )
        spares_w = {} if spare_w is None else {"import": spare_w, "consumption": 1_200.0}
        return str(held_reasons.explain_no_raise(replace(at, state=state), gate, spares_w, 1_000.0))

    return find


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "comes back in its turn"),
        ({"spare_w": 999.0}, "limited to fit import cap 10000 W (envelope dso 1)"),
        ({"spare_w": None}, "comes back in its turn"),
        ({"gate": RestoreGate()}, "comes back in its turn: the import must stay below 9000 W for 2 min"),
        (
            {"gate": RestoreGate(below_since_ns=(T - 119) * S)},
            "comes back in its turn: the import must stay below 9000 W for 2 min",
        ),
        (
            {"gate": replace(BELOW, last_ns=(T - 29) * S)},
            "comes back in its turn: 30 s after the one before it",
        ),
        ({"gate": replace(BELOW, last_ns=(T - 30) * S)}, "comes back in its turn"),
        (
            {"gate": replace(BELOW, not_before_ns=(T + 1) * S)},
            "comes back in its turn: after a random delay, so that not all buildings do so at once",
        ),
        ({"stage": ControlStage.FREEZE}, "not raised: inputs are stale"),
        (
            {"stage": ControlStage.FREEZE, "verdict": MeterVerdict.SUSPECT},
            "not raised: the grid meter contradicts the meters below it",
        ),
        (
            {"grid_effects": GridEffects(holds=True), "events": GridEvents(low=LOW)},
            "grid at 49.70 Hz: nothing is raised",
        ),
        (
            {"grid_effects": GridEffects(holds=True), "events": GridEvents(low_u=LOW_U)},
            "voltage at 87 %: nothing is raised",
        ),
        (
            {"grid_effects": GridEffects(holds=True)},
            "after an outage: nothing is raised until the grid is normal",
        ),
        ({"grid_effects": GridEffects(ceiling_w=2_000.0)}, "after an outage: the building rises slowly"),
        ({"grid_effects": GridEffects(ceiling_w=9_000.0)}, "comes back in its turn"),
    ],
)
def test_one_that_is_held_says_which_part_of_the_staged_restore_it_waits_for(waiting, more, words):
    assert words == waiting(**more)


@pytest.mark.parametrize(
    ("room_w", "stage", "effects", "generation_w", "words"),
    [
        (
            200.0,
            ControlStage.NORMAL,
            GridEffects(),
            None,
            "limited to fit export cap 6000 W (envelope dso 1)",
        ),
        (None, ControlStage.NORMAL, GridEffects(), None, "limited to fit export cap 6000 W (envelope dso 1)"),
        (201.0, ControlStage.NORMAL, GridEffects(), None, "rises step by step"),
        (201.0, ControlStage.FREEZE, GridEffects(), None, "not raised: inputs are stale"),
        (201.0, ControlStage.NORMAL, GridEffects(), 3_000.0, "limited to fit generation cap 3000 W (link)"),
        (
            201.0,
            ControlStage.NORMAL,
            GridEffects(pv_holds=True),
            None,
            "grid was at 50.31 Hz: nothing is raised",
        ),
        (
            201.0,
            ControlStage.NORMAL,
            GridEffects(pv_ramp_per_min=0.1),
            None,
            "after an outage: the building rises slowly",
        ),
    ],
)
def test_pv_that_is_held_says_what_it_waits_for(make_inputs, room_w, stage, effects, generation_w, words):
    at = make_inputs(grid_effects=effects)
    force = replace(at.active_limits, generation_w=generation_w)
    if generation_w is not None:
        force = replace(force, sources={**force.sources, "generation": make_reason("limit.link")})
    state = replace(at.state, judgement=StageDecision(stage=stage), events=GridEvents(high=HIGH))

    assert words == str(
        held_reasons.explain_no_pv_raise(
            replace(at, active_limits=force, state=state), room_w, 200.0, held_reasons.RISES_SLOWLY
        )
    )


FAN = VentilationUnit(
    name="air",
    rated_w=1_000,
    tier="C",
    quantity="speed_pct",
    modes=(OperationMode("normal", 2.0, 1_000.0), OperationMode("slow", 1.0, 400.0)),
    co2_max_ppm=1e9,
)
CAR = ChargePointAsset(name="ev1", rated_w=11_040)
ROOF = Pv(name="pv2", rated_w=3_000, curtail="relay")


def _ordered(point, reason):
    return replace(ControlState.fresh(HOUSE), book=OrderBook({point: Order(0.0, 0, reason)}))


@pytest.mark.parametrize(
    ("participant", "spare_w", "words"),
    [
        (
            Participant(CAR, 4_140.0, 4_140.0, SwitchState(limit_w=4_140.0)),
            689.0,
            "limited to fit import cap",
        ),
        (
            Participant(CAR, 4_140.0, 4_140.0, SwitchState(limit_w=4_140.0)),
            690.0,
            "comes back in its turn: the import must stay",
        ),
        (
            Participant(CAR, 10_950.0, 10_950.0, SwitchState(limit_w=10_950.0)),
            90.0,
            "comes back in its turn: the import must stay",
        ),
        (Participant(CAR, 0.0, 0.0, SwitchState(limit_w=4_140.0)), 4_829.0, "limited to fit import cap"),
        (Participant(CAR, 0.0, 0.0, SwitchState(on=False)), 4_139.0, "limited to fit import cap"),
        (
            Participant(CAR, 0.0, 0.0, SwitchState(on=False)),
            4_140.0,
            "comes back in its turn: the import must stay",
        ),
        (
            Participant(
                FAN, 400.0, 400.0, SwitchState(on=False, mode=1, is_held=True), mode=1, preferred_mode=0
            ),
            599.0,
            "limited",
        ),
        (
            Participant(
                FAN, 400.0, 400.0, SwitchState(on=False, mode=1, is_held=True), mode=1, preferred_mode=0
            ),
            600.0,
            "comes back",
        ),
    ],
)
def test_its_next_step_up_decides_whether_it_would_fit(make_inputs, participant, spare_w, words):
    point = {"ev1": "ev1.current_max_a", "air": "air.speed_pct"}[participant.name]
    at = make_inputs(state=_ordered(point, make_reason("cap.fits", more=make_reason("limit.hard"))))
    result = AllocationResult(
        (participant.desired_w,),
        -6_000.0,
        0.0,
        {},
        is_met=True,
        gate=RestoreGate(),
        spares_w={"import": spare_w},
    )
    (want,) = apply_allocation(at, [participant], result)[0]

    assert str(want.reason).startswith(words)


@pytest.mark.parametrize(
    ("before_w", "low_w", "words"),
    [(-500.0, -4_899.0, "comes"), (-500.0, -4_901.0, "limited to fit export"), (0.0, -2_000.0, "comes")],
)
def test_generation_behind_a_relay_fits_with_what_it_made(make_inputs, before_w, low_w, words):
    at = make_inputs(state=_ordered("pv2.relay_on", make_reason("restore.waits")))
    roof = Participant(ROOF, 0.0, 0.0, SwitchState(on=False, before_w=before_w))
    result = AllocationResult((0.0,), 0.0, low_w, {}, is_met=True, gate=RestoreGate())
    (want,) = apply_allocation(at, [roof], result)[0]

    assert str(want.reason).startswith(words)


@pytest.mark.parametrize(
    ("asset", "off", "words"),
    [
        (CAR, SwitchState(on=False, since_ns=821 * S), "comes back after its minimum off-time of 180 s"),
        (CAR, SwitchState(on=False, since_ns=820 * S), None),
        (
            CAR,
            SwitchState(on=False, since_ns=700 * S, sheds_ns=(10 * S, 300 * S, 700 * S)),
            "comes back later: it was switched off 3 times or more within an hour",
        ),
        (ROOF, SwitchState(on=False, since_ns=701 * S), "comes back after its minimum off-time of 300 s"),
        (ROOF, SwitchState(on=False, since_ns=700 * S), None),
        (CAR, SwitchState(limit_w=4_000.0), None),
        (FAN, SwitchState(on=False, since_ns=999 * S), None),
    ],
)
def test_one_that_is_off_names_its_minimum_time_or_its_many_switchings(asset, off, words):
    why = held_reasons.explain_off(asset, off, T * S)

    assert words == (None if why is None else str(why))


def test_its_own_reason_follows_those_of_the_staged_restore(make_inputs):
    own = make_reason("restore.often")

    def explain(gate, spares_w):
        return held_reasons.explain_no_raise(make_inputs(t=T), gate, spares_w, 1_000.0, own=own).code

    assert "restore.often" == explain(BELOW, {"import": 1_000.0})
    assert "restore.below" == explain(RestoreGate(), {"import": 1_000.0})
    assert "restore.waits" == explain(BELOW, {})
