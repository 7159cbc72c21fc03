import asyncio

from quartier_drivers.bacnet.network.library import CallbackTasks


async def test_no_task_fails_without_a_word():
    failed = asyncio.Queue()
    tasks = CallbackTasks(failed.put_nowait)

    async def wrong():
        raise ValueError("it cannot be read")

    tasks.start(wrong(), "wrong")

    assert "it cannot be read" == str(await failed.get())


async def test_a_task_that_is_ended_has_not_failed():
    failed = []
    tasks = CallbackTasks(failed.append)
    began = asyncio.Event()

    async def long():
        began.set()
        await asyncio.Event().wait()

    tasks.start(long(), "long")
    await began.wait()
    running = tuple(tasks._running)
    tasks.cancel()
    await asyncio.wait(running)

    assert [] == failed
