"""The last decisions for each asset and why, so that a person can see how it came to be as it is."""

from collections import deque
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from quartier_drivers.contract import Command

LAST_COUNT = 8
GIVEN_BACK = "given back to the device's own control"


@dataclass(slots=True)
class Decision:
    """Orders in a row for one point and one reason; ``value`` is that of the last, None: given back."""

    utc_ms: int
    point: str
    value: float | None
    reason: str
    orders_count: int = 1


class Decisions:
    """Noted at the end of each cycle; costs nothing in a cycle that orders nothing."""

    def __init__(self) -> None:
        self._last: dict[str, deque[Decision]] = {}

    def note(self, commands: Iterable[Command], releases: Iterable[str], utc_ms: int) -> None:
        """Note what a cycle ordered, and what it gave back."""
        for command in commands:
            self._note(command.point, command.value, command.reason, utc_ms)
        for point in releases:
            self._note(point, None, GIVEN_BACK, utc_ms)

    def _note(self, point: str, value: float | None, reason: str, utc_ms: int) -> None:
        told = self._last.setdefault(point.partition(".")[0], deque(maxlen=LAST_COUNT))
        if told and (told[-1].point, told[-1].reason) == (point, reason):
            told[-1].value = value
            told[-1].orders_count += 1
        else:
            told.append(Decision(utc_ms, point, value, reason))

    def keep(self, assets: Container[str]) -> None:
        """Forget assets that left the site file."""
        self._last = {name: told for name, told in self._last.items() if name in assets}

    def of(self, asset: str, utc_ms: int) -> list[dict[str, Any]]:
        """The last ones for ``asset``, the newest first, JSON-ready; ages in s."""
        return [
            asdict(decision) | {"age_s": round((utc_ms - decision.utc_ms) / 1e3, 1)}
            for decision in reversed(self._last.get(asset, ()))
        ]
