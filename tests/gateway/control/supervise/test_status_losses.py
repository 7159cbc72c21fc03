"""Which rows of the ladder a cycle finds in force."""

from dataclasses import replace

import pytest

from quartier.control.cycle import run_cycle
from quartier.control.requests import Requests
from quartier.control.supervise import status
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now


def _names(plant):
    return [(row["name"], row["of"]) for row in plant.view["losses"]]


def test_a_house_that_is_well_has_no_loss(plant):
    assert [] == _names(plant(base_w=500).run(40))


def test_a_grid_meter_is_stale_before_it_is_lost(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"grid"}
    stale = _names(p.run(5))
    lost = _names(p.run(8))

    assert [("grid-meter-stale", "")] == stale
    assert [("grid-meter-lost", "")] == lost


def test_each_class_of_asset_has_its_own_row(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"bat1", "pv1", "ev1", "heat"}
    p.run(20)

    assert [
        ("battery-silent", "bat1"),
        ("pv-silent", "pv1"),
        ("ev-silent", "ev1"),
        ("load-silent", "heat"),
    ] == _names(p)


def test_a_device_that_was_never_heard_has_its_time_to_answer(plant):
    p = plant(base_w=500)
    p.silent = {"bat1"}

    assert [] == _names(p.run(10))
    assert [("battery-silent", "bat1")] == _names(p.run(10))


def test_the_district_is_lost_in_hold_and_in_failsafe(plant):
    p = plant(base_w=500).run(20)
    found = [_names(p.cap(mode=mode).run(1)) for mode in ("CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")]

    assert [[], [("uplink-lost", "")], [("uplink-lost", "")], []] == found


def test_the_order_is_that_of_the_table(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"grid", "bat1"}
    p.cap(mode="FAILSAFE").run(20)

    assert ["grid-meter-lost", "battery-silent", "uplink-lost"] == [name for name, _ in _names(p)]


@pytest.mark.parametrize("synced", [True, False])
def test_a_clock_that_is_not_synchronised_is_a_loss(plant, synced):
    p = plant(base_w=500).run(20)
    now = Now(20 * 10**9, 1_790_000_020_000, synced)
    found = run_cycle(ProcessImage().freeze(now.ns), Requests(caps=p.caps), p.state, now).view["losses"]

    assert (("clock-unsynced", "") in [(row["name"], row["of"]) for row in found]) is not synced


def test_cycles_that_come_late_are_a_loss_while_the_rule_dwells(plant):
    p = plant(base_w=500).run(20)
    p.state = replace(p.state, late_count=2, last_ns=p.state.last_ns - 2 * 10**9)

    assert [("cycle-late", "")] == _names(p.run(1))
    assert [("cycle-late", "")] == _names(p.run(59))
    assert [] == _names(p.run(3))


def test_what_comes_of_a_lost_grid_meter_names_it_as_its_cause(plant):
    p = plant(base_w=9_000).run(40)
    p.silent = {"grid"}
    alarms = p.run(30).view["alarms"]
    p.silent = set()
    after = p.run(5).view["alarms"]

    assert {"cap.unmet": status.METER_LOST_ROW, "output.given_back": status.METER_LOST_ROW} == {
        one.code: one.cause for one in alarms
    }
    assert {status.METER_LOST_ROW} == {one.cause for one in after}  # what was lost until now


def test_what_comes_of_a_silent_asset_names_that_and_what_does_not_names_nothing(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"bat1"}
    (silent,) = p.run(20).view["alarms"]
    p.silent = {"bat1.soc_pct"}
    (half,) = p.run(40).view["alarms"]

    assert [("loss.battery_silent", "bat1"), None] == [silent.cause, half.cause]
    assert ["output.given_back"] * 2 == [silent.code, half.code]


def test_a_test_of_the_fail_safe_state_is_no_loss(plant):
    p = plant(base_w=500).run(40)
    lost = _names(p.cap(mode="FAILSAFE").run(1))
    tried = _names(p.cap(tested=True).run(1))

    assert ([("uplink-lost", "")], []) == (lost, tried)
