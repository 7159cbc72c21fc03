"""A controller's heartbeat: a counter written while an order is still valid, never by reading."""

from quartier_drivers.contract import Clock
from quartier_drivers.modbus.frame import write_request
from quartier_drivers.sunspec.chain import Found
from quartier_drivers.sunspec.device import Device, Term
from quartier_drivers.sunspec.looks import stands
from quartier_drivers.sunspec.names import name
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.schema import Steering

_S = 1_000_000_000
# Exceptions of a device that will never accept it: function, address, value.
_NEVER = (1, 2, 3)


class Heartbeat:
    """The counters that one order keeps running until it expires (models 715 and 802).

    They hold seconds of the daemon's clock; a counter that the device refuses is not written again.
    ``until_ns`` is when the order ends; ``moved`` is a model that was no longer at its place: nothing is
    written there.
    """

    def __init__(
        self, point: str, terms: list[tuple[Found, Term]], every_s: float, registers: Registers, clock: Clock
    ) -> None:
        self.point = point
        self.due_ns: int | None = None
        self.until_ns = 0
        self.moved: int | None = None
        self._terms = terms
        self._every_ns = int(every_s * _S)
        self._registers = registers
        self._clock = clock
        self._next = 0

    @classmethod
    def of(
        cls, point: str, device: Device, rule: Steering, registers: Registers, clock: Clock
    ) -> "Heartbeat | None":
        """Return the heartbeat if the device has a counter that the rule names; None if it has none."""
        names = [name(one) for one in rule.heartbeat]
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
            if self.moved is None:
                await self._beat(*one)
        self.due_ns = self._clock.now_ns() + self._every_ns if self._terms else None

    async def turn(self, now_ns: int) -> None:
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

    async def _beat(self, found: Found, term: Term) -> None:
        there = await stands(found, self._registers)
        if there is False:
            self.moved = found.number
            self._terms.clear()
        if not there:
            return
        size = term.leaf.entry.size
        count = self._clock.now_ns() // _S % 0x7FFF
        words = (0,) * (size - 1) + (count,)
        answer = await self._registers.write(
            write_request(self._registers.unit, "holding", term.place, words, 16)
        )
        if answer.exception in _NEVER:
            self._terms.remove((found, term))
