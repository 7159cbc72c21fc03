"""What is due of a device is asked in one go where nothing is urgent, and told one by one."""

import asyncio

import pytest
from tests.drivers.modbus.conftest import Asked, Device, HandClock, TcpServer, registers, silence, tcp
from tests.drivers.modbus.test_driver import driver_of, line_to, profile

from quartier_drivers.contract import Command
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.readings import Quality

S = 1_000_000_000
APART = """
[points.power_w]
register = "holding:0"
scan = "fast"
write = { low = 0, high = 100, on_release = "hold" }
[points.voltage_l1_v]
register = "holding:200"
scan = "fast"
[points.current_l1_a]
register = "holding:400"
scan = "fast"
[points.energy_import_wh]
register = "holding:600"
scan = "slow"
"""


class Hurry:
    """Somebody may have something urgent after so many looks."""

    def __init__(self) -> None:
        self.looks_left = 1 << 30

    def __call__(self) -> bool:
        self.looks_left -= 1
        return self.looks_left < 0


@pytest.fixture
def hurry() -> Hurry:
    return Hurry()


@pytest.fixture
async def brisk(device: Device, clock: HandClock, hurry: Hurry) -> ModbusDriver:
    """A driver that has read everything once, a second ago."""
    device.words = {0: 10, 200: 230, 400: 16, 600: 1000}
    driver = driver_of(line_to(device.server, clock), profile(APART), clock)
    driver.go_on(hurry)
    await driver.open()
    while driver.due_ns <= clock.now_ns():
        await driver.read()
    assert [(0, 1), (200, 1), (400, 1), (600, 1)] == sorted(device.blocks)
    clock.move(1)
    return driver


async def told(driver: ModbusDriver) -> list[str]:
    """The points of one reading after the other, until no more is told at once."""
    found = [one.point for one in await driver.read()]
    while driver.more:
        found += [one.point for one in await driver.read()]
    return found


async def test_all_that_is_due_is_asked_at_once_and_told_in_its_order(
    brisk: ModbusDriver, device: Device, clock: HandClock
) -> None:
    first = await brisk.read()
    assert [(0, 1), (200, 1), (400, 1)] == device.blocks
    assert (["m.power_w"], True) == ([one.point for one in first], brisk.more)
    assert brisk.due_ns <= clock.now_ns()

    assert ["m.voltage_l1_v", "m.current_l1_a"] == await told(brisk)
    assert [] == device.blocks
    assert brisk.due_ns > clock.now_ns()


async def test_what_is_urgent_ends_it_after_the_request_in_hand(
    brisk: ModbusDriver, device: Device, hurry: Hurry
) -> None:
    hurry.looks_left = 2

    assert ["m.power_w", "m.voltage_l1_v"] == await told(brisk)
    assert [(0, 1), (200, 1)] == device.blocks


async def test_while_something_is_urgent_each_read_is_one_request(
    brisk: ModbusDriver, device: Device, hurry: Hurry
) -> None:
    hurry.looks_left = 0

    assert ["m.power_w"] == await told(brisk)
    assert [(0, 1)] == device.blocks


async def test_a_write_is_read_back_alone_and_at_once(
    brisk: ModbusDriver, device: Device, clock: HandClock
) -> None:
    await told(brisk)
    clock.move(1)
    await brisk.write(Command("m.power_w", 7.0, clock.now_ns() + S))
    device.blocks.clear()

    readings = await brisk.read()
    assert [(0, 1)] == device.blocks
    assert [("m.power_w", 7.0)] == [(one.point, one.value) for one in readings]


async def test_what_came_before_a_silence_is_told_before_it(
    brisk: ModbusDriver, tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [lambda asked: tcp(asked.number, asked.unit, registers(3, 11)), silence]

    assert ["m.power_w"] == [one.point for one in await brisk.read()]
    assert brisk.more
    brisk._line._timeout_s = 0.05
    with pytest.raises(NoReply, match="silent"):
        await brisk.read()
    brisk._line._timeout_s = 10.0
    assert not brisk.more

    tcp_server.script = [lambda asked: tcp(asked.number, asked.unit, registers(3, 12))]
    clock.move(1)
    assert 1 == len(await brisk.read())
    assert not brisk.more  # who was silent is asked one thing first


async def test_what_came_before_the_connection_broke_is_told_before_it(
    brisk: ModbusDriver, tcp_server: TcpServer
) -> None:
    tcp_server.script = [lambda asked: tcp(asked.number, asked.unit, registers(3, 11)), lambda _: None]

    assert ["m.power_w"] == [one.point for one in await brisk.read()]
    with pytest.raises(LinkLost):
        await brisk.read()


async def test_a_refusal_ends_it_and_is_told_last(brisk: ModbusDriver, device: Device) -> None:
    device.refused = {200}

    assert 10 == (await brisk.read())[0].value
    refused = await brisk.read()
    assert [("m.voltage_l1_v", Quality.BAD, "refused")] == [
        (one.point, one.quality, one.raw) for one in refused
    ]
    assert not brisk.more
    assert [(0, 1), (200, 1)] == device.blocks
    assert ["m.current_l1_a"] == [one.point for one in await brisk.read()]


async def test_each_reading_has_the_time_at_which_it_came(
    brisk: ModbusDriver, tcp_server: TcpServer, clock: HandClock
) -> None:
    def later(asked: Asked) -> bytes:
        clock.move(0.25)
        return tcp(asked.number, asked.unit, registers(3, 1))

    tcp_server.script = [later]
    begin_ns = clock.now_ns()
    taken = [(await brisk.read()).taken_ns for _ in range(3)]

    assert [begin_ns + step * S // 4 for step in (1, 2, 3)] == taken


async def test_another_task_has_the_line_between_two_requests(
    brisk: ModbusDriver, tcp_server: TcpServer
) -> None:
    line, others = brisk._line, []

    def answer(asked: Asked) -> bytes:
        if not others:
            others.append(asyncio.ensure_future(line.exchange(make_read(3, "holding", 600, 1))))
        return tcp(asked.number, asked.unit, registers(3, 1))

    tcp_server.asked.clear()
    tcp_server.script = [answer]
    while not tcp_server.asked or brisk.more:
        await brisk.read()
    await asyncio.gather(*others)

    starts = [asked.start for asked in tcp_server.asked]
    assert [0, 200, 400, 600] == sorted(starts)
    assert 600 != starts[-1]
    assert line.connected
