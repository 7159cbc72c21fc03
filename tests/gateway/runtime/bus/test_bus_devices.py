"""Answers, failures and silence of the devices of a bus change whose poll is due; wires are in test_poll."""

from types import SimpleNamespace

import pytest
import structlog

from quartier.runtime.bus.bus_devices import SET_ASIDE_COUNT, SILENT_AFTER_S, BusDevices
from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier_drivers.contract import PointInfo

S = 1_000_000_000
INFOS = {"grid.power_w": PointInfo("grid.power_w", "float", "input:1", 1.0)}


class Site:
    """Two devices that were identified at 0 s, and the clock."""

    def __init__(self):
        self.ns = 0
        self.log = structlog.testing.CapturingLogger()
        drivers = {name: SimpleNamespace(points=INFOS, due_ns=0) for name in ("m1", "m2")}
        exchanges = ConcurrentExchanges(SimpleNamespace(), lambda _health: None)
        clock = SimpleNamespace(now_ns=lambda: self.ns)
        self.devices = BusDevices("lan", drivers, exchanges, clock, self.log)
        for health in self.devices.values():
            health.known = True
        self.m1, self.m2 = self.devices.values()

    def said(self):
        return [call.args[0] for call in self.log.calls]


@pytest.fixture
def site():
    return Site()


def test_third_missing_answer_in_a_row_sets_the_device_aside_and_polls_its_neighbour(site):
    for _ in range(SET_ASIDE_COUNT - 1):
        site.devices.note_failure(site.m1, "no answer", 0)
    assert (False, []) == (site.m1.aside, site.said())
    site.devices.note_failure(site.m1, "no answer", 0)

    assert (True, ["device.aside"]) == (site.m1.aside, site.said())
    assert site.m2 is site.devices.schedule.first()[1]


def test_device_that_fell_silent_with_another_is_probed_at_once_when_that_one_answers(site):
    for health in (site.m1, site.m2):
        for _ in range(SET_ASIDE_COUNT):
            site.devices.note_failure(health, "no answer", 0)
    site.ns = 1 * S
    site.devices.note_answer(site.m1)

    assert site.ns == site.m2.probe_ns
    assert "device.back" == site.said()[-1]


def test_silent_device_is_returned_once_and_must_be_identified_again(site):
    site.devices.note_failure(site.m1, "no answer", 0)
    late_ns = int(SILENT_AFTER_S * S) + 1

    assert [site.m1] == site.devices.expire_silent(late_ns, online=True)
    assert [] == site.devices.expire_silent(late_ns, online=True)
    assert (True, True, False) == (site.m1.silent, site.m1.aside, site.m1.known)


def test_device_that_was_only_not_polled_is_silent_once_the_line_is_lost(site):
    late_ns = int(SILENT_AFTER_S * S) + 1

    assert [] == site.devices.expire_silent(late_ns, online=True)
    assert [site.m1, site.m2] == site.devices.expire_silent(late_ns, online=False)


def test_time_before_the_start_is_no_silence(site):
    site.ns = 3600 * S
    site.devices.start()

    assert [] == site.devices.expire_silent(site.ns + 1, online=False)


def test_reason_of_a_lost_line_is_that_of_every_device(site):
    site.devices.note_line_lost("cable out")

    assert ["cable out", "cable out"] == [health.why for health in site.devices.values()]


def test_devices_that_are_reachable_come_first(site):
    site.m1.aside = True

    assert [site.m2, site.m1] == site.devices.list_reachable_first()
