from tests.drivers.bacnet.carried import Wire

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec.application_data import ObjectId
from quartier_drivers.bacnet.discovery import device_survey, profile_draft
from quartier_drivers.bacnet.discovery.device_survey import ObjectRow
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry
from quartier_drivers.device_profile import loading
from quartier_sim.bacnet.building_controllers import VentilationUnit

HERE = DevicePlace(("127.0.0.1", 47808))
WHO = {"vendor-name": 'Acme "Air"', "model-name": "AHU-12", "firmware-revision": "3.1"}


def row(kind, instance, name, value=1.0, unit="", **more):
    usual = {"shown": str(value), "description": "", "flags": (), "states": (), "commands": None}
    return ObjectRow(object=ObjectId(kind, instance), name=name, value=value, unit=unit, **(usual | more))


def points(text):
    (part,) = loading.parse_profile(text, "acme/ahu", "ahu.toml").parts.values()
    return part


async def test_the_draft_of_a_device_is_a_profile_that_loads():
    inquiry = PropertyInquiry(Wire(VentilationUnit(201)), HERE, 1476)
    rows = await device_survey.read_rows(inquiry, await device_survey.read_object_list(inquiry, 201))
    found = points(profile_draft.render_draft(WHO, 999, rows))

    assert {
        "power_w",
        "energy_import_wh",
        "supply_air_temperature_c",
        "operating_mode_state",
        "filter_alarm_on",
    } <= set(found)
    assert "analog-value:2" == str(found["most_speed_of_the_fans_pct"].place)


def test_it_is_recognised_by_what_it_said():
    text = profile_draft.render_draft(WHO, 7, [row(0, 1, "Supply", unit="degrees-celsius")])

    mark = loading.parse_profile(text, "acme/ahu", "ahu.toml").mark
    assert (7, "AHU-12") == (mark.vendor_id, mark.model)


def test_names_are_told_apart_and_never_begin_with_a_digit():
    rows = [
        row(0, 1, "Température extérieure", unit="degrees-celsius"),
        row(0, 2, "Température extérieure", unit="degrees-celsius"),
        row(3, 1, "2nd pump", value=True),
    ]

    assert ["temperature_exterieure_c", "temperature_exterieure_2_c", "x_2nd_pump_on"] == list(
        points(profile_draft.render_draft(WHO, 7, rows))
    )


def test_two_powers_keep_their_own_names():
    rows = [row(0, number, f"Power {number}", unit="kilowatts") for number in (1, 2)]

    assert ["power_1_w", "power_2_w"] == list(points(profile_draft.render_draft(WHO, 7, rows)))


def test_what_the_house_has_no_unit_for_stands_in_a_comment():
    rows = [
        row(0, 1, "Supply", unit="degrees-celsius"),
        row(0, 2, "Lux", unit="37"),
        row(40, 1, "Text\nof two lines", "x"),
    ]
    text = profile_draft.render_draft(WHO, 7, rows)

    assert ["supply_c"] == list(points(text))
    assert "# analog-input:2 Lux: 1.0 37\n" in text


def test_what_may_be_commanded_is_shown_and_not_written():
    text = profile_draft.render_draft(WHO, 7, [row(2, 1, "Setpoint", unit="degrees-celsius", commands=())])

    assert "# [points.setpoint_c.write]" in text
    assert not points(text)["setpoint_c"].writable
