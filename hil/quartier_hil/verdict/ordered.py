"""The ledger of orders of a run: what was written to which output, when and why (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A status is read now and then: the ages that it shows of one order differ by less than this.
_SAME_S = 2.0


@dataclass(slots=True)
class Ordered:
    """Consecutive orders of one value and one reason for one point."""

    at_s: float
    point: str
    value: float
    reason: str
    count: int = 1
    last_s: float = 0.0


@dataclass
class Ledger:
    """Every order in order of time; a repetition of the last order of its point only counts there."""

    rows: list[Ordered] = field(default_factory=list)
    _newest: dict[str, Ordered] = field(default_factory=dict)

    def note(self, at_s: float, point: str, value: float, reason: str) -> Ordered:
        """Add one order and return its row."""
        newest = self._newest.get(point)
        if newest is not None and (newest.value, newest.reason) == (value, reason):
            newest.count += 1
            newest.last_s = at_s
            return newest
        row = Ordered(at_s, point, value, reason, last_s=at_s)
        self._newest[point] = row
        self.rows.append(row)
        return row

    def look(self, now_s: float, assets: Mapping[str, Any] | None) -> list[Ordered]:
        """Record the last order of each asset, with reason and age, from the daemon's status.

        Returns the rows that are new.
        """
        found = []
        for shown in (assets or {}).values():
            told = shown.get("command") if isinstance(shown, Mapping) else None
            if told is None:
                continue
            at_s = now_s - told["age_s"]
            newest = self._newest.get(told["point"])
            if newest is None or at_s > newest.last_s + _SAME_S:
                found.append(self.note(at_s, told["point"], told["value"], told["reason"]))
        return found
