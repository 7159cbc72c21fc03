"""Reads the list of models of a device; continues where the line failed or the time was over."""

from collections.abc import Sequence

from quartier_drivers.clock import LoopClock
from quartier_drivers.contract import Clock
from quartier_drivers.errors import NoReply
from quartier_drivers.sunspec.chain import Ask, Chain, Void, Walk, Words, walk
from quartier_drivers.sunspec.registers import Registers

# Longest time of one turn in s, with the work of others in between.
_TURN_S = 20.0


class Survey:
    """Finds the chain of one device; its time limit is real time, unless a ``clock`` measures it."""

    def __init__(self, registers: Registers, bases: Sequence[int], clock: Clock | None = None) -> None:
        self._registers = registers
        self._bases = tuple(bases)
        self._clock = clock or LoopClock()
        self._walk: Walk | None = None
        self._ask: Ask | None = None
        self._silent_at: int | None = None
        self._told = False
        self._gone = False

    async def chain(self) -> Chain:
        """Return the models of the device.

        Raises LinkLost, or NoReply: it is silent, has no map of models, or takes long; the next call
        continues.
        """
        until_ns = self._clock.now_ns() + int(_TURN_S * 1e9)
        if self._walk is None:
            self._begin()
        assert self._walk is not None
        while self._ask is not None:
            words = await self._words(self._ask)
            try:
                self._ask = self._walk.send(words)
            except StopIteration as ended:
                return self._ended(ended.value)
            if self._clock.now_ns() > until_ns:
                raise NoReply(
                    f"unit {self._registers.unit}: its models take longer than {_TURN_S:g} s to read"
                )
        raise AssertionError("a walk that has not ended asks")

    def _begin(self) -> None:
        # Each place costs a time-out if nobody answers: then they are tried in turn.
        self._walk = walk(self._bases[:1] if self._gone else self._bases, self._registers.known)
        self._ask = next(self._walk)
        self._silent_at = None
        self._told = False

    async def _words(self, ask: Ask) -> Words:
        """Return the answer of the device; silence where a model should be is believed the second time."""
        try:
            answer = await self._registers.ask(ask.address, ask.count, probes=not ask.vital)
        except NoReply:
            if ask.vital and self._silent_at != ask.address:
                self._silent_at = ask.address
                raise
            return Void.SILENT
        self._told, self._gone = True, False
        return Void.REFUSED if answer.exception else answer.values

    def _ended(self, chain: Chain | None) -> Chain:
        self._walk = None
        if chain is not None:
            self._bases = tuple(dict.fromkeys((chain.base, *self._bases)))
            return chain
        if self._told:
            places = ", ".join(str(base) for base in self._bases)
            what = f"has no SunSpec map at {places}; is SunSpec switched on in its settings?"
            raise NoReply(f"unit {self._registers.unit} {what}")
        self._gone = True
        self._bases = (*self._bases[1:], self._bases[0])
        raise NoReply(f"unit {self._registers.unit} is silent")
