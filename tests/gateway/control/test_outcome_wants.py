"""What comes of an allocation for each kind of asset: its turn, its order, or none, and the reason beside it."""

from dataclasses import replace

import pytest

from quartier.control.allocate import held_reasons, results
from quartier.control.allocate.results import AllocationResult
from quartier.control.events.effects import GridEffects
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.orders import conflicts
from quartier.control.orders.conflicts import PointConflict
from quartier.control.participants import Participant
from quartier.control.reason import NO_REASON, make_reason, make_text_reason, render_text
from quartier.control.records import Order, OrderBook, Override
from quartier.control.requests import Requests
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv
from quartier_drivers.contract import Origin

S = 1_000_000_000
DSO = make_text_reason("envelope dso 1")
NOW = 60 * S
BATTERY = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=2_500,
)
CAR = ChargePointAsset(name="ev1", rated_w=11_040)
PUMP = Load(name="pump", rated_w=3_000, tier="C", switchable=True)
ROOF = Pv(name="pv1", rated_w=6_000, curtail="limit")
SHED = Pv(name="pv2", rated_w=3_000, curtail="relay")
SLOWED = make_reason("cap.import", source=DSO, limit_w=10_000).then(make_reason("charging.slowed"))
FRESH = {"bat1.power_w": LastGood(0.0, NOW), "bat1.soc_pct": LastGood(50.0, NOW)}


def result(*setpoints_w, high_w=0.0, low_w=0.0, **more):
    return AllocationResult(
        setpoints_w, high_w, low_w, more.pop("acted", {}), is_met=True, gate=RestoreGate(), **more
    )


def by_hand(value, who="anna"):
    return Override(asset="", value=value, until_ns=10**15, until_utc_ms=0, who=Origin("person", who, "1001"))


@pytest.fixture
def told(make_inputs):
    """A scene with other memories, orders, conflicts, words of people, or a stage."""

    def make(memories=FRESH, orders=None, stage=ControlStage.NORMAL, found=None, overrides=None, **more):
        plain = make_inputs()
        state = replace(
            plain.state,
            last_good=memories,
            book=OrderBook(orders or {}),
            judgement=StageDecision(stage=stage),
            conflicts=found or {},
        )
        requests = Requests(caps=plain.requests.caps, overrides=overrides or {})
        return make_inputs(state=state, requests=requests, **more)

    return make


def turn_of(make_inputs, participant, *setpoints_w, **more):
    """The turn of the only participant."""
    return results.apply_allocation(make_inputs, [participant], result(*setpoints_w, **more))[1][
        participant.name
    ]


def wants_of(make_inputs, participant, *setpoints_w, **more):
    return results.apply_allocation(make_inputs, [participant], result(*setpoints_w, **more))[0]


RESTS = {"bat1.setpoint_w": PointConflict(rests_ns=10**15)}
OLD = LastGood(0.0, NOW - 16 * S)


# --- why a battery is not steered --------------------------------------------------------------


@pytest.mark.parametrize(
    ("asset", "more", "why"),
    [
        (BATTERY, {}, ""),
        (replace(BATTERY, writable=False), {}, "it takes no setpoint"),
        (BATTERY, {"found": RESTS}, str(conflicts.CONFLICT_REASON)),
        (BATTERY, {"overrides": {"bat1": by_hand(None)}}, "maintenance, anna"),
        (BATTERY, {"overrides": {"bat1": by_hand(0.0)}}, ""),
        (BATTERY, {"is_meter_lost": True}, "grid meter lost"),
        (BATTERY, {"stage": ControlStage.SAFE}, "grid meter was lost shortly before"),
        (BATTERY, {"stage": ControlStage.FREEZE}, ""),
        (BATTERY, {"memories": {}, "running_s": 0.0}, str(results.WAITING_TO_RETURN)),
        (BATTERY, {"memories": {}}, "its power is not known"),
        (BATTERY, {"memories": FRESH | {"bat1.power_w": OLD}, "running_s": 0.0}, "its power is not known"),
        (BATTERY, {"memories": FRESH | {"bat1.soc_pct": OLD}}, "its state of charge is not known"),
    ],
)
def test_a_battery_is_steered_or_its_reason_named(told, asset, more, why):
    assert why == render_text(results.explain_battery_not_controlled(told(**more), asset))


def test_who_lacks_a_fallback_or_is_not_ours_is_told_before_a_persons_word(told):
    mine = replace(BATTERY, falls_back=False)
    maintained = told(overrides={"bat1": by_hand(None)})

    assert results.explain_battery_not_controlled(maintained, mine).code == "output.no_fallback"


@pytest.mark.parametrize(
    ("found", "is_left"), [({}, False), ({"ev1.current_max_a": PointConflict(rests_ns=1)}, True)]
)
def test_what_a_second_controller_moves_is_left_alone_and_gets_no_order(told, found, is_left):
    here = told(found=found, orders={"ev1.current_max_a": Order(16.0, 0, NO_REASON)})
    car = Participant(CAR, 4_140.0, 4_140.0, SwitchState())

    assert is_left is results.is_paused_by_conflict(here, CAR)
    assert is_left is (not wants_of(here, car, 4_140.0))


def test_a_battery_is_known_by_its_setpoint(told):
    assert results.is_paused_by_conflict(told(found=RESTS), BATTERY)


def test_who_is_in_maintenance_gets_its_point_back_and_nobody_else(told):
    overrides = {"pump": by_hand(None), "heat": by_hand(0.0), "bat1": by_hand(None), "lift": by_hand(None)}

    found = results.find_maintenance_points(told(overrides=overrides))

    assert {"pump.relay_on": "maintenance, anna"} == {point: str(why) for point, why in found.items()}


# --- a battery's order -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "high_w", "values"),
    [
        ({}, 0.0, [-1_200.0]),
        ({}, None, []),  # nothing is known of the grid
        ({"grid_w": None}, 0.0, [-1_200.0]),
        ({"grid_w": None, "before_w": -1_200.0}, 0.0, []),  # its own timer goes on
        ({"before_w": -1_200.0}, 0.0, [-1_200.0]),
    ],
)
def test_a_battery_is_ordered_whole_watts_and_never_refreshed_on_a_stale_input(told, more, high_w, values):
    unit = Participant(BATTERY, 0.0, 0.0, SwitchState(), before_w=more.pop("before_w", 0.0))

    assert values == [one.value for one in wants_of(told(**more), unit, -1_200.4, high_w=high_w)]


def test_a_battery_says_which_cap_moved_it_or_what_it_follows(told):
    unit = Participant(BATTERY, 0.0, 0.0, SwitchState(), reason=make_reason("self_consumption"))
    acted = {}, {0: make_text_reason("import cap")}
    free, held = (str(wants_of(told(), unit, 0.0, acted=one)[0].reason) for one in acted)

    assert ("self-consumption", "import cap") == (free, held)


# --- turns -------------------------------------------------------------------------------------

ON, OFF = SwitchState(), SwitchState(on=False, since_ns=0)
NEW = SwitchState(since_ns=NOW)


@pytest.mark.parametrize(
    ("asset", "turn", "setpoint_w", "more", "after"),
    [
        (PUMP, ON, 2_000.0, {}, ON),
        (PUMP, ON, 0.0, {}, "off"),
        (PUMP, ON, 1_999.0, {}, "off"),  # a relay knows no half
        (PUMP, ON, 2_000.0, {"off": {0: 0}}, "off"),
        (PUMP, OFF, 0.0, {}, OFF),
        (PUMP, OFF, 0.0, {"off": {0: 0}}, OFF),
        (PUMP, OFF, 2_000.0, {}, "on"),
        (CAR, ON, 0.0, {}, "off"),
        (CAR, ON, -1.0, {}, "off"),
        (CAR, ON, 2_000.0, {"off": {0: 0}}, "off"),
        (CAR, OFF, 0.0, {}, OFF),
        (CAR, OFF, 4_140.0, {}, "on"),
    ],
)
def test_who_is_lowered_to_nothing_goes_off_and_who_is_raised_comes_on(
    told, asset, turn, setpoint_w, more, after
):
    want_w = 2_000.0 if turn.on else 0.0
    found = turn_of(told(), Participant(asset, want_w, want_w, turn), setpoint_w, **more)

    if isinstance(after, SwitchState):
        assert (after.on, after.since_ns) == (found.on, found.since_ns)
    else:
        assert (after == "on", NOW) == (found.on, found.since_ns)


def test_a_car_is_slowed_to_its_floor_at_least_and_remembers_what_it_took(told):
    car = Participant(CAR, 9_000.0, 9_000.0, SwitchState())
    slowed, least = (turn_of(told(), car, watts) for watts in (6_900.0, 100.0))

    assert (True, 6_900.0, 9_000.0) == (slowed.on, slowed.limit_w, slowed.before_w)
    assert (True, 4_140.0) == (least.on, least.limit_w)


@pytest.mark.parametrize(("deaf", "told_ns"), [(False, NOW), (True, 5)])
def test_one_that_does_not_obey_is_told_on_and_given_no_time_anew(told, deaf, told_ns):
    car = Participant(CAR, 11_040.0, 11_040.0, SwitchState(limit_w=6_900.0, order_ns=5), is_unresponsive=deaf)
    roof = Participant(
        ROOF, -5_000.0, -5_000.0, SwitchState(limit_w=2_000.0, order_ns=5), is_unresponsive=deaf
    )
    shed = Participant(SHED, -3_000.0, -3_000.0, SwitchState(order_ns=5), is_unresponsive=deaf)
    found = [
        turn_of(told(), car, 4_140.0),
        turn_of(told(), car, 0.0),
        turn_of(told(), roof, -1_500.0, low_w=-9_000.0),
        turn_of(told(), shed, 0.0, acted={0: make_text_reason("export cap")}),
        results._car_turn(car, CAR, 5_000.0, NOW),
        results._car_turn(car, CAR, 0.0, NOW),
    ]

    assert [told_ns] * 6 == [turn.order_ns for turn in found]
    assert [4_140.0, 1_500.0, 5_000.0] == [found[n].limit_w for n in (0, 2, 4)]


@pytest.mark.parametrize(
    ("more", "on", "limit_w"),
    [
        ({}, True, 6_000.0),
        ({"held_w": {0: 5_000.0}}, True, 5_000.0),  # though what it takes now fits
        ({"held_w": {1: 5_000.0}}, True, 6_000.0),
        ({"off": {0: 0}}, False, 6_000.0),
        ({"off": {0: 0}, "held_w": {0: 5_000.0}}, False, 6_000.0),
    ],
)
def test_a_car_that_shares_may_take_what_the_fuses_leave_and_nothing_in_an_event(told, more, on, limit_w):
    car = Participant(CAR, 4_140.0, 4_140.0, SwitchState(limit_w=6_000.0), allowed_w=6_000.0)
    after = turn_of(told(), car, 4_140.0, **more)

    assert (on, limit_w) == (after.on, after.limit_w)


@pytest.mark.parametrize(("own_normal", "values"), [(True, []), (False, [100.0])])
def test_what_is_normal_by_its_own_control_is_not_ordered_so(told, own_normal, values):
    modes = (OperationMode("full speed", 100, 900.0), OperationMode("half speed", 50, 400.0))
    fan = OperationModeAsset(
        name="fan", rated_w=900, quantity="speed_pct", modes=modes, own_normal=own_normal
    )

    assert values == [
        one.value for one in wants_of(told(), Participant(fan, 900.0, 900.0, SwitchState()), 900.0)
    ]


def test_what_makes_more_than_it_may_is_not_allowed_more_by_being_curtailed(told):
    roof = Participant(
        ROOF, -5_000.0, -5_000.0, SwitchState(limit_w=2_000.0, order_ns=5), is_unresponsive=True
    )
    found = turn_of(told(), roof, -4_000.0, low_w=-9_000.0)

    assert (2_000.0, 5) == (found.limit_w, found.order_ns)


def test_what_gives_power_has_taken_none_before_it_was_lowered(told):
    assert 0.0 == turn_of(told(), Participant(PUMP, -50.0, 10.0, SwitchState()), 0.0).before_w


@pytest.mark.parametrize(
    ("takes_w", "turn", "setpoint_w", "limit_w", "raised_ns"),
    [
        (4_140.0, SwitchState(limit_w=4_140.0), 6_900.0, 6_900.0, NOW),
        (2_000.0, SwitchState(limit_w=4_140.0), 3_000.0, 4_140.0, None),  # it may take more than that already
        (2_000.0, SwitchState(limit_w=4_140.0, raised_ns=5), 6_900.0, 6_900.0, 5),
        (4_140.0, SwitchState(limit_w=4_140.0), 11_040.0, None, NOW),
        (0.0, SwitchState(on=False), 4_140.0, 4_140.0, NOW),
        (0.0, SwitchState(on=False), 11_040.0, None, NOW),
        (2_000.0, SwitchState(), 3_000.0, None, None),
    ],
)
def test_a_car_that_is_raised_may_take_no_less_than_before(
    told, takes_w, turn, setpoint_w, limit_w, raised_ns
):
    after = turn_of(told(), Participant(CAR, takes_w, takes_w, turn), setpoint_w, high_w=-90_000.0)

    assert (True, limit_w, raised_ns) == (after.on, after.limit_w, after.raised_ns)


@pytest.mark.parametrize(
    ("turn", "setpoint_w", "acted", "is_on"),
    [
        (ON, 0.0, {0: make_text_reason("export cap")}, False),
        (ON, 0.0, {}, True),  # it only makes nothing
        (ON, -500.0, {0: make_text_reason("export cap")}, True),
        (OFF, 0.0, {0: make_text_reason("export cap")}, False),
    ],
)
def test_pv_behind_a_relay_goes_off_by_a_cap_alone(told, turn, setpoint_w, acted, is_on):
    after = turn_of(
        told(), Participant(SHED, -900.0, -900.0 if turn.on else 0.0, turn), setpoint_w, acted=acted
    )

    assert is_on is after.on
    assert (NOW if turn.on and not is_on else turn.since_ns) == after.since_ns


LIMITED = SwitchState(limit_w=2_000.0)


@pytest.mark.parametrize(
    ("more", "setpoint_w", "low_w", "limit_w"),
    [
        ({}, -1_500.0, 0.0, 1_500.0),  # curtailed further
        ({}, -2_000.0, -6_000.0, 2_000.0),  # at the export cap
        ({}, -2_000.0, -2_000.0, 3_000.0),  # a quarter of the room
        ({}, -2_000.0, None, 2_000.0),
        ({"stage": ControlStage.FREEZE}, -2_000.0, -2_000.0, 2_000.0),
        ({"is_meter_lost": True}, -1_800.0, -2_000.0, 1_800.0),
        ({"is_meter_lost": True}, -2_500.0, -2_000.0, 2_000.0),  # what nobody sees is not raised
    ],
)
def test_pv_is_curtailed_at_once_and_raised_by_a_quarter_of_the_room(told, more, setpoint_w, low_w, limit_w):
    participant = Participant(ROOF, -2_000.0, -2_000.0, LIMITED)

    assert limit_w == turn_of(told(**more), participant, setpoint_w, low_w=low_w).limit_w


@pytest.mark.parametrize(
    ("more", "generation_w", "setpoint_w", "low_w", "limit_w", "told_ns"),
    [
        ({"is_meter_lost": True}, None, -1_800.0, -2_000.0, 1_800.0, NOW),
        ({"is_meter_lost": True}, None, -2_500.0, -2_000.0, 2_000.0, None),
        ({}, 1_500.0, -2_000.0, -2_000.0, 1_500.0, NOW),
        ({}, None, -2_000.0, -2_000.0, 3_000.0, None),  # allowed more
        ({}, None, -2_000.0, 90_000.0, None, None),
    ],
)
def test_pv_gets_time_to_obey_by_whatever_it_is_told_to_make_less_and_by_nothing_else(
    told, more, generation_w, setpoint_w, low_w, limit_w, told_ns
):
    force = told().active_limits
    force = replace(force, generation_w=generation_w, sources={**force.sources, "generation": DSO})
    after = turn_of(
        told(active_limits=force, **more),
        Participant(ROOF, -2_000.0, -2_000.0, LIMITED),
        setpoint_w,
        low_w=low_w,
    )

    assert (limit_w, told_ns) == (after.limit_w, after.order_ns)


def test_pv_without_a_limit_gets_none_by_what_it_makes(told):
    assert (
        turn_of(
            told(), Participant(ROOF, -2_000.0, -2_000.0, SwitchState()), -2_000.0, low_w=-2_000.0
        ).limit_w
        is None
    )


@pytest.mark.parametrize(
    ("makes_w", "room_w", "limit_w"),
    [(-1_900.0, 121.0, 2_030.0), (-1_900.0, 120.0, 2_000.0), (-1_800.0, 121.0, 2_000.0)],
)
def test_pv_at_its_limit_rises_a_little_where_batteries_have_room(told, makes_w, room_w, limit_w):
    participant = Participant(ROOF, makes_w, -2_000.0, LIMITED)
    found = turn_of(told(), participant, -2_000.0, low_w=-6_000.0, charge_headroom_w=room_w)

    assert limit_w == pytest.approx(found.limit_w)


@pytest.mark.parametrize(
    ("more", "low_w", "limit_w"),
    [
        ({}, -2_000.0, 3_000.0),
        ({}, -7_000.0, 2_000.0),
        ({}, None, 2_000.0),
        ({"stage": ControlStage.FREEZE}, -2_000.0, 2_000.0),
        ({"is_meter_lost": True}, -2_000.0, 2_000.0),
    ],
)
def test_pv_that_no_cap_may_be_taken_with_keeps_its_limit_or_comes_back(told, more, low_w, limit_w):
    participant = Participant(ROOF, -2_000.0, -2_000.0, LIMITED, usable=False)

    assert limit_w == turn_of(told(**more), participant, -1_000.0, low_w=low_w).limit_w


# --- a limit that fits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "turn", "more", "limit_w"),
    [
        ({}, ON, {}, 8 * 690.0),
        ({"ev1.plugged_on": LastGood(1.0, NOW)}, ON, {}, 8 * 690.0),
        ({"ev1.plugged_on": LastGood(0.0, NOW)}, ON, {}, None),  # nobody is there to take it
        ({}, OFF, {}, None),
        ({}, ON, {"usable": False}, None),
        ({}, ON, {"allowed_w": 9_000.0}, None),  # cars that share are given what fits anyway
        ({}, SwitchState(limit_w=5_000.0), {}, 5_000.0),
    ],
)
def test_a_car_may_take_no_more_than_fits_in_whole_amperes(told, seen, turn, more, limit_w):
    want_w = 2_000.0 if turn.on else 0.0
    participant = Participant(CAR, want_w, want_w, turn, **more)
    found = turn_of(told(memories=FRESH | seen), participant, want_w, high_w=6_000.0)

    assert limit_w == found.limit_w  # 4 kW are left under 10 kW, and 2 kW it takes: 8.7 A


def test_what_one_car_may_take_more_is_no_longer_free_for_the_next(told):
    cars = [Participant(replace(CAR, name=name), 0.0, 0.0, SwitchState()) for name in ("ev1", "ev2")]
    _, turns = results.apply_allocation(told(), cars, result(0.0, 0.0, high_w=2_000.0))

    assert [11 * 690.0, 4_140.0] == [turns[name].limit_w for name in ("ev1", "ev2")]


@pytest.mark.parametrize(
    ("before", "turn", "effects", "words"),
    [
        (NO_REASON, ON, GridEffects(), "limited to fit import cap 10000 W (envelope dso 1)"),
        (
            held_reasons.RETURNS,
            SwitchState(limit_w=9 * 690.0),
            GridEffects(),
            "limited to fit import cap 10000 W",
        ),
        (None, ON, GridEffects(), "limited to fit import cap 10000 W (envelope dso 1)"),
        (
            SLOWED,
            SwitchState(limit_w=9 * 690.0),
            GridEffects(),
            "import cap 10000 W (envelope dso 1): charging",
        ),
        (NO_REASON, ON, GridEffects(ceiling_w=9_000.0), "after an outage: the building rises slowly"),
        (NO_REASON, ON, GridEffects(holds=True, ceiling_w=9_000.0), "after an outage: nothing is raised"),
    ],
)
def test_a_car_that_is_lowered_to_what_fits_says_so_in_the_same_order(told, before, turn, effects, words):
    orders = {} if before is None else {"ev1.current_max_a": Order(16.0, 0, before)}
    here = told(orders=orders, memories=FRESH | {"ev1.power_w": LastGood(2_000.0, NOW)}, grid_effects=effects)
    (want,) = wants_of(here, Participant(CAR, 2_000.0, 2_000.0, turn), 2_000.0, high_w=6_000.0)

    assert want.value <= 8.0
    assert str(want.reason).startswith(words)


# --- when something is written, and with which value -------------------------------------------


@pytest.mark.parametrize(
    ("more", "participant", "high_w", "is_written"),
    [
        ({}, {}, 0.0, True),
        ({}, {}, None, False),
        ({}, {"usable": False}, 0.0, False),
        ({"running_s": 0.0}, {}, 0.0, False),
        ({"running_s": 0.0, "is_meter_lost": True}, {}, 0.0, True),
        ({"running_s": 0.0, "memories": {"pump.power_w": LastGood(0.0, NOW)}}, {}, 0.0, True),
        ({"orders": {"pump.relay_on": Order(1.0, 0, NO_REASON)}}, {"usable": False}, None, True),
    ],
)
def test_nothing_is_ordered_before_its_device_and_the_meter_had_their_chance(
    told, more, participant, high_w, is_written
):
    mine = Participant(PUMP, 500.0, 500.0, SwitchState(), **participant)

    assert is_written is bool(wants_of(told(**more), mine, 500.0, high_w=high_w))


def test_one_that_is_remembered_off_is_told_so_at_once(told):
    """Its lease may have ended while the gateway was away: it runs, and would count as shed for 15 s."""
    mine = Participant(PUMP, 0.0, 0.0, OFF)

    assert [0.0] == [one.value for one in wants_of(told(running_s=0.0), mine, 0.0)]


def test_one_that_is_not_usable_is_written_to_come_back(told):
    mine = Participant(PUMP, 0.0, 0.0, OFF, usable=False)

    assert [1.0] == [one.value for one in wants_of(told(), mine, 0.0, back={0: SwitchState(since_ns=NOW)})]


@pytest.mark.parametrize(
    ("asset", "turn", "value", "holds"),
    [
        (CAR, SwitchState(limit_w=6_999.0), 10.1, True),  # tenths of an ampere, never rounded up
        (CAR, SwitchState(limit_w=100.0), 6.0, True),
        (CAR, SwitchState(limit_w=99_000.0), 16.0, True),
        (CAR, SwitchState(), 16.0, False),
        (CAR, OFF, 0.0, True),
        (PUMP, SwitchState(), 1.0, False),
        (PUMP, OFF, 0.0, True),
        (SHED, OFF, 0.0, True),
        (ROOF, SwitchState(limit_w=1_999.9), 1_999.0, True),
        (ROOF, SwitchState(), 6_000.0, False),
    ],
)
def test_an_order_never_allows_more_than_its_turn(asset, turn, value, holds):
    want = results._flexible_want(Participant(asset, 0.0, 0.0, turn), turn, "free")

    assert (value, holds) == (want.value, want.holds)


@pytest.mark.parametrize(
    ("turn", "lease_s", "deadband", "refresh_s"),
    [
        (SwitchState(), float("inf"), 0.0, None),
        (SwitchState(), 30.0, 0.0, 10.0),
        (LIMITED, float("inf"), 30.0, 20.0),
        (LIMITED, 30.0, 30.0, 10.0),
    ],
)
def test_a_limit_on_pv_is_a_lease_and_none_is_written_once(turn, lease_s, deadband, refresh_s):
    roof = replace(ROOF, lease_s=lease_s)
    want = results._flexible_want(Participant(roof, 0.0, 0.0, turn), turn, "free")

    assert (deadband, refresh_s) == (want.deadband, want.refresh_s)


@pytest.mark.parametrize(("said_a", "value"), [(10.0, 10.0), (16.0, 16.0), (None, 16.0)])
def test_nobody_has_more_than_a_person_allows(told, said_a, value):
    overrides = {} if said_a is None else {"ev1": by_hand(said_a)}
    (want,) = wants_of(
        told(overrides=overrides), Participant(CAR, 0.0, 0.0, SwitchState()), 0.0, high_w=-90_000.0
    )

    assert (value, said_a is not None) == (want.value, str(want.reason) == "by hand, anna")


# --- the reason beside it ----------------------------------------------------------------------

CAP = "import cap 10000 W (envelope dso 1)"
IMPORT = make_reason("cap.import", source=DSO, limit_w=10_000)
OLD = make_reason("cap.import", source=make_text_reason("old"), limit_w=300)
SHED_C = make_reason("load.shed", tier="C")
FULL, ROOM = {"spares_w": {"import": 2_999.0}}, {"spares_w": {"import": 3_000.0}}
STAYS = "comes back in its turn: the import must stay below 9000 W for 2 min"


@pytest.mark.parametrize(
    ("turn", "before", "more", "words"),
    [
        (ON, None, {"acted": {0: OLD.then(SHED_C)}}, f"{OLD}: shed, tier C"),
        (OFF, None, {"back": {0: ON}}, "restored: below the cap by 10 % for 120 s"),
        (ON, OLD, {}, "not limited"),
        (OFF, None, {}, "was already off: comes back in its turn"),
        (OFF, IMPORT.then(SHED_C), {}, f"{CAP}: shed, tier C"),
        (OFF, OLD.then(SHED_C), {}, f"{CAP}: comes back in its turn"),
        (OFF, make_reason("cap.generation", source=DSO, limit_w=300), {}, "comes back in its turn"),
        (OFF, make_reason("cap.fits", more=OLD), FULL, f"limited to fit {CAP}"),
        (OFF, make_reason("cap.fits", more=OLD), {}, "comes back in its turn"),
        (OFF, make_text_reason("somebody's own words"), {}, "somebody's own words"),
        (OFF, NO_REASON, FULL, f"limited to fit {CAP}"),
        (OFF, held_reasons.BELOW_LIMIT, FULL, f"limited to fit {CAP}"),  # that was then
        (OFF, OLD.then(SHED_C), FULL, f"limited to fit {CAP}"),
        (OFF, OLD.then(SHED_C), ROOM, f"{CAP}: {STAYS}"),
        (OFF, held_reasons.RETURNS, ROOM, STAYS),
        (NEW, NO_REASON, {"broken": (0,), "high_w": 10_001.0}, f"{CAP}: on for its minimum time"),
        # it is export that cannot be kept
        (NEW, NO_REASON, {"broken": (0,), "high_w": 9_999.0}, "not limited"),
        (NEW, NO_REASON, {"broken": (0,), "high_w": None}, "not limited"),
        (NEW, NO_REASON, {"broken": (5,), "high_w": 10_001.0}, "not limited"),
        (ON, NO_REASON, {"broken": (0,), "high_w": 10_001.0}, "not limited"),
        (NEW, NO_REASON, {"broken": (0,), "high_w": 10_001.0, "takes_w": 0.0}, "not limited"),
    ],
)
def test_what_stands_beside_an_order_is_why_it_stands_now(told, turn, before, more, words):
    orders = {} if before is None else {"pump.relay_on": Order(float(turn.on), 0, before)}
    want_w = more.pop("takes_w", 500.0) if turn.on else 0.0
    (want,) = wants_of(told(orders=orders), Participant(PUMP, want_w, want_w, turn), want_w, **more)

    assert words == str(want.reason)


def test_pv_that_is_limited_waits_for_the_export_cap(told):
    roof = Participant(ROOF, -2_000.0, -2_000.0, LIMITED)
    here = told(memories=FRESH | {"pv1.power_w": LastGood(-2_000.0, NOW)})
    reason = wants_of(here, roof, -2_000.0, low_w=-6_000.0)[0].reason

    assert str(reason).startswith("limited to fit export cap 6000 W")
    assert reason == held_reasons.explain_held(here, reason, reason)


def test_what_a_person_keeps_off_says_who(told):
    overrides = {"pump": by_hand(0.0)}
    here = told(overrides=overrides, orders={"pump.relay_on": Order(0.0, 0, IMPORT)})
    mine = (Participant(PUMP, 0.0, 0.0, turn) for turn in (OFF, ON))
    off, on = (str(wants_of(here, one, 0.0, high_w=0.0)[0].reason) for one in mine)

    assert ("by hand, anna", "not limited") == (off, on)


def test_a_car_that_shares_says_what_the_sharing_says(told):
    words = make_text_reason("yard, fuse 20 A, L1: shared by the cars", Origin("rule", "fuse"))
    car = Participant(CAR, 0.0, 0.0, LIMITED, allowed_w=2_000.0, reason=words)
    here = told(orders={"ev1.current_max_a": Order(6.0, 0, IMPORT)})

    assert words == wants_of(here, car, 0.0)[0].reason


def test_a_reason_of_our_own_is_taken_before_none(told):
    mine = Participant(
        PUMP, 0.0, 0.0, ON, reason=make_text_reason("the tank is cold", Origin("rule", "comfort"))
    )

    assert "the tank is cold" == str(wants_of(told(), mine, 0.0)[0].reason)
