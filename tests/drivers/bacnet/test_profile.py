"""What a profile's page says of these rules is in ``test_profile``; here: the rules by themselves."""

import pytest

from quartier_drivers.bacnet.profile import BacnetProfile, check_bacnet_point, check_shared_objects
from quartier_drivers.bacnet.schema import BacnetPoint, ObjectName
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError

HEAD = """
[profile]
protocol = "bacnet"
maker = "ACME"
model = "AHU"
source = "Object list of the controller, revision 2, sheet 4"
"""


def parse(text):
    return loading.parse_profile(HEAD + text, "acme/ahu", "ahu.toml")


def faults(text):
    with pytest.raises(ConfigError) as error:
        parse(text)
    return [f"{fault.key}: {fault.what}" for fault in error.value.faults]


def test_a_profile_names_objects_and_how_they_are_commanded():
    found = parse(
        """
        [points.supply_temperature_c]
        object = "analog-input:3"
        units = "degrees-celsius"
        cov = "unconfirmed"
        [points.fan_on]
        object = "binary-output:1"
        [points.fan_on.write]
        on_release = "own"
        [recognise]
        vendor_id = 260
        """
    )

    assert isinstance(found, BacnetProfile)
    assert ObjectName(0, 3) == found.parts[""]["supply_temperature_c"].place
    assert 10 == found.parts[""]["fan_on"].write.priority
    assert 260 == found.mark.vendor_id


def test_an_object_of_a_maker_has_a_number():
    found = parse('[points.mode_state]\nobject = "130:7"\nproperty = 512\n').parts[""]["mode_state"]

    assert (ObjectName(130, 7), 512, "130:7 512") == (found.place, found.property_id, found.where)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[points.power_w]\nobject = "analog-inptu:3"', "did you mean 'analog-input'?"),
        ('[points.power_w]\nobject = "analog-input:4194303"', "an instance up to 4194302"),
        (
            '[points.power_w]\nobject = "analog-input:3"\nproperty = "presentvalue"',
            "did you mean 'present-value'?",
        ),
        ('[points.power_w]\nobject = "analog-input:3"\nunits = "kilowatt"', "did you mean 'kilowatts'?"),
        (
            '[points.power_w]\nobject = "analog-input:3"\nunits = "degrees-celsius"',
            "does not fit power_w",
        ),
        ('[points.fan_on]\nobject = "binary-input:3"\nunits = "watts"', "does not fit fan_on"),
        ('[points.power_w]\nobject = "analog-input:3"\nscan = "often"', "is no scan class"),
        ('[points.power_w]\nobject = "analog-input:3"\nproperty = "high-limit"', "units: is missing"),
        ('[points.power_w]\nobject = "binary-input:3"', "is on or off"),
        (
            '[points.power_w]\nobject = "analog-input:3"\nproperty = "high-limit"\nunits = "watts"\ncov = "confirmed"',
            "follows present values only",
        ),
        ('[points.power_w]\nobject = "analog-input:3"\nbit = 1', "fits names in _on only"),
    ],
)
def test_what_contradicts_itself_is_told(text, fault):
    assert any(fault in one for one in faults(text)), faults(text)


def commanded(quantity, where, write):
    return f'[points.{quantity}]\nobject = "{where}"\n[points.{quantity}.write]\n{write}\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            commanded("fan_on", "binary-output:1", 'on_release = "own"\npriority = 5'),
            "is above the priority of the building's operators",
        ),
        (
            commanded("fan_on", "binary-output:1", 'on_release = "own"\npriority = 17'),
            "less than or equal to 16",
        ),
        (
            commanded("fan_on", "binary-output:1", 'on_release = "own"\nlow_priority_reason = "by contract"'),
            "is set without a priority of 1..7",
        ),
        (commanded("fan_on", "binary-input:1", "on_release = 0"), "is an input"),
        (
            commanded("fan_on", "binary-value:1", 'on_release = "own"\ncommandable = false'),
            "relinquishes a priority",
        ),
        (commanded("speed_pct", "analog-value:1", 'on_release = "hold"'), "write.low: is missing"),
        (
            commanded("speed_max_pct", "analog-value:1", 'on_release = "own"\nlow = 0\nhigh = 100'),
            "would lift the cap",
        ),
        (commanded("relay_on", "load-control:1", 'on_release = "own"'), "belong together"),
        (
            commanded("relay_on", "load-control:1", 'on_release = "own"\nshed = {}'),
            "expected one of percent, level and amount",
        ),
        (
            commanded("relay_on", "binary-value:1", 'on_release = "own"\nshed = { level = 1 }'),
            "belong together",
        ),
    ],
)
def test_a_command_that_does_harm_is_told(text, fault):
    assert any(fault in one for one in faults(text)), faults(text)


def test_a_low_priority_stands_with_its_reason():
    text = commanded(
        "fan_on",
        "binary-output:1",
        'on_release = "own"\npriority = 5\nlow_priority_reason = "fire plan, sheet 3"',
    )

    assert 5 == parse(text).parts[""]["fan_on"].write.priority


def test_a_priority_never_expires_so_that_a_point_without_a_watchdog_has_no_fallback():
    text = commanded("fan_on", "binary-output:1", 'on_release = "own"')

    assert parse(text).parts[""]["fan_on"].fallback is None


def test_a_watchdog_is_a_fallback():
    text = commanded(
        "speed_max_pct",
        "analog-value:2",
        'on_release = "cap"\nlow = 10\nhigh = 100\nfallback = { object = "analog-value:10", value = 40, after_s = 90 }',
    )
    found = parse(text).parts[""]["speed_max_pct"].fallback

    assert (40.0, 90.0, "analog-value:10", 30.0) == (
        found.value,
        found.after_s,
        found.register,
        found.refresh_s,
    )


def test_a_watchdog_that_lifts_the_cap_is_told():
    text = commanded(
        "speed_max_pct",
        "analog-value:2",
        'on_release = "cap"\nlow = 10\nhigh = 100\nfallback = { object = "analog-value:10", value = "own", after_s = 90 }',
    )

    assert any("lifts the cap" in one for one in faults(text))


def test_a_shed_ends_by_itself_and_so_is_a_fallback():
    text = commanded(
        "relay_on", "load-control:1", 'on_release = "own"\nshed = { percent = 0, duration_s = 900 }'
    )
    found = parse(text).parts[""]["relay_on"].fallback

    assert (1.0, 900.0, 300.0) == (found.value, found.after_s, found.refresh_s)


def test_two_points_do_not_command_one_object():
    text = commanded("fan_on", "binary-output:1", 'on_release = "own"') + commanded(
        "relay_on", "binary-output:1", 'on_release = "own"'
    )

    assert any("as fan_on does" in one for one in faults(text))


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
