"""What a profile's page says of these rules is in ``test_profile``; here: the rules by themselves."""

import pytest

from quartier_drivers.bacnet.profile import check_bacnet_point, check_shared_objects
from quartier_drivers.bacnet.schema import BacnetPoint

SCAN = {"normal": 5.0}


def point(where="analog-value:1", **keys):
    return BacnetPoint.model_validate({"object": where, **keys})


def flaws(quantity, one):
    return dict(check_bacnet_point(quantity, one, SCAN))


def test_a_plain_point_has_no_flaw():
    assert {} == flaws("supply_c", point("analog-input:1", units="degrees-celsius"))
    assert {} == flaws("fan_on", point("binary-output:1", write={"on_release": "own"}))


def test_a_name_without_a_unit_is_the_first_thing_to_mend():
    assert {""} == set(flaws("supply", point()))


def test_a_switch_and_a_text_have_no_scale():
    assert "scale" in flaws("fan_on", point("binary-input:1", scale=2.0))
    assert "scale" in flaws("mode_text", point("multi-state-value:1", offset=1.0))


def test_names_of_states_fit_states_and_texts():
    assert "values" in flaws("power_w", point(values={"1": "off"}))
    assert {} == flaws("mode_text", point("multi-state-value:1", values={"1": "off"}))


def test_low_stands_below_high_in_what_is_written():
    write = {"on_release": 200.0, "low": 50.0, "high": 20.0}

    assert "write.low" in flaws("speed_pct", point(write=write))
    assert "write.on_release" in flaws("speed_pct", point(write=write | {"low": 0.0, "high": 100.0}))


def test_a_watchdog_that_is_fed_too_slowly_is_told():
    dog = {"object": "analog-value:10", "value": 40.0, "after_s": 90.0, "refresh_s": 60.0}
    write = {"on_release": "cap", "low": 10.0, "high": 100.0, "fallback": dog}

    assert "write.fallback.refresh_s" in flaws("speed_max_pct", point(write=write))


def test_a_relay_falls_back_on_or_off():
    dog = {"object": "analog-value:10", "value": 0.5, "after_s": 90.0}

    assert "write.fallback.value" in flaws(
        "relay_on", point("binary-value:1", write={"on_release": 0.0, "fallback": dog})
    )


def test_two_elements_of_an_array_are_two_places():
    def commanded(index):
        return point("130:1", property=512, index=index, write={"on_release": 0.0})

    assert [] == list(check_shared_objects({"": {"a_on": commanded(1), "b_on": commanded(2)}}))
    assert [("", "b_on")] == [
        path for path, _ in check_shared_objects({"": {"a_on": commanded(1), "b_on": commanded(1)}})
    ]


@pytest.mark.parametrize(
    ("quantity", "where", "keys", "expected"),
    [
        ("mode_text", "multi-state-value:1", {"values": {"0": "off", "1": "on"}}, {"values"}),
        ("mode_text", "binary-value:1", {"values": {"2": "both"}}, {"values"}),
        ("mode_index", "multi-state-value:1", {"absent": [0]}, {"absent"}),
        ("mode_index", "multi-state-value:1", {"high": 0}, {"high"}),
        ("mode_index", "multi-state-input:1", {"low": 1, "high": 4}, set()),
        ("level_pct", "lighting-output:1", {"units": "no-units", "low": 101}, {"low"}),
        ("level_pct", "lighting-output:1", {"units": "no-units", "scale": 2, "low": 101}, set()),
        ("level_pct", "lighting-output:1", {"low": 101}, set()),
        ("power_w", "analog-input:1", {"units": "kilowatts", "low": -5e6}, set()),
    ],
)
def test_a_range_that_no_object_of_its_type_can_hold_is_told(quantity, where, keys, expected):
    assert expected == set(flaws(quantity, point(where, **keys)))


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        ({"low": 0, "high": 4, "on_release": "hold"}, {"write.low"}),
        ({"low": 1, "high": 4, "on_release": 1}, set()),
        (
            {
                "low": 1,
                "high": 4,
                "on_release": "own",
                "fallback": {"object": "analog-value:9", "value": 0, "after_s": 60},
            },
            {"write.fallback.value"},
        ),
    ],
)
def test_a_state_that_does_not_exist_is_not_written(write, expected):
    assert expected == set(flaws("mode_index", point("multi-state-value:1", write=write)))
