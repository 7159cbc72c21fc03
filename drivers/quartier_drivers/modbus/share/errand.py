"""One request of somebody else on its way: who waits for it, since when, and what becomes of it."""

from collections.abc import Callable
from typing import Literal

from quartier_drivers.modbus.share.asked import Asked
from quartier_drivers.modbus.share.terms import Terms

Fate = Literal["wire", "held", "busy", "absent", "unanswered", "dropped"]
"""The device answered; an answer of before was given; too much was asked; nobody was asked, for the unit or
the line is known to be gone; it was asked and did not answer; nobody waits for the answer any more."""


class Errand:
    """``give`` is called once, with the PDU of the answer, what became of it, and why in words."""

    __slots__ = ("_give", "asked", "is_over", "is_wanted", "since_s", "terms")

    def __init__(
        self, asked: Asked, terms: Terms, since_s: float, give: Callable[[bytes, Fate, str], None]
    ) -> None:
        self.asked = asked
        self.terms = terms
        self.since_s = since_s
        self.is_over = False
        self.is_wanted = True
        """Whether whoever asked is still there; if not, it need not go out any more."""
        self._give = give

    @property
    def unit(self) -> int:
        """Whom it is for."""
        return self.asked.request.unit

    def end(self, pdu: bytes, fate: Fate, why: str = "") -> None:
        """It is answered."""
        if not self.is_over:
            self.is_over = True
            self._give(pdu, fate, why)
