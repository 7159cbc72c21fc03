"""Who hears what becomes of each write; the ledger does."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from quartier.house.entry import Verdict
from quartier_drivers.who import Who

if TYPE_CHECKING:  # a mailbox has one
    from quartier.runtime.mailbox import Outcome


class Witness(Protocol):
    """All of it is called on the loop, and must wait for nothing.  Times are monotonic."""

    def judged(self, outcome: "Outcome") -> None:
        """What became of a command, at each change; also of one that a newer order overtook."""
        ...

    def gave_back(self, points: Iterable[str], verdict: Verdict, why: str, now_ns: int) -> None:
        """What became of giving points back to their device."""
        ...

    def left(self, points: Iterable[str], verdict: Verdict, why: str, now_ns: int) -> None:
        """Points got their safe values because we leave their device; ``unknown``: perhaps not all did."""
        ...

    def passed(
        self, point: str, who: Who, why: str, value: float | None, verdict: Verdict, note: str, now_ns: int
    ) -> None:
        """Another client wrote through us to a register that nothing here orders."""
        ...


class Nobody:
    """Hears nothing."""

    def judged(self, outcome: "Outcome") -> None:
        """Nothing is done with it."""

    def gave_back(self, points: Iterable[str], verdict: Verdict, why: str, now_ns: int) -> None:
        """Nothing is done with it."""

    def left(self, points: Iterable[str], verdict: Verdict, why: str, now_ns: int) -> None:
        """Nothing is done with it."""

    def passed(
        self, point: str, who: Who, why: str, value: float | None, verdict: Verdict, note: str, now_ns: int
    ) -> None:
        """Nothing is done with it."""


NOBODY = Nobody()
