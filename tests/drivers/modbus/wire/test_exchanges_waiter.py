"""A task goes on inside the call that brought its answer, and never inside another task."""

import asyncio
import contextvars

import pytest

from quartier_drivers.modbus.wire.exchanges import ExchangeWaiter

NAME = contextvars.ContextVar("NAME", default="none")


async def begun(waiter, trail):
    """A task that waits, and notes what it got."""

    async def waits():
        NAME.set("the waiting one")
        try:
            trail.append(await waiter)
        except Exception as error:  # noqa: BLE001 - it is what is looked at
            trail.append(error)
        trail.append(NAME.get())

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    return task


async def test_the_task_goes_on_inside_the_callback_that_settles_it_and_in_its_own_context():
    loop, trail = asyncio.get_running_loop(), []
    waiter = ExchangeWaiter(loop=loop)
    task = await begun(waiter, trail)

    def callback():
        waiter.set_result(b"answer")
        trail.append("back in the callback")

    loop.call_soon(callback)
    await task

    assert [b"answer", "the waiting one", "back in the callback"] == trail


async def test_settled_by_a_task_it_goes_on_in_the_next_turn():
    trail = []
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    task = await begun(waiter, trail)
    waiter.set_result(b"answer")
    at_once = list(trail)
    await task

    assert ([], [b"answer", "the waiting one"]) == (at_once, trail)


async def test_a_failure_is_heard_of_once_who_says_so_has_tidied_up():
    loop, trail = asyncio.get_running_loop(), []
    waiter = ExchangeWaiter(loop=loop)
    task = await begun(waiter, trail)
    error = OSError("gone")

    def callback():
        waiter.set_exception(error)
        trail.append("tidied up")

    loop.call_soon(callback)
    await task

    assert ["tidied up", error, "the waiting one"] == trail


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_settled_already_is_not_waited_for(fails):
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    if fails:
        waiter.set_exception(OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await waiter
    else:
        waiter.set_result(7)
        assert 7 == await waiter
    assert waiter.done()


async def test_a_task_that_is_cancelled_while_it_waits_ends():
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    task = await begun(waiter, [])
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task

    assert waiter.cancelled()
    assert not waiter.cancel()


async def test_a_time_limit_ends_the_wait():
    waiter = ExchangeWaiter(loop=asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waiter

    assert waiter.cancelled()
