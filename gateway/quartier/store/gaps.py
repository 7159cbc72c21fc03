"""Gap records: what is missing from the history, from when to when, and why (pure)."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

Why = Literal["power-cut", "evicted", "damaged", "dropped", "removed"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples ``first`` to ``last`` of one stream of one boot that are gone.

    ``last`` is 0 where nobody knows how many followed (a power cut); ``stream`` is then ``"*"`` and
    ``firsts`` says per stream the first sequence that may be missing.
    """

    why: Why
    stream: str
    boot: int
    first: int
    last: int
    from_utc_ms: int
    to_utc_ms: int
    firsts: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """Samples known to be missing."""
        return max(0, self.last - self.first + 1) if self.last else 0

    def data(self) -> dict[str, Any]:
        """JSON-ready, as it travels in the event ``store.gap``."""
        return asdict(self) | {"firsts": dict(self.firsts), "count": self.count}

    def text(self) -> str:
        """One line for people."""
        if not self.last and self.why == "removed":
            return f"what was committed up to boot {self.boot} is missing ({self.why})"
        if not self.last:
            return f"samples after the last commit of boot {self.boot} are missing ({self.why})"
        what = f"{self.count} samples of {self.stream} are missing"
        return f"{what} ({self.why}; boot {self.boot}, from {self.first})"


def from_data(data: dict[str, Any]) -> Gap:
    """The inverse of ``Gap.data``; raises KeyError or TypeError on anything else."""
    known = {key: data[key] for key in ("why", "stream", "boot", "first", "last", "from_utc_ms", "to_utc_ms")}
    return Gap(**known, firsts=tuple(data["firsts"].items()))


def event_value(text: str, data: dict[str, Any]) -> str:
    """The value of a sample of the stream ``event``: one JSON object with ``text`` and ``data``."""
    return json.dumps({"text": text, "data": data}, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
