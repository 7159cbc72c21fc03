"""Handle overrides: parse them, keep them over a restart, end them in time (spec/failsafe.md#priority-3).

An outage of the grid ends overrides, as it ends every request (rule 6).  A restart ends them if nobody knows
how long they have run: without a reboot the machine's own clock tells, after a reboot the wall clock.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.commissioning.first_site_file import read_number
from quartier.config.checks.similar_names import suggest_names
from quartier.control.orders import overrides
from quartier.control.records import Override, Overrides
from quartier.runtime import state_file
from quartier.runtime.clock import find_boot_id
from quartier.runtime.local_socket import presence
from quartier.runtime.local_socket.orders import OnSiteOrderHandlers, OrderHandlers
from quartier.runtime.local_socket.presence import AskingProcess, ProvePresence
from quartier.runtime.service_context import ServiceContext
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin

OVERRIDES_FILE = "overrides"
_REASON_LENGTH_MAX = 200
_NS_PER_S = 1_000_000_000


class ManualOverrides:
    """The overrides that run.

    ``house`` returns the site as it is controlled now.  ``restart_meter_check`` starts a
    new check of the grid meter and returns its previous verdict.  ``prove`` tells whether the asker is on
    site.
    """

    def __init__(
        self,
        state_dir: Path,
        house: Callable[[], Site],
        context: ServiceContext,
        restart_meter_check: Callable[[Now], str] = lambda _: "",
        prove: ProvePresence = presence.prove_presence,
    ) -> None:
        self._path = state_dir / OVERRIDES_FILE
        self._find_site = house
        self._clock = context.clock
        self._event = context.event
        self._log = context.log
        self._boot = find_boot_id()
        self._running: dict[str, Override] = {}
        self._restart_meter_check = restart_meter_check
        self._prove = prove

    @property
    def order_handlers(self) -> OrderHandlers:
        """The orders that the order socket accepts."""
        return {"override": self.override, "cancel": self.cancel, "list": self.listing}

    @property
    def on_site_handlers(self) -> OnSiteOrderHandlers:
        """The orders that only a person on site may give."""
        return {"restart_meter_check": self.restart_meter_check}

    async def restart_meter_check(
        self, request: Mapping[str, Any], who: Origin, asker: AskingProcess
    ) -> dict[str, Any]:
        """Trust the grid meter again: the person at the gateway saw that it was repaired."""
        standing = self._prove(asker, request)
        if not standing.is_on_site:
            return {"error": f"a person at the console of the gateway is needed: {standing.why_not}"}
        now = self._clock.now()
        was = self._restart_meter_check(now)
        data = {"by": who.name, "at": standing.place, "was": was}
        self._record_event(
            "meter.check_restarted",
            f"the check of the grid meter starts again, by {who.name} ({standing.place})",
            data,
            now,
        )
        return {"done": was, "at": standing.place}

    def recall(self, facts: Mapping[str, Any] | None, now: Now, *, outage: bool) -> None:
        """Continue the overrides of an earlier run, if a clock tells how long they may still run."""
        if facts is None or outage:
            return
        same_boot = bool(self._boot) and facts.get("boot") == self._boot
        if not (same_boot or now.synced):
            return
        for kept in facts.get("overrides", ()):
            try:
                found = _load_override(kept, now, same_boot=same_boot)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
            asset = self._find_asset(found.asset)
            fits = asset is not None and (
                found.value is None or not overrides.find_override_fault(asset, found.value)
            )
            if fits and now.ns < found.until_ns <= now.ns + overrides.OVERRIDE_MAX_S * _NS_PER_S:
                self._running[found.asset] = found

    def running(self, now: Now, *, outage: bool) -> Overrides:
        """Return the overrides in force now; report each ended override once."""
        if not self._running:
            return self._running
        for name, found in list(self._running.items()):
            gone = self._find_asset(name) is None
            if now.ns >= found.until_ns or outage or gone:
                why = "the asset is gone" if gone else "the grid is gone" if outage else "its time is over"
                self._end_override(found, why, now)
        return self._running

    async def override(self, request: Mapping[str, Any], who: Origin) -> dict[str, Any]:
        """Begin an override: ``asset``, ``value`` as text (None: maintenance), ``for_s``, ``why``."""
        asset = self._find_asset(str(request.get("asset")))
        if asset is None:
            return {"error": self._explain_unknown(str(request.get("asset")))}
        if not _has_output(asset):
            return {"error": _explain_no_output(asset)}
        try:
            value = (
                None if request.get("value") is None else parse_ordered_value(asset, str(request["value"]))
            )
            for_s = _parse_duration_s(request.get("for_s"))
        except ValueError as error:
            return {"error": f"{asset.name}: {error}"}
        fault = "" if value is None else overrides.find_override_fault(asset, value)
        if fault:
            return {"error": f"{asset.name}: {fault}"}
        now = self._clock.now()
        why = str(request.get("why") or "")[:_REASON_LENGTH_MAX]
        until_ns, until_utc_ms = now.ns + round(for_s * _NS_PER_S), now.utc_ms + round(for_s * 1000)
        found = self._running[asset.name] = Override(asset.name, value, until_ns, until_utc_ms, who, why)
        data = {
            "asset": asset.name,
            "order": render_ordered_value(asset, value),
            "by": who.name,
            "for_s": for_s,
        }
        order = "" if value is None else f"{data['order']} "  # the reason of maintenance names it already
        self._record_event("override.begun", f"{asset.name}: {order}{found.reason}", data, now)
        return {"done": self.render_override(found, now), "kept": await self._keep()}

    def _explain_unknown(self, name: str) -> str:
        """Explain why nothing of this name takes orders, with those that do."""
        site = self._find_site()
        near = suggest_names(name, [one.name for one in site.assets if _has_output(one)], "quartier status")
        if name == site.grid.name:
            return f"{name} is the grid meter, which takes no orders; {near}"
        return f"there is no asset {name!r}; {near}"

    async def cancel(self, request: Mapping[str, Any], who: Origin) -> dict[str, Any]:
        """End an override before its time."""
        name = str(request.get("asset"))
        found = self._running.get(name)
        if found is None:
            if self._find_asset(name) is None:
                return {"error": self._explain_unknown(name)}
            others = f"; an order by hand runs for {', '.join(self._running)}" if self._running else ""
            return {"error": f"{name} has no order by hand{others}"}
        now = self._clock.now()
        self._end_override(found, f"ended by {who.name}", now)
        return {"done": self.render_override(found, now), "kept": await self._keep()}

    async def listing(self, request: Mapping[str, Any], who: Origin) -> list[dict[str, Any]]:
        """List the running overrides."""
        del request, who
        now = self._clock.now()
        return [self.render_override(found, now) for found in self._running.values()]

    def render_override(self, found: Override, now: Now) -> dict[str, Any]:
        """Return an override, JSON-ready."""
        asset = self._find_asset(found.asset)
        return {
            "asset": found.asset,
            "order": "" if asset is None else render_ordered_value(asset, found.value),
            "by": found.who.name,
            "why": found.why,
            "left_s": round(max(0, found.until_ns - now.ns) / _NS_PER_S, 1),
            "until_utc_ms": found.until_utc_ms,
        }

    def _find_asset(self, name: str) -> ControllableAsset | None:
        return next((asset for asset in self._find_site().assets if asset.name == name), None)

    def _end_override(self, found: Override, why: str, now: Now) -> None:
        del self._running[found.asset]
        data = {"asset": found.asset, "by": found.who.name, "why": why}
        self._record_event("override.ended", f"{found.asset}: no longer {found.reason}: {why}", data, now)

    def _record_event(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        self._log.info(code, **data)
        self._event(code, text, data, now)

    async def _keep(self) -> bool:
        facts = {"boot": self._boot, "overrides": [_dump_override(found) for found in self._running.values()]}
        try:
            await asyncio.to_thread(state_file.save_facts, self._path, facts, twice=True)
        except OSError as error:
            self._log.warning("overrides.not_kept", why=error.strerror or str(error))
            return False
        return True


def load_overrides(state_dir: Path) -> Mapping[str, Any] | None:
    """Load the overrides that an earlier run saved; None if no copy is sound."""
    return state_file.load_facts(state_dir / OVERRIDES_FILE)


def _parse_duration_s(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not isfinite(said):
        raise ValueError("for how long is missing; expected --for 2h")
    if not 1 <= said <= overrides.OVERRIDE_MAX_S:
        raise ValueError(f"{said:g} s is outside 1 s..24 h; order again before it ends")
    return float(said)


def _dump_override(found: Override) -> dict[str, Any]:
    return {
        "asset": found.asset,
        "value": found.value,
        "until_ns": found.until_ns,
        "until_utc_ms": found.until_utc_ms,
        "name": found.who.name,
        "id": found.who.id,
        "why": found.why,
    }


def _has_output(asset: ControllableAsset) -> bool:
    """Return whether the gateway can write to the asset at all."""
    if isinstance(asset, Pv):
        return asset.curtail != "none"
    return asset.switchable if isinstance(asset, Load) else asset.writable


def _explain_no_output(asset: ControllableAsset) -> str:
    """Explain why the gateway cannot write to the asset, and for PV what would change that."""
    if not isinstance(asset, Pv):
        return f"{asset.name}: the gateway only measures it, it has no output to order"
    key = f"assets.{asset.name}"
    if asset.is_output_unused:
        return f'{asset.name}: {key}.curtail = "none" forbids it; remove that key to let it be curtailed'
    return (
        f"{asset.name}: the gateway only measures it, it has no output to order: its device serves no"
        f" generation_max_w or relay_on to write; name the relay that cuts it off as {key}.switch_device"
    )


def _load_override(kept: Mapping[str, Any], now: Now, *, same_boot: bool) -> Override:
    value = None if kept["value"] is None else float(kept["value"])
    until_utc_ms = int(kept["until_utc_ms"])
    by_wall_ns = now.ns + (until_utc_ms - now.utc_ms) * 1_000_000
    until_ns = int(kept["until_ns"]) if same_boot else by_wall_ns
    who = Origin("person", str(kept["name"]), str(kept["id"]))
    return Override(str(kept["asset"]), value, until_ns, until_utc_ms, who, str(kept["why"]))


_NUMBER_PATTERN = re.compile(r"([+-]?[0-9]+(?:[.,][0-9]+)?)\s*(kw|w|a|%)?", re.IGNORECASE)
_SWITCH_WORDS = {"off": 0.0, "on": 1.0}


def parse_ordered_value(asset: ControllableAsset, text: str) -> float:
    """Parse the text of an override for this asset: W, A, 0 or 1, or the index of an operation mode.

    Raises ValueError that says what this asset expects.
    """
    said = text.strip().lower()
    if isinstance(asset, OperationModeAsset):
        return _parse_mode(asset, said)
    if isinstance(asset, ChargePointAsset):
        span = f"{asset.current_min_a:g}A to {asset.current_max_a:g}A"
        return (
            0.0 if said == "off" else _parse_number(said, ("a",), f"a current with its unit, {span}, or off")
        )
    if isinstance(asset, Battery):
        return _parse_power_w(said, "a power with its unit, W or kW: 2kW charges, -2kW discharges")
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return _parse_power_w(
            said, "a power with its unit, W or kW, no sign: 2kW is the most that it may generate"
        )
    if said not in _SWITCH_WORDS:
        raise ValueError(f"{text!r} is not understood; it can only be switched: expected on or off")
    return _SWITCH_WORDS[said]


def _parse_mode(asset: OperationModeAsset, said: str) -> float:
    for number, mode in enumerate(asset.modes):
        if said in {mode.name.lower(), f"{mode.value:g}", f"{mode.value:g}%", f"{mode.value:g} %"}:
            return float(number)
    raise ValueError(f"{said!r} is none of its modes; expected {' or '.join(m.name for m in asset.modes)}")


def _parse_power_w(said: str, expected: str) -> float:
    number = _parse_number(said, ("w", "kw"), expected)
    return number * 1000.0 if said.endswith("kw") else number


def _parse_number(said: str, units: tuple[str, ...], expected: str) -> float:
    found = _NUMBER_PATTERN.fullmatch(said)
    if found is None or found[2] not in units:
        raise ValueError(f"{said!r} is not understood; expected {expected}")
    return read_number(found[1], {"kw": "kW"}.get(found[2], found[2].upper()))


def render_ordered_value(asset: ControllableAsset, ordered: float | None) -> str:
    """Return the value of an override in words; None is maintenance."""
    if ordered is None:
        return "maintenance"
    if isinstance(asset, OperationModeAsset):
        return asset.modes[int(ordered)].name
    if isinstance(asset, ChargePointAsset):
        return f"{ordered:g} A" if ordered else "off"
    if isinstance(asset, Battery) or (isinstance(asset, Pv) and asset.curtail == "limit"):
        return f"{ordered:g} W"
    return "on" if ordered else "off"
