"""Start, run, reload and stop the daemon; carry readings from the buses to image and store."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import quartier_native
from quartier.commissioning import probe_results
from quartier.config import stored_site_file
from quartier.config.loading import LoadedSite
from quartier.config.stored_site_file import GatewayPaths
from quartier.control.events import rows
from quartier.control.link import allowed, machine
from quartier.daemon import background_tasks, state_files
from quartier.daemon.alarm_sources import FaultAlarms
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.daemon.buses.lifecycle import BusManager, ReleaseFile
from quartier.daemon.control_loop import ControlLoop
from quartier.daemon.gateway_parts import GatewayParts
from quartier.daemon.manual_overrides import ManualOverrides
from quartier.daemon.questions import GatewayQuestions
from quartier.daemon.reports import fallback_report, fault_recordings, gateway_values
from quartier.daemon.reports.alarm_list import AlarmManager
from quartier.daemon.reports.gateway_values import DiskMonitor, StandstillDetector
from quartier.daemon.reports.losses import LossReport
from quartier.daemon.reports.write_ledger import WriteLedger
from quartier.daemon.site_file_changes import SiteFileChanges
from quartier.runtime import daemon_setup, process_size, release_log
from quartier.runtime.bus.point_directory import PointDirectory
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import OrderServer
from quartier.runtime.local_socket.questions import QuestionServer
from quartier.runtime.service_context import ServiceContext
from quartier.runtime.supervisor import Failure, log_failure, run_once, supervise
from quartier.runtime.ticker import FastTicker, SystemdNotifier, Ticker
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier_drivers.contract import SLOT_NS, Note, PointInfo, find_slot_ns
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.ranges import RangeCheck
from quartier_drivers.readings import Readings

if TYPE_CHECKING:
    from quartier.config.sections.site_file import SiteFile
    from quartier.district.sparkplug.metric_catalog import MetricCatalog
    from quartier.district.uplink import Uplink

LEAVE_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 1.5
THREAD_SWITCH_S = 0.0001


class Daemon:
    """One run of the daemon, from a site file to the last release value.  ``run`` returns the exit code."""

    fleet: BusManager
    control_loop: ControlLoop
    _overrides: ManualOverrides
    _fallback_points: fallback_report.FallbackPoints
    _fault_alarms: FaultAlarms
    uplink: "Uplink | None"
    _catalogue: "Callable[[SiteFile, Mapping[str, PointInfo]], MetricCatalog]"

    def __init__(self, places: GatewayPaths, loaded: LoadedSite, clock: SiteClock, log: Any) -> None:
        self._places = places
        self._loaded = loaded
        self._clock = clock
        self._log = log
        self._image = ProcessImage()
        self._ranges = RangeCheck()
        self._watchdog = SystemdNotifier()
        self._stop = asyncio.Event()
        self._reread = asyncio.Event()
        self._started_ns = clock.now_ns()
        self._own_ns = 0
        self._ready = False
        self._begun = False
        self._damage: list[str] = []
        self._release_file = ReleaseFile(places.runtime_dir, log)
        self.uplink = None
        site = loaded.site
        self._store = site_settings.make_store(site, places.runtime_dir, places.state_dir)
        self._services = ServiceContext(clock=clock, event=self._store.event, log=log)
        self._ledger = WriteLedger(self._store)
        self._alarm_manager = AlarmManager(self._store.event, log, clock, places.state_dir)
        self._disk = DiskMonitor(log)
        self._standstill = StandstillDetector(self._store.event)
        self._plans = background_tasks.has_planning(loaded)

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT and return 0; after a gateway bug release the outputs and return 70."""
        self._report_faults(self._loaded)
        boot = await asyncio.to_thread(self._store.open, self._clock.now())
        self._check_disk()
        self._clock.raise_floor(int(self._store.stats["good_utc_ms"]))
        engine = quartier_native.engine()
        self._log.info(
            "gateway.start", boot=boot, site=self._loaded.site.site.id, engine=engine.name, why=engine.why
        )
        well = await run_once(self._live, lambda bug: self._log.error("daemon.failed", exc_info=bug))
        if not well and self._begun:
            await self._write_release_values()
        await self._close(planned=well)
        self._log.info("gateway.stop", well=well)
        return os.EX_OK if well else os.EX_SOFTWARE

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            await self._start(group)
            # The writer thread yields the interpreter sooner: a cycle on time matters more than a commit.
            sys.setswitchinterval(THREAD_SWITCH_S)
            daemon_setup.freeze_start_objects()
            # Just before devices are polled: no answer makes a cycle late.
            first_ns = find_slot_ns(self._clock.now_ns()) + SLOT_NS // 2
            cycle_s = self._loaded.site.control.cycle_s
            self._ticker = Ticker(
                cycle_s,
                self._clock,
                self._run_cycle,
                first_ns,
                bus_specs.CYCLE_PHASE_NS,
                self._clock.wait_until,
            )
            self._fast = FastTicker(self._clock, self._run_fast_cycle)
            self._fast.set_wanted(on=self.control_loop.is_fast)
            runtime_dir, asked = self._places.runtime_dir, self._make_questions()
            handlers = {**self._overrides.order_handlers, **self._alarm_manager.order_handlers}
            applying = SiteFileChanges(self._places, lambda: self._loaded, self._reread.set, self._services)
            on_site = {**applying.order_handlers, **self._overrides.on_site_handlers}
            operators = OrderServer(runtime_dir, handlers, self._log, on_site=on_site)
            tasks = [
                group.create_task(self._ticker.run(), name="ticker"),
                group.create_task(self._fast.run(), name="fast"),
                group.create_task(
                    self._supervise("desk", QuestionServer(runtime_dir, asked.answers, asked.about).run)
                ),
                group.create_task(self._supervise("operators", operators.run)),
                group.create_task(self._supervise("applying", applying.run)),
                *(group.create_task(run) for run in self._make_background_tasks()),
            ]
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reread.set)
            district = [self._supervise("district", self.uplink.run)] if self.uplink is not None else []
            tasks += [group.create_task(run, name="district") for run in district]
            rereading = group.create_task(self._follow_site_file())
            await self._stop.wait()
            self._watchdog.send("STOPPING=1")
            for task in (rereading, *tasks):
                task.cancel()
            await self._write_release_values()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        """Start the parts, buses first, so that no bus waits for the district."""
        await self._report_damage()
        known = await background_tasks.load_earlier_run(self._places.state_dir)
        self.fleet = known.fleet(group, self._clock, self._take_device_readings, self._log, self._record_note)
        self.fleet.write_listener = self._ledger
        await self.fleet.follow(bus_specs.make_bus_specs(self._loaded, self._places.state_dir))
        site = self._loaded.site
        self.fleet.share(site)
        values = bus_specs.find_release_values(self.fleet.wires, self.fleet.points)
        house = probe_results.add_probe_results(
            site_model.make_site(site, self.fleet.points, values), self.fleet.probes
        )
        self._ranges.follow(house.ratings_w)
        params = site_settings.make_link_params(site, house.limits)
        left, now = known.link, self._clock.now()
        state = machine.start_link(
            params, left.state, now, outage=left.outage, lost=left.lost, rebooted=left.rebooted
        )
        self._log.info("link.start", mode=str(state.mode), why=state.why, outage=left.outage)
        self._report_missing_grid_rows(house)
        self._ledger.follow(self.fleet.points, values)
        self._take_release_log(now)
        self._parts = GatewayParts(
            clock=self._clock, image=self._image, fleet=self.fleet, store=self._store, log=self._log
        )
        self.control_loop = ControlLoop(
            house,
            params,
            state,
            self._parts,
            ledger=self._ledger,
            outage_before=left.outage,
            alarm_manager=self._alarm_manager,
        )
        self._fault_alarms = FaultAlarms(
            self.control_loop, self.fleet, self._release_file, lambda: self._loaded
        )
        self._alarm_manager.recall(known.alarms, house.zone)
        self._alarm_manager.sources = (self._fault_alarms,)
        self._report_earlier_end(left)
        self._fallback_points = fallback_report.FallbackPoints(house, self.fleet.fallbacks)
        self.control_loop.loss_report = LossReport.of(site, house, self.fleet, self._store)
        self._overrides = ManualOverrides(
            self._places.state_dir,
            lambda: self.control_loop.site,
            self._services,
            restart_meter_check=self.control_loop.restart_meter_check,
        )
        self._overrides.recall(known.overrides, now, outage=left.outage)
        self.control_loop.manual_overrides = self._overrides
        known.memory.restore_driver(
            "gateway", self.control_loop, self._clock.utc_ms(), synced=self._clock.is_synced()
        )
        self.uplink = self.control_loop.uplink = self._make_uplink()
        if self.uplink is not None:
            self.fleet.moment.tell = self.uplink.wake
        self._release_file.keep(self.fleet)
        self._begun = True

    def _take_release_log(self, now: Now) -> None:
        """Move what ``quartier release`` wrote since the last run into the ledger."""
        self._ledger.take_release_rows(release_log.read_releases(self._places.runtime_dir), now)
        self._ledger.close(now)
        release_log.clear_releases(self._places.runtime_dir)

    def _make_background_tasks(self) -> list[Coroutine[Any, Any, None]]:
        folder, clock, turn = self._places.state_dir, self._clock, self.control_loop
        fault_recorder = self._supervise(
            "records",
            lambda: fault_recordings.run_fault_recorder(
                folder,
                self.fleet,
                lambda: self._loaded.site,
                alarm_manager=self._alarm_manager,
                context=self._services,
            ),
        )
        kept = background_tasks.make_saving_tasks(folder, self.fleet, turn, clock, self._log)
        further = background_tasks.make_optional_tasks(
            lambda: self._loaded, self._places, turn, self._reread.set, self._services
        )
        asked_for = [self._supervise(name, run) for name, run in further.items()]
        return [*kept, fault_recorder, self._alarm_manager.run(), *asked_for]

    async def _report_damage(self) -> None:
        """Report which state files are damaged, before anything overwrites them."""
        for copy, other_is_sound in await asyncio.to_thread(
            lambda: [*state_files.find_damaged_files(self._places.state_dir)]
        ):
            instead = "its other copy is used" if other_is_sound else "no copy is left, the data start empty"
            self._log.error("state.damaged", file=str(copy), why=instead)
            text = f"{copy.name} is damaged or gone: {instead}"
            self._store.event("state.damaged", text, {"file": copy.name}, self._clock.now())
            self._record_alarm("state.damaged", text, file=copy.name)
            self._damage.append(text)

    def _report_earlier_end(self, left: state_files.LinkRecord) -> None:
        """Report how the previous run ended, if it did not stop in order."""
        if left.outage:
            self._record_alarm("loss.power_lost", "the machine started again without a planned stop")
        elif left.killed:
            self._record_alarm(
                "loss.controller_killed", "the previous run of the gateway was killed, froze or failed"
            )

    def _make_uplink(self) -> "Uplink | None":
        """Make the uplink; a site without a district does not even import it."""
        site = self._loaded.site
        if site.district_link is None:
            return None
        with process_size.hide_modules(*(() if site.district_link.tls else ("ssl",))):
            from quartier.daemon.district_link import (  # noqa: PLC0415 - only if used
                make_catalog,
                make_uplink,
            )

        self._catalogue = make_catalog
        return make_uplink(
            site,
            self._places.state_dir,
            make_catalog(site, self._collect_point_infos()),
            self._parts,
            hear=self._alarm_manager.note,
            flexibility=lambda: self.control_loop.flexibility(
                site_settings.list_local_assets(self._loaded.site)
            ),
            times=lambda now: allowed.find_possible_times_ms(self.control_loop.link, now),
        )

    def _supervise(self, name: str, run: Any) -> Any:
        return supervise(name, run, self._clock, self._report_failure)

    def _report_failure(self, failure: Failure) -> None:
        log_failure(self._log, failure)
        if failure.parked:
            text = f"{failure.name} failed again and again: {failure.error}"
            self._record_alarm("task.parked", text, task=failure.name)

    def _take_device_readings(self, readings: Readings) -> None:
        """Record the readings of a device; an impossible value gets quality BAD here."""
        self._record_readings(self._ranges.judge(readings))

    def _record_readings(self, readings: Readings) -> None:
        self._image.put(readings)
        if self._store.record(readings, self._clock.now()):
            self.fleet.moment.note_readings()

    def _record_note(self, note: Note) -> None:
        now = self._clock.now()
        self._store.event(note.code, note.text, dict(note.data), now)
        self._alarm_manager.note(note.code, note.text, note.data, now)

    def _check_disk(self) -> None:
        for code, text in self._disk.look(self._store.stats):
            self._record_alarm(code, text)

    def _record_alarm(self, code: str, text: str, **data: str) -> None:
        self._alarm_manager.note(code, text, data, self._clock.now())

    def _run_fast_cycle(self) -> None:
        """Check only frequency and voltage, and run a whole cycle if a grid event begins to act."""
        if self.control_loop.look():
            self._run_cycle()

    def _run_cycle(self) -> None:
        for readings in self._fallback_points.make_readings(self._clock.now_ns()):
            self._record_readings(readings)
        self.control_loop()
        now = self._clock.now()
        self._standstill.look(now)
        if self._ready and now.ns >= self._own_ns:  # the first cycle has nothing to report yet
            self._own_ns = now.ns + int(gateway_values.GATEWAY_PERIOD_S * 1e9)
            mine = (
                gateway_values.make_gateway_readings(self._find_gateway_values(), now.ns),
                *background_tasks.read_forecast_points(self.control_loop, now),
            )
            for readings in (*mine, *self.fleet.report(now.ns)):
                self._record_readings(readings)
            self._release_file.keep(self.fleet)
            self._check_disk()
        else:
            self._release_file.follow(self.fleet)
        self._store.tick(now)
        if not self._ready:
            self._ready = True
            self._watchdog.send("READY=1")
        self._watchdog.send(
            "WATCHDOG=1", f"STATUS={gateway_values.render_status_line(self.control_loop.view)}"
        )

    def _find_gateway_values(self) -> dict[str, Any]:
        uplink = {} if self.uplink is None else self.uplink.stats
        synced = self._clock.is_synced()
        alarms_count = self._alarm_manager.book.active_count
        return gateway_values.find_gateway_values(
            self.control_loop.view,
            self._ticker,
            self._store.stats,
            uplink,
            alarms_count=alarms_count,
            synced=synced,
        )

    def _collect_point_infos(self) -> Mapping[str, PointInfo]:
        bus_points = (point for bus in self.fleet.buses for point in bus.account.points)
        forecast_points = background_tasks.list_forecast_points(self._loaded.site, plans=self._plans)
        mine = gateway_values.make_point_infos(
            (*bus_points, *self._fallback_points.names, *gateway_values.GATEWAY_POINTS, *forecast_points),
            "gateway",
        )
        return PointDirectory((("house", self.fleet.points), ("gateway", mine)))

    def _make_questions(self) -> GatewayQuestions:
        return GatewayQuestions(
            lambda: self._loaded,
            self.control_loop,
            self._parts,
            self._ticker,
            self._damage,
            self._started_ns,
        )

    # A new site file

    async def _follow_site_file(self) -> None:
        while True:
            await self._reread.wait()
            self._reread.clear()
            self._watchdog.send("RELOADING=1")
            if self.uplink is not None:
                await self.uplink.reread()
            try:
                places = self._places
                loaded = await asyncio.to_thread(
                    stored_site_file.load_site_file_in_force, places.config, places.state_dir
                )
            except ConfigError as error:
                self._keep_site_file(error.faults)
            else:
                new = loaded.disabled.keys() - self._loaded.disabled.keys()
                if new:
                    self._keep_site_file([fault for name in sorted(new) for fault in loaded.disabled[name]])
                else:
                    await self._adopt_site_file(loaded)
            self._watchdog.send("READY=1")

    def _keep_site_file(self, faults: Iterable[Fault]) -> None:
        """Keep the site file in use: the new one has faults, or would only disable what runs now."""
        found = [str(fault) for fault in faults]
        for fault in found:
            self._log.error("config.fault", fault=fault)
        self._fault_alarms.refused = next(iter(found), "it has faults")
        self._log.error("config.kept", why="the new site file cannot be used; nothing was changed")

    async def _adopt_site_file(self, loaded: LoadedSite) -> None:
        self._report_faults(loaded)
        self._fault_alarms.refused = ""
        for key in ("site", "district_link", "planning", "tariff", "store", "clock", "control.cycle_s"):
            if attrgetter(key)(loaded.site) != attrgetter(key)(self._loaded.site):
                self._log.warning("config.restart_needed", section=key)
                self._record_alarm("config.restart_needed", f"{key} counts after a restart", section=key)
        before = set(self._collect_point_infos())
        started = await self.fleet.follow(bus_specs.make_bus_specs(loaded, self._places.state_dir))
        self.fleet.share(loaded.site)
        self._loaded = loaded
        background_tasks.follow_site_file(self.control_loop, loaded.site)
        values = bus_specs.find_release_values(self.fleet.wires, self.fleet.points)
        house = probe_results.add_probe_results(
            site_model.make_site(loaded.site, self.fleet.points, values), self.fleet.probes
        )
        # The ticker keeps its period: with another cycle_s the site model would count every cycle as late.
        house = replace(house, cycle_s=self.control_loop.site.cycle_s)
        self._ranges.follow(house.ratings_w)
        self._fallback_points = fallback_report.FallbackPoints(house, self.fleet.fallbacks)
        self._report_missing_grid_rows(house)
        self._ledger.follow(self.fleet.points, values)
        self.control_loop.adopt(house, site_settings.make_link_params(loaded.site, house.limits), started)
        self.control_loop.loss_report = LossReport.of(loaded.site, house, self.fleet, self._store)
        self._fast.set_wanted(on=self.control_loop.is_fast)
        self._store.set_assets(tuple(loaded.site.assets), site_settings.list_local_assets(loaded.site))
        self._image.drop(before - set(self._collect_point_infos()))
        if self.uplink is not None:
            self.uplink.set_catalog(self._catalogue(loaded.site, self._collect_point_infos()))
        self._release_file.keep(self.fleet)
        self._log.info("config.adopted", file=str(self._places.config))

    def _report_missing_grid_rows(self, site: Site) -> None:
        """Log which grid events need a faster grid meter than this one."""
        if missing := rows.find_unserved_rows(site.grid.frequency_period_s):
            self._log.info("grid.rows", missing=missing)

    def _report_faults(self, loaded: LoadedSite) -> None:
        """Log the faults of the site file and what they disable."""
        for fault in loaded.warnings:
            self._log.warning("config.warning", fault=str(fault))
        for name, faults in loaded.disabled.items():
            self._log.error("config.disabled", what=name, faults=[str(fault) for fault in faults])

    # Leaving

    async def _write_release_values(self) -> None:
        """Write every release value; values not written in time are logged and left to ``ExecStopPost``."""
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                for failure in await self.fleet.leave():
                    self._log.warning("release.failed", why=failure)
        except TimeoutError:
            self._log.warning("release.unfinished", after_s=LEAVE_TIMEOUT_S)

    async def _close(self, *, planned: bool) -> None:
        self._watchdog.close()
        if self._begun:
            await self._alarm_manager.keep()
            await self._save_last_state(planned=planned)
        self._ledger.close(self._clock.now())
        clean = await asyncio.to_thread(self._store.close, self._clock.now(), CLOSE_TIMEOUT_S)
        if not clean:
            self._log.warning("store.unfinished", why="the journal keeps what the disk did not take")

    async def _save_last_state(self, *, planned: bool) -> None:
        try:
            utc_ms, kept = (
                self._clock.utc_ms(),
                background_tasks.list_remembering_parts(self.fleet, self.control_loop),
            )
            state_dir, link_state = self._places.state_dir, self.control_loop.link
            await background_tasks.save_last_state(
                state_dir, self.fleet, link_state, kept, utc_ms, planned=planned
            )
        except OSError as error:
            self._log.warning("link.not_kept", why=str(error))
