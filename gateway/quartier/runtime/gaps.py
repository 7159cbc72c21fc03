"""What a bus does while nothing of its own is due: it makes requests of others, one at a time, or rests."""

from typing import TYPE_CHECKING

from quartier.runtime.account import Account
from quartier.runtime.clock import HouseClock
from quartier.runtime.lanes import Lanes
from quartier.runtime.mailbox import Mailbox
from quartier.runtime.moment import Seat

if TYPE_CHECKING:
    from quartier_drivers.abilities import Guests

# Without anything due a bus looks again so seldom, unless it is woken; with something, this often.
REST_MAX_S, LOOK_S = 60.0, 1.0


class Gaps:
    """``guests`` are the others on the line, None where there are none."""

    def __init__(
        self, mailbox: Mailbox, account: Account, lanes: Lanes, seat: Seat, clock: HouseClock
    ) -> None:
        self.guests: Guests | None = None
        self._mailbox = mailbox
        self._account = account
        self._lanes = lanes
        self._seat = seat
        self._clock = clock

    async def use(self, gap_ns: int | None) -> None:
        """Nothing of ours is due for so long (None: at all).  Raises LinkLost, by a request of others."""
        if not self._lanes.is_asking:
            self._seat.leave()
        rest_s = REST_MAX_S if gap_ns is None else min(gap_ns / 1e9, LOOK_S)
        if self.guests is not None:
            if await self.guests.serve(gap_ns):
                return
            rest_s = min(rest_s, self.guests.again_s)
        before_ns, share = self._clock.now_ns(), self._lanes.free_share
        await self._mailbox.wait(rest_s / self._clock.rate)
        self._account.rested(int(share * (self._clock.now_ns() - before_ns)))
