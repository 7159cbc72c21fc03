"""Makes the events of a scenario happen over wires: to the plant, its devices, the district, the daemon."""

import asyncio
from typing import TYPE_CHECKING, Any

from quartier_hil import scenario as asked
from quartier_hil.devices import foreign
from quartier_hil.happenings import Blackout, ClockFault, Document, Master, Plan, Planner, Swap
from quartier_hil.plant import building, mains
from quartier_hil.stage.rival import Rival
from quartier_hil.stage.threads import AbsentError
from quartier_hil.verdict.checks import counted
from quartier_hil.wall import WallClock

if TYPE_CHECKING:
    from quartier_hil.run import Run

PLANNER = "planner"
"""The daemon's thread that plans, as the kernel calls it."""


class Director:
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
                if isinstance(event, Blackout | Master):  # others happen meanwhile
                    group.create_task(self.happen(event))
                else:
                    await self.happen(event)

    async def happen(self, event: Any) -> None:
        """One event, now; one that lasts is over when this returns."""
        run = self.run
        if run.metal is not None and run.metal.takes(event):
            await run.metal.happen(event, run.mark)
            return
        match event:
            case asked.Broker():
                run.mark(_of_broker(is_up=run.broker.child.alive, goes_up=event.up))
                await (run.broker.start() if event.up else run.broker.stop())
            case asked.Kill() | asked.Freeze():
                await run.keeper.happen(event)
            case asked.Unplug():
                words = "comes back" if event.back else "is pulled out"
                run.mark(f"the adapter of {event.meter} {words}", "fault")
                await run.metering.plug(event.meter, plugged=event.back)
            case Blackout():
                await self._blackout(event)
            case Master():
                await self._meddle(event)
            case _:
                self._at_once(event)

    def _at_once(self, event: Any) -> None:
        run = self.run
        match event:
            case asked.Say():
                pass  # said by the run when it is measured
            case asked.Failure():
                run.mark(f"{event.device}: {event.kind}", "fault")
                self._whose(event.device).fault(event.device, event.kind, **event.told)
            case asked.Clear():
                run.mark(f"{event.device} is well again")
                self._whose(event.device).clear(event.device)
            case asked.Disturb():
                run.mark(f"the line of {event.meter}: {event.line}", "fault")
                run.metering.disturb(event.meter, event.line)
            case asked.Caps() | asked.Heartbeat() | asked.Parameters() | asked.Shed() | Document() | Plan():
                self._by_district(event)
            case _:
                self._at_home(event)

    def _by_district(self, event: Any) -> None:
        run = self.run
        match event:
            case asked.Caps():
                run.mark(f"district: {event.words}")
                self._send_caps(event)
            case asked.Heartbeat():
                run.mark("the district speaks again" if event.on else "the district falls silent")
                run.peer.order("heartbeat", on=event.on)
            case Plan():
                run.mark(f"district: {event.words}")
                run.peer.order("schedule", asset=event.asset, intervals=[event.interval], for_s=event.for_s)
            case asked.Parameters():
                run.mark(f"district: {event.words}")
                words = event.model_dump(include={"import_max_w", "export_max_w", "duration_min_s"})
                run.peer.order("failsafe", **words, for_s=run.scenario.duration_s + 86_400)
            case asked.Shed():
                run.mark(f"district: {event.words}")
                run.peer.order("command", op="shed", level=event.level, duration_s=event.for_s)
            case Document():
                run.mark(f"district: an envelope without sense ({event.kind})", "fault")
                run.peer.order("nonsense", kind=event.kind)

    def _whose(self, target: str) -> Any:
        """Return the owner of the target of a fault: the wiring, or the smart meters."""
        run = self.run
        return run.metering if target in run.scenario.house.meters else run.wiring

    async def _blackout(self, event: Blackout) -> None:
        """The supply goes, with all that hangs on it, and comes back; the gateway takes its time to start."""
        self.run.mark("the supply is gone", "fault")
        await self._supply(on=False, backed=event.backed)
        async with asyncio.TaskGroup() as group:
            if event.gateway_s is not None:
                group.create_task(self.run.keeper.blackout(event.gateway_s))
            await self.run.until(event.at_s + event.for_s)
            self.run.mark("the supply is back")
            await self._supply(on=True, backed=event.backed)

    async def _supply(self, *, on: bool, backed: tuple[str, ...]) -> None:
        volts = mains.NOMINAL_V if on else 0.0
        self._set_mains(mains.levelled(self.run.plant.mains, volts, (1, 2, 3)))
        self.run.wiring.supply(on=on, backed=backed)
        self.run.metering.supply(on=on, backed=backed)
        if self.run.metal is not None:
            await self.run.metal.supply(on=on, backed=backed)

    async def _meddle(self, event: Master) -> None:
        """Write an output again and again as a second master, over a connection of its own."""
        self.run.mark(f"somebody else orders {event.point} = {event.value:g}", "fault")
        device, port = self.run.wiring.orderable(event.point)
        rival = Rival(port)
        at_s = event.at_s
        while at_s < event.at_s + event.for_s:
            await self.run.until(at_s)
            await rival.order(foreign.requests(device, event.value))
            at_s += event.every_s
        self.run.mark(f"he wrote {counted(rival.taken_count, 'time')}, {rival.refused_count} in vain")

    def lie(self, event: ClockFault) -> None:
        """The wall clock lies to the daemon from now on, or no longer."""
        self.wall.lie(event, self.run.clock.utc_ms())
        self.tell_clock()

    def tell_clock(self) -> None:
        """Write the word that the daemon's clock looks at, where it has changed."""
        word = self.wall.word(self.run.clock.utc_ms())
        if word != self._word:
            self._word = word
            # Never half a word: the daemon reads when it likes.
            draft = self.run.daemon.word.with_suffix(".new")
            draft.write_text(word)
            draft.replace(self.run.daemon.word)

    def _at_home(self, event: Any) -> None:
        match event:
            case asked.Contact():
                self.run.mark(f"the grid operator's contact {'closes' if event.closed else 'opens'}")
                self.run.wiring.contact(closed=event.closed)
            case asked.Plug():
                self.run.mark("a car is plugged in" if event.on else "the car leaves")
                self.run.plant = building.plug(
                    self.run.plant,
                    on=event.on,
                    need_wh=event.need_wh,
                    phases_count=event.phases,
                    takes_max_a=event.takes_max_a,
                )
            case Planner():
                self._planner(event)
            case ClockFault():
                self.run.mark(f"the wall clock: {event.kind}", "fault")
                self.lie(event)
            case Swap():
                self.run.mark(f"the {event.kind} of the grid meter are swapped", "fault")
                self.run.wiring.fault(event.device, "swapped", what=event.kind)
            case asked.Frequency():
                self.run.mark(f"the frequency goes to {event.hz:g} Hz", "fault")
                self._set_mains(mains.headed(self.run.plant.mains, event.hz, event.hz_per_s))
            case asked.Voltage():
                self.run.mark(f"{event.volts:g} V on {counted(len(event.phases), 'phase')}", "fault")
                self._set_mains(mains.levelled(self.run.plant.mains, event.volts, event.phases))
            case asked.Extra():
                self.run.mark(f"somebody switches on {event.extra_w / 1e3:g} kW")
                self.run.extra.append((event.extra_w, event.at_s + event.for_s))

    def _planner(self, event: Planner) -> None:
        """The daemon's thread that plans runs no further, or goes on; the rest of the daemon never stops."""
        if event.on and event.kind != "dies":
            self.run.mark("the planner's thread goes on")
            self.run.daemon.let_go()
            return
        try:
            (self.run.daemon.end if event.kind == "dies" else self.run.daemon.hold)(PLANNER)
        except AbsentError:
            if not self._planner_died:  # a house that never had one: the scenario asks for what cannot be
                raise
            self.run.mark("the planner's thread is dead already")
            return
        self._planner_died |= event.kind == "dies"
        self.run.mark(f"the planner's thread {event.kind}", "fault")

    def _set_mains(self, grid: mains.Mains) -> None:
        self.run.plant = building.set_mains(self.run.plant, grid)

    def _send_caps(self, event: asked.Caps) -> None:
        house = self.run.scenario.house
        said_w = event.default_import_max_w
        default_w = house.contract_import_w if said_w is None else said_w
        interval = {"duration_s": event.for_s}
        interval |= event.model_dump(
            include={"import_max_w", "export_max_w", "generation_max_w"}, exclude_none=True
        )
        self.run.peer.order(
            "caps",
            intervals=[interval],
            default={"import_max_w": default_w, "export_max_w": house.contract_export_w},
            for_s=event.valid_s or self.run.scenario.duration_s + 86_400,
            on_loss=event.on_loss,
            program=event.program,
        )


def _of_broker(*, is_up: bool, goes_up: bool) -> str:
    """Describe the effect of an event on the broker, which may be up, or down, already."""
    if is_up == goes_up:
        return "the broker stays" if is_up else "the broker stays away"
    return "the broker comes back" if goes_up else "the broker is taken away"
