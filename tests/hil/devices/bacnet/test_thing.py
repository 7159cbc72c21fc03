import pytest

from quartier_hil.devices.bacnet import tags, words
from quartier_hil.devices.bacnet.commands import Commands
from quartier_hil.devices.bacnet.thing import P, Refusal, Thing, setpoint

PV = P["present-value"]


def refused(act):
    with pytest.raises(Refusal) as refusal:
        act()
    return refusal.value.error_class, refusal.value.code


def put(thing, value, priority=None, index=None, number=PV):
    thing.write(number, index, tags.read(value), priority, 0.0)


def test_an_analog_input_tells_its_value_unit_and_increment():
    air = Thing("analog-input", 1, "Supply air", value=20.5, units="degrees-celsius", cov_increment=0.5)

    assert tags.real(20.5) == air.read(PV)
    assert tags.enumerated(62) == air.read(P["units"])
    assert tags.text("Supply air") == air.read(P["object-name"])
    assert tags.real(0.5) == air.read(P["cov-increment"])
    assert tags.bits([0, 0, 0, 0]) == air.read(P["status-flags"])


def test_a_fault_shows_in_the_status_flags():
    air = Thing("analog-input", 1, "Supply air")
    air.is_faulty = True

    assert tags.bits([0, 1, 0, 0]) == air.read(P["status-flags"])


def test_an_array_is_read_whole_by_place_and_by_length():
    mode = Thing("multi-state-value", 1, "Mode", commands=Commands(2), states=("off", "on"))

    assert tags.text("off") + tags.text("on") == mode.read(P["state-text"])
    assert tags.text("on") == mode.read(P["state-text"], 2)
    assert tags.unsigned(16) == mode.read(P["priority-array"], 0)
    assert tags.null() == mode.read(P["priority-array"], 10)
    assert (words.PROPERTY_CLASS, words.INVALID_ARRAY_INDEX) == refused(lambda: mode.read(P["state-text"], 3))
    assert (words.PROPERTY_CLASS, words.PROPERTY_IS_NOT_AN_ARRAY) == refused(lambda: mode.read(PV, 1))


def test_what_it_has_is_listed_and_the_rest_is_unknown():
    air = Thing("binary-input", 1, "Filter")

    listed = {tag.unsigned for tag in tags.read(air.read(P["property-list"]))}
    assert listed == set(air.properties()) - {P["object-identifier"], P["object-name"], P["object-type"]}
    assert (words.PROPERTY_CLASS, words.UNKNOWN_PROPERTY) == refused(lambda: air.read(P["units"]))
    assert (words.PROPERTY_CLASS, words.UNKNOWN_PROPERTY) == refused(
        lambda: put(air, tags.null(), number=P["units"])
    )


def test_a_command_counts_at_its_priority_and_null_gives_it_back():
    limit = setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)
    put(limit, tags.real(40.0), priority=10)
    put(limit, tags.real(70.0))

    assert 40.0 == limit.value
    assert tags.real(40.0) == limit.read(P["priority-array"], 10)
    assert tags.real(70.0) == limit.read(P["priority-array"], 16)
    put(limit, tags.null(), priority=10)
    put(limit, tags.null())
    assert 100.0 == limit.value


def test_values_out_of_bounds_or_of_another_type_are_refused():
    limit = setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)

    assert (words.PROPERTY_CLASS, words.VALUE_OUT_OF_RANGE) == refused(lambda: put(limit, tags.real(9.0)))
    assert (words.PROPERTY_CLASS, words.INVALID_DATA_TYPE) == refused(lambda: put(limit, tags.unsigned(50)))
    assert (words.PROPERTY_CLASS, words.INVALID_DATA_TYPE) == refused(lambda: put(limit, b""))
    assert (words.PROPERTY_CLASS, words.WRITE_ACCESS_DENIED) == refused(
        lambda: put(limit, tags.real(50.0), number=P["units"])
    )
    assert (words.PROPERTY_CLASS, words.WRITE_ACCESS_DENIED) == refused(
        lambda: put(limit, tags.real(50.0), index=3)
    )


def test_an_increment_may_be_written_and_must_be_a_number():
    limit = setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0)
    put(limit, tags.real(5.0), number=P["cov-increment"])

    assert 5.0 == limit.cov_increment
    assert (words.PROPERTY_CLASS, words.INVALID_DATA_TYPE) == refused(
        lambda: put(limit, tags.null(), number=P["cov-increment"])
    )


def test_states_are_bounded_by_their_names():
    mode = Thing("multi-state-value", 1, "Mode", commands=Commands(1), states=("off", "on"))
    put(mode, tags.unsigned(2))

    assert 2 == mode.value
    assert (words.PROPERTY_CLASS, words.VALUE_OUT_OF_RANGE) == refused(lambda: put(mode, tags.unsigned(3)))


def test_a_binary_output_tells_its_texts_and_least_times():
    heater = Thing("binary-output", 1, "Heater", commands=Commands(0.0, 120, 180), states=("off", "on"))

    assert tags.unsigned(120) == heater.read(P["minimum-on-time"])
    assert tags.unsigned(180) == heater.read(P["minimum-off-time"])
    assert tags.text("on") == heater.read(P["active-text"])
    put(heater, tags.enumerated(1), priority=10)
    assert tags.enumerated(1) == heater.read(PV)
    assert (words.PROPERTY_CLASS, words.WRITE_ACCESS_DENIED) == refused(
        lambda: put(heater, tags.enumerated(1), priority=6)
    )
