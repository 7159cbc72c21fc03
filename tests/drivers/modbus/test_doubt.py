"""A device in doubt, a line in doubt: no scale of another device, no command past its time, no safe value lost."""

import pytest
from tests.drivers.modbus.conftest import Device, HandClock, TcpServer, silence
from tests.drivers.modbus.test_driver import SCALED, S, driver_of, line_to, profile, read_all, values

from quartier_drivers.contract import Command
from quartier_drivers.errors import Expired, NoReply

ELSEWHERE = profile(
    """
    [points.power_w]
    register = "holding:0"
    type = "int16"
    scale_register = "input:60"
    """
)


async def test_the_scale_of_a_device_that_may_be_another_is_waited_for(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {0: 7, 60: 0}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, ELSEWHERE, clock)
    for _ in range(2):
        await read_all(driver, clock)
        clock.move(5)
    device.words = {0: 7, 60: 2}
    await driver.open()
    first = values(await read_all(driver, clock))
    clock.move(5)

    assert {} == first, "told by the scale of the one before it"
    assert {"m.power_w": 700.0} == values(await read_all(driver, clock))
    await line.close()


async def test_a_safe_value_stays_ready_while_nobody_says_which_device_is_there(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {60: 0xFFFF}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, SCALED, clock)
    await driver.open()
    tcp_server.script = [silence]
    line._timeout_s = 0.05
    with pytest.raises(NoReply):
        await driver.open()

    assert [[0]] == [write["values"] for write in driver.releases()]
    await line.close()


async def test_a_command_that_expired_while_the_line_was_not_free_is_not_written(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = """
    [limits]
    pause_s = 3
    [points.setpoint_w]
    register = "holding:1"
    type = "int16"
    write = { low = -5000, high = 5000, on_release = 0 }
    """
    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text), clock)
    await driver.write(Command("m.setpoint_w", 100.0, clock.now_ns() + 5 * S))
    with pytest.raises(Expired):
        await driver.write(Command("m.setpoint_w", 200.0, clock.now_ns() + 3 * S))
    assert 100 == device.words[1]

    await driver.write(Command("m.setpoint_w", 300.0, clock.now_ns() + 4 * S))
    assert 300 == device.words[1]
    await line.close()
