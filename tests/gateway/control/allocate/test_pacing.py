"""A battery waits until the assets that make room for it have obeyed."""

import pytest

from quartier.control.allocate.pacing import Totals, wait_for_others
from quartier.control.limits.active import ActiveLimits
from quartier.control.participants import Participant
from quartier.control.records import PowerRange
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Pv

BATTERY = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=2_500,
)
CAR = ChargePointAsset(name="ev1", rated_w=11_000, tier="D")
PANELS = Pv(name="pv1", rated_w=6_000, curtail="limit")
FORCE = ActiveLimits(import_w=4_000.0, export_w=2_000.0, sources={})


def participant(asset, present_w, before_w=0.0, *, room=None, is_unresponsive=False):
    found = Participant(asset, present_w, present_w, SwitchState(), is_unresponsive=is_unresponsive)
    found.before_w = before_w
    found.headroom = room or PowerRange(-5_000.0, 5_000.0)
    return found


@pytest.mark.parametrize(
    ("before_w", "setpoint_w", "car_w", "high_w", "expected_w"),
    [
        (-5_000, -2_500, 2_500, 4_000, -5_000),  # the car still takes 2.5 kW too much: the battery stays
        (-5_000, -2_500, 500, 4_000, -3_000),  # half a kilowatt is missing
        (-5_000, -2_500, 2_000, 2_000, -2_500),  # the limit leaves room for both
        (-5_000, -2_500, 0, 4_000, -2_500),  # the car has obeyed
        (-2_500, -5_000, 2_000, 4_000, -5_000),  # more discharge waits for nobody
    ],
)
def test_a_battery_takes_more_only_in_room_that_a_car_has_made(
    make_inputs, before_w, setpoint_w, car_w, high_w, expected_w
):
    participants = [participant(CAR, 4_140.0 + car_w), participant(BATTERY, before_w, before_w)]
    found = wait_for_others(
        make_inputs(active_limits=FORCE),
        participants,
        (4_140.0, setpoint_w),
        Totals(float(high_w), float(high_w)),
    )

    assert (4_140.0, expected_w) == found


def test_a_battery_gives_more_only_in_room_that_pv_has_made(make_inputs):
    participants = [participant(PANELS, -5_000.0), participant(BATTERY, 0.0)]

    assert (-3_500.0, -1_000.0) == wait_for_others(
        make_inputs(active_limits=FORCE), participants, (-3_500.0, -2_500.0), Totals(-2_000.0, -2_000.0)
    )


def test_a_battery_that_must_stop_stops(make_inputs):
    participants = [
        participant(CAR, 9_000.0),
        participant(BATTERY, -5_000.0, -5_000.0, room=PowerRange(-1_000.0, 5_000.0)),
    ]
    found = wait_for_others(
        make_inputs(active_limits=FORCE), participants, (4_140.0, -1_000.0), Totals(4_000.0, 4_000.0)
    )

    assert (4_140.0, -1_000.0) == found


def test_nobody_waits_for_a_car_that_does_not_obey(make_inputs):
    participants = [participant(CAR, 9_000.0, is_unresponsive=True), participant(BATTERY, -5_000.0, -5_000.0)]
    wanted = (4_140.0, -2_500.0)

    assert wanted == wait_for_others(
        make_inputs(active_limits=FORCE), participants, wanted, Totals(4_000.0, 4_000.0)
    )
