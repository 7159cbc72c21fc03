"""Build the site of a scenario with the gateway's own assembly, from the text of its site file and without
a wire.

Also the values of its outputs before the first order, and its orders as the plant takes them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from quartier.config import loading
from quartier.config.loading import LoadedSite
from quartier.config.sections.planning_sections import PlanningSection
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkState
from quartier.control.state import ControlState
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.service import plannable_assets, planner_inputs, training
from quartier.planning.service.plan_backtest import PlanBacktest
from quartier.planning.service.plan_request import PlanRequest
from quartier.planning.service.surcharges import Surcharges
from quartier.planning.tariffs.energy_prices import MeterTariffState
from quartier.runtime.clock import SiteClock
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site
from quartier.store.history_store import Store
from quartier_drivers.contract import Clock, Fallback, PointInfo
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.driver import PushMeter
from quartier_drivers.registry import load_factory
from quartier_hil.runner import smart_meters
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.run import SITE_NAMES
from quartier_hil.scenario import site_file as siting
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.site_file import CHARGER, GX, SOLAR, STORAGE, TIMEOUT_MIN_S, format_site_file
from quartier_sim.plant import building_model
from quartier_sim.plant.building_model import Orders

BACKTEST_S = training.BACKTEST_S
"""Length of the history that the daemon backtests a plan on, s."""


@dataclass(frozen=True, slots=True)
class AssembledSite:
    """Site built from a site file.

    ``devices`` maps each device to its points by full name, as its driver knows them without a request;
    ``buses`` maps each bus to its devices.  ``store`` makes its history from a runtime and a state
    directory; ``speaking`` are the drivers of meters that send by themselves, as over an open line.
    """

    house: Site
    params: LinkParameters
    devices: Mapping[str, Mapping[str, PointInfo]]
    buses: Mapping[str, tuple[str, ...]]
    store: Callable[[Path, Path], Store]
    loaded: LoadedSite
    speaking: Mapping[str, PushMeter] = field(default_factory=dict)

    def question(self, state: ControlState, linked: LinkState, now: Now, distrust: str = "") -> PlanRequest:
        """Return the request that the daemon would send its planner.  Raises RefusedError if it would not."""
        return planner_inputs.make_question(
            self.loaded.site, state, linked, self.params, {}, now, distrust=distrust
        )

    def trial(self) -> PlanBacktest:
        """The daemon's back-test of plans."""
        return planner_inputs.make_plan_backtest(self.loaded.site)

    def list_plan_triggers(self, state: ControlState) -> list[object]:
        """Return the values on whose change the daemon makes a new plan."""
        return plannable_assets.collect_plan_triggers(state)

    def read_meter_tariff(self, state: ControlState, now: Now) -> MeterTariffState:
        """Return the values of the grid operator's meter that the daemon uses for its planner."""
        return planner_inputs.read_meter_tariff(state, now)

    def surcharges(self) -> Surcharges:
        """Return the surcharges from which the daemon begins to learn the cost of an import beyond its price.

        The bound by the rule (``planning.rule_bound``) does not apply here.
        """
        section = self.loaded.site.planning or PlanningSection()
        return Surcharges(self.premises.zone, section.day_peak_eur_per_w, by_month=section.peak_by_month)

    @property
    def premises(self) -> SiteFacts:
        """The facts of the site that the daemon gives to its forecast."""
        return planner_inputs.make_premises(self.loaded.site, self.house)

    @property
    def points(self) -> dict[str, PointInfo]:
        """Every point of the site."""
        return {point: info for infos in self.devices.values() for point, info in infos.items()}


def assemble_site(site_file: Path, clock: Clock | None = None) -> AssembledSite:
    """Read ``site_file`` as strictly as ``quartier check``; ``clock`` is the drivers'.

    Raises ConfigError with every fault.
    """
    loaded = loading.check_site_file(site_file)
    planned = bus_specs.make_bus_specs(loaded)
    time = SiteClock() if clock is None else clock
    devices, speaking = {}, {}
    for wire in planned:
        kind = wire.section.kind
        line = load_factory(kind).line(wire.name, wire.section, time)
        for spec, profile in wire.devices:
            driver = load_factory(kind, profile.protocol).driver(line, spec, profile, time)
            devices[spec.name] = dict(driver.points)
            if isinstance(driver, PushMeter) and isinstance(line, MeterLine):
                line.why = ""  # it is open, as far as the driver can see
                speaking[spec.name] = driver
    points = {point: info for infos in devices.values() for point, info in infos.items()}
    site = site_model.make_site(loaded.site, points, bus_specs.find_release_values(planned, points))
    return AssembledSite(
        house=site,
        params=site_settings.make_link_params(loaded.site, site.limits),
        devices=devices,
        buses={wire.name: tuple(spec.name for spec, _ in wire.devices) for wire in planned},
        loaded=loaded,
        speaking=speaking,
        store=partial(site_settings.make_store, loaded.site),
    )


_PV_LIMIT_POINT = "pv1.generation_max_w"
_CHARGER_CURRENT_A = 16.0
_INITIAL_OUTPUTS = {
    "current_max_a": _CHARGER_CURRENT_A,
    "dim_pct": 100.0,
    "sg_ready_state": 2.0,
    "pump_pct": 100.0,
    "speed_pct": 100.0,
    "run_on": 1.0,
}


def assemble_scenario_site(scenario: Scenario, folder: Path, clock: Clock | None = None) -> AssembledSite:
    """The site of the file that the wires would have too; ``clock`` is its drivers'.

    Raises ConfigError as the daemon would.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wiring = DeviceWiring(scenario.seed, scenario.house)
    # Nothing is opened: the ports only tell the endpoints apart.
    names = [name for name in (GX, CHARGER, STORAGE, SOLAR) if name in wiring.devices]
    names += siting.list_device_profiles(scenario.house)
    wiring.ports = {name: 1502 + place for place, name in enumerate(names)}
    issuers = folder / "issuers.json"
    issuers.write_text("[]\n")
    path = folder / "site.toml"
    path.write_text(
        format_site_file(
            scenario.house,
            wiring,
            SITE_NAMES,
            pty=folder / "rs485",
            broker_port=1883,
            issuers_file=issuers,
            rate=1.0,
            cycle_s=scenario.cycle_s,
        )
        + _format_meters(scenario.house)
    )
    return _add_device_data(assemble_site(path, clock), scenario.house)


def _add_device_data(site: AssembledSite, site_spec: SiteSpec) -> AssembledSite:
    """Add the data that the gateway reads from a device: a cap of SunSpec 123 has no timer and stays."""
    if site_spec.pv != "sunspec-1xx":
        return site
    infos = dict(site.devices[SOLAR])
    infos[_PV_LIMIT_POINT] = replace(infos[_PV_LIMIT_POINT], fallback=Fallback(None, math.inf))
    return replace(site, devices={**site.devices, SOLAR: infos})


def _format_meters(site_spec: SiteSpec) -> str:
    tariff = site_spec.tariff
    urls = {name: f"/dev/ttyUSB{place}" for place, name in enumerate(site_spec.meters)}
    mode = "standard" if tariff is None else tariff.mode
    return smart_meters.format_meter_tables(
        site_spec.meters, urls, TIMEOUT_MIN_S, mode, is_grid=site_spec.grid_meter == "linky"
    )


def list_initial_outputs(assembled_site: AssembledSite, site_spec: SiteSpec) -> dict[str, float]:
    """Return the value of each output in its device before the first order."""
    return {
        point: _find_initial_output(info, site_spec)
        for point, info in assembled_site.points.items()
        if info.writable
    }


def _find_initial_output(info: PointInfo, site_spec: SiteSpec) -> float:
    quantity = info.point.partition(".")[2]
    if quantity == "generation_max_w":
        return site_spec.pv_w
    if quantity == "relay_on":  # one with a timer of its own lets its load run, a plain relay drops
        return 0.0 if info.fallback is None else info.fallback.value or 0.0
    return _INITIAL_OUTPUTS.get(quantity, 0.0)


def make_plant_orders(outputs: Mapping[str, float]) -> Orders:
    """Return the orders of the plant from the values of the outputs."""
    further: dict[str, dict[str, float]] = {}
    for point, value in outputs.items():
        name, _, quantity = point.partition(".")
        if name not in building_model.STANDARD_ASSETS:
            further.setdefault(name, {})[quantity] = value
    return Orders(
        battery_w=outputs.get("bat1.setpoint_w", 0.0),
        generation_max_w=outputs.get("pv1.generation_max_w", float("inf")),
        current_max_a=outputs.get("ev1.current_max_a", 0.0),
        relay_on=outputs.get("hp1.relay_on", 0.0) > 0,
        more=further,
    )
