import asyncio

import pytest

from quartier_sim.opcua.fault_relay import FaultRelay
from quartier_sim.opcua.plants import WasteTerminal

PATIENCE_S = 60.0


@pytest.fixture
async def relay():
    """Before a server that says back what it hears."""

    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    made = FaultRelay(WasteTerminal(), "127.0.0.1", 0)
    made.inner = server.sockets[0].getsockname()[1]
    await made.listen()
    yield made
    await made.close()
    server.close()


async def asked(relay, word=b"word"):
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(word)
    return reader, writer


async def heard(reader):
    """What comes next; nothing where the other side hung up, however rudely."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read(100)
        except ConnectionError:
            return b""


async def test_a_well_wire_carries_both_ways(relay):
    reader, writer = await asked(relay)

    assert b"word" == await heard(reader)
    writer.close()


async def test_who_has_no_power_has_no_port_and_returns_to_the_same(relay):
    reader, writer = await asked(relay)
    await heard(reader)
    relay.device.fault("off")

    assert b"" == await heard(reader)
    with pytest.raises(ConnectionRefusedError):
        await asked(relay)
    relay.device.clear("off")
    await relay.ready()
    again, other = await asked(relay)
    assert b"word" == await heard(again)
    for one in (writer, other):
        one.close()


async def test_silence_holds_what_was_asked_until_it_ends(relay):
    relay.device.fault("silent")
    reader, writer = await asked(relay)
    waiting = asyncio.ensure_future(heard(reader))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    relay.device.clear("silent")

    assert b"word" == await waiting
    writer.close()


async def test_a_loose_contact_is_silent_by_turns(relay):
    relay.device.tick(0.0)
    relay.device.fault("intermittent", seconds=10.0)
    reader, writer = await asked(relay)
    waiting = asyncio.ensure_future(heard(reader))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    relay.device.tick(10.0)

    assert b"word" == await waiting
    writer.close()


async def test_noise_comes_in_place_of_answers(relay):
    relay.device.fault("garbage")
    reader, writer = await asked(relay)

    assert b"word" not in await heard(reader)
    writer.close()


async def test_a_slow_answer_comes_after_its_seconds(relay):
    relay.device.fault("slow", seconds=0.05)
    started_s = asyncio.get_running_loop().time()
    reader, writer = await asked(relay)
    await heard(reader)

    assert asyncio.get_running_loop().time() - started_s >= 0.05
    writer.close()


async def test_a_server_that_is_gone_hangs_up(relay):
    relay.inner = 1  # nobody listens there
    reader, writer = await asked(relay)

    assert b"" == await heard(reader)
    writer.close()
