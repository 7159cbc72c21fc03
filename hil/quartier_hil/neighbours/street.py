"""One run of a street: broker, district, homes with their daemons; what happens, and what was measured."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from quartier_hil.bench.process import free_port
from quartier_hil.clock import RigClock
from quartier_hil.district.issuer import TYPES, Key
from quartier_hil.district.session import Names
from quartier_hil.keeper import TooSlowError, first
from quartier_hil.lateness import Lateness
from quartier_hil.neighbours import story
from quartier_hil.neighbours.home import Home
from quartier_hil.neighbours.story import Moment
from quartier_hil.records.series import Series
from quartier_hil.stage.broker import Broker
from quartier_hil.stage.child import Child
from quartier_hil.verdict.checks import Verdict

STEP_S = 1.0
LOOK_REAL_S = 0.5
GROUP = "issy"

Tell = Callable[[str], None]


@dataclass
class Street:
    """``folder`` keeps what the processes leave; ``series`` of a seed drive the homes; ``tell`` shows a
    line.  ``may_slow``: end with TooSlowError where a machine that is too slow should run it at a lower rate.
    """

    folder: Path
    series: Callable[[int], Series]
    tell: Tell
    rate: float = story.RATE
    may_slow: bool = False
    page_port: int = 0
    with_public: bool = False
    broker_kind: str | None = None
    course: list[Moment] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    page_url: str = ""
    at_s: float = 0.0

    def __post_init__(self) -> None:
        """The homes, not yet at work."""
        origin = time.time()
        houses = story.houses(with_public=self.with_public, rate=self.rate)
        self.clock = RigClock(origin, story.start_utc_s() - origin, self.rate)
        self.homes = [
            Home(Names(GROUP, edge), made, self.series(made.seed), self.folder / edge, self.clock)
            for edge, made in houses
        ]
        # One port, so that a browser finds the page again when the district has come back.
        self.page_port = self.page_port or free_port()
        self.limit_w = story.limit_w(with_public=self.with_public)

    async def perform(self) -> list[Verdict]:
        """The whole story, and what came of it.  Raises RigError when it cannot be made."""
        async with AsyncExitStack() as stack:
            await self._set_up(stack)
            self._zero_s = self.clock.elapsed_s()
            try:
                await self._happen_all(stack)
            except ExceptionGroup as group:
                raise (first(group) or group) from group
        shares_w = {home.names.edge: home.scenario.house.failsafe_import_w for home in self.homes}
        verdicts = story.verdicts(self.course, shares_w, self.limit_w)
        return self._latest.settled(verdicts)

    async def _happen_all(self, stack: AsyncExitStack) -> None:
        async with asyncio.TaskGroup() as group:
            looks = group.create_task(self._look())
            events = group.create_task(self._happen(stack))
            await self._live()
            for task in (looks, events):
                task.cancel()

    @property
    def _latest(self) -> Lateness:
        """That of the home with the most skipped cycles and looks at a stale or lost meter."""
        return max(
            (home.lateness for home in self.homes), key=lambda one: one.skipped_count + one.blind_count
        )

    async def _set_up(self, stack: AsyncExitStack) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.broker = Broker(self.folder, self.broker_kind)
        await self.broker.start()
        stack.push_async_callback(self.broker.stop)
        key = Key.fresh("optimiser1")
        self._key_file = key.save(self.folder)
        issuers = self.folder / "issuers.json"
        issuers.write_text(json.dumps([key.listing(TYPES)]))
        self._write_roster()
        for home in self.homes:
            await home.serve(stack, self.broker.port, issuers)
        self._onward = asyncio.create_task(self._idle())
        stack.push_async_callback(self._stand_still)
        await asyncio.gather(*(home.start(stack) for home in self.homes))

    def _write_roster(self) -> None:
        roster = {
            "group": GROUP,
            "transformer": {"import_max_w": self.limit_w, "export_max_w": 6_000.0 * len(self.homes)},
            "tariff": {"import_eur_per_kwh": story.PRICES},
            "buildings": [
                {**home.place(), "stay_h": story.STAY_H, "need_wh": story.WANTED_WH} for home in self.homes
            ],
        }
        self._roster = self.folder / "district.toml"
        self._roster.write_text(tomli_w.dumps(roster))

    async def _idle(self) -> None:
        """The devices answer while the daemons start."""
        while True:
            for home in self.homes:
                home.wiring.publish(home.values(), 0.0)
            await asyncio.sleep(0.2)

    async def _stand_still(self) -> None:
        self._onward.cancel()
        await asyncio.gather(self._onward, return_exceptions=True)

    # -- the plant -----------------------------------------------------------------------

    async def _live(self) -> None:
        """Keep up with the house's clock until the story ends."""
        await self._stand_still()
        start = story.START
        midnight_s = start.hour * 3_600.0 + start.minute * 60.0
        titles = {home.names.edge: home.scenario.title for home in self.homes}
        narration = story.narration(titles, self.limit_w)
        while self.at_s < story.ENDS_AT_S:
            behind_s = self.clock.elapsed_s() - self._zero_s - self.at_s
            if behind_s < STEP_S:
                await asyncio.sleep(self.clock.real_s(STEP_S - behind_s))
                continue
            for home in self.homes:
                home.lateness.step(behind_s, STEP_S)
            for home in self.homes:
                home.step(midnight_s + self._zero_s + self.at_s, STEP_S)
            self.at_s += STEP_S
            moment = Moment(
                self.at_s,
                {home.names.edge: home.grid_w for home in self.homes},
                {home.names.edge: home.mode for home in self.homes},
            )
            self.course.append(moment)
            for said in narration.step(self.at_s, moment.values):
                self.tell(f"{self.at_s / 60:4.0f} min  {said}")
            # The devices answer on this loop: between two steps they must get their turn.
            await asyncio.sleep(0)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(self.clock.real_s(at_s - (self.clock.elapsed_s() - self._zero_s)))

    # -- events --------------------------------------------------------------------------

    async def _happen(self, stack: AsyncExitStack) -> None:
        await self._until(story.PLUGGED_AT_S)
        for home in self.homes:
            home.plug(story.NEED_WH)
        await self._until(story.DISTRICT_AT_S)
        district = await self._start_district(stack)
        await self._until(story.DIES_AT_S)
        await district.stop(signal.SIGKILL)
        await self._until(story.BACK_AT_S)
        await self._start_district(stack)
        await self._until(story.ENDS_AT_S + 60.0)

    async def _start_district(self, stack: AsyncExitStack) -> Child:
        """A process of the district for all homes; it serves the page."""
        words = ["district", "--fleet", str(self._roster), "--port", str(self.broker.port)]
        words += ["--key", str(self._key_file), "--log", str(self.folder / "district.jsonl")]
        words += ["--page", str(self.page_port), "--origin", repr(self.clock.origin_s)]
        words += ["--offset", repr(self.clock.offset_s), "--rate", repr(self.clock.rate)]
        child = Child([sys.executable, "-m", "quartier_hil.cli", *words], self.folder / "district.log")
        await child.start(talk=True)
        stack.push_async_callback(child.stop)
        listening = asyncio.create_task(self._listen(child))
        stack.push_async_callback(_ended, listening)
        return child

    async def _listen(self, child: Child) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        async for line in child.process.stdout:
            said = json.loads(line)
            if "page" in said:
                self.page_url = said["page"]
                self.tell(f"           The live page: {self.page_url}")
            else:
                self.figures = said

    async def _look(self) -> None:
        while True:
            await asyncio.gather(*(home.look() for home in self.homes))
            if self.may_slow and (late := self._latest).is_stalled:
                raise TooSlowError(late.words)
            await asyncio.sleep(LOOK_REAL_S)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
