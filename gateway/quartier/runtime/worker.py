"""Run long jobs in one thread, with a timeout."""

import asyncio
import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from quartier.runtime.supervisor import catch_error

_T = TypeVar("_T")
_LIBC = ctypes.CDLL(None)
_PR_SET_NAME = 15  # prctl(2): what `top -H` and /proc call a thread


class WorkerBusy(Exception):  # noqa: N818 - a state
    """The previous job has not ended yet."""


class WorkerLost(Exception):  # noqa: N818 - a state
    """The thread is gone; the next job gets a new one."""


class Worker:
    """Runs jobs in a thread of its own, which ends with the process.

    A job that does not end blocks the jobs after it and nothing else: neither the loop nor the end of the
    process waits for it.  A thread that is gone, for whatever reason, is replaced.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        """True while a job is running, even one that nobody waits for any more."""
        return self._is_busy

    async def run(self, job: Callable[[], _T], patience_s: float) -> _T:
        """Return or raise the result of the job; wait at most ``patience_s`` real seconds.

        Raises WorkerBusy while the previous job runs, and TimeoutError if it took too long; a later result is
        discarded.  Raises WorkerLost, once, if the thread is gone: its last job may be half done.
        """
        if self._thread is None:
            self._begin()
        elif not self._is_thread_alive(self._thread):
            self._begin()
            raise WorkerLost(self._name)
        if self._is_busy:
            raise WorkerBusy(self._name)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()
        self._is_busy = True

        def tell(value: _T | None, error: Exception | None) -> None:
            self._is_busy = False
            if done.done():
                return
            if error is None:
                done.set_result(value)  # type: ignore[arg-type]  # without an error there is a value
            else:
                done.set_exception(error)

        def work() -> None:
            found = catch_error(job)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell, *found)

        self._queue.put(work)
        async with asyncio.timeout(patience_s):
            return await done

    def _begin(self) -> None:
        """Start a new thread with a new queue: the lost thread may still hold the lock of the old queue."""
        self._queue, self._is_busy = SimpleQueue(), False
        self._thread = threading.Thread(target=self._serve, args=(self._queue,), name=self._name, daemon=True)
        self._thread.start()

    @staticmethod
    def _is_thread_alive(thread: threading.Thread) -> bool:
        """Return whether the kernel knows the thread; Python does not notice one that was ended outside."""
        return Path(f"/proc/self/task/{thread.native_id}").exists()

    def _serve(self, queue: SimpleQueue[Callable[[], None]]) -> None:
        _LIBC.prctl(_PR_SET_NAME, self._name.encode())
        while True:
            queue.get()()
