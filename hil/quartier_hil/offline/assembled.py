"""From the text of a site file to what control is given, by the gateway's own assembly and without a wire."""

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
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier.store.history_store import Store
from quartier_drivers.contract import Clock, PointInfo
from quartier_drivers.meter.driver import PushMeter
from quartier_drivers.meter.line import MeterLine
from quartier_drivers.registry import load_factory

TRIED_S = training.BACKTEST_S
"""Length of the history that the daemon backtests a plan on, s."""


@dataclass(frozen=True, slots=True)
class Assembled:
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
        return planner_inputs.make_question(self.loaded.site, state, linked, self.params, {}, now, distrust)

    def trial(self) -> PlanBacktest:
        """The daemon's back-test of plans."""
        return planner_inputs.make_plan_backtest(self.loaded.site)

    def stirs(self, state: ControlState) -> list[object]:
        """Return the values on whose change the daemon makes a new plan."""
        return plannable_assets.collect_plan_triggers(state)

    def told(self, state: ControlState, now: Now) -> MeterTariffState:
        """Return the values of the grid operator's meter that the daemon uses for its planner."""
        return planner_inputs.read_meter_tariff(state, now)

    def tolls(self) -> Surcharges:
        """Return the surcharges from which the daemon begins to learn the cost of an import beyond its price.

        The bound by the rule (``planning.rule_bound``) does not apply here.
        """
        said = self.loaded.site.planning or PlanningSection()
        return Surcharges(self.premises.zone, said.day_peak_eur_per_w, by_month=said.peak_by_month)

    @property
    def premises(self) -> SiteFacts:
        """The facts of the site that the daemon gives to its forecast."""
        return planner_inputs.make_premises(self.loaded.site, self.house)

    @property
    def points(self) -> dict[str, PointInfo]:
        """Every point of the site."""
        return {point: info for infos in self.devices.values() for point, info in infos.items()}


def assembled(site_file: Path, clock: Clock | None = None) -> Assembled:
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
    house = site_model.make_site(loaded.site, points, bus_specs.find_release_values(planned, points))
    return Assembled(
        house=house,
        params=site_settings.make_link_params(loaded.site, house.limits),
        devices=devices,
        buses={wire.name: tuple(spec.name for spec, _ in wire.devices) for wire in planned},
        loaded=loaded,
        speaking=speaking,
        store=partial(site_settings.make_store, loaded.site),
    )
