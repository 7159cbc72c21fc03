"""Who is named is let in, as many as may be; a crowd costs nothing that is ours."""

import asyncio
import os
import socket

from tests.drivers.modbus.sharing.conftest import Opened, terms_of

from quartier_drivers.modbus.sharing.server import ACCEPTS_PER_S, IDLE_S, SharingServer

READ, SAID = b"\x03\x00\x0a\x00\x02", b"\x03\x04\x00\x0a\x00\x0b"


async def test_who_is_no_client_is_sent_away_and_remembered(opened: Opened) -> None:
    shared = await opened(terms_of("portal", "10.0.0.1"))
    caller = await shared.call()

    assert await caller.ended()
    assert (1, "127.0.0.1") == (shared.host.strangers_count, shared.host.stranger)


async def test_each_client_has_its_own_limits_by_its_address(opened: Opened) -> None:
    shared = await opened(
        terms_of("reader", "127.0.0.0/8"), terms_of("other", "127.0.0.9", units=frozenset({2}))
    )
    reader = await shared.call()
    other = await shared.call("127.0.0.9")

    assert [SAID, b"\x83\x0a"] == [await reader.ask(READ), await other.ask(READ)]


async def test_one_connection_too_many_is_sent_away_while_the_others_are_at_work(opened: Opened) -> None:
    shared = await opened(terms_of(connections_max=2))
    first, second = await shared.call(), await shared.call()
    assert [SAID, SAID] == [await first.ask(READ), await second.ask(READ)]

    assert await (await shared.call()).ended()
    assert 1 == shared.clients["portal"].counts.turned_away
    assert [SAID, SAID] == [await first.ask(READ), await second.ask(READ)]


async def test_one_that_has_done_nothing_for_long_makes_room(opened: Opened) -> None:
    shared = await opened(terms_of(connections_max=2))
    first, second = await shared.call(), await shared.call()
    assert [SAID, SAID] == [await first.ask(READ), await second.ask(READ)]
    oldest = min(shared.clients["portal"].connections, key=lambda connection: connection.receive_s)
    oldest.receive_s -= IDLE_S + 1
    third = await shared.call()

    assert SAID == await third.ask(READ)
    assert await first.ended()
    assert SAID == await second.ask(READ)


async def test_a_storm_of_connections_costs_a_few_a_second_and_no_descriptor(opened: Opened) -> None:
    shared = await opened(terms_of(connections_max=2))
    good = await shared.call()
    assert SAID == await good.ask(READ)
    before_count = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not paths
    storm, begun_s = [], asyncio.get_running_loop().time()
    for _ in range(300):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", shared.host.port))
        storm.append(one)
    for _ in range(20):
        assert SAID == await good.ask(READ)
    counts = shared.clients["portal"].counts
    seen_count = counts.connects + counts.turned_away + shared.host.strangers_count

    passed_s = asyncio.get_running_loop().time() - begun_s
    assert ACCEPTS_PER_S * (1 + passed_s) + 8 >= seen_count
    for one in storm:
        one.close()
    assert before_count + 2 >= len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as above


async def test_an_address_that_cannot_be_had_is_named_and_tried_again(opened: Opened) -> None:
    shared = await opened()
    second = SharingServer("127.0.0.1", shared.host.port, (), shared.queue)
    task = asyncio.create_task(second.run())
    while not second.why:  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0)

    assert f"cannot listen at 127.0.0.1:{shared.host.port}: Address already in use" == second.why
    assert not second.listens
    task.cancel()
    await asyncio.wait([task])


async def test_it_listens_on_ipv6_too(opened: Opened) -> None:
    shared = await opened(terms_of("portal", "::1"))
    host = SharingServer("::1", 0, list(shared.clients.values()), shared.queue)
    task = asyncio.create_task(host.run())
    while not (host.listens or host.why):  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0)
    if host.listens:  # a machine may have none
        reader, writer = await asyncio.open_connection("::1", host.port)
        writer.write(b"\0\1\0\0\0\6\1" + READ)
        assert SAID == (await reader.readexactly(13))[7:]
        writer.close()
    task.cancel()
    await asyncio.wait([task])


async def test_when_it_ends_nobody_is_left(opened: Opened) -> None:
    shared = await opened()
    caller = await shared.call()
    assert SAID == await caller.ask(READ)
    shared.host.close()

    assert await caller.ended()
    assert not shared.host.listens
