"""A line to a real server: what it learns at the beginning, and how it is lost."""

import asyncio
import socket

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import Expired, LinkLost, NoReply
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.session_types import VALUE_ATTRIBUTE
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.transport.event_loop import LoopClock


def power(line):
    place = line.place(parse_node(f"nsu={URI};s=Power"))
    return line.prepare_read([(place, VALUE_ATTRIBUTE, None)], 0.0)


async def test_an_open_line_knows_namespaces_limits_and_who_built_the_server(line):
    assert URI in line.namespaces
    assert "FreeOpcUa" == line.built["maker"]
    assert 1 == line.epoch
    assert 1 <= line.read_max <= 200
    assert line.place(parse_node("nsu=urn:nobody;s=x")) is None


async def test_a_value_comes_with_status_and_stamps(line, plant):
    plant.set("Power", 1234.5)

    found = await line.read(power(line), 1)

    (one,) = found.values
    assert (1234.5, 0) == (one.raw, one.status)
    assert 0 <= found.sent - one.source < 600 * 10_000_000


async def test_many_ask_and_each_gets_its_own_answer(line):
    many = await asyncio.gather(*(line.read(power(line), 1) for _ in range(10)))

    assert 10 == len(many)
    assert line.stats["requests_count"] >= 10


async def test_what_expired_while_it_waited_is_not_written(line, plant):
    place = line.place(parse_node(f"nsu={URI};s=Valve"))
    before = plant.get("Valve")

    with pytest.raises(Expired):
        await line.write([(place, None, 4, 77)], expires_ns=0)

    assert before == plant.get("Valve")


async def test_an_answer_that_makes_no_sense_is_no_reply(line):
    with pytest.raises(NoReply, match="rubbish"):
        await line.read(power(line), 2)

    assert 1 == line.stats["rubbish_count"]


async def test_a_closed_line_is_lost_and_opens_anew(line):
    await line.close()
    with pytest.raises(LinkLost, match="closed the connection"):
        await line.pulse()

    await line.open()
    await line.pulse()

    assert 2 == line.epoch


async def test_one_that_is_not_there_is_named(section, trusting, free_port):
    del trusting
    made = OpcuaLine("plant", section(url=f"opc.tcp://127.0.0.1:{free_port}"), LoopClock())

    with pytest.raises(LinkLost, match="Connection refused"):
        await made.open()
    assert not made.is_back()


async def test_one_that_takes_the_connection_and_says_nothing_is_lost_too(section, trusting):
    del trusting
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1]
        made = OpcuaLine("plant", section(url=f"opc.tcp://127.0.0.1:{port}", timeout_s=0.2), LoopClock())

        with pytest.raises(LinkLost, match="is silent"):
            await made.open()
        assert not any(made.is_back() for _ in range(3))
        await made.close()


async def test_two_silences_in_a_row_are_the_end_of_the_connection(line, plant):
    line._session._client.uaclient.protocol.timeout = 0.05
    with plant.held():
        with pytest.raises(NoReply):
            await line.pulse()
        with pytest.raises(LinkLost):
            await line.pulse()

    assert 2 == line.stats["timeouts_count"]


async def test_a_name_that_does_not_exist_is_said(section):
    made = OpcuaLine("plant", section(url="opc.tcp://plant.invalid:4840"), LoopClock())

    with pytest.raises(LinkLost, match="plant.invalid"):
        await made.open()
