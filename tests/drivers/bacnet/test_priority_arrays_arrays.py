"""Priority arrays of devices whose messages do not hold them."""

import pytest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.contract import Command
from quartier_hil.devices.bacnet.endpoint import serve_udp
from quartier_hil.devices.bacnet.service import Habits
from quartier_hil.devices.bacnet.ventilation import VentilationUnit

POINTS = """
[points.setpoint_c]
object = "analog-value:1"
[points.setpoint_c.write]
low = 15
high = 28
on_release = "own"
"""


@pytest.mark.parametrize("habits", [Habits(), Habits(apdu_max=50), Habits(apdu_max=50, reads_multiple=False)])
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
