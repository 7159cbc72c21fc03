"""One request of another client on its way: its owner, its age, and its outcome."""

from collections.abc import Callable
from typing import Literal

from quartier_drivers.modbus.share.asked import Asked
from quartier_drivers.modbus.share.terms import Terms

Fate = Literal["wire", "held", "busy", "absent", "unanswered", "dropped"]
"""Outcomes: the device answered; an earlier answer was given; too many requests.

Nobody was asked, because the unit or the line is known to be absent; the device was asked and did not answer;
nobody waits any more.
"""


class Errand:
    """A request; ``give`` is called once, with the PDU of the answer, the outcome, and the reason."""

    __slots__ = ("_give", "asked", "is_over", "is_wanted", "since_s", "terms")

    def __init__(
        self, asked: Asked, terms: Terms, since_s: float, give: Callable[[bytes, Fate, str], None]
    ) -> None:
        self.asked = asked
        self.terms = terms
        self.since_s = since_s
        self.is_over = False
        self.is_wanted = True
        """Whether the client is still there; if not, the request need not be sent."""
        self._give = give

    @property
    def unit(self) -> int:
        """The unit that it addresses."""
        return self.asked.request.unit

    def end(self, pdu: bytes, fate: Fate, why: str = "") -> None:
        """Answer the request."""
        if not self.is_over:
            self.is_over = True
            self._give(pdu, fate, why)
