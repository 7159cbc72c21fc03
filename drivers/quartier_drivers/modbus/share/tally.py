"""What came of the requests of a client; pure."""

from dataclasses import asdict, dataclass

from quartier_drivers.modbus.share.errand import Fate


@dataclass(slots=True)
class Tally:
    """Counts since the share began.

    ``requests`` is all that were sound Modbus; ``wire`` and ``held`` were answered by the device and from
    what it had said before, ``busy`` were too many, for ``absent``, ``unanswered`` and ``dropped``
    see ``errand``; ``refused`` were not allowed or not sound.  ``writes`` were made,
    ``refused_writes`` were not allowed.
    """

    requests: int = 0
    wire: int = 0
    held: int = 0
    busy: int = 0
    absent: int = 0
    unanswered: int = 0
    dropped: int = 0
    refused: int = 0
    writes: int = 0
    refused_writes: int = 0
    connects: int = 0
    turned_away: int = 0

    def ended(self, fate: Fate) -> None:
        """A request ended so."""
        setattr(self, fate, getattr(self, fate) + 1)

    def data(self) -> dict[str, int]:
        """JSON-ready."""
        return asdict(self)
