"""The commands of the district that run, and what was answered: each taken once, ended by time (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from quartier.control.acks import Reason, Reception, Status
from quartier.control.commands import OPS, CommandDocument, FailsafeTest, Release, SetMode, Setpoint, Shed
from quartier.control.wishes import Ack
from quartier.house.now import Now
from quartier.house.records import replace

KIND = "command"
ANSWERED_MAX = 32
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One command that lasts: since when and until when (monotonic; the end in UTC too), how far it is."""

    document: CommandDocument
    since_ns: int
    until_ns: int
    until_utc_ms: int
    status: Status = Status.ACCEPTED

    @property
    def span_ns(self) -> int:
        """How long it runs."""
        return self.until_ns - self.since_ns


@dataclass(frozen=True, slots=True)
class Commands:
    """All that run, the oldest first, and the last word on each of the newest commands, for a repetition."""

    running: tuple[Running, ...] = ()
    answered: tuple[Ack, ...] = ()

    def now(self, now_ns: int) -> Iterator[Running]:
        """Those whose time is not over."""
        return (one for one in self.running if now_ns < one.until_ns)

    def shed_until_ns(self, now_ns: int) -> int | None:
        """Until when a shed runs; None: none does."""
        ends = (one.until_ns for one in self.now(now_ns) if isinstance(one.document.asked, Shed))
        return max(ends, default=None)

    def test_ns(self, now_ns: int) -> tuple[int, int] | None:
        """From when to when the fail-safe state is tested; None: it is not."""
        tests = (one for one in self.now(now_ns) if isinstance(one.document.asked, FailsafeTest))
        return next(((one.since_ns, one.until_ns) for one in tests), None)

    def answer(self, *acks: Ack) -> "Commands":
        """The same with ``acks`` as the last words on their commands."""
        known = {(ack.id, ack.seq): ack for ack in self.answered}
        for ack in acks:
            known.pop((ack.id, ack.seq), None)
            known[ack.id, ack.seq] = ack
        return replace(self, answered=tuple(known.values())[-ANSWERED_MAX:])

    def said(self, document: CommandDocument) -> Ack:
        """The last word on a command that comes again.

        Where none is known its effect is not either (the process died between its number and itself): it is
        over, and may be sent anew.
        """
        of = document.id, document.seq
        lost = ack_of(document, Status.ABORTED, reception=Reception.TEMPORARY_ERROR)
        return next((ack for ack in self.answered if (ack.id, ack.seq) == of), lost)


def ack_of(
    document: CommandDocument, status: Status, reason: str = "", reception: Reception = Reception.OK
) -> Ack:
    """An answer to a command."""
    return Ack(document.id, document.seq, KIND, reception.value, status.value, str(reason))


def taken(before: Commands, document: CommandDocument, reason: str, now: Now) -> tuple[Commands, list[Ack]]:
    """Take a command that may be taken; what it takes the place of is revoked.

    ``reason`` says what of it has no effect; empty: nothing.
    """
    gone = [one for one in before.running if _yields(one.document, document)]
    acks = [ack_of(one.document, Status.REVOKED) for one in gone]
    acks.append(ack_of(document, Status.ACCEPTED, reason))
    running = tuple(one for one in before.running if one not in gone)
    if document.duration_s:
        span_ns = round(document.duration_s * _S)
        until_utc_ms = now.utc_ms + span_ns // 1_000_000
        new = Running(
            document=document, since_ns=now.ns, until_ns=now.ns + span_ns, until_utc_ms=until_utc_ms
        )
        running = (*running, new)
    return replace(before, running=running).answer(*acks), acks


def _yields(old: CommandDocument, new: CommandDocument) -> bool:
    """Whether ``old`` ends by ``new``: another word on the same thing, or a release of all."""
    return isinstance(new.asked, Release) or (old.place == new.place != "")


def moved(
    before: Commands, document: CommandDocument, status: Status, reason: str = ""
) -> tuple[Commands, Ack]:
    """One came to ``status``; it goes on running unless that is ABORTED."""
    ack = ack_of(document, status, reason)
    if status is Status.ABORTED:
        return over(before, document).answer(ack), ack
    running = tuple(
        replace(old, status=status) if old.document == document else old for old in before.running
    )
    return replace(before, running=running).answer(ack), ack


def over(before: Commands, document: CommandDocument) -> Commands:
    """One came to its own end; its last word stays what it is."""
    return replace(before, running=tuple(old for old in before.running if old.document != document))


# --- over a restart ----------------------------------------------------------------------------


def dump(commands: Commands) -> dict[str, Any]:
    """What must be known after a restart, JSON-ready; it changes only when something happens."""
    return {
        "running": [_row(one) for one in commands.running],
        "answered": [asdict(ack) for ack in commands.answered],
    }


@dataclass(frozen=True, slots=True)
class Since:
    """What is known of the time since the run before.

    ``same_boot``: the machine went on, and its clock with it.  ``ends_ns``: when what takes ends at the
    latest, by kind and by this start's clock, as it was counted.
    """

    same_boot: bool = False
    ends_ns: Mapping[type, int] = field(default_factory=dict)


def restored(
    facts: Mapping[str, Any], now: Now, *, outage: bool, since: Since = Since()
) -> tuple[Commands, list[Ack]]:
    """What ``dump`` gave, on this process's clock, and what must be said of it.

    Where the machine went on its clock says how long each has run.  Else what takes (a shed, a test) goes on
    for as long as was counted, or is certain; what gives (a setpoint, a mode) only where the wall clock says
    for how long, and not over an outage of the grid (spec/failsafe.md#rule-6).  Raises ValueError where
    it is broken.
    """
    try:
        found = Commands(
            tuple(_restored(row, now, outage=outage, since=since) for row in facts["running"]),
            tuple(Ack(**row) for row in facts["answered"]),
        )
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"the commands are broken: {broken!r}") from broken
    acks = []
    for one in found.running:
        if one.until_ns <= now.ns and _is_wish(one):
            found, ack = moved(found, one.document, Status.ABORTED, Reason.SAFETY)
            acks.append(ack)
    return found, acks


def _is_wish(one: Running) -> bool:
    return isinstance(one.document.asked, Setpoint | SetMode)


def _row(one: Running) -> dict[str, Any]:
    document = {**asdict(one.document), "op": one.document.op}
    return {**asdict(one), "document": document, "status": one.status.value}


def _restored(row: Mapping[str, Any], now: Now, *, outage: bool, since: Since) -> Running:
    paper = {**row["document"]}
    asked = OPS[paper.pop("op")](**paper.pop("asked"))
    document = CommandDocument(**paper, asked=asked)
    one = Running(**{**row, "document": document, "status": Status(row["status"])})
    passed_ns = _passed_ns(one, now, outage=outage, since=since)
    return replace(one, since_ns=now.ns - passed_ns, until_ns=now.ns - passed_ns + one.span_ns)


def _passed_ns(one: Running, now: Now, *, outage: bool, since: Since) -> int:
    """How long it has run: at most, of what gives; at least, of what takes.

    A wall clock that shows a time before it began was set, and tells nothing.
    """
    if since.same_boot and now.ns >= one.since_ns and not (outage and _is_wish(one)):
        return min(now.ns - one.since_ns, one.span_ns)
    by_wall_ns = one.span_ns - (one.until_utc_ms - now.utc_ms) * 1_000_000
    if _is_wish(one):
        return one.span_ns if outage or not now.synced or by_wall_ns < 0 else by_wall_ns
    end_ns = since.ends_ns.get(type(one.document.asked))
    if end_ns is not None:
        return one.span_ns - min(max(0, end_ns - now.ns), one.span_ns)
    if now.ns >= one.since_ns:  # the monotonic clock went on, or shows less than what passed
        return min(now.ns - one.since_ns, one.span_ns)
    return min(max(0, by_wall_ns), one.span_ns) if now.synced else 0
