import asyncio
import contextlib
import os
import socket
import threading
from pathlib import Path

import pytest

from quartier.runtime.local_socket.questions import (
    QUESTION_CONNECTIONS_PER_USER_MAX,
    ROWS_PER_PORTION,
    NoDaemon,
    QuestionServer,
    _split_answer,
    ask,
)
from quartier.runtime.owned_files import Owner, use_rights


@contextlib.asynccontextmanager
async def desk(tmp_path, about=None):
    answers = {"status": lambda: {"mode": "INIT"}, "all": lambda: iter(range(1234)), "none": lambda: iter(())}
    task = asyncio.create_task(QuestionServer(tmp_path, answers, about or {}).run())
    while not (tmp_path / "quartier.sock").exists():  # noqa: ASYNC110 - the socket is all there is to see
        await asyncio.sleep(0)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_question_is_answered(tmp_path):
    async with desk(tmp_path):
        assert {"mode": "INIT"} == await asyncio.to_thread(ask, tmp_path, "status")


async def test_an_unknown_question_is_told_what_may_be_asked(tmp_path):
    async with desk(tmp_path):
        assert {"error": 'ask with {"ask": "status|all|none"}'} == await asyncio.to_thread(
            ask, tmp_path, "secrets"
        )


async def test_a_question_may_be_about_one_thing_and_nothing_is_null(tmp_path):
    about = {"device": {"gx": {"state": "good"}}.get, "points": {"gx": [1, 2]}.get}
    async with desk(tmp_path, about):
        for expected, question in (
            ({"state": "good"}, ("device", "gx")),
            ([1, 2], ("points", "gx")),
            (None, ("device", "gy")),
        ):
            assert expected == await asyncio.to_thread(ask, tmp_path, *question)
        told = await asyncio.to_thread(ask, tmp_path, "status", "gx")

    expected = 'ask with {"ask": "status|all|none"}, or {"ask": "device|points", "of": NAME}'
    assert {"error": expected} == told


async def test_a_daemon_that_dies_in_the_middle_of_its_answer_gave_none(tmp_path):
    async def half(reader, writer):
        await reader.readline()
        writer.write(b'{"mode": "IN')
        writer.close()

    server = await asyncio.start_unix_server(half, tmp_path / "quartier.sock")
    with pytest.raises(NoDaemon, match="without an answer"):
        await asyncio.to_thread(ask, tmp_path, "status")
    server.close()


async def test_a_long_answer_is_one_line_too_and_lets_others_work_meanwhile(tmp_path):
    async with desk(tmp_path):
        asked = asyncio.create_task(asyncio.to_thread(ask, tmp_path, "all"))
        while not asked.done():  # noqa: ASYNC110 - this is the other one who works
            await asyncio.sleep(0)

        assert list(range(1234)) == await asked
        assert [] == await asyncio.to_thread(ask, tmp_path, "none")


def test_a_long_answer_is_made_portion_by_portion():
    taken = iter(range(1000))
    next(_split_answer(taken))

    assert ROWS_PER_PORTION == next(taken)


async def test_nonsense_costs_only_the_one_who_talks_it(tmp_path):
    async with desk(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "quartier.sock")
        writer.write(b"x" * 100_000)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            while await reader.read(1000):
                pass
        writer.close()

        assert {"mode": "INIT"} == await asyncio.to_thread(ask, tmp_path, "status")


@pytest.mark.parametrize(
    "line", [b"[" * 4_000, b'{"ask":' * 500, b'{"ask": ["status"]}', b'{"ask": "x", "of": []}']
)
async def test_a_deep_question_is_refused_in_one_line(tmp_path, line):
    async with desk(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "quartier.sock")
        writer.write(line + b"\n")
        assert b"ask with" in await reader.readline()
        writer.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_a_thousand_idle_connections_of_one_user_hold_eight_descriptors_and_root_still_looks(open_path):
    def descriptors():
        return len([*Path("/proc/self/fd").iterdir()])

    async with desk(open_path):
        place = str(open_path / "quartier.sock")
        await asyncio.to_thread(ask, open_path, "status")  # once it answers, its file is as it stays
        os.chmod(place, 0o666)  # noqa: PTH101 - a path of asyncio
        before, held = descriptors(), []
        with contextlib.ExitStack() as stack:
            for _ in range(1000):
                held.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
                with use_rights(Owner(4711, 4711)):
                    await asyncio.to_thread(held[-1].connect, place)
            assert {"mode": "INIT"} == await asyncio.to_thread(ask, open_path, "status")
            for refused in held[QUESTION_CONNECTIONS_PER_USER_MAX:]:
                assert b"close one" in refused.recv(1000)
            assert 2 * QUESTION_CONNECTIONS_PER_USER_MAX > descriptors() - before - len(held)


def test_a_desk_that_is_full_is_said_by_the_command(tmp_path):
    def refuse():
        with full.accept()[0] as client:
            client.sendall(b'{"error": "is full", "busy": true}\n')

    with socket.socket(socket.AF_UNIX) as full:
        full.bind(str(tmp_path / "quartier.sock"))
        full.listen()
        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(NoDaemon, match=r"quartier\.sock: is full"):
            ask(tmp_path, "status")
        thread.join()


async def test_a_client_that_stays_does_not_hold_the_daemon_back(tmp_path):
    async with desk(tmp_path):
        _, writer = await asyncio.open_unix_connection(tmp_path / "quartier.sock")
    writer.close()


def test_no_daemon_is_said_with_the_place_that_was_asked(tmp_path):
    with pytest.raises(NoDaemon, match="no daemon answers at .*quartier.sock"):
        ask(tmp_path, "status")
