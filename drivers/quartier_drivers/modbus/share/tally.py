"""Counts the outcomes of a client's requests; pure."""

from dataclasses import asdict, dataclass

from quartier_drivers.modbus.share.errand import Fate


@dataclass(slots=True)
class Tally:
    """Counts since the share began.

    ``requests`` are all valid Modbus requests; ``wire`` were answered by the device, ``held`` from an earlier
    answer, ``busy`` were too many; for ``absent``, ``unanswered`` and ``dropped`` see ``errand``; ``refused``
    were not allowed or invalid.  ``writes`` were made, ``refused_writes`` were not allowed.
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
        """Count a request with this outcome."""
        setattr(self, fate, getattr(self, fate) + 1)

    def data(self) -> dict[str, int]:
        """Return the counts, JSON-ready."""
        return asdict(self)
