"""A fallback that contradicts itself is a fault of the profile, named by its file and key."""

from typing import Any

import pytest
from tests.drivers.builtin_profiles import NAMES, load_builtin

from quartier_drivers.device_profile.fallback_rules import fits_type
from quartier_drivers.device_profile.loading import SCAN_PERIODS_S, parse_profile
from quartier_drivers.device_profile.rules import check_point
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.errors import ConfigError

SOUND = {"value": 0, "after_s": 60}


def keys(fallback: dict[str, Any], quantity: str = "setpoint_w", **write: Any) -> list[str]:
    table = {"low": 0, "high": 9000, "on_release": 0, "fallback": fallback} | write
    point = Point.model_validate({"register": "holding:0", "write": table})
    return [key.removeprefix("write.fallback.") for key, _ in check_point(quantity, point, SCAN_PERIODS_S)]


@pytest.mark.parametrize(
    ("quantity", "fallback", "key"),
    [
        ("setpoint_w", {"after_s": 60}, "value"),
        ("setpoint_w", {"value": 0}, "after_s"),
        ("setpoint_w", {"holds": True}, "holds"),
        ("relay_on", {"holds": True}, "holds"),
        ("generation_max_w", {"holds": True, "value": 0}, "value"),
        ("generation_max_w", {"holds": True, "after_s": 60}, "after_s"),
        ("generation_max_w", {"holds": True, "register": "holding:1"}, "register"),
        ("generation_max_w", {"value": "own", "after_s": 60}, "value"),
        ("generation_max_w", {"value": 9000, "after_s": 60}, "value"),
        ("generation_max_w", {"value": 9001, "after_s": 60}, "value"),
        ("relay_on", {"value": 2, "after_s": 60}, "value"),
        ("setpoint_w", SOUND | {"refresh_s": 31}, "refresh_s"),
        ("setpoint_w", SOUND | {"refresh_s": 90}, "refresh_s"),
        ("setpoint_w", SOUND | {"settings": [{"register": "input:1", "value": 1}]}, "settings.0.register"),
        ("setpoint_w", SOUND | {"settings": [{"register": "holding:1", "value": 1.5}]}, "settings.0.value"),
        ("setpoint_w", SOUND | {"check": [{"register": "input:1", "remedy": "look at it"}]}, "check.0"),
        (
            "setpoint_w",
            {"value": "own", "after_s": 60, "value_shown": {"register": "holding:1"}},
            "value_shown",
        ),
    ],
)
def test_a_fallback_that_forgets_the_wrong_way_is_named(
    quantity: str, fallback: dict[str, Any], key: str
) -> None:
    assert [key] == keys(fallback, quantity)


def test_a_register_that_wears_out_is_not_written_to_keep_a_timer_alive() -> None:
    assert ["after_s"] == keys(SOUND, persistent=True)
    assert ["after_s"] == keys({"value": 0, "after_s": 3600}, persistent=True, writes_per_day=71)
    assert [] == keys({"value": 0, "after_s": 3600}, persistent=True, writes_per_day=72)
    assert [] == keys(SOUND | {"kept_by": "requests"}, persistent=True)


@pytest.mark.parametrize(
    ("quantity", "fallback"),
    [
        ("setpoint_w", {"value": "own", "after_s": 60, "refresh_s": 30}),
        ("generation_max_w", {"holds": True}),
        ("generation_max_w", {"value": 3000, "after_s": 60}),
        ("current_max_a", {"value": 0, "after_s": 60, "kept_by": "requests"}),
        ("relay_on", {"value": 1, "after_s": 60}),
        ("setpoint_w", SOUND | {"check": [{"register": "input:1", "low": 1, "remedy": "look at it"}]}),
    ],
)
def test_a_sound_fallback_has_no_flaw(quantity: str, fallback: dict[str, Any]) -> None:
    assert [] == keys(fallback, quantity)


def test_a_fault_tells_file_line_and_key() -> None:
    text = """
[profile]
protocol = "modbus"
maker = "m"
model = "n"
source = "s"
[points.setpoint_w]
register = "holding:1"
[points.setpoint_w.write]
low = 0
high = 9
on_release = 0
[points.setpoint_w.write.fallback]
value = 0
after_s = 60
refresh_s = 40
settings = [{ register = "input:1", value = 1 }]
"""
    with pytest.raises(ConfigError) as raised:
        parse_profile(text, "m/n", "n.toml")

    told = "n.toml:16: points.setpoint_w.write.fallback.refresh_s: 40.0 is too slow"
    assert any(str(fault).startswith(told) for fault in raised.value.faults)
    assert any("settings[0].register: input:1 cannot be written" in str(f) for f in raised.value.faults)


def test_a_whole_register_holds_whole_numbers_only() -> None:
    assert fits_type("uint16", 65535)
    assert not fits_type("uint16", 65536)
    assert not fits_type("int16", 0.5)
    assert fits_type("float32", 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_each_point_of_a_built_in_profile_that_can_be_written_falls_back_or_says_why_not(name: str) -> None:
    found = load_builtin(name)
    lacking = [
        quantity
        for points in found.parts.values()
        for quantity, point in points.items()
        if point.writable and point.fallback is None
    ]

    assert not lacking or found.limits.no_fallback, f"{lacking}: a fallback, or limits.no_fallback"
