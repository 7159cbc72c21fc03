"""What the house knows of its devices' fall-backs: kept on disk, told as points, shown to people."""

import asyncio
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

from quartier.app.fleet import Fleet
from quartier.control import participants
from quartier.house.assets import Battery, Ev, House, Load, Moded, Pv, Steered
from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock
from quartier.runtime.fallbacks import Fallbacks, Look
from quartier.runtime.proof import Proof
from quartier_drivers.contract import KINDS, PointInfo, Quality, Reading, Readings, columns
from quartier_drivers.layout import Layout

FILE = "fallbacks"
KEEP_S = 10.0
# A fast clock makes no busy disk.
FLOOR_S = 0.5
TELL_NS = 10_000_000_000


def recalled(state_dir: Path) -> Fallbacks:
    """What was last found, by an earlier run or by ``quartier arm``; nothing where no file is sound."""
    try:
        return Fallbacks(statefile.load(state_dir / FILE))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Fallbacks()


def keep(state_dir: Path, fallbacks: Fallbacks) -> None:
    """Write it down.  Raises OSError."""
    statefile.save(state_dir / FILE, fallbacks.facts())


def proven(state_dir: Path, point: str, proof: Proof) -> None:
    """Keep what was seen of a point's timer, beside all that is known.  Raises OSError."""
    known = recalled(state_dir)
    known.prove(point, proof)
    keep(state_dir, known)


async def run(state_dir: Path, fallbacks: Fallbacks, clock: HouseClock, log: Any) -> None:
    """Keep what was found whenever somebody looked; says once when the disk refuses."""
    kept_count = fallbacks.changes_count
    failing = False
    while True:
        await clock.doze(KEEP_S, FLOOR_S)
        count = fallbacks.changes_count
        if count == kept_count:
            continue
        try:
            await asyncio.to_thread(statefile.save, state_dir / FILE, fallbacks.facts())
        except OSError as error:
            if not failing:
                log.warning("fallbacks.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            kept_count, failing = count, False


def ordered(house: House) -> Iterator[tuple[Steered, str]]:
    """Each asset that can be given orders, with the point that takes them."""
    for asset in house.assets:
        if isinstance(asset, Battery | Moded):
            if asset.writable:
                yield asset, participants.find_control_point(asset)
        elif asset.curtail != "none" if isinstance(asset, Pv) else asset.tier != "A" and _takes(asset):
            yield asset, participants.find_control_point(asset)


def _takes(asset: Load | Ev) -> bool:
    return asset.writable if isinstance(asset, Ev) else asset.switchable


class Teller:
    """Two points of each asset that can be given orders; BAD while nobody has looked yet.

    ``<asset>.fallback_on``: whether its fall-back is as declared, and was not seen to fail; False where there
    is none.  ``<asset>.fallback_proven_on``: whether somebody saw it act, or nothing has to act.
    """

    def __init__(self, house: House, fallbacks: Fallbacks) -> None:
        self._fallbacks = fallbacks
        self._assets = tuple(ordered(house))
        endings = ("fallback_on", "fallback_proven_on")
        self.names = tuple(f"{asset.name}.{ending}" for asset, _ in self._assets for ending in endings)
        self._layout = Layout(self.names, bytes([KINDS["bool"]]) * len(self.names))
        self._told_count = -1
        self._told_ns = 0

    def news(self, now_ns: int) -> tuple[Readings, ...]:
        """All of them, where somebody looked since the last call, and every 10 s."""
        count = self._fallbacks.changes_count
        if not self.names or (count == self._told_count and now_ns - self._told_ns < TELL_NS):
            return ()
        self._told_count, self._told_ns = count, now_ns
        rows = (row for asset, point in self._assets for row in self._readings(asset, point, now_ns))
        return (columns(rows, now_ns, self._layout),)

    def _readings(self, asset: Steered, point: str, now_ns: int) -> Iterator[Reading]:
        stands = self._fallbacks.stands(point) if asset.falls_back else False
        quality = Quality.BAD if stands is None else Quality.GOOD
        look, seen = self._fallbacks.of(point), self._fallbacks.proof(point)
        acts = seen is not None and seen.acts
        holds = look is not None and look.armed.after_s == inf
        yield Reading(f"{asset.name}.fallback_on", bool(stands), quality, now_ns)
        yield Reading(f"{asset.name}.fallback_proven_on", bool(stands) and (acts or holds), quality, now_ns)


def shown(info: PointInfo, known: Fallbacks, utc_ms: int) -> dict[str, Any]:
    """The fall-back of one writable point, JSON-ready: what is declared, what was found, and when.

    ``holds``: what was written last stands, by what is declared or, as a cap that leaving left, for now.
    ``state``: ``none``, ``unseen`` (nobody looked yet), ``verified`` (as declared, and seen to act where
    something must), ``armed`` (as declared, nobody saw it act), ``declared`` (by the manual; the device shows
    none of it, nobody saw it act) or ``different`` (not as declared, or seen to fail).
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
    look, seen = known.of(info.point), known.proof(info.point)
    if seen is not None:
        found["proof"] = {**seen.facts(), "age_s": round((utc_ms - seen.utc_ms) / 1000, 1)}
    if look is not None:
        armed = look.armed
        found["problem"] = armed.problem
        found["found_value"] = armed.value
        found["holds"] = fallback.holds or armed.after_s == inf
        found["found_after_s"] = None if found["holds"] else armed.after_s
        found["utc_ms"] = look.utc_ms
        found["age_s"] = round((utc_ms - look.utc_ms) / 1000, 1)
    if seen is not None and not seen.acts:
        found["problem"] = "; ".join(filter(None, (found["problem"], seen.words)))
    return found | {"state": _state(found["problem"], look, seen, holds=found["holds"])}


def _state(problem: str, look: Look | None, seen: Proof | None, *, holds: bool) -> str:
    if problem:
        return "different"
    if look is None:
        return "unseen"
    if seen is not None or (holds and look.armed.is_verified):
        return "verified"
    return "armed" if look.armed.is_verified else "declared"


def proving(asset: Steered | None, row: Mapping[str, Any]) -> str:
    """The command that lets the fall-back of a row run out once; empty where it need not, or no probe can."""
    if asset is None or row["state"] not in {"armed", "declared"} or row["holds"]:
        return ""
    steps = isinstance(asset, Battery | Ev | Load) or (isinstance(asset, Pv) and asset.curtail == "limit")
    by_requests = row["kept_by"] == "requests"  # who watches it keeps it alive
    return f"quartier probe {asset.name} --watch-timer" if steps and not by_requests else ""


def rows(house: House, fleet: Fleet, reasons: Mapping[str, str], utc_ms: int) -> list[dict[str, Any]]:
    """A row for each asset that can be given orders.

    ``reasons`` says by asset why the site file accepts that there is no fall-back.
    """
    found = []
    for asset, point in ordered(house):
        if point in fleet.points:
            row: dict[str, Any] = {**_place(fleet, point), "asset": asset.name, "point": point}
            row |= shown(fleet.points[point], fleet.fallbacks, utc_ms)
            row |= {"used": True, "accepted": reasons.get(asset.name)}
            found.append(row | {"prove": proving(asset, row)})
    return found


def _place(fleet: Fleet, point: str) -> dict[str, str]:
    bus = fleet.points.holder(point)
    health = None if bus is None else bus.points.holder(point)
    return {"bus": "" if bus is None else bus.name, "device": "" if health is None else health.name}
