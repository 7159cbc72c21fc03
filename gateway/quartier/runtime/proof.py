"""What was seen of a device's timer when it was let run out, by ``quartier probe ASSET --watch-timer``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a timer declared with ``after_s`` acts; ``words`` say what was seen, ``serial`` of whom.

    ``seen_s`` is how long after the last write it acted; None: not while it was watched.
    """

    acts: bool
    after_s: float
    seen_s: float | None
    words: str
    utc_ms: int
    serial: str = ""

    def holds_for(self, after_s: float | None, serial: str) -> bool:
        """Whether it still speaks of this timer, and of this device as far as both tell their serial."""
        same_device = not serial or not self.serial or serial == self.serial
        return same_device and after_s == self.after_s

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def of(kept: Mapping[str, Any]) -> Proof:
    """Raises KeyError, TypeError or ValueError where the facts are no proof."""
    seen_s = kept["seen_s"]
    return Proof(
        acts=bool(kept["acts"]),
        after_s=float(kept["after_s"]),
        seen_s=None if seen_s is None else float(seen_s),
        words=str(kept["words"]),
        utc_ms=int(kept["utc_ms"]),
        serial=str(kept["serial"]),
    )
