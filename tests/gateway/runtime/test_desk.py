import asyncio
import contextlib

import pytest

from quartier.runtime.desk import Closed, Desk, ask


@contextlib.asynccontextmanager
async def desk(tmp_path):
    task = asyncio.create_task(Desk(tmp_path, {"status": lambda: {"mode": "INIT"}}).run())
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
        assert {"error": 'ask with {"ask": "status"}'} == await asyncio.to_thread(ask, tmp_path, "secrets")


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


async def test_a_guest_who_stays_does_not_hold_the_daemon_back(tmp_path):
    async with desk(tmp_path):
        _, writer = await asyncio.open_unix_connection(tmp_path / "quartier.sock")
    writer.close()


def test_no_daemon_is_said_with_the_place_that_was_asked(tmp_path):
    with pytest.raises(Closed, match="no daemon answers at .*quartier.sock"):
        ask(tmp_path, "status")
