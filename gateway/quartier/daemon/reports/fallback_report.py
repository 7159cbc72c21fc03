"""Report the state of the devices' fallbacks: as points, rows and JSON."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from quartier.control import participants
from quartier.daemon.buses.lifecycle import BusManager
from quartier.runtime.bus.fallback_monitor import FallbackCheck, FallbackProof, KnownFallbacks
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.site_layout import Site
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import VALUE_KINDS, Layout, Quality, Reading, Readings, make_readings

FALLBACK_POINTS_PERIOD_NS = 10_000_000_000


def find_controllable_assets(site: Site) -> Iterator[tuple[ControllableAsset, str]]:
    """Yield each asset that can be ordered, with the point that takes the orders."""
    for asset in site.assets:
        if isinstance(asset, Battery | OperationModeAsset):
            if asset.writable:
                yield asset, participants.find_control_point(asset)
        elif (
            asset.curtail != "none"
            if isinstance(asset, Pv)
            else asset.tier != "A" and _is_controllable(asset)
        ):
            yield asset, participants.find_control_point(asset)


def _is_controllable(asset: Load | ChargePointAsset) -> bool:
    return asset.writable if isinstance(asset, ChargePointAsset) else asset.switchable


class FallbackPoints:
    """Two points for each asset that can be ordered; their quality is BAD until somebody has looked.

    ``<asset>.fallback_on``: whether the fallback is as declared and was not seen to fail; False if there is
    none.  ``<asset>.fallback_proven_on``: whether somebody saw it act, or nothing has to act.
    """

    def __init__(self, house: Site, fallbacks: KnownFallbacks) -> None:
        self._fallbacks = fallbacks
        self._assets = tuple(find_controllable_assets(house))
        endings = ("fallback_on", "fallback_proven_on")
        self.names = tuple(f"{asset.name}.{ending}" for asset, _ in self._assets for ending in endings)
        self._layout = Layout(self.names, bytes([VALUE_KINDS["bool"]]) * len(self.names))
        self._reported_count = -1
        self._report_ns = 0

    def make_readings(self, now_ns: int) -> tuple[Readings, ...]:
        """Return all points if somebody looked since the last call, and every 10 s; else nothing."""
        count = self._fallbacks.changes_count
        if not self.names or (
            count == self._reported_count and now_ns - self._report_ns < FALLBACK_POINTS_PERIOD_NS
        ):
            return ()
        self._reported_count, self._report_ns = count, now_ns
        rows = (
            row for asset, point in self._assets for row in self._make_asset_readings(asset, point, now_ns)
        )
        return (make_readings(rows, now_ns, self._layout),)

    def _make_asset_readings(self, asset: ControllableAsset, point: str, now_ns: int) -> Iterator[Reading]:
        stands = self._fallbacks.is_as_declared(point) if asset.falls_back else False
        quality = Quality.BAD if stands is None else Quality.GOOD
        look, proof = self._fallbacks.of(point), self._fallbacks.find_proof(point)
        acts = proof is not None and proof.acts
        holds = look is not None and look.armed.after_s == inf
        yield Reading(f"{asset.name}.fallback_on", bool(stands), quality, now_ns)
        yield Reading(f"{asset.name}.fallback_proven_on", bool(stands) and (acts or holds), quality, now_ns)


def render_fallback(info: PointInfo, known: KnownFallbacks, utc_ms: int) -> dict[str, Any]:
    """Render the fallback of one writable point, JSON-ready: what is declared, what was found, and when.

    ``holds``: the last written value stays, as declared or, for a limit that was left at release, for now.
    ``state``: ``none``, ``unseen`` (nobody looked yet), ``verified`` (as declared, and seen to act if
    something must act), ``armed`` (as declared, nobody saw it act), ``declared`` (by the manual; the device
    shows none of it, nobody saw it act) or ``different`` (not as declared, or seen to fail).
    """
    fallback = info.fallback
    if fallback is None:
        none = {"state": "none", "value": None, "after_s": None, "holds": False, "problem": ""}
        return none | {"why": info.no_fallback}
    found: dict[str, Any] = {
        "state": "unseen",
        "value": fallback.value,
        "after_s": None if fallback.holds else fallback.after_s,
        "holds": fallback.holds,
        "kept_by": fallback.kept_by,
        "problem": "",
    }
    look, proof = known.of(info.point), known.find_proof(info.point)
    if proof is not None:
        found["proof"] = {**proof.facts(), "age_s": round((utc_ms - proof.utc_ms) / 1000, 1)}
    if look is not None:
        armed = look.armed
        found["problem"] = armed.problem
        found["found_value"] = armed.value
        found["holds"] = fallback.holds or armed.after_s == inf
        found["found_after_s"] = None if found["holds"] else armed.after_s
        found["utc_ms"] = look.utc_ms
        found["age_s"] = round((utc_ms - look.utc_ms) / 1000, 1)
    if proof is not None and not proof.acts:
        found["problem"] = "; ".join(filter(None, (found["problem"], proof.words)))
    return found | {"state": _find_state(found["problem"], look, proof, holds=found["holds"])}


def _find_state(problem: str, look: FallbackCheck | None, seen: FallbackProof | None, *, holds: bool) -> str:
    if problem:
        return "different"
    if look is None:
        return "unseen"
    if seen is not None or (holds and look.armed.is_verified):
        return "verified"
    return "armed" if look.armed.is_verified else "declared"


def find_probe_command(asset: ControllableAsset | None, row: Mapping[str, Any]) -> str:
    """Return the command that lets the fallback of a row act once; empty if not needed or not possible."""
    if asset is None or row["state"] not in {"armed", "declared"} or row["holds"]:
        return ""
    steps = isinstance(asset, Battery | ChargePointAsset | Load) or (
        isinstance(asset, Pv) and asset.curtail == "limit"
    )
    by_requests = row["kept_by"] == "requests"  # reading it keeps it alive
    return f"quartier probe {asset.name} --watch-timer" if steps and not by_requests else ""


def render_fallbacks(
    site: Site, fleet: BusManager, reasons: Mapping[str, str], utc_ms: int
) -> list[dict[str, Any]]:
    """Return a row for each asset that can be ordered.

    ``reasons`` says by asset why the site file accepts that there is no fallback.
    """
    found = []
    for asset, point in find_controllable_assets(site):
        if point in fleet.points:
            row: dict[str, Any] = {**_find_device(fleet, point), "asset": asset.name, "point": point}
            row |= render_fallback(fleet.points[point], fleet.fallbacks, utc_ms)
            row |= {"used": True, "accepted": reasons.get(asset.name)}
            found.append(row | {"prove": find_probe_command(asset, row)})
    return found


def _find_device(fleet: BusManager, point: str) -> dict[str, str]:
    bus = fleet.points.find_holder(point)
    health = None if bus is None else bus.points.find_holder(point)
    return {"bus": "" if bus is None else bus.name, "device": "" if health is None else health.name}
