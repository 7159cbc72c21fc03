"""What a profile's page says of these rules is in ``test_profile``; here: the rules by themselves."""

from quartier_drivers.bacnet.flaws import crowd_flaws, point_flaws
from quartier_drivers.bacnet.schema import BacnetPoint

SCAN = {"normal": 5.0}


def point(where="analog-value:1", **keys):
    return BacnetPoint.model_validate({"object": where, **keys})


def flaws(quantity, one):
    return dict(point_flaws(quantity, one, SCAN))


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

    assert [] == list(crowd_flaws({"": {"a_on": commanded(1), "b_on": commanded(2)}}))
    assert [("", "b_on")] == [
        path for path, _ in crowd_flaws({"": {"a_on": commanded(1), "b_on": commanded(1)}})
    ]
