"""The output of every meter, whatever its protocol: telegrams of checked groups in the meter's own terms."""

from dataclasses import dataclass
from typing import Protocol

from quartier_native.meters import NOTHING_MORE, Group, Said, Telegram

__all__ = ["NOTHING_MORE", "Counts", "Decoder", "Group", "Said", "Telegram"]


@dataclass(slots=True)
class Counts:
    """What a decoder has counted since it was made.

    ``good_count`` and ``bad_count`` count groups, or frames if one checksum covers the whole;
    ``resync_count`` counts searches for a new beginning; ``frames_count`` counts telegrams returned.
    """

    bytes_count: int = 0
    good_count: int = 0
    bad_count: int = 0
    resync_count: int = 0
    frames_count: int = 0


class Decoder(Protocol):
    """A pure push parser: bytes in, telegrams out, with the same result for any chunking.

    Never raises on input, keeps at most a stated number of bytes, takes linear time.
    """

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        ...

    def end(self) -> list[Telegram]:
        """Return the good content of the unfinished frame: the capture is over or the line was closed."""
        ...

    @property
    def counts(self) -> Counts:
        """What the decoder has counted since it was made; always the same object."""
        ...
