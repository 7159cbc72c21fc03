"""Make the events of a scenario happen over wires, also as a second Modbus master of a device."""

import asyncio
import contextlib
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from quartier_hil.checks.verdicts import format_count
from quartier_hil.processes.daemon_process import ThreadAbsentError
from quartier_hil.runner.wall_clock import WallClock
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
from quartier_sim.modbus import foreign_writes, framing
from quartier_sim.modbus.foreign_writes import WriteRequest
from quartier_sim.plant import building_model, grid

if TYPE_CHECKING:
    from quartier_hil.runner.run import Run


ANSWER_REAL_S = 1.0
_EXCEPTION = 0x80


class SecondModbusMaster:
    """``taken_count`` are the writes that the device took, ``refused_count`` those that it did not."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, port
        self.taken_count = self.refused_count = 0
        self._number = 0

    async def order(self, requests: Iterable[WriteRequest]) -> None:
        """Write each request in turn; a device that is gone or silent has refused."""
        wanted = list(requests)
        taken = 0
        try:
            async with asyncio.timeout(ANSWER_REAL_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    for unit, pdu in wanted:
                        taken += await self._written(reader, writer, unit, pdu)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, struct.error):
            pass
        self.taken_count += taken
        self.refused_count += len(wanted) - taken

    async def _written(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unit: int, pdu: bytes
    ) -> bool:
        self._number = (self._number + 1) & 0xFFFF
        writer.write(framing.build_tcp_frame(self._number, unit, pdu))
        header = framing.parse_tcp_header(await reader.readexactly(framing.HEADER_BYTES))
        if header is None:
            return False
        answer = await reader.readexactly(header[2])
        return header[0] == self._number and not answer[0] & _EXCEPTION


PLANNER_THREAD = "planner"
"""The daemon's thread that plans, as the kernel calls it."""


class EventDirector:
    """Director of the events of one run.  ``wall`` is the site's wall clock as the daemon gets it."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.wall = WallClock()
        self._word = ""
        self._planner_died = False

    async def perform(self) -> None:
        """Every event at its second."""
        async with asyncio.TaskGroup() as group:
            for event in sorted(self.run.scenario.events, key=lambda item: item.at_s):
                await self.run.until(event.at_s)
                if isinstance(event, Blackout | SecondMaster):  # others happen meanwhile
                    group.create_task(self.perform_event(event))
                else:
                    await self.perform_event(event)

    async def perform_event(self, event: Any) -> None:
        """One event, now; one that lasts is over when this returns."""
        run = self.run
        if run.real_devices is not None and run.real_devices.takes(event):
            await run.real_devices.perform_event(event, run.mark)
            return
        match event:
            case BrokerEvent():
                run.mark(_describe_broker_event(is_up=run.broker.child.alive, goes_up=event.up))
                await (run.broker.start() if event.up else run.broker.stop())
            case DaemonStop() | DaemonFreeze():
                await run.supervisor.perform_event(event)
            case AdapterUnplug():
                words = "comes back" if event.back else "is pulled out"
                run.mark(f"the adapter of {event.meter} {words}", "fault")
                await run.smart_meters.plug(event.meter, plugged=event.back)
            case Blackout():
                await self._blackout(event)
            case SecondMaster():
                await self._write_as_masters(event)
            case _:
                self._at_once(event)

    def _at_once(self, event: Any) -> None:
        run = self.run
        match event:
            case StoryLine():
                pass  # said by the run when it is measured
            case FaultEvent():
                run.mark(f"{event.device}: {event.kind}", "fault")
                self._whose(event.device).fault(event.device, event.kind, **event.arguments)
            case FaultEnd():
                run.mark(f"{event.device} has no fault any more")
                self._whose(event.device).clear(event.device)
            case LineDisturbance():
                run.mark(f"the line of {event.meter}: {event.line}", "fault")
                run.smart_meters.disturb(event.meter, event.line)
            case (
                LimitEnvelope()
                | HeartbeatEvent()
                | FailsafeParameters()
                | ShedCommand()
                | InvalidDocument()
                | AssetSchedule()
            ):
                self._send_by_district(event)
            case _:
                self._act_in_site(event)

    def _send_by_district(self, event: Any) -> None:
        run = self.run
        match event:
            case LimitEnvelope():
                run.mark(f"district: {event.words}")
                self._send_caps(event)
            case HeartbeatEvent():
                run.mark("the district speaks again" if event.on else "the district falls silent")
                run.peer.order("heartbeat", on=event.on)
            case AssetSchedule():
                run.mark(f"district: {event.words}")
                run.peer.order("schedule", asset=event.asset, intervals=[event.interval], for_s=event.for_s)
            case FailsafeParameters():
                run.mark(f"district: {event.words}")
                words = event.model_dump(include={"import_max_w", "export_max_w", "duration_min_s"})
                run.peer.order("failsafe", **words, for_s=run.scenario.duration_s + 86_400)
            case ShedCommand():
                run.mark(f"district: {event.words}")
                run.peer.order("command", op="shed", level=event.level, duration_s=event.for_s)
            case InvalidDocument():
                run.mark(f"district: an envelope without sense ({event.kind})", "fault")
                run.peer.order("invalid_envelope", kind=event.kind)

    def _whose(self, target: str) -> Any:
        """Return the owner of the target of a fault: the wiring, or the smart meters."""
        run = self.run
        return run.smart_meters if target in run.scenario.house.meters else run.wiring

    async def _blackout(self, event: Blackout) -> None:
        """The supply goes, with all that hangs on it, and comes back; the gateway takes its time to start."""
        self.run.mark("the supply is gone", "fault")
        await self._supply(on=False, backed=event.backed)
        async with asyncio.TaskGroup() as group:
            if event.gateway_s is not None:
                group.create_task(self.run.supervisor.blackout(event.gateway_s))
            await self.run.until(event.at_s + event.for_s)
            self.run.mark("the supply is back")
            await self._supply(on=True, backed=event.backed)

    async def _supply(self, *, on: bool, backed: tuple[str, ...]) -> None:
        volts = grid.NOMINAL_V if on else 0.0
        self._set_mains(grid.set_voltage(self.run.plant.mains, volts, (1, 2, 3)))
        self.run.wiring.supply(on=on, backed=backed)
        self.run.smart_meters.supply(on=on, backed=backed)
        if self.run.real_devices is not None:
            await self.run.real_devices.supply(on=on, backed=backed)

    async def _write_as_masters(self, event: SecondMaster) -> None:
        """Write an output again and again as a second master, over a connection of its own."""
        self.run.mark(f"somebody else orders {event.point} = {event.value:g}", "fault")
        device, port = self.run.wiring.find_output_device(event.point)
        other_master = SecondModbusMaster(port)
        at_s = event.at_s
        while at_s < event.at_s + event.for_s:
            await self.run.until(at_s)
            await other_master.order(foreign_writes.build_foreign_writes(device, event.value))
            at_s += event.every_s
        self.run.mark(
            f"he wrote {format_count(other_master.taken_count, 'time')}, {other_master.refused_count} in vain"
        )

    def set_clock_fault(self, event: ClockFault) -> None:
        """The wall clock lies to the daemon from now on, or no longer."""
        self.wall.set_clock_fault(event, self.run.clock.utc_ms())
        self.write_clock_setting()

    def write_clock_setting(self) -> None:
        """Write the setting that the daemon's clock reads, if it changed."""
        setting = self.wall.word(self.run.clock.utc_ms())
        if setting != self._word:
            self._word = setting
            # Never half a setting: the daemon reads at any time.
            draft = self.run.daemon.word.with_suffix(".new")
            draft.write_text(setting)
            draft.replace(self.run.daemon.word)

    def _act_in_site(self, event: Any) -> None:
        match event:
            case ContactEvent():
                self.run.mark(f"the grid operator's contact {'closes' if event.closed else 'opens'}")
                self.run.wiring.contact(closed=event.closed)
            case CarPlug():
                self.run.mark("a car is plugged in" if event.on else "the car leaves")
                self.run.plant = building_model.plug_car(
                    self.run.plant,
                    on=event.on,
                    need_wh=event.need_wh,
                    phases_count=event.phases,
                    takes_max_a=event.takes_max_a,
                )
            case PlannerFailure():
                self._planner(event)
            case ClockFault():
                self.run.mark(f"the wall clock: {event.kind}", "fault")
                self.set_clock_fault(event)
            case PhaseSwap():
                self.run.mark(f"the {event.kind} of the grid meter are swapped", "fault")
                self.run.wiring.fault(event.device, "swapped", what=event.kind)
            case FrequencyEvent():
                self.run.mark(f"the frequency goes to {event.hz:g} Hz", "fault")
                self._set_mains(grid.set_frequency(self.run.plant.mains, event.hz, event.hz_per_s))
            case VoltageEvent():
                self.run.mark(f"{event.volts:g} V on {format_count(len(event.phases), 'phase')}", "fault")
                self._set_mains(grid.set_voltage(self.run.plant.mains, event.volts, event.phases))
            case ExtraLoad():
                self.run.mark(f"somebody switches on {event.extra_w / 1e3:g} kW")
                self.run.extra.append((event.extra_w, event.at_s + event.for_s))

    def _planner(self, event: PlannerFailure) -> None:
        """The daemon's thread that plans runs no further, or goes on; the rest of the daemon never stops."""
        if event.on and event.kind != "dies":
            self.run.mark("the planner's thread goes on")
            self.run.daemon.release_thread()
            return
        try:
            (self.run.daemon.end if event.kind == "dies" else self.run.daemon.hold)(PLANNER_THREAD)
        except ThreadAbsentError:
            if not self._planner_died:  # a house that never had one: the scenario asks for what cannot be
                raise
            self.run.mark("the planner's thread is dead already")
            return
        self._planner_died |= event.kind == "dies"
        self.run.mark(f"the planner's thread {event.kind}", "fault")

    def _set_mains(self, grid: grid.PublicGrid) -> None:
        self.run.plant = building_model.set_public_grid(self.run.plant, grid)

    def _send_caps(self, event: LimitEnvelope) -> None:
        site_spec = self.run.scenario.house
        stated_w = event.default_import_max_w
        default_w = site_spec.contract_import_w if stated_w is None else stated_w
        interval = {"duration_s": event.for_s}
        interval |= event.model_dump(
            include={"import_max_w", "export_max_w", "generation_max_w"}, exclude_none=True
        )
        self.run.peer.order(
            "caps",
            intervals=[interval],
            default={"import_max_w": default_w, "export_max_w": site_spec.contract_export_w},
            for_s=event.valid_s or self.run.scenario.duration_s + 86_400,
            on_loss=event.on_loss,
            program=event.program,
        )


def _describe_broker_event(*, is_up: bool, goes_up: bool) -> str:
    """Describe the effect of an event on the broker, which may be up, or down, already."""
    if is_up == goes_up:
        return "the broker stays" if is_up else "the broker stays away"
    return "the broker comes back" if goes_up else "the broker is taken away"
