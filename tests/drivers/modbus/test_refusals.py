"""What a device refuses is asked for again, seldom; time is moved by hand."""

import pytest
from tests.drivers.modbus.conftest import Device, HandClock, TcpServer, hang_up
from tests.drivers.modbus.test_driver import METER, S, driver_of, line_to, read_all

from quartier_drivers.errors import LinkLost
from quartier_drivers.readings import Quality


async def test_a_device_that_refused_everything_when_it_started_is_read_ten_minutes_later(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    device.refused = set(range(300))
    assert {Quality.BAD} == {reading.quality for reading in (await read_all(driver, clock)).values()}
    assert clock.now_ns() + 600 * S == driver.due_ns
    clock.move(600)
    device.refused = {200, 201}
    device.blocks.clear()

    found = await read_all(driver, clock)

    assert {"m.power_w", "m.voltage_l1_v"} <= {
        name for name, reading in found.items() if reading.quality is Quality.GOOD
    }
    assert (100, 4) in device.blocks, "planned anew, not point by point"
    await line.close()


async def test_what_stays_refused_is_asked_for_once_in_ten_minutes_and_a_minute_after_a_loss(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock, timeout_s=5.0)
    driver = driver_of(line, METER, clock)
    device.refused = {200, 201}
    await read_all(driver, clock)
    device.blocks.clear()
    for _ in range(1200):
        clock.move(1)
        await read_all(driver, clock)
    assert 2 == sum(start == 200 for start, _ in device.blocks)

    tcp_server.script = [hang_up, device.answer]
    clock.move(1)
    with pytest.raises(LinkLost):
        await driver.read()
    await read_all(driver, clock)
    device.blocks.clear()
    for _ in range(70):
        clock.move(1)
        await read_all(driver, clock)
    assert 1 == sum(start == 200 for start, _ in device.blocks)
    await line.close()
