"""Requests that wait for the line, and counts of their outcomes (pure)."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from quartier_drivers.modbus.sharing.client_limits import ClientTerms
from quartier_drivers.modbus.sharing.client_requests import ClientRequest

RequestOutcome = Literal["wire", "held", "busy", "absent", "unanswered", "dropped"]
"""Outcomes: the device answered; an earlier answer was given; too many requests.

The device was not asked, because the unit or the line is known to be absent; the device was asked and did
not answer; the client waits no longer.
"""


class PendingRequest:
    """A request; ``give`` is called once, with the PDU of the answer, the outcome, and the reason."""

    __slots__ = ("_give", "is_over", "is_wanted", "request", "since_s", "terms")

    def __init__(
        self,
        asked: ClientRequest,
        terms: ClientTerms,
        since_s: float,
        give: Callable[[bytes, RequestOutcome, str], None],
    ) -> None:
        self.request = asked
        self.terms = terms
        self.since_s = since_s
        self.is_over = False
        self.is_wanted = True
        """Whether the client is still there; if not, the request need not be sent."""
        self._give = give

    @property
    def unit(self) -> int:
        """The unit that it addresses."""
        return self.request.request.unit

    def end(self, pdu: bytes, fate: RequestOutcome, why: str = "") -> None:
        """Answer the request."""
        if not self.is_over:
            self.is_over = True
            self._give(pdu, fate, why)


@dataclass(slots=True)
class RequestCounts:
    """Counts since the share began.

    ``requests`` are all valid Modbus requests; ``wire`` were answered by the device, ``held`` from an earlier
    answer, ``busy`` were too many; for ``absent``, ``unanswered`` and ``dropped`` see ``pending``;
    ``refused`` were not allowed or invalid.  ``writes`` were made, ``refused_writes`` were not allowed.
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

    def count_outcome(self, fate: RequestOutcome) -> None:
        """Count a request with this outcome."""
        setattr(self, fate, getattr(self, fate) + 1)

    def data(self) -> dict[str, int]:
        """Return the counts, JSON-ready."""
        return asdict(self)


class WaitingRequests:
    """Requests by client.  Their number is bounded by what each client may have outstanding."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, deque[PendingRequest]] = OrderedDict()

    def __iter__(self) -> Iterator[PendingRequest]:
        """Return all requests, as they are now."""
        return iter([one for pending_requests in self._requests.values() for one in pending_requests])

    def __bool__(self) -> bool:
        return len(self._requests) > 0

    def add(self, pending: PendingRequest) -> None:
        """Add a request."""
        self._requests.setdefault(pending.terms.name, deque()).append(pending)

    def remove(self, pending: PendingRequest) -> None:
        """Remove a request."""
        name = pending.terms.name
        self._requests[name].remove(pending)
        if not self._requests[name]:
            del self._requests[name]

    def take(self, pending: PendingRequest) -> None:
        """Remove a request whose turn has come: its client is the last from now on."""
        self._requests.move_to_end(pending.terms.name)
        self.remove(pending)

    def next(self) -> Iterator[PendingRequest]:
        """Yield the requests that may go first: of each client the oldest for each unit."""
        for pending_requests in list(self._requests.values()):
            units: set[int] = set()
            for pending in list(pending_requests):
                if pending.unit not in units:
                    units.add(pending.unit)
                    yield pending
