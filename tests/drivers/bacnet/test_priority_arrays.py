"""Priority arrays of devices whose messages do not hold them."""

import pytest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.codec.application_data import Element
from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.bacnet.priority_arrays import (
    PriorityConflicts,
    PriorityHolder,
    find_holder_above,
    make_array_ref,
)
from quartier_drivers.bacnet.read_jobs import make_meaning
from quartier_drivers.bacnet.schema import BacnetPoint
from quartier_drivers.bacnet.standard_names import UNIT_NUMBERS
from quartier_drivers.contract import Command
from quartier_native.bacnet import ENUMERATED, NULL, REAL, Ref
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.bacnet.udp_endpoint import serve_udp

POINTS = """
[points.setpoint_c]
object = "analog-value:1"
[points.setpoint_c.write]
low = 15
high = 28
on_release = "own"
"""


@pytest.mark.parametrize(
    "habits", [Capabilities(), Capabilities(apdu_max=50), Capabilities(apdu_max=50, reads_multiple=False)]
)
async def test_who_stands_above_us_is_found_however_small_the_device(line, clock, habits):
    unit = VentilationUnit(habits=habits)
    setpoint = next(one for one in unit.things.values() if one.key == (2, 1))
    for priority in (8, 12, 13, 14, 15, 16):  # reals: the whole array is more than 50 octets
        setpoint.commands.put(20.0 + priority / 10, priority, 0.0)
    async with await serve_udp(unit) as endpoint:
        driver = BacnetDriver(line, spec(address=endpoint.address), profile(POINTS), clock)
        await driver.open()
        await driver.write(Command("air.setpoint_c", 25.0, clock.now_ns() + 10**9))
        await told(driver)
    notes = list(driver.notes())

    assert ["priority.held"] == [note.code for note in notes]
    assert "priority 8 holds 20.8, above our 10" in notes[0].text


EMPTY = Element(NULL, None)


def point(**write):
    keys = {"on_release": "own", "low": 0.0, "high": 100.0} | write
    found = BacnetPoint.model_validate({"object": "analog-value:2", "write": keys})
    return make_meaning("air.speed_pct", "speed_pct", found, UNIT_NUMBERS["percent"])


def array(**slots):
    return [slots.get(f"p{number}", EMPTY) for number in range(1, 17)]


def test_the_array_of_a_point_is_that_of_its_object():
    assert Ref(2, 2, 87) == make_array_ref(point())


def test_who_stands_above_us_is_found():
    assert PriorityHolder(8, 40.0) == find_holder_above(
        point(), array(p8=Element(REAL, 40.0), p10=Element(REAL, 60.0))
    )
    assert PriorityHolder(1, 0.0) == find_holder_above(
        point(), array(p1=Element(ENUMERATED, 0), p8=Element(REAL, 40.0))
    )


@pytest.mark.parametrize(
    "said", [array(p10=Element(REAL, 60.0)), array(p16=Element(REAL, 5.0)), array(), [EMPTY] * 3]
)
def test_nobody_stands_above_us(said):
    assert find_holder_above(point(), said) is None


def test_it_is_said_once_who_stands_above_us_and_once_that_he_is_gone():
    conflicts, one = PriorityConflicts(), point()
    held = array(p8=Element(REAL, 40.0))
    first = list(conflicts.judge(one, held))

    assert ["priority.held"] == [note.code for note in first]
    assert "priority 8 holds 40, above our 10" in first[0].text
    assert [] == list(conflicts.judge(one, held))
    assert ["priority.held"] == [note.code for note in conflicts.judge(one, array(p8=Element(REAL, 20.0)))]
    assert [("priority.free", True)] == [(note.code, note.is_good) for note in conflicts.judge(one, array())]
    assert [] == list(conflicts.judge(one, array()))


def test_the_sixth_place_is_the_devices_own():
    assert (
        "its own least on or off time"
        in next(PriorityConflicts().judge(point(), array(p6=Element(REAL, 1.0)))).text
    )
