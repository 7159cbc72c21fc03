"""What the link-state machine remembers, and its JSON form that outlives the process."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any

from quartier.control.caps import Powers
from quartier.control.wishes import Envelope, FailsafeValues, Interval

FORMAT = 1


class Mode(StrEnum):
    """The five states of failsafe.md section 2."""

    INIT = "INIT"
    CONTROLLED = "CONTROLLED"
    HOLD = "HOLD"
    FAILSAFE = "FAILSAFE"
    AUTONOMOUS = "AUTONOMOUS"


@dataclass(frozen=True, slots=True)
class Program:
    """The newest envelope of a program, and older ones that bind too until loosening is allowed.

    Not ``sure``: its number is not on disk.
    """

    envelope: Envelope
    earlier: tuple[Envelope, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """One instant of the link.  All ``_ns`` are monotonic of this process; None means never.

    ``since`` is the entry of ``mode``; ``seen`` the last input of any kind.  ``heartbeat_n`` lives
    in memory only.  ``back_ns`` is the first heartbeat after FAILSAFE began, ``document_ns`` the last
    reception of a valid document, ``valid_ns`` when one was last inside its validity, ``owed_ns``
    the end of the fail-safe minimum duration, kept through INIT.  ``test_ns``: from when to when a
    command has the fail-safe state tested, whatever ``mode`` is.  ``floor`` are the caps of the
    state before CONTROLLED where loosening was not yet allowed on entry.  ``anchor`` is the last
    instant with a synced clock, from which time is reckoned while it is not.  ``sure`` is the last instant at
    which the wall clock was surely right: a heartbeat agreed with it, or it was the first one synced.
    """

    mode: Mode
    why: str
    since_ns: int
    since_utc_ms: int
    seen_ns: int
    seen_utc_ms: int
    heartbeat_ns: int | None = None
    heartbeat_n: int | None = None
    back_ns: int | None = None
    document_ns: int | None = None
    valid_ns: int
    owed_ns: int | None = None
    shed_until_ns: int | None = None
    test_ns: tuple[int, int] | None = None
    programs: tuple[Program, ...] = ()
    seqs: Mapping[str, int] = field(default_factory=dict)
    floor: Powers | None = None
    failsafe: FailsafeValues | None = None
    failsafe_next: FailsafeValues | None = None
    failsafe_seq: int = -1
    anchor_ns: int | None = None
    anchor_utc_ms: int | None = None
    sure_ns: int | None = None
    sure_utc_ms: int = 0

    def program(self, name: str) -> Program | None:
        """The program of that name, if one is held."""
        return next((p for p in self.programs if p.envelope.program == name), None)


def dump(state: LinkState) -> dict[str, Any]:
    """The state as JSON-ready data; worth saving when ``worth_saving`` says so."""
    data = asdict(state)
    for gone in ("heartbeat_n", "back_ns", "document_ns"):
        del data[gone]
    data["format"] = FORMAT
    data["mode"] = str(state.mode)
    data["programs"] = [asdict(program) for program in state.programs]
    if state.floor is not None:  # JSON knows no infinity
        data["floor"] = {name: watts if isfinite(watts) else None for name, watts in data["floor"].items()}
    return data


def restore(data: Mapping[str, Any]) -> LinkState:
    """Read what ``dump`` made, back from JSON.

    Raises ValueError when it is of another format or broken; the caller then starts without.
    """
    if data.get("format") != FORMAT:
        raise ValueError(f"link state has format {data.get('format')!r}, expected {FORMAT}")
    try:
        rest = {key: value for key, value in data.items() if key != "format"}
        rest["mode"] = Mode(rest["mode"])
        rest["programs"] = tuple(_program(program) for program in rest["programs"])
        rest["seqs"] = {str(name): int(seq) for name, seq in rest["seqs"].items()}
        for name in ("failsafe", "failsafe_next"):
            rest[name] = FailsafeValues(**rest[name]) if rest.get(name) else None
        rest["floor"] = _powers(rest["floor"]) if rest.get("floor") else None
        rest["test_ns"] = tuple(map(int, rest["test_ns"])) if rest.get("test_ns") else None
        state = LinkState(**rest)
    except (AttributeError, KeyError, TypeError) as broken:
        raise ValueError(f"link state is broken: {broken!r}") from broken
    if state.mode is Mode.FAILSAFE and state.owed_ns is None:
        raise ValueError("link state is broken: FAILSAFE without an end of its minimum")
    return state


def worth_saving(saved: LinkState | None, state: LinkState) -> bool:
    """Whether ``state`` should go to disk: all but the passing of time changed, or 60 s passed.

    The passing of time matters for the minimum of FAILSAFE and the age of the heartbeat only.
    """
    if saved is None:
        return True
    aged = state.seen_ns - saved.seen_ns >= 60_000_000_000
    return (aged and state.mode is not Mode.AUTONOMOUS) or _lasting(saved) != _lasting(state)


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
    )


def _program(data: Mapping[str, Any]) -> Program:
    earlier = tuple(_envelope(older) for older in data["earlier"])
    return Program(_envelope(data["envelope"]), earlier, bool(data.get("sure", True)))


def _envelope(data: Mapping[str, Any]) -> Envelope:
    intervals = tuple(Interval(**interval) for interval in data["intervals"])
    return Envelope(**{**data, "intervals": intervals})


def _powers(data: Mapping[str, Any]) -> Powers:
    return Powers(**{name: float("inf") if watts is None else float(watts) for name, watts in data.items()})
