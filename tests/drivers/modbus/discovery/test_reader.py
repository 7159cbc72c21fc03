"""One device is read once, without a site."""

import asyncio
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.modbus.conftest import Cable, Start, TcpServer, silence, tcp

from quartier_drivers.errors import ConfigError, LinkLost, NoReply
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.discovery.reader import parse_target, read_once

PROFILE = """
[profile]
protocol = "modbus"
maker = "ACME"
model = "AM300"
source = "s"
[identity]
serial = { register = "holding:7" }
[points.power_w]
register = "input:100"
[points.charge_state]
register = "input:2"
values = { 2 = "charging" }
scan = "slow"
[points.plugged_on]
register = "discrete:4"
[points.power_l1_w]
register = "input:998"
type = "float64"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "am300.toml").write_text(PROFILE)
    return tmp_path


def by_point(rows: list[Any]) -> dict[str, tuple[Any, ...]]:
    return {row.point: tuple(row)[1:] for row in rows}


@pytest.mark.peer
async def test_every_point_is_a_row_with_value_unit_raw_and_quality(
    stack: list[str], start: Start, free_port: int, folder: Path
) -> None:
    start([*stack, "tcp", str(free_port)])
    url = f"tcp://127.0.0.1:{free_port}?timeout_s=5&unit=1"

    rows = by_point((await read_once("acme/am300", url, [folder])).rows)

    assert "identity.maker" not in rows, "the profile states it, the device does not"
    assert rows["identity.serial"][0] in {"49", "50"}  # 7 n, and npm's adds the unit
    assert (100.0, "W", "0064", "GOOD") == rows["power_w"]
    assert (2, "", "0002 (charging)", "GOOD") == rows["charge_state"]
    assert (True, "", "1", "GOOD") == rows["plugged_on"]
    assert (None, "W", "refused", "BAD") == rows["power_l1_w"]


@pytest.mark.peer
async def test_a_serial_device_is_read_the_same_way(
    libmodbus: list[str], start: Start, cable: Cable, folder: Path
) -> None:
    start([*libmodbus, "rtu", cable.theirs])
    url = f"modbus-rtu://{cable.ours}?baud=9600&timeout_s=5"

    assert 100.0 == by_point((await read_once("acme/am300", url, [folder])).rows)["power_w"][0]


async def test_a_device_that_says_nothing_is_no_reply(tcp_server: TcpServer, folder: Path) -> None:
    tcp_server.script = [silence]
    url = f"modbus-tcp://127.0.0.1:{tcp_server.port}?timeout_s=0.05&retries_count=0"

    with pytest.raises(NoReply, match="unit 9"):
        await read_once("acme/am300", url, [folder], unit=9)


async def test_a_silent_block_leaves_rows_without_a_value(tcp_server: TcpServer, folder: Path) -> None:
    tcp_server.script = [
        lambda asked: (
            tcp(asked.number, asked.unit, bytes([asked.pdu[0], 2, 0, 5]))
            if asked.pdu[4] == 1 < asked.pdu[0]
            else b""
        )
    ]
    url = f"modbus-tcp://127.0.0.1:{tcp_server.port}?timeout_s=0.5&retries_count=0"

    rows = by_point((await read_once("acme/am300", url, [folder])).rows)

    assert (5.0, "W", "0005", "GOOD") == rows["power_w"]
    assert (None, "W", "no reply", "BAD") == rows["power_l1_w"]


async def test_an_endpoint_that_is_not_there_is_a_lost_link(free_port: int, folder: Path) -> None:
    with pytest.raises(LinkLost):
        await read_once("acme/am300", f"tcp://127.0.0.1:{free_port}", [folder])


async def test_an_unknown_profile_is_named_with_the_nearest(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"acme/am30: profile: .*'acme/am300'"):
        await read_once("acme/am30", "tcp://h", [folder])


def test_urls_name_a_bus_and_a_unit() -> None:
    assert (TcpBus(kind="modbus-tcp", host="meter.lan", port=502), 1) == parts("tcp://meter.lan")
    assert (TcpBus(kind="modbus-tcp", host="::1", port=1502), 7) == parts("modbus-tcp://[::1]:1502?unit=7")
    assert (
        RtuBus(kind="modbus-rtu", port="/dev/ttyUSB0", baud=19200, parity="E", timeout_s=0.5),
        2,
    ) == parts("modbus-rtu:///dev/ttyUSB0?baud=19200&parity=E&timeout_s=0.5&unit=2")
    assert (RtuBus(kind="modbus-rtu", port="usb:A50285BI"), 1) == parts("rtu://usb:A50285BI")


def parts(url: str) -> tuple[TcpBus | RtuBus, int]:
    found = parse_target(url)
    return found.bus, found.unit


def test_the_unit_asked_for_wins_over_the_urls() -> None:
    assert 5 == parse_target("tcp://h?unit=7", unit=5).unit


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://h", "'http' is unknown, expected tcp://HOST"),
        ("127.0.0.1:15020", "url: '127.0.0.1:15020' has no scheme; write tcp://127.0.0.1:15020$"),
        ("gx.lan?unit=2", "'gx.lan' has no scheme; write tcp://gx.lan$"),
        ("/dev/ttyUSB0", "write rtu:///dev/ttyUSB0$"),
        ("usb:A50285BI", "write rtu://usb:A50285BI$"),
        ("", "'' has no scheme; expected tcp://HOST"),
        ("rtu://devices/rs485", "port: 'devices/rs485' is no serial port; expected usb:SERIAL or an abs"),
        ("rtu://devices/rs485", "or an absolute path, as in rtu:///dev/ttyUSB0$"),
        ("tcp://h:99999", "url: "),
        ("tcp://h?unit=300", "unit: '300' is wrong, expected 0..255"),
        ("tcp://h?baud=9600", "baud: is an unknown key; expected one of "),
        ("tcp://h?unite=3", "unite: is an unknown key; did you mean 'unit'"),
        ("rtu:///dev/ttyS0?baud=9601", "baud: 9601 is wrong, expected 1200"),
    ],
)
def test_a_faulty_url_is_named(url: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        parse_target(url)


async def test_a_profile_of_another_protocol_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match="speaks gpio; expected one that speaks modbus"):
        await read_once("linux/gpio", "tcp://127.0.0.1:1")


async def test_a_connection_that_is_reset_is_told_in_words_without_the_number_of_the_error(
    folder: Path,
) -> None:
    def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkLost, match=r"closed the connection: Connection reset by peer before"):
            await read_once("acme/am300", f"tcp://127.0.0.1:{port}?timeout_s=5", [folder])
