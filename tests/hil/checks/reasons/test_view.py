from types import SimpleNamespace

import pytest

from quartier_hil.checks.reasons.view import ReasonView, iterate_parts, list_alarms, read_power_w

POWER = {"quality": "good", "power_w": 1_500, "command": {"value": 2}}


def seen(asset=POWER, **view):
    return ReasonView("bat1", asset, {"alarms": (), **view}, {"values": {"limit_w": 4_000.0}})


def test_a_reason_gives_the_value_of_its_order_and_its_own_values():
    one = seen()

    assert (2.0, 4_000.0) == (one.value, one.get("limit_w"))


@pytest.mark.parametrize(
    ("asset", "view", "power_w"),
    [
        (POWER, {}, 1_500.0),
        ({**POWER, "quality": "bad"}, {}, None),
        (POWER, {"alarm_names": ["device.lost:bat1.power_w"]}, None),
        (POWER, {"alarm_names": ["device.lost:bat2"]}, 1_500.0),
    ],
)
def test_power_counts_only_when_it_is_good_and_no_alarm_concerns_the_asset(asset, view, power_w):
    assert power_w == read_power_w(seen(asset, **view))


def test_alarms_are_found_as_objects_and_as_names():
    one = SimpleNamespace(key=("device.lost", "bat1"))

    assert [("device.lost", "bat1"), ("cap.unmet", "")] == list(
        list_alarms(seen(alarms=(one, "a text without a key"), alarm_names=["cap.unmet"]))
    )


def test_a_reason_has_parts_of_its_own_and_those_of_the_source_of_its_limit():
    source = {"code": "b", "more": {"code": "c"}}
    reason = {"code": "a", "source": source, "more": {"code": "d"}}

    assert ["a", "b", "c", "d"] == [part["code"] for part in iterate_parts(reason)]
