"""A generation cap is kept with what is seen; who is silent is held at its share, and counts at its worst."""

from dataclasses import replace

import pytest

from quartier.control.allocate import generation
from quartier.control.events.effects import GridEffects
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.reason import NO_REASON, make_text_reason
from quartier.control.records import Order, OrderBook, Override
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChpUnit, Load, OperationMode, Pv
from quartier_drivers.contract import Origin

S = 1_000_000_000
PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
ROOF = Pv(name="roof", rated_w=3_000, curtail="limit")


@pytest.fixture
def sunny(plant, house):
    """A building of PVs alone, in the sun."""

    def make(*pvs):
        return plant(house=replace(house, assets=pvs), base_w=500, sun_w=5_000)

    return make


def limits(p, point, since):
    return {value for _, value in p.written(point, since=since)}


@pytest.mark.parametrize("seen_s", [0, 30])
def test_a_silent_pv_is_held_steadily_at_its_share_of_the_cap_with_that_reason(sunny, seen_s):
    p = sunny(PV).run(seen_s)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=1_500).run(200)
    told = {c.reason for t, c in p.log if c.point == "pv1.generation_max_w" and t >= seen_s + 45}

    assert {1_500.0} == limits(p, "pv1.generation_max_w", since=seen_s + 41)
    assert {"generation cap 1500 W (link): limited to its share: its power is not known"} == told


@pytest.mark.long
@pytest.mark.parametrize("seen_s", [0, 30])
@pytest.mark.parametrize(("cap_w", "left_w"), [(4_500, 0.0), (7_500, 1_500.0)])
def test_seen_pv_is_curtailed_against_the_worst_of_a_silent_one_without_flapping(
    sunny, seen_s, cap_w, left_w
):
    p = sunny(PV, ROOF)
    p.raw["roof.power_w"] = -2_500.0
    p.run(seen_s)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=cap_w).run(10)
    p.raw["roof.power_w"] = -left_w
    p.run(200)

    assert {left_w} == limits(p, "roof.generation_max_w", since=seen_s + 50)
    assert {cap_w * 6 / 9} == limits(p, "pv1.generation_max_w", since=seen_s + 50)


@pytest.mark.parametrize("seen_s", [0, 30])
def test_a_silent_pv_that_takes_no_order_narrows_what_the_others_may(sunny, seen_s):
    p = sunny(PV, replace(ROOF, curtail="none"))
    p.raw["roof.power_w"] = -500.0
    p.run(seen_s)
    p.silent = {"roof"}
    p.run(40).cap(generation_max_w=4_000).run(200)

    assert {1_000.0} == limits(p, "pv1.generation_max_w", since=seen_s + 50)


def test_a_pv_that_is_seen_again_has_its_share_of_what_is_left(sunny):
    p = sunny(PV, ROOF)
    p.raw["roof.power_w"] = -2_500.0
    p.run(30)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=6_000).run(60)
    p.raw["roof.power_w"] = 0.0
    p.silent = set()
    p.run(60)

    assert {"pv1.generation_max_w": 4_000.0, "roof.generation_max_w": 2_000.0} == p.points


@pytest.mark.long
def test_a_silent_relay_that_could_break_the_cap_is_switched_off_and_stays_so(sunny):
    p = sunny(replace(PV, curtail="relay")).run(30)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=5_500).run(400)

    assert [0.0] == sorted(limits(p, "pv1.relay_on", since=75))


CHP = ChpUnit(
    name="chp",
    rated_w=4_000,
    quantity="request_on",
    modes=(OperationMode("rest", 0, 0.0), OperationMode("run", 1, -4_000.0)),
)


@pytest.mark.parametrize(
    ("age_s", "want_w"),
    [(0, -3_000.0), (16, -1_000.0), (None, -5_000.0)],
    ids=["what it makes", "its rating once it is silent", "nothing where it never told"],
)
def test_what_a_chp_makes_is_never_stopped_and_leaves_less_to_the_sun(make_inputs, house, age_s, want_w):
    now_s = 100
    memories = {"pv1.power_w": LastGood(-5_000.0, now_s * 10**9)}
    if age_s is not None:
        memories["chp.power_w"] = LastGood(-2_000.0, (now_s - age_s) * 10**9)
    state = replace(ControlState.fresh(replace(house, assets=(PV, CHP))), last_good=memories)
    plain = make_inputs(t=now_s, state=state)
    capped = replace(
        plain,
        active_limits=replace(
            plain.active_limits, generation_w=5_000.0, sources={"generation": make_text_reason("link")}
        ),
    )
    wants, acted = [-5_000.0], {}
    generation.limit_generation(capped, [Participant(PV, -5_000.0, -5_000.0, SwitchState())], wants, acted)

    assert [want_w] == wants
    assert ({0} if want_w > -5_000 else set()) == set(acted)


@pytest.mark.parametrize(
    ("asset", "turn", "most_w"),
    [
        (ROOF, SwitchState(), 1_500.0),
        (ROOF, SwitchState(on=False), 0.0),
        (replace(ROOF, curtail="none"), SwitchState(), 3_000.0),
        (replace(ROOF, curtail="relay"), SwitchState(on=False), 0.0),
    ],
)
def test_a_pv_that_nobody_measures_counts_as_it_was_ordered(make_inputs, house, asset, turn, most_w):
    hidden = replace(asset, measured=False)
    state = replace(ControlState.fresh(replace(house, assets=(hidden,))), switch_states={"roof": turn})

    assert most_w == generation._most_w(make_inputs(state=state), hidden, 1_500.0)


@pytest.mark.parametrize(
    ("asset", "want_w", "known", "after_w"),
    [
        (PV, -6_000.0, {}, -3_000.0),
        (PV, -6_000.0, {"usable": False}, -6_000.0),
        (PV, 0.0, {}, 0.0),
        (PV, -6_000.0, {"is_measured": False}, -3_000.0),
        (PV, -2_000.0, {"is_measured": False}, -2_000.0),
        (replace(PV, curtail="relay"), -6_000.0, {}, 0.0),
        (replace(PV, curtail="relay"), -6_000.0, {"is_measured": False}, 0.0),
        (Load(name="pv1", rated_w=900), -900.0, {}, -900.0),
    ],
)
def test_only_pv_that_generates_and_takes_orders_is_lowered_into_the_cap(
    make_inputs, house, asset, want_w, known, after_w
):
    memories = {"pv1.power_w": LastGood(want_w, 0 if known == {"is_measured": False} else 60 * 10**9)}
    state = replace(ControlState.fresh(replace(house, assets=(asset,))), last_good=memories)
    plain = make_inputs(state=state)
    capped = replace(
        plain,
        active_limits=replace(
            plain.active_limits, generation_w=3_000.0, sources={"generation": make_text_reason("link")}
        ),
    )
    wants, acted = [want_w], {}
    generation.limit_generation(
        capped, [Participant(asset, want_w, want_w, SwitchState(), **known)], wants, acted
    )

    assert [after_w] == wants
    assert ({0} if after_w != want_w else set()) == set(acted)


# --- what PV could make ------------------------------------------------------------------------


def known(house, before, made_w, order=None, now_s=100):
    """What PV is taken to be able to make, after a reading of now."""
    orders = (
        {}
        if order is None
        else {"pv1.generation_max_w": Order(order[0], 0, NO_REASON, since_ns=order[1] * S)}
    )
    held = replace(house, assets=(PV, replace(ROOF, curtail="none")))
    memories = {"pv1.power_w": LastGood(-made_w, now_s * S), "roof.power_w": LastGood(-9.0, 0)}
    found = generation.find_pv_potentials(before, held, memories, orders, now_s * S)
    return found["pv1"].value if found.keys() == {"pv1"} else found


@pytest.mark.parametrize(
    ("made_w", "order", "watts"),
    [
        (3_000.0, None, 3_000.0),
        (3_000.0, (6_000.0, 0), 3_000.0),
        (2_000.0, (2_000.0, 0), 5_000.0),  # it stands at its limit
        (1_900.0, (2_000.0, 0), 5_000.0),
        (1_500.0, (2_000.0, 0), 1_500.0),  # it makes less than it may: that is all
        (1_500.0, (2_000.0, 90), 5_000.0),  # it may be on its way
        (5_500.0, (5_500.0, 0), 5_500.0),
    ],
)
def test_pv_at_its_limit_is_taken_to_make_what_it_made_before(house, made_w, order, watts):
    assert watts == known(house, {"pv1": LastGood(5_000.0, 0)}, made_w, order)


def test_pv_that_was_never_seen_free_is_taken_to_make_what_it_makes(house):
    assert 2_000.0 == known(house, {}, 2_000.0, (2_000.0, 0))


@pytest.fixture
def curtailed(make_inputs, house):
    """A scene in which PV that could make 5 kW stands at a limit."""

    def make(made_w=2_000.0, order_w=2_000.0, could_ns=60 * S, requests=None, **more):
        orders = {} if order_w is None else {"pv1.generation_max_w": Order(order_w, 0, NO_REASON, since_ns=0)}
        state = replace(
            ControlState.fresh(replace(house, assets=(PV,))),
            last_good={} if made_w is None else {"pv1.power_w": LastGood(-made_w, 60 * S)},
            potentials={"pv1": LastGood(5_000.0, could_ns)},
            book=OrderBook(orders),
        )
        plain = make_inputs(state=state, **more)
        return plain if requests is None else replace(plain, requests=replace(plain.requests, **requests))

    return make


@pytest.mark.parametrize(
    ("more", "watts"),
    [
        ({}, 3_000.0),
        ({"made_w": 1_000.0}, 0.0),
        ({"made_w": None}, 0.0),
        ({"order_w": None}, 0.0),
        ({"order_w": 6_000.0}, 0.0),
        ({"made_w": 5_400.0, "order_w": 5_400.0}, 0.0),
        ({"could_ns": -3_600 * S}, 0.0),
        ({"grid_effects": GridEffects(pv_holds=True)}, 0.0),
        ({"requests": {"overrides": {"pv1": None}}}, 0.0),
    ],
)
def test_what_an_export_limit_curtails_is_left_over_for_the_building(curtailed, more, watts):
    assert watts == generation.find_curtailed_power_w(curtailed(**more))


def test_what_a_generation_cap_curtails_is_not(curtailed):
    here = curtailed()

    assert 0.0 == generation.find_curtailed_power_w(
        replace(here, active_limits=replace(here.active_limits, generation_w=2_000.0))
    )


# --- PV behind a relay in an event -------------------------------------------------------------

SWITCHED = Pv(name="pv1", rated_w=3_000, curtail="relay")
OFF = SwitchState(on=False, since_ns=-300 * S, before_w=-2_000.0)


@pytest.mark.parametrize(
    ("more", "low_w", "is_back"),
    [
        ({}, 500.0, True),
        ({}, -3_500.0, False),  # it does not fit below nine tenths of the export cap
        ({}, None, False),
        ({"grid_effects": GridEffects()}, 500.0, False),  # then it comes back as ever
        ({"grid_effects": GridEffects(holds=True, pv_holds=True)}, 5_000.0, False),
        ({"grid_effects": GridEffects(holds=True, pv_holds=True, pv_serves=True)}, 2_000.0, True),
        ({"grid_effects": GridEffects(holds=True, pv_holds=True, pv_serves=True)}, 1_900.0, False),
        ({"stage": ControlStage.FREEZE}, 500.0, False),
        ({"acted": {0: "export cap"}}, 500.0, False),
        ({"turn": SwitchState()}, 500.0, False),
        ({"turn": replace(OFF, since_ns=-200 * S)}, 500.0, False),
        ({"turn": replace(OFF, before_w=0.0)}, -2_300.0, True),
        ({"turn": replace(OFF, before_w=0.0)}, -2_500.0, False),
        ({"usable": False}, 500.0, False),
        ({"generation_w": 2_000.0}, 500.0, False),
        ({"generation_w": 2_300.0}, 500.0, True),
        (
            {"overrides": {"pv1": Override("pv1", 0.0, 10**15, 0, Origin("person", "anna", "1"))}},
            500.0,
            False,
        ),
    ],
)
def test_pv_behind_a_relay_comes_back_in_an_event_that_holds_consumers(make_inputs, more, low_w, is_back):
    here = make_inputs(grid_effects=more.get("grid_effects", GridEffects(holds=True)))
    judged = StageDecision(stage=more.get("stage", ControlStage.NORMAL))
    here = replace(
        here,
        state=replace(here.state, judgement=judged),
        active_limits=replace(here.active_limits, generation_w=more.get("generation_w")),
        requests=replace(here.requests, overrides=more.get("overrides", {})),
    )
    turn = more.get("turn", OFF)
    participants = [
        Participant(SWITCHED, 0.0, 0.0, turn, usable=more.get("usable", True)),
        Participant(PV, 0.0, 0.0, SwitchState()),
    ]
    back = generation.restore_relay_pv(here, participants, low_w, more.get("acted", {}))

    assert ({0: True} if is_back else {}) == {index: one.on for index, one in back.items()}
