"""Settings of every group: number of rounds, short or full, folders of peers and scratch, progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quartier_hil.bench.cache import Cache

ROUNDS = 5
ROUNDS_SHORT = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """``rounds`` are interleaved.  ``folder`` is scratch that goes when the bench ends.

    ``short`` asks for seconds where the whole form takes minutes.  ``say`` tells a person what goes on.
    """

    rounds: int
    short: bool
    folder: Path
    cache: Cache
    say: Callable[[str], None]

    def scratch(self, name: str) -> Path:
        """A new empty folder below ``folder``."""
        for number in range(10_000):
            place = self.folder / f"{name}{number}"
            if not place.exists():
                place.mkdir(parents=True)
                return place
        raise AssertionError("scratch folders are few")
