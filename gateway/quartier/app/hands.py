"""Orders by hand: taken from people, kept over a restart, ended by time (spec/failsafe.md#priority-3).

An outage of the grid ends them, as it ends every wish (rule 6); so does a restart after which nobody knows
how long they have run: while the machine goes on its own clock tells, over a reboot the wall clock.
"""

import asyncio
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.app import spoken
from quartier.config.suggest import suggest
from quartier.control.orders import overrides
from quartier.control.records import Override, Overrides
from quartier.house.assets import House, Load, Pv, Steered
from quartier.house.now import Now
from quartier.runtime import presence, statefile
from quartier.runtime.clock import HouseClock, boot_id
from quartier.runtime.operators import Deeds, OnSiteDeeds
from quartier.runtime.presence import Asker, Presence
from quartier_drivers.who import Who

FILE = "overrides"
_WHY_MAX = 200
_S = 1_000_000_000

Prove = Callable[[Asker, Mapping[str, Any]], Presence]
Event = Callable[[str, str, Mapping[str, Any], Now], None]


class Hands:
    """The orders that run.

    ``house`` gives the house as it is steered now, ``event`` keeps what happened; ``believe`` has the
    connection meter judged anew and returns its verdict so far, ``prove`` says whether who asks is on site.
    """

    def __init__(
        self,
        state_dir: Path,
        house: Callable[[], House],
        clock: HouseClock,
        event: Event,
        log: Any,
        believe: Callable[[Now], str] = lambda _: "",
        prove: Prove = presence.prove,
    ) -> None:
        self._path = state_dir / FILE
        self._house = house
        self._clock = clock
        self._event = event
        self._log = log
        self._boot = boot_id()
        self._running: dict[str, Override] = {}
        self._believe = believe
        self._prove = prove

    @property
    def deeds(self) -> Deeds:
        """What the operators' desk serves."""
        return {"override": self.override, "cancel": self.cancel, "list": self.listing}

    @property
    def on_site(self) -> OnSiteDeeds:
        """What only a person at the gateway may order."""
        return {"believe_meter": self.believe_meter}

    async def believe_meter(self, request: Mapping[str, Any], who: Who, asker: Asker) -> dict[str, Any]:
        """Believe the connection meter anew: whoever is at the gateway saw that it was repaired."""
        standing = self._prove(asker, request)
        if not standing.is_on_site:
            return {"error": f"a person at the console of the gateway is needed: {standing.why_not}"}
        now = self._clock.now()
        was = self._believe(now)
        data = {"by": who.name, "at": standing.place, "was": was}
        self._tell(
            "meter.believed", f"the grid meter is believed again, by {who.name} ({standing.place})", data, now
        )
        return {"done": was, "at": standing.place}

    def recall(self, facts: Mapping[str, Any] | None, now: Now, *, outage: bool) -> None:
        """Go on with what an earlier run kept, where a clock says how long that may be."""
        if facts is None or outage:
            return
        same_boot = bool(self._boot) and facts.get("boot") == self._boot
        if not (same_boot or now.synced):
            return
        for kept in facts.get("overrides", ()):
            try:
                found = _restored(kept, now, same_boot=same_boot)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
            asset = self._asset(found.asset)
            fits = asset is not None and (
                found.value is None or not overrides.find_override_fault(asset, found.value)
            )
            if fits and now.ns < found.until_ns <= now.ns + overrides.OVERRIDE_MAX_S * _S:
                self._running[found.asset] = found

    def running(self, now: Now, *, outage: bool) -> Overrides:
        """What holds now; what has ended is told once."""
        if not self._running:
            return self._running
        for name, found in list(self._running.items()):
            gone = self._asset(name) is None
            if now.ns >= found.until_ns or outage or gone:
                why = "the asset is gone" if gone else "the grid is gone" if outage else "its time is over"
                self._end(found, why, now)
        return self._running

    async def override(self, request: Mapping[str, Any], who: Who) -> dict[str, Any]:
        """Take one: ``asset``, ``value`` as text (None: maintenance), ``for_s``, ``why``."""
        asset = self._asset(str(request.get("asset")))
        if asset is None:
            said = str(request.get("asset"))
            near = suggest(said, [one.name for one in self._house().assets], "quartier status")
            return {"error": f"there is no asset {said!r}; {near}"}
        if not _has_output(asset):
            how = f"; set assets.{asset.name}.curtail to let it be curtailed" if isinstance(asset, Pv) else ""
            return {"error": f"{asset.name}: the gateway only measures it, it has no output to order{how}"}
        try:
            value = None if request.get("value") is None else spoken.value(asset, str(request["value"]))
            for_s = _span_s(request.get("for_s"))
        except ValueError as error:
            return {"error": f"{asset.name}: {error}"}
        fault = "" if value is None else overrides.find_override_fault(asset, value)
        if fault:
            return {"error": f"{asset.name}: {fault}"}
        now = self._clock.now()
        why = str(request.get("why") or "")[:_WHY_MAX]
        ends = now.ns + round(for_s * _S), now.utc_ms + round(for_s * 1000)
        found = self._running[asset.name] = Override(asset.name, value, *ends, who, why)
        data = {"asset": asset.name, "order": spoken.words(asset, value), "by": who.name, "for_s": for_s}
        self._tell("override.begun", f"{asset.name}: {data['order']} {found.reason}", data, now)
        return {"done": self.shown(found, now), "kept": await self._keep()}

    async def cancel(self, request: Mapping[str, Any], who: Who) -> dict[str, Any]:
        """End one before its time."""
        found = self._running.get(str(request.get("asset")))
        if found is None:
            names = ", ".join(self._running) or "none runs"
            return {"error": f"nothing is ordered by hand of {request.get('asset')!r}; there: {names}"}
        now = self._clock.now()
        self._end(found, f"ended by {who.name}", now)
        return {"done": self.shown(found, now), "kept": await self._keep()}

    async def listing(self, request: Mapping[str, Any], who: Who) -> list[dict[str, Any]]:
        """Those that run."""
        del request, who
        now = self._clock.now()
        return [self.shown(found, now) for found in self._running.values()]

    def shown(self, found: Override, now: Now) -> dict[str, Any]:
        """JSON-ready."""
        asset = self._asset(found.asset)
        return {
            "asset": found.asset,
            "order": "" if asset is None else spoken.words(asset, found.value),
            "by": found.who.name,
            "why": found.why,
            "left_s": round(max(0, found.until_ns - now.ns) / _S, 1),
            "until_utc_ms": found.until_utc_ms,
        }

    def _asset(self, name: str) -> Steered | None:
        return next((asset for asset in self._house().assets if asset.name == name), None)

    def _end(self, found: Override, why: str, now: Now) -> None:
        del self._running[found.asset]
        data = {"asset": found.asset, "by": found.who.name, "why": why}
        self._tell("override.ended", f"{found.asset}: no longer {found.reason}: {why}", data, now)

    def _tell(self, code: str, text: str, data: Mapping[str, Any], now: Now) -> None:
        self._log.info(code, **data)
        self._event(code, text, data, now)

    async def _keep(self) -> bool:
        facts = {"boot": self._boot, "overrides": [_facts(found) for found in self._running.values()]}
        try:
            await asyncio.to_thread(statefile.save, self._path, facts, twice=True)
        except OSError as error:
            self._log.warning("overrides.not_kept", why=error.strerror or str(error))
            return False
        return True


def recalled(state_dir: Path) -> Mapping[str, Any] | None:
    """What an earlier run kept; None where no copy is sound."""
    return statefile.load(state_dir / FILE)


def _span_s(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not isfinite(said):
        raise ValueError("for how long is missing; expected --for 2h")
    if not 1 <= said <= overrides.OVERRIDE_MAX_S:
        raise ValueError(f"{said:g} s is outside 1 s..24 h; order again when that is over")
    return float(said)


def _facts(found: Override) -> dict[str, Any]:
    return {
        "asset": found.asset,
        "value": found.value,
        "until_ns": found.until_ns,
        "until_utc_ms": found.until_utc_ms,
        "name": found.who.name,
        "id": found.who.id,
        "why": found.why,
    }


def _has_output(asset: Steered) -> bool:
    """Whether the gateway can write to it at all."""
    if isinstance(asset, Pv):
        return asset.curtail != "none"
    return asset.switchable if isinstance(asset, Load) else asset.writable


def _restored(kept: Mapping[str, Any], now: Now, *, same_boot: bool) -> Override:
    value = None if kept["value"] is None else float(kept["value"])
    until_utc_ms = int(kept["until_utc_ms"])
    by_wall_ns = now.ns + (until_utc_ms - now.utc_ms) * 1_000_000
    until_ns = int(kept["until_ns"]) if same_boot else by_wall_ns
    who = Who("person", str(kept["name"]), str(kept["id"]))
    return Override(str(kept["asset"]), value, until_ns, until_utc_ms, who, str(kept["why"]))
