"""A device behind the five verbs, driven against real servers; time is moved by hand."""

from collections.abc import Mapping

import pytest
from tests.drivers.modbus.conftest import Device, HandClock, Start, TcpServer, hang_up, silence

from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile.loading import Profile, parse_profile
from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.factory import FACTORY
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.readings import Quality, Reading, Value

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
S = 1_000_000_000


def profile(text: str) -> Profile:
    return parse_profile(HEAD + text, "acme/am300", "am300.toml")


METER = profile(
    """
    [limits]
    gap_max = 2
    [points.power_w]
    register = "input:100"
    type = "int32"
    words = "low-first"
    scan = "fast"
    [points.voltage_l1_v]
    register = "input:103"
    scale = 0.1
    scan = "fast"
    [points.energy_import_wh]
    register = "input:200"
    type = "uint32"
    """
)

BATTERY = profile(
    """
    [points.power_w]
    register = "holding:10"
    type = "int16"
    scan = "fast"
    [points.setpoint_w]
    register = "holding:20"
    type = "int16"
    scan = "slow"
    [points.setpoint_w.write]
    low = -5000
    high = 5000
    on_release = "own"
    own = { register = "holding:30", value = 1 }
    fallback = { value = 0, after_s = 60, register = "holding:31", scale = 10 }
    [points.generation_max_w]
    register = "holding:40"
    scan = "slow"
    [points.generation_max_w.write]
    low = 0
    high = 9000
    on_release = "cap"
    [points.relay_on]
    register = "coil:7"
    write = { on_release = 1 }
    [points.current_max_a]
    register = "holding:50"
    write = { low = 0, high = 32, on_release = "hold", confirm = "none" }
    """
)


def line_to(server: TcpServer, clock: HandClock, timeout_s: float = 10.0) -> ModbusLine:
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=server.port, timeout_s=timeout_s, retries_count=0)
    return FACTORY.line("net", bus, clock)


def driver_of(
    line: ModbusLine,
    profile_: Profile,
    clock: HandClock,
    owners: Mapping[str, str] | None = None,
    points: Mapping[str, frozenset[str]] | None = None,
) -> ModbusDriver:
    spec = DeviceSpec("dev", 3, owners or {"": "m"}, points or {}, {"m.generation_max_w": 4200.0})
    return FACTORY.driver(line, spec, profile_, clock)


async def read_all(driver: ModbusDriver, clock: HandClock) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    while driver.due_ns <= clock.now_ns():
        found |= {reading.point: reading for reading in await driver.read()}
    return found


def values(readings: Mapping[str, Reading]) -> dict[str, Value]:
    assert all(reading.quality is Quality.GOOD for reading in readings.values())
    return {name: reading.value for name, reading in readings.items()}


async def test_everything_is_read_once_at_first_in_the_fewest_requests(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {100: 0xFB2E, 101: 0xFFFF, 103: 2301, 200: 1, 201: 2}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)

    assert 2 == len(driver.jobs)
    assert {"m.power_w": -1234.0, "m.voltage_l1_v": 230.1, "m.energy_import_wh": 65538.0} == values(
        await read_all(driver, clock)
    )
    assert [(100, 4), (200, 2)] == device.blocks
    await line.close()


async def test_each_scan_class_is_read_at_its_own_rate_on_its_grid(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    start_ns = clock.now_ns()
    seen = []
    for _ in range(11):
        await read_all(driver, clock)
        seen.append([start for start, _ in device.blocks])
        clock.ns = driver.due_ns

    assert [[100, 200], [100], [100], [100], [100], [100, 200]] == seen[:6]
    assert start_ns + 11 * S == clock.ns
    assert 0 == driver.skipped_count
    await line.close()


async def test_each_device_is_read_its_phase_past_whole_periods_whenever_it_began(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = FACTORY.driver(line, DeviceSpec("dev", 3, {"": "m"}, phase_ns=3 * S // 10), METER, clock)
    clock.move(0.45)
    dues = []
    for _ in range(4):
        await read_all(driver, clock)
        dues.append(driver.due_ns % (5 * S) / S)
        clock.ns = driver.due_ns

    assert [1.3, 2.3, 3.3, 4.3] == dues
    await read_all(driver, clock)
    await read_all(driver, clock)
    assert [(100, 4), (200, 2), *[(100, 4)] * 4] == device.blocks, "0.3 of a new 5 s is still to come"
    assert 0 == driver.skipped_count
    await line.close()


async def test_a_late_read_is_skipped_and_counted_never_queued(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    start_ns = clock.now_ns()
    await read_all(driver, clock)
    clock.move(3.5)
    await read_all(driver, clock)

    assert [(100, 4), (200, 2), (100, 4)] == device.blocks
    assert start_ns + 4 * S == driver.due_ns
    assert 2 == driver.skipped_count
    assert 2 == line.stats["skipped_count"]
    await line.close()


async def test_nobody_counts_reads_as_skipped_while_the_device_is_silent(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [silence]
    line = line_to(tcp_server, clock, timeout_s=0.05)
    driver = driver_of(line, METER, clock)
    clock.move(30)
    with pytest.raises(NoReply):
        await driver.read()
    clock.move(30)
    Device(tcp_server)
    line._timeout_s = 10.0
    await driver.read()

    assert 0 == driver.skipped_count
    await line.close()


async def test_nobody_counts_reads_as_skipped_while_the_bus_is_lost(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    await read_all(driver, clock)
    await line.close()
    clock.move(30)
    await line.open()
    await read_all(driver, clock)
    assert 0 == driver.skipped_count

    clock.move(2.5)
    await read_all(driver, clock)
    assert 1 == driver.skipped_count
    assert device.blocks
    await line.close()


async def test_one_refused_register_does_not_cost_its_neighbours(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = "".join(f'[points.p{at}_w]\nregister = "holding:{at}"\n' for at in range(16))
    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text), clock)
    device.refused = {5}
    found = await read_all(driver, clock)

    assert {"m.p5_w"} == {name for name, reading in found.items() if reading.quality is Quality.BAD}
    assert 16 == len(found)
    assert 1 + 2 * 4 == len(device.blocks)

    clock.move(5)
    again = await read_all(driver, clock)
    assert 15 == len(values(again))
    assert not any(start <= 5 < start + count for start, count in device.blocks)

    device.refused = set()
    await driver.open()
    assert 16 == len(values(await read_all(driver, clock)))
    await line.close()


async def test_a_failing_device_is_bad_but_asked_again(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    device.words, device.refused, device.exception = {103: 2301}, {100}, 4
    failed = {reading.point: reading for reading in await driver.read()}
    assert {"m.power_w", "m.voltage_l1_v"} == set(failed)
    assert {"device failure"} == {reading.raw for reading in failed.values()}

    device.refused = set()
    clock.move(1)
    assert 230.1 == (await read_all(driver, clock))["m.voltage_l1_v"].value
    await line.close()


async def test_a_device_behind_a_gateway_that_says_it_is_absent_is_silent(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    device.refused, device.exception = set(range(300)), 11
    failed = await driver.read()
    assert {Quality.BAD} == {reading.quality for reading in failed}
    for _ in range(3):
        clock.move(5)
        with pytest.raises(NoReply, match="failed to respond"):
            await driver.read()

    device.refused = set()
    clock.move(5)
    assert await driver.read()
    await line.close()


async def test_an_absent_service_does_not_silence_the_device(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, METER, clock)
    device.refused, device.exception = {200}, 10
    for _ in range(10):
        found = await read_all(driver, clock)
        clock.move(1)
        assert Quality.GOOD is found["m.power_w"].quality
        assert "m.energy_import_wh" not in found or Quality.BAD is found["m.energy_import_wh"].quality
    await line.close()


async def test_open_says_when_the_gateway_cannot_reach_the_device(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = '[identity]\nserial = { register = "holding:0" }\n[points.power_w]\nregister = "holding:9"\n'
    device.refused, device.exception = {0}, 11
    line = line_to(tcp_server, clock)

    with pytest.raises(NoReply, match="failed to respond"):
        await driver_of(line, profile(text), clock).open()
    await line.close()


async def test_a_bad_value_keeps_the_last_one_known(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = '[points.power_w]\nregister = "holding:0"\nabsent = 0x8000\nhigh = 100\n'
    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text), clock)
    device.words = {0: 42}
    await driver.read()
    for word in (0x8000, 101):
        device.words = {0: word}
        clock.move(5)
        (reading,) = await driver.read()
        assert (42.0, Quality.BAD) == (reading.value, reading.quality)
        assert f"{word:04X}" == reading.raw
    await line.close()


async def test_a_setpoint_is_written_after_its_timer_and_read_back_at_once(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    await read_all(driver, clock)
    assert device.blocks
    clock.move(0.3)
    await driver.write(Command("m.setpoint_w", -1500.0, clock.now_ns() + S))

    assert clock.now_ns() == driver.due_ns
    assert -1500.0 == {reading.point: reading.value for reading in await driver.read()}["m.setpoint_w"]
    assert [(31, 6), (20, 0x10000 - 1500), (20, 1)] == device.blocks
    assert driver.due_ns > clock.now_ns()
    await line.close()


async def test_a_write_without_an_answer_is_read_back_before_anything_else(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    await read_all(driver, clock)
    tcp_server.script = [silence, device.answer]
    clock.move(60)
    line._timeout_s = 0.05
    with pytest.raises(NoReply):
        await driver.write(Command("m.setpoint_w", 100.0, clock.now_ns() + S))
    line._timeout_s = 10.0
    assert device.blocks

    assert ["m.setpoint_w"] == [reading.point for reading in await driver.read()]
    await line.close()


async def test_what_the_device_or_its_limits_refuse_is_refused(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    for point, value in (
        ("m.setpoint_w", 5001.0),
        ("m.setpoint_w", float("nan")),
        ("m.power_w", 1.0),
        ("x.y_w", 1.0),
    ):
        with pytest.raises(Refused):
            await driver.write(Command(point, value, 0))
    assert [] == device.blocks

    device.refused = {20}
    with pytest.raises(Refused, match="illegal data address"):
        await driver.write(Command("m.setpoint_w", 1.0, clock.now_ns() + S))
    await line.close()


async def test_a_write_only_point_is_acknowledged_and_never_read(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    await read_all(driver, clock)
    assert not any(start == 50 for start, _ in device.blocks)
    await driver.write(Command("m.current_max_a", 16.0, clock.now_ns() + S))
    (reading,) = await driver.read()

    assert ("m.current_max_a", 16.0, "acknowledged") == (reading.point, reading.value, reading.raw)
    assert [(50, 16)] == device.blocks
    assert not driver.points["m.current_max_a"].read_back
    await line.close()


async def test_release_gives_each_point_back_as_its_profile_says(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {40: 9000}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    await driver.release()

    # own, its timer put out; the cap; the relay on; nothing for hold
    assert [(30, 1), (31, 0), (40, 1), (40, 4200), (7, 0xFF00)] == device.blocks
    await line.close()


async def test_release_goes_on_after_a_write_that_fails(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {40: 9000}
    line = line_to(tcp_server, clock)
    tcp_server.script = [hang_up, device.answer]

    with pytest.raises(LinkLost, match="closed the connection"):
        await driver_of(line, BATTERY, clock).release()
    assert [(30, 1), (31, 0), (40, 1), (40, 4200), (7, 0xFF00)] == device.blocks
    await line.close()


async def test_release_does_not_wait_for_a_bus_that_stays_lost(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    tcp_server.script = [hang_up]

    with pytest.raises(LinkLost):
        await driver_of(line, BATTERY, clock).release()
    assert [(30, 1), (31, 0)] == device.blocks
    await line.close()


async def test_pauses_of_the_device_are_kept_for_the_device_alone(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = (
        '[limits]\npause_s = 0.5\nwrite_pause_s = 2\n[points.relay_on]\nregister = "coil:1"\nscan = "fast"\n'
    )
    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text + "write = { on_release = 0 }\n"), clock)
    await driver.read()
    assert line.ready_ns(3) == clock.now_ns() + S // 2
    await driver.write(Command("m.relay_on", 1.0, clock.now_ns() + S))

    assert clock.now_ns() + 2 * S == driver.due_ns
    assert line.ready_ns(4) <= clock.now_ns()
    assert device.blocks
    await line.close()


async def test_identity_is_read_at_open(device: Device, tcp_server: TcpServer, clock: HandClock) -> None:
    text = """
    [identity]
    serial = { register = "holding:0", type = "uint32" }
    model = { register = "holding:2", values = { 5 = "AM305" } }
    firmware = { register = "holding:3", type = "string", length = 2 }
    [points.power_w]
    register = "holding:9"
    """
    device.words = {0: 1, 1: 2, 2: 5}
    device.refused = {3}
    line = line_to(tcp_server, clock)

    identity = await driver_of(line, profile(text), clock).open()

    assert {"maker": "ACME", "model": "AM305", "serial": "65538"} == identity
    await line.close()


SCALED = profile(
    """
    [points.power_w]
    register = "input:0"
    type = "int16"
    scale_register = "holding:60"
    [points.setpoint_w]
    register = "holding:1"
    type = "int16"
    scale_register = "holding:60"
    write = { low = -5000, high = 5000, on_release = 0 }
    """
)


async def test_a_scale_register_in_another_block_is_waited_for(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {0: 7, 1: 5, 60: 2}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, SCALED, clock)
    with pytest.raises(Refused, match="scale register"):
        await driver.write(Command("m.setpoint_w", 0.0, 0))
    assert [] == list(driver.releases())
    await read_all(driver, clock)
    clock.move(5)

    assert {"m.power_w": 700.0, "m.setpoint_w": 500.0} == values(await read_all(driver, clock))
    await driver.write(Command("m.setpoint_w", -1200.0, clock.now_ns() + S))
    assert 0x10000 - 12 == device.words[1]
    await line.close()


async def test_open_reads_the_scale_registers_that_writes_need(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {60: 0xFFFF}
    line = line_to(tcp_server, clock)
    driver = driver_of(line, SCALED, clock)
    await driver.open()

    assert [[0]] == [write["values"] for write in driver.releases()]
    await driver.write(Command("m.setpoint_w", 12.5, clock.now_ns() + S))
    assert 125 == device.words[1]
    await line.close()


PARTS = profile(
    """
    [parts.grid.power_w]
    register = "holding:820"
    unit = 100
    [parts.grid.voltage_l1_v]
    register = "holding:821"
    unit = 100
    [parts.battery.power_w]
    register = "holding:842"
    """
)


async def test_only_owned_parts_and_asked_points_are_read(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, PARTS, clock, {"grid": "main"}, {"grid": frozenset({"power_w"})})

    assert ["main.power_w"] == list(driver.points)
    assert "100/holding:820" == driver.points["main.power_w"].address
    await read_all(driver, clock)
    assert [100] == [asked.unit for asked in tcp_server.asked]
    assert [(820, 1)] == device.blocks
    await line.close()


async def test_two_devices_share_a_line(device: Device, tcp_server: TcpServer, clock: HandClock) -> None:
    line = line_to(tcp_server, clock)
    drivers = [
        driver_of(line, PARTS, clock, {"grid": "main"}),
        driver_of(line, PARTS, clock, {"battery": "bat1"}),
    ]
    for driver in drivers:
        await read_all(driver, clock)
        await driver.close()

    assert [100, 3] == [asked.unit for asked in tcp_server.asked]
    assert 1 == tcp_server.connections_count
    assert device.blocks
    await line.close()


@pytest.mark.peer
async def test_a_device_of_another_stack_is_read_written_and_released(
    stack: list[str], start: Start, free_port: int, clock: HandClock
) -> None:
    start([*stack, "tcp", str(free_port)])
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=free_port, timeout_s=5)
    line = FACTORY.line("net", bus, clock)
    driver = driver_of(line, BATTERY, clock)
    await driver.open()
    first = values(await read_all(driver, clock))
    assert 4 == len(first)

    await driver.write(Command("m.setpoint_w", -750.0, clock.now_ns() + S))
    await driver.write(Command("m.relay_on", 0.0, clock.now_ns() + S))
    assert {"m.setpoint_w": -750.0, "m.relay_on": False} == values(await read_all(driver, clock))
    await driver.release()
    clock.move(60)
    found = values(await read_all(driver, clock))
    # its cap stands below the fail-safe one: leaving raises none
    assert 4200.0 > first["m.generation_max_w"]
    assert (first["m.generation_max_w"], True) == (found["m.generation_max_w"], found["m.relay_on"])
    await line.close()
