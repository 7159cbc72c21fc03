"""What every meter says, whatever its protocol: checked groups in the meter's own words, in telegrams."""

from dataclasses import dataclass
from typing import Protocol

from quartier_native.meters import NOTHING_MORE, Group, Said, Telegram

__all__ = ["NOTHING_MORE", "Counts", "Decoder", "Group", "Said", "Telegram"]


@dataclass(slots=True)
class Counts:
    """What a decoder has seen since it was made.

    ``good_count`` and ``bad_count`` count groups, or frames where one checksum covers the whole;
    ``resync_count`` how often a begin was looked for anew; ``frames_count`` telegrams given.
    """

    bytes_count: int = 0
    good_count: int = 0
    bad_count: int = 0
    resync_count: int = 0
    frames_count: int = 0


class Decoder(Protocol):
    """A pure push parser: bytes in, telegrams out, the same result for any chunking.

    Never raises on input, keeps at most a stated number of bytes, takes linear time.
    """

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; the telegrams that they complete."""
        ...

    def end(self) -> list[Telegram]:
        """The capture is over or the line was closed: what is good of the unfinished frame."""
        ...

    @property
    def counts(self) -> Counts:
        """Return what it has seen since it was made; the same object for its life."""
        ...
