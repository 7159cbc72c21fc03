"""Give points back to their devices, and write release values when a bus is left."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER, WriteListener
from quartier.runtime.bus.write_budget import WriteBudget
from quartier.runtime.clock import SiteClock
from quartier.runtime.supervisor import run_once
from quartier_drivers.errors import LinkLost, NoReply, Refused


class RelinquishQueue:
    """The points of one bus that wait to be given back.

    ``listener`` is informed of what was given back.
    ``refused``: points that their device would not take back, with its message, until they are ordered or
    given back again.
    """

    def __init__(
        self,
        devices: Iterable[DeviceHealth],
        budget: WriteBudget,
        clock: SiteClock,
        log: Any,
        listener: WriteListener = NO_WRITE_LISTENER,
    ) -> None:
        self._listener = listener
        self._devices = tuple(devices)
        self._budget = budget
        self._clock = clock
        self._log = log
        self.waiting: set[str] = set()
        self.refused: dict[str, str] = {}

    def add(self, points: Iterable[str]) -> None:
        """Queue points to be given back."""
        self.waiting |= set(points)

    def drop(self, point: str) -> None:
        """Remove a point that is ordered again."""
        self.waiting.discard(point)
        self.refused.pop(point, None)

    def ready(self) -> list[DeviceHealth]:
        """Return the devices that can take something back now."""
        if not self.waiting:
            return []
        return [
            health
            for health in self._devices
            if health.reachable and not health.held and not self.waiting.isdisjoint(health.driver.points)
        ]

    async def give_back(self, health: DeviceHealth) -> None:
        """Give back the waiting points of this device.

        Raises NoReply or LinkLost: then they wait until it answers again.
        """
        mine = self.waiting & health.driver.points.keys()
        try:
            await health.driver.release(mine)
        except (NoReply, LinkLost, Refused) as error:
            self._log.warning("release.failed", device=health.name, points=sorted(mine), why=str(error))
            if not isinstance(error, Refused):
                raise
            self.waiting -= mine
            self.refused |= dict.fromkeys(mine, str(error))
            self._listener.handle_relinquish(mine, "refused", str(error), self._clock.now_ns())
        else:
            self.waiting -= mine
            self.refused = {point: why for point, why in self.refused.items() if point not in mine}
            self._listener.handle_relinquish(mine, "done", "", self._clock.now_ns())
            self._budget.count_releases(mine, self._clock.utc_ms())

    async def leave(self, devices: Sequence[DeviceHealth], *, at_once: bool) -> list[str]:
        """Write the release values of these devices, in sequence or ``at_once``; continue after a failure.

        Returns one line for each device that failed.
        """
        if at_once:
            found = await asyncio.gather(*map(self._leave_device, devices))
        else:
            found = [await self._leave_device(health) for health in devices]
        return [failure for failure in found if failure]

    async def _leave_device(self, health: DeviceHealth) -> str:
        errors: list[Exception] = []
        well = await run_once(health.driver.release, errors.append)
        failure = "" if well else f"{health.name}: {errors[0]}"
        points = [point for point, info in health.driver.points.items() if info.writable]
        self._listener.handle_release(points, "done" if well else "unknown", failure, self._clock.now_ns())
        self._budget.count_releases(points, self._clock.utc_ms())
        return failure
