"""Use the time in which nothing is due on a bus: serve other masters, or rest."""

from typing import TYPE_CHECKING

from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier.runtime.bus.device_health import BusReport
from quartier.runtime.bus.mailbox import Mailbox
from quartier.runtime.bus.poll_schedule import BatchPlace
from quartier.runtime.clock import SiteClock

if TYPE_CHECKING:
    from quartier_drivers.abilities import ClientRequests

# The longest rest in s, unless the bus is woken: without anything due, and with something due.
REST_MAX_S, REST_DUE_MAX_S = 60.0, 1.0


class IdleTime:
    """The idle time of a bus; ``client_requests`` come from other masters on the line (None: no masters)."""

    def __init__(
        self,
        mailbox: Mailbox,
        account: BusReport,
        slots: ConcurrentExchanges,
        place: BatchPlace,
        clock: SiteClock,
    ) -> None:
        self.client_requests: ClientRequests | None = None
        self._mailbox = mailbox
        self._account = account
        self._exchanges = slots
        self._batch_place = place
        self._clock = clock

    async def use(self, gap_ns: int | None) -> None:
        """Use a gap in which nothing is due (None: no end).  Raises LinkLost by a request of a client."""
        if not self._exchanges.is_asking:
            self._batch_place.leave()
        rest_s = REST_MAX_S if gap_ns is None else min(gap_ns / 1e9, REST_DUE_MAX_S)
        if self.client_requests is not None:
            if await self.client_requests.serve(gap_ns):
                return
            rest_s = min(rest_s, self.client_requests.again_s)
        before_ns, share = self._clock.now_ns(), self._exchanges.free_share
        await self._mailbox.wait(rest_s / self._clock.rate)
        self._account.add_idle_time(int(share * (self._clock.now_ns() - before_ns)))
