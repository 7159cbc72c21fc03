"""Apply the events of a scenario without wires; refuse those that need wires."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.scenario import fault_rules
from quartier_hil.scenario import scenario_file as asked
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
    InvalidDocument,
    LineDisturbance,
    PhaseSwap,
    PlannerFailure,
    SecondMaster,
    StoryLine,
)
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
from quartier_hil.synthetic.supply import LINKY_METER
from quartier_sim.plant import building_model
from quartier_sim.plant import grid as mains

if TYPE_CHECKING:
    from quartier_hil.synthetic.scenario_run import SyntheticRun


UNWIRED_METERS = {"tic"}
"""The smart meters that are there without wires too."""


class NeedsWiresError(ConfigError):
    """The scenario shows what only wires can."""


def runs_without_wires(path: Path) -> bool:
    """Return whether a scenario can be run without wires.  Raises ConfigError for one that is faulty."""
    try:
        require_no_wires(asked.load_scenario(path))
    except NeedsWiresError:
        return False
    return True


def require_no_wires(scenario: asked.Scenario) -> None:
    """Raise NeedsWiresError for what only wires can show."""
    faults = [
        Fault(scenario.title, None, f"events.{index}", f"{event.do} needs the wires: quartier-hil run")
        for index, event in enumerate(scenario.events)
        if isinstance(event, AdapterUnplug | LineDisturbance)
    ]
    if others := set(scenario.house.meters) - UNWIRED_METERS:
        what = f"{', '.join(sorted(others))}: needs the wires: quartier-hil run"
        faults.append(Fault(scenario.title, None, "house.meters", what))
    if faults:
        raise NeedsWiresError(faults)


def perform_event(day: "SyntheticRun", event: Any) -> None:
    """Do an event of the scenario now."""
    match event:
        case StoryLine():
            pass  # said by the day when it is measured
        case LimitEnvelope():
            day.mark(f"district: {event.words}")
            day.peer.ask(event, day.true_now)
        case BrokerEvent():
            day.mark("the broker comes back" if event.up else "the broker is taken away")
            day.peer.join(up=event.up)
        case HeartbeatEvent():
            day.mark("the district speaks again" if event.on else "the district falls silent")
            day.peer.speaking = event.on
        case FaultEvent():
            day.mark(f"{event.device}: {event.kind}", "fault")
            kind = fault_rules.convert_wire_fault(event.device, event.kind)
            if event.device == LINKY_METER:
                day.supply.fault(kind, **event.arguments)
            else:
                day.devices.fault(event.device, kind, day.now_s, **event.arguments)
        case FaultEnd():
            day.mark(f"{event.device} has no fault any more")
            day.supply.clear() if event.device == LINKY_METER else day.devices.clear(event.device)
        case DaemonStop():
            day.down(event)
        case DaemonFreeze():
            day.mark("the gateway is frozen", "fault")
            day.frozen_until_s = day.now_s + event.for_s
            day.downs.append((day.now_s, day.frozen_until_s))
        case _:
            _perform_disturbance(day, event)


def _perform_disturbance(day: "SyntheticRun", event: Any) -> None:
    match event:
        case AssetSchedule() | FailsafeParameters() | ShedCommand():
            day.mark(f"district: {event.words}")
            day.peer.hear(event, day.true_now)
        case InvalidDocument():
            day.mark(f"district: an envelope without sense ({event.kind})", "fault")
            day.peer.send_invalid_envelope(event.kind, day.true_now)
        case ClockFault():
            day.mark(f"the wall clock: {event.kind}", "fault")
            day.wall.set_clock_fault(event, day.utc_ms(day.now_s))
        case PhaseSwap():
            day.mark(f"the {event.kind} of the grid meter are swapped", "fault")
            day.devices.fault(event.device, "swapped", day.now_s, what=event.kind)
        case PlannerFailure(kind="dies"):
            day.mark("the planner's thread dies", "fault")  # there is none here
        case PlannerFailure():
            day.mark("the planner is back" if event.on else "the planner is gone", "fault")
            if day.planner is not None:
                day.planner.is_alive = event.on
        case SecondMaster():
            day.mark(f"somebody else orders {event.point} = {event.value:g}", "fault")
            day.second_masters.append(event)
        case Blackout():
            day.blackout(event)
        case _:
            _perform_site_event(day, event)


def _perform_site_event(day: "SyntheticRun", event: Any) -> None:
    match event:
        case ContactEvent():
            day.mark(f"the grid operator's contact {'closes' if event.closed else 'opens'}")
            day.contact = float(event.closed)
        case CarPlug():
            day.mark("a car is plugged in" if event.on else "the car leaves")
            day.plant = building_model.plug_car(
                day.plant,
                on=event.on,
                need_wh=event.need_wh,
                phases_count=event.phases,
                takes_max_a=event.takes_max_a,
            )
        case FrequencyEvent():
            day.mark(f"the frequency goes to {event.hz:g} Hz", "fault")
            grid = mains.set_frequency(day.plant.mains, event.hz, event.hz_per_s)
            day.plant = building_model.set_public_grid(day.plant, grid)
        case VoltageEvent():
            day.mark(f"{event.volts:g} V on {len(event.phases)} phases", "fault")
            grid = mains.set_voltage(day.plant.mains, event.volts, event.phases)
            day.plant = building_model.set_public_grid(day.plant, grid)
        case ExtraLoad():
            day.mark(f"somebody switches on {event.extra_w / 1e3:g} kW")
            day.extra.append((event.extra_w, event.at_s + event.for_s))
