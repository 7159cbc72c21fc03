import asyncio
import contextlib
import os
import struct

import pytest

from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.modbus.energy_meters import Em24, Sdm630
from quartier_sim.modbus.framing import build_rtu_frame
from quartier_sim.modbus.io_boards import RelayBoard
from quartier_sim.modbus.victron_gx import Gx

HZ, HZ_ANSWER = bytes.fromhex("04 0033 0001"), bytes.fromhex("04 02 01F4")


class Client:
    """Raw frames on a TCP connection, because a real client hides what is tested here."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, transaction, pdu, unit=1):
        self.writer.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)

    async def receive(self):
        transaction, _, length, _ = struct.unpack(">HHHB", await self.reader.readexactly(7))
        return transaction, await self.reader.readexactly(length - 1)


@pytest.fixture
async def connect():
    clients = []

    async def open_one(endpoint):
        clients.append(Client(*await asyncio.open_connection(endpoint.host, endpoint.port)))
        return clients[-1]

    yield open_one
    for client in clients:
        client.writer.close()
        with contextlib.suppress(OSError):
            await client.writer.wait_closed()


async def test_several_clients_are_served_and_each_gets_its_own_transaction(connect):
    async with await serve_tcp(Em24()) as endpoint:
        one, two = await connect(endpoint), await connect(endpoint)
        one.send(1, HZ)
        two.send(2, HZ)

        assert [(1, HZ_ANSWER), (2, HZ_ANSWER)] == [await one.receive(), await two.receive()]


async def test_requests_that_come_in_one_piece_are_answered_in_order(connect):
    async with await serve_tcp(Em24()) as endpoint:
        client = await connect(endpoint)
        for transaction in range(5):
            client.send(transaction, HZ)

        assert [0, 1, 2, 3, 4] == [(await client.receive())[0] for _ in range(5)]


async def test_a_late_answer_comes_after_younger_ones_with_its_old_id(connect):
    meter = Em24()
    meter.fault("late", seconds=0.5, every=2)
    async with await serve_tcp(meter) as endpoint:
        client = await connect(endpoint)
        for transaction in (1, 2, 3):
            client.send(transaction, HZ)

        assert [1, 3, 2] == [(await client.receive())[0] for _ in range(3)]


async def test_what_is_no_modbus_ends_the_connection(connect):
    async with await serve_tcp(Em24()) as endpoint:
        client = await connect(endpoint)
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")

        assert b"" == await client.reader.read()


async def test_devices_behind_one_gateway_fail_for_themselves(connect):
    well, dead = Em24(unit=1), Em24(unit=2)
    dead.fault("off")
    async with await serve_tcp([well, dead], absent=0x0B) as endpoint:
        client = await connect(endpoint)
        client.send(1, HZ, unit=2)
        client.send(2, HZ, unit=1)

        assert [(1, bytes.fromhex("84 0B")), (2, HZ_ANSWER)] == [
            await client.receive(),
            await client.receive(),
        ]


async def test_a_device_without_power_leaves_the_network_and_comes_back_at_its_address(connect):
    meter = Em24()
    async with await serve_tcp(meter) as endpoint:
        client = await connect(endpoint)
        meter.fault("off")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.receive()
        with pytest.raises(ConnectionError):
            await connect(endpoint)

        meter.clear()
        await endpoint.ready()
        client = await connect(endpoint)
        client.send(9, HZ)
        assert (9, HZ_ANSWER) == await client.receive()


def test_one_unit_cannot_be_two_devices():
    async def serve():
        await serve_tcp([Em24(), Em24()])

    with pytest.raises(ValueError, match="unit 1 is taken twice"):
        asyncio.run(serve())


@pytest.mark.peer
async def test_mbpoll_finds_two_devices_on_one_line(tmp_path, poll):
    meter, board = Sdm630(unit=1), RelayBoard(unit=2)
    meter.publish({"power_w": 1234.5})
    async with await serve_pty([meter, board], tmp_path / "line") as line:
        assert {52: "1234.5"} == (await poll(line, 1, "3:float", 52)).values
        assert {0: "0"} == (await poll(line, 2, "0", 0)).values
        assert "Connection timed out" in (await poll(line, 3, "0", 0, timeout_s=0.2)).said


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("off", {}, "Connection timed out"),
        ("unplugged", {}, "Connection timed out"),
        ("silent", {}, "Connection timed out"),
        ("slow", {"seconds": 3.0}, "Connection timed out"),
        ("late", {"seconds": 3.0}, "Connection timed out"),
        ("garbage", {}, "failed"),
    ],
)
async def test_mbpoll_feels_each_fault_on_a_line(tmp_path, poll, kind, settings, says):
    meter = Sdm630()
    async with await serve_pty(meter, tmp_path / "line") as line:
        meter.fault(kind, **settings)
        hurt = await poll(line, 1, "3:float", 70, timeout_s=0.2)
        meter.clear()

        assert says in hurt.said
        assert {} == hurt.values


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("off", {}, "Connection refused"),
        ("unplugged", {}, "Connection refused"),
        ("silent", {}, "Connection timed out"),
        ("slow", {"seconds": 3.0}, "Connection timed out"),
        ("late", {"seconds": 3.0}, "Connection timed out"),
        ("garbage", {}, "failed"),
    ],
)
async def test_mbpoll_feels_each_fault_on_tcp(poll, kind, settings, says):
    gx = Gx()
    async with await serve_tcp(gx) as endpoint:
        gx.fault(kind, **settings)

        hurt = await poll(endpoint, 100, "4", 843, timeout_s=0.2)
        assert says in hurt.said
        assert {} == hurt.values


@pytest.mark.peer
async def test_mbpoll_sees_stuck_and_wrong_values(poll):
    gx = Gx()
    async with await serve_tcp(gx) as endpoint:
        gx.publish({"battery.power_w": 100.0})
        gx.fault("stuck")
        gx.publish({"battery.power_w": 200.0})
        assert {842: "100"} == (await poll(endpoint, 100, "4", 842)).values

        gx.clear()
        gx.fault("wrong", factor=10)
        gx.publish({"battery.power_w": 200.0})
        assert {842: "2000"} == (await poll(endpoint, 100, "4", 842)).values


@pytest.mark.peer
async def test_a_patient_client_reads_a_slow_device(tmp_path, poll):
    meter = Sdm630()
    meter.fault("slow", seconds=0.2)
    async with await serve_pty(meter, tmp_path / "line") as line:
        assert {70: "50"} == (await poll(line, 1, "3:float", 70, timeout_s=5)).values


async def test_who_is_slow_on_a_line_holds_up_none_of_its_neighbours(tmp_path):
    meter = Sdm630(unit=2)
    meter.fault("slow", seconds=0.3)
    async with await serve_pty([RelayBoard(), meter], tmp_path / "line") as line:
        port = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(port, build_rtu_frame(2, bytes.fromhex("04 0046 0002")))
            await line.quiet()
            os.write(port, build_rtu_frame(1, bytes.fromhex("01 0000 0008")))
            answers = bytearray()
            while len(answers) < 6 + 9:
                answers += await asyncio.to_thread(os.read, port, 64)
        finally:
            os.close(port)

    assert (1, 2) == (answers[0], answers[6]), "the board first, though it was asked after the meter"


async def test_noise_before_a_request_does_not_deafen_the_line(tmp_path):
    async with await serve_pty(RelayBoard(), tmp_path / "line") as line:
        port = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(port, b"\x55\xaa\x01")
            await line.quiet()
            os.write(port, bytes.fromhex("01 01 0000 0008 3DCC"))
            answer = b""
            while len(answer) < 6:
                answer += await asyncio.to_thread(os.read, port, 64)
        finally:
            os.close(port)

    assert bytes.fromhex("01 01 01 00 5188") == answer


async def test_the_port_is_gone_when_the_line_is_closed(tmp_path):
    async with await serve_pty(RelayBoard(), tmp_path / "line") as line:
        assert line.path.exists()

    assert not line.path.is_symlink()
