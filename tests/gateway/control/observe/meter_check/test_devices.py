"""Devices that do not do what they are ordered are named; those with a reason of their own are not."""

from dataclasses import replace

import pytest
from tests.gateway.control.observe.meter_check.conftest import BATTERY, CAR, PV, S

from quartier.control.observe.meter_check.devices import find_device_alarms, update_devices
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order


class Devices:
    def __init__(self, house, soc_pct=50.0):
        self.house, self.soc_pct, self.t, self.found = house, soc_pct, 0, {}

    def run(self, order_w, power_w, seconds=120, asset="bat1"):
        point = f"{asset}.{'setpoint_w' if asset == 'bat1' else 'generation_max_w'}"
        written_ns = self.t * S
        for _ in range(seconds):
            self.t += 1
            memories = {f"{asset}.power_w": LastGood(power_w, self.t * S)}
            if self.soc_pct is not None:
                memories["bat1.soc_pct"] = LastGood(self.soc_pct, self.t * S)
            orders = {point: Order(order_w, written_ns, NO_REASON)}
            self.found = update_devices(self.found, self.house, memories, orders, self.t * S)
        return self

    @property
    def named(self):
        return [(one.code, one.of) for one in find_device_alarms(self.found)]


@pytest.fixture
def devices(building):
    house = replace(building().house, assets=(BATTERY, PV, CAR))
    return lambda **more: Devices(house, **more)


@pytest.mark.parametrize("power_w", [1_600, 600, -1_000])
def test_battery_that_does_another_power_than_ordered_is_named(devices, power_w):
    found = devices().run(1_000, power_w, 60)
    assert found.named == []

    assert found.run(1_000, power_w, 60).named == [("device.gain", "bat1")]
    assert found.run(1_000, 1_050, 40).named == []


def test_battery_that_moves_although_it_was_ordered_nothing_is_named(devices):
    assert devices().run(0, 2_000).named == [("device.gain", "bat1")]
    assert devices().run(0, 100).named == []


@pytest.mark.parametrize(("order_w", "soc_pct"), [(2_000, 92.0), (-2_000, 14.0), (2_000, None)])
def test_battery_near_its_end_may_do_less(devices, order_w, soc_pct):
    assert devices(soc_pct=soc_pct).run(order_w, order_w / 4).named == []


def test_battery_near_its_end_may_not_do_more(devices):
    assert devices(soc_pct=92.0).run(2_000, 3_000).named == [("device.gain", "bat1")]


def test_order_that_changes_begins_the_wait_anew(devices):
    found = devices()
    for at in range(20):
        found.run(1_000 + 200 * (at % 2), 1_800, 20)

    assert found.named == []


def test_pv_above_its_limit_is_named_and_below_it_is_not(devices):
    assert devices().run(2_000, -3_000, asset="pv1").named == [("device.gain", "pv1")]
    assert devices().run(2_000, -500, asset="pv1").named == []
    assert devices().run(2_000, -100, asset="pv1").named == []
    assert devices().run(6_000, -6_000, asset="pv1").named == []
    assert devices().run(0, -1_000, asset="pv1").named == [("device.gain", "pv1")]
