"""Events of the harder kind: documents without sense, clocks that lie, a second master."""

from typing import Annotated, Any, Literal

from pydantic import Field

from quartier_hil.devices.fault import VERBS, Kind, Swapped, Verb
from quartier_hil.wanted import Part, Seconds

INSANE_PROGRAM = "insane"
"""The program of the district under which documents without sense are sent."""


class Happening(Part):
    """An event at a second of the scenario."""

    at_s: Seconds
    """Seconds of the house since the start."""


class Document(Happening):
    """The district sends an envelope without sense, rightly signed, under a program of its own."""

    do: Literal["document"]
    """An envelope without sense."""
    kind: Literal["nan", "huge", "negative", "replayed", "late"]
    """no number, 1e12 W, minus 5 kW, older than one already sent, expired."""


class Plan(Happening):
    """The district sends a schedule of one asset: one wish for a while."""

    do: Literal["schedule"]
    """A schedule of one asset arrives from the district."""
    asset: str
    """Which."""
    for_s: Annotated[float, Field(gt=0)]
    """How long it holds."""
    power_w: float | None = None
    """The power that is wanted, plus takes."""
    soc_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    """The state of charge that is wanted at its end."""

    @property
    def interval(self) -> dict[str, float]:
        """The interval in the form of the document."""
        wish = {"power_w": self.power_w, "soc_pct": self.soc_pct}
        said = {name: value for name, value in wish.items() if value is not None}
        return {"duration_s": self.for_s, **said}

    @property
    def words(self) -> str:
        """The request, as text."""
        wish = f"{self.soc_pct:g} %" if self.power_w is None else f"{self.power_w / 1e3:g} kW"
        return f"schedule of {self.asset}: {wish} for {self.for_s / 60:g} min"


class ClockFault(Happening):
    """The site's wall clock is wrong from now on."""

    do: Literal["clock"]
    """The wall clock."""
    kind: Literal["off", "stuck", "garbage", "wrong", "slow", "delayed", "intermittent", "well"]
    """off: not trusted; stuck: it stands; wrong: off by ``seconds``; slow: it loses ``seconds`` an hour;
    delayed: so many behind; garbage: another moment within ``seconds`` every ten; intermittent: not trusted
    for ``seconds``, then for as long; well: right again."""
    seconds: float = 0.0
    """See ``kind``; wrong: minus is early."""

    @property
    def fault(self) -> str:
        """Fault of the event, as text; empty if there is none."""
        if self.kind in {"off", "stuck", "well"}:
            return "" if self.seconds == 0 else f"seconds: a clock that is {self.kind} knows none"
        if self.seconds == 0 or (self.seconds < 0 and self.kind != "wrong"):
            return f"seconds: {self.seconds:g}; a clock that is {self.kind} needs how many"
        return ""


class Planner(Happening):
    """The gateway's planner dies or hangs, and comes back."""

    do: Literal["planner"]
    """The gateway's planner gives no more plans, or gives them again."""
    on: bool = False
    """Whether it is there."""
    kind: Literal["hangs", "dies"] = "hangs"
    """hangs: it gives no answer until it is there again; dies: its thread ends, and the gateway has to see to
    that by itself.  Without wires there is no thread: then nothing comes of it."""


class Master(Happening):
    """A second master writes to an output, again and again."""

    do: Literal["master"]
    """Somebody else orders one of our outputs too."""
    point: str
    """Which, as ``bat1.setpoint_w``."""
    value: float
    """What it writes."""
    every_s: Annotated[float, Field(gt=0)] = 5.0
    """How often."""
    for_s: Annotated[float, Field(gt=0)]
    """How long."""


class Swap(Happening):
    """An electrician took one phase of a meter for another; the same as a fault of kind ``swapped``."""

    do: Literal["swap"]
    """Its phases are swapped from now on."""
    device: Literal["meter"]
    """Which meter."""
    kind: Swapped = "phases"
    """phases: it names L1 what is L2, L2 what is L3, L3 what is L1, and its sum is right; clamps: the current
    transformers of L1 and L2 are exchanged, so each of both powers is reckoned of one phase's voltage and the
    other's current, and the sum is wrong."""


class Blackout(Happening):
    """The building's supply is gone, and everything that has no battery of its own with it."""

    do: Literal["blackout"]
    """No voltage; devices, meters and the gateway lose their power and forget what that makes them forget."""
    for_s: Annotated[float, Field(gt=0)]
    """Until the voltage is back."""
    backed: tuple[str, ...] = ()
    """Devices that live on by a battery of their own, the gateway too if ``gateway`` is named."""
    boot_s: Seconds = 30.0
    """How long the gateway's machine takes to start; for its kernel it is another boot."""

    @property
    def gateway_s(self) -> float | None:
        """Time for which the gateway is away, s; None if it runs on."""
        return None if "gateway" in self.backed else self.for_s + self.boot_s


class Verbs(Happening):
    """A device fails in each of the seven ways that fit it, one after the other."""

    do: Literal["verbs"]
    """Each of off, stuck, wrong, slow, delayed, garbage, intermittent in its turn, where it fits."""
    device: str
    """Which one, as for a fault."""
    for_s: Annotated[float, Field(gt=0)] = 90.0
    """How long each lasts."""
    rest_s: Seconds = 150.0
    """How long it is well after each."""
    factor: float = 3.0
    """wrong: what its values are multiplied by."""
    points: str | None = None
    """wrong: which of them, as for a fault."""
    slow_s: Annotated[float, Field(gt=0)] = 2.0
    """slow: real seconds until it answers, more than anybody waits."""
    delayed_s: Annotated[float, Field(gt=0)] = 10.0
    """delayed: seconds of the house by which its values are old."""
    loose_s: Annotated[float, Field(gt=0)] = 20.0
    """intermittent: seconds of the house that the contact is open, and then closed."""
    without: tuple[Verb, ...] = ()
    """Those that this scenario leaves to another; its story says why."""
    blind_at_s: Seconds | None = None
    """When it falls silent once more, and the grid meter with it: only its worst counts; absent: never."""
    silent_s: Annotated[float, Field(gt=0)] = 120.0
    """How long it is silent then: longer than its own timer, to see that act.  The meter: ``for_s``."""

    def told(self, verb: Kind) -> dict[str, Any]:
        """Return the arguments of the fault of a verb."""
        seconds = {"slow": self.slow_s, "delayed": self.delayed_s, "intermittent": self.loose_s}
        if verb == "wrong":
            points = {} if self.points is None else {"points": self.points}
            return {"factor": self.factor, **points}
        return {"seconds": seconds[verb]} if verb in seconds else {}

    @property
    def asked(self) -> tuple[Verb, ...]:
        """The verbs that are asked for, in order."""
        return tuple(verb for verb in VERBS if verb not in self.without)

    def begins_s(self, place: int) -> float:
        """Return the start of the turn at ``place`` (from 0), s."""
        return self.at_s + place * (self.for_s + self.rest_s)


Harder = Document | ClockFault | Master | Swap | Blackout
