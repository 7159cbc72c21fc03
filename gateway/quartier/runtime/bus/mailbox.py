"""One slot per point for commands: the newest wins, nothing expired is sent; outcomes go to the write
listener.

A write is confirmed by the next reading of its point, not by the driver's return.  Outcomes are
``done``, ``refused`` and ``unknown``; while a write is on its way or unconfirmed it is ``pending``.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from quartier.site.ledger import OrderOutcome
from quartier_drivers.contract import Command, PointInfo, Quality, Reading, Readings
from quartier_drivers.who import Who

# A device may answer its next poll before it took a new value: this many readings may differ.
READ_BACK_COUNT_MAX = 3


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of the last command for a point; ``since_ns`` is when the verdict was reached.

    ``is_out``: it went to the device, or may have; ``shown`` is what was read back.
    """

    command: Command
    verdict: OrderOutcome
    since_ns: int
    why: str = ""
    is_out: bool = False
    shown: float | None = None


class WriteListener(Protocol):
    """All of it is called on the loop, and must wait for nothing.  Times are monotonic."""

    def judged(self, outcome: "WriteOutcome") -> None:
        """What became of a command, at each change; also of one that a newer order overtook."""
        ...

    def gave_back(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """What became of giving points back to their device."""
        ...

    def left(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Points got their safe values because we leave their device; ``unknown``: perhaps not all did."""
        ...

    def passed(
        self,
        point: str,
        who: Who,
        why: str,
        value: float | None,
        verdict: OrderOutcome,
        note: str,
        now_ns: int,
    ) -> None:
        """Another client wrote through us to a register that nothing here orders."""
        ...


class NoWriteListener:
    """Hears nothing."""

    def judged(self, outcome: "WriteOutcome") -> None:
        """Nothing is done with it."""

    def gave_back(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Nothing is done with it."""

    def left(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Nothing is done with it."""

    def passed(
        self,
        point: str,
        who: Who,
        why: str,
        value: float | None,
        verdict: OrderOutcome,
        note: str,
        now_ns: int,
    ) -> None:
        """Nothing is done with it."""


NO_WRITE_LISTENER = NoWriteListener()


class Mailbox:
    """The commands of one bus.  All of it runs on the loop; nothing here waits but ``wait``.

    ``witness`` hears every verdict, also that of a command which a newer one overtook.
    """

    def __init__(self, witness: WriteListener = NO_WRITE_LISTENER) -> None:
        self._witness = witness
        self._waiting: dict[str, Command] = {}
        self._sent: dict[str, int] = {}  # point -> differing readings since the write
        self._sleeper: asyncio.Future[None] | None = None
        self.outcomes: dict[str, WriteOutcome] = {}

    def post(self, commands: Iterable[Command], now_ns: int) -> None:
        """Put commands into their slots; an older one still waiting there is forgotten."""
        for command in commands:
            self._settle_overtaken(command.point, now_ns)
            self._waiting[command.point] = command
            self._sent.pop(command.point, None)  # the next readings judge the old write, not this wish
            self.outcomes[command.point] = WriteOutcome(command, "pending", now_ns)
        if self._waiting:
            self.wake()

    def _settle_overtaken(self, point: str, now_ns: int) -> None:
        """A newer wish comes before the fate of the last one is known."""
        before = self.outcomes.get(point)
        if before is None or before.verdict != "pending":
            return
        if point in self._waiting:
            why = "a newer order took its place before it went out"
            self._witness.judged(WriteOutcome(before.command, "replaced", now_ns, why))
        elif point in self._sent:
            why = "a newer order came before it was read back"
            self._witness.judged(WriteOutcome(before.command, "replaced", now_ns, why, is_out=True))

    @property
    def is_waiting(self) -> bool:
        """Return whether a command waits for its device."""
        return len(self._waiting) > 0

    def take(self, reachable: Callable[[str], bool], now_ns: int) -> Command | None:
        """The oldest waiting command for a point that is ``reachable``; never one that has expired."""
        if not self._waiting:
            return None
        self.expire(now_ns)
        for point, command in self._waiting.items():
            if reachable(point):
                del self._waiting[point]
                return command
        return None

    def expire(self, now_ns: int) -> None:
        """Drop what waited too long, and say so."""
        for point in [point for point, command in self._waiting.items() if command.expires_ns <= now_ns]:
            command = self._waiting.pop(point)
            self._settle(WriteOutcome(command, "expired", now_ns, "not reachable before it expired"))

    def sent(self, command: Command, now_ns: int, *, read_back: bool) -> None:
        """The device took the write; without a read-back that is all there will ever be."""
        if read_back:
            self._sent[command.point] = 0
            self._set_verdict(command, "pending", now_ns, "written, not yet read back", is_out=True)
        else:
            self._set_verdict(
                command, "done", now_ns, "accepted; this point cannot be read back", is_out=True
            )

    def failed(
        self, command: Command, verdict: OrderOutcome, why: str, now_ns: int, *, read_back: bool
    ) -> None:
        """The write was refused, or its fate is unknown and the next reading decides."""
        if verdict == "unknown" and read_back:
            self._sent[command.point] = 0
        self._set_verdict(command, verdict, now_ns, why, is_out=verdict == "unknown")

    def spared(self, command: Command, now_ns: int) -> None:
        """The value stands there already, in a register that each write wears."""
        self._set_verdict(command, "done", now_ns, "it stands there already: not written again")

    def seen(self, readings: Readings, infos: Mapping[str, PointInfo], now_ns: int) -> None:
        """Compare readings with what was last written to their points, where one waits to be read back."""
        if not self._sent:
            return
        for point in list(self._sent):
            place = readings.layout.place(point)
            if place is not None:
                self._compare(readings.reading(place), infos[point], now_ns)

    def _compare(self, reading: Reading, info: PointInfo, now_ns: int) -> None:
        if reading.quality is not Quality.GOOD or isinstance(reading.value, str):
            return
        outcome = self.outcomes[reading.point]
        if reading.taken_ns < outcome.since_ns:
            return
        wanted = outcome.command.value
        if abs(float(reading.value) - wanted) <= max(find_tolerance(info), 1e-6 * abs(wanted)):
            del self._sent[reading.point]
            self._set_verdict(outcome.command, "done", now_ns, "", is_out=True, shown=float(reading.value))
        elif reading.taken_ns < outcome.since_ns + info.settle_s * 1e9:
            return  # the device may still show the old value
        elif self._sent[reading.point] + 1 >= READ_BACK_COUNT_MAX:
            del self._sent[reading.point]
            why, shown = f"the device holds {reading.value:g}", float(reading.value)
            self._set_verdict(outcome.command, "refused", now_ns, why, is_out=True, shown=shown)
        else:
            self._sent[reading.point] += 1

    async def wait(self, seconds: float) -> None:
        """Until a new command is posted, or ``seconds`` of real time at the longest."""
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None

    def wake(self) -> None:
        """End the present ``wait``, if there is one."""
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def withdraw(self, points: Iterable[str], now_ns: int, why: str) -> None:
        """Take back what still waits for these points; what was written already is not undone."""
        for point in points:
            command = self._waiting.pop(point, None)
            if command is not None:
                self._settle(WriteOutcome(command, "expired", now_ns, why))

    def drop(self, points: Iterable[str]) -> None:
        """Forget points that left the site file."""
        for point in points:
            self._waiting.pop(point, None)
            self._sent.pop(point, None)
            self.outcomes.pop(point, None)

    def _set_verdict(
        self,
        command: Command,
        verdict: OrderOutcome,
        now_ns: int,
        why: str,
        *,
        is_out: bool = False,
        shown: float | None = None,
    ) -> None:
        found = WriteOutcome(command, verdict, now_ns, why, is_out, shown)
        present = self.outcomes.get(command.point)
        if present is not None and present.command is not command:
            # A newer wish is already waiting: its own fate will be told, this one's to the witness alone.
            self._sent.pop(command.point, None)
            if verdict == "pending":
                found = replace(found, verdict="replaced", why="a newer order came before it was read back")
            self._witness.judged(found)
            return
        self._settle(found)

    def _settle(self, outcome: WriteOutcome) -> None:
        self.outcomes[outcome.command.point] = outcome
        self._witness.judged(outcome)


def find_tolerance(info: PointInfo) -> float:
    """Return how far a read-back may be from what was written: one step of the register, or a half bit."""
    return max(info.step, 0.0) if info.kind != "bool" else 0.5
