"""A rehearsed bus: real drivers on a simulated wire with simulated devices, in simulated time.

A planner of a site has no wires yet.  Which requests a driver makes, in which order, and how it treats
silence needs none: only the time of each exchange must be known, and the wire's arithmetic gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from quartier_drivers.contract import Clock, DeviceSpec, Line


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request of a driver's plan, made every ``period_s``; ``key`` identifies it within its unit."""

    unit: int
    key: bytes
    period_s: float
    rests_s: float
    request: Any


@dataclass(frozen=True, slots=True)
class SimulatedExchange:
    """An exchange on the simulated wire; times in s of the loop's clock."""

    unit: int
    key: bytes
    begun_s: float
    ended_s: float
    is_answered: bool


@dataclass(slots=True)
class SimulatedDevices:
    """The simulated devices of a bus, by unit.

    ``answers_s`` is the time from a request to the beginning of the answer, ``answer_s`` that of units not
    named; None: as the wire's arithmetic assumes.  ``registers`` holds contents that must make sense; the
    contents of all other registers are arbitrary.  ``dead`` units do not answer.  ``report_exchange`` is
    called with each exchange.
    """

    answer_s: float | None = None
    answers_s: dict[int, float] = field(default_factory=dict)
    registers: dict[int, Mapping[int, int]] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    report_exchange: Callable[[SimulatedExchange], None] = lambda _exchange: None


class RehearsalLine(Line, Protocol):
    """A line that needs no wire."""

    def takes_s(self, request: Any) -> float:
        """Return how long an answered request occupies the bus in s, its own pauses included."""
        ...

    def answer_s(self, unit: int) -> float:
        """Return the simulated time in s from a request to the beginning of its answer."""
        ...


@runtime_checkable
class RehearsalFactory(Protocol):
    """A protocol whose buses can be rehearsed."""

    def rehearsal(self, name: str, bus: Any, clock: Clock, pretence: SimulatedDevices) -> RehearsalLine:
        """Make a line for the bus ``name`` that needs no wire; its drivers come from ``ProtocolFactory``."""
        ...

    def simulate(self, device: DeviceSpec, profile: Any, pretence: SimulatedDevices) -> None:
        """Make the simulated devices give the contents and delays that this device's driver needs."""
        ...

    def asks(self, driver: Any, device: DeviceSpec, profile: Any) -> Sequence[PlannedRequest]:
        """Return all requests that an open driver makes to a device with this profile."""
        ...
