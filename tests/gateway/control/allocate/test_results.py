from dataclasses import replace

import pytest

from quartier.control.allocate import results, steps
from quartier.control.allocate.results import AllocationResult
from quartier.control.events.effects import GridEffects
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.reason import NO_REASON, make_text_reason
from quartier.control.records import Order, OrderBook
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Pv
from quartier_drivers.contract import Origin

CAR = ChargePointAsset(name="ev1", rated_w=11_040)
PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
BATTERY = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=2_500,
)
S = 1_000_000_000


def result(*setpoints_w, high_w=0.0, low_w=0.0, **more):
    return AllocationResult(setpoints_w, high_w, low_w, {}, is_met=True, gate=RestoreGate(), **more)


@pytest.mark.parametrize(
    ("ceiling_w", "limit_w"), [(None, 13 * 690.0), (8_000.0, 10 * 690.0), (4_000.0, 6 * 690.0)]
)
def test_after_an_outage_a_car_may_take_no_more_than_the_slow_rise_leaves(make_inputs, ceiling_w, limit_w):
    car = Participant(CAR, 4_140.0, 4_140.0, SwitchState())
    rising = make_inputs(grid_effects=GridEffects(ceiling_w=ceiling_w))

    assert (
        limit_w == results.apply_allocation(rising, [car], result(4_140.0, high_w=5_000.0))[1]["ev1"].limit_w
    )


@pytest.mark.parametrize(
    ("effects", "limit_w"),
    [
        (GridEffects(), 2_500.0),
        (GridEffects(pv_holds=True), 1_000.0),
        (GridEffects(pv_holds=True, pv_serves=True), 1_000.0),
        (GridEffects(pv_ramp_per_min=0.1), 1_010.0),
    ],
)
def test_pv_is_not_raised_while_the_grid_holds_it_and_by_10_percent_a_minute_after_an_outage(
    make_inputs, effects, limit_w
):
    held = Participant(PV, -900.0, -1_000.0, SwitchState(limit_w=1_000.0))

    assert (
        limit_w
        == results.apply_allocation(make_inputs(grid_effects=effects), [held], result(-1_000.0))[1][
            "pv1"
        ].limit_w
    )


@pytest.mark.parametrize(
    ("held_w", "on", "limit_w"),
    [(None, True, 6_000.0), (5_000.0, True, 5_000.0), (4_140.0, True, 4_140.0), (4_139.0, False, 6_000.0)],
)
def test_a_car_that_shares_is_held_where_the_kernel_put_it_and_pauses_below_its_floor(held_w, on, limit_w):
    car = Participant(CAR, 6_000.0, 6_000.0, SwitchState(limit_w=6_000.0))
    after = results._car_turn(car, CAR, held_w, 9 * S)

    assert (on, limit_w) == (after.on, after.limit_w)
    assert (None if held_w is None else 9 * S) == after.lowered_ns
    paused = Participant(CAR, 0.0, 0.0, SwitchState(on=False))
    assert paused.switch_state == results._car_turn(paused, CAR, held_w, 9 * S)


def test_a_pv_whose_fallback_is_lost_keeps_its_limit_under_a_cap_and_comes_back_without_one(plant):
    p = plant(base_w=500, soc_pct=95, sun_w=6_000).cap(export_max_w=1_000).run(40)
    p.raw["pv1.fallback_on"] = 0.0
    held_w = p.points["pv1.generation_max_w"]
    p.run(30)
    assert held_w == p.points["pv1.generation_max_w"]
    p.cap(export_max_w=6_000).run(60)

    assert (True, 6_000) == (held_w < 2_000, p.points["pv1.generation_max_w"])


@pytest.mark.long
def test_a_small_gap_does_not_raise_an_ev(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=7000).run(30)
    slowed = p.points["ev1.current_max_a"]
    p.cap(import_max_w=7600).run(450)

    assert slowed == p.points["ev1.current_max_a"]


def test_a_silent_ev_is_still_steered_and_counts_at_its_limit(plant):
    p = plant(base_w=2000, soc_pct=10, ev_wants_w=5000).run(30)
    p.silent = {"ev1"}
    p.run(30)
    p.cap(import_max_w=5000).run(3)

    assert p.points["ev1.current_max_a"] < 16.0
    assert "silent" == p.view["assets"]["ev1"]["quality"]


def test_a_car_that_draws_on_one_phase_is_still_brought_below_the_cap(plant):
    p = plant(base_w=4000, soc_pct=10, ev_wants_w=3680).cap(import_max_w=6000).run(120)

    assert p.grid_w <= 6000


def test_a_cap_that_is_gone_is_not_the_reason_of_a_car_that_waits_for_its_turn(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=5000).run(30)

    def shown():
        return p.view["assets"]["ev1"]["command"]

    assert shown()["reason"].startswith("import cap 5000 W")
    value, writes_count = shown()["value"], len(p.written("ev1.current_max_a"))
    p.cap(import_max_w=9000).run(2)

    assert (value, writes_count) == (shown()["value"], len(p.written("ev1.current_max_a")))
    why = "comes back in its turn: the import must stay below 8100 W for 2 min"
    assert f"import cap 9000 W (envelope dso 1): {why}" == shown()["reason"]


@pytest.mark.parametrize(
    ("effects", "limit_w"),
    [
        (GridEffects(), 3_050.0),
        (GridEffects(holds=True), 3_050.0),
        (GridEffects(pv_holds=True), 1_000.0),  # a high frequency
        (
            GridEffects(holds=True, pv_holds=True, pv_serves=True),
            1_550.0,
        ),  # what is imported, and nothing is fed in
        (GridEffects(pv_ramp_per_min=0.1), 1_550.0),
    ],
)
def test_pv_may_always_make_what_the_building_imports_but_for_a_high_frequency(make_inputs, effects, limit_w):
    held = Participant(PV, -1_000.0, -1_000.0, SwitchState(limit_w=1_000.0))
    found = results.apply_allocation(
        make_inputs(grid_effects=effects), [held], result(-1_000.0, low_w=2_200.0)
    )[1]["pv1"]

    assert limit_w == found.limit_w


def test_pv_is_not_moved_to_and_fro_for_less_than_half_a_percent(make_inputs):
    held = Participant(PV, -1_000.0, -1_000.0, SwitchState(limit_w=1_000.0))
    limits = [
        results.apply_allocation(make_inputs(), [held], result(-1_000.0, low_w=-6_000.0 + room_w))[1][
            "pv1"
        ].limit_w
        for room_w in (30.0, 40.0)
    ]

    assert [1_000.0, 1_010.0] == limits


@pytest.mark.parametrize(
    ("want_w", "setpoint_w", "words"),
    [
        (-2_000.0, -608.0, "battery discharges less"),
        (-2_000.0, -0.4, "battery stops discharging"),
        (-2_000.0, 500.0, "battery charges"),
        (0.0, 500.0, "battery charges"),
        (2_000.0, 500.0, "battery charges less"),
        (2_000.0, 0.4, "battery stops charging"),
        (2_000.0, -500.0, "battery discharges"),
        (-500.0, -2_000.0, "battery discharges"),
    ],
)
def test_the_reason_of_a_battery_is_what_it_does(want_w, setpoint_w, words):
    participants = [
        Participant(BATTERY, 0.0, want_w, SwitchState()),
        Participant(PV, 0.0, 0.0, SwitchState()),
    ]
    cap = make_text_reason("export cap 0 W (envelope dso 1)", Origin("document", "dso", "1"), 9)
    acted = {0: cap.then(steps.TAKES), 1: make_text_reason("export cap").then(steps.CURTAILED)}
    found = results.explain_movements(participants, [setpoint_w, 0.0], acted)

    assert (f"export cap 0 W (envelope dso 1): {words}", cap.who, 9) == (
        str(found[0]),
        found[0].who,
        found[0].until_utc_ms,
    )
    assert "export cap: generation curtailed" == str(found[1])


@pytest.mark.parametrize("name", ["ev1.current_max_a", "ev1.power_w"])
def test_a_charger_that_comes_back_from_a_power_cut_with_its_full_current_is_told_in_the_next_cycle(
    plant, name
):
    """Whether it shows what stands in it, or only what it draws."""
    p = plant(base_w=2_500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=3_000)
    if name.endswith("power_w"):
        p.silent.add("ev1.current_max_a")
    p.run(100)
    assert 0.0 == p.points["ev1.current_max_a"]
    cut = p.written("ev1.current_max_a")[-1][0] + 21  # just after a refresh
    p.run(cut - p.t)
    p.points["ev1.current_max_a"] = 16.0
    p.run(8)

    (told,) = [t for t, value in p.written("ev1.current_max_a", since=cut) if value == 0.0]
    assert told <= cut + (4 if name.endswith("power_w") else 1)


def test_the_order_of_pv_at_an_export_limit_is_refreshed_and_not_moved(plant):
    p = plant(base_w=500, sun_w=6_000, soc_pct=95.5).cap(export_max_w=1_000).run(120)
    before = len(p.written("pv1.generation_max_w"))
    for n in range(600):
        p.base_w = 500 + (4, -4, 0)[n % 3]
        p.step()
    written = p.written("pv1.generation_max_w")[before:]

    assert len(written) <= 600 / 20 + 5
    assert max(value for _, value in written) - min(value for _, value in written) <= 8
    assert -p.grid_w <= 1_004


@pytest.mark.parametrize(
    ("value", "seen_w", "age_s", "follows"),
    [
        (0.0, 0.0, 10, True),
        (0.0, -3_000.0, 10, False),  # it began anew with a mode of its own
        (0.0, -3_000.0, 9, None),  # it may be on its way
        (3_000.0, 1_000.0, 10, True),  # it may be nearly full
        (3_000.0, 3_500.0, 10, True),
        (3_000.0, 3_501.0, 10, False),
        (3_000.0, -501.0, 10, False),
        (-3_000.0, -3_501.0, 10, False),
    ],
)
def test_a_battery_that_moves_against_its_order_is_told_so(make_inputs, value, seen_w, age_s, follows):
    here = make_inputs()
    order = Order(value, 60 * S, NO_REASON, since_ns=0)
    state = replace(
        here.state,
        last_good={"bat1.power_w": LastGood(seen_w, age_s * S)},
        book=OrderBook({"bat1.setpoint_w": order}),
    )

    assert follows is results._follows(replace(here, state=state), BATTERY)
    unknown = replace(order, since_ns=None)
    state = replace(state, book=OrderBook({"bat1.setpoint_w": unknown}))
    assert results._follows(replace(here, state=state), BATTERY) is None
    assert results._follows(replace(here, state=replace(state, last_good={})), BATTERY) is None
    assert results._follows(here, BATTERY) is None


@pytest.mark.parametrize(
    ("setpoint_w", "acted", "tighter"), [(0.0, {}, 0), (0.0, {0: "x"}, -1), (3_000.0, {0: "x"}, 1)]
)
def test_a_battery_that_a_cap_moves_is_moved_by_every_watt(make_inputs, setpoint_w, acted, tighter):
    unit = Participant(BATTERY, 1_000.0, 1_000.0, SwitchState(), before_w=1_000.0)
    (want,) = results.apply_allocation(make_inputs(), [unit], replace(result(setpoint_w), acted=acted))[0]

    assert tighter == want.tighter
