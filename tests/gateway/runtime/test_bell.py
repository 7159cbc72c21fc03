import asyncio
import time

import pytest

from quartier.runtime import bell
from quartier.runtime.bell import Bell


@pytest.fixture(params=["the kernel's timer", "none to be had"])
def kind(request, monkeypatch):
    if request.param == "none to be had":
        monkeypatch.setattr(bell, "_created", lambda: -1)
    return request.param


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 0.0004, 0.003])
async def test_nobody_is_woken_too_early(kind, seconds):
    one = Bell()
    for _ in range(5):
        begun_s = time.monotonic()
        await one.sleep(seconds)
        early_s = seconds - (time.monotonic() - begun_s)
        assert early_s <= (0.0 if kind == "the kernel's timer" else time.get_clock_info("monotonic").resolution)


async def test_seconds_are_those_of_the_house(kind):
    begun_s = time.monotonic()
    await Bell(rate=1e6).sleep(10_000.0)
    assert kind
    assert 0.01 <= time.monotonic() - begun_s + time.get_clock_info("monotonic").resolution


async def test_a_wait_that_was_broken_off_does_not_end_the_next(kind):
    one = Bell()
    broken_off = asyncio.create_task(one.sleep(0.002))
    await asyncio.sleep(0)
    broken_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await broken_off
    begun_s = time.monotonic()
    await one.sleep(0.02)
    assert kind
    assert 0.02 <= time.monotonic() - begun_s + time.get_clock_info("monotonic").resolution


async def test_one_that_rang_unheard_does_not_end_the_next():
    one = Bell()
    broken_off = asyncio.create_task(one.sleep(0.001))
    await asyncio.sleep(0)
    time.sleep(0.003)  # noqa: ASYNC251 - the loop must not hear it
    broken_off.cancel()
    begun_s = time.monotonic()
    await one.sleep(0.02)
    assert 0.02 <= time.monotonic() - begun_s


async def test_without_the_kernels_word_it_waits_as_asyncio_does(monkeypatch):
    one = Bell()
    monkeypatch.setattr(one, "_set", lambda _seconds: False)
    begun_s = time.monotonic()
    await one.sleep(0.005)
    assert 0.005 <= time.monotonic() - begun_s + time.get_clock_info("monotonic").resolution


def test_a_bell_goes_from_one_loop_to_the_next():
    one = Bell()
    for _ in range(2):
        asyncio.run(one.sleep(0.001))
    assert one is not None
