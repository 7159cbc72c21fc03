"""Switches the leads of real devices by relays, reads each back, and leaves all at their declared rest."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from quartier_hil.rig.bench import Adapter, Bench, Board, Lead, Relay
from quartier_hil.rig.client import Client, Lines, NoAnswer
from quartier_hil.rig.outlet import Outlets
from quartier_hil.wanted import Part

PAY_REAL_S = 5.0
"""Time for which an unreachable board is tried at the end of a run, s."""
AGAIN_REAL_S = 0.25
State = Literal["connected", "cut"]


class SwitchError(RuntimeError):
    """A relay is not in the ordered state."""


class Owed(Part):
    """Final state of a coil, with everything needed to write it: a guardian has no bench file."""

    whose: str
    """Device and lead, for a person."""
    board: Board
    """Its board."""
    adapter: Adapter | None
    """Adapter of the board, if it has one."""
    coil: int
    """Its number on the wire."""
    on: bool
    """Final state of the coil."""

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.whose} (coil {self.coil} at {self.board.words})"

    async def write(self, lines: Lines) -> None:
        """Write it and read it back.  Raises NoAnswer where the board does not say so."""
        board = switching(self.board, lines)
        await board.switch(self.coil, on=self.on)
        shown = await board.state(self.coil)
        if shown != self.on:
            told = f"after it was told {int(self.on)}"
            raise NoAnswer(f"the board shows coil {self.coil} as {int(shown)} {told}")


def switching(board: Board, lines: Lines) -> Client | Outlets:
    """Return the client that switches and reads the relays of a board."""
    if board.kind == "modbus":
        return lines.to(board)
    assert board.host is not None
    return Outlets(board.host, board.port, board.timeout_s)


def lines_of(debts: Iterable[Owed]) -> Lines:
    """Lines of their own to all boards at which something is owed."""
    return Lines({one.board.adapter: one.adapter for one in debts if one.board.adapter and one.adapter})


async def pay(debts: Sequence[Owed], lines: Lines, for_real_s: float = PAY_REAL_S) -> list[str]:
    """Write all, again and again where a board is silent; what could not be done after that time."""
    left = list(debts)
    failed: dict[int, str] = {}
    until_s = time.monotonic() + for_real_s
    while left:
        for one in tuple(left):
            try:
                await one.write(lines)
            except NoAnswer as error:
                failed[id(one)] = f"{one.words} is not at its rest: {error}"
            else:
                left.remove(one)
        if not left or time.monotonic() >= until_s:
            break
        await asyncio.sleep(AGAIN_REAL_S)
    return [failed[id(one)] for one in left]


class Relays:
    """Those of the devices ``names``.  ``owe`` is told what must be done in the end, before anything else."""

    def __init__(
        self, bench: Bench, lines: Lines, names: Iterable[str], owe: Callable[[Sequence[Owed]], None]
    ) -> None:
        self._bench, self._lines, self._owe = bench, lines, owe
        self._relays = {
            (name, lead): relay for name in names for lead, relay in bench.devices[name].leads.items()
        }
        self.states: dict[tuple[str, Lead], State] = {}
        """Last state of each lead, as the board confirmed it."""
        self.count = 0
        """Number of orders to relays."""

    def debts(self) -> list[Owed]:
        """Return the final states of all coils."""
        return [
            self._owed(name, lead, connected=relay.rest == "connected")
            for (name, lead), relay in self._relays.items()
        ]

    async def begin(self) -> None:
        """Connect supplies and cables, and take cars away.  Raises SwitchError."""
        if self._relays:
            self._owe(self.debts())
        for name, lead in self._relays:
            await self.set(name, lead, connected=lead != "car")

    async def set(self, name: str, lead: Lead, *, connected: bool) -> None:
        """Connect or cut one lead; the board must confirm it.  Raises SwitchError."""
        owed = self._owed(name, lead, connected=connected)
        failed = await pay([owed], self._lines, 1.0)
        self.count += 1
        if failed:
            self.states.pop((name, lead), None)
            raise SwitchError(failed[0].replace("at its rest", "connected" if connected else "cut"))
        self.states[name, lead] = "connected" if connected else "cut"

    async def rest(self) -> list[str]:
        """Leave every coil as it is declared; what could not be done.  Lines of its own: no request waits."""
        debts = self.debts()
        lines = lines_of(debts)
        try:
            failed = await pay(debts, lines, PAY_REAL_S)
        finally:
            await lines.close()
        if not failed:
            self.states = {key: relay.rest for key, relay in self._relays.items()}
            self._owe([])
        return failed

    def _owed(self, name: str, lead: Lead, *, connected: bool) -> Owed:
        relay = self._relays[name, lead]
        return owed(self._bench, f"{name} {lead}", relay, connected=connected)


def owed(bench: Bench, whose: str, relay: Relay, *, connected: bool) -> Owed:
    """Return the state of the coil of a relay for which its lead is connected, or cut."""
    board = bench.boards[relay.board]
    return Owed(
        whose=whose,
        board=board,
        adapter=bench.adapters[board.adapter] if board.adapter is not None else None,
        coil=board.first + relay.relay - 1,
        on=relay.coil(connected=connected),
    )
