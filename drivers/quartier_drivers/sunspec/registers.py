"""Reads any range of a device's registers in the largest possible pieces; refused ones are left out."""

import struct
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from functools import lru_cache

from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.frame import Answer, Request, meaning, read_request
from quartier_drivers.modbus.line import ABSENT, Line
from quartier_drivers.schema import Limits

# After this many refusals within one range, the rest of it is given up.
_REFUSALS_MAX = 48
# Reading ahead: most unwanted registers read to keep the range in one piece, and most refusals.
_BRIDGED = 250
_AHEAD_REFUSALS = 3
_SPACE = 0x10000
_TWO = struct.Struct(">2H")  # a model's head, which is asked for again and again
OVERLAP = 3
"""Registers that are read twice between two blocks: a number has at most 4."""


class Registers:
    """The holding registers of one unit.  ``block_max`` shrinks to what the device allows."""

    def __init__(self, line: Line, unit: int, limits: Limits) -> None:
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
        answer = await self._line.exchange(_read(self.unit, address, count), self._pause_s, probes=probes)
        if answer.exception in ABSENT:
            raise NoReply(f"unit {self.unit}: {meaning(answer)}")
        return answer

    def known(self, address: int, count: int) -> tuple[int, ...] | None:
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
            length = _length(at, min(size, count - len(found)), cuts)
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
def _read(unit: int, address: int, count: int) -> Request:
    """Return a cached read request: devices of one kind are asked for the same again and again."""
    return read_request(unit, "holding", address, count)


def _length(at: int, longest: int, cuts: Sequence[int]) -> int:
    """Return how much of ``longest`` to read from ``at`` so that it ends at a seam, if there is one."""
    end = max((cut for cut in cuts if at < cut <= at + longest), default=at + longest)
    return end - at


class Reach(Enum):
    """How much is read beyond the wanted registers."""

    ASKED = 0
    HALF = 1
    WHOLE = 2


class Ahead(Registers):
    """Reads in whole blocks one after the other if the device allows it, and keeps them.

    If a whole block is refused, half of its unwanted registers are tried, once.  A block begins with the last
    ``OVERLAP`` registers of the one before: ``again`` has them as read the second time, by the address after
    them.  So a number across two blocks can be taken from a single moment.
    """

    def __init__(self, line: Line, unit: int, limits: Limits) -> None:
        super().__init__(line, unit, limits)
        self.again: dict[int, bytes] = {}
        self._refusals_left = _AHEAD_REFUSALS
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._start = self._end = start
        self._held = b""
        self._reach = Reach.WHOLE
        self._refused_end = 0

    def held(self, address: int, count: int) -> bytes | None:
        """Return what was read of this range; None if a part of it was not."""
        at = 2 * (address - self._start)
        return self._held[at : at + 2 * count] if 0 <= at <= len(self._held) - 2 * count else None

    def known(self, address: int, count: int) -> tuple[int, ...] | None:
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
            end = min(self._reached(asked_end), begin + self.block_max)
            answer = await Registers.ask(self, begin, end - begin, probes=probes)
            if not answer.exception:
                self._take(begin, end, answer.data)
            elif end > asked_end:  # the map ends before that, or the device allows less
                self._refused_end = end
                self._reach = Reach.HALF if self._reach is Reach.WHOLE else Reach.ASKED
            else:
                self._refusals_left -= 1
                break
        words = self.known(address, count)
        return await Registers.ask(self, address, count, probes=probes) if words is None else Answer(words)

    def _reached(self, asked_end: int) -> int:
        if self._reach is Reach.WHOLE:
            return _SPACE
        if self._reach is Reach.HALF:
            return max(asked_end, (asked_end + self._refused_end) // 2)
        return asked_end

    def _take(self, begin: int, end: int, data: bytes) -> None:
        twice = 2 * (self._end - begin)
        if twice:
            self.again[self._end] = data[:twice]
        self._held += data[twice:]
        self._end = end
        if self._reach is Reach.HALF:
            self._reach = Reach.ASKED
