"""Measure the times to the answers of documents: reception and verdict (spec/sync.md#ack; pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.torture.held import middle

RECEIVED_MAX_S, JUDGED_MAX_S = 2.0, 5.0
_JUDGED = frozenset({"ACCEPTED", "REJECTED"})


@dataclass
class Prompt:
    """By the number of a document: when it was sent, and how many seconds later each answer came first."""

    sent_s: dict[int, float] = field(default_factory=dict)
    received_s: dict[int, float] = field(default_factory=dict)
    judged_s: dict[int, float] = field(default_factory=dict)

    def ask(self, seq: int, now_s: float) -> None:
        """A document with this number is sent now."""
        self.sent_s[seq] = now_s

    def take(self, ack: Mapping[str, Any], now_s: float) -> None:
        """An answer came; one to a document that nobody asked about is passed over.

        What is refused at the door is received and judged by one word.
        """
        seq, status = ack.get("seq"), ack.get("status")
        if not isinstance(seq, int) or (sent_s := self.sent_s.get(seq)) is None:
            return
        if status == "NEW" or status in _JUDGED:
            self.received_s.setdefault(seq, now_s - sent_s)
        if status in _JUDGED:
            self.judged_s.setdefault(seq, now_s - sent_s)

    @property
    def owed_count(self) -> int:
        """Number of documents that wait for a verdict."""
        return len(self.sent_s.keys() - self.judged_s.keys())

    @property
    def figures(self) -> dict[str, float]:
        """Medians and worst."""
        found: dict[str, float] = {"asked": len(self.sent_s)}
        for name, times in (("received", self.received_s), ("judged", self.judged_s)):
            found[f"{name}_p50_s"] = middle(times.values(), 0.5)
            found[f"{name}_max_s"] = max(times.values(), default=0.0)
        return found

    @property
    def fault(self) -> str:
        """Late or missing answers, as text; empty if there are none."""
        if self.owed_count:
            return f"{self.owed_count} of {len(self.sent_s)} documents were not answered"
        worst = self.figures
        if worst["received_max_s"] > RECEIVED_MAX_S:
            return f"a document was received after {worst['received_max_s']:.1f} s, owed {RECEIVED_MAX_S:g}"
        if worst["judged_max_s"] > JUDGED_MAX_S:
            return f"a document was judged after {worst['judged_max_s']:.1f} s, owed {JUDGED_MAX_S:g}"
        return ""
