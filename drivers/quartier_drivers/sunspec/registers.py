"""Reads any stretch of a device's registers, in as large pieces as it allows; what it refuses is left out."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from quartier_drivers.contract import at_once
from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.frame import Answer, Request, meaning, read_request
from quartier_drivers.modbus.line import ABSENT, Line
from quartier_drivers.schema import Limits

# So many refusals while one stretch is read, and the rest of it is given up.
_REFUSALS_MAX = 48
# Reading ahead: so much that nobody asked for is read to keep the stretch whole; so often it may be refused.
_BRIDGED = 250
_AHEAD_REFUSALS = 3


class Registers:
    """The holding registers of one unit.  ``block_max`` shrinks to what the device turns out to allow."""

    def __init__(self, line: Line, unit: int, limits: Limits) -> None:
        self.unit = unit
        self.block_max = limits.block_max
        self.between: Callable[[], Awaitable[None]] = at_once
        """Awaited before each read."""
        self._line = line
        self._pause_s = limits.pause_s
        self._write_pause_s = max(limits.pause_s, limits.write_pause_s)

    async def ask(self, address: int, count: int, *, probes: bool = False) -> Answer:
        """One read as it is.  Raises NoReply or LinkLost; an answer that the unit is absent is NoReply."""
        await self.between()
        request = read_request(self.unit, "holding", address, count)
        answer = await self._line.exchange(request, self._pause_s, probes=probes)
        if answer.exception in ABSENT:
            raise NoReply(f"unit {self.unit}: {meaning(answer)}")
        return answer

    async def write(self, request: Request, expires_ns: int | None = None) -> Answer:
        """Make a write.  Raises NoReply, LinkLost or Expired."""
        return await self._line.exchange(request, self._write_pause_s, expires_ns)

    async def words(
        self, start: int, count: int, seams: Collection[int] = (), *, probes: bool = False
    ) -> list[int | None]:
        """The registers from ``start``; None for each that the device refuses.

        ``seams`` are the addresses where a stretch may be cut (none: anywhere), so that no value is read in
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


def _length(at: int, longest: int, cuts: Sequence[int]) -> int:
    """How much of ``longest`` to read from ``at`` so that it ends at a seam, where there is one."""
    end = max((cut for cut in cuts if at < cut <= at + longest), default=at + longest)
    return end - at


class Ahead(Registers):
    """The same, read in whole blocks one after the other where the device allows it, each register once.

    ``borders`` are where one block ends and the next begins: a value that lies across may be of two moments.
    """

    def __init__(self, line: Line, unit: int, limits: Limits) -> None:
        super().__init__(line, unit, limits)
        self.borders: set[int] = set()
        self._start = 0
        self._held: list[int] = []
        self._refusals_left = _AHEAD_REFUSALS
        self._whole_blocks = True

    async def ask(self, address: int, count: int, *, probes: bool = False) -> Answer:
        """What was read already, or a read that brings more than is asked for."""
        if not 0 <= address - self._start <= len(self._held) + _BRIDGED:
            self._start, self._held, self._whole_blocks = address, [], True
        while (end := self._start + len(self._held)) < address + count and self._refusals_left:
            wanted = self.block_max if self._whole_blocks else address + count - end
            length = min(self.block_max, wanted, 0x10000 - end)
            answer = await super().ask(end, length, probes=probes)
            if answer.exception:  # the map ends before that, or the device allows less
                if self._whole_blocks:
                    self._whole_blocks = False
                    continue
                self._refusals_left -= 1
                if (end, length) == (address, count):
                    return answer
                break
            self._held += answer.values
            self.borders.add(end + length)
        at = address - self._start
        if at + count <= len(self._held):
            return Answer(values=tuple(self._held[at : at + count]))
        return await super().ask(address, count, probes=probes)
