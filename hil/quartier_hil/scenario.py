"""Scenario files: what happens when, what must hold; every key with one sentence, every fault at once."""

import datetime as dt
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil import tables, verbs
from quartier_hil.devices.fault import Kind, Swapped
from quartier_hil.fittings import Watts
from quartier_hil.happenings import (
    Blackout,
    ClockFault,
    Document,
    Happening,
    Master,
    Plan,
    Planner,
    Swap,
    Verbs,
)
from quartier_hil.house import House, MeterName
from quartier_hil.outputs import outputs
from quartier_hil.outside import (
    Broker,
    Caps,
    Contact,
    Frequency,
    Heartbeat,
    Parameters,
    Shed,
    Voltage,
)
from quartier_hil.shown import Curve, Panel, Picture
from quartier_hil.tariff import Planning, Tariff
from quartier_hil.wanted import Check, Part, Seconds

__all__ = [
    "Broker",
    "Caps",
    "Contact",
    "Frequency",
    "Heartbeat",
    "Parameters",
    "Shed",
    "Voltage",
    "load",
    "seeded",
]


class Failure(Happening):
    """A device misbehaves."""

    do: Literal["fault"]
    """A device misbehaves from now on."""
    device: str
    """Which one; a wire (``rs485``, ``gx_net``) stands for all devices on it, a smart meter for itself."""
    kind: Kind
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
    what: Swapped | None = None
    """swapped: the names of its phases, or the clamps of L1 and L2; absent: phases."""
    seed: int | None = None
    """foreign: another seed, another building; absent: 1."""

    @property
    def told(self) -> dict[str, Any]:
        """Arguments of the fault."""
        keys = {"factor", "points", "seconds", "every", "value", "phases", "what", "seed"}
        return self.model_dump(include=keys, exclude_none=True)


class Clear(Happening):
    """A device recovers."""

    do: Literal["clear"]
    """A device is well again."""
    device: str
    """Which one, or which wire."""


class Unplug(Happening):
    """The adapter of a smart meter is pulled out, or put back."""

    do: Literal["unplug"]
    """The adapter of a smart meter leaves the gateway, or comes back."""
    meter: MeterName
    """Which one."""
    back: bool = False
    """Whether it comes back."""


class Disturb(Happening):
    """The line of a smart meter becomes bad, or good."""

    do: Literal["disturb"]
    """How well a smart meter is heard from now on."""
    meter: MeterName
    """Which one."""
    line: Literal["clean", "weak", "humming", "loose", "awful"]
    """How."""


class Plug(Happening):
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


class Extra(Happening):
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
    def pulses(self) -> "tuple[Extra, ...]":
        """Each time that it comes on, as an event of its own."""
        single = {"every_s": None, "times": 1}
        return tuple(
            self.model_copy(update={**single, "at_s": self.at_s + number * (self.every_s or self.for_s)})
            for number in range(self.times)
        )


class Kill(Happening):
    """The daemon dies, or is stopped; the rig acts as systemd: release, then restart."""

    do: Literal["kill", "stop"]
    """kill: kill -9; stop: SIGTERM."""
    down_s: Seconds = 10.0
    """Seconds of the house until the restart."""
    release: bool = True
    """Whether `quartier release` runs after it; not when the whole machine is gone."""


class Freeze(Happening):
    """The daemon hangs, and no watchdog acts: no release."""

    do: Literal["freeze"]
    """SIGSTOP, and SIGCONT later."""
    for_s: Annotated[float, Field(gt=0)]
    """How long it stands still."""


class Kills(Happening):
    """Many kills at random moments."""

    do: Literal["kills"]
    """kill -9 at seeded random moments."""
    count: Annotated[int, Field(ge=1, le=200)]
    """How many."""
    until_s: Seconds
    """The last moment possible."""
    down_s: Seconds = 10.0
    """Seconds of the house until each restart."""


class Say(Happening):
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


Event = Annotated[
    Caps
    | Parameters
    | Shed
    | Broker
    | Heartbeat
    | Contact
    | Failure
    | Clear
    | Unplug
    | Disturb
    | Plug
    | Extra
    | Frequency
    | Voltage
    | Kill
    | Freeze
    | Kills
    | Say
    | Document
    | Plan
    | ClockFault
    | Planner
    | Master
    | Swap
    | Verbs
    | Blackout,
    Field(discriminator="do"),
]


class Scenario(Part):
    """A whole scenario."""

    title: str
    """One line: what is shown."""
    story: str = ""
    """What happens and why it matters."""
    start: dt.datetime
    """The house's local time at the start."""
    duration_s: Annotated[float, Field(gt=0, le=31 * 86_400)]
    """How long, in seconds of the house."""
    rate: Annotated[float, Field(ge=0.1, le=1_000)] = 60.0
    """How many seconds of the house pass in a real second."""
    seed: int = 1
    """Seed of everything random."""
    cycle_s: Annotated[float, Field(ge=0.5, le=5)] = 1.0
    """Period of the gateway's control; long days without wires go faster with 5."""
    wires: bool = True
    """Whether it is run over wires too; false: its checks are to the second, which only synthetic time is."""
    house: House = House()
    """The building."""
    events: tuple[Event, ...] = ()
    """What happens when."""
    checks: tuple[Check, ...] = ()
    """What must hold."""
    pictures: tuple[Picture, ...] = ()
    """What of it the pages show: `quartier-hil day` draws it."""

    @field_validator("events")
    @classmethod
    def _pulsed(cls, events: tuple[Event, ...]) -> tuple[Event, ...]:
        return tuple(
            one for event in events for one in (event.pulses if isinstance(event, Extra) else (event,))
        )


def seeded(scenario: Scenario, seed: int | None) -> Scenario:
    """The same with another seed; None: with its own."""
    return scenario if seed is None else scenario.model_copy(update={"seed": seed})


def load(path: Path) -> Scenario:
    """Read a scenario.  Raises ConfigError with every fault, each with file, key and what was expected."""
    raw = tables.read(path)
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([_fault(path, dict(item)) for item in error.errors()]) from error
    faults = [
        Fault(
            str(path),
            None,
            f"events.{index}.at_s",
            f"{event.at_s:g} is after the end, {scenario.duration_s:g}",
        )
        for index, event in enumerate(scenario.events)
        if event.at_s > scenario.duration_s
    ]
    faults += [
        Fault(str(path), None, f"events.{index}.{key.strip()}", what.strip())
        for index, event in enumerate(scenario.events)
        for key, _, what in [_unfit(scenario.house, event).partition(":")]
        if what
    ]
    if scenario.house.contact_import_w is None:
        faults += [
            Fault(
                str(path), None, f"events.{index}", "needs house.contact_import_w: the board with the contact"
            )
            for index, event in enumerate(scenario.events)
            if event.do == "contact" or getattr(event, "device", "") == "inputs"
        ]
    if scenario.house.tariff is None:
        faults += [
            Fault(str(path), None, f"checks.{index}", "needs house.tariff: the contract that is read")
            for index, check in enumerate(scenario.checks)
            if check.check == "tariff"
        ]
    if faults:
        raise ConfigError(faults)
    return scenario


def _unfit(house: House, event: Event) -> str:
    """Return the reason why an event cannot happen in this site, its key before a colon; empty if it can."""
    match event:
        case Failure() | Clear() | Verbs():
            return _unfit_device(house, event)
        case ClockFault() | Planner():
            return event.fault if event.do == "clock" else _unplanned(house)
        case Unplug() | Disturb() if event.meter not in house.meters:
            return f"meter: {event.meter} is not in house.meters"
        case Blackout() if strange := {*event.backed} - verbs.devices(house) - {*house.meters, "gateway"}:
            return f"backed: {', '.join(sorted(strange))}: not in this house"
        case Master():
            return _unmastered(house, event.point)
    return ""


def _unplanned(house: House) -> str:
    return "" if house.planning else "do: there is no planner; expected a table house.planning"


def _unfit_device(house: House, event: Failure | Clear | Verbs) -> str:
    if event.device == "inputs" and house.contact_import_w is None:
        return ""  # told with the key that brings it
    if isinstance(event, Failure):
        return verbs.refusal(house, event.device, event.kind, event.told)
    return "" if event.device in verbs.all_of(house) else f"device: {event.device} is not in this house"


def _unmastered(house: House, point: str) -> str:
    reachable = {out.point: out for out in outputs(house) if out.device not in verbs.LINE}
    if point in reachable:
        return ""
    return (
        f"point: {point} is no output that a second client reaches, for two masters on a serial line "
        f"garble each other; expected one of {', '.join(reachable)}"
    )


def _fault(path: Path, item: Mapping[str, Any]) -> Fault:
    location = [part for part in item["loc"] if not (isinstance(part, str) and part in _TAGS)]
    key = ".".join(str(part) for part in location)
    if item["type"] == "extra_forbidden":
        known = _known(item["loc"])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
        return Fault(str(path), None, key, f"is no key of this table{hint}")
    what = str(item["msg"])
    if item["type"] == "missing":
        what = "is missing"
    elif not isinstance(item.get("input"), dict | list):
        what = f"{item.get('input')!r}: {what}"
    return Fault(str(path), None, key, what)


_MODELS: dict[str, type[BaseModel]] = {
    tag: model
    for union in (Event, Check)
    for model in get_args(get_args(union)[0])
    for name, annotation in model.model_fields.items()
    if name in {"do", "check"}
    for tag in get_args(annotation.annotation)
}
_TAGS = frozenset(_MODELS)
_TABLES: dict[str, type[BaseModel]] = {
    "house": House,
    "tariff": Tariff,
    "planning": Planning,
    "pictures": Picture,
    "panels": Panel,
    "curves": Curve,
}


def _known(location: tuple[Any, ...]) -> list[str]:
    """Return the known keys of the table with the unknown one."""
    for part in reversed(location[:-1]):
        if part in _MODELS or part in _TABLES:
            model = _MODELS.get(part) or _TABLES[part]
            return list(model.model_fields)
    return list(Scenario.model_fields)
