import asyncio

import pytest

from quartier_bench.torture.broker_connection import LinkShape, Relay, compute_start_s


@pytest.fixture
async def far():
    """A server that says everything back; its port."""

    async def serve(reader, writer):
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def relay(far):
    made = Relay(far)
    await made.start()
    yield made
    await made.stop()


async def test_it_passes_both_ways_and_counts(relay):
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"hello")

    assert b"hello" == await reader.readexactly(5)
    assert (1, 10) == (relay.connections_count, relay.forwarded_bytes)
    writer.close()


async def test_what_it_swallows_is_gone_and_the_connection_stays(relay):
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"1")
    await reader.readexactly(1)
    relay.drops_data = True
    writer.write(b"2")
    while relay.dropped_bytes < 1:  # noqa: ASYNC110 - the relay's turn is no event of ours
        await asyncio.sleep(0)
    relay.drops_data = False
    writer.write(b"3")

    assert b"3" == await reader.readexactly(1)
    writer.close()


async def test_a_cut_ends_connections_and_the_next_one_comes_in(relay):
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"1")
    await reader.readexactly(1)
    relay.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"2")
    assert b"2" == await reader.readexactly(1)
    writer.close()


async def test_stopped_it_is_not_there_and_started_it_is_on_the_same_port(relay):
    port = relay.port
    await relay.stop()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)
    await relay.start()

    assert port == relay.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def test_a_segment_takes_its_bytes_and_a_lost_one_the_time_out_too():
    sound, lossy = LinkShape(1_000.0), LinkShape(1_000.0, loss=0.1)
    relay = Relay(1)

    assert 1.46 == relay.delay_s(1_460, sound)
    delays = sorted(relay.delay_s(1_000, lossy) for _ in range(1_000))
    assert 1.0 == delays[500]
    assert 850 < delays.count(1.0) < 950
    assert 1.0 + 0.2 + 1.0 == delays[950]


@pytest.mark.parametrize(
    ("before_s", "begins"), [(100.5, 100.5), (99.99, 99.99), (99.0, 100.0), (0.0, 100.0)]
)
def test_a_machine_that_wakes_late_makes_no_link_slower_and_an_idle_one_saves_nothing_up(before_s, begins):
    assert begins == compute_start_s(before_s, 100.0)
