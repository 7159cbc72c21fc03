"""One sharing taken apart: who is chosen, who is told how much, who begins, and what each is told then."""

from dataclasses import replace

import pytest

from quartier.control import cycle
from quartier.control.allocate import load_sharing, tree
from quartier.control.allocate.load_sharing import ChargePoint
from quartier.control.allocate.tree import ConnectionTree
from quartier.control.limits.connection_tree import RowLimits, Topology
from quartier.control.observe.charging_sessions import ChargingSession
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset
from quartier.site.site_layout import Node

S = 1_000_000_000
NOW = 60 * S
ROW, V = 4, 230.0
LONG = 4 * 3600.0
SITE_TREE = ConnectionTree(Topology((-1,), ()), RowLimits((1e11,) * 4, (1e11,) * 4))


def bay(name, order_a=6.0, drawn_a=None, **more):
    """A point on one phase where a car charges as it may, behind one row."""
    ev = ChargePointAsset(name=name, rated_w=3_680, phases_count=1)
    turn = more.pop("turn", SwitchState(on=order_a > 0, since_ns=0, limit_w=order_a * V if order_a else None))
    drawn_a = order_a if drawn_a is None else drawn_a
    plain = {
        "session": ChargingSession(0),
        "rows": [(ROW, V)],
        "way": (),
        "most_a": 16.0,
        "laxity_s": LONG,
        "needed_a": 0.0,
        "active": True,
        "fixed": False,
        "is_unresponsive": False,
        "movable": True,
    }
    participant = Participant(ev, drawn_a * V, drawn_a * V, turn)
    return ChargePoint(participant=participant, ev=ev, order_a=order_a, drawn_a=drawn_a, **(plain | more))


@pytest.fixture
def plan(make_inputs):
    """A sharing among handmade points; ``stage`` is how careful to be."""

    def make(*bays, stage=ControlStage.NORMAL):
        plain = make_inputs()
        state = replace(plain.state, judgement=StageDecision(stage=stage))
        made = load_sharing._Sharing(
            make_inputs(state=state), SITE_TREE, [one.participant for one in bays], bays
        )
        for one in bays:
            one.goal_a = one.order_a
        return made

    return make


def amperes(left_a):
    return {ROW: left_a * V}


def chosen(plan, hard_a, soft_a=None, ready=()):
    found = plan._choose_cars(amperes(hard_a), amperes(hard_a if soft_a is None else soft_a), set(ready))
    return [one.ev.name for one in found]


# --- who charges -------------------------------------------------------------------------------


def test_as_many_charge_as_their_floor_fits(plan):
    cars = plan(bay("a"), bay("b"), bay("c"))

    assert [["a", "b", "c"], ["a", "b"], []] == [chosen(cars, left_a) for left_a in (18.0, 17.9, 5.9)]


def test_who_does_not_fit_says_which_row_bounds_it(plan):
    cars = plan(bay("a"), bay("b"))
    chosen(cars, 6.0)

    assert [None, ROW] == [one.bound for one in cars.charge_points]


@pytest.mark.parametrize(
    ("ready", "movable", "found"), [((), True, []), (("b",), True, ["b"]), (("b",), False, [])]
)
def test_one_that_is_paused_begins_when_it_is_ready_and_may(plan, ready, movable, found):
    assert found == chosen(plan(bay("b", 0.0, movable=movable)), 16.0, ready=ready)


def test_one_that_begins_needs_room_in_what_is_shared_and_one_that_charges_in_what_holds(plan):
    assert [] == chosen(plan(bay("b", 0.0)), 16.0, soft_a=5.9, ready=("b",))
    assert ["a"] == chosen(plan(bay("a")), 6.0, soft_a=0.0)


def test_one_that_may_not_be_paused_charges_though_it_does_not_fit(plan):
    assert ["a"] == chosen(plan(bay("a", movable=False), bay("b")), 6.0)
    assert ["a"] == chosen(plan(bay("a", movable=False)), 0.0)


@pytest.mark.parametrize("more", [{"fixed": True}, {"active": False, "fixed": True}, {"active": False}])
def test_what_cannot_be_ordered_or_rests_is_not_chosen_and_takes_its_room(plan, more):
    other = bay("a", 8.0, drawn_a=8.0, **more)

    assert [["b"], []] == [chosen(plan(other, bay("b")), left_a) for left_a in (14.0, 13.9)]


def test_a_paused_car_that_still_draws_takes_its_room(plan):
    cars = plan(bay("a", 0.0, drawn_a=3.0), bay("b", 0.0))

    assert [["b"], []] == [chosen(cars, left_a, ready=("b",)) for left_a in (9.0, 8.9)]


@pytest.mark.parametrize(
    ("more", "least_a"),
    [
        ({"active": False}, 12.0),  # an open point without a car: room for one that comes
        ({"active": False, "order_a": 0.0}, 6.0),
        ({"active": False, "fixed": True, "order_a": 0.0}, 6.0),
        ({"order_a": 0.0}, 6.0),
    ],
)
def test_room_for_one_car_is_kept_where_a_point_is_open_and_none_charges(plan, more, least_a):
    idle = bay("a", **({"drawn_a": 0.0} | more))
    begins = bay("b", 0.0)
    found = [
        chosen(plan(idle, begins), 20.0, soft_a=left_a, ready=("b",)) for left_a in (least_a, least_a - 0.1)
    ]

    assert [["b"], []] == found


def test_one_place_is_kept_however_many_points_are_open(plan):
    idle = [bay(name, drawn_a=0.0, active=False) for name in ("a", "c")]

    assert ["b"] == chosen(plan(*idle, bay("b", 0.0)), 20.0, soft_a=12.0, ready=("b",))


# --- with how much -----------------------------------------------------------------------------


def shared(plan, left_a, *, due=True, tight=()):
    plan._share(
        [one for one in plan.charge_points if one.active and not one.fixed],
        amperes(left_a),
        due=due,
        tight=set(tight),
    )
    return [one.goal_a for one in plan.charge_points]


def test_all_have_the_same_current_in_tenths_of_an_ampere(plan):
    assert [9.9, 9.9] == shared(plan(bay("a"), bay("b")), 19.99)


def test_nobody_has_more_than_it_has_a_use_for(plan):
    assert [8.0, 16.0] == shared(plan(bay("a", most_a=8.0), bay("b")), 40.0)


@pytest.mark.parametrize(
    ("order_a", "left_a", "tight", "goal_a"),
    [
        (8.0, 7.5, (), 7.5),
        (8.0, 7.6, (), 8.0),  # half an ampere is no reason to tell anybody
        (8.0, 7.6, (ROW,), 7.6),
        (8.0, 7.6, (ROW + 1,), 8.0),
        (8.0, 8.4, (), 8.0),
        (8.0, 8.5, (), 8.5),
        (15.8, 17.0, (), 16.0),  # all it has a use for
    ],
)
def test_a_car_is_told_anew_for_half_an_ampere_or_where_a_fuse_demands_it(
    plan, order_a, left_a, tight, goal_a
):
    assert [goal_a] == shared(plan(bay("a", order_a)), left_a, tight=tight)


@pytest.mark.parametrize(
    ("due", "other", "goal_a"),
    [
        (True, {}, 10.0),
        (False, {}, 6.0),  # it is not time
        (True, {"drawn_a": 6.5}, 10.0),
        (True, {"drawn_a": 6.6}, 6.0),  # the other has not answered yet
        (True, {"drawn_a": 6.6, "fixed": True}, 13.4),
        (True, {"drawn_a": 1.0, "active": False, "order_a": 0.0}, 16.0),
    ],
)
def test_more_is_given_when_it_is_time_and_each_has_answered(plan, due, other, goal_a):
    assert goal_a == shared(plan(bay("a"), bay("b", **other)), 20.0, due=due)[0]


def test_less_is_told_at_any_time(plan):
    assert [7.0] == shared(plan(bay("a", 10.0)), 7.0, due=False)


def test_one_that_is_paused_is_told_nothing_by_the_sharing(plan):
    assert [0.0] == shared(plan(bay("a", 0.0)), 20.0)


# --- who begins, and where none charges ---------------------------------------------------------


@pytest.mark.parametrize(
    ("left_a", "stage", "goal_a"),
    [(12.0, ControlStage.NORMAL, 6.0), (11.9, ControlStage.NORMAL, 0.0), (12.0, ControlStage.FREEZE, 0.0)],
)
def test_one_begins_at_its_floor_where_it_fits_beside_all_that_is_drawn(plan, left_a, stage, goal_a):
    begins = bay("b", 0.0)
    plan(bay("a"), begins, stage=stage)._start([begins], amperes(left_a))

    assert goal_a == begins.goal_a


def test_of_two_that_begin_the_second_needs_room_beside_the_first(plan):
    first, second = bay("a", 0.0), bay("b", 0.0)
    plan(first, second)._start([first, second], amperes(11.9))

    assert (6.0, 0.0) == (first.goal_a, second.goal_a)


@pytest.mark.parametrize(
    ("other", "left_a"),
    [
        ({"drawn_a": 9.0}, 15.0),  # told 6 A, and still takes 9
        ({"order_a": 9.0, "drawn_a": 0.0}, 15.0),
        ({"order_a": 9.0, "drawn_a": 0.0, "active": False, "fixed": True}, 15.0),
        ({"order_a": 9.0, "drawn_a": 1.0, "active": False}, 7.0),
    ],
)
def test_who_begins_waits_for_what_others_may_or_still_take(plan, other, left_a):
    goals = []
    for room_a in (left_a, left_a - 0.1):
        begins = bay("b", 0.0)
        plan(bay("a", **other), begins)._start([begins], amperes(room_a))
        goals.append(begins.goal_a)

    assert [6.0, 0.0] == goals


@pytest.mark.parametrize(
    ("more", "stage", "goal_a"),
    [
        ({"active": False, "order_a": 9.0}, ControlStage.NORMAL, 6.0),
        ({"active": False, "order_a": 9.0}, ControlStage.FREEZE, 6.0),
        ({"active": False, "order_a": 0.0}, ControlStage.NORMAL, 6.0),
        ({"active": False, "order_a": 0.0}, ControlStage.FREEZE, 0.0),
        ({"active": False, "order_a": 0.0, "movable": False}, ControlStage.NORMAL, 0.0),
        ({"active": False, "order_a": 9.0, "movable": False}, ControlStage.NORMAL, 6.0),
        ({"active": False, "order_a": 9.0, "fixed": True}, ControlStage.NORMAL, 9.0),
        ({"active": True, "order_a": 9.0}, ControlStage.NORMAL, 9.0),
    ],
)
def test_where_no_car_charges_the_point_is_open_at_its_floor(plan, more, stage, goal_a):
    idle = bay("a", **more)
    plan(idle, stage=stage)._rest()

    assert goal_a == idle.goal_a


def test_a_row_is_tight_where_all_together_may_break_it(plan):
    cars = plan(bay("a"), bay("b", 8.0, drawn_a=2.0), bay("c", 9.0, drawn_a=1.0, active=False))

    assert [set(), {ROW}] == [cars._tight({ROW: watts}) for watts in (15.0 * V - 1.0, 15.0 * V - 1.1)]


@pytest.mark.parametrize(
    ("more", "bound", "is_free"),
    [({}, None, True), ({}, 0, False), ({}, ROW, True), ({"active": False}, 0, True)],
)
def test_the_connection_bounds_a_car_that_charges_or_none(plan, more, bound, is_free):
    assert is_free is plan(bay("a", bound=bound, **more))._is_free()


# --- what is told ------------------------------------------------------------------------------


def ordered(make_inputs, one, goal_a):
    one.goal_a = goal_a
    return load_sharing._make_switch_state(make_inputs(), SITE_TREE, one)


@pytest.mark.parametrize(
    ("order_a", "goal_a", "on", "limit_w", "since_ns", "lowered_ns"),
    [
        (10.0, 10.0, True, 10 * V, 0, None),
        (10.0, 8.0, True, 8 * V, 0, NOW),
        (10.0, 12.0, True, 12 * V, 0, None),
        (10.0, 16.0, True, None, 0, None),
        (10.0, 0.0, False, 10 * V, NOW, NOW),
        (0.0, 6.0, True, 6 * V, NOW, None),
        (0.0, 0.0, False, None, 0, None),
    ],
)
def test_a_goal_is_an_order(make_inputs, order_a, goal_a, on, limit_w, since_ns, lowered_ns):
    turn = ordered(make_inputs, bay("a", order_a), goal_a)

    assert (on, limit_w, since_ns, lowered_ns) == (turn.on, turn.limit_w, turn.since_ns, turn.lowered_ns)


@pytest.mark.parametrize(
    ("more", "goal_a", "want_a", "allowed_a"),
    [
        ({}, 8.0, 8.0, 8.0),
        ({"drawn_a": 5.0}, 8.0, 5.0, 8.0),
        ({}, 0.0, 0.0, 0.0),
        ({"active": False, "drawn_a": 1.0}, 6.0, 1.0, 1.0),
        ({"fixed": True, "drawn_a": 12.0}, 10.0, 10.0, 12.0),
        ({"fixed": True, "drawn_a": 3.0}, 10.0, 3.0, 10.0),
        ({"fixed": True, "drawn_a": 3.0, "order_a": 0.0}, 0.0, 0.0, 3.0),
    ],
)
def test_a_car_is_reckoned_with_what_it_may_take(make_inputs, more, goal_a, want_a, allowed_a):
    one = bay("a", **({"order_a": 10.0} | more))
    ordered(make_inputs, one, goal_a)

    assert (want_a * V, allowed_a * V) == pytest.approx(
        (one.participant.desired_w, one.participant.allowed_w)
    )


@pytest.mark.parametrize(
    ("more", "goal_a", "words"),
    [
        ({"fixed": True, "is_unresponsive": True}, 10.0, "not changed: it takes more than its limit"),
        ({"fixed": True}, 10.0, "not changed: not read, or its device has no fallback"),
        ({"active": False}, 6.0, "offers its minimum current: no car is charging"),
        ({"active": False}, 0.0, "waits for its turn"),
        ({}, 0.0, "waits for its turn"),
        ({"most_a": 12.0}, 12.0, "limited to its present current plus 2 A"),
        ({}, 16.0, "not limited"),
        ({}, 15.9, "rises step by step"),
    ],
)
def test_each_order_has_its_reason(make_inputs, more, goal_a, words):
    one = bay("a", 10.0, **more)
    ordered(make_inputs, one, goal_a)

    assert words == str(one.participant.reason)


# --- what a point is taken for -----------------------------------------------------------------

YARD = Node(name="yard", fuse_a=20.0, measured=True, unmeasured_w=0.0)


@pytest.fixture(scope="module")
def looked(board, house, car, make_inputs):
    """The first of two points of a yard, as a sharing sees it after its participant was changed."""
    evs = tuple(
        ChargePointAsset(name=f"ev{n}", rated_w=3_680, phases_count=1, phase="l1", node="yard")
        for n in range(2)
    )
    limits = replace(house.limits, import_hard_w=60_000)
    p = board(house=replace(house, assets=evs, nodes=(YARD,), limits=limits)).cap(import_max_w=60_000)
    p.cars = {ev.name: car(phases=1) for ev in evs}
    p.run(40)

    def make(turn=None, stays=None, told=(), **changes):
        state = replace(p.state, last_good=p.state.last_good | dict(told))
        state = state if stays is None else replace(state, charging_sessions=stays)
        now = make_inputs(p.house, t=p.t, state=state, grid_w=0.0)
        participants = cycle._list_participants(now)
        site_tree = tree.build_tree(now, participants, cycle._base(now, p.state.window, participants))
        participant = participants[0]
        participant.switch_state = replace(participant.switch_state, **(turn or {}))
        for name, value in changes.items():
            setattr(participant, name, value)
        return load_sharing._bay(now, site_tree, 0, participant)

    return make


def test_a_point_that_is_seen_counts_with_what_it_draws_and_may_be_moved(looked):
    one = looked()

    assert (False, False, True) == (one.fixed, one.is_unresponsive, one.active)
    assert one.drawn_a == pytest.approx(one.order_a, abs=0.2)
    assert {row for row, _ in one.rows} == {0, 4, 5}


def test_a_point_that_is_not_heard_is_taken_to_draw_its_order(looked):
    one = looked(turn={"limit_w": 7 * V}, is_measured=False)

    assert (True, False, False) == (one.fixed, one.movable, one.is_unresponsive)
    assert (7.0, 7.0) == (one.order_a, one.drawn_a)


def test_a_point_that_is_not_guarded_is_taken_as_it_stands(looked):
    one = looked(usable=False)

    assert (True, False, False) == (one.fixed, one.movable, one.is_unresponsive)


def test_only_of_a_car_that_is_there_it_is_known_what_it_needs(looked):
    told = {
        "ev0.energy_wanted_wh": LastGood(1_150.0, 40 * S),
        "ev0.departure_in_s": LastGood(3_600.0, 40 * S),
    }
    here, gone = (looked(stays=stays, told=told) for stays in ({"ev0": ChargingSession(0)}, {}))

    assert (5.0, True) == (pytest.approx(here.needed_a), here.active)
    assert (0.0, False, 16.0) == (gone.needed_a, gone.active, gone.most_a)


@pytest.mark.parametrize(
    ("turn", "movable"),
    [
        ({"unread_ns": 0}, True),
        ({"on": False, "since_ns": -(10**12), "order_ns": 39 * S}, True),
        ({"on": False, "since_ns": -(10**12), "order_ns": 39 * S, "unread_ns": 0}, False),
    ],
)
def test_a_point_that_is_remembered_off_and_was_not_read_is_told_so_before_it_begins(looked, turn, movable):
    assert movable is looked(turn=turn).movable


def test_a_point_that_takes_more_than_it_may_is_deaf(looked):
    one = looked(turn={"limit_w": 2 * V, "order_ns": 0})

    assert (True, True) == (one.is_unresponsive, one.fixed)
