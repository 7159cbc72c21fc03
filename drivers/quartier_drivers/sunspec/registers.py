"""Read registers in pieces that a device allows, and find its chain of models."""

import struct
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from functools import lru_cache

from quartier_drivers.contract import Clock
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.frames import Answer, Request, make_read, render_exception
from quartier_drivers.modbus.wire.line import GATEWAY_EXCEPTIONS, ModbusLine
from quartier_drivers.sunspec.model_chain import (
    ChainWalk,
    ChainWords,
    ModelChain,
    NoWords,
    RegisterRequest,
    walk_chain,
)
from quartier_drivers.transport.event_loop import LoopClock

# After this many refusals within one range, the rest of it is given up.
_REFUSALS_MAX = 48
# Reading ahead: most unwanted registers read to keep the range in one piece, and most refusals.
_BRIDGED = 250
_AHEAD_REFUSALS = 3
_SPACE = 0x10000
_TWO = struct.Struct(">2H")  # a model's head, which is asked for again and again
OVERLAP = 3
"""Registers that are read twice between two blocks: a number has at most 4."""


class RegisterReader:
    """The holding registers of one unit.  ``block_max`` shrinks to what the device allows."""

    def __init__(self, line: ModbusLine, unit: int, limits: Limits) -> None:
        self.unit = unit
        self.block_max = limits.block_max
        self.between: Callable[[], Awaitable[None]] | None = None
        """Awaited before each read, if there is something to do."""
        self._line = line
        self._pause_s = limits.pause_s
        self._write_pause_s = max(limits.pause_s, limits.write_pause_s)

    async def ask(self, address: int, count: int, *, probes: bool = False) -> Answer:
        """Make one read.  Raises NoReply or LinkLost; an answer that the unit is absent is NoReply."""
        if self.between is not None:
            await self.between()
        answer = await self._line.exchange(
            _make_read(self.unit, address, count), self._pause_s, probes=probes
        )
        if answer.exception in GATEWAY_EXCEPTIONS:
            raise NoReply(f"unit {self.unit}: {render_exception(answer)}")
        return answer

    def find_cached_words(self, address: int, count: int) -> tuple[int, ...] | None:
        """Return what is known without asking the device; None if it must be asked."""
        del address, count
        return None

    async def write(self, request: Request, expires_ns: int | None = None) -> Answer:
        """Make a write.  Raises NoReply, LinkLost or Expired."""
        return await self._line.exchange(request, self._write_pause_s, expires_ns)

    async def words(
        self, start: int, count: int, seams: Collection[int] = (), *, probes: bool = False
    ) -> list[int | None]:
        """Read the registers from ``start``; None for each that the device refuses.

        ``seams`` are the addresses where a range may be cut (empty: anywhere), so that no value is read in
        two halves; with ``probes`` silence is believed at once.  Raises NoReply or LinkLost.
        """
        found: list[int | None] = []
        cuts = sorted({*seams, start + count}) if seams else []
        size, refused_end, refusals_count, whole = self.block_max, 0, 0, True
        while len(found) < count:
            at = start + len(found)
            length = _find_length(at, min(size, count - len(found)), cuts)
            answer = await self.ask(at, length, probes=probes)
            if not answer.exception:
                found += answer.values
                at += length
                if refused_end and at >= refused_end:
                    if whole:  # all of it is there, but not at once
                        self.block_max = size
                    size, refused_end = self.block_max, 0
                continue
            refusals_count += 1
            if refusals_count > _REFUSALS_MAX:
                found += [None] * (count - len(found))
            elif length > 1:
                if not refused_end:
                    refused_end, whole = at + length, True
                size = max(1, length // 2)
            else:
                found.append(None)
                whole = False
        return found


@lru_cache(maxsize=128)
def _make_read(unit: int, address: int, count: int) -> Request:
    """Return a cached read request: devices of one kind are asked for the same again and again."""
    return make_read(unit, "holding", address, count)


def _find_length(at: int, longest: int, cuts: Sequence[int]) -> int:
    """Return how much of ``longest`` to read from ``at`` so that it ends at a seam, if there is one."""
    end = max((cut for cut in cuts if at < cut <= at + longest), default=at + longest)
    return end - at


class ReadReach(Enum):
    """The reach of a read beyond the wanted registers."""

    ASKED = 0
    HALF = 1
    WHOLE = 2


class AheadReader(RegisterReader):
    """Reads in whole blocks one after the other if the device allows it, and keeps them.

    If a whole block is refused, half of its unwanted registers are tried, once.  A block begins with the last
    ``OVERLAP`` registers of the one before: ``again`` has them as read the second time, by the address after
    them.  So a number across two blocks can be taken from a single moment.
    """

    def __init__(self, line: ModbusLine, unit: int, limits: Limits) -> None:
        super().__init__(line, unit, limits)
        self.again: dict[int, bytes] = {}
        self._refusals_left = _AHEAD_REFUSALS
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._start = self._end = start
        self._held = b""
        self._reach = ReadReach.WHOLE
        self._refused_end = 0

    def find_cached_bytes(self, address: int, count: int) -> bytes | None:
        """Return what was read of this range; None if a part of it was not."""
        at = 2 * (address - self._start)
        return self._held[at : at + 2 * count] if 0 <= at <= len(self._held) - 2 * count else None

    def find_cached_words(self, address: int, count: int) -> tuple[int, ...] | None:
        """Return what was read of these registers; None if it was not."""
        at = 2 * (address - self._start)
        if not 0 <= at <= len(self._held) - 2 * count:
            return None
        return (_TWO if count == 2 else struct.Struct(f">{count}H")).unpack_from(self._held, at)

    async def ask(self, address: int, count: int, *, probes: bool = False) -> Answer:
        """Return what was read already, or make a read that may bring more than was asked for."""
        if not self._start <= address <= self._end + _BRIDGED:
            self._begin(address)
        asked_end = address + count
        while self._end < asked_end and self._refusals_left:
            begin = self._end - OVERLAP if self._held and self.block_max > 2 * OVERLAP else self._end
            end = min(self._find_read_end(asked_end), begin + self.block_max)
            answer = await RegisterReader.ask(self, begin, end - begin, probes=probes)
            if not answer.exception:
                self._take(begin, end, answer.data)
            elif end > asked_end:  # the map ends before that, or the device allows less
                self._refused_end = end
                self._reach = ReadReach.HALF if self._reach is ReadReach.WHOLE else ReadReach.ASKED
            else:
                self._refusals_left -= 1
                break
        words = self.find_cached_words(address, count)
        return (
            await RegisterReader.ask(self, address, count, probes=probes) if words is None else Answer(words)
        )

    def _find_read_end(self, asked_end: int) -> int:
        if self._reach is ReadReach.WHOLE:
            return _SPACE
        if self._reach is ReadReach.HALF:
            return max(asked_end, (asked_end + self._refused_end) // 2)
        return asked_end

    def _take(self, begin: int, end: int, data: bytes) -> None:
        twice = 2 * (self._end - begin)
        if twice:
            self.again[self._end] = data[:twice]
        self._held += data[twice:]
        self._end = end
        if self._reach is ReadReach.HALF:
            self._reach = ReadReach.ASKED


# Longest time of one turn in s, with the work of others in between.
_PATIENCE_S = 20.0


class ChainSurvey:
    """Finds the chain of one device; its time limit is real time, unless a ``clock`` measures it."""

    def __init__(self, registers: RegisterReader, bases: Sequence[int], clock: Clock | None = None) -> None:
        self._registers = registers
        self._bases = tuple(bases)
        self._clock = clock or LoopClock()
        self._walk: ChainWalk | None = None
        self._ask: RegisterRequest | None = None
        self._silent_at: int | None = None
        self._has_answered = False
        self._gone = False

    async def chain(self) -> ModelChain:
        """Return the models of the device.

        Raises LinkLost, or NoReply: it is silent, has no map of models, or takes long; the next call
        continues.
        """
        until_ns = self._clock.now_ns() + int(_PATIENCE_S * 1e9)
        if self._walk is None:
            self._begin()
        assert self._walk is not None
        while self._ask is not None:
            words = await self._words(self._ask)
            try:
                self._ask = self._walk.send(words)
            except StopIteration as ended:
                return self._finish_survey(ended.value)
            if self._clock.now_ns() > until_ns:
                raise NoReply(
                    f"unit {self._registers.unit}: its models take longer than {_PATIENCE_S:g} s to read"
                )
        raise AssertionError("a walk that has not ended asks")

    def _begin(self) -> None:
        # Each place costs a time-out without an answer: then they are tried in turn.
        self._walk = walk_chain(
            self._bases[:1] if self._gone else self._bases, self._registers.find_cached_words
        )
        self._ask = next(self._walk)
        self._silent_at = None
        self._has_answered = False

    async def _words(self, ask: RegisterRequest) -> ChainWords:
        """Return the answer of the device; silence where a model should be is believed the second time."""
        try:
            answer = await self._registers.ask(ask.address, ask.count, probes=not ask.vital)
        except NoReply:
            if ask.vital and self._silent_at != ask.address:
                self._silent_at = ask.address
                raise
            return NoWords.SILENT
        self._has_answered, self._gone = True, False
        return NoWords.REFUSED if answer.exception else answer.values

    def _finish_survey(self, chain: ModelChain | None) -> ModelChain:
        self._walk = None
        if chain is not None:
            self._bases = tuple(dict.fromkeys((chain.base, *self._bases)))
            return chain
        if self._has_answered:
            places = ", ".join(str(base) for base in self._bases)
            what = f"has no SunSpec map at {places}; is SunSpec switched on in its settings?"
            raise NoReply(f"unit {self._registers.unit} {what}")
        self._gone = True
        self._bases = (*self._bases[1:], self._bases[0])
        raise NoReply(f"unit {self._registers.unit} is silent")
