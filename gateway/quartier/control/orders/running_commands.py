"""The effect of running commands on one cycle: tiers off, and orders below those of people (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from quartier.control import participants
from quartier.control.events.effects import COMMANDED_SHED, make_tier_reason
from quartier.control.orders import setpoints
from quartier.control.orders.commands import (
    OPS,
    CommandDocument,
    FailsafeTest,
    Release,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.control.reason import Reason, make_reason
from quartier.control.records import Override, Overrides, is_by_hand
from quartier.control.requests import Ack, AckReason, InstructionStatus, ReceptionStatus
from quartier.site.asset_types import Battery, ControllableAsset
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin

SHED_TIERS = ("D", "C", "B")
"""The order in which a shed takes the tiers; tier A is never among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCommand:
    """One lasting command: its start and end (monotonic; the end in UTC too), and its status."""

    document: CommandDocument
    since_ns: int
    until_ns: int
    until_utc_ms: int
    status: InstructionStatus = InstructionStatus.ACCEPTED

    @property
    def duration_ns(self) -> int:
        """The time for which it runs, in ns."""
        return self.until_ns - self.since_ns


def find_requester(one: RunningCommand) -> Origin:
    """Return the requester of a command."""
    return Origin("document", COMMAND_TYPE, one.document.id, one.document.seq)


@dataclass(frozen=True, slots=True)
class RunningCommands:
    """All running commands, the oldest first, and the last ack of each of the newest, for a repetition."""

    running: tuple[RunningCommand, ...] = ()
    last_acks: tuple[Ack, ...] = ()

    def now(self, now_ns: int) -> Iterator[RunningCommand]:
        """Return the commands whose time is not over."""
        return (one for one in self.running if now_ns < one.until_ns)

    def find_shed_end_ns(self, now_ns: int) -> int | None:
        """Return until when a shed runs; None if none does."""
        ends = (one.until_ns for one in self.now(now_ns) if isinstance(one.document.asked, Shed))
        return max(ends, default=None)

    def test_ns(self, now_ns: int) -> tuple[int, int] | None:
        """Return from when to when the fail-safe state is tested; None if it is not."""
        tests = (one for one in self.now(now_ns) if isinstance(one.document.asked, FailsafeTest))
        return next(((one.since_ns, one.until_ns) for one in tests), None)

    def answer(self, *acks: Ack) -> "RunningCommands":
        """Return the same with ``acks`` as the last acks of their commands."""
        known = {(ack.id, ack.seq): ack for ack in self.last_acks}
        for ack in acks:
            known.pop((ack.id, ack.seq), None)
            known[ack.id, ack.seq] = ack
        return replace(self, last_acks=tuple(known.values())[-ANSWERS_MAX:])

    def find_last_ack(self, document: CommandDocument) -> Ack:
        """Return the last ack of a command that comes again.

        If none is known, its effect is not known either (the process died between storing its number and its
        effect): it is over, and may be sent anew.
        """
        of = document.id, document.seq
        lost = make_command_ack(
            document, InstructionStatus.ABORTED, reception=ReceptionStatus.TEMPORARY_ERROR
        )
        return next((ack for ack in self.last_acks if (ack.id, ack.seq) == of), lost)


def find_commanded_tiers(commands: RunningCommands, now_ns: int) -> dict[str, Reason]:
    """Return the tiers that a command has switched off, each with the reason."""
    found: dict[str, Reason] = {}
    for one in commands.now(now_ns):
        request = one.document.asked
        if isinstance(request, Shed):
            for tier in SHED_TIERS[: request.level]:
                reason = make_reason(
                    COMMANDED_SHED, find_requester(one), one.until_utc_ms, document=one.document.id
                )
                found[tier] = reason.then(make_tier_reason(tier))
    return found


def collect_overrides(commands: RunningCommands, site: Site, given: Overrides, now_ns: int) -> Overrides:
    """Return the overrides of all assets: people's first, then maintenance, setpoints, ``manual``, others.

    ``given`` are those of people and of schedules.
    """
    if not commands.running:
        return given
    hands = {name: one for name, one in given.items() if is_by_hand(name, given)}
    rest: dict[str, Override] = {}
    orders: dict[str, Override] = {}
    given_back: dict[str, Override] = {}
    for one in commands.now(now_ns):
        request = one.document.asked
        if isinstance(request, Setpoint) and (asset := find_controllable(site, request.asset)) is not None:
            orders[asset.name] = _order(one, asset.name, setpoints.convert_power(asset, request.power_w))
        elif isinstance(request, SetMode):
            still = request.mode == "manual"
            for unit in find_batteries(site):
                (rest if still else given_back)[unit.name] = _order(one, unit.name, 0.0 if still else None)
    return {**given, **rest, **orders, **given_back, **hands}


def _order(one: RunningCommand, asset: str, order: float | None) -> Override:
    return Override(asset, order, one.until_ns, one.until_utc_ms, find_requester(one))


def find_batteries(site: Site) -> list[Battery]:
    """Return the batteries that take orders: the subject of a mode."""
    return [one for one in site.assets if isinstance(one, Battery) and participants.has_writable_point(one)]


def find_controllable(site: Site, asset: str) -> ControllableAsset | None:
    """Return the asset of that name that takes orders; None if there is none."""
    return next(
        (one for one in site.assets if one.name == asset and participants.has_writable_point(one)), None
    )


COMMAND_TYPE = "command"
ANSWERS_MAX = 32
_S = 1_000_000_000


def make_command_ack(
    document: CommandDocument,
    status: InstructionStatus,
    reason: str = "",
    reception: ReceptionStatus = ReceptionStatus.OK,
) -> Ack:
    """Make the ack of a command."""
    return Ack(document.id, document.seq, COMMAND_TYPE, reception.value, status.value, str(reason))


def accept_command(
    before: RunningCommands, document: CommandDocument, reason: str, now: Now
) -> tuple[RunningCommands, list[Ack]]:
    """Accept a command; the command that it replaces is revoked.

    ``reason`` says which part of it has no effect; empty if all of it has.
    """
    gone = [one for one in before.running if _yields(one.document, document)]
    acks = [make_command_ack(one.document, InstructionStatus.REVOKED) for one in gone]
    acks.append(make_command_ack(document, InstructionStatus.ACCEPTED, reason))
    running = tuple(one for one in before.running if one not in gone)
    if document.duration_s:
        span_ns = round(document.duration_s * _S)
        until_utc_ms = now.utc_ms + span_ns // 1_000_000
        new = RunningCommand(
            document=document, since_ns=now.ns, until_ns=now.ns + span_ns, until_utc_ms=until_utc_ms
        )
        running = (*running, new)
    return replace(before, running=running).answer(*acks), acks


def _yields(old: CommandDocument, new: CommandDocument) -> bool:
    """Return whether ``new`` ends ``old``: a command of the same place, or a release of all."""
    return isinstance(new.asked, Release) or (old.place == new.place != "")


def set_command_status(
    before: RunningCommands, document: CommandDocument, status: InstructionStatus, reason: str = ""
) -> tuple[RunningCommands, Ack]:
    """Set the status of a command; it goes on running unless that is ABORTED."""
    ack = make_command_ack(document, status, reason)
    if status is InstructionStatus.ABORTED:
        return end_command(before, document).answer(ack), ack
    running = tuple(
        replace(old, status=status) if old.document == document else old for old in before.running
    )
    return replace(before, running=running).answer(ack), ack


def end_command(before: RunningCommands, document: CommandDocument) -> RunningCommands:
    """Remove a command that came to its own end; its last ack stays."""
    return replace(before, running=tuple(old for old in before.running if old.document != document))


# --- over a restart ----------------------------------------------------------------------------


def dump_commands(commands: RunningCommands) -> dict[str, Any]:
    """Return the facts that must be known after a restart, JSON-ready; they change only with an event."""
    return {
        "running": [_row(one) for one in commands.running],
        "answered": [asdict(ack) for ack in commands.last_acks],
    }


@dataclass(frozen=True, slots=True)
class RestartFacts:
    """The known facts of the time since the process before.

    ``same_boot``: the machine went on, and its clock with it. ``ends_ns``: by kind, when a reducing command
    (shed, test) ends at the latest, on this start's clock, as counted.
    """

    same_boot: bool = False
    ends_ns: Mapping[type, int] = field(default_factory=dict)


def load_commands(
    facts: Mapping[str, Any], now: Now, *, outage: bool, since: RestartFacts = RestartFacts()
) -> tuple[RunningCommands, list[Ack]]:
    """Load the result of ``dump_commands`` on this process's clock; return it with the acks to send.

    If the machine went on, its clock measures how long each command has run. Else a reducing command (a shed,
    a test) goes on for the counted or certain time. A giving command (a setpoint, a mode) goes on only if the
    wall clock says for how long, and not over an outage of the grid (spec/failsafe.md#rule-6). Raises
    ValueError if the facts are broken.
    """
    try:
        found = RunningCommands(
            tuple(_restore_command(row, now, outage=outage, since=since) for row in facts["running"]),
            tuple(Ack(**row) for row in facts["answered"]),
        )
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"the commands are broken: {broken!r}") from broken
    acks = []
    for one in found.running:
        if one.until_ns <= now.ns and _is_request(one):
            found, ack = set_command_status(found, one.document, InstructionStatus.ABORTED, AckReason.SAFETY)
            acks.append(ack)
    return found, acks


def _is_request(one: RunningCommand) -> bool:
    return isinstance(one.document.asked, Setpoint | SetMode)


def _row(one: RunningCommand) -> dict[str, Any]:
    document = {**asdict(one.document), "op": one.document.op}
    return {**asdict(one), "document": document, "status": one.status.value}


def _restore_command(
    row: Mapping[str, Any], now: Now, *, outage: bool, since: RestartFacts
) -> RunningCommand:
    fields = {**row["document"]}
    asked = OPS[fields.pop("op")](**fields.pop("asked"))
    document = CommandDocument(**fields, asked=asked)
    one = RunningCommand(**{**row, "document": document, "status": InstructionStatus(row["status"])})
    passed_ns = _find_run_time_ns(one, now, outage=outage, since=since)
    return replace(one, since_ns=now.ns - passed_ns, until_ns=now.ns - passed_ns + one.duration_ns)


def _find_run_time_ns(one: RunningCommand, now: Now, *, outage: bool, since: RestartFacts) -> int:
    """Return how long it has run, in ns: at most for a giving command, at least for a reducing one.

    A wall clock with a time before its start was set, and says nothing.
    """
    if since.same_boot and now.ns >= one.since_ns and not (outage and _is_request(one)):
        return min(now.ns - one.since_ns, one.duration_ns)
    by_wall_ns = one.duration_ns - (one.until_utc_ms - now.utc_ms) * 1_000_000
    if _is_request(one):
        return one.duration_ns if outage or not now.synced or by_wall_ns < 0 else by_wall_ns
    end_ns = since.ends_ns.get(type(one.document.asked))
    if end_ns is not None:
        return one.duration_ns - min(max(0, end_ns - now.ns), one.duration_ns)
    if now.ns >= one.since_ns:  # the monotonic clock went on, or shows less than what passed
        return min(now.ns - one.since_ns, one.duration_ns)
    return min(max(0, by_wall_ns), one.duration_ns) if now.synced else 0
