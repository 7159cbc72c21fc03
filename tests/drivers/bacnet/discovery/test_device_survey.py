import pytest
from tests.drivers.bacnet.carried import Wire

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec.application_data import Date, Element, ObjectId, Time
from quartier_drivers.bacnet.discovery import device_survey
from quartier_drivers.bacnet.discovery.device_survey import PriorityHolderReport
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.services import Capabilities

HERE = DevicePlace(("127.0.0.1", 47808))


async def told(unit, apdu_max=1476):
    inquiry = PropertyInquiry(Wire(unit), HERE, apdu_max)
    objects = await device_survey.read_object_list(inquiry, 201)
    rows = await device_survey.read_rows(inquiry, objects)
    return {row.where: row for row in rows}


@pytest.mark.parametrize(
    "habits", [Capabilities(), Capabilities(apdu_max=206), Capabilities(apdu_max=50, reads_multiple=False)]
)
async def test_every_object_is_told_whatever_the_device_can_bear(habits):
    unit = VentilationUnit(201, habits=habits)
    unit.publish({"supply_c": 19.5, "power_w": 1200.0, "filter_on": 1.0})
    rows = await told(unit, habits.apdu_max)

    assert len(unit.things) == len(rows)
    air = rows["analog-input:1"]
    assert ("Supply air temperature", 19.5, "19.5", "degrees-celsius") == (
        air.name,
        air.value,
        air.shown,
        air.unit,
    )
    assert ("on (clogged)", ("clean", "clogged")) == (
        rows["binary-input:1"].shown,
        rows["binary-input:1"].states,
    )
    mode = rows["multi-state-value:1"]
    assert (3, "3 (normal)", ("off", "reduced", "normal", "boost")) == (mode.value, mode.shown, mode.states)
    assert (120, 180) == (rows["binary-output:1"].least_on_s, rows["binary-output:1"].least_off_s)
    assert 0 == rows["load-control:1"].value
    assert "device:201" in rows


async def test_who_commands_an_object_is_shown_with_priority_and_value():
    unit = VentilationUnit(201)
    unit.limit.commands.put(40.0, 10, 0.0)
    unit.mode.commands.put(2.0, 8, 0.0)
    rows = await told(unit)

    assert (PriorityHolderReport(10, "40"),) == rows["analog-value:2"].commands
    assert (PriorityHolderReport(8, "2 (reduced)"),) == rows["multi-state-value:1"].commands
    assert () == rows["binary-output:1"].commands
    assert rows["analog-input:1"].commands is None


async def test_a_fault_shows_in_the_flags():
    unit = VentilationUnit(201)
    unit.inputs["co2_ppm"].is_faulty = True

    assert ("fault",) == (await told(unit))["analog-input:4"].flags


async def test_the_device_says_who_it_is():
    said = await device_survey.read_identity(PropertyInquiry(Wire(VentilationUnit(201)), HERE, 1476), 201)

    assert "Quartier rig" == said["vendor-name"]
    assert "RIG201" == said["serial-number"]
    assert "location" not in said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Date(2026, 6, 12, 5), "2026-06-12"),
        (Date(None, 13, None), "*-13-*"),
        (Time(8, 5, 0, 0), "08:05:00"),
        (ObjectId(0, 7), "analog-input:7"),
        ((True, False, True), "101"),
        (b"\x01\xff", "01ff"),
        ((Element(2, 5), Element(7, "five")), "(5 five)"),
        (None, "–"),
    ],
)
def test_what_is_no_number_is_worded(value, words):
    assert words == device_survey.render_value(value)
