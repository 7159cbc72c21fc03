from dataclasses import replace

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.participants import (
    Participant,
    find_control_point,
    find_flexible_assets,
    find_floor_power_w,
    find_full_power_w,
    find_ordered_power_w,
    make_flexible_participant,
)
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv

S = 1_000_000_000
BATTERY = {"capacity_wh": 1, "charge_max_w": 1, "discharge_max_w": 1, "ramp_max_w_per_s": 1}


def test_flexible_is_what_takes_orders_and_is_not_tier_a(house):
    assert ["pv1", "ev1", "heat", "pump", "cold"] == [asset.name for asset in find_flexible_assets(house)]


def test_an_ev_has_a_floor_and_a_full_power():
    assert (4140, 11_040) == (
        find_floor_power_w(ev := ChargePointAsset(name="ev1", rated_w=1)),
        find_full_power_w(ev),
    )
    assert 1380 == find_floor_power_w(ChargePointAsset(name="ev1", rated_w=1, phases_count=1))


@pytest.mark.parametrize(
    ("seen_w", "turn", "present_w", "want_w"),
    [
        (900.0, SwitchState(), 900, 900),
        (None, SwitchState(), 3000, 3000),
        (None, SwitchState(on=False), 0, 0),
        (700.0, SwitchState(on=False, order_ns=S), 700, 0),
        (700.0, SwitchState(on=False, order_ns=-9 * S + 1), 700, 0),
        (700.0, SwitchState(on=False, order_ns=-9 * S), 700, 700),
        (201.0, SwitchState(on=False), 201, 201),
        (200.0, SwitchState(on=False), 200, 0),
        (100.0, SwitchState(on=False, before_w=900, lowered_ns=0), 900, 0),
    ],
)
def test_a_load_counts_as_seen_or_at_its_worst(house, seen_w, turn, present_w, want_w):
    memories = {} if seen_w is None else {"pump.power_w": LastGood(seen_w, S)}
    participant = make_flexible_participant(house.assets[4], turn, memories, S)

    assert (present_w, want_w) == (participant.present_w, participant.desired_w)


@pytest.mark.parametrize(
    ("turn", "seen_w", "want_w", "deaf"),
    [
        (SwitchState(limit_w=5000, order_ns=S), 9000, 5000, False),
        (SwitchState(limit_w=5000, order_ns=-5 * S + 1), 9000, 5000, False),
        (SwitchState(limit_w=5000, order_ns=-5 * S), 9000, 9000, True),
        (SwitchState(limit_w=5000), 5691, 5691, True),
        (SwitchState(limit_w=5000), 5690, 5000, False),
        (SwitchState(on=False), 9000, 9000, True),
        (SwitchState(on=False, limit_w=10_000), 9000, 9000, True),
        (SwitchState(on=False, order_ns=0), 9000, 0, False),
        (SwitchState(), 20_000, 20_000, False),
    ],
)
def test_a_limited_ev_is_expected_to_come_down_for_six_seconds(house, turn, seen_w, want_w, deaf):
    participant = make_flexible_participant(house.assets[2], turn, {"ev1.power_w": LastGood(seen_w, S)}, S)

    assert (seen_w, want_w, deaf) == (
        participant.present_w,
        participant.desired_w,
        participant.is_unresponsive,
    )


def test_what_was_read_before_it_had_time_to_obey_says_nothing_of_that(house):
    turn = SwitchState(on=False, order_ns=0)
    early, due = LastGood(9000, 6 * S - 1), LastGood(9000, 6 * S)
    participants = [
        make_flexible_participant(house.assets[2], turn, {"ev1.power_w": one}, 9 * S) for one in (early, due)
    ]

    assert [(0, False), (9000, True)] == [
        (participant.desired_w, participant.is_unresponsive) for participant in participants
    ]


@pytest.mark.parametrize(
    ("turn", "seen_w", "read_s", "settled_w"),
    [
        (
            SwitchState(on=False, before_w=11_000, lowered_ns=0, order_ns=0),
            11_000.0,
            -1,
            0.0,
        ),  # read before the order
        (
            SwitchState(on=False, before_w=11_000, lowered_ns=0, order_ns=0),
            11_000.0,
            5,
            0.0,
        ),  # it may still obey
        (
            SwitchState(on=False, before_w=11_000, lowered_ns=0, order_ns=0),
            11_000.0,
            6,
            11_000.0,
        ),  # it does not
        (SwitchState(on=False, before_w=11_000, lowered_ns=0, order_ns=0), 100.0, 1, 100.0),  # it has obeyed
        (SwitchState(limit_w=4_140, before_w=11_000, lowered_ns=0, order_ns=0), 11_000.0, 0, 4_140.0),
        (SwitchState(limit_w=4_140, before_w=11_000, lowered_ns=0, order_ns=0), 4_200.0, 1, 4_200.0),
        (SwitchState(before_w=11_000, lowered_ns=0), 11_000.0, -1, 11_000.0),  # it is free again
    ],
)
def test_car_is_not_settled_before_it_was_read_after_its_order(turn, seen_w, read_s, settled_w):
    """Ten seconds after the order, when every grid meter shows what the car does."""
    ev = ChargePointAsset(name="ev1", rated_w=11_040)
    participant = make_flexible_participant(ev, turn, {"ev1.power_w": LastGood(seen_w, read_s * S)}, 10 * S)

    assert settled_w == participant.settled_w
    assert seen_w <= participant.present_w


@pytest.mark.parametrize(
    ("seen_w", "turn", "present_w", "want_w"),
    [
        (-900.0, SwitchState(), -900, -900),
        (50.0, SwitchState(), 0, 0),
        (None, SwitchState(), -6000, -6000),
        (None, SwitchState(limit_w=2000), -2000, -2000),
        (-900.0, SwitchState(limit_w=500, order_ns=-9 * S + 1), -900, -500),
        (-900.0, SwitchState(limit_w=500, order_ns=-9 * S), -900, -900),
        (-800.0, SwitchState(limit_w=500), -800, -500),
        (-900.0, SwitchState(on=False, order_ns=S), -900, 0),
        (-900.0, SwitchState(on=False), -900, -900),
        (None, SwitchState(on=False), 0, 0),
    ],
)
def test_pv_never_counts_plus_and_not_beyond_its_limit(house, seen_w, turn, present_w, want_w):
    memories = {} if seen_w is None else {"pv1.power_w": LastGood(seen_w, S)}
    participant = make_flexible_participant(house.assets[1], turn, memories, S)

    assert (present_w, want_w) == (participant.present_w, participant.desired_w)


def test_a_participant_is_named_like_its_asset(house):
    renamed = replace(house.assets[4], name="l9")

    assert "l9" == make_flexible_participant(renamed, SwitchState(), {}, 0).name


FAN = OperationModeAsset(
    name="fan",
    rated_w=9,
    quantity="step_index",
    modes=(OperationMode("on", 1, 900.0), OperationMode("makes", 0, -500.0)),
)


@pytest.mark.parametrize(
    ("asset", "turn", "mode", "ordered"),
    [
        (FAN, SwitchState(), 0, 900),
        (FAN, SwitchState(), 1, 0),
        (Load(name="pump", rated_w=3_000), SwitchState(), 0, 3_000),
        (Load(name="pump", rated_w=3_000), SwitchState(on=False), 0, 70),
        (ChargePointAsset(name="ev1", rated_w=11_040), SwitchState(limit_w=5_000.0), 0, 5_000),
        (Pv(name="pv1", rated_w=5_000), SwitchState(), 0, 70),
    ],
)
def test_an_order_allows_what_its_mode_its_limit_or_its_rating_says(asset, turn, mode, ordered):
    participant = Participant(asset, 0.0, 70.0, turn, mode=mode)

    assert ordered == find_ordered_power_w(participant)


@pytest.mark.parametrize(
    ("asset", "name"),
    [
        (ChargePointAsset(name="ev1", rated_w=1), "ev1.current_max_a"),
        (Pv(name="pv1", rated_w=1, curtail="limit"), "pv1.generation_max_w"),
        (Pv(name="pv1", rated_w=1, curtail="relay"), "pv1.relay_on"),
        (Load(name="pump", rated_w=1), "pump.relay_on"),
        (Battery(name="bat1", rated_w=1, **BATTERY), "bat1.setpoint_w"),
        (OperationModeAsset(name="fan1", rated_w=1, quantity="speed_pct", modes=()), "fan1.speed_pct"),
    ],
)
def test_each_role_is_steered_by_its_point(asset, name):
    assert name == find_control_point(asset)
