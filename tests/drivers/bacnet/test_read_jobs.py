import math
from array import array

import pytest

from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer
from quartier_drivers.bacnet.read_jobs import ReadJob, make_flags_ref, make_meaning
from quartier_drivers.bacnet.schema import BacnetPoint
from quartier_drivers.bacnet.standard_names import UNIT_NUMBERS
from quartier_drivers.readings import Quality
from quartier_native.bacnet import BITS, CHARACTERS, DENIED, MISSING, NULL, REAL, UNSIGNED, Ref

S = 1_000_000_000
SUPPLY = Ref(0, 1, 85)
CELSIUS = UNIT_NUMBERS["degrees-celsius"]


def point(quantity="supply_c", said=CELSIUS, **keys):
    found = BacnetPoint.model_validate({"object": "analog-input:1", **keys})
    return make_meaning(f"air.{quantity}", quantity, found, said)


def job(*meanings, flags=False, known=()):
    refs = tuple(dict.fromkeys(one.ref for one in meanings))
    refs += tuple(make_flags_ref(ref) for ref in refs) if flags else ()
    return ReadJob(meanings, PreparedRead(refs), 5.0, 1000 * S, dict(known))


def told(*columns, data=b"", spans=None):
    """An answer by its (kind, value) columns."""
    values = array("d", [value for _, value in columns])
    return ReadAnswer(
        data, values, bytes(kind for kind, _ in columns), array("H", spans or [0] * 2 * len(columns))
    )


def read(one, answer):
    return [(reading.value, reading.quality) for reading in one.columns.make_readings(answer, 1001 * S)]


def test_a_number_is_read_as_it_is_worth():
    assert [(21.5, Quality.GOOD)] == read(job(point()), told((REAL, 21.5)))


@pytest.mark.parametrize(
    "column", [(DENIED, 131104.0), (MISSING, math.nan), (NULL, math.nan), (REAL, math.nan), (REAL, math.inf)]
)
def test_what_is_no_value_is_bad_and_the_last_one_stays_known(column):
    one = job(point())
    read(one, told((REAL, 21.5)))

    assert [(21.5, Quality.BAD)] == read(one, told(column))
    assert {"air.supply_c": 21.5} == one.columns.last_values


@pytest.mark.parametrize(
    ("flags", "quality"), [(0, "GOOD"), (1, "GOOD"), (2, "BAD"), (4, "GOOD"), (8, "BAD")]
)
def test_in_fault_and_out_of_service_are_bad_in_alarm_and_overridden_are_not(flags, quality):
    assert [(21.5, Quality[quality])] == read(
        job(point(), flags=True), told((REAL, 21.5), (BITS, float(flags)))
    )


def test_flags_that_the_device_does_not_tell_say_nothing():
    assert [(21.5, Quality.GOOD)] == read(job(point(), flags=True), told((REAL, 21.5), (DENIED, 131104.0)))


def test_a_text_is_what_the_device_says():
    data = bytes.fromhex("7506 00 6175746f 00")
    one = job(point("mode_text", None, object="characterstring-value:1"))

    assert [("auto\0", Quality.GOOD)] == read(
        one, told((CHARACTERS, math.nan), data=data, spans=[0, len(data)])
    )


def test_a_text_of_a_state_is_its_name():
    one = job(point("mode_text", None, object="multi-state-value:1", values={"1": "off", "2": "on"}))

    assert [("on", Quality.GOOD)] == read(one, told((UNSIGNED, 2.0)))
    assert [Quality.BAD] == [quality for _, quality in read(one, told((UNSIGNED, 9.0)))]


def test_a_number_beyond_a_double_keeps_every_digit():
    data = bytes.fromhex("2508 0020000000000001")
    one = job(point("pulses_count", None, object="positive-integer-value:1"))
    answer = told((UNSIGNED, float(2**53)), data=data, spans=[0, len(data)])

    assert [(2**53 + 1, Quality.GOOD)] == read(one, answer)


def test_a_person_sees_why_a_value_is_bad():
    raws = [
        one.raw for one in job(point(said=UNIT_NUMBERS["watts"])).columns.make_readings(told((REAL, 1.0)), S)
    ]

    assert ["analog-input:1 is in watts, which does not fit _c"] == raws


def test_after_a_no_to_the_whole_all_points_are_bad():
    failed = job(point()).columns.make_bad_readings("abort: tsm-timeout", S)

    assert [(Quality.BAD, "abort: tsm-timeout")] == [(one.quality, one.raw) for one in failed]


def test_a_job_moves_to_the_next_point_of_its_grid_and_counts_those_that_passed():
    one = job(point())

    assert 0 == one.move_on(1000 * S, 0)
    assert 1005 * S == one.due_ns
    assert 2 == one.move_on(1016 * S, 0)
    assert 1020 * S == one.due_ns
