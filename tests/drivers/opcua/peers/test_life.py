"""Servers that end, hang, forget us, and come back changed."""

import time
from pathlib import Path

import pytest

from quartier_bench.opcua_server_process import OpcuaServerProcess
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.readings import Quality

pytestmark = pytest.mark.peer
POINTS = {"many_w": "Many0", "double_w": "Double"}
SOON = {"poll_s": 1.0, "timeout_s": 1.0}


@pytest.fixture(scope="module")
def server(stack, shared):
    """One server that the tests of this module end and start as they like: node-opcua takes seconds to start."""
    shared.trust()
    with OpcuaServerProcess(
        stack, shared.folder / "log", pki=str(shared.folder / "server"), many="20"
    ) as running:
        yield running


@pytest.fixture
async def ours(server, shared, opened):
    """Our driver on it, well."""
    async with opened(server.url, shared, POINTS, **SOON) as driver:
        await driver.come_in()
        await driver.all(*POINTS)
        yield driver


async def fresh(ours):
    """Two values more of what counts on."""
    for _ in range(2):
        before = ours.readings["many_w"]
        await ours.until(lambda seen, before=before: seen["many_w"].value != before.value)
    assert Quality.GOOD == ours.readings["many_w"].quality


def sockets(server):
    """How many connections its process holds."""
    fds = Path(f"/proc/{server.process.pid}/fd").iterdir()
    return sum(str(one.readlink()).startswith("socket:") for one in fds)


async def lost(ours):
    """Read until the driver says that nobody is there."""
    end_s = time.monotonic() + 60.0  # only ends a test that has failed
    while True:
        assert time.monotonic() < end_s, "the driver never said that the server is silent"
        try:
            await ours.step()
        except (LinkLost, NoReply):
            return


async def test_killed_server_is_missed_and_found_again(server, ours):
    server.kill()
    await lost(ours)
    server.start()
    await fresh(ours)


async def test_a_server_that_hangs_is_missed_and_goes_on(server, ours):
    server.freeze()
    await lost(ours)
    server.thaw()
    await fresh(ours)


async def test_a_connection_that_is_dropped_is_one_less_for_the_server(server, ours):
    """open62541 bears 100; one that merely ends it never notices."""
    ours.line._silent_count = 1
    await ours.line.close()
    await fresh(ours)
    before = sockets(server)
    for _ in range(3):
        ours.line._silent_count = 1
        await ours.line.close()
        await fresh(ours)
    assert before == sockets(server)


async def test_what_a_server_ends_without_a_word_is_found_out_and_made_anew(server, ours, stack):
    """Sessions; and with node-opcua, which can be told to, subscriptions: ended, or alive and mute."""
    orders = ("kill",) if len(stack) == 1 else ("kill", "end", "mute")
    for order in orders:
        assert "ok" == server.ask(order)
        await fresh(ours)


async def test_server_that_comes_back_otherwise_between_two_looks_is_read_by_what_it_grants_now(
    server, ours, shared, opened
):
    """Namespaces in another order; seven nodes of a request; and it publishes each minute where 0.1 s was requested."""
    server.put("Double", 11.0)
    await ours.until(lambda seen: seen["double_w"].value == 11.0)
    server.restart(order="other", limit="7", slowest_ms="60000")
    server.put("Double", 12.0)
    await ours.until(lambda seen: seen["double_w"].value == 12.0)

    points = {f"many{n}_w": f"Many{n}" for n in range(1, 20)} | POINTS
    async with opened(server.url, shared, points, **SOON) as many:
        await many.come_in()
        seen = await many.all(*points)
        await fresh(many)

    assert {Quality.GOOD} == {one.quality for one in seen.values()}
