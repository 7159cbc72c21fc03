"""What the district link asks of the store, and what travels between the two (pure)."""

from collections.abc import Mapping
from typing import Protocol

from quartier.house.sample import Mark, Run

# Above this mark there is nothing: a stream that is not wanted.
NOTHING_ABOVE = Mark(2**64 - 1, 2**64 - 1)


class Outbox(Protocol):
    """The store, as the link sees it.  Synchronous and cheap: nothing here may wait for a disk."""

    def runs(self, above: Mapping[str, Mark], limit: int) -> list[Run]:
        """Up to ``limit`` samples above the marks, open chunks included.

        Each stream in sequence; the one whose oldest sample waits longest comes first, and where not
        all fit each gets its share.  A stream that ``above`` does not name counts from its beginning.
        """
        ...

    def run(self, stream: str, above: Mark | None, limit: int) -> Run | None:
        """The next samples of one stream, at most ``limit``, of one boot and without a hole."""
        ...

    def heads(self) -> Mapping[str, Mark]:
        """The newest numbered sample of each stream."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether all that was kept can be found; else older samples may yet appear, and no mark may move."""
        ...

    def trim(self, marks: Mapping[str, Mark]) -> None:
        """Everything up to the marks is delivered and needs no keeping for the link."""
        ...


def reached(mark: Mark | None, goal: Mark) -> bool:
    """Whether ``mark`` is at ``goal`` or beyond it."""
    return mark is not None and (mark.boot, mark.seq) >= (goal.boot, goal.seq)
