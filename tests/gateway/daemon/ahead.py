"""Sections of a site file that plans, and a turn of that house with its planner, in this process."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from quartier.config.stored_site_file import GatewayPaths
from quartier.control.link import machine
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.daemon.control_loop import ControlLoop
from quartier.planning.service.planner import Planner
from quartier.runtime.service_context import ServiceContext
from quartier.store.history_store import Store

PARIS = ZoneInfo("Europe/Paris")


def planning(cheap_h=4.0, **changes):
    """Cheap from now on for some hours of the house, dear afterwards; nothing of a forecast is waited for."""
    now = datetime.now(PARIS)
    begin, end = now - timedelta(hours=2), now + timedelta(hours=cheap_h)
    keys = {"horizon_s": 86_400.0, "history_min_s": 0.0, **changes}
    section = ", ".join(f"{key} = {value}" for key, value in keys.items())
    return (
        f"planning = {{ {section} }}\n"
        f'tariff = {{ contract = "hchp", off_peak = ["{begin:%H:%M}-{end:%H:%M}"], '
        "off_peak_eur_per_wh = 0.0001, peak_eur_per_wh = 0.0004 }\n"
    )


class Ahead:
    """A turn that plans; time passes while a test waits for something."""

    def __init__(self, found, devices, store, turn, loaded, places):
        self.yard, self.devices, self.store, self.turn = found, devices, store, turn
        self.loaded, self.places = loaded, places
        self.events = []

    def planner(self, **options):
        """The planner of this house, which the turn follows."""
        event = lambda code, text, data, now: self.events.append((code, text))  # noqa: E731, ARG005 - as the store's
        context = ServiceContext(clock=self.yard.clock, event=event, log=self.yard.log)
        made = Planner(self.loaded, self.places, self.turn, context, **options)
        self.turn.planner = made
        return made

    async def until(self, condition):
        def turned():
            self.turn()
            return condition()

        await self.yard.until(turned)

    async def well(self):
        """All is read that a plan needs."""
        await self.until(lambda: self.turn.view["assets"]["bat1"]["state"] == "controlled")

    @property
    def led_by(self):
        return self.turn.view["assets"]["bat1"].get("led_by")


def ahead(yard, tmp_path):
    """``async with ahead(yard, tmp_path)(planning()) as house``; nothing plans before ``house.planner()``."""

    @contextlib.asynccontextmanager
    async def opened(text, rate=20.0):
        async with yard(rate=rate) as (found, devices):
            loaded = await found.follow(("buses.lan", f"{text}buses.lan"))
            site, points, clock = loaded.site, found.fleet.points, found.clock
            store = Store(tmp_path / "history.db", tmp_path, assets=tuple(site.assets))
            await asyncio.to_thread(store.open, clock.now())
            values = bus_specs.find_release_values(found.fleet.wires, points)
            house = site_model.make_site(site, points, values)
            params = site_settings.make_link_params(site, house.limits)
            state = machine.start_link(params, None, clock.now(), outage=False)
            turn = ControlLoop(house, params, state, found.parts(store))
            try:
                places = GatewayPaths(tmp_path / "site.toml", tmp_path, tmp_path)
                yield Ahead(found, devices, store, turn, loaded, places)
            finally:
                await asyncio.to_thread(store.close, clock.now(), 5.0)

    return opened
