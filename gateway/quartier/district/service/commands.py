"""Run the district's commands and follow its envelopes; send acks when the state is on disk.

Control follows a command at once and waits for nothing. Only the acknowledgement waits, for the task that
saves the state of control.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier.control.link import envelope_progress
from quartier.control.link.envelope_progress import ConnectionMeasurement, EnvelopeProgresses
from quartier.control.orders import command_progress, running_commands
from quartier.control.orders.command_progress import CommandContext
from quartier.control.orders.commands import CommandDocument, Replay, ResetAlarm, Setpoint
from quartier.control.orders.running_commands import COMMAND_TYPE, RunningCommands
from quartier.control.requests import Ack, AckReason, Envelope, InstructionStatus, ReceptionStatus
from quartier.site.records import Now, RecordEvent
from quartier.site.samples import StreamPosition

if TYPE_CHECKING:  # a site without a district does not import it
    from quartier.district.documents.document_types import AcceptedDocument


class DistrictCommands:
    """The running commands, and the progress of envelopes.

    ``replay`` sends events above a mark again. ``reset`` acknowledges an alarm and returns whether it exists.
    """

    def __init__(
        self,
        event: RecordEvent,
        log: Any,
        replay: Callable[[StreamPosition], None],
        reset: Callable[[str, str, Now], bool],
    ) -> None:
        self.commands = RunningCommands()
        self._envelope_progress: EnvelopeProgresses = {}
        self._event = event
        self._log = log
        self._replay = replay
        self._reset = reset
        self._left: list[Ack] = []

    @property
    def setpoint_assets(self) -> frozenset[str]:
        """Return the assets that a running setpoint commands."""
        requests = (one.document.asked for one in self.commands.running)
        return frozenset(request.asset for request in requests if isinstance(request, Setpoint))

    # Incoming documents

    def take(
        self, accepted: "AcceptedDocument", document: CommandDocument, context: CommandContext
    ) -> list[Ack]:
        """Decide on a command and start it; a repetition is acknowledged, but has no second effect."""
        if accepted.repeated:
            ack = self.commands.find_last_ack(document)
            if (ack.reception, ack.status) != (ReceptionStatus.TEMPORARY_ERROR, InstructionStatus.REJECTED):
                return [ack]
        found = command_progress.decide_command(
            document, self.commands, context, persisted=accepted.persisted
        )
        if found.status is InstructionStatus.ACCEPTED and not self._run_immediate_action(
            document, context.now
        ):
            found = command_progress.CommandDecision(
                InstructionStatus.REJECTED, AckReason.BOUNDS.value, ReceptionStatus.INVALID_CONTENT
            )
        if found.status is InstructionStatus.REJECTED:
            acks = [running_commands.make_command_ack(document, found.status, found.reason, found.reception)]
            self.commands = self.commands.answer(*acks)
        else:
            self.commands, acks = running_commands.accept_command(
                self.commands, document, found.reason, context.now
            )
            if not document.duration_s:
                self.commands, done = running_commands.set_command_status(
                    self.commands, document, InstructionStatus.SUCCEEDED
                )
                acks.append(done)
        self._record_acks(acks, document, context.now)
        return acks

    def _run_immediate_action(self, document: CommandDocument, now: Now) -> bool:
        """Do an action that does not involve control; return False if it is not possible."""
        request = document.asked
        if isinstance(request, Replay):
            self._replay(StreamPosition(request.boot, max(0, request.seq - 1)))
        return self._reset(request.code, document.id, now) if isinstance(request, ResetAlarm) else True

    def follow_envelope(self, envelope: Envelope, ack: Ack) -> list[Ack]:
        """Return the acks of an envelope that control decided on; follow its progress if it was accepted."""
        if ack.status != InstructionStatus.ACCEPTED:
            return [ack]
        self._envelope_progress, acks = envelope_progress.add_envelope(self._envelope_progress, envelope, ack)
        return acks

    # Progress

    def look(self, context: CommandContext, measurement: ConnectionMeasurement, utc_ms: int) -> list[Ack]:
        """Return the acks of all running commands and envelopes after a cycle.

        ``utc_ms`` is the time by which documents are valid.
        """
        left, self._left = self._left, []
        self.commands, acks = command_progress.evaluate_running_commands(self.commands, context)
        for ack in acks:
            self._record_ack(ack, "", context.now)
        self._envelope_progress, more = envelope_progress.advance_envelopes(
            self._envelope_progress, measurement, utc_ms
        )
        return [*left, *acks, *more]

    def _record_acks(self, acks: list[Ack], document: CommandDocument, now: Now) -> None:
        for ack in acks:
            self._record_ack(ack, document.op if ack.id == document.id else "", now)

    def _record_ack(self, ack: Ack, op: str, now: Now) -> None:
        data = {"id": ack.id, "seq": ack.seq, "op": op, "status": ack.status, "reason": ack.reason}
        data = {name: value for name, value in data.items() if value != ""}
        self._log.info("command.answered", **data)
        self._event("command.answered", f"command {ack.id}: {ack.status}", data, now)

    def render_commands(self, now: Now) -> list[dict[str, Any]]:
        """Return the running commands, JSON-ready."""
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

    # Across a restart

    def dump_state(self) -> dict[str, Any]:
        """Return what must survive a restart, JSON-ready."""
        facts = {
            "commands": running_commands.dump_commands(self.commands),
            "promises": envelope_progress.dump_envelopes(self._envelope_progress),
        }
        return facts if self.commands != RunningCommands() or self._envelope_progress else {}

    def recall(
        self, facts: object, now: Now, *, outage: bool, since: running_commands.RestartFacts | None = None
    ) -> None:
        """Restore the state that ``dump_state`` returned; log and ignore broken data."""
        if not isinstance(facts, dict):
            return
        try:
            known = facts.get("commands", {})
            self.commands, self._left = running_commands.load_commands(
                known, now, outage=outage, since=since or running_commands.RestartFacts()
            )
            self._envelope_progress = envelope_progress.load_envelopes(facts.get("promises", {}))
        except ValueError as broken:
            self._log.warning("commands.not_recalled", why=str(broken))


# Part of the 5 s in which ACCEPTED is due: it is sent even if the disk refuses or hangs.
ACK_DELAY_MAX_S = 2.0
# In real time: a fast clock leaves a disk no less than this.
ACK_DELAY_FLOOR_S = 1.0


class PendingAcks:
    """Answers to commands in order, held back from the first ACCEPTED on; ``say`` sends one.

    ``wake_event`` is set while something waits whose save has not begun.
    """

    def __init__(self, say: Callable[[Ack], None], rate: float = 1.0) -> None:
        self.wake_event = asyncio.Event()
        self.count = 0
        """How many answers were ever held back: read it before the state to be saved is collected."""
        self._send = say
        self._patience_ns = int(max(ACK_DELAY_MAX_S, ACK_DELAY_FLOOR_S * rate) * 1e9)
        self._held: deque[tuple[Ack, int]] = deque()

    def answer(self, acks: Iterable[Ack], now: Now) -> None:
        """Send acks; an ACCEPTED of a command, and all that follow it, only once its state is saved."""
        for ack in acks:
            if ack.type == COMMAND_TYPE and (self._held or ack.status == InstructionStatus.ACCEPTED):
                self._held.append((ack, now.ns + self._patience_ns))
                self.count += 1
                self.wake_event.set()
            else:
                self._send(ack)

    def send_saved(self, count: int) -> None:
        """Send all acks that were held back when ``count`` was read, because their state is on disk."""
        while self._held and self.count - len(self._held) < count:
            self._send(self._held.popleft()[0])

    def look(self, now: Now) -> None:
        """Send acks that waited too long: their sender must get an answer whatever the disk does."""
        while self._held and now.ns >= self._held[0][1]:
            self._send(self._held.popleft()[0])
