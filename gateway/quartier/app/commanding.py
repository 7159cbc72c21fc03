"""What the district ordered of us, and how far each has come: taken, judged each turn, kept over restarts."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier.control.link import envelope_progress
from quartier.control.link.envelope_progress import ConnectionMeasurement, EnvelopeProgresses
from quartier.control.orders import command_progress, running_commands
from quartier.control.orders.command_progress import CommandContext
from quartier.control.orders.commands import CommandDocument, Replay, ResetAlarm, Setpoint
from quartier.control.orders.running_commands import RunningCommands
from quartier.control.requests import Ack, AckReason, Envelope, InstructionStatus, ReceptionStatus
from quartier.house.now import Now
from quartier.house.sample import Mark

if TYPE_CHECKING:  # a house that stands alone does not import it
    from quartier.district.documents import Accepted

Event = Callable[[str, str, Mapping[str, Any], Now], None]


class Commanding:
    """The commands that run, and the envelopes that are promised.

    ``replay`` has events said again above a mark; ``reset`` takes an alarm as seen and answers whether there
    is such a one.
    """

    def __init__(
        self, event: Event, log: Any, replay: Callable[[Mark], None], reset: Callable[[str, str, Now], bool]
    ) -> None:
        self.commands = RunningCommands()
        self._promises: EnvelopeProgresses = {}
        self._event = event
        self._log = log
        self._replay = replay
        self._reset = reset
        self._left: list[Ack] = []

    @property
    def ordered(self) -> frozenset[str]:
        """The assets that a setpoint is for."""
        wishes = (one.document.asked for one in self.commands.running)
        return frozenset(wish.asset for wish in wishes if isinstance(wish, Setpoint))

    # What comes

    def take(self, accepted: "Accepted", document: CommandDocument, world: CommandContext) -> list[Ack]:
        """Judge a command and begin it; the same one again is answered, and has no second effect."""
        if accepted.repeated:
            said = self.commands.said(document)
            if (said.reception, said.status) != (ReceptionStatus.TEMPORARY_ERROR, InstructionStatus.REJECTED):
                return [said]
        found = command_progress.decide_command(document, self.commands, world, persisted=accepted.persisted)
        if found.status is InstructionStatus.ACCEPTED and not self._does(document, world.now):
            found = command_progress.CommandDecision(
                InstructionStatus.REJECTED, AckReason.BOUNDS.value, ReceptionStatus.INVALID_CONTENT
            )
        if found.status is InstructionStatus.REJECTED:
            acks = [running_commands.make_command_ack(document, found.status, found.reason, found.reception)]
            self.commands = self.commands.answer(*acks)
        else:
            self.commands, acks = running_commands.accept_command(
                self.commands, document, found.reason, world.now
            )
            if not document.duration_s:
                self.commands, done = running_commands.set_command_status(
                    self.commands, document, InstructionStatus.SUCCEEDED
                )
                acks.append(done)
        self._tell(acks, document, world.now)
        return acks

    def _does(self, document: CommandDocument, now: Now) -> bool:
        """Do what is no matter of control; False where it cannot be."""
        wish = document.asked
        if isinstance(wish, Replay):
            self._replay(Mark(wish.boot, max(0, wish.seq - 1)))
        return self._reset(wish.code, document.id, now) if isinstance(wish, ResetAlarm) else True

    def promise(self, envelope: Envelope, ack: Ack) -> list[Ack]:
        """An envelope was judged; one that was accepted is followed from here."""
        if ack.status != InstructionStatus.ACCEPTED:
            return [ack]
        self._promises, acks = envelope_progress.add_envelope(self._promises, envelope, ack)
        return acks

    # How it goes on

    def look(self, world: CommandContext, kept: ConnectionMeasurement, utc_ms: int) -> list[Ack]:
        """After a cycle: what is said of all that runs; ``utc_ms`` is the time that documents count by."""
        left, self._left = self._left, []
        self.commands, acks = command_progress.evaluate_running_commands(self.commands, world)
        for ack in acks:
            self._say(ack, "", world.now)
        self._promises, more = envelope_progress.advance_envelopes(self._promises, kept, utc_ms)
        return [*left, *acks, *more]

    def _tell(self, acks: list[Ack], document: CommandDocument, now: Now) -> None:
        for ack in acks:
            self._say(ack, document.op if ack.id == document.id else "", now)

    def _say(self, ack: Ack, op: str, now: Now) -> None:
        data = {"id": ack.id, "seq": ack.seq, "op": op, "status": ack.status, "reason": ack.reason}
        data = {name: value for name, value in data.items() if value != ""}
        self._log.info("command.judged", **data)
        self._event("command.judged", f"command {ack.id}: {ack.status}", data, now)

    def shown(self, now: Now) -> list[dict[str, Any]]:
        """The commands that run, JSON-ready."""
        return [
            {
                "id": one.document.id,
                "op": one.document.op,
                **asdict(one.document.asked),
                "status": one.status.value,
                "left_s": round((one.until_ns - now.ns) / 1e9, 1),
                "until_utc_ms": one.until_utc_ms,
            }
            for one in self.commands.now(now.ns)
        ]

    # Over a restart

    def kept(self) -> dict[str, Any]:
        """What must be known after a restart, JSON-ready."""
        facts = {
            "commands": running_commands.dump_commands(self.commands),
            "promises": envelope_progress.dump_envelopes(self._promises),
        }
        return facts if self.commands != RunningCommands() or self._promises else {}

    def recall(
        self, facts: object, now: Now, *, outage: bool, since: running_commands.RestartFacts | None = None
    ) -> None:
        """Go on with what ``kept`` gave; what is broken is left, and said."""
        if not isinstance(facts, dict):
            return
        try:
            known = facts.get("commands", {})
            self.commands, self._left = running_commands.load_commands(
                known, now, outage=outage, since=since or running_commands.RestartFacts()
            )
            self._promises = envelope_progress.load_envelopes(facts.get("promises", {}))
        except ValueError as broken:
            self._log.warning("commands.not_recalled", why=str(broken))
