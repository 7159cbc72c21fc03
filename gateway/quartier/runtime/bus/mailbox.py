"""Hold one slot per point for commands, and report outcomes to the write listener.

The newest command wins, and no expired command is sent.  A write is confirmed by the next reading of its
point, not by the driver's return.  Outcomes are ``done``, ``refused`` and ``unknown``; while a write is under
way or unconfirmed it is ``pending``.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from quartier.site.ledger import OrderOutcome
from quartier_drivers.contract import Command, Origin, PointInfo
from quartier_drivers.readings import Quality, Reading, Readings

# A device may answer its next poll before it took a new value: this many readings may differ.
READ_BACK_COUNT_MAX = 3


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """The outcome of the last command for a point; ``since_ns`` is when the verdict was reached.

    ``is_out``: it went to the device, or may have.  ``read_value``: the value that was read back.
    """

    command: Command
    verdict: OrderOutcome
    since_ns: int
    why: str = ""
    is_out: bool = False
    read_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWriteOutcome:
    """The outcome of a write of another client to a point that nothing here orders.

    ``why`` says by which function and from where it wrote; ``note`` says why it failed.
    """

    point: str
    who: Origin
    why: str
    value: float | None
    verdict: OrderOutcome
    note: str = ""


class WriteListener(Protocol):
    """Is informed of outcomes.  All methods run in the event loop and must not wait.  Times are monotonic."""

    def handle_outcome(self, outcome: "WriteOutcome") -> None:
        """Handle the outcome of a command, at each change; also of a command that a newer one replaced."""
        ...

    def handle_relinquish(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Handle the outcome of giving points back to their device."""
        ...

    def handle_release(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Handle release values written because the gateway leaves; ``unknown``: perhaps not all were."""
        ...

    def handle_client_write(self, write: "ClientWriteOutcome", now_ns: int) -> None:
        """Handle a write of another client through the gateway to a register that nothing here orders."""
        ...


class NoWriteListener:
    """A write listener that ignores everything."""

    def handle_outcome(self, outcome: "WriteOutcome") -> None:
        """Do nothing."""

    def handle_relinquish(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Do nothing."""

    def handle_release(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Do nothing."""

    def handle_client_write(self, write: "ClientWriteOutcome", now_ns: int) -> None:
        """Do nothing."""


NO_WRITE_LISTENER = NoWriteListener()


class Mailbox:
    """The commands of one bus.  All methods run in the event loop; only ``wait`` waits.

    ``listener`` gets every verdict, also that of a command that a newer one replaced.
    """

    def __init__(self, listener: WriteListener = NO_WRITE_LISTENER) -> None:
        self._listener = listener
        self._waiting: dict[str, Command] = {}
        self._sent: dict[str, int] = {}  # point -> differing readings since the write
        self._sleeper: asyncio.Future[None] | None = None
        self.outcomes: dict[str, WriteOutcome] = {}

    def post(self, commands: Iterable[Command], now_ns: int) -> None:
        """Put commands into their slots; an older one that still waits there is dropped."""
        for command in commands:
            self._settle_overtaken(command.point, now_ns)
            self._waiting[command.point] = command
            self._sent.pop(command.point, None)  # the next readings concern the old write, not this command
            self.outcomes[command.point] = WriteOutcome(command, "pending", now_ns)
        if self._waiting:
            self.wake()

    def _settle_overtaken(self, point: str, now_ns: int) -> None:
        """Report a command as replaced if a newer one comes before its outcome is known."""
        before = self.outcomes.get(point)
        if before is None or before.verdict != "pending":
            return
        if point in self._waiting:
            why = "a newer order took its place before it went out"
            self._listener.handle_outcome(WriteOutcome(before.command, "replaced", now_ns, why))
        elif point in self._sent:
            why = "a newer order came before it was read back"
            self._listener.handle_outcome(WriteOutcome(before.command, "replaced", now_ns, why, is_out=True))

    @property
    def is_waiting(self) -> bool:
        """True while a command waits for its device."""
        return len(self._waiting) > 0

    def take(self, reachable: Callable[[str], bool], now_ns: int) -> Command | None:
        """Take the oldest waiting command for a point that is ``reachable``; never an expired one."""
        if not self._waiting:
            return None
        self.expire(now_ns)
        for point, command in self._waiting.items():
            if reachable(point):
                del self._waiting[point]
                return command
        return None

    def expire(self, now_ns: int) -> None:
        """Drop commands that waited too long, and report them."""
        for point in [point for point, command in self._waiting.items() if command.expires_ns <= now_ns]:
            command = self._waiting.pop(point)
            self._settle(WriteOutcome(command, "expired", now_ns, "not reachable before it expired"))

    def note_written(self, command: Command, now_ns: int, *, read_back: bool) -> None:
        """Note that the device took the write; without read-back, that is the final outcome."""
        if read_back:
            self._sent[command.point] = 0
            self._set_verdict(command, "pending", now_ns, "written, not yet read back", is_out=True)
        else:
            self._set_verdict(
                command, "done", now_ns, "accepted; this point cannot be read back", is_out=True
            )

    def note_failure(
        self, command: Command, verdict: OrderOutcome, why: str, now_ns: int, *, read_back: bool
    ) -> None:
        """Note a refused write, or one with an unknown outcome that the next reading decides."""
        if verdict == "unknown" and read_back:
            self._sent[command.point] = 0
        self._set_verdict(command, verdict, now_ns, why, is_out=verdict == "unknown")

    def note_unneeded_write(self, command: Command, now_ns: int) -> None:
        """Note that the point has the value already, in a register that each write wears."""
        self._set_verdict(command, "done", now_ns, "the device has this value already: not written again")

    def compare_readings(self, readings: Readings, infos: Mapping[str, PointInfo], now_ns: int) -> None:
        """Compare readings with the last writes to their points that are not confirmed yet."""
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
        """Wait until a new command is posted, or for at most ``seconds`` of real time."""
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
        """Drop commands that still wait for these points; a write that was made is not undone."""
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
            # A newer command waits already and will have its own outcome; this one goes to the listener only.
            self._sent.pop(command.point, None)
            if verdict == "pending":
                found = replace(found, verdict="replaced", why="a newer order came before it was read back")
            self._listener.handle_outcome(found)
            return
        self._settle(found)

    def _settle(self, outcome: WriteOutcome) -> None:
        self.outcomes[outcome.command.point] = outcome
        self._listener.handle_outcome(outcome)


def find_tolerance(info: PointInfo) -> float:
    """Return the largest difference of a read-back value: one step of the register, or 0.5 between positions.

    Positions are bools and states, as of SG Ready.
    """
    return 0.5 if info.kind == "bool" or info.point.endswith("_state") else max(info.step, 0.0)
