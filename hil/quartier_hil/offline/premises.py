"""The site of a scenario as the gateway's assembly makes it, and its outputs as the plant takes them."""

import math
from collections.abc import Mapping
from pathlib import Path

from quartier.site.records import replace
from quartier_drivers.contract import Clock, Fallback, PointInfo
from quartier_hil import metering, siting
from quartier_hil.house import House
from quartier_hil.offline.assembled import Assembled, assembled
from quartier_hil.plant import building
from quartier_hil.plant.building import Orders
from quartier_hil.run import NAMES
from quartier_hil.scenario import Scenario
from quartier_hil.wiring import CHARGER, GX, SOLAR, STORAGE, TIMEOUT_MIN_S, Wiring, site_file

_CAP = "pv1.generation_max_w"
_CHARGER_A = 16.0
_USUAL = {
    "current_max_a": _CHARGER_A,
    "dim_pct": 100.0,
    "sg_ready_state": 2.0,
    "pump_pct": 100.0,
    "speed_pct": 100.0,
    "run_on": 1.0,
}


def site(scenario: Scenario, folder: Path, clock: Clock | None = None) -> Assembled:
    """The site of the file that the wires would have too; ``clock`` is its drivers'.

    Raises ConfigError as the daemon would.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wiring = Wiring(scenario.seed, scenario.house)
    # Nothing is opened: the ports only tell the endpoints apart.
    names = [name for name in (GX, CHARGER, STORAGE, SOLAR) if name in wiring.devices]
    names += siting.boxes(scenario.house)
    wiring.ports = {name: 1502 + place for place, name in enumerate(names)}
    issuers = folder / "issuers.json"
    issuers.write_text("[]\n")
    path = folder / "site.toml"
    path.write_text(
        site_file(
            scenario.house,
            wiring,
            NAMES,
            pty=folder / "rs485",
            broker_port=1883,
            issuers_file=issuers,
            rate=1.0,
            cycle_s=scenario.cycle_s,
        )
        + _meters(scenario.house)
    )
    return _known(assembled(path, clock), scenario.house)


def _known(site: Assembled, house: House) -> Assembled:
    """Add the data that the gateway reads from a device: a cap of SunSpec 123 has no timer and stays."""
    if house.pv != "sunspec-1xx":
        return site
    infos = dict(site.devices[SOLAR])
    infos[_CAP] = replace(infos[_CAP], fallback=Fallback(None, math.inf))
    return replace(site, devices={**site.devices, SOLAR: infos})


def _meters(house: House) -> str:
    tariff = house.tariff
    urls = {name: f"/dev/ttyUSB{place}" for place, name in enumerate(house.meters)}
    mode = "standard" if tariff is None else tariff.mode
    return metering.site(house.meters, urls, TIMEOUT_MIN_S, mode, is_grid=house.grid_meter == "linky")


def own(assembled_site: Assembled, house: House) -> dict[str, float]:
    """Return the value of each output in its device before the first order."""
    return {point: _own(info, house) for point, info in assembled_site.points.items() if info.writable}


def _own(info: PointInfo, house: House) -> float:
    quantity = info.point.partition(".")[2]
    if quantity == "generation_max_w":
        return house.pv_w
    if quantity == "relay_on":  # one with a timer of its own lets its load run, a plain relay drops
        return 0.0 if info.fallback is None else info.fallback.value or 0.0
    return _USUAL.get(quantity, 0.0)


def orders(said: Mapping[str, float]) -> Orders:
    """Return the orders of the plant from the values of the outputs."""
    further: dict[str, dict[str, float]] = {}
    for point, value in said.items():
        name, _, quantity = point.partition(".")
        if name not in building.ASSETS:
            further.setdefault(name, {})[quantity] = value
    return Orders(
        battery_w=said.get("bat1.setpoint_w", 0.0),
        generation_max_w=said.get("pv1.generation_max_w", float("inf")),
        current_max_a=said.get("ev1.current_max_a", 0.0),
        relay_on=said.get("hp1.relay_on", 0.0) > 0,
        more=further,
    )
