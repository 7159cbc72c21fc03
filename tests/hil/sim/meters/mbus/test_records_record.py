"""The records of the example in EN 13757-3 (M-Bus documentation 4.8, section 6.6), and the types of its annex A."""

import datetime as dt

import pytest

from quartier_sim.meters.mbus import records
from quartier_sim.meters.mbus.records import RecordPlace

MOMENT = dt.datetime(2012, 1, 31, 23, 32, 17)  # noqa: DTZ001 - a meter's local time


def test_the_examples_records_come_out():
    volume = records.make_quantity_record("volume", 12565, -3, "int24")
    flow = records.make_quantity_record("flow", 113, -3, "bcd4", RecordPlace(function="maximum", storage=5))
    energy = records.make_quantity_record("energy", 21837, 1, "bcd6", RecordPlace(tariff=2, subunit=1))

    assert ("0313153100", "da023b1301", "8b6004371802") == (
        volume.data.hex(),
        flow.data.hex(),
        energy.data.hex(),
    )
    assert (12.565, 0.113, 218370) == (volume.value, flow.value, energy.value)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (RecordPlace(), "04"),
        (RecordPlace(storage=1), "44"),
        (RecordPlace(storage=2), "8401"),
        (RecordPlace(tariff=1), "8410"),
        (RecordPlace(subunit=1), "8440"),
        (RecordPlace(subunit=2), "848040"),
        (RecordPlace(storage=32, tariff=4), "848011"),
        (RecordPlace(function="error", storage=33), "f48001"),
    ],
)
def test_places_need_as_many_bytes_as_they_hold(place, expected):
    assert expected == records.encode_information(4, place).hex()


def test_numbers_of_each_field():
    fields = {
        field: records.make_quantity_record(
            "energy", -1 if field.startswith("int") else 1, 0, field
        ).data.hex()
        for field in records.DATA_FIELDS
    }

    assert ("0103ff", "0703" + "ff" * 8, "0e03010000000000") == (
        fields["int8"],
        fields["int64"],
        fields["bcd12"],
    )
    assert "0c03050000f0" == records.make_quantity_record("energy", -5, 0, "bcd8").data.hex()
    with pytest.raises(OverflowError):
        records.make_quantity_record("energy", 100, 0, "bcd2")


def test_real_numbers_are_told_as_they_stand_in_four_bytes():
    found = records.make_real_record("power", 0.1, 0)

    assert "052bcdcccc3d" == found.data.hex()
    assert 0.10000000149011612 == found.value


def test_times_of_types_f_g_and_i():
    assert "426c9f11"[2:] == records.make_date_record(MOMENT.date()).data.hex()[2:]
    assert "046d20179f11" == records.make_date_time_record(MOMENT).data.hex()
    assert "046d20979f11" == records.make_date_time_record(MOMENT, summer=True).data.hex()
    assert "066d1120179f1100" == records.make_date_time_seconds_record(MOMENT).data.hex()
    assert ("2012-01-31", "2012-01-31T23:32:00", "2012-01-31T23:32:17") == (
        records.make_date_record(MOMENT.date()).value, records.make_date_time_record(MOMENT).value, records.make_date_time_seconds_record(MOMENT).time,
    )  # fmt: skip


def test_texts_are_sent_from_their_end():
    assert "0d78033332310a"[:12] == records.make_text_record(b"\x78", "123").data.hex()
    assert "047c0368204b01000000"[:10] == records.make_custom_record("K h", 1).data.hex()[:10]


def test_numbers_of_variable_length():
    assert "0d03c23412" == records.make_variable_record("energy", 1234, 0, form="bcd").data.hex()
    assert "0d03d10" + "5" == records.make_variable_record("energy", -5, 0, form="bcd").data.hex()
    assert "0d03e2ff00" == records.make_variable_record("energy", 255, 0, form="binary").data.hex()


def test_durations_are_sent_in_their_unit_and_stated_in_seconds():
    found = records.make_duration_record("operating_time", 12, "h", "int8")

    assert ("01260c", 43_200, "s") == (found.data.hex(), found.value, found.unit)


def test_a_record_states_itself_under_its_number():
    (said,) = records.make_quantity_record("power", 5, 0, place=RecordPlace(storage=1)).says(3)

    assert ("3", 5, "W", 1, "power") == (
        said.label,
        said.value,
        said.unit,
        said.more["storage"],
        said.more["quantity"],
    )
    assert () == records.Record(b"\x2f").says(0)
