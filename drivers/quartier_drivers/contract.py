"""The contract between the doors and the decisions: what a driver takes and gives.

The five methods of a driver (architecture.md#driver).  ``read`` makes at most *one*
exchange on the wire, the most overdue of its plan, so that a write never waits for more
than one request (who is ``abilities.Brisk`` makes several in one go, and looks for writes
between them).  Time comes in as a ``Clock``; no door asks for it elsewhere.
"""

import math
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal, Protocol, overload

from quartier_drivers.layout import Layout
from quartier_drivers.who import OURS, Who

Value = float | int | bool | str
# What a column holds.  A whole number beyond 2**53 and every text stand beside the column, in ``texts``.
FLOAT, INT, BOOL, TEXT = range(4)
KINDS: Mapping[str, int] = MappingProxyType({"float": FLOAT, "int": INT, "bool": BOOL, "text": TEXT})
EXACT_INT_MAX = 2**53


class Quality(IntEnum):
    """How far a value may be trusted; the numbers are Sparkplug B 3.0's Quality property."""

    BAD = 0
    GOOD = 192
    STALE = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point, in the house's units and sign.

    ``taken_ns`` is monotonic.  ``raw`` is what stood on the wire, for people (``quartier read``).
    A value that is not ``GOOD`` is only of interest as the last one known.
    """

    point: str
    value: Value
    quality: Quality
    taken_ns: int
    raw: str = ""


# A column of qualities holds the place of each in this row.
QUALITIES = (Quality.GOOD, Quality.BAD, Quality.STALE)
_CODES = {quality: code for code, quality in enumerate(QUALITIES)}


class Readings(Sequence[Reading]):
    """What is known of the points of one layout at one moment, in columns.

    ``values`` is an ``array("d")``, ``qualities`` one place in ``QUALITIES`` a point, ``taken_ns`` is
    monotonic.  ``texts`` holds what no double can, ``raws`` what stood on the wire, both by place.
    Never changed once made.  As a sequence it gives ``Reading``s, made when they are asked for.
    """

    __slots__ = ("layout", "qualities", "raws", "taken_ns", "texts", "values")

    def __init__(
        self,
        layout: Layout,
        values: "array[float]",
        qualities: bytes,
        taken_ns: int,
        texts: Mapping[int, str] = MappingProxyType({}),
        raws: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self.layout = layout
        self.values = values
        self.qualities = qualities
        self.taken_ns = taken_ns
        self.texts = texts
        self.raws = raws

    def __len__(self) -> int:
        return len(self.layout.kinds)

    @overload
    def __getitem__(self, place: int) -> Reading: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Reading]: ...
    def __getitem__(self, place: int | slice) -> Reading | Sequence[Reading]:
        """One reading, or a list of them."""
        if isinstance(place, slice):
            return [self.reading(at) for at in range(*place.indices(len(self)))]
        return self.reading(range(len(self))[place])

    def __iter__(self) -> Iterator[Reading]:
        return map(self.reading, range(len(self)))

    def reading(self, place: int) -> Reading:
        """The reading at ``place``, 0 or more."""
        quality = QUALITIES[self.qualities[place]]
        raw = self.raws.get(place, "") if self.raws else ""
        return Reading(self.layout.point(place), self.value(place), quality, self.taken_ns, raw)

    def value(self, place: int) -> Value:
        """The value at ``place`` as the kind of its point."""
        kind = self.layout.kinds[place]
        if kind == FLOAT:
            return self.values[place]
        if kind == BOOL:
            return self.values[place] != 0.0
        text = self.texts.get(place)
        if kind == TEXT:
            return text or ""
        return int(self.values[place]) if text is None else int(text)


def columns(readings: Iterable[Reading], taken_ns: int, layout: Layout | None = None) -> Readings:
    """Readings of one moment as columns; their own ``taken_ns`` does not count.

    Without a ``layout`` of just these points in this order, a new one is made of what they hold.
    """
    rows = tuple(readings)
    made = layout or Layout(tuple(row.point for row in rows), bytes(_kind_of(row.value) for row in rows))
    texts = {
        place: str(row.value)
        for place, row in enumerate(rows)
        if isinstance(row.value, str)
        or (type(row.value) is int and not -EXACT_INT_MAX <= row.value <= EXACT_INT_MAX)
    }
    return Readings(
        made,
        array("d", [0.0 if place in texts else float(row.value) for place, row in enumerate(rows)]),
        bytes(_CODES[row.quality] for row in rows),
        taken_ns,
        texts,
        {place: row.raw for place, row in enumerate(rows) if row.raw},
    )


def _kind_of(value: Value) -> int:
    if isinstance(value, float):
        return FLOAT
    if isinstance(value, bool):
        return BOOL
    return TEXT if isinstance(value, str) else INT


NOTHING = columns((), 0)
"""No readings at all."""


@dataclass(frozen=True, slots=True)
class Command:
    """One wish for one point.  Worthless after ``expires_ns``; never queued past it.

    ``until_utc_ms``: until when ``who`` wants it so, where that is known; the ledger tells it.  ``reason`` is
    text for people, ``cause`` the same for programs: its code, its values and what is behind it, JSON-ready.
    """

    point: str
    value: float
    expires_ns: int
    reason: str = ""
    who: Who = OURS
    until_utc_ms: int | None = None
    cause: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Fallback:
    """What the device does by itself when nobody writes for ``after_s`` seconds: it takes ``value``.

    ``value`` is in house units; None: the device's own control decides.  ``after_s`` infinite: never, what
    was written last stands (right for a cap whose reversion would mean *unlimited*).  ``register`` is the
    timer, written with each setpoint; empty where the device's timer is fixed.  Writing every ``refresh_s``
    keeps it from acting; 0 means a third of ``after_s``.  ``kept_by`` says what else does: with
    ``requests`` any request, reading too, so that it guards against a lost gateway only.
    """

    value: float | None
    after_s: float
    register: str = ""
    refresh_s: float = 0.0
    kept_by: Literal["writes", "requests"] = "writes"

    @property
    def holds(self) -> bool:
        """Return whether what was written last stands for ever."""
        return self.after_s == math.inf


@dataclass(frozen=True, slots=True)
class Armed:
    """How the fall-back of ``point`` stands in its device, as read back just now.

    ``value`` (house units) and ``after_s`` were found; None where the device does not show it.  ``problem``
    says what is not as declared (after a write: what was written, what came back) and the next step.  Not
    ``is_verified``: the manual declares it, the device shows none of it.
    """

    point: str
    value: float | None
    after_s: float | None
    problem: str = ""
    is_verified: bool = True


async def at_once() -> None:
    """Nothing lies between two exchanges."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something of a device that a person should know, said once: ``code`` as in a log (``noun.verb``).

    ``is_good``: it only says that something is well again.
    """

    code: str
    text: str
    data: Mapping[str, float | str] = field(default_factory=dict)
    is_good: bool = False


OnRelease = Literal["own", "cap", "hold"] | float


@dataclass(frozen=True, slots=True)
class PointInfo:
    """What is known about a point before it was ever read.

    ``address`` is the protocol's own (``"100/holding:840"``); ``low`` and ``high`` are the
    plausible range of a read, ``write_low`` and ``write_high`` of a write (house units);
    ``period_s`` is its scan class; ``step`` the resolution of a write; ``read_back`` says whether
    a written value can be confirmed by reading the same point, ``settle_s`` how long the old one may
    still show.  ``writes_per_day`` is the budget of a ``persistent`` point; 0: none.  ``no_fallback``: why.
    ``shows_own``: a point given back to its device's own control no longer shows what was ordered.
    """

    point: str
    kind: Literal["float", "int", "bool", "text"]
    address: str
    period_s: float
    low: float | None = None
    high: float | None = None
    writable: bool = False
    write_low: float | None = None
    write_high: float | None = None
    persistent: bool = False
    on_release: OnRelease | None = None
    fallback: Fallback | None = None
    step: float = 0.0
    read_back: bool = True
    settle_s: float = 0.0
    writes_per_day: int = 0
    no_fallback: str = ""
    shows_own: bool = False


# Devices are asked at whole multiples of this (house time), those of many buses in the same moment: so their
# answers wake the loop once, and one message and one look at the store serve them all.
SLOT_NS = 100_000_000


def slot_ns(not_before_ns: int, period_ns: int = SLOT_NS, phase_ns: int = 0) -> int:
    """The first moment from then on that is ``phase_ns`` past a whole multiple of ``period_ns``."""
    return phase_ns - (phase_ns - not_before_ns) // period_ns * period_ns


def in_step_s(now_ns: int, seconds: float) -> float:
    """Return how long until the next whole multiple of ``seconds``, half of them at least.

    Who waits so wakes up with the others, at the moments at which devices are asked: each wake-up costs.
    """
    period_ns = int(seconds * 1e9)
    return (slot_ns(now_ns + period_ns // 2, period_ns) - now_ns) / 1e9


class Clock(Protocol):
    """Monotonic time and waiting, both at the rate of the house's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the house's time."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device of the site: which profile, which unit on its bus, and who owns its parts.

    ``owners`` maps a part of the profile (``""`` for a device of one part) to the owner's name:
    ``{"battery": "bat1"}`` makes ``power_w`` of that part the point ``bat1.power_w``.  Parts that
    nobody owns are not read.  ``points`` limits a part to some quantities (absent: all).
    ``caps`` holds the fail-safe value for each point whose ``on_release`` is ``cap``.  ``address`` is what
    it answers to where that is no number, ``key_file`` where its keys lie; both mostly empty.
    ``phase_ns`` is how far past whole multiples of a period it is asked: another one makes no other device.
    """

    name: str
    unit: int
    owners: Mapping[str, str]
    points: Mapping[str, frozenset[str]] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    address: str = ""
    key_file: str = ""
    phase_ns: int = field(default=0, compare=False)


class Driver(Protocol):
    """All a device must be able to do.  One instance per device, one caller at a time."""

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point this device serves, by full name; known without the wire."""
        ...

    @property
    def due_ns(self) -> int:
        """Return when ``read`` wants to be called next (monotonic)."""
        ...

    async def open(self) -> Mapping[str, str]:
        """Say who it is: maker, model, serial, firmware, as far as known.  May raise WireError."""
        ...

    async def read(self) -> Readings:
        """Make the most overdue exchange of the plan, at most one; empty when none is due.

        A request that was refused is left out from then on, its points come back once as BAD.
        Raises NoReply or LinkLost.
        """
        ...

    async def write(self, command: Command) -> None:
        """Write one point, its device-side timer with it; its read-back becomes due at once.

        Raises Refused (the device said no, or the value is outside the profile's write limits),
        NoReply (outcome unknown), LinkLost (unknown too) or Expired (the line was free too late).
        """
        ...

    async def release(self, points: Collection[str] = ()) -> None:
        """Give points (none named: all) back to the device's own control, as ``on_release`` says.

        Safe at any time.
        """
        ...

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """The same as writes encoded for the wire, JSON-ready, for ``Door.replay``."""
        ...

    async def close(self) -> None:
        """Forget the device; the line stays open for the others."""
        ...


class Line(Protocol):
    """One bus: the wire or endpoint its devices share.  One exchange at a time."""

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start, by quantity name: ``requests_count``, ``retries_count`` …"""
        ...

    async def open(self) -> None:
        """Open the port or connection.  Raises LinkLost, naming what is absent."""
        ...

    async def close(self) -> None:
        """Close it; may be opened again."""
        ...


class Door(Protocol):
    """One protocol: makes lines and drivers.  The registry knows where each door is."""

    def line(self, name: str, bus: Any, clock: Clock) -> Line:
        """A line for the bus ``name`` whose checked site-file section is ``bus``."""
        ...

    def driver(self, line: Line, device: DeviceSpec, profile: Any, clock: Clock) -> Driver:
        """A driver for one device on ``line`` with a loaded profile."""
        ...

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases`` on the bus whose dumped section is ``bus``.

        Needs no site file and no profile; goes on after a failure.  Returns one line per write
        that failed, empty when all were made.
        """
        ...
