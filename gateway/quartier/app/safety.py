"""Keeps ``release.json`` what would have to be written if the daemon were killed now."""

from pathlib import Path
from typing import Any

from quartier.app.fleet import Fleet
from quartier.runtime import release


class SafetyTable:
    """What was last kept, and whether it still stands there as we wrote it.

    A full folder is no reason to stop steering: it is said once, and tried again; so is one that somebody
    deleted or altered under us.
    """

    def __init__(self, runtime_dir: Path, log: Any) -> None:
        self._runtime_dir = runtime_dir
        self._log = log
        self._table: list[release.Wire] = []
        self._stamps: list[object] = []
        self._fault = ""
        self._reached: list[tuple[bool, object]] = []

    @property
    def fault(self) -> str:
        """Why it cannot be kept now; empty when it can."""
        return self._fault

    def follow(self, fleet: Fleet) -> None:
        """Keep it anew where devices came or went, or what stands in them changed."""
        if fleet.reached() != self._reached:
            self.keep(fleet)

    def keep(self, fleet: Fleet) -> None:
        """Keep it, if it changed or is no longer there."""
        self._reached = fleet.reached()
        table = fleet.release_table()
        if table == self._table and release.stamps(self._runtime_dir) == self._stamps:
            return
        try:
            release.save(self._runtime_dir, table)
            self._stamps = release.stamps(self._runtime_dir)
        except OSError as error:
            if not self._fault:
                self._log.error("release.not_kept", folder=str(self._runtime_dir), why=str(error))
            self._fault = str(error)
        else:
            self._table, self._fault = table, ""
