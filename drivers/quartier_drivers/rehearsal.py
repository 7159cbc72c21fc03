"""A bus that is rehearsed: its drivers are real, its wire and its devices are pretended, in any time.

Whoever plans a site has no wires yet.  What a driver asks, in which order and how it treats silence need
none: only how long each exchange takes must be known, and that says the wire's arithmetic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from quartier_drivers.contract import Clock, DeviceSpec, Line


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of a driver's plan, made every ``period_s``; ``key`` tells it from others of its unit.

    Its device is left alone for ``rests_s`` after it.  ``request`` is what the line knows it by.
    """

    unit: int
    key: bytes
    period_s: float
    rests_s: float
    request: Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """What went over the pretended wire; seconds of the loop's time."""

    unit: int
    key: bytes
    begun_s: float
    ended_s: float
    is_answered: bool


@dataclass(slots=True)
class Pretence:
    """The devices of a bus in a rehearsal, by their unit.

    ``answers_s``: from a request to the beginning of the answer, ``answer_s`` of those not named, None: as
    the wire's arithmetic assumes it.  ``registers`` is what they hold that must say something of sense;
    what others say has none.  ``dead`` units say nothing.  ``told`` hears of each exchange.
    """

    answer_s: float | None = None
    answers_s: dict[int, float] = field(default_factory=dict)
    registers: dict[int, Mapping[int, int]] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    told: Callable[[Exchange], None] = lambda _exchange: None


class Stage(Line, Protocol):
    """A line that needs no wire."""

    def takes_s(self, request: Any) -> float:
        """How long the bus is taken by a request of ``Ask`` that is answered, its own pauses included."""
        ...

    def answer_s(self, unit: int) -> float:
        """From a request to the beginning of its answer, as it is pretended."""
        ...


@runtime_checkable
class Rehearsable(Protocol):
    """A door whose buses can be rehearsed."""

    def rehearsal(self, name: str, bus: Any, clock: Clock, pretence: Pretence) -> Stage:
        """A line for the bus ``name`` that needs none; its drivers are those of ``Door.driver``."""
        ...

    def pretend(self, device: DeviceSpec, profile: Any, pretence: Pretence) -> None:
        """Have the devices of the bus say what this one's driver needs to hear, and as slowly."""
        ...

    def asks(self, driver: Any, device: DeviceSpec, profile: Any) -> Sequence[Ask]:
        """Each request that a driver makes once it is open, of a device with this profile."""
        ...
