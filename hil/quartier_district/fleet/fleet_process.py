"""The district of several buildings as a process: it receives data, plans each quarter hour, sends limits.

Orders are JSON lines on stdin: ``{"do": "heartbeat", "on": false}``, ``{"do": "watermark", "on": false}``,
``{"do": "quit"}``; figures are JSON lines on stdout.  Everything received and sent is a line of the log.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from quartier_district.broker_connection import BrokerConnection, ConnectionSettings
from quartier_district.fleet.building_state import Availability, BuildingState, LoadTrace
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.fleet.document_writer import (
    DocumentWriter,
    dump_documents,
    load_documents,
    make_log_entry,
)
from quartier_district.fleet.limit_allocation import LimitAllocator
from quartier_district.fleet.planning_input import PlanSteps, is_car_present, make_optimiser_input
from quartier_district.gateway_session import TopicNames
from quartier_district.optimiser.plan_records import DistrictPlan, OptimiserInput, PlanFailure
from quartier_district.signed_documents import SigningKey, make_heartbeat
from quartier_sim.site_clock import RigClock

HEARTBEAT_S = 30.0
WATERMARK_S = 20.0
TICK_S = 2.0
TICK_REAL_S = 0.1
REPLAN_S = 60.0
"""Shortest time to a new plan after a building came or went, s."""
SOLVE_REAL_S = 60.0

SolveFunction = Callable[[OptimiserInput, float], DistrictPlan | PlanFailure]
TickCallback = Callable[["FleetDistrict"], None]


@dataclass(frozen=True, kw_only=True)
class FleetSettings:
    """Settings of the district: broker, roster, key, log and clock."""

    host: str
    port: int
    roster: DistrictFile
    key: SigningKey
    log: Path
    clock: RigClock
    solve_real_s: float = SOLVE_REAL_S
    host_name: str = "district"


@dataclass
class FleetDistrict:
    """One run for all buildings of a roster.  ``solve`` finds plans, ``watch`` looks after each tick."""

    settings: FleetSettings
    solve: SolveFunction
    watch: TickCallback | None = None
    heartbeat_on: bool = True
    watermark_on: bool = True
    allocator: LimitAllocator = field(init=False)
    trace: LoadTrace = field(default_factory=LoadTrace)
    solving_real_s: float | None = None
    _asked: "tuple[int, tuple[str, ...]] | None" = None
    _asked_ms: int = 0

    def __post_init__(self) -> None:
        """Prepare the members, the line and the log."""
        settings, roster = self.settings, self.settings.roster
        self.members = [
            BuildingState(place, TopicNames(roster.group, place.edge, settings.host_name))
            for place in roster.buildings
        ]
        self._by_edge = {member.place.edge: member for member in self.members}
        self.allocator = LimitAllocator(roster)
        self.writer = DocumentWriter(roster)
        self._log: IO[str] = settings.log.open("a", encoding="utf-8", buffering=1)
        names = self.members[0].names
        heard = [(f"spBv1.0/{roster.group}/#", 1)]
        heard += [(f"{names.root}/+/{level}", 1) for level in ("ack", "event", "flexibility")]
        self.line = BrokerConnection(
            ConnectionSettings(
                host=settings.host,
                port=settings.port,
                client_id=f"{roster.group}.{settings.host_name}",
                state=names.state,
                topics=heard,
                key=settings.key,
                now_ms=settings.clock.utc_ms,
            ),
            lambda connected: self._note("broker", connected=connected),
        )

        self._documents_file = settings.log.with_suffix(".letters.json")
        self._remember()

    def _remember(self) -> None:
        """Restore the documents that were sent before this process began."""
        if not self._documents_file.exists():
            return
        try:
            text = self._documents_file.read_text(encoding="utf-8")
            self.writer.last_seq = load_documents(self.members, text, self.settings.clock.utc_ms())
        except ValueError as error:
            self._note("fault", what=f"{self._documents_file.name}: {error}")

    def _note(self, kind: str, **what: Any) -> None:
        if not self._log.closed:  # the broker's goodbye may come after ours
            self._log.write(json.dumps({"at": self.settings.clock.utc_ms(), "kind": kind, **what}) + "\n")

    async def run(self, orders: asyncio.StreamReader) -> None:
        """Work until the order ``quit`` or the end of ``orders``."""
        self.line.open()
        try:
            async with asyncio.TaskGroup() as group:
                works = (self._heartbeats(), self._watermarks(), self._listen(), self._run_ticks(group))
                tasks = [group.create_task(work) for work in works]
                await self._obey(orders)
                for task in tasks:
                    task.cancel()
        finally:
            self.line.close()
            self._note("end", **self.figures)
            self._log.close()

    async def _obey(self, orders: asyncio.StreamReader) -> None:
        while line := await orders.readline():
            order = json.loads(line)
            self._note("order", order=order)
            match order["do"]:
                case "quit":
                    return
                case "heartbeat":
                    self.heartbeat_on = bool(order["on"])
                case "watermark":
                    self.watermark_on = bool(order["on"])

    async def _heartbeats(self) -> None:
        clock, topic = self.settings.clock, self.members[0].names.heartbeat
        while True:
            if self.heartbeat_on and self.line.connected:
                self.line.say(topic, make_heartbeat(clock.utc_ms()), qos=0, retain=False)
            await asyncio.sleep(clock.real_s(HEARTBEAT_S))

    async def _watermarks(self) -> None:
        while True:
            for member in self.members:
                self._send_watermark(member)
            await asyncio.sleep(self.settings.clock.real_s(WATERMARK_S))

    def _send_watermark(self, member: BuildingState) -> None:
        if self.watermark_on and self.line.connected and member.session.bdseq is not None:
            payload = member.session.watermark(self.settings.clock.utc_ms())
            self.line.say(f"{member.names.companion}/watermark", payload, qos=1, retain=True)

    async def _listen(self) -> None:
        while True:
            topic, payload = await self.line.inbox.get()
            member = self._by_edge.get(_get_edge(topic))
            if member is None:
                continue
            births = member.session.births_count
            line = member.take(topic, payload, self.settings.clock.utc_ms())
            self._log.write(json.dumps({"edge": member.place.edge, **line}) + "\n")
            if member.session.births_count > births:
                self._send_watermark(member)

    async def _run_ticks(self, group: asyncio.TaskGroup) -> None:
        clock = self.settings.clock
        while True:
            now_ms = clock.utc_ms()
            for member in self.members:
                member.watch(now_ms)
            self._plan_when_due(group, now_ms)
            self._tell(now_ms)
            self.trace.see(self.members, self.allocator.roster, now_ms)
            if self.watch is not None:
                self.watch(self)
            print(json.dumps(self.figures), flush=True)  # noqa: T201 - the rig reads it
            await asyncio.sleep(max(clock.real_s(TICK_S), TICK_REAL_S))

    def _plan_when_due(self, group: asyncio.TaskGroup, now_ms: int) -> None:
        """Plan at each step, and when a building is lost, comes back or changes its demand."""
        if self.solving_real_s is not None:
            return
        grid = PlanSteps.around(now_ms, self.settings.roster)
        here = [member for member in self.members if member.standing(now_ms) is Availability.LIVE]
        asked = (grid.start_ms, tuple(_make_plan_trigger(member) for member in here))
        is_new_step = self._asked is None or self._asked[0] != grid.start_ms
        if asked == self._asked or not here or not (is_new_step or now_ms - self._asked_ms > REPLAN_S * 1e3):
            return
        self._asked, self._asked_ms = asked, now_ms
        reserved = self.allocator.compute_reserved_w(self.members, grid, now_ms)
        self.solving_real_s = asyncio.get_running_loop().time()
        group.create_task(self._plan(make_optimiser_input(self.settings.roster, here, reserved, grid), grid))

    async def _plan(self, asked: OptimiserInput, grid: PlanSteps) -> None:
        """Call the optimiser, outside of the loop."""
        found = await asyncio.to_thread(self.solve, asked, self.settings.solve_real_s)
        self.solving_real_s = None
        self.allocator.take(found, grid)
        if isinstance(found, PlanFailure):
            self._note("plan", failed=found.why, solve_s=found.solve_s)
        else:
            relaxed = {level.value: round(wh, 1) for level, wh in found.relaxed_wh.items()}
            figures = {"cost_eur": round(found.cost_eur, 4), "solve_s": round(found.solve_s, 4)}
            self._note("plan", **figures, solves_count=found.solves_count, relaxed_wh=relaxed)

    def _tell(self, now_ms: int) -> None:
        """Publish the documents that are due; none without a connection."""
        if not self.line.connected:
            return
        clock = self.settings.clock
        posts = list(self.writer.due(self.members, self.allocator, now_ms))
        if any(not post.is_repeated for post in posts):
            draft = self._documents_file.with_suffix(".new")
            draft.write_text(dump_documents(self.members, self.writer.last_seq), encoding="utf-8")
            draft.replace(self._documents_file)
        for post in posts:
            root = self._by_edge[post.edge].names.companion
            # The broker counts an expiry in real seconds, the document in the house's: rounded up.
            expiry_s = min(int(clock.real_s((post.exp_ms - now_ms) / 1_000)) + 60, (1 << 32) - 1)
            self.line.say(f"{root}/{post.topic}", post.payload, qos=1, retain=True, expiry_s=expiry_s)
            self._note("post", **make_log_entry(post))

    @property
    def figures(self) -> dict[str, Any]:
        """Figures for the rig."""
        now_ms = self.settings.clock.utc_ms()
        return {
            "connected": self.line.connected,
            "source": self.allocator.source(now_ms),
            "load_w": self.trace.last_w,
            "buildings": {member.place.edge: _make_row(member, now_ms) for member in self.members},
        }


def _make_row(member: BuildingState, now_ms: int) -> dict[str, Any]:
    letter = member.find_sent_documents("envelope/district").last
    return {
        "standing": member.standing(now_ms).value,
        "mode": member.mode,
        "power_w": member.power_w,
        "cap_w": None if letter is None else letter.cap_w("import", now_ms),
        "ack": "" if letter is None else letter.status,
        "samples_count": member.session.ledger.samples_count,
    }


def _make_plan_trigger(member: BuildingState) -> str:
    """Return the text on whose change a new plan is made: the building and its devices present."""
    devices = (member.report or {}).get("devices", ())
    present = [f"{one.get('device')}:{one.get('available')}:{is_car_present(member, one)}" for one in devices]
    return ",".join([member.place.edge, *present])


def _get_edge(topic: str) -> str:
    """The building of a topic: after type in Sparkplug, after the district in ours."""
    parts: Sequence[str] = topic.split("/")
    return parts[3] if len(parts) > 3 else ""


def run_fleet_district(
    settings: FleetSettings, solve: SolveFunction, stdin: Callable[[], Any], watch: TickCallback | None = None
) -> None:
    """Run the office in this process until the order to quit or the end of its stdin."""

    async def main() -> None:
        await FleetDistrict(settings, solve, watch).run(await stdin())

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
