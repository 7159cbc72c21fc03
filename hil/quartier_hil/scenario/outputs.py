"""Outputs of a scenario's site, and the declared values of each: from the scenario alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from quartier_hil.scenario import site
from quartier_hil.scenario.site import DEVICE_SUFFIX, SiteSpec

OutputKind = Literal["setpoint", "cap", "switch", "current", "steps"]
LEASE_S = 60.0
LIGHTS_MIN_PCT = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output: ``order`` is its column in the course, ``point`` its name in the gateway.

    ``sort`` is its kind for the checks: a setpoint in W, a cap, a two-state switch, a charging current with
    its floor, or steps of which less is less.  ``released`` is the value after `quartier release`, ``fallen``
    the one that its device takes by itself ``after_s`` after the last order (None: it holds).
    """

    asset: str
    point: str
    order: str
    device: str
    sort: OutputKind
    tier: str = "D"
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    floor: float | None = None
    released: float | None = None
    fallback_value: float | None = None
    after_s: float = LEASE_S


def list_outputs(site_spec: SiteSpec) -> list[Output]:
    """Return every output of the site."""
    return [
        *_list_standard_outputs(site_spec),
        *(out for asset in site_spec.assets for out in _list_asset_outputs(asset)),
    ]


def _list_standard_outputs(site_spec: SiteSpec) -> Iterator[Output]:
    yield Output(
        asset="bat1",
        point="bat1.setpoint_w",
        order="order.battery_w",
        device="gx" if site_spec.battery == "gx" else "storage",
        sort="setpoint",
        released=0.0,
        fallback_value=0.0,
    )
    yield Output(
        asset="ev1",
        point="ev1.current_max_a",
        order="order.current_max_a",
        device="charger",
        sort="current",
        min_on_s=60.0,
        min_off_s=180.0,
        released=0.0,
        fallback_value=0.0,
    )
    yield Output(
        asset="hp1",
        point="hp1.relay_on",
        order="order.relay_on",
        device="relays",
        sort="switch",
        tier="C",
        min_on_s=300.0,
        min_off_s=180.0,
        released=0.0,
    )


# Order, kind for the checks, minimum times on and off; value after a release; after a timer, and when.
_BY_KIND: Mapping[
    str, tuple[str, OutputKind, tuple[float, float], float | None, tuple[float | None, float]]
] = {
    "cars": ("current_max_a", "current", (60.0, 180.0), 0.0, (0.0, 60.0)),
    "lights": ("dim_pct", "steps", (0.0, 0.0), 100.0, (100.0, 600.0)),
    "heat": ("sg_ready_state", "steps", (300.0, 180.0), 2.0, (2.0, 600.0)),
    "boiler": ("relay_on", "switch", (300.0, 180.0), 1.0, (1.0, 60.0)),
    "cooling": ("setpoint_shift_k", "steps", (180.0, 180.0), 0.0, (0.0, 60.0)),
    "substation": ("pump_pct", "steps", (60.0, 60.0), 100.0, (100.0, 600.0)),
    "chp": ("request_on", "switch", (1_800.0, 900.0), None, (0.0, 900.0)),
    "waste": ("run_on", "switch", (300.0, 180.0), 1.0, (1.0, 900.0)),
    "ventilation": ("speed_pct", "steps", (60.0, 60.0), 100.0, (100.0, 600.0)),
    "load": ("relay_on", "switch", (300.0, 180.0), 1.0, (1.0, 60.0)),
}
_FLOORS: Mapping[str, Callable[[Any], float]] = {
    "lights": lambda _: LIGHTS_MIN_PCT,
    "substation": lambda asset: float(asset.pump_min_pct),
    "ventilation": lambda asset: float(asset.speed_min_pct),
}


def _list_asset_outputs(asset: site.Asset) -> Iterator[Output]:
    if getattr(asset, "led", "") == "heat" or getattr(asset, "tier", "") == "A":
        return  # it is never ordered
    quantity, sort, least_s, released, (fallen, after_s) = _BY_KIND[asset.kind]
    floor = _FLOORS.get(asset.kind)
    for name in site.list_asset_names(asset):
        yield Output(
            asset=name,
            point=f"{name}.{quantity}",
            order=f"order.{name}.{quantity}",
            device=name + DEVICE_SUFFIX,
            sort=sort,
            tier=getattr(asset, "tier", "D" if asset.kind == "cars" else "C"),
            min_on_s=least_s[0],
            min_off_s=least_s[1],
            floor=None if floor is None else floor(asset),
            released=released,
            fallback_value=fallen,
            after_s=after_s,
        )
