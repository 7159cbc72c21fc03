"""Says in the log what the history suffers: once when it begins, once when it is over."""

from collections.abc import Callable, Mapping
from typing import Any


class Disk:
    """Looks at the figures of the store; each change is one line, and an alarm is noticed by its code."""

    def __init__(self, log: Any, notice: Callable[[str, str], None] = lambda _code, _text: None) -> None:
        self._log = log
        self._notice = notice
        self._error = ""
        self._aside = ""
        self._gaps_count = 0
        self._renewed_count = 0

    def look(self, stats: Mapping[str, Any]) -> None:
        """Tell what has changed since the last look (see ``Store.stats``)."""
        if (error := str(stats.get("error", ""))) != self._error:
            if not error:
                self._log.info("store.back")
            elif not self._error:
                self._log.error("store.failing", why=error)
            self._error = error
        if (aside := str(stats.get("set_aside", ""))) != self._aside:
            self._aside = aside
            self._log.error("store.set_aside", why="the history was damaged", kept_as=aside)
            self._notice("store.set_aside", f"the history was damaged, and is kept as {aside}")
        if (renewed_count := int(stats.get("renewed_count", 0))) > self._renewed_count:
            self._renewed_count = renewed_count
            why = "the history was removed while in use, and is begun anew"
            self._log.error("store.file_lost", why=why)
            self._notice("store.file_lost", why)
        if (gaps_count := int(stats.get("gaps_count", 0))) > self._gaps_count:
            more_count = gaps_count - self._gaps_count
            self._log.warning(
                "store.gap", count=more_count, why="see quartier history --points 'event.store.gap'"
            )
            gaps = "gap" if more_count == 1 else "gaps"
            self._notice("store.gap", f"samples are missing in the history: {more_count} more {gaps}")
        self._gaps_count = gaps_count
