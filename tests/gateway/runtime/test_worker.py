"""One thread for long jobs: what they find comes back, and a job that hangs holds up nobody else."""

import asyncio
import ctypes
import os
import threading
from pathlib import Path

import pytest

from quartier.runtime.worker import Worker, WorkerBusy, WorkerLost


async def test_a_job_runs_in_a_thread_of_its_own_and_its_value_comes_back():
    worker = Worker("planner")

    assert "planner" == await worker.run(lambda: threading.current_thread().name, 60)
    assert not worker.is_busy


async def test_every_job_runs_in_the_same_thread():
    worker = Worker("planner")

    assert 1 == len({await worker.run(threading.get_ident, 60) for _ in range(3)})


async def test_what_a_job_raises_is_raised_where_it_is_waited_for_and_the_next_one_runs():
    worker = Worker("planner")

    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0, 60)
    assert 2 == await worker.run(lambda: 2, 60)


async def test_a_job_that_hangs_is_left_to_itself_and_none_begins_beside_it():
    worker, gate = Worker("planner"), threading.Event()

    with pytest.raises(TimeoutError):
        await worker.run(gate.wait, 0.01)
    assert worker.is_busy
    with pytest.raises(WorkerBusy):
        await worker.run(lambda: 1, 60)
    gate.set()
    async with asyncio.timeout(60):  # only ends a test that has failed
        while worker.is_busy:  # noqa: ASYNC110 - the thread is all there is to see
            await asyncio.sleep(0)
    assert 3 == await worker.run(lambda: 3, 60)


async def test_the_thread_bears_its_name_for_the_kernel_too():
    def told():
        return Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip()

    assert "planner" == await Worker("planner").run(told, 60)


def _vanishes():
    """Ends this thread as a fault does: Python thinks for ever that it lives, and that it is at work."""
    libc, exit_number = ctypes.CDLL(None), 60 if os.uname().machine == "x86_64" else 93
    libc.syscall(exit_number, 0)  # without the lock of Python: ctypes gives it back first


async def test_a_thread_that_is_gone_is_told_once_and_replaced():
    worker = Worker("planner")
    before = await worker.run(threading.get_native_id, 60)

    with pytest.raises(TimeoutError):
        await worker.run(_vanishes, 0.05)
    async with asyncio.timeout(60):  # only ends a test that has failed
        while Path(f"/proc/self/task/{before}").exists():  # noqa: ASYNC110, ASYNC240 - the kernel tells nobody
            await asyncio.sleep(0)
    with pytest.raises(WorkerLost):
        await worker.run(lambda: 1, 60)
    assert before != await worker.run(threading.get_native_id, 60)
    assert not worker.is_busy


async def test_a_loop_that_is_gone_is_told_nothing():
    gate, ended = threading.Event(), threading.Event()

    def job():
        gate.wait()
        threading.Timer(0, ended.set).start()

    async def short():
        with pytest.raises(TimeoutError):
            await Worker("planner").run(job, 0.01)

    other = threading.Thread(target=lambda: asyncio.run(short()))
    other.start()
    other.join()
    gate.set()
    assert await asyncio.to_thread(ended.wait, 60)
