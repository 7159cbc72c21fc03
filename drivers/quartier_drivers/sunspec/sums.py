"""A quantity that is the sum of several points of a device, reported once all of them were read."""

import math

from quartier_drivers import codec
from quartier_drivers.contract import Clock, Quality, Reading
from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.names import Sum
from quartier_drivers.sunspec.rounds import Round
from quartier_drivers.sunspec.schema import Taken


class Summed:
    """One such quantity."""

    def __init__(
        self, point: str, taken: Taken, names: Sum, device: Device, round_: Round, clock: Clock
    ) -> None:
        self.point = point
        self.round = round_
        self._taken = taken
        self._names = names
        self._device = device
        self._clock = clock

    async def turn(self, now_ns: int) -> Reading | None:
        """Read on; return the sum once all of it was read.  Raises NoReply or LinkLost."""
        return self.reading() if await self.round.turn(now_ns) else None

    def reading(self) -> Reading:
        """Return the sum of what was read last; BAD if a part of it is not implemented."""
        now_ns, raw = self._clock.now_ns(), " ".join(str(name) for name in self._names)
        values = [self._device.value(name) for name in self._names]
        numbers = [
            name.sign * value
            for name, value in zip(self._names, values, strict=True)
            if isinstance(value, int | float)
        ]
        if not numbers or (len(numbers) < len(values) and not self._taken.partial):
            return Reading(self.point, 0.0, Quality.BAD, now_ns, raw)
        taken = self._taken
        total = codec.scaling(taken.scale, taken.offset, taken.sign, 0).up(math.fsum(numbers))
        low = -math.inf if taken.low is None else taken.low
        high = math.inf if taken.high is None else taken.high
        quality = Quality.GOOD if low <= total <= high else Quality.BAD
        return Reading(self.point, total, quality, now_ns, raw)
