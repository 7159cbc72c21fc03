"""The running gateway: rooms put together, tasks started, and everything left in order."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import quartier_native
from quartier.app import assembly, extras, fallbacks, keeper, memory, ordered, own, probed, records, upkeep
from quartier.app.applying import Applying
from quartier.app.disk import Disk
from quartier.app.enquiries import Enquiries
from quartier.app.fleet import Fleet
from quartier.app.hands import Hands
from quartier.app.ladder import Ladder
from quartier.app.ledger import Ledger
from quartier.app.places import Places
from quartier.app.safety import SafetyTable
from quartier.app.sentry import Sentry
from quartier.app.standstill import Standstill
from quartier.app.troubles import Troubles
from quartier.app.turn import Turn
from quartier.config.load import Loaded
from quartier.control.events import rows
from quartier.control.link import allowed, machine
from quartier.house.assets import House
from quartier.house.image import Image
from quartier.house.now import Now
from quartier.runtime import lean, released
from quartier.runtime.clock import HouseClock
from quartier.runtime.desk import Desk
from quartier.runtime.directory import Directory
from quartier.runtime.fast import Fast
from quartier.runtime.operators import Operators
from quartier.runtime.supervisor import Failure, ended_well, supervise
from quartier.runtime.ticker import Ticker
from quartier.runtime.watchdog import Watchdog
from quartier_drivers.contract import SLOT_NS, Note, PointInfo, Readings, slot_ns
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.ranges import Ranges

if TYPE_CHECKING:
    from quartier.config.model import Site
    from quartier.district.catalog import Catalog
    from quartier.district.uplink import Uplink

LEAVE_S = 3.0
CLOSE_S = 1.5
SWITCH_S = 0.0001


class Daemon:
    """One run, from a loaded site file to the last safe value.  ``run`` returns the exit code."""

    fleet: Fleet
    turn: Turn
    _hands: Hands
    _teller: fallbacks.Teller
    _troubles: Troubles
    uplink: "Uplink | None"
    _catalogue: "Callable[[Site, Mapping[str, PointInfo]], Catalog]"

    def __init__(self, places: Places, loaded: Loaded, clock: HouseClock, log: Any) -> None:
        self._places = places
        self._loaded = loaded
        self._clock = clock
        self._log = log
        self._image = Image()
        self._ranges = Ranges()
        self._watchdog = Watchdog()
        self._stop = asyncio.Event()
        self._reread = asyncio.Event()
        self._started_ns = clock.now_ns()
        self._own_ns = 0
        self._ready = False
        self._begun = False
        self._damage: list[str] = []
        self._safety = SafetyTable(places.runtime_dir, log)
        self.uplink = None
        site = loaded.site
        self._store = assembly.store(site, places.runtime_dir, places.state_dir)
        self._beside = clock, self._store.event, log
        self._ledger = Ledger(self._store)
        self._sentry = Sentry(self._store.event, log, clock, places.state_dir)
        self._disk = Disk(log, self._notice)
        self._standstill = Standstill(self._store.event)
        self._plans = extras.plans(loaded)

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT: 0; after a bug of the house: 70, outputs released."""
        self._say(self._loaded)
        boot = await asyncio.to_thread(self._store.open, self._clock.now())
        self._disk.look(self._store.stats)
        self._clock.raise_floor(int(self._store.stats["good_utc_ms"]))
        engine = quartier_native.engine()
        self._log.info(
            "gateway.start", boot=boot, site=self._loaded.site.site.id, engine=engine.name, why=engine.why
        )
        well = await ended_well(self._live, lambda bug: self._log.error("daemon.failed", exc_info=bug))
        if not well and self._begun:
            await self._leave()
        await self._close(planned=well)
        self._log.info("gateway.stop", well=well)
        return os.EX_OK if well else os.EX_SOFTWARE

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            await self._begin(group)
            # The writer thread gives the interpreter back sooner: the cycle is worth more than a commit.
            sys.setswitchinterval(SWITCH_S)
            lean.freeze()
            # Just before devices are asked: no answer makes a cycle late.
            first_ns = slot_ns(self._clock.now_ns()) + SLOT_NS // 2
            cycle_s = self._loaded.site.control.cycle_s
            when = first_ns, assembly.CYCLE_PHASE_NS
            self._ticker = Ticker(cycle_s, self._clock, self._cycle, *when, self._clock.wait_until)
            self._fast = Fast(self._clock, self._look)
            self._fast.want(on=self.turn.is_fast)
            runtime_dir, asked = self._places.runtime_dir, self._enquiries()
            deeds = {**self._hands.deeds, **self._sentry.deeds}
            applying = Applying(self._places, lambda: self._loaded, self._reread.set, *self._beside)
            on_site = {**applying.deeds, **self._hands.on_site}
            operators = Operators(runtime_dir, deeds, self._log, on_site=on_site)
            tasks = [
                group.create_task(self._ticker.run(), name="ticker"),
                group.create_task(self._fast.run(), name="fast"),
                group.create_task(
                    self._supervised("desk", Desk(runtime_dir, asked.answers, asked.about).run)
                ),
                group.create_task(self._supervised("operators", operators.run)),
                group.create_task(self._supervised("applying", applying.run)),
                *(group.create_task(run) for run in self._keeping()),
            ]
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reread.set)
            district = [self._supervised("district", self.uplink.run)] if self.uplink is not None else []
            tasks += [group.create_task(run, name="district") for run in district]
            rereading = group.create_task(self._follow_file())
            await self._stop.wait()
            self._watchdog.say("STOPPING=1")
            for task in (rereading, *tasks):
                task.cancel()
            await self._leave()

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        """Buses first: nothing waits for the district."""
        await self._tell_damage()
        known = await upkeep.recalled(self._places.state_dir)
        self.fleet = known.fleet(group, self._clock, self._received, self._log, self._note)
        self.fleet.witness = self._ledger
        await self.fleet.follow(assembly.wires(self._loaded, self._places.state_dir))
        site = self._loaded.site
        self.fleet.share(site)
        values = assembly.release_values(self.fleet.wires, self.fleet.points)
        house = probed.known(assembly.house(site, self.fleet.points, values), self.fleet.probes)
        self._ranges.follow(house.ratings_w)
        params = assembly.link_params(site, house.limits)
        left, now = known.link, self._clock.now()
        state = machine.start_link(
            params, left.state, now, outage=left.outage, lost=left.lost, rebooted=left.rebooted
        )
        self._log.info("link.start", mode=str(state.mode), why=state.why, outage=left.outage)
        self._say_rows(house)
        self._ledger.follow(self.fleet.points, values)
        self._take_in_released(now)
        around = self._clock, self._image, self.fleet, self._store, self._log, self._ledger
        self.turn = Turn(house, params, state, *around, outage_before=left.outage, sentry=self._sentry)
        self._troubles = Troubles(self.turn, self.fleet, self._safety, lambda: self._loaded)
        self._sentry.recall(known.alarms, house.zone)
        self._sentry.sources = (self._troubles,)
        self._tell_end(left)
        self._teller = fallbacks.Teller(house, self.fleet.fallbacks)
        self.turn.ladder = Ladder.of(site, house, self.fleet, self._store)
        beside = *self._beside, self.turn.believe_meter
        self._hands = Hands(self._places.state_dir, lambda: self.turn.house, *beside)
        self._hands.recall(known.overrides, now, outage=left.outage)
        self.turn.hands = self._hands
        known.memory.remind("gateway", self.turn, self._clock.utc_ms(), synced=self._clock.synced())
        self.uplink = self.turn.uplink = self._connected()
        if self.uplink is not None:
            self.fleet.moment.tell = self.uplink.wake
        self._safety.keep(self.fleet)
        self._begun = True

    def _take_in_released(self, now: Now) -> None:
        """What ``quartier release`` wrote since the last run stands in the ledger, no longer beside it."""
        self._ledger.took_in(released.read(self._places.runtime_dir), now)
        self._ledger.close(now)
        released.forget(self._places.runtime_dir)

    def _keeping(self) -> list[Coroutine[Any, Any, None]]:
        folder, clock, turn = self._places.state_dir, self._clock, self.turn
        of_fleet = self.fleet, lambda: turn.link, turn.kept, turn.pledges, self._remembering
        beside = self._sentry, clock, self._store.event, self._log
        of_faults = folder, self.fleet, lambda: self._loaded.site, *beside
        around_faults = self._supervised("records", lambda: records.run(*of_faults))
        kept = upkeep.runs(folder, *of_fleet, clock, self._log)
        further = extras.tasks(lambda: self._loaded, self._places, turn, self._reread.set, *beside[1:])
        asked_for = [self._supervised(name, run) for name, run in further.items()]
        return [*kept, around_faults, self._sentry.run(), *asked_for]

    def _remembering(self) -> memory.Named:
        return (*self.fleet.drivers(), ("gateway", self.turn))

    async def _tell_damage(self) -> None:
        """Say which files of facts are damaged, before anything writes them anew."""
        for copy, other_is_sound in await asyncio.to_thread(lambda: [*keeper.damage(self._places.state_dir)]):
            instead = "its other copy is used" if other_is_sound else "no copy is left, it begins anew"
            self._log.error("state.damaged", file=str(copy), why=instead)
            text = f"{copy.name} is damaged or gone: {instead}"
            self._store.event("state.damaged", text, {"file": copy.name}, self._clock.now())
            self._notice("state.damaged", text, file=copy.name)
            self._damage.append(text)

    def _tell_end(self, left: keeper.Recalled) -> None:
        """How the run before ended, where it did not leave in order."""
        if left.outage:
            self._notice("loss.power_lost", "the machine started again without a planned stop")
        elif left.killed:
            self._notice("loss.controller_killed", "the gateway before this one was killed, frozen or failed")

    def _connected(self) -> "Uplink | None":
        """The uplink; a house that stands alone does not even import it."""
        site = self._loaded.site
        if site.district_link is None:
            return None
        with lean.without(*(() if site.district_link.tls else ("ssl",))):
            from quartier.app.district import catalogue, connect  # noqa: PLC0415 - a door unused costs nothing

        self._catalogue = catalogue
        return connect(
            site,
            self._places.state_dir,
            catalogue(site, self._infos()),
            self._image,
            self.fleet,
            self._store,
            self._clock,
            self._log,
            self._sentry.note,
            lambda: self.turn.flexibility(assembly.local(self._loaded.site)),
            lambda now: allowed.find_possible_times_ms(self.turn.link, now),
        )

    def _supervised(self, name: str, run: Any) -> Any:
        return supervise(name, run, self._clock, self._failed)

    def _failed(self, failure: Failure) -> None:
        event = "task.parked" if failure.parked else "task.failed"
        self._log.error(event, task=failure.name, count=failure.count, exc_info=failure.error)
        if failure.parked:
            self._notice(event, f"{failure.name} failed again and again: {failure.error}", task=failure.name)

    def _received(self, readings: Readings) -> None:
        """Readings of a device: what cannot be is bad from here on."""
        self._deliver(self._ranges.judge(readings))

    def _deliver(self, readings: Readings) -> None:
        self._image.put(readings)
        if self._store.record(readings, self._clock.now()):
            self.fleet.moment.news()

    def _note(self, note: Note) -> None:
        now = self._clock.now()
        self._store.event(note.code, note.text, dict(note.data), now)
        self._sentry.note(note.code, note.text, note.data, now)

    def _notice(self, code: str, text: str, **data: str) -> None:
        self._sentry.note(code, text, data, self._clock.now())

    def _look(self) -> None:
        """The fast cycle: frequency and voltage alone, and all where one of their rows begins to act."""
        if self.turn.look():
            self._cycle()

    def _cycle(self) -> None:
        for readings in self._teller.news(self._clock.now_ns()):
            self._deliver(readings)
        self.turn()
        now = self._clock.now()
        self._standstill.look(now)
        if self._ready and now.ns >= self._own_ns:  # in the first cycle there is nothing to tell yet
            self._own_ns = now.ns + int(own.PERIOD_S * 1e9)
            mine = own.readings(self._own_values(), now.ns), *extras.readings(self.turn, now)
            for readings in (*mine, *self.fleet.report(now.ns)):
                self._deliver(readings)
            self._safety.keep(self.fleet)
            self._disk.look(self._store.stats)
        else:
            self._safety.follow(self.fleet)
        self._store.tick(now)
        if not self._ready:
            self._ready = True
            self._watchdog.say("READY=1")
        self._watchdog.say("WATCHDOG=1", f"STATUS={own.line(self.turn.view)}")

    def _own_values(self) -> dict[str, Any]:
        uplink = {} if self.uplink is None else self.uplink.stats
        synced = self._clock.synced()
        alarms_count = self._sentry.book.active_count
        figures = self._ticker, self._store.stats, uplink
        return own.values(self.turn.view, *figures, alarms_count=alarms_count, synced=synced)

    def _infos(self) -> Mapping[str, PointInfo]:
        told = (point for bus in self.fleet.buses for point in bus.account.points)
        foretold = extras.points(self._loaded.site, plans=self._plans)
        mine = own.infos((*told, *self._teller.names, *own.NAMES, *foretold), "gateway")
        return Directory((("house", self.fleet.points), ("gateway", mine)))

    def _enquiries(self) -> Enquiries:
        around = self.turn, self.fleet, self._image, self._store, self._clock, self._ticker
        return Enquiries(lambda: self._loaded, *around, self._damage, self._started_ns)

    # A new site file

    async def _follow_file(self) -> None:
        while True:
            await self._reread.wait()
            self._reread.clear()
            self._watchdog.say("RELOADING=1")
            if self.uplink is not None:
                await self.uplink.reread()
            try:
                places = self._places
                loaded = await asyncio.to_thread(ordered.in_force, places.config, places.state_dir)
            except ConfigError as error:
                self._kept(error.faults)
            else:
                new = loaded.disabled.keys() - self._loaded.disabled.keys()
                if new:
                    self._kept([fault for name in sorted(new) for fault in loaded.disabled[name]])
                else:
                    await self._adopt(loaded)
            self._watchdog.say("READY=1")

    def _kept(self, faults: Iterable[Fault]) -> None:
        """Refuse a new site file: also where it would only put out of action what runs now."""
        found = [str(fault) for fault in faults]
        for fault in found:
            self._log.error("config.fault", fault=fault)
        self._troubles.refused = next(iter(found), "it has faults")
        self._log.error("config.kept", why="the new site file cannot be used; nothing was changed")

    async def _adopt(self, loaded: Loaded) -> None:
        self._say(loaded)
        self._troubles.refused = ""
        for key in ("site", "district_link", "planning", "tariff", "store", "clock", "control.cycle_s"):
            if attrgetter(key)(loaded.site) != attrgetter(key)(self._loaded.site):
                self._log.warning("config.restart_needed", section=key)
                self._notice("config.restart_needed", f"{key} counts after a restart", section=key)
        before = set(self._infos())
        started = await self.fleet.follow(assembly.wires(loaded, self._places.state_dir))
        self.fleet.share(loaded.site)
        self._loaded = loaded
        extras.follow(self.turn, loaded.site)
        values = assembly.release_values(self.fleet.wires, self.fleet.points)
        house = probed.known(assembly.house(loaded.site, self.fleet.points, values), self.fleet.probes)
        # The ticker goes on at its period: a house told another one would call every cycle late.
        house = replace(house, cycle_s=self.turn.house.cycle_s)
        self._ranges.follow(house.ratings_w)
        self._teller = fallbacks.Teller(house, self.fleet.fallbacks)
        self._say_rows(house)
        self._ledger.follow(self.fleet.points, values)
        self.turn.adopt(house, assembly.link_params(loaded.site, house.limits), started)
        self.turn.ladder = Ladder.of(loaded.site, house, self.fleet, self._store)
        self._fast.want(on=self.turn.is_fast)
        self._store.set_assets(tuple(loaded.site.assets), assembly.local(loaded.site))
        self._image.drop(before - set(self._infos()))
        if self.uplink is not None:
            self.uplink.catalogue(self._catalogue(loaded.site, self._infos()))
        self._safety.keep(self.fleet)
        self._log.info("config.adopted", file=str(self._places.config))

    def _say_rows(self, house: House) -> None:
        """Say which rows of the public grid's events the connection meter is too slow for."""
        if missing := rows.find_unserved_rows(house.grid.frequency_period_s):
            self._log.info("grid.rows", missing=missing)

    def _say(self, loaded: Loaded) -> None:
        """Say what is wrong with the site file, and what that puts out of action."""
        for fault in loaded.warnings:
            self._log.warning("config.warning", fault=str(fault))
        for name, faults in loaded.disabled.items():
            self._log.error("config.disabled", what=name, faults=[str(fault) for fault in faults])

    # Leaving

    async def _leave(self) -> None:
        """Write every safe value; what cannot be written in time is named and left to ``ExecStopPost``."""
        try:
            async with asyncio.timeout(LEAVE_S):
                for failure in await self.fleet.leave():
                    self._log.warning("release.failed", why=failure)
        except TimeoutError:
            self._log.warning("release.unfinished", after_s=LEAVE_S)

    async def _close(self, *, planned: bool) -> None:
        self._watchdog.close()
        if self._begun:
            await self._sentry.keep()
            await self._keep_link(planned=planned)
        self._ledger.close(self._clock.now())
        clean = await asyncio.to_thread(self._store.close, self._clock.now(), CLOSE_S)
        if not clean:
            self._log.warning("store.unfinished", why="the journal keeps what the disk did not take")

    async def _keep_link(self, *, planned: bool) -> None:
        try:
            utc_ms, kept = self._clock.utc_ms(), self._remembering()
            state_dir, link_state = self._places.state_dir, self.turn.link
            await upkeep.keep(state_dir, self.fleet, link_state, kept, utc_ms, planned=planned)
        except OSError as error:
            self._log.warning("link.not_kept", why=str(error))
