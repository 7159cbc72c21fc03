"""The contract of drivers: commands, fallbacks, points, and the methods of drivers, lines and protocols.

A driver has five methods (architecture.md#driver).  ``read`` makes at most *one* exchange on the wire, the
most overdue of its plan, so that a write never waits for more than one request.  A driver that is an
``abilities.BatchingDriver`` makes several in one go and looks for writes between them.  Time comes in as a
``Clock``; no driver gets it elsewhere.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from quartier_drivers.readings import Readings


@dataclass(frozen=True, slots=True)
class Origin:
    """The originator of a write.

    ``rule``: the gateway itself; ``name`` is the rule.  ``document``: a document of the district, with its
    program as ``name``, its ``id`` and its ``seq``.  ``person``: ``name`` is the user's, ``id`` the number
    (the peer credentials of the socket).  ``grid``: frequency, voltage or a wire of the grid operator.
    ``drill``: a person tries out a loss.  ``release``: an input is lost, or the gateway leaves.  ``device``:
    its own timer.  ``client``: another client of the device that goes through the gateway; ``name`` is its
    share, ``id`` its address.  ``stranger``: none of these.
    """

    kind: Literal["rule", "document", "person", "grid", "drill", "release", "device", "client", "stranger"]
    name: str = ""
    id: str = ""
    seq: int = 0


OWN_RULE = Origin("rule")
"""The gateway, by a rule that has no name."""


@dataclass(frozen=True, slots=True)
class Command:
    """A value for one point, with its reason.  Invalid after ``expires_ns``; never queued past it.

    ``until_utc_ms``: until when ``who`` wants the value, if known; the write ledger shows it.  ``reason`` is
    text for people.  ``cause`` is the same for programs, JSON-ready: its code, its values and what caused it.
    """

    point: str
    value: float
    expires_ns: int
    reason: str = ""
    who: Origin = OWN_RULE
    until_utc_ms: int | None = None
    cause: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Fallback:
    """The fallback of a device after ``after_s`` seconds without a write: it takes ``value`` by itself.

    ``value`` is in our units; None: the device's own control decides.  ``after_s`` infinite: the last written
    value holds for ever (right for a limit whose reversion would mean *unlimited*).  ``register`` is the
    timer, written with each setpoint; empty if the device's timer is fixed.  A write every ``refresh_s``
    keeps the fallback from acting; 0 means a third of ``after_s``.  ``kept_by`` says which requests do so
    too: with ``requests`` any request, also a read, so that the fallback guards against a lost gateway only.
    """

    value: float | None
    after_s: float
    register: str = ""
    refresh_s: float = 0.0
    kept_by: Literal["writes", "requests"] = "writes"

    @property
    def holds(self) -> bool:
        """Return whether the last written value holds for ever."""
        return self.after_s == math.inf


@dataclass(frozen=True, slots=True)
class ArmedFallback:
    """The fallback of ``point`` in its device, as just read back.

    ``value`` (our units) and ``after_s`` were found; None if the device does not show it.  ``problem`` says
    what differs from the declaration (after a write: what was written and what was read back) and the next
    step. Without ``is_verified`` the manual declares the fallback but the device shows none of it.
    """

    point: str
    value: float | None
    after_s: float | None
    problem: str = ""
    is_verified: bool = True


async def do_nothing() -> None:
    """Do nothing: the default for what is awaited between two exchanges."""


@dataclass(frozen=True, slots=True)
class Note:
    """A message about a device for people, sent once; ``code`` is as in a log (``noun.verb``).

    ``is_good``: it only reports a recovery.
    """

    code: str
    text: str
    data: Mapping[str, float | str] = field(default_factory=dict)
    is_good: bool = False


OnRelease = Literal["own", "cap", "hold"] | float


@dataclass(frozen=True, slots=True)
class PointInfo:
    """The description of a point before its first reading.

    ``address`` is the protocol's own (``"100/holding:840"``); ``low`` and ``high`` are the plausible range of
    a read, ``write_low`` and ``write_high`` of a write (our units); ``period_s`` is the period of its scan
    class; ``step`` the resolution of a write; ``read_back`` says whether a written value can be confirmed by
    reading the same point, ``settle_s`` how long the old value may still show.  ``writes_per_day`` is the
    write budget of a ``persistent`` point; 0: none.  ``no_fallback`` is the reason why it has none.
    ``shows_own``: after relinquish the point no longer shows what was ordered.
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


# Devices are asked at whole multiples of this (daemon time), those of many buses at the same moment.
# So their answers wake the loop once, and one message and one look at the store serve them all.
SLOT_NS = 100_000_000


def find_slot_ns(not_before_ns: int, period_ns: int = SLOT_NS, phase_ns: int = 0) -> int:
    """Return the first moment from ``not_before_ns`` on at ``phase_ns`` past a multiple of ``period_ns``."""
    return phase_ns - (phase_ns - not_before_ns) // period_ns * period_ns


def find_wait_s(now_ns: int, seconds: float) -> float:
    """Return the time in s until a whole multiple of ``seconds``, at least half of ``seconds`` from now.

    Tasks that wait so wake up together, at the moments when devices are asked: each wake-up costs.
    """
    period_ns = int(seconds * 1e9)
    return (find_slot_ns(now_ns + period_ns // 2, period_ns) - now_ns) / 1e9


class Clock(Protocol):
    """Monotonic time and waiting, both at the rate of the daemon's clock."""

    def now_ns(self) -> int:
        """Return the ns since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the daemon's time."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device of the site: its profile's parts with their owners, and its unit on the bus.

    ``owners`` maps a part of the profile (``""`` for a device of one part) to the owner's name: ``{"battery":
    "bat1"}`` makes ``power_w`` of that part the point ``bat1.power_w``.  Parts without an owner are not read.
    ``points`` limits a part to some quantities (absent: all). ``caps`` holds the fail-safe value for each
    point whose ``on_release`` is ``cap``.  ``address`` is used where a device has no number, ``key_file`` is
    where its keys lie; both are mostly empty. ``phase_ns`` is how far past whole multiples of a period it is
    asked; specs that differ only in it are equal.
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
    """The methods of every driver.  One instance per device, one caller at a time."""

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point that this device serves, by full name; known without the wire."""
        ...

    @property
    def due_ns(self) -> int:
        """Return when ``read`` is to be called next (monotonic ns)."""
        ...

    async def open(self) -> Mapping[str, str]:
        """Connect to the device and return its identity as far as known: maker, model, serial, firmware.

        May raise WireError.
        """
        ...

    async def read(self) -> Readings:
        """Make at most one exchange, the most overdue of the plan; empty if none is due.

        A refused request is left out from then on; its points come back once as BAD. Raises NoReply or
        LinkLost.
        """
        ...

    async def write(self, command: Command) -> None:
        """Write one point together with its timer in the device; the read-back becomes due at once.

        Raises Refused (the device refused, or the value is outside the profile's write limits), NoReply
        (outcome unknown), LinkLost (outcome unknown too) or Expired (the line became free too late).
        """
        ...

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) to the device's own control, as ``on_release`` says.

        Safe at any time.
        """
        ...

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return the writes of ``release``, wire-encoded and JSON-ready, for ``ProtocolFactory.replay``."""
        ...

    async def close(self) -> None:
        """Forget the device; the line stays open for the other devices."""
        ...


class Line(Protocol):
    """One bus: the wire or endpoint that its devices share.  One exchange at a time."""

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start, by quantity name: ``requests_count``, ``retries_count`` …"""
        ...

    async def open(self) -> None:
        """Open the port or connection.  Raises LinkLost, naming what is missing."""
        ...

    async def close(self) -> None:
        """Close the port or connection; it may be opened again."""
        ...


class ProtocolFactory(Protocol):
    """One protocol: makes lines and drivers.  The registry knows where each protocol is."""

    def line(self, name: str, bus: Any, clock: Clock) -> Line:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        ...

    def driver(self, line: Line, device: DeviceSpec, profile: Any, clock: Clock) -> Driver:
        """Make the driver of one device on ``line`` with a loaded profile."""
        ...

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases`` on the bus; ``bus`` is its dumped section.

        Needs no site file and no profile; goes on after a failure.  Returns one line of text per failed
        write, empty if all were made.
        """
        ...
