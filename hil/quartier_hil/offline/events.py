"""Apply the events of a scenario to plant, devices and district of a site without wires."""

from typing import TYPE_CHECKING, Any

from quartier_hil import scenario as asked
from quartier_hil import verbs
from quartier_hil.happenings import Blackout, ClockFault, Document, Master, Plan, Planner, Swap
from quartier_hil.offline.supply import METER
from quartier_hil.plant import building, mains

if TYPE_CHECKING:
    from quartier_hil.offline.day import Day


def happen(day: "Day", event: Any) -> None:
    """Do an event of the scenario now."""
    match event:
        case asked.Say():
            pass  # said by the day when it is measured
        case asked.Caps():
            day.mark(f"district: {event.words}")
            day.peer.ask(event, day.true_now)
        case asked.Broker():
            day.mark("the broker comes back" if event.up else "the broker is taken away")
            day.peer.join(up=event.up)
        case asked.Heartbeat():
            day.mark("the district speaks again" if event.on else "the district falls silent")
            day.peer.speaking = event.on
        case asked.Failure():
            day.mark(f"{event.device}: {event.kind}", "fault")
            kind = verbs.felt(event.device, event.kind)
            if event.device == METER:
                day.supply.fault(kind, **event.told)
            else:
                day.doors.fault(event.device, kind, day.now_s, **event.told)
        case asked.Clear():
            day.mark(f"{event.device} is well again")
            day.supply.clear() if event.device == METER else day.doors.clear(event.device)
        case asked.Kill():
            day.down(event)
        case asked.Freeze():
            day.mark("the gateway is frozen", "fault")
            day.frozen_until_s = day.now_s + event.for_s
            day.downs.append((day.now_s, day.frozen_until_s))
        case _:
            _harder(day, event)


def _harder(day: "Day", event: Any) -> None:
    match event:
        case Plan() | asked.Parameters() | asked.Shed():
            day.mark(f"district: {event.words}")
            day.peer.hear(event, day.true_now)
        case Document():
            day.mark(f"district: an envelope without sense ({event.kind})", "fault")
            day.peer.ask_badly(event.kind, day.true_now)
        case ClockFault():
            day.mark(f"the wall clock: {event.kind}", "fault")
            day.wall.lie(event, day.utc_ms(day.now_s))
        case Swap():
            day.mark(f"the {event.kind} of the grid meter are swapped", "fault")
            day.doors.fault(event.device, "swapped", day.now_s, what=event.kind)
        case Planner(kind="dies"):
            day.mark("the planner's thread dies", "fault")  # there is none here
        case Planner():
            day.mark("the planner is back" if event.on else "the planner is gone", "fault")
            if day.planner is not None:
                day.planner.is_alive = event.on
        case Master():
            day.mark(f"somebody else orders {event.point} = {event.value:g}", "fault")
            day.masters.append(event)
        case Blackout():
            day.blackout(event)
        case _:
            _at_home(day, event)


def _at_home(day: "Day", event: Any) -> None:
    match event:
        case asked.Contact():
            day.mark(f"the grid operator's contact {'closes' if event.closed else 'opens'}")
            day.contact = float(event.closed)
        case asked.Plug():
            day.mark("a car is plugged in" if event.on else "the car leaves")
            day.plant = building.plug(
                day.plant,
                on=event.on,
                need_wh=event.need_wh,
                phases_count=event.phases,
                takes_max_a=event.takes_max_a,
            )
        case asked.Frequency():
            day.mark(f"the frequency goes to {event.hz:g} Hz", "fault")
            grid = mains.headed(day.plant.mains, event.hz, event.hz_per_s)
            day.plant = building.set_mains(day.plant, grid)
        case asked.Voltage():
            day.mark(f"{event.volts:g} V on {len(event.phases)} phases", "fault")
            grid = mains.levelled(day.plant.mains, event.volts, event.phases)
            day.plant = building.set_mains(day.plant, grid)
        case asked.Extra():
            day.mark(f"somebody switches on {event.extra_w / 1e3:g} kW")
            day.extra.append((event.extra_w, event.at_s + event.for_s))
