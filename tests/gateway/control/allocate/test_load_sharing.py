"""Who of many cars charges, with how much, and what is said of it."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control import cycle
from quartier.control.allocate import load_sharing, tree
from quartier.control.events.effects import GridEffects
from quartier.control.limits.node_loads import PlacedAsset
from quartier.control.observe import phases
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.participants import Participant
from quartier.control.records import Override
from quartier.control.requests import Requests
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Load
from quartier.site.site_layout import Node
from quartier_drivers.contract import Origin

S = 1_000_000_000
CELLS = Battery(
    name="cells", rated_w=1, capacity_wh=1, charge_max_w=1, discharge_max_w=1, ramp_max_w_per_s=1, node="yard"
)
YARD = Node(name="yard", fuse_a=20.0, measured=True, unmeasured_w=0.0)


@pytest.fixture(scope="module")
def yard(board, house, car):
    """Three charge points on one phase behind 20 A: two may charge at their floor."""

    def make(**changes):
        evs = tuple(
            ChargePointAsset(name=f"ev{n}", rated_w=3_680, phases_count=1, phase="l1", node="yard", **changes)
            for n in range(3)
        )
        limits = replace(house.limits, import_hard_w=60_000)
        p = board(house=replace(house, assets=evs, nodes=(YARD,), limits=limits)).cap(import_max_w=60_000)
        p.cars = {ev.name: car(phases=1, from_s=10) for ev in evs}
        return p

    return make


def orders(p):
    return [p.points[f"ev{n}.current_max_a"] for n in range(3)]


def test_a_house_without_a_tree_shares_nothing(plant):
    p = plant(ev_wants_w=7_000).run(5)

    assert p.state.load_sharing.shared_ns is None


@pytest.mark.long
def test_three_share_what_fits_at_their_floor(yard):
    p = yard().run(300)

    assert [6.0, 6.0, 6.0] == orders(p), "0.4 A more are no reason to tell anybody"
    assert "yard, fuse 20 A, L1: shared by the cars" == p.reason("ev0")


@pytest.mark.long
def test_where_six_amperes_are_not_left_for_each_one_waits_and_gets_its_turn(yard):
    p = yard(current_min_a=8.0)
    p.run(300)
    waiting = orders(p).index(0.0)
    assert [0.0, 9.7, 9.7] == sorted(orders(p))
    assert "yard, fuse 20 A, L1: waits for its turn" == p.reason(f"ev{waiting}")

    step_until(p, lambda: orders(p)[waiting] > 0, 1_000)


@pytest.mark.long
def test_a_tier_that_comes_later_is_slowed_and_paused_all_the_same(yard):
    p = yard(tier="B").run(300)
    p.base_w = {"yard": (2_800, 0, 0)}
    p.run(15)

    assert 1 == sum(1 for order in orders(p) if order > 0)
    assert p.flows_w["yard"][0] / 230 <= 20


@pytest.mark.long
def test_a_point_that_is_not_heard_keeps_its_order_and_counts_with_it(yard):
    p = yard().run(100)
    before = orders(p)[0]
    p.silent = {"ev0"}
    p.run(60)

    assert before == orders(p)[0]
    assert "not changed: not read, or its device has no fallback" == p.reason("ev0")


def test_the_points_remember_nothing_of_a_car_that_left(yard):
    p = yard().run(100)
    p.cars["ev1"].until_s = p.t
    p.run(3)

    assert {"ev0", "ev2"} == set(p.state.charging_sessions)
    assert load_sharing.PLANNED_SHARE < 1


@pytest.mark.long
def test_a_car_that_is_not_heard_is_lowered_by_the_fuse_it_would_break(yard):
    p = yard().run(5)
    p.cars = {"ev0": p.cars["ev0"]}
    p.run(150)
    assert 13.4 == p.points["ev0.current_max_a"], "6 A are kept for a car that comes"
    p.silent = {"ev0"}
    p.run(20)
    p.base_w = {"yard": (2_500, 0, 0)}
    p.run(5)

    assert pytest.approx((4_600 - 2_500) / 230, abs=0.1) == p.points["ev0.current_max_a"]


@pytest.fixture(scope="module")
def planned(yard, make_inputs):
    """A sharing of three cars at 6 A each in a yard as it stands after a while; ``more`` differs."""
    p = yard().run(100)

    def make(**more):
        force = replace(p.state.active_limits, consumption_w=more.pop("consumption_w", None))
        state = replace(
            p.state,
            gate=RestoreGate(below_since_ns=(p.t - more.pop("below_s", 0)) * S),
            judgement=StageDecision(more.pop("stage", ControlStage.NORMAL)),
            load_sharing=replace(
                p.state.load_sharing,
                level_w=more.pop("level_w", None),
                shared_ns=round((p.t - more.pop("shared_s", 10)) * S),
            ),
        )
        now = make_inputs(p.house, t=p.t, state=state, **({"grid_w": 4_140.0, "active_limits": force} | more))
        participants = cycle._list_participants(now)
        site_tree = tree.build_tree(now, participants, cycle._base(now, p.state.window, participants))
        bays = [
            load_sharing._bay(now, site_tree, index, participant)
            for index, participant in enumerate(participants)
        ]
        return load_sharing._Sharing(now, site_tree, participants, bays)

    return make


@pytest.mark.parametrize(
    ("before_w", "soft_w", "level_w"),
    [
        (None, 9_000.0, 4_140.0),
        (2_000.0, 9_000.0, 2_000.0),
        (8_000.0, 9_000.0, 4_140.0),
        (8_000.0, 3_000.0, 3_000.0),
    ],
)
def test_while_an_event_of_the_grid_acts_cars_have_together_no_more_than_they_have(
    planned, before_w, soft_w, level_w
):
    acting = planned(grid_effects=GridEffects(off={"D": "grid at 49.70 Hz"}))

    assert level_w == acting._level_w(before_w, 50_000.0, soft_w, tight=False)


def test_cars_share_what_a_rise_after_an_outage_or_a_cap_on_consumption_leaves(planned):
    assert 54_000 == planned()._find_left_currents()[1][0]
    assert 3_000 == planned(grid_effects=GridEffects(ceiling_w=3_000.0))._find_left_currents()[1][0]
    assert 0.9 * 5_000 == pytest.approx(planned(consumption_w=5_000.0)._find_left_currents()[1][0])
    blind = planned(consumption_w=5_000.0, grid_w=None)
    assert 54_000 == blind._find_left_currents()[1][0], (
        "what is consumed is not known: the cap itself still binds"
    )


@pytest.mark.parametrize(
    ("asset", "want_w", "less_w"),
    [
        (Load(name="pump", rated_w=3_000, node="yard"), 500.0, 500.0),
        (CELLS, 2_000.0, 0.0),  # it stops for the cars
        (CELLS, -1_000.0, -1_000.0),
    ],
)
def test_cars_have_what_loads_leave_and_batteries_give(planned, asset, want_w, less_w):
    plain, more = planned(), planned()
    more.participants = [*more.participants, Participant(asset, 0.0, want_w, SwitchState())]
    more.tree = replace(
        more.tree, leaves=[*more.tree.leaves, PlacedAsset(asset, 1, phases.make_single_phase("l1"), 3)]
    )

    for row in (0, 4, 5):
        assert less_w == pytest.approx(
            plain._find_left_currents()[0][row] - more._find_left_currents()[0][row]
        )
    assert less_w == pytest.approx(plain._find_left_currents()[1][5] - more._find_left_currents()[1][5])


@pytest.mark.parametrize(
    ("before_w", "hard_w", "soft_w", "tight", "level_w"),
    [
        (None, 9_000.0, 8_000.0, False, None),
        (None, 9_000.0, 8_000.0, True, 8_000.0),
        (None, -100.0, -500.0, True, 0.0),
        (5_000.0, 9_000.0, 8_000.0, True, 5_000.0),
        (5_000.0, 9_000.0, 3_000.0, True, 3_000.0),
        (5_000.0, 9_000.0, 8_000.0, False, 5_000.0),
        (5_000.0, 4_000.0, 8_000.0, False, 4_000.0),
        (5_000.0, -100.0, 8_000.0, False, 0.0),
    ],
)
def test_what_the_connections_cap_took_from_the_cars_stays_taken(
    planned, before_w, hard_w, soft_w, tight, level_w
):
    assert level_w == planned()._level_w(before_w, hard_w, soft_w, tight=tight)


@pytest.mark.parametrize(
    ("more", "soft_w", "level_w"),
    [
        ({"below_s": 120}, 20_000.0, 5_000.0 + 3_680.0),
        ({"below_s": 120}, 6_000.0, 6_000.0),
        ({"below_s": 120}, 5_000.0, 5_000.0),
        ({"below_s": 119}, 20_000.0, 5_000.0),
        ({"below_s": 120, "common": True}, 20_000.0, 5_000.0),
        ({"below_s": 120, "stage": ControlStage.FREEZE}, 20_000.0, 5_000.0),
        ({"below_s": 120, "grid_effects": GridEffects(holds=True)}, 20_000.0, 5_000.0),
    ],
)
def test_it_comes_back_by_one_car_each_time_the_gate_of_all_loads_is_open(planned, more, soft_w, level_w):
    plan = planned(**more)

    assert level_w == plan._level_w(5_000.0, 50_000.0, soft_w, tight=False)
    assert (level_w > 5_000.0) is plan.has_raised_level


def test_a_car_that_was_let_back_closes_the_gate_for_the_next_load(planned):
    for below_s, last_s in ((120, 100), (119, None)):
        plan = planned(below_s=below_s, level_w=4_140.0)
        after = load_sharing.share_load(plan.inputs, plan.participants, plan.tree).state

        assert (None if last_s is None else last_s * S) == after.gate.last_ns


@pytest.mark.parametrize(
    ("more", "level_w"),
    [
        ({}, None),  # the fuse of the yard bounds the cars, the connection does not
        ({"shared_s": 9.9}, 9_000.0),
        ({"grid_effects": GridEffects(off={"D": "grid at 49.70 Hz"})}, 4_140.0),
        ({"level_w": 4_000.0}, 4_000.0),  # it bounds them
        ({"level_w": 4_000.0, "shared_s": 9.9}, 4_000.0),
    ],
)
def test_what_the_cap_took_is_given_up_once_it_bounds_nobody_as_it_is_shared_anew(planned, more, level_w):
    plan = planned(**({"level_w": 9_000.0} | more))
    made = plan.divide_current()

    assert level_w == made.level_w
    assert (91 if "shared_s" in more else 100) == pytest.approx(made.shared_ns / S, abs=1)


def test_what_is_short_is_not_given_up_though_no_car_that_charges_is_bound_by_it(planned):
    force = replace(planned().inputs.active_limits, import_w=3_000.0)
    plan = planned(active_limits=force, level_w=9_000.0)
    for bay in plan.charge_points:
        bay.active, bay.fixed = False, True

    assert plan.divide_current().level_w is not None


@pytest.mark.parametrize(
    ("shared_s", "orders_a", "comes", "goals_a"),
    [
        (10, (6.0, 6.0, None), False, [6.7, 6.7, 6.0]),  # it is time: 6 A are kept for who comes
        (9.9, (6.0, 6.0, None), False, [6.0, 6.0, 6.0]),
        (9.9, (8.0, 8.0, 8.0), False, [6.4, 6.4, 6.4]),  # 24 A behind 20: at once
        (9.9, (9.5, 9.5, 0.0), True, [6.4, 6.4, 0.0]),  # one comes: the others make room first
        (9.9, (9.5, 9.5, 0.0), False, [9.5, 9.5, 0.0]),
    ],
)
def test_currents_are_shared_anew_when_it_is_time_where_a_fuse_is_short_or_somebody_begins(
    planned, shared_s, orders_a, comes, goals_a
):
    plan = planned(shared_s=shared_s)
    for bay, order_a in zip(plan.charge_points, orders_a, strict=True):
        bay.order_a = bay.drawn_a = 6.0 if order_a is None else order_a
        bay.active = order_a is not None
        bay.drawn_a *= bay.active
        bay.session = replace(bay.session, since_ns=plan.inputs.now_ns if comes and not order_a else 0)
    plan.divide_current()

    assert goals_a == [bay.goal_a for bay in plan.charge_points]


@pytest.mark.parametrize(
    ("laxity_s", "needed_a", "left_a", "least_a"),
    [(1_800, 10, 15, 6), (1_799, 10, 15, 10), (0, 10, 8, 8), (0, 10, 3, 6), (0, 3, 15, 6), (0, 99, 99, 16)],
)
def test_an_urgent_car_has_what_it_needs_before_the_rest_is_shared(
    planned, laxity_s, needed_a, left_a, least_a
):
    plan = planned()
    bay = plan.charge_points[0]
    bay.laxity_s, bay.needed_a = laxity_s, needed_a
    left = {row: left_a * watts for row, watts in bay.rows}

    assert least_a == pytest.approx(plan._least_a(bay, left))


def test_who_cannot_be_paused_comes_first_then_the_urgent_then_who_has_its_quarter_of_an_hour(planned):
    plan = planned()
    held, urgent, slot = plan.charge_points
    held.movable = False
    urgent.laxity_s = 60.0
    slot.participant.switch_state = replace(
        slot.participant.switch_state, since_ns=plan.inputs.now_ns - 899 * S
    )
    ranks = [plan._place(bay)[0] for bay in (held, urgent, slot)]
    slot.participant.switch_state = replace(
        slot.participant.switch_state, since_ns=plan.inputs.now_ns - 900 * S
    )

    assert [0, 1, 2, 3] == [*ranks, plan._place(slot)[0]]


def test_what_bounds_a_car_is_judged_anew_when_it_is_time_or_where_something_does(planned):
    plenty = {row: 50_000.0 for bay in planned().charge_points for row, _ in bay.rows}
    early, due, short = planned(), planned(), planned()
    early._share(early.charge_points, dict(plenty), due=False, tight=set())
    due._share(due.charge_points, dict(plenty), due=True, tight=set())
    short._share(short.charge_points, dict.fromkeys(plenty, 3 * 6.0 * 230.0), due=False, tight=set())

    assert {} == early.bounds
    assert {None} == set(due.bounds.values())
    assert ({"ev0", "ev1", "ev2"}, False) == (set(short.bounds), None in short.bounds.values())


@pytest.mark.parametrize(
    ("most_a", "goal_a", "words"),
    [
        (12.0, 12.0, "limited to its present current plus 2 A"),
        (16.0, 16.0, "not limited"),
        (16.0, 10.0, "rises step by step"),
        (16.0, 0.0, "waits for its turn"),
    ],
)
def test_a_car_that_no_fuse_bounds_says_what_it_goes_by(planned, most_a, goal_a, words):
    plan = planned()
    bay = plan.charge_points[0]
    bay.bound, bay.most_a, bay.goal_a = None, most_a, goal_a

    assert words == str(load_sharing._reason(plan.inputs, plan.tree, bay))


@pytest.mark.parametrize(
    ("active", "fixed", "drawn_a", "counted_a"),
    [
        (True, False, 4, 10),
        (False, True, 4, 10),
        (False, False, 4, 4),
        (True, False, 12, 12),
        (True, True, 12, 12),
    ],
)
def test_a_car_counts_with_what_it_may_take_and_one_that_rests_with_what_it_takes(
    planned, active, fixed, drawn_a, counted_a
):
    bay = planned().charge_points[0]
    bay.active, bay.fixed, bay.order_a, bay.drawn_a = active, fixed, 10, drawn_a

    assert counted_a == bay.budget_current_a


@pytest.mark.parametrize(
    ("turn", "movable"),
    [
        (SwitchState(), True),
        (SwitchState(since_ns=41 * S), False),
        (SwitchState(since_ns=40 * S), True),
        (SwitchState(on=False, sheds_ns=(1, 2, 3)), False),
        (SwitchState(on=False, sheds_ns=(1, 2)), True),
        (SwitchState(on=False, sheds_ns=(-3_600 * S, 1, 2)), True),
        (SwitchState(sheds_ns=(1, 2, 3)), True),
    ],
)
def test_a_car_is_switched_after_its_minimum_time_and_paused_three_times_an_hour_at_most(
    planned, turn, movable
):
    """It is 100 s, and the car had no time yet to answer."""
    plan = planned()
    plan.participants[0].switch_state = replace(turn, order_ns=99 * S)

    assert movable is load_sharing._bay(plan.inputs, plan.tree, 0, plan.participants[0]).movable


@pytest.mark.parametrize(
    ("value", "most_a", "movable"), [(10.0, 10.0, True), (32.0, 16.0, True), (0.0, 6.0, False)]
)
def test_a_persons_word_is_a_ceiling_for_a_car_that_shares_and_no_request_above_its_own(
    planned, value, most_a, movable
):
    by_hand = {"ev0": Override("ev0", value, 0, 0, Origin("person", "anna"))}
    plan = planned(requests=Requests(caps=None, overrides=by_hand))
    bay = plan.charge_points[0]

    assert (most_a, movable) == (bay.most_a, bay.movable)
