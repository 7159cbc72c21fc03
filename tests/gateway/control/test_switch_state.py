from dataclasses import replace

import pytest

from quartier.control.switch_state import (
    RestoreGate,
    SwitchState,
    advance_gate,
    change_direction,
    hold_limit,
    is_lowering_allowed,
    is_return_allowed,
    is_rise_allowed,
    is_switch_allowed,
    lower_limit,
    sort_by_shed_order,
    switch_off,
    switch_on,
)
from quartier.site.asset_types import ChargePointAsset, Load, OperationModeAsset, Pv

S = 1_000_000_000
PUMP = Load(name="pump", rated_w=3000, tier="C", switchable=True)


@pytest.mark.parametrize(
    ("asset", "on", "least_s"),
    [
        (PUMP, True, 300),
        (PUMP, False, 180),
        (ChargePointAsset(name="ev1", rated_w=11_000), True, 60),
        (ChargePointAsset(name="ev1", rated_w=11_000), False, 180),
        (Pv(name="pv1", rated_w=1, curtail="relay"), False, 300),
        (Pv(name="pv1", rated_w=1, curtail="relay"), True, 0),
    ],
)
def test_minimum_times_hold_to_the_second(asset, on, least_s):
    turn = SwitchState(on=on, since_ns=0)

    assert is_switch_allowed(asset, turn, least_s * S + S)
    assert not is_switch_allowed(asset, turn, least_s * S - S)


def test_what_never_switched_may():
    assert is_switch_allowed(PUMP, SwitchState(), 0)


@pytest.mark.parametrize(("on", "age_s", "sinks"), [(True, 299, False), (True, 300, True), (False, 0, True)])
def test_what_went_down_may_go_further_down_without_a_wait(on, age_s, sinks):
    fan = OperationModeAsset(name="fan", rated_w=1, quantity="q", modes=(), min_on_s=300, min_off_s=180)

    assert sinks is is_lowering_allowed(fan, SwitchState(on=on, since_ns=0), age_s * S)


@pytest.mark.parametrize(
    ("before", "limit_w", "is_unresponsive", "after"),
    [
        (SwitchState(), 5_000.0, False, (5_000.0, 9)),
        (SwitchState(limit_w=6_000.0, order_ns=1), 5_000.0, False, (5_000.0, 9)),
        (SwitchState(limit_w=5_000.0, order_ns=1), 5_000.0, False, (5_000.0, 1)),
        (SwitchState(limit_w=4_000.0, order_ns=1), 5_000.0, False, (4_000.0, 1)),
        (SwitchState(limit_w=6_000.0, order_ns=1), 5_000.0, True, (5_000.0, 1)),
    ],
)
def test_only_less_than_before_gives_time_to_obey_and_none_to_one_that_did_not(
    before, limit_w, is_unresponsive, after
):
    found = hold_limit(before, limit_w, 9, is_unresponsive=is_unresponsive)

    assert after == (found.limit_w, found.order_ns)
    assert after == (
        (low := lower_limit(before, limit_w, 0.0, 9, is_unresponsive=is_unresponsive)).limit_w,
        low.order_ns,
    )


@pytest.mark.parametrize(("is_unresponsive", "told_ns"), [(False, 9), (True, 1)])
def test_one_that_did_not_obey_gets_no_time_anew_by_being_switched_off(is_unresponsive, told_ns):
    assert told_ns == switch_off(SwitchState(order_ns=1), 0.0, 9, is_unresponsive=is_unresponsive).order_ns


def test_sheds_are_counted_over_24_h_and_bounded():
    turn = SwitchState()
    for k in range(400):
        turn = switch_on(switch_off(turn, 1.0, k * S), k * S)

    assert 256 == turn.sheds_24h(400 * S)
    assert 0 == turn.sheds_24h(400 * S + 86_400 * S)


def test_a_lowering_settles_from_its_first_second():
    first = lower_limit(SwitchState(), 5000, 9000, 10 * S)
    second = lower_limit(first, 4000, 5000, 12 * S)

    assert (4000, 9000) == (second.limit_w, second.before_w)
    assert second.settling(13 * S)
    assert not second.settling(14 * S)
    assert not SwitchState().settling(0)


def test_turns_go_by_tier_then_sheds_then_cost():
    loads = [
        replace(PUMP, name=name, tier=tier, comfort_cost=cost)
        for name, tier, cost in (
            ("a", "A", 0),
            ("b", "B", 0),
            ("c1", "C", 2),
            ("c2", "C", 1),
            ("d1", "D", 0),
            ("d2", "D", 5),
        )
    ]
    turns = {load.name: SwitchState() for load in loads} | {"d1": SwitchState(sheds_ns=(5,))}

    assert ["d2", "d1", "c2", "c1", "b"] == [load.name for load in sort_by_shed_order(loads, turns, 10 * S)]


@pytest.mark.parametrize(("t", "is_open"), [(119, False), (121, True)])
def test_the_gate_opens_after_120_s_below(t, is_open):
    gate = advance_gate(RestoreGate(), below=True, common=False, seed=0, now_ns=0)
    gate = advance_gate(gate, below=True, common=False, seed=0, now_ns=t * S)

    assert is_open is gate.is_open(t * S)


def test_one_moment_above_starts_the_120_s_anew():
    gate = advance_gate(RestoreGate(), below=True, common=False, seed=0, now_ns=0)
    gate = advance_gate(gate, below=False, common=False, seed=0, now_ns=100 * S)
    gate = advance_gate(gate, below=True, common=False, seed=0, now_ns=101 * S)

    assert not gate.is_open(200 * S)


@pytest.mark.parametrize(("since_s", "is_open"), [(29, False), (31, True)])
def test_the_next_restore_waits_30_s(since_s, is_open):
    assert is_open is RestoreGate(below_since_ns=0, last_ns=1000 * S).is_open((1000 + since_s) * S)


def test_a_common_event_spreads_buildings_over_300_s():
    waits = [
        advance_gate(RestoreGate(), below=True, common=True, seed=seed, now_ns=0).not_before_ns / S
        for seed in range(200)
    ]

    assert 120 <= min(waits) < 140
    assert 400 < max(waits) <= 420
    assert waits[:5] == [
        advance_gate(RestoreGate(), below=True, common=True, seed=seed, now_ns=0).not_before_ns / S
        for seed in range(5)
    ]


def test_a_second_event_does_not_draw_again_while_the_first_waits():
    first = advance_gate(RestoreGate(), below=True, common=True, seed=1, now_ns=0)
    second = advance_gate(first, below=True, common=True, seed=1, now_ns=S)

    assert first.not_before_ns == second.not_before_ns
    assert not second.is_open(first.not_before_ns - 1)


@pytest.mark.parametrize(("sheds_s", "may"), [((), True), ((10, 900), True), ((10, 900, 1_800), False)])
def test_a_relay_and_a_car_switch_six_times_an_hour_at_most(sheds_s, may):
    sheds_ns = tuple(s * 1_000_000_000 for s in sheds_s)
    turn = SwitchState(on=False, since_ns=sheds_ns[-1] if sheds_ns else None, sheds_ns=sheds_ns)
    load = Load(name="pump", rated_w=1, tier="C", switchable=True)
    ev = ChargePointAsset(name="ev1", rated_w=1)

    assert may is is_return_allowed(load, turn, 3_600_000_000_000)
    assert is_return_allowed(load, turn, 3_611_000_000_000)  # the first of them is an hour old
    assert may is is_return_allowed(ev, turn, 3_600_000_000_000)


@pytest.mark.parametrize(
    ("turn", "is_limited"),
    [
        (SwitchState(), False),
        (SwitchState(on=False), True),
        (SwitchState(limit_w=4_140.0), True),
        (SwitchState(mode=2, on=False), False),
        (SwitchState(mode=0, is_held=True), True),
    ],
)
def test_less_than_it_would_by_itself_runs_what_is_off_limited_or_held_in_a_mode(turn, is_limited):
    assert is_limited is turn.is_limited


def test_only_a_change_of_direction_is_a_turn_and_it_counts_for_an_hour():
    down = change_direction(SwitchState(switch_times_ns=(0, S)), 3_600 * S, up=False)

    assert (S, 3_600 * S) == down.switch_times_ns
    assert SwitchState(switch_times_ns=(0,)) == change_direction(
        SwitchState(switch_times_ns=(0,)), 3_600 * S, up=True
    ), "it goes on up"


@pytest.mark.parametrize(("turns_count", "on", "may"), [(4, False, True), (5, False, False), (5, True, True)])
def test_it_goes_up_only_while_a_way_down_is_left_within_six_turns_an_hour(turns_count, on, may):
    turn = SwitchState(on=on, switch_times_ns=tuple(range(turns_count)))

    assert may is is_rise_allowed(turn, 3_599 * S)
    assert is_rise_allowed(turn, 3_601 * S)
