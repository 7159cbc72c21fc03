"""From the text of a site file to what control is given, by the gateway's own assembly and without a wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quartier.app import assembly
from quartier.config import load
from quartier.control.link import LinkParams
from quartier.house.assets import House
from quartier.runtime.clock import HouseClock
from quartier_drivers.contract import PointInfo
from quartier_drivers.registry import door


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a site file amounts to.

    ``devices`` maps each device to its points by full name, as its driver knows them without having asked
    it; ``buses`` maps each bus to its devices.
    """

    house: House
    params: LinkParams
    devices: Mapping[str, Mapping[str, PointInfo]]
    buses: Mapping[str, tuple[str, ...]]

    @property
    def points(self) -> dict[str, PointInfo]:
        """Every point of the site."""
        return {point: info for infos in self.devices.values() for point, info in infos.items()}


def assembled(site_file: Path) -> Assembled:
    """Read ``site_file`` as strictly as ``quartier check``.  Raises ConfigError with every fault."""
    loaded = load.check(site_file)
    planned = assembly.wires(loaded)
    devices = {}
    for wire in planned:
        kind = wire.section.kind
        clock = HouseClock()
        line = door(kind).line(wire.name, wire.section, clock)
        for spec, profile in wire.devices:
            devices[spec.name] = dict(door(kind, profile.protocol).driver(line, spec, profile, clock).points)
    points = {point: info for infos in devices.values() for point, info in infos.items()}
    house = assembly.house(loaded.site, points, assembly.release_values(planned, points))
    return Assembled(
        house=house,
        params=assembly.link_params(loaded.site, house.limits),
        devices=devices,
        buses={wire.name: tuple(spec.name for spec, _ in wire.devices) for wire in planned},
    )
