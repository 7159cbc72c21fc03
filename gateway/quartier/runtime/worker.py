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
    """The job before has not ended yet."""


class WorkerLost(Exception):  # noqa: N818 - a state
    """The thread was gone; the next job finds another."""


class Worker:
    """Runs jobs in a thread of its own, which ends with the process.

    A job that does not end blocks those after it and nothing else: neither the loop nor the end of the
    process waits for it.  A thread that is gone, whatever ended it, is replaced.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        """Return whether a job is in hand, also one that nobody waits for any more."""
        return self._is_busy

    async def run(self, job: Callable[[], _T], patience_s: float) -> _T:
        """Return what the job returns, or raises; ``patience_s`` are real seconds.

        Raises WorkerBusy while the one before is in hand, TimeoutError when it took too long: what it finds
        then is
        thrown away.  Raises WorkerLost, once, where the thread is gone: what it had in hand may be half done.
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
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(tell, *found)

        self._queue.put(work)
        async with asyncio.timeout(patience_s):
            return await done

    def _begin(self) -> None:
        """A new thread with a queue of its own: the lock of the one before may be with who is gone."""
        self._queue, self._is_busy = SimpleQueue(), False
        self._thread = threading.Thread(target=self._serve, args=(self._queue,), name=self._name, daemon=True)
        self._thread.start()

    @staticmethod
    def _is_thread_alive(thread: threading.Thread) -> bool:
        """Return whether the kernel has it: Python does not know of one that ended without it."""
        return Path(f"/proc/self/task/{thread.native_id}").exists()

    def _serve(self, queue: SimpleQueue[Callable[[], None]]) -> None:
        _LIBC.prctl(_PR_SET_NAME, self._name.encode())
        while True:
            queue.get()()
