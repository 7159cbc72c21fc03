"""Requests that wait for a line: clients in turn, the requests of a client to one unit in order; pure."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from quartier_drivers.modbus.share.errand import Errand


class Waiting:
    """Requests by client.  Their number is bounded by what each client may have outstanding."""

    def __init__(self) -> None:
        self._errands: OrderedDict[str, deque[Errand]] = OrderedDict()

    def __iter__(self) -> Iterator[Errand]:
        """Return all requests, as they are now."""
        return iter([one for errands in self._errands.values() for one in errands])

    def __bool__(self) -> bool:
        return len(self._errands) > 0

    def add(self, errand: Errand) -> None:
        """Add a request."""
        self._errands.setdefault(errand.terms.name, deque()).append(errand)

    def remove(self, errand: Errand) -> None:
        """Remove a request."""
        name = errand.terms.name
        self._errands[name].remove(errand)
        if not self._errands[name]:
            del self._errands[name]

    def take(self, errand: Errand) -> None:
        """Remove a request whose turn has come: its client is the last from now on."""
        self._errands.move_to_end(errand.terms.name)
        self.remove(errand)

    def next(self) -> Iterator[Errand]:
        """Yield the requests that may go first: of each client the oldest for each unit."""
        for errands in list(self._errands.values()):
            units: set[int] = set()
            for errand in list(errands):
                if errand.unit not in units:
                    units.add(errand.unit)
                    yield errand
