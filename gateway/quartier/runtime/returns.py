"""Points that are to be given back to their device's own control, as soon as it can be reached."""

from collections.abc import Callable, Iterable
from typing import Any

from quartier.runtime.clock import HouseClock
from quartier.runtime.health import Health
from quartier.runtime.witness import NOBODY, Witness
from quartier.runtime.writes import Thrift
from quartier_drivers.errors import LinkLost, NoReply, Refused


class Returns:
    """The points of one bus that wait to be given back.

    ``failed`` hears of a device that did not answer, ``witness`` of what was given back.  ``refused``: points
    that their device would not take back, with its words, until they are ordered or given back again.
    """

    def __init__(
        self,
        devices: Iterable[Health],
        thrift: Thrift,
        clock: HouseClock,
        log: Any,
        failed: Callable[[Health, str, int], None],
        witness: Witness = NOBODY,
    ) -> None:
        self._witness = witness
        self._devices = tuple(devices)
        self._thrift = thrift
        self._clock = clock
        self._log = log
        self._failed = failed
        self.waiting: set[str] = set()
        self.refused: dict[str, str] = {}

    def add(self, points: Iterable[str]) -> None:
        """Have these given back."""
        self.waiting |= set(points)

    def drop(self, point: str) -> None:
        """It is ordered again: it is not given back."""
        self.waiting.discard(point)
        self.refused.pop(point, None)

    def ready(self) -> list[Health]:
        """The devices that can be asked now to take something back."""
        if not self.waiting:
            return []
        return [
            health
            for health in self._devices
            if health.reachable and not health.held and not self.waiting.isdisjoint(health.driver.points)
        ]

    async def make(self, health: Health) -> None:
        """Give back what waits of this device, if it can be reached; else when it answers again.  Raises
        LinkLost.
        """
        mine = self.waiting & health.driver.points.keys()
        started_ns = self._clock.now_ns()
        try:
            await health.driver.release(mine)
        except (NoReply, LinkLost, Refused) as error:
            self._log.warning("release.failed", device=health.name, points=sorted(mine), why=str(error))
            if isinstance(error, Refused):
                self.waiting -= mine
                self.refused |= dict.fromkeys(mine, str(error))
                self._witness.gave_back(mine, "refused", str(error), self._clock.now_ns())
                return
            self._failed(health, str(error), started_ns)
            if isinstance(error, LinkLost):
                raise
        else:
            self.waiting -= mine
            self.refused = {point: why for point, why in self.refused.items() if point not in mine}
            self._witness.gave_back(mine, "done", "", self._clock.now_ns())
            self._thrift.gave_back(mine, self._clock.utc_ms())
