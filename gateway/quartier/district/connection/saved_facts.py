"""Save facts that must survive a restart, in a thread.

A hanging disk counts as one that refuses: nobody waits for it longer than a document may. A save in progress
is awaited before the next one begins, so that older facts never replace newer ones.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from quartier.district.connection.reconnect import NoteReporter
from quartier.district.records import Note
from quartier.runtime import state_file

# Real seconds.
SAVE_TIMEOUT_S = 1.5


class SavedFacts:
    """Files of one folder; of those named in ``twice`` no older copy may come back."""

    def __init__(self, folder: Path, twice: Collection[str], tell: NoteReporter) -> None:
        self._folder = folder
        self._twice = twice
        self._tell = tell
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_hand: dict[str, asyncio.Future[None]] = {}

    async def keep(self, name: str, facts: dict[str, Any]) -> bool:
        """Save the facts durably; return False, with an alarm, if the disk refuses or hangs."""
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S), self._locks[name]:
                if (before := self._in_hand.get(name)) is not None:
                    await asyncio.wait((before,))
                await asyncio.shield(self._start_save(name, facts))
        except OSError as error:  # TimeoutError is one
            what = error.strerror or str(error) or "the disk hangs"
            self._tell(Note("district.not_kept", f"{name}: {what}", {"file": name}, alarm=True))
            return False
        return True

    def _start_save(self, name: str, facts: dict[str, Any]) -> "asyncio.Future[None]":
        save = partial(state_file.save_facts, self._folder / name, facts, twice=name in self._twice)
        begun = self._in_hand[name] = asyncio.get_running_loop().run_in_executor(None, save)
        begun.add_done_callback(_fetch_exception)
        return begun


def _fetch_exception(done: "asyncio.Future[None]") -> None:
    """Fetch the exception: the waiting task may be gone, and then nobody else would."""
    if not done.cancelled():
        done.exception()
