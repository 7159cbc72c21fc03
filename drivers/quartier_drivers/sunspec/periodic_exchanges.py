"""Exchanges of a SunSpec device besides polling: read rounds, sums, model checks, heartbeats."""

import math
from collections.abc import Iterable, Sequence

from quartier_drivers import register_codec
from quartier_drivers.contract import SLOT_NS, Clock, find_slot_ns
from quartier_drivers.modbus.frames import make_write
from quartier_drivers.modbus.request_plan import RequestBlock
from quartier_drivers.readings import Quality, Reading
from quartier_drivers.sunspec.device import DevicePoint, SunspecDevice, plan_device_blocks
from quartier_drivers.sunspec.model_chain import FoundModel
from quartier_drivers.sunspec.models import HEAD_WORDS
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import PointName, PointSum, Steering, SunspecPoint, parse_name

_S = 1_000_000_000
# Exceptions of a device that will never accept it: function, address, value.
_PERMANENT_REFUSALS = (1, 2, 3)


class ControllerHeartbeat:
    """The counters that one order keeps running until it expires (models 715 and 802).

    Their content is seconds of the daemon's clock; a counter that the device refuses is not written again.
    ``until_ns`` is when the order ends; ``missing_model`` is a model that was no longer at its place: nothing
    is written there.
    """

    def __init__(
        self,
        point: str,
        terms: list[tuple[FoundModel, DevicePoint]],
        every_s: float,
        registers: RegisterReader,
        clock: Clock,
    ) -> None:
        self.point = point
        self.due_ns: int | None = None
        self.until_ns = 0
        self.missing_model: int | None = None
        self._terms = terms
        self._every_ns = int(every_s * _S)
        self._registers = registers
        self._clock = clock
        self._next = 0

    @classmethod
    def of(
        cls, point: str, device: SunspecDevice, rule: Steering, registers: RegisterReader, clock: Clock
    ) -> "ControllerHeartbeat | None":
        """Return the heartbeat if the device has a counter that the rule names; None if it has none."""
        names = [parse_name(one) for one in rule.heartbeat]
        terms = [
            (found, term)
            for one in names
            if device.raw(one) is not None
            and (term := device.term(one))
            and (found := device.chain.of(one.model, one.instance))
        ]
        return cls(point, terms, rule.heartbeat_s, registers, clock) if terms else None

    async def now(self, until_ns: int) -> None:
        """Beat for an order that is valid until then.  Raises NoReply or LinkLost."""
        self.until_ns = until_ns
        for one in list(self._terms):
            if self.missing_model is None:
                await self._beat(*one)
        self.due_ns = self._clock.now_ns() + self._every_ns if self._terms else None

    async def send_beat(self, now_ns: int) -> None:
        """Beat once if the order is still valid.  Raises NoReply or LinkLost."""
        if now_ns >= self.until_ns or not self._terms:
            self.due_ns = None
            return
        self.due_ns = now_ns + self._every_ns // len(self._terms)
        self._next = (self._next + 1) % len(self._terms)
        await self._beat(*self._terms[self._next])

    def end(self) -> None:
        """Stop: the order is over."""
        self.until_ns, self.due_ns = 0, None

    async def _beat(self, found: FoundModel, term: DevicePoint) -> None:
        there = await is_model_there(found, self._registers)
        if there is False:
            self.missing_model = found.number
            self._terms.clear()
        if not there:
            return
        size = term.leaf.entry.size
        count = self._clock.now_ns() // _S % 0x7FFF
        words = (0,) * (size - 1) + (count,)
        answer = await self._registers.write(
            make_write(self._registers.unit, "holding", term.place, words, 16)
        )
        if answer.exception in _PERMANENT_REFUSALS:
            self._terms.remove((found, term))


MODEL_CHECK_PERIOD_S = 30.0
"""Period of the checks in s."""


# Exceptions of a device that has no such registers: function, address, value.
_NONE_THERE = (1, 2, 3)


class ModelCheck:
    """Checks the furthest model each time, which moves with any before it, and the others in turn."""

    def __init__(self, models: Iterable[FoundModel], registers: RegisterReader, now_ns: int) -> None:
        self.models = sorted(set(models), key=lambda one: one.address)
        self._registers = registers
        self._next = 0
        self.due_ns = now_ns + int(MODEL_CHECK_PERIOD_S * 1e9)

    async def check_next(self, now_ns: int) -> int | None:
        """Return the number of a model that is no longer at its place; None: all is well.

        Raises NoReply or LinkLost.
        """
        self.due_ns = now_ns + int(MODEL_CHECK_PERIOD_S * 1e9)
        *others, furthest = self.models or (None,)
        self._next = (self._next + 1) % max(1, len(others))
        for one in (furthest, *others[self._next : self._next + 1]):
            if one is not None and await is_model_there(one, self._registers) is False:
                return one.number
        return None


async def is_model_there(model: FoundModel, registers: RegisterReader) -> bool | None:
    """Return whether the model is at its place; None if the device does not answer that just now.

    Raises NoReply or LinkLost.
    """
    head = await registers.ask(model.address, HEAD_WORDS)
    if head.exception:
        return False if head.exception in _NONE_THERE else None
    return tuple(head.values) == (model.number, model.length)


class ReadRound:
    """The registers of ``names``, read block by block into the device's memory every ``period_s``."""

    def __init__(
        self,
        device: SunspecDevice,
        names: Sequence[PointName],
        registers: RegisterReader,
        period_s: float,
        now_ns: int,
    ) -> None:
        self.due_ns = now_ns
        self._device = device
        self._registers = registers
        self.period_ns = int(period_s * 1e9)
        self.blocks = plan_device_blocks(device, names, registers.block_max)
        self._next = 0

    async def read_next(self, now_ns: int, phase_ns: int = 0) -> bool:
        """Read the next block; return whether it was the last of the round.  Raises NoReply or LinkLost."""
        if self._next + 1 >= len(self.blocks):
            self.due_ns = self._later_ns(now_ns, phase_ns)
        if not self.blocks:
            return True
        place, self._next = self._next, (self._next + 1) % len(self.blocks)
        await self._read(self.blocks[place])
        return self._next == 0

    def later(self, now_ns: int, settle_ns: int, phase_ns: int = 0) -> None:
        """Set the next turn after an extra read: when the value has settled, or at its usual time."""
        self.due_ns = now_ns + settle_ns if settle_ns else self._later_ns(now_ns, phase_ns)

    async def whole(self, *, probes: bool = False) -> None:
        """Read all blocks now; with ``probes`` silence is believed at once.  Raises NoReply or LinkLost."""
        self._next = 0
        for block in self.blocks:
            await self._read(block, probes=probes)

    async def _read(self, block: RequestBlock, *, probes: bool = False) -> None:
        seams = {want.start for want in block.wants} | {want.end for want in block.wants}
        words = await self._registers.words(block.start, block.count, seams, probes=probes)
        self._device.memory.update(zip(range(block.start, block.end), words, strict=True))

    def _later_ns(self, now_ns: int, phase_ns: int) -> int:
        if self.period_ns % SLOT_NS:
            return now_ns + self.period_ns
        return find_slot_ns(now_ns + 1, self.period_ns, phase_ns)


class SummedQuantity:
    """One quantity that is the sum of several points."""

    def __init__(
        self,
        point: str,
        taken: SunspecPoint,
        names: PointSum,
        device: SunspecDevice,
        round_: ReadRound,
        clock: Clock,
    ) -> None:
        self.point = point
        self.round = round_
        self._taken = taken
        self._names = names
        self._device = device
        self._clock = clock

    async def read_next(self, now_ns: int) -> Reading | None:
        """Read on; return the sum once all of it was read.  Raises NoReply or LinkLost."""
        return self.reading() if await self.round.read_next(now_ns) else None

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
        total = register_codec.make_scaling(taken.scale, taken.offset, taken.sign, 0).up(math.fsum(numbers))
        low = -math.inf if taken.low is None else taken.low
        high = math.inf if taken.high is None else taken.high
        quality = Quality.GOOD if low <= total <= high else Quality.BAD
        return Reading(self.point, total, quality, now_ns, raw)
