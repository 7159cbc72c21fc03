"""One thread for what takes long: a job at a time, and nobody waits for one for ever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

from quartier.runtime.supervisor import caught

_T = TypeVar("_T")


class Busy(Exception):  # noqa: N818 - a state
    """The job before has not ended yet."""


class Worker:
    """Runs jobs in a thread of its own, which ends with the process.

    A job that does not end blocks those after it and nothing else: neither the loop nor the end of the
    process waits for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        """Whether a job is in hand, also one that nobody waits for any more."""
        return self._is_busy

    async def run(self, job: Callable[[], _T], patience_s: float) -> _T:
        """What the job returns, or raises; ``patience_s`` are real seconds.

        Raises Busy while the one before is in hand, TimeoutError when it took too long: what it finds then is
        thrown away.
        """
        if self._is_busy:
            raise Busy(self._name)
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
            found = caught(job)
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(tell, *found)

        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._queue.put(work)
        async with asyncio.timeout(patience_s):
            return await done

    def _serve(self) -> None:
        while True:
            self._queue.get()()
