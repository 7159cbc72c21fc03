"""An answer becomes columns: the same layout each time, the last good value under what is BAD."""

import asyncio
import struct
from typing import Any

import pytest
from tests.drivers.modbus.conftest import Asked, Device, HandClock, TcpServer, registers, silence, tcp
from tests.drivers.modbus.test_driver import driver_of, line_to, profile

from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.read_jobs import ReadJob
from quartier_drivers.modbus.read_layout import find_shared_plan, make_owners
from quartier_drivers.readings import Quality, Readings, Value

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
MIXED = """
[points.power_w]
register = "holding:0"
type = "int16"
scale = 0.1
absent = 0x8000
[points.energy_import_wh]
register = "holding:1"
type = "uint64"
[points.starts_count]
register = "holding:5"
type = "uint64"
[points.relay_on]
register = "holding:9"
bit = 3
[points.mode_text]
register = "holding:10"
values = { 0 = "idle", 1 = "charging" }
[points.temperature_c]
register = "holding:11"
type = "float32"
offset = -273.15
"""
SCALED = """
[points.power_w]
register = "holding:0"
type = "int16"
scale_register = "holding:1"
[points.voltage_l1_v]
register = "holding:2"
scale = 0.1
"""


def job(text: str, powers: Any = None, **keys: Any) -> ReadJob:
    profile = parse_profile(HEAD + text, "acme/am300", "am300.toml")
    device = DeviceSpec("dev", 3, {"": "m"})
    (sheet,) = find_shared_plan(device, profile, 0.0).sheets
    return ReadJob(sheet, make_owners(device), 0, {} if powers is None else powers, {}, **keys)


def answer(power: int, energy: int, starts: int, bits: int, mode: int, kelvin: float) -> bytes:
    return struct.pack(">hQQHHf", power, energy, starts, bits, mode, kelvin)


def good(readings: Readings) -> dict[str, Value]:
    return {one.point: one.value for one in readings if one.quality is Quality.GOOD}


def test_every_kind_of_point_lands_in_the_columns() -> None:
    readings = job(MIXED).make_readings(answer(-15, 2**40, 7, 8, 1, 273.25), 5)

    assert {
        "m.power_w": -1.5,
        "m.energy_import_wh": 2.0**40,
        "m.starts_count": 7,
        "m.relay_on": True,
        "m.mode_text": "charging",
        "m.temperature_c": 0.1,
    } == good(readings)
    assert [float, float, int, bool, str, float] == [type(one.value) for one in readings]
    assert 5 == readings.taken_ns
    assert not readings.raws


def test_the_layout_is_the_same_each_time() -> None:
    one = job(MIXED)

    assert (
        one.make_readings(answer(1, 2, 3, 4, 0, 6), 0).layout
        is one.make_readings(answer(9, 9, 9, 9, 9, 9), 1).layout
    )
    assert one.make_bad_readings("device failure", 2).layout is one.layout


def test_what_is_bad_keeps_the_last_good_value_and_shows_what_stood_on_the_wire() -> None:
    one = job(MIXED)
    first = one.make_readings(answer(-15, 1, 2, 8, 1, 273.25), 0)
    second = one.make_readings(answer(-0x8000, 2**63, 2**53, 0, 7, float("nan")), 1)

    assert {"m.energy_import_wh": 2.0**63, "m.starts_count": 2**53, "m.relay_on": False} == good(second)
    assert [-1.5, "charging", 0.1] == [one.value for one in second if one.quality is Quality.BAD]
    assert "8000" == second[0].raw
    assert "0007 (unknown)" == second[4].raw
    assert "" == second[1].raw
    assert {0, 4, 5} == set(second.raws)
    assert 3 == len(second.raws)
    assert {"m.power_w", "m.mode_text"} < set(good(first))


def test_a_count_beyond_all_doubles_is_text_until_it_fits_again() -> None:
    one = job(MIXED)
    large = one.make_readings(answer(0, 0, 2**63, 0, 0, 0), 0)
    small = one.make_readings(answer(0, 0, 5, 0, 0, 0), 1)

    assert 2**63 == good(large)["m.starts_count"]
    assert {2: str(2**63), 4: "idle"} == dict(large.texts)
    assert 5 == good(small)["m.starts_count"]
    assert {4: "idle"} == dict(small.texts)


def test_a_failure_makes_every_point_bad_and_says_why() -> None:
    one = job(MIXED)
    one.make_readings(answer(-15, 1, 2, 8, 1, 273.25), 0)
    failed = one.make_bad_readings("device failure", 9)

    assert {(Quality.BAD, "device failure", 9)} == {(r.quality, r.raw, r.taken_ns) for r in failed}
    assert [-1.5, 1.0, 2, True, "charging", 0.1] == [reading.value for reading in failed]


def test_all_that_stood_on_the_wire_is_shown_where_it_is_asked_for() -> None:
    readings = job(MIXED, shows_raw=True).make_readings(answer(-15, 1, 2, 8, 1, 273.25), 0)

    assert ["FFF1", "0000 0000 0000 0001", "0000 0000 0000 0002", "0008", "0001 (charging)"] == [
        reading.raw for reading in readings[:5]
    ]
    assert 6 == len(readings.raws)
    with pytest.raises(KeyError):
        readings.raws[6]


def test_a_point_is_left_out_until_its_scale_is_known_and_bad_where_it_is_void() -> None:
    powers: dict[Any, int | None] = {}
    one = job(SCALED, powers)
    data = struct.pack(">hhH", 5, 2, 2301)
    assert ("m.voltage_l1_v",) == one.layout.points

    powers |= one.powers(data)
    one.refit(powers, {})
    layout = one.layout
    assert {"m.power_w": 500.0, "m.voltage_l1_v": 230.1} == good(one.make_readings(data, 0))

    for power in (None, -1):
        powers |= dict.fromkeys(powers, power)
        one.refit(powers, {})
        told = one.make_readings(data, 1)
        assert layout is told.layout
        assert (500.0, Quality.BAD) == (told[0].value, told[0].quality) or {0.5, 230.1} == {
            *good(told).values()
        }


def test_coils_are_cut_from_packed_bytes() -> None:
    text = "".join(f'[points.relay{at}_on]\nregister = "coil:{20 + at}"\n' for at in range(11))

    readings = job(text, shows_raw=True).make_readings(bytes([0b10000001, 0b101]), 0)
    assert [at in (0, 7, 8, 10) for at in range(11)] == list(good(readings).values())
    assert "1" == readings[7].raw


def test_scale_registers_are_told_when_they_change_and_not_before() -> None:
    one = job(SCALED, {})
    first = one.powers(struct.pack(">hhH", 5, 2, 2301))

    assert [2] == list(first.values())
    assert {} == one.powers(struct.pack(">hhH", 7, 2, 2302))
    assert [3] == list(one.powers(struct.pack(">hhH", 7, 3, 2302)).values())
    assert [None] == list(one.powers(struct.pack(">hhH", 7, -32768, 2302)).values())


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
    assert line.is_connected
