"""Tasks that a library's callbacks need: each is held until it ends, and none fails without a word."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """All that run now; ``failed`` hears what ended one of them."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run ``work`` beside all else."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    def cancel(self) -> None:
        """End all of them."""
        for task in self._running:
            task.cancel()
