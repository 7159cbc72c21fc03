"""Documents to one building on one topic: limits that may apply, acknowledgements, repetitions (pure).

Times are Unix milliseconds.  Until a document is accepted the one before it may apply as well; one that
was
rejected never did.  The same bytes are sent again until they are answered: a gateway that has them answers
with its last acknowledgement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

RECEPTIONS = frozenset(
    {"OK", "INVALID_DATA", "INVALID_MESSAGE", "INVALID_CONTENT", "TEMPORARY_ERROR", "PERMANENT_ERROR"}
)
STATUSES = frozenset({"NEW", "ACCEPTED", "REJECTED", "REVOKED", "STARTED", "SUCCEEDED", "ABORTED"})
"""Both enums are S2's (spec/sync.md#ack)."""
_ACCEPTED_STATUSES = frozenset({"ACCEPTED", "STARTED", "SUCCEEDED", "ABORTED", "REVOKED"})
_RETRY_MS, _RETRY_MAX_MS = 10_000, 80_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDocument:
    """One document as it was sent.

    ``caps_w`` are an envelope's intervals by direction (``import``, ``export``), ``after_w`` what holds
    around them until ``exp``; both are empty in all other documents.
    """

    seq: int
    payload: bytes
    exp_ms: int
    sent_ms: int
    start_ms: int = 0
    step_ms: int = 1
    caps_w: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    after_w: Mapping[str, float] = field(default_factory=dict)
    tries_count: int = 1
    reception: str = ""
    status: str = ""
    reason: str = ""
    answered_ms: int | None = None

    def cap_w(self, direction: str, at_ms: int) -> float | None:
        """Return its cap at a moment in W; None after its end."""
        if at_ms >= self.exp_ms:
            return None
        place, caps_w = (at_ms - self.start_ms) // self.step_ms, self.caps_w[direction]
        return caps_w[place] if 0 <= place < len(caps_w) else self.after_w[direction]

    @property
    def is_accepted(self) -> bool:
        """True if the building acknowledged that it follows it, or did."""
        return self.status in _ACCEPTED_STATUSES

    @property
    def is_answered(self) -> bool:
        """Return whether nothing more is waited for."""
        return self.is_accepted or self.status == "REJECTED"


@dataclass
class SentDocuments:
    """Documents sent to one building on one topic that may still be in force."""

    sent: list[SentDocument] = field(default_factory=list)
    strange_count: int = 0
    """Acknowledgements that fit no letter, or use words that are none."""

    def send(self, letter: SentDocument) -> None:
        """A new document was published.  What has ended is forgotten; without caps, all before it."""
        before = [one for one in self.sent if one.exp_ms > letter.sent_ms] if letter.caps_w else []
        self.sent = [*before, letter]

    def answer(self, ack: Mapping[str, Any], now_ms: int) -> bool:
        """An acknowledgement; whether it belonged to a letter."""
        reception, status = str(ack.get("reception")), str(ack.get("status"))
        places = [place for place, letter in enumerate(self.sent) if letter.seq == ack.get("seq")]
        if not places or reception not in RECEPTIONS or status not in STATUSES:
            self.strange_count += 1
            return False
        place = places[0]
        self.sent[place] = replace(
            self.sent[place],
            reception=reception,
            status=status,
            reason=str(ack.get("reason", "")),
            answered_ms=now_ms,
        )
        if self.sent[place].is_accepted:
            # What came before it is replaced, whether or not that was ever answered.
            del self.sent[:place]
        elif status == "REJECTED" and place != len(self.sent) - 1:
            del self.sent[place]
        return True

    def due(self, now_ms: int) -> SentDocument | None:
        """Return the newest letter if it is due to be sent again, with this try counted; else None."""
        if not self.sent or self.sent[-1].is_answered or self.sent[-1].exp_ms <= now_ms:
            return None
        last = self.sent[-1]
        pause_ms = min(_RETRY_MS << min(last.tries_count - 1, 8), _RETRY_MAX_MS)
        if now_ms - last.sent_ms < pause_ms:
            return None
        self.sent[-1] = replace(last, sent_ms=now_ms, tries_count=last.tries_count + 1)
        return self.sent[-1]

    def list_possible_limits_w(
        self, direction: str, step_starts_ms: Sequence[int], share_w: float
    ) -> tuple[float, ...]:
        """Return the highest cap that the building may follow at each moment; its share without a letter."""
        followed = [letter for letter in self.sent if letter.status != "REJECTED"]
        found = []
        for at_ms in step_starts_ms:
            limits_w = [cap_w for letter in followed if (cap_w := letter.cap_w(direction, at_ms)) is not None]
            sure = any(letter.is_accepted and at_ms < letter.exp_ms for letter in followed)
            found.append(max(limits_w) if sure else max([share_w, *limits_w]))
        return tuple(found)

    @property
    def last(self) -> SentDocument | None:
        """The newest one."""
        return self.sent[-1] if self.sent else None
