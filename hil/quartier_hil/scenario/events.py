"""Events of a scenario (`[[events]]`): in the site, of its clock, its planner and its devices."""

from typing import Annotated, Any, Literal

from pydantic import Field

from quartier_hil.scenario.expectations import FileTable, Seconds
from quartier_hil.scenario.site import SmartMeterName, Watts
from quartier_sim.devices.device_faults import COMMON_FAULT_KINDS, CommonFaultKind, FaultKind, SwapKind

"""The program of the district under which documents without sense are sent."""


class TimedEvent(FileTable):
    """An event at a second of the scenario."""

    at_s: Seconds
    """Seconds of the house since the start."""


class InvalidDocument(TimedEvent):
    """The district sends an envelope without sense, rightly signed, under a program of its own."""

    do: Literal["document"]
    """An envelope without sense."""
    kind: Literal["nan", "huge", "negative", "replayed", "late"]
    """no number, 1e12 W, minus 5 kW, older than one already sent, expired."""


class AssetSchedule(TimedEvent):
    """The district sends a schedule of one asset: one request for a while."""

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
        request = {"power_w": self.power_w, "soc_pct": self.soc_pct}
        given = {name: value for name, value in request.items() if value is not None}
        return {"duration_s": self.for_s, **given}

    @property
    def words(self) -> str:
        """The request, as text."""
        request = f"{self.soc_pct:g} %" if self.power_w is None else f"{self.power_w / 1e3:g} kW"
        return f"schedule of {self.asset}: {request} for {self.for_s / 60:g} min"


class ClockFault(TimedEvent):
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


class PlannerFailure(TimedEvent):
    """The gateway's planner dies or hangs, and comes back."""

    do: Literal["planner"]
    """The gateway's planner gives no more plans, or gives them again."""
    on: bool = False
    """Whether it is there."""
    kind: Literal["hangs", "dies"] = "hangs"
    """hangs: it gives no answer until it is there again; dies: its thread ends, and the gateway has to see to
    that by itself.  Without wires there is no thread: then nothing comes of it."""


class SecondMaster(TimedEvent):
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


class PhaseSwap(TimedEvent):
    """An electrician took one phase of a meter for another; the same as a fault of kind ``swapped``."""

    do: Literal["swap"]
    """Its phases are swapped from now on."""
    device: Literal["meter"]
    """Which meter."""
    kind: SwapKind = "phases"
    """phases: it names L1 what is L2, L2 what is L3, L3 what is L1, and its sum is right; clamps: the current
    transformers of L1 and L2 are exchanged, so each of both powers is reckoned of one phase's voltage and the
    other's current, and the sum is wrong."""


class Blackout(TimedEvent):
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


class FaultSequence(TimedEvent):
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
    without: tuple[CommonFaultKind, ...] = ()
    """Those that this scenario leaves to another; its story says why."""
    blind_at_s: Seconds | None = None
    """When it falls silent once more, and the grid meter with it: only its worst counts; absent: never."""
    silent_s: Annotated[float, Field(gt=0)] = 120.0
    """How long it is silent then: longer than its own timer, to see that act.  The meter: ``for_s``."""

    def build_arguments(self, verb: FaultKind) -> dict[str, Any]:
        """Return the arguments of the fault of a verb."""
        seconds = {"slow": self.slow_s, "delayed": self.delayed_s, "intermittent": self.loose_s}
        if verb == "wrong":
            points = {} if self.points is None else {"points": self.points}
            return {"factor": self.factor, **points}
        return {"seconds": seconds[verb]} if verb in seconds else {}

    @property
    def kinds(self) -> tuple[CommonFaultKind, ...]:
        """The verbs that are asked for, in order."""
        return tuple(verb for verb in COMMON_FAULT_KINDS if verb not in self.without)

    def begins_s(self, place: int) -> float:
        """Return the start of the turn at ``place`` (from 0), s."""
        return self.at_s + place * (self.for_s + self.rest_s)


HarderEvent = InvalidDocument | ClockFault | SecondMaster | PhaseSwap | Blackout


class FaultEvent(TimedEvent):
    """A device misbehaves."""

    do: Literal["fault"]
    """A device misbehaves from now on."""
    device: str
    """Which one; a wire (``rs485``, ``gx_net``) stands for all devices on it, a smart meter for itself."""
    kind: FaultKind
    """How; the table of `devices/fault.py`."""
    factor: float | None = None
    """wrong, bent: what its values or orders are multiplied by; clamps: its currents."""
    points: str | None = None
    """wrong, bent, stuck: which of them, a pattern over quantities; absent: every power, every order, all."""
    seconds: Seconds | None = None
    """slow, late: real seconds; delayed, intermittent: seconds of the house."""
    every: Annotated[int, Field(ge=1)] | None = None
    """late: every so many answers."""
    value: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    """stuck: the power in W at which a meter stands, even on its phases; absent: what it shows now.
    coarse: the least change of a power that it shows, in W."""
    phases: tuple[Literal[1, 2, 3], ...] | None = None
    """clamps: which current transformers; absent: all."""
    what: SwapKind | None = None
    """swapped: the names of its phases, or the clamps of L1 and L2; absent: phases."""
    seed: int | None = None
    """foreign: another seed, another building; absent: 1."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the fault."""
        keys = {"factor", "points", "seconds", "every", "value", "phases", "what", "seed"}
        return self.model_dump(include=keys, exclude_none=True)


class FaultEnd(TimedEvent):
    """A device recovers."""

    do: Literal["clear"]
    """A device is well again."""
    device: str
    """Which one, or which wire."""


class AdapterUnplug(TimedEvent):
    """The adapter of a smart meter is pulled out, or put back."""

    do: Literal["unplug"]
    """The adapter of a smart meter leaves the gateway, or comes back."""
    meter: SmartMeterName
    """Which one."""
    back: bool = False
    """Whether it comes back."""


class LineDisturbance(TimedEvent):
    """The line of a smart meter becomes bad, or good."""

    do: Literal["disturb"]
    """How well a smart meter is heard from now on."""
    meter: SmartMeterName
    """Which one."""
    line: Literal["clean", "weak", "humming", "loose", "awful"]
    """How."""


class CarPlug(TimedEvent):
    """A car comes or goes."""

    do: Literal["plug"]
    """A car is plugged in, or unplugged."""
    on: bool = True
    """Whether it is plugged in."""
    need_wh: Annotated[float, Field(ge=0)] = 20_000.0
    """How much it takes."""
    phases: Literal[1, 3] = 3
    """On how many phases it charges, where its point has as many."""
    takes_max_a: Annotated[float, Field(ge=6)] = 16.0
    """The most current that it takes, whatever it is offered."""


class ExtraLoad(TimedEvent):
    """A person switches something on."""

    do: Literal["load"]
    """An unmeasured load on top of the records."""
    extra_w: Watts
    """Its power."""
    for_s: Annotated[float, Field(gt=0)]
    """How long."""
    every_s: Annotated[float, Field(gt=0)] | None = None
    """The period of a load that pulses, as the element of an oven does."""
    times: Annotated[int, Field(ge=1, le=2_000)] = 1
    """How many pulses."""

    @property
    def pulses(self) -> "tuple[ExtraLoad, ...]":
        """Each time that it comes on, as an event of its own."""
        single = {"every_s": None, "times": 1}
        return tuple(
            self.model_copy(update={**single, "at_s": self.at_s + number * (self.every_s or self.for_s)})
            for number in range(self.times)
        )


class DaemonStop(TimedEvent):
    """The daemon dies, or is stopped; the rig acts as systemd: release, then restart."""

    do: Literal["kill", "stop"]
    """kill: kill -9; stop: SIGTERM."""
    down_s: Seconds = 10.0
    """Seconds of the house until the restart."""
    release: bool = True
    """Whether `quartier release` runs after it; not when the whole machine is gone."""


class DaemonFreeze(TimedEvent):
    """The daemon hangs, and no watchdog acts: no release."""

    do: Literal["freeze"]
    """SIGSTOP, and SIGCONT later."""
    for_s: Annotated[float, Field(gt=0)]
    """How long it stands still."""


class RandomKills(TimedEvent):
    """Many kills at random moments."""

    do: Literal["kills"]
    """kill -9 at seeded random moments."""
    count: Annotated[int, Field(ge=1, le=200)]
    """How many."""
    until_s: Seconds
    """The last moment possible."""
    down_s: Seconds = 10.0
    """Seconds of the house until each restart."""


class StoryLine(TimedEvent):
    """A line of the story."""

    do: Literal["say"]
    """Tells the person who looks on what happens now; ``{grid.power_w}`` in it is the value measured then."""
    text: str
    """What is said."""
    point: str = ""
    """Said when this quantity of the plant is within ``low`` and ``high``; absent: at ``at_s``."""
    low: float = float("-inf")
    """Least value."""
    high: float = float("inf")
    """Largest value."""
    until_s: Seconds = float("inf")
    """How long it waits for that."""
    otherwise: str = ""
    """What is said then if the quantity was never there; absent: nothing."""
