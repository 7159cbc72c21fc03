import pytest

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.objects import BacnetObject, P, PriorityArray, Refusal, make_setpoint

PV = P["present-value"]


def refused(act):
    with pytest.raises(Refusal) as refusal:
        act()
    return refusal.value.error_class, refusal.value.code


def put(thing, value, priority=None, index=None, number=PV):
    thing.write(number, index, encoding.parse_tags(value), priority, 0.0)


def test_an_analog_input_tells_its_value_unit_and_increment():
    air = BacnetObject(
        "analog-input", 1, "Supply air", value=20.5, units="degrees-celsius", cov_increment=0.5
    )

    assert encoding.encode_real(20.5) == air.read(PV)
    assert encoding.encode_enumerated(62) == air.read(P["units"])
    assert encoding.encode_text("Supply air") == air.read(P["object-name"])
    assert encoding.encode_real(0.5) == air.read(P["cov-increment"])
    assert encoding.encode_bits([0, 0, 0, 0]) == air.read(P["status-flags"])


def test_a_fault_shows_in_the_status_flags():
    air = BacnetObject("analog-input", 1, "Supply air")
    air.is_faulty = True

    assert encoding.encode_bits([0, 1, 0, 0]) == air.read(P["status-flags"])


def test_an_array_is_read_whole_by_place_and_by_length():
    mode = BacnetObject("multi-state-value", 1, "Mode", commands=PriorityArray(2), states=("off", "on"))

    assert encoding.encode_text("off") + encoding.encode_text("on") == mode.read(P["state-text"])
    assert encoding.encode_text("on") == mode.read(P["state-text"], 2)
    assert encoding.encode_unsigned(16) == mode.read(P["priority-array"], 0)
    assert encoding.encode_null() == mode.read(P["priority-array"], 10)
    assert (encoding.PROPERTY_CLASS, encoding.INVALID_ARRAY_INDEX) == refused(
        lambda: mode.read(P["state-text"], 3)
    )
    assert (encoding.PROPERTY_CLASS, encoding.PROPERTY_IS_NOT_AN_ARRAY) == refused(lambda: mode.read(PV, 1))


def test_what_it_has_is_listed_and_the_rest_is_unknown():
    air = BacnetObject("binary-input", 1, "Filter")

    listed = {tag.unsigned for tag in encoding.parse_tags(air.read(P["property-list"]))}
    assert listed == set(air.properties()) - {P["object-identifier"], P["object-name"], P["object-type"]}
    assert (encoding.PROPERTY_CLASS, encoding.UNKNOWN_PROPERTY) == refused(lambda: air.read(P["units"]))
    assert (encoding.PROPERTY_CLASS, encoding.UNKNOWN_PROPERTY) == refused(
        lambda: put(air, encoding.encode_null(), number=P["units"])
    )


def test_a_command_counts_at_its_priority_and_null_gives_it_back():
    limit = make_setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)
    put(limit, encoding.encode_real(40.0), priority=10)
    put(limit, encoding.encode_real(70.0))

    assert 40.0 == limit.value
    assert encoding.encode_real(40.0) == limit.read(P["priority-array"], 10)
    assert encoding.encode_real(70.0) == limit.read(P["priority-array"], 16)
    put(limit, encoding.encode_null(), priority=10)
    put(limit, encoding.encode_null())
    assert 100.0 == limit.value


def test_values_out_of_bounds_or_of_another_type_are_refused():
    limit = make_setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)

    assert (encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE) == refused(
        lambda: put(limit, encoding.encode_real(9.0))
    )
    assert (encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE) == refused(
        lambda: put(limit, encoding.encode_unsigned(50))
    )
    assert (encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE) == refused(lambda: put(limit, b""))
    assert (encoding.PROPERTY_CLASS, encoding.WRITE_ACCESS_DENIED) == refused(
        lambda: put(limit, encoding.encode_real(50.0), number=P["units"])
    )
    assert (encoding.PROPERTY_CLASS, encoding.WRITE_ACCESS_DENIED) == refused(
        lambda: put(limit, encoding.encode_real(50.0), index=3)
    )


def test_an_increment_may_be_written_and_must_be_a_number():
    limit = make_setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)
    put(limit, encoding.encode_real(5.0), number=P["cov-increment"])

    assert 5.0 == limit.cov_increment
    assert (encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE) == refused(
        lambda: put(limit, encoding.encode_null(), number=P["cov-increment"])
    )


def test_states_are_bounded_by_their_names():
    mode = BacnetObject("multi-state-value", 1, "Mode", commands=PriorityArray(1), states=("off", "on"))
    put(mode, encoding.encode_unsigned(2))

    assert 2 == mode.value
    assert (encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE) == refused(
        lambda: put(mode, encoding.encode_unsigned(3))
    )


def test_a_binary_output_tells_its_texts_and_least_times():
    heater = BacnetObject(
        "binary-output", 1, "Heater", commands=PriorityArray(0.0, 120, 180), states=("off", "on")
    )

    assert encoding.encode_unsigned(120) == heater.read(P["minimum-on-time"])
    assert encoding.encode_unsigned(180) == heater.read(P["minimum-off-time"])
    assert encoding.encode_text("on") == heater.read(P["active-text"])
    put(heater, encoding.encode_enumerated(1), priority=10)
    assert encoding.encode_enumerated(1) == heater.read(PV)
    assert (encoding.PROPERTY_CLASS, encoding.WRITE_ACCESS_DENIED) == refused(
        lambda: put(heater, encoding.encode_enumerated(1), priority=6)
    )
