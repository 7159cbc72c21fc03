"""From the text of a site file to what control is given, by the gateway's own assembly and without a wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from quartier.app import assembly, foresight, movable, school, told
from quartier.app.tolls import Tolls
from quartier.config import load
from quartier.config.ahead import Planning
from quartier.config.load import Loaded
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkState
from quartier.control.state import ControlState
from quartier.house.assets import House
from quartier.house.now import Now
from quartier.planning.history import Premises
from quartier.planning.question import Question
from quartier.planning.tariff import Told
from quartier.planning.trial import Trial
from quartier.runtime.clock import HouseClock
from quartier.store.ledger import Store
from quartier_drivers.contract import Clock, PointInfo
from quartier_drivers.meter.driver import SpeakingMeter
from quartier_drivers.meter.port import Port
from quartier_drivers.registry import door

TRIED_S = school.TRIED_S
"""So much of a history the daemon tries: what a plan would have cost in it."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a site file amounts to.

    ``devices`` maps each device to its points by full name, as its driver knows them without having asked
    it; ``buses`` maps each bus to its devices.  ``store`` makes its history, of a runtime and a state
    directory; ``speaking`` are the drivers of meters that speak by themselves, as over an open line.
    """

    house: House
    params: LinkParameters
    devices: Mapping[str, Mapping[str, PointInfo]]
    buses: Mapping[str, tuple[str, ...]]
    store: Callable[[Path, Path], Store]
    loaded: Loaded
    speaking: Mapping[str, SpeakingMeter] = field(default_factory=dict)

    def question(self, state: ControlState, linked: LinkState, now: Now, distrust: str = "") -> Question:
        """What the daemon would ask its planner.  Raises RefusedError for what it would not."""
        return foresight.question(self.loaded.site, state, linked, self.params, {}, now, distrust)

    def trial(self) -> Trial:
        """The daemon's back-test of plans."""
        return foresight.trial(self.loaded.site)

    def stirs(self, state: ControlState) -> list[object]:
        """What makes the daemon plan anew when it changes."""
        return movable.stirs(state)

    def told(self, state: ControlState, now: Now) -> Told:
        """What the daemon takes from the grid operator's meter for its planner."""
        return told.told(state, now)

    def tolls(self) -> Tolls:
        """What the daemon would begin with to learn what an import costs beside its price.

        Nothing is held to the rule here (``planning.rule_bound``).
        """
        said = self.loaded.site.planning or Planning()
        return Tolls(self.premises.zone, said.day_peak_eur_per_w, by_month=said.peak_by_month)

    @property
    def premises(self) -> Premises:
        """What the daemon tells its forecast of the building."""
        return foresight.premises(self.loaded.site, self.house)

    @property
    def points(self) -> dict[str, PointInfo]:
        """Every point of the site."""
        return {point: info for infos in self.devices.values() for point, info in infos.items()}


def assembled(site_file: Path, clock: Clock | None = None) -> Assembled:
    """Read ``site_file`` as strictly as ``quartier check``; ``clock`` is the drivers'.

    Raises ConfigError with every fault.
    """
    loaded = load.check(site_file)
    planned = assembly.wires(loaded)
    time = HouseClock() if clock is None else clock
    devices, speaking = {}, {}
    for wire in planned:
        kind = wire.section.kind
        line = door(kind).line(wire.name, wire.section, time)
        for spec, profile in wire.devices:
            driver = door(kind, profile.protocol).driver(line, spec, profile, time)
            devices[spec.name] = dict(driver.points)
            if isinstance(driver, SpeakingMeter) and isinstance(line, Port):
                line.why = ""  # it is open, as far as the driver can see
                speaking[spec.name] = driver
    points = {point: info for infos in devices.values() for point, info in infos.items()}
    house = assembly.house(loaded.site, points, assembly.release_values(planned, points))
    return Assembled(
        house=house,
        params=assembly.link_params(loaded.site, house.limits),
        devices=devices,
        buses={wire.name: tuple(spec.name for spec, _ in wire.devices) for wire in planned},
        loaded=loaded,
        speaking=speaking,
        store=partial(assembly.store, loaded.site),
    )
