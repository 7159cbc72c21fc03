"""How many connections a user may hold to a local socket."""

import asyncio
import json
import os

import pytest

from quartier.runtime.local_socket.questions import ConnectionLimiter
from quartier.runtime.owned_files import Owner, use_rights

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


@pytest.fixture
async def lines(open_path):
    """``await lines(connections, uid, count)``: what so many connections of a user are told first."""

    async def connect(connections, uid, count=1):
        async def serve(reader, writer):
            with connections.admit(writer) as peer:
                if peer is not None:
                    writer.write(json.dumps({"uid": peer.uid, "pid": peer.pid}).encode() + b"\n")
                    await reader.readline()

        place = open_path / f"{len(servers)}.sock"
        servers.append(await asyncio.start_unix_server(serve, place))
        place.chmod(0o666)
        found = []
        with use_rights(Owner(uid, uid)):
            for _ in range(count):
                reader, writer = await asyncio.open_unix_connection(place)
                writers.append(writer)
                found.append(json.loads(await reader.readline()))
        return found

    servers, writers = [], []
    yield connect
    for one in (*writers, *servers):
        one.close()
        await one.wait_closed()


async def test_the_kernel_names_the_user(lines):
    assert [{"uid": 4711, "pid": os.getpid()}] == await lines(ConnectionLimiter(1, 1), 4711)


async def test_a_user_has_so_many_and_another_one_his_own(lines):
    connections = ConnectionLimiter(2, 10)

    assert ["", "", "user 4711 holds 2 connections already; close one"] == [
        one.get("error", "") for one in await lines(connections, 4711, 3)
    ]
    assert [4712] == [one["uid"] for one in await lines(connections, 4712)]


async def test_all_together_have_so_many_and_root_is_always_admitted(lines):
    connections = ConnectionLimiter(2, 3)
    await lines(connections, 4711, 2)
    await lines(connections, 4712, 1)

    assert "3 connections are open already" in (await lines(connections, 4713))[0]["error"]
    assert [0, 0, 0, 0] == [one["uid"] for one in await lines(connections, 0, 4)]


async def test_who_leaves_makes_room_and_the_daemon_dismisses_all(lines):
    connections = ConnectionLimiter(1, 1)
    await lines(connections, 4711)
    connections.close_all()
    await asyncio.sleep(0)
    while "error" in (await lines(connections, 4711))[0]:  # noqa: ASYNC110 - the connection ends by itself
        await asyncio.sleep(0)
