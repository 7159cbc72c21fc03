"""One at a time, in the order of asking, whoever is cancelled meanwhile."""

import asyncio

import pytest

from quartier_drivers.transport.event_loop import FairLock


async def waits(turn: FairLock, name: str, trail: list[str]) -> None:
    await turn.wait()
    trail.append(name)
    turn.give()


async def begun(turn: FairLock, names: str, trail: list[str]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(waits(turn, name, trail)) for name in names]
    await asyncio.sleep(0)
    return tasks


def test_it_is_taken_by_one_alone_and_free_again_once_given() -> None:
    turn = FairLock()

    assert turn.take()
    assert not turn.take()
    turn.give()
    assert turn.take()


async def test_it_is_given_in_the_order_of_asking_and_nobody_comes_in_between() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    tasks = await begun(turn, "abc", trail)

    turn.give()
    assert not turn.take()
    await asyncio.gather(*tasks)

    assert ["a", "b", "c"] == trail
    assert turn.take()


async def test_who_is_cancelled_while_he_waits_is_passed_over() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    first, *others = await begun(turn, "abc", trail)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    turn.give()
    await asyncio.gather(*others)

    assert ["b", "c"] == trail


async def test_who_is_cancelled_just_when_it_is_his_passes_it_on() -> None:
    turn, trail = FairLock(), list[str]()
    turn.take()
    first, *others = await begun(turn, "abc", trail)
    turn.give()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.gather(*others)

    assert ["b", "c"] == trail
    assert turn.take()
