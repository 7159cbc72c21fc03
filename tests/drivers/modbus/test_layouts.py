"""A driver's readings keep their layouts, whatever the device answers and however its scales change."""

from tests.drivers.modbus.conftest import Device, HandClock, TcpServer
from tests.drivers.modbus.test_driver import METER, driver_of, line_to, profile

from quartier_drivers.readings import Quality


async def test_a_scale_that_changes_counts_from_the_answer_that_brings_it(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = """
    [points.power_w]
    register = "holding:0"
    type = "int16"
    scale_register = "holding:1"
    [points.voltage_l1_v]
    register = "holding:2"
    """
    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text), clock)
    layouts = []
    for power, watts in ((1, 70.0), (0xFFFF, 0.7), (0x8000, None), (2, 700.0)):
        device.words = {0: 7, 1: power, 2: 230}
        readings = await driver.read()
        layouts.append(readings.layout)
        good = {one.point: one.value for one in readings if one.quality is Quality.GOOD}
        assert good == {"m.voltage_l1_v": 230.0} | ({"m.power_w": watts} if watts else {})
        clock.move(5)

    assert 1 == len({id(layout) for layout in layouts})
    await line.close()


async def test_the_layout_of_a_request_stays_the_same_whatever_the_answer(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    layouts: set[int] = set()
    for refused in (set(), {100}, set()):
        device.refused, device.exception = refused, 4
        layouts |= {id((await driver.read()).layout), id((await driver.read()).layout)}
        clock.move(5)

    assert 2 == len(layouts)
    await line.close()
