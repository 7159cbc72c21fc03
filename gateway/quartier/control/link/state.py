"""The state of the link-state machine, and its JSON form on disk.

``LinkState.mode`` is one of five states (spec/failsafe.md#section-2); ``transitions`` says what leads from
one to the next:

- INIT: no district since the start or a grid outage. Fail-safe values.
- CONTROLLED: documents and fresh heartbeats. The limits of the documents.
- HOLD: heartbeats stopped, every document says *hold*. The cached schedules go on.
- FAILSAFE: the district is lost. Fail-safe values, at least until ``owed_ns``.
- AUTONOMOUS: the declared values without a district.

Invariants:

- ``LinkState`` is frozen: each input makes a new one.
- FAILSAFE has ``owed_ns``; CONTROLLED and AUTONOMOUS have none. INIT keeps it over an outage.
- Each program has one newest document; earlier ones bind beside it until loosening is allowed
  (spec/failsafe.md#rule-3).
- A position in a document counts on the boot clock: a step of the wall clock moves none
  (spec/failsafe.md#rule-8).
- ``heartbeat_n`` is not saved; ``seqs`` never forgets a program.
- What ``dump_link_state`` wrote ``load_link_state`` reads; anything else raises ValueError
  (spec/failsafe.md#persisted-state).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import isfinite
from operator import is_
from typing import Any

from quartier.control.records import PowerLimits
from quartier.control.requests import Envelope, FailsafeValues, Interval
from quartier.site.records import replace

STATE_FORMAT = 2
CLOCK_NOISE_MS = 10
"""Two readings of one clock differ by less than this; a wall clock that differs by more was set."""
_MS = 1_000_000


class LinkMode(StrEnum):
    """The five states of spec/failsafe.md#section-2."""

    INIT = "INIT"
    CONTROLLED = "CONTROLLED"
    HOLD = "HOLD"
    FAILSAFE = "FAILSAFE"
    AUTONOMOUS = "AUTONOMOUS"


@dataclass(frozen=True, slots=True)
class UtcPosition:
    """A UTC time that is counted on the boot clock: ``offset_ms`` plus the milliseconds of ``Now.ns``.

    Without ``known`` it is not known how long the machine was off, so it is that time or any later one.
    """

    offset_ms: int
    known: bool = True

    @classmethod
    def from_utc(cls, utc_ms: int, now_ns: int, *, known: bool = True) -> "UtcPosition":
        """Return the position that is ``utc_ms`` now."""
        return cls(utc_ms - now_ns // _MS, known)

    def utc_ms(self, now_ns: int) -> int:
        """Return the UTC time of the position now, in ms."""
        return self.offset_ms + now_ns // _MS

    def resume(self, shift_ns: int, *, rebooted: bool) -> "UtcPosition":
        """Return the same position on the clock of another start, which shows ``shift_ns`` more."""
        return UtcPosition(self.offset_ms - shift_ns // _MS, self.known and not rebooted)


@dataclass(frozen=True, slots=True)
class TrackedDocument:
    """A document and the position in it, counted from its acceptance (spec/failsafe.md#rule-8).

    ``positions``: the first one counts; the others bind too until loosening is allowed. A valid document is
    accepted at ``first_utc_ms`` or later, so from ``accepted_ns`` it lasts no longer than from there to its
    end. ``lost_ms``: the position when the wall clock was no longer trusted; the interval at that position
    binds until it is trusted again.
    """

    envelope: Envelope
    positions: tuple[UtcPosition, ...]
    accepted_ns: int
    first_utc_ms: int
    lost_ms: int | None = None

    def find_binding(self, now_ns: int) -> tuple[UtcPosition, ...]:
        """Return the positions at which the document has not ended; empty if it has ended."""
        end_ms = self.envelope.exp_utc_ms
        if self.first_utc_ms + (now_ns - self.accepted_ns) // _MS > end_ms:
            return ()
        return tuple(one for one in self.positions if one.utc_ms(now_ns) <= end_ms)

    def utc_ms(self, now_ns: int) -> int:
        """Return the position that counts, in ms UTC."""
        return self.positions[0].utc_ms(now_ns)

    def replace_position(self, position: UtcPosition) -> "TrackedDocument":
        """Set the position anew; those before it bind on until loosening is allowed."""
        others = (one for one in self.positions if one != position)
        return replace(self, positions=(position, *others))

    def drop_old_positions(self) -> "TrackedDocument":
        """Keep only the position that counts: loosening is allowed."""
        return self if len(self.positions) == 1 else replace(self, positions=self.positions[:1])

    def update(self, then_ns: int, *, synced: bool) -> "TrackedDocument":
        """Record whether the wall clock is trusted; ``then_ns``: when it last was."""
        if synced:
            return self if self.lost_ms is None else replace(self, lost_ms=None)
        if self.lost_ms is not None or not self.positions[0].known:
            return self
        return replace(self, lost_ms=self.utc_ms(then_ns))

    def resume(self, shift_ns: int, *, rebooted: bool) -> "TrackedDocument":
        """Return the same document on the clock of another start, which shows ``shift_ns`` more."""
        positions = tuple(one.resume(shift_ns, rebooted=rebooted) for one in self.positions)
        if rebooted:  # any later position may be right too, so the earliest stands for all
            positions = (min(positions, key=lambda one: one.offset_ms),)
        return replace(self, positions=positions, accepted_ns=self.accepted_ns + shift_ns)


@dataclass(frozen=True, slots=True)
class ProgramState:
    """The newest envelope of a program, and older ones that bind too until loosening is allowed.

    Without ``sure`` its number is not on disk.
    """

    newest: TrackedDocument
    earlier: tuple[TrackedDocument, ...] = ()
    sure: bool = True

    @property
    def envelope(self) -> Envelope:
        """The newest envelope."""
        return self.newest.envelope

    @property
    def documents(self) -> tuple[TrackedDocument, ...]:
        """All documents, the newest first."""
        return (self.newest, *self.earlier)

    def map_documents(self, change: Callable[[TrackedDocument], TrackedDocument]) -> "ProgramState":
        """Return the program with each document changed; the same object if none changed."""
        newest, earlier = change(self.newest), tuple(map(change, self.earlier))
        if newest is self.newest and all(map(is_, earlier, self.earlier)):
            return self
        return replace(self, newest=newest, earlier=earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """One instant of the link. All ``_ns`` are times of ``Now.ns``, which counts sleep too; None: never.

    ``since_ns`` is the entry of ``mode``, ``seen_ns`` the last input of any kind, both also in UTC.
    ``heartbeat_n`` lives in memory only. ``back_ns`` is the first heartbeat after FAILSAFE began.
    ``document_ns`` is the last reception of a valid document, ``valid_ns`` when one was last inside its
    validity. ``owed_ns`` is the end of the fail-safe minimum duration, kept through INIT. ``test_ns``: from
    when to when a command tests the fail-safe state, whatever ``mode`` is. ``floor`` are the limits of the
    state before CONTROLLED if loosening was not yet allowed on entry.

    ``clock`` is UTC, counted on since the wall clock was last surely right: a heartbeat agreed with it, or it
    was the first one synced; None before that. ``anchor_utc_ms`` is the counted time when the wall clock was
    last trusted. ``beat_offset_ms`` is the UTC of the newest heartbeat, as an offset like that of a
    ``UtcPosition``; this includes a heartbeat that does not agree with a synced clock, received at
    ``denied_ns``. ``step_ms`` is how far the wall clock was last seen ahead of the counted time by more than
    a minute, at ``step_ns``, since ``stepped_ns``.
    """

    mode: LinkMode
    why: str
    since_ns: int
    since_utc_ms: int
    seen_ns: int
    seen_utc_ms: int
    heartbeat_ns: int | None = None
    heartbeat_n: int | None = None
    beat_offset_ms: int | None = None
    denied_ns: int | None = None
    back_ns: int | None = None
    document_ns: int | None = None
    valid_ns: int
    owed_ns: int | None = None
    shed_until_ns: int | None = None
    test_ns: tuple[int, int] | None = None
    programs: tuple[ProgramState, ...] = ()
    seqs: Mapping[str, int] = field(default_factory=dict)
    floor: PowerLimits | None = None
    failsafe: FailsafeValues | None = None
    failsafe_next: FailsafeValues | None = None
    failsafe_seq: int = -1
    clock: UtcPosition | None = None
    anchor_utc_ms: int | None = None
    step_ms: int = 0
    step_ns: int | None = None
    stepped_ns: int | None = None

    def program(self, name: str) -> ProgramState | None:
        """Return the program of that name; None if there is none."""
        return next((p for p in self.programs if p.envelope.program == name), None)


def dump_link_state(state: LinkState) -> dict[str, Any]:
    """Return the state as JSON-ready data; save it when ``is_save_due`` says so."""
    data = asdict(state)
    for gone in ("heartbeat_n", "beat_offset_ms", "denied_ns", "back_ns", "document_ns"):
        del data[gone]
    data["format"] = STATE_FORMAT
    data["mode"] = str(state.mode)
    data["programs"] = [asdict(program) for program in state.programs]
    if state.floor is not None:  # JSON knows no infinity
        data["floor"] = {name: watts if isfinite(watts) else None for name, watts in data["floor"].items()}
    return data


def load_link_state(data: Mapping[str, Any]) -> LinkState:
    """Load the result of ``dump_link_state``, also that of the format before.

    Raises ValueError if it has another format or is broken; the caller then starts without it.
    """
    if data.get("format") not in (1, STATE_FORMAT):
        raise ValueError(f"link state has format {data.get('format')!r}, expected {STATE_FORMAT}")
    try:
        rest = {key: value for key, value in data.items() if key != "format"}
        if data["format"] == 1:
            rest = _of_format_1(rest)
        rest["mode"] = LinkMode(rest["mode"])
        rest["programs"] = tuple(_program(program) for program in rest["programs"])
        rest["seqs"] = {str(name): int(seq) for name, seq in rest["seqs"].items()}
        for name in ("failsafe", "failsafe_next"):
            rest[name] = FailsafeValues(**rest[name]) if rest.get(name) else None
        rest["floor"] = _powers(rest["floor"]) if rest.get("floor") else None
        rest["test_ns"] = tuple(map(int, rest["test_ns"])) if rest.get("test_ns") else None
        rest["clock"] = _position(rest["clock"]) if rest.get("clock") else None
        state = LinkState(**rest)
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"link state is broken: {broken!r}") from broken
    if state.mode is LinkMode.FAILSAFE and state.owed_ns is None:
        raise ValueError("link state is broken: FAILSAFE without an end of its minimum")
    return state


def is_save_due(saved: LinkState | None, state: LinkState) -> bool:
    """Return whether ``state`` must be saved: anything but time passing changed, or 60 s passed.

    The passing of time matters for the minimum of FAILSAFE, the age of the heartbeat, and the position in
    documents: after a reboot these continue from the saved state.
    """
    if saved is None:
        return True
    aged = state.seen_ns - saved.seen_ns >= 60_000_000_000
    ages = state.mode is not LinkMode.AUTONOMOUS or bool(state.programs)
    return (aged and ages) or _lasting(saved) != _lasting(state)


def _lasting(state: LinkState) -> tuple[object, ...]:
    return (
        state.mode,
        state.since_ns,
        state.owed_ns,
        state.shed_until_ns,
        state.test_ns,
        state.programs,
        state.seqs,
        state.floor,
        state.failsafe,
        state.failsafe_next,
        state.failsafe_seq,
        state.clock,
        state.stepped_ns,
    )


def _program(data: Mapping[str, Any]) -> ProgramState:
    earlier = tuple(_load_document(older) for older in data["earlier"])
    return ProgramState(_load_document(data["newest"]), earlier, bool(data.get("sure", True)))


def _load_document(data: Mapping[str, Any]) -> TrackedDocument:
    positions = tuple(_position(position) for position in data["positions"])
    if not positions:
        raise KeyError("positions")
    return TrackedDocument(**{**data, "envelope": _envelope(data["envelope"]), "positions": positions})


def _position(data: Mapping[str, Any]) -> UtcPosition:
    return UtcPosition(int(data["offset_ms"]), bool(data["known"]))


def _of_format_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Convert format 1, in which documents had no position: each continues from when the clock was right."""
    rest = dict(data)
    anchor_ns, sure_ns, sure_utc_ms = rest.pop("anchor_ns"), rest.pop("sure_ns"), rest.pop("sure_utc_ms")
    known = sure_ns is not None
    then = (sure_ns, sure_utc_ms) if known else (rest["seen_ns"], rest["seen_utc_ms"])
    clock = UtcPosition.from_utc(then[1], then[0], known=known)
    rest["clock"] = asdict(clock) if known else None
    rest["anchor_utc_ms"] = clock.utc_ms(anchor_ns) if known and anchor_ns is not None else None

    def add_tracking(envelope: Mapping[str, Any]) -> dict[str, Any]:
        begun = {"accepted_ns": rest["seen_ns"], "first_utc_ms": envelope["nbf_utc_ms"], "lost_ms": None}
        return {"envelope": envelope, "positions": [asdict(clock)], **begun}

    rest["programs"] = [
        {
            **one,
            "newest": add_tracking(one["envelope"]),
            "earlier": [add_tracking(older) for older in one["earlier"]],
        }
        for one in rest["programs"]
    ]
    return rest


def _envelope(data: Mapping[str, Any]) -> Envelope:
    intervals = tuple(Interval(**interval) for interval in data["intervals"])
    return Envelope(**{**data, "intervals": intervals})


def _powers(data: Mapping[str, Any]) -> PowerLimits:
    return PowerLimits(
        **{name: float("inf") if watts is None else float(watts) for name, watts in data.items()}
    )
