"""What a profile says of a device is what goes over the wire, read and written, by `quartier read` too."""

import asyncio
from pathlib import Path

import pytest
from tests.drivers.modbus.quirks.conftest import Ours, Serve

from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.discovery.reader import read_once
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.readings import Quality, Value
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QuirkyDevice

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
WIRES = ["tcp", "rtu"]
FOREVER_NS = 2**62


def driver_of(server: QuirkyDevice, line_to: Ours, text: str, head: str = HEAD) -> ModbusDriver:
    line = line_to(server, timeout_s=5.0)
    return ModbusDriver(
        line, DeviceSpec("dev", 1, {"": "m"}), parse_profile(head + text, "acme/am", "a.toml"), LoopClock()
    )


async def values(driver: ModbusDriver) -> dict[str, Value]:
    found: dict[str, Value] = {}
    async with asyncio.timeout(60):
        while found.keys() != driver.points.keys():
            found |= {one.point: one.value for one in await driver.read() if one.quality is Quality.GOOD}
    return found


async def wrote(driver: ModbusDriver, server: QuirkyDevice, value: float) -> bytes:
    (point,) = driver.points
    await driver.write(Command(point, value, FOREVER_NS))
    return server.asked[-1][1]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("place", "write", "value", "pdu", "held"),
    [
        ("coil:9", "{ on_release = 0 }", 0, "05 0009 0000", [0]),
        ("coil:9", "{ on_release = 0, function = 15 }", 1, "0F 0009 0001 01 01", [1]),
        ("holding:9", "{ low = 0, high = 9, on_release = 0 }", 7, "06 0009 0007", [7]),
        ("holding:9", "{ low = 0, high = 9, on_release = 0, function = 16 }", 7, "10 0009 0001 02 0007", [7]),
        ("holding:9", "{ low = 0, high = 9, on_release = 0, function = 22 }", 7, "16 0009 0000 0007", [7]),
        (
            "holding:9",
            "{ low = 0, high = 9, on_release = 0, function = 23 }",
            7,
            "17 0009 0001 0009 0001 02 0007",
            [7],
        ),
    ],
    ids=["5", "15", "6", "16", "22", "23"],
)
async def test_each_point_is_written_by_the_function_that_its_profile_names(
    wire: str, place: str, write: str, value: float, pdu: str, held: list[int], served: Serve, line_to: Ours
) -> None:
    server = await served(wire)
    name = "relay_on" if place.startswith("coil") else "power_max_w"
    driver = driver_of(server, line_to, f'[points.{name}]\nregister = "{place}"\nwrite = {write}\n')

    assert bytes.fromhex(pdu) == await wrote(driver, server, value)
    assert held == server.units[1].get("coil" if name == "relay_on" else "holding", 9)
    assert {f"m.{name}": value} == await values(driver)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_mask_write_leaves_its_neighbours_in_the_register_alone(
    wire: str, served: Serve, line_to: Ours
) -> None:
    server = await served(wire)
    server.units[1].put("holding", 9, [0xA5A5])
    write = "{ low = 0, high = 15, on_release = 0, function = 22 }"
    text = f'[points.mode_index]\nregister = "holding:9"\nbits = [4, 7]\nwrite = {write}\n'
    driver = driver_of(server, line_to, text)
    await wrote(driver, server, 3)

    assert [0xA535] == server.units[1].get("holding", 9)
    assert {"m.mode_index": 3} == await values(driver)
    await driver.release()
    assert [0xA505] == server.units[1].get("holding", 9)


@pytest.mark.parametrize("wire", WIRES)
async def test_binary_coded_decimals_go_both_ways(wire: str, served: Serve, line_to: Ours) -> None:
    server = await served(wire)
    server.units[1].put("holding", 9, [0x0123, 0x4567])
    text = (
        '[points.power_w]\nregister = "holding:9"\ntype = "bcd32"\nscale = 0.1\n'
        "write = { low = 0, high = 1e6, on_release = 0 }\n"
    )
    driver = driver_of(server, line_to, text)

    assert {"m.power_w": 123456.7} == await values(driver)
    assert bytes.fromhex("10 0009 0002 04 00987651") == await wrote(driver, server, 98765.1)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_digit_that_is_none_is_bad(wire: str, served: Serve, line_to: Ours) -> None:
    server = await served(wire)
    server.units[1].put("holding", 9, [0x12A4])
    driver = driver_of(server, line_to, '[points.power_w]\nregister = "holding:9"\ntype = "bcd16"\n')
    (reading,) = await driver.read()

    assert (Quality.BAD, "12A4") == (reading.quality, reading.raw)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("numbers_from", "register", "held"),
    [
        (None, "holding:10", 10.0),
        (0, "holding:10", 10.0),
        (1, "holding:10", 9.0),
        (1, "40010", 9.0),
        (0, "40010", 10.0),
        (1, "30010", 1009.0),
        (1, "400010", 9.0),
    ],
)
async def test_registers_are_asked_for_where_the_manual_means(
    wire: str, numbers_from: int | None, register: str, held: float, served: Serve, line_to: Ours
) -> None:
    head = HEAD if numbers_from is None else f"{HEAD}numbers_from = {numbers_from}\n"
    driver = driver_of(await served(wire), line_to, f'[points.power_w]\nregister = "{register}"\n', head)

    assert {"m.power_w": held} == await values(driver)


@pytest.mark.parametrize("wire", WIRES)
async def test_coils_of_one_block_are_told_apart(wire: str, served: Serve, line_to: Ours) -> None:
    places = (0, 1, 7, 8, 9, 15, 16, 18)
    text = "[limits]\ngap_max = 16\n" + "".join(
        f'[points.relay{place}_on]\nregister = "coil:{place}"\n' for place in places
    )
    driver = driver_of(await served(wire, "dirty-padding"), line_to, text)

    assert 1 == len(driver.jobs)
    assert {f"m.relay{place}_on": place % 3 == 0 for place in places} == await values(driver)


@pytest.mark.parametrize("scan", ["slow", "brisk"])
@pytest.mark.parametrize("wire", WIRES)
async def test_a_value_that_settles_late_is_read_back_when_it_may_have_settled(
    wire: str, scan: str, served: Serve, line_to: Ours
) -> None:
    server = await served(wire, "settles-late", seconds=0.1)
    text = (
        f'[limits]\nsettle_s = 0.5\n[scan]\nbrisk = 0.2\n[points.power_max_w]\nregister = "holding:9"\nscan = "{scan}"\n'
        "write = { low = 0, high = 99, on_release = 0 }\n"
    )
    driver = driver_of(server, line_to, text)
    await values(driver)
    before_ns = LoopClock().now_ns()
    await wrote(driver, server, 77)
    (settled_ns,) = (job.settled_ns for job in driver._jobs)

    assert before_ns + 500_000_000 <= settled_ns < LoopClock().now_ns() + 600_000_000
    asked_ns = 0
    while driver.due_ns < settled_ns:  # a poll of its own that falls in between does not stand for it
        await LoopClock().sleep((driver.due_ns - LoopClock().now_ns()) / 1e9)
        asked_ns = LoopClock().now_ns()
        await driver.read()
    assert settled_ns == driver.due_ns or asked_ns >= settled_ns  # late enough, any poll does
    await LoopClock().sleep((driver.due_ns - LoopClock().now_ns()) / 1e9)
    assert {"m.power_max_w": 77} == await values(driver)


READ = """
[points.power_w]
register = "holding:7"
[points.relay_on]
register = "coil:6"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "am.toml").write_text(HEAD + READ)
    return tmp_path


def url(server: QuirkyDevice, more: str) -> str:
    assert isinstance(server, QuirkyTcpServer | QuirkyRtuSlave)
    return f"{server.url}?unit=1&{more}"


@pytest.mark.parametrize(
    ("name", "wire", "left"),
    [
        ("", "tcp", None),
        ("", "rtu", None),
        ("busy", "tcp", 1),
        ("late", "rtu", 1),
        ("wrong-function", "rtu", 1),
        ("short-answer", "tcp", 1),
        ("twice", "rtu", None),
        ("noise", "rtu", None),
        ("echo", "rtu", None),
        ("foreign-master", "rtu", None),
        ("foreign-twin", "rtu", None),
        ("closes-after-answer", "tcp", None),
        ("cut-answer", "tcp", 1),
    ],
)
async def test_quartier_read_reads_right_in_spite_of(
    name: str, wire: str, left: int | None, served: Serve, folder: Path
) -> None:
    server = await served(wire, name, left=left)
    rows = (await read_once("acme/am", url(server, "timeout_s=0.5&retries_count=3"), [folder])).rows

    assert {"power_w": 7.0, "relay_on": True} == {row.point: row.value for row in rows}


@pytest.mark.parametrize(("name", "wire"), [("silence", "tcp"), ("busy", "rtu"), ("wrong-checksum", "rtu")])
async def test_quartier_read_says_why_a_device_tells_nothing(
    name: str, wire: str, served: Serve, folder: Path
) -> None:
    server = await served(wire, name)

    with pytest.raises(NoReply, match="unit 1"):
        await read_once("acme/am", url(server, "timeout_s=0.1&retries_count=0"), [folder])


async def test_quartier_read_says_that_an_endpoint_hangs_up(served: Serve, folder: Path) -> None:
    server = await served("tcp", "accepts-and-closes")

    with pytest.raises(LinkLost, match="closed the connection"):
        await read_once("acme/am", url(server, "timeout_s=0.5"), [folder])


async def test_quartier_read_shows_what_fails_and_what_does_not(served: Serve, folder: Path) -> None:
    server = await served("tcp", "fails", left=1)
    rows = (await read_once("acme/am", url(server, "timeout_s=5"), [folder])).rows

    assert 1 == sum(row.quality == "GOOD" for row in rows)
    assert ["device failure"] == [row.raw for row in rows if row.quality == "BAD"]
