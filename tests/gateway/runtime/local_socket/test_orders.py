import asyncio
import contextlib
import getpass
import grp
import json
import os
import socket
import stat

import pytest

from quartier.runtime.local_socket import presence
from quartier.runtime.local_socket.orders import (
    ORDER_CONNECTIONS_PER_USER_MAX,
    ORDER_SOCKET,
    REQUEST_MAX_BYTES,
    OrderServer,
    send_order,
)
from quartier.runtime.local_socket.questions import NoDaemon
from quartier.runtime.owned_files import Owner, use_rights
from quartier_drivers.contract import Origin


class Log:
    def __init__(self):
        self.said = []

    def warning(self, event, **data):
        self.said.append((event, data))


@contextlib.asynccontextmanager
async def counter(folder, group=None):
    """Who asked for what; the group is our own, so that the file can be given to it."""
    asked = []

    async def noted(request, who):
        asked.append((request, who))
        return {"done": request.get("asset")}

    log = Log()
    mine = grp.getgrgid(os.getgid()).gr_name
    task = asyncio.create_task(OrderServer(folder, {"override": noted}, log, group or mine).run())
    while not (folder / ORDER_SOCKET).exists():  # noqa: ASYNC110 - the socket is all there is to see
        await asyncio.sleep(0)
    await asyncio.to_thread(send_order, folder, "nothing")  # once it answers, its file is as it stays
    yield asked, log
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)


async def test_who_orders_is_known_by_the_kernels_word(tmp_path):
    async with counter(tmp_path) as (asked, _):
        answer = await asyncio.to_thread(send_order, tmp_path, "override", asset="bat1", name="the mayor")

    assert {"done": "bat1"} == answer
    assert [Origin("person", getpass.getuser(), str(os.getuid()))] == [who for _, who in asked]


async def test_what_depends_on_where_one_stands_is_told_the_process_that_connected(tmp_path):
    asked = []

    async def noted(request, who, asker):
        asked.append((request["text"], who.kind, asker))
        return {"used": True}

    task = asyncio.create_task(OrderServer(tmp_path, {}, Log(), on_site={"apply": noted}).run())
    while not (tmp_path / ORDER_SOCKET).exists():  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    await asyncio.to_thread(send_order, tmp_path, "nothing")
    text = "x" * 100_000
    assert {"used": True} == await asyncio.to_thread(send_order, tmp_path, "apply", text=text)
    assert [(text, "person", presence.find_asking_process(os.getpid()))] == asked
    task.cancel()


async def test_brackets_in_brackets_are_no_order(tmp_path):
    async with counter(tmp_path) as (asked, log):
        reader, writer = await asyncio.open_unix_connection(tmp_path / ORDER_SOCKET)
        writer.write(b"[" * 100_000 + b"\n")
        assert "error" in json.loads(await reader.readline())
        writer.close()

    assert ([], []) == (asked, log.said)


async def test_the_file_is_open_to_its_group_alone(tmp_path):
    async with counter(tmp_path):
        mode = stat.S_IMODE((tmp_path / ORDER_SOCKET).stat().st_mode)

    assert 0o660 == mode


async def test_without_the_group_it_is_root_and_ourselves_alone_and_the_log_says_so(tmp_path):
    async with counter(tmp_path, "no-such-group") as (_, log):
        mode = stat.S_IMODE((tmp_path / ORDER_SOCKET).stat().st_mode)

    assert 0o600 == mode
    assert ["operators.no_group"] == [event for event, _ in log.said]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_a_user_outside_the_group_is_refused_by_the_file_itself(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    groups = os.getgroups()
    async with counter(tmp_path):
        os.setgroups([])
        os.setegid(65534)
        os.seteuid(65534)
        try:
            with pytest.raises(NoDaemon, match="Permission denied"):
                send_order(tmp_path, "override")
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)


@pytest.mark.parametrize(
    "line", [b"hello\n", b"[]\n", b"7\n", b'{"do": "explode"}\n', b"{}\n", b'{"do": []}\n', b"\xff\xfe\n"]
)
async def test_nonsense_is_told_what_may_be_ordered(tmp_path, line):
    async with counter(tmp_path) as (asked, _):
        reader, writer = await asyncio.open_unix_connection(tmp_path / ORDER_SOCKET)
        writer.write(line)
        answer = json.loads(await reader.readline())
        writer.close()

    assert {"error": 'order with {"do": "override", …}'} == answer
    assert [] == asked


async def test_who_says_too_much_is_sent_away_and_the_next_is_served(tmp_path):
    async with counter(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / ORDER_SOCKET)
        writer.write(b"x" * (3 * REQUEST_MAX_BYTES))
        with contextlib.suppress(ConnectionError):
            assert b"" == await reader.read()
        writer.close()
        answer = await asyncio.to_thread(send_order, tmp_path, "override", asset="ev1")

    assert {"done": "ev1"} == answer


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_a_user_who_holds_all_connections_keeps_neither_root_nor_another_user_out(open_path):
    async with counter(open_path):
        (open_path / ORDER_SOCKET).chmod(0o666)
        held = []
        with use_rights(Owner(4711, 4711)):
            held = [
                await asyncio.open_unix_connection(open_path / ORDER_SOCKET)
                for _ in range(ORDER_CONNECTIONS_PER_USER_MAX)
            ]
            for reader, writer in held:  # each is served
                writer.write(b"{}\n")
                await reader.readline()
            reader, writer = await asyncio.open_unix_connection(open_path / ORDER_SOCKET)
            assert "user 4711 holds 4 connections" in json.loads(await reader.readline())["error"]
            writer.close()
        with use_rights(Owner(4712, 4712)):
            reader, other = await asyncio.open_unix_connection(open_path / ORDER_SOCKET)
            other.write(b'{"do": "override", "asset": "ev1"}\n')
            assert {"done": "ev1"} == json.loads(await reader.readline())
        answer = await asyncio.to_thread(send_order, open_path, "override", asset="ev1")
        for _, writer in (*held, (reader, other)):
            writer.close()
            await writer.wait_closed()

    assert {"done": "ev1"} == answer


def test_nobody_there_is_said_with_the_place(tmp_path):
    with pytest.raises(NoDaemon, match=ORDER_SOCKET):
        send_order(tmp_path, "list")


def test_a_socket_that_nobody_serves_is_no_daemon(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / ORDER_SOCKET))
    with pytest.raises(NoDaemon, match="refused"):
        send_order(tmp_path, "list")
