"""Read scenario files: every key with one sentence, all faults of a file at once."""

import datetime as dt
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.scenario import fault_rules
from quartier_hil.scenario.events import (
    AdapterUnplug,
    AssetSchedule,
    Blackout,
    CarPlug,
    ClockFault,
    DaemonFreeze,
    DaemonStop,
    ExtraLoad,
    FaultEnd,
    FaultEvent,
    FaultSequence,
    InvalidDocument,
    LineDisturbance,
    PhaseSwap,
    PlannerFailure,
    RandomKills,
    SecondMaster,
    StoryLine,
)
from quartier_hil.scenario.expectations import AnyExpectation, FileTable
from quartier_hil.scenario.outputs import list_outputs
from quartier_hil.scenario.outside_events import (
    BrokerEvent,
    ContactEvent,
    FailsafeParameters,
    FrequencyEvent,
    HeartbeatEvent,
    LimitEnvelope,
    ShedCommand,
    VoltageEvent,
)
from quartier_hil.scenario.pictures import Curve, Panel, Picture
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.supply_contract import Planning, Tariff
from quartier_sim import data_files

Event = Annotated[
    LimitEnvelope
    | FailsafeParameters
    | ShedCommand
    | BrokerEvent
    | HeartbeatEvent
    | ContactEvent
    | FaultEvent
    | FaultEnd
    | AdapterUnplug
    | LineDisturbance
    | CarPlug
    | ExtraLoad
    | FrequencyEvent
    | VoltageEvent
    | DaemonStop
    | DaemonFreeze
    | RandomKills
    | StoryLine
    | InvalidDocument
    | AssetSchedule
    | ClockFault
    | PlannerFailure
    | SecondMaster
    | PhaseSwap
    | FaultSequence
    | Blackout,
    Field(discriminator="do"),
]


class Scenario(FileTable):
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
    house: SiteSpec = SiteSpec()
    """The building."""
    events: tuple[Event, ...] = ()
    """What happens when."""
    checks: tuple[AnyExpectation, ...] = ()
    """What must hold."""
    pictures: tuple[Picture, ...] = ()
    """What of it the pages show: `quartier-hil day` draws it."""

    @field_validator("events")
    @classmethod
    def _expand_pulses(cls, events: tuple[Event, ...]) -> tuple[Event, ...]:
        return tuple(
            one for event in events for one in (event.pulses if isinstance(event, ExtraLoad) else (event,))
        )


def replace_seed(scenario: Scenario, seed: int | None) -> Scenario:
    """The same with another seed; None: with its own."""
    return scenario if seed is None else scenario.model_copy(update={"seed": seed})


def load_scenario(path: Path) -> Scenario:
    """Read a scenario.  Raises ConfigError with every fault, each with file, key and what was expected."""
    raw = data_files.read_toml_file(path)
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([_describe_fault(path, dict(item)) for item in error.errors()]) from error
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
        for key, _, what in [_explain_unfit_event(scenario.house, event).partition(":")]
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


def _explain_unfit_event(site_spec: SiteSpec, event: Event) -> str:
    """Return the reason why an event cannot happen in this site, its key before a colon; empty if it can."""
    match event:
        case FaultEvent() | FaultEnd() | FaultSequence():
            return _explain_unfit_device(site_spec, event)
        case ClockFault() | PlannerFailure():
            return event.fault if event.do == "clock" else _explain_no_planner(site_spec)
        case AdapterUnplug() | LineDisturbance() if event.meter not in site_spec.meters:
            return f"meter: {event.meter} is not in house.meters"
        case Blackout() if (
            strange := {*event.backed} - fault_rules.list_devices(site_spec) - {*site_spec.meters, "gateway"}
        ):
            return f"backed: {', '.join(sorted(strange))}: not in this house"
        case SecondMaster():
            return _explain_no_second_master(site_spec, event.point)
    return ""


def _explain_no_planner(site_spec: SiteSpec) -> str:
    return "" if site_spec.planning else "do: there is no planner; expected a table house.planning"


def _explain_unfit_device(site_spec: SiteSpec, event: FaultEvent | FaultEnd | FaultSequence) -> str:
    if event.device == "inputs" and site_spec.contact_import_w is None:
        return ""  # told with the key that brings it
    if isinstance(event, FaultEvent):
        return fault_rules.explain_refusal(site_spec, event.device, event.kind, event.arguments)
    return (
        ""
        if event.device in fault_rules.list_fault_targets(site_spec)
        else f"device: {event.device} is not in this house"
    )


def _explain_no_second_master(site_spec: SiteSpec, point: str) -> str:
    reachable = {
        out.point: out for out in list_outputs(site_spec) if out.device not in fault_rules.LINE_DEVICES
    }
    if point in reachable:
        return ""
    return (
        f"point: {point} is no output that a second client reaches, for two masters on a serial line "
        f"garble each other; expected one of {', '.join(reachable)}"
    )


def _describe_fault(path: Path, item: Mapping[str, Any]) -> Fault:
    location = [part for part in item["loc"] if not (isinstance(part, str) and part in _TAGS)]
    key = ".".join(str(part) for part in location)
    if item["type"] == "extra_forbidden":
        known = _list_known_keys(item["loc"])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
        if (new_name := _RENAMED_KEYS.get(str(location[-1]))) in known:
            hint = f"; it is now called {new_name}"
        return Fault(str(path), None, key, f"is no key of this table{hint}")
    what = str(item["msg"])
    if item["type"] == "missing":
        what = "is missing"
    elif not isinstance(item.get("input"), dict | list):
        what = f"{item.get('input')!r}: {what}"
    return Fault(str(path), None, key, what)


_RENAMED_KEYS = {"told_s": "report_max_s"}
_MODELS: dict[str, type[BaseModel]] = {
    tag: model
    for union in (Event, AnyExpectation)
    for model in get_args(get_args(union)[0])
    for name, annotation in model.model_fields.items()
    if name in {"do", "check"}
    for tag in get_args(annotation.annotation)
}
_TAGS = frozenset(_MODELS)
_TABLES: dict[str, type[BaseModel]] = {
    "house": SiteSpec,
    "tariff": Tariff,
    "planning": Planning,
    "pictures": Picture,
    "panels": Panel,
    "curves": Curve,
}


def _list_known_keys(location: tuple[Any, ...]) -> list[str]:
    """Return the known keys of the table with the unknown one."""
    for part in reversed(location[:-1]):
        if part in _MODELS or part in _TABLES:
            model = _MODELS.get(part) or _TABLES[part]
            return list(model.model_fields)
    return list(Scenario.model_fields)
