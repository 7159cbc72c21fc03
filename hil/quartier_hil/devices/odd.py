"""A device with one quirk, on any wire: it receives requests and answers them as a quirky device does.

It runs in real time: time-outs of clients are real.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from quartier_hil.devices.mischief import Said, said
from quartier_hil.devices.quirk import QUIRKS, Quirk
from quartier_hil.devices.unit import Refusal, Table, Unit, exception

_WRITES = (5, 6, 15, 16, 22, 23)
# Standard map: the value of each register follows from its address, so a mistaken answer shows.
MAP_SIZE = 400


def plain_unit(size: int = MAP_SIZE, identity: Mapping[int, str] | None = None) -> Unit:
    """A unit that holds its own addresses: holding n is n, input n is 1000 + n, coil n is n % 3 == 0.

    Holding registers and coils keep what is written to them.
    """
    unit = Unit(identity=identity)
    unit.put("holding", 0, list(range(size)))
    unit.put("input", 0, list(range(1000, 1000 + size)))
    unit.put("coil", 0, [int(place % 3 == 0) for place in range(size)])
    unit.put("discrete", 0, [int(place % 2 == 0) for place in range(size)])
    unit.accept = lambda table, address, words: _keep(unit, table, address, words)
    return unit


def _keep(unit: Unit, table: Table, address: int, words: Sequence[int]) -> None:
    if any(place not in unit.tables[table] for place in range(address, address + len(words))):
        raise Refusal(2)
    unit.put(table, address, words)


class Odd:
    """Units with one quirk.  ``left``: number of quirky answers before it answers right; None: for ever.

    ``asked`` are unit and PDU of each request received, ``deaf_count`` is the number that came too soon.
    """

    def __init__(
        self, units: Mapping[int, Unit], quirk: Quirk | None = None, left: int | None = None
    ) -> None:
        self.units = dict(units)
        self.quirk = quirk
        self.left = left
        self.asked: list[tuple[int, bytes]] = []
        self.deaf_count = 0
        self._deaf_until_s = 0.0
        self._settling: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The name of the quirk while it acts, else empty."""
        return self.quirk.name if self.quirk is not None and self.left != 0 else ""

    @property
    def seconds(self) -> float:
        """The time of the quirk, s; 0 without a quirk."""
        return self.quirk.seconds if self.quirk is not None else 0.0

    def hear(self, unit: int, pdu: bytes, number: int = 0) -> list[Said]:
        """Return the frames to send for one request."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._deaf_until_s:
            self.deaf_count += 1
            return []
        self.asked.append((unit, pdu))
        answer = self._answer(unit, pdu)
        if answer is None:
            return []
        if self.name == "frame-pause" or (self.name == "write-pause" and pdu[0] in _WRITES):
            self.deafen()
        right = Said(unit, answer, number)
        acting = self.quirk if self.left != 0 else None
        if self.left:
            self.left -= 1
        return said(acting, right, pdu)

    def deafen(self) -> None:
        """Hear nothing for the quirk's time."""
        self._deaf_until_s = asyncio.get_running_loop().time() + self.seconds

    def _answer(self, number: int, pdu: bytes) -> bytes | None:
        unit = self.units.get(number)
        if unit is None and self.name == "every-unit":
            unit = next(iter(self.units.values()))
        if unit is None:
            code = self.quirk.code if self.quirk is not None and self.name == "absent-answered" else 0
            return exception(pdu[0], code) if code else None
        if self.name == "settles-late" and pdu[0] in _WRITES:
            return self._settled_late(unit, pdu)
        return unit.answer(pdu)

    def _settled_late(self, unit: Unit, pdu: bytes) -> bytes:
        """Acknowledge a write; it shows later."""
        shown = {table: dict(cells) for table, cells in unit.tables.items()}
        answer = unit.answer(pdu)
        written, unit.tables = unit.tables, shown
        task = asyncio.get_running_loop().create_task(self._settle(unit, written))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return answer

    async def _settle(self, unit: Unit, tables: dict[Table, dict[int, int]]) -> None:
        await asyncio.sleep(self.seconds)
        unit.tables = tables

    def quit(self) -> None:
        """Let nothing settle any more."""
        for task in self._settling:
            task.cancel()


def quirk(name: str, *, seconds: float | None = None, code: int | None = None) -> Quirk:
    """A quirk of the table with times or codes of one's own.  Raises KeyError for one that is not there."""
    found = QUIRKS[name]
    return replace(
        found,
        seconds=found.seconds if seconds is None else seconds,
        code=found.code if code is None else code,
    )
