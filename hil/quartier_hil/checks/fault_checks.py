"""Check that the gateway reports each fault as the loss that it is, in time, and keeps the cap (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from quartier_hil.checks.promised_values import (
    CUT_FAULTS,
    PromisedLimit,
    find_promised_limit,
    find_recovery_s,
)
from quartier_hil.checks.run_record import SILENT_DEVICE_CODE, LossKey
from quartier_hil.checks.verdicts import Check, RunData, Verdict
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario import fault_rules, site
from quartier_hil.scenario.events import FaultEvent
from quartier_hil.scenario.outputs import LEASE_S
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import DEVICE_SUFFIX, METER_SUFFIX, SiteSpec
from quartier_sim.plant.charge_points import CarSpec

SETTLE_S, AFTER_S = 30.0, 150.0
"""The meter is inside a cap 30 s after a change; the 150 s after a fault still belong to that fault."""
TIMER_S = LEASE_S + 5.0
OVER_SHARE, OVER_MAX_S, WIRES_S = 0.1, 5.0, 3.0
"""spec/failsafe.md#breach: 10 % over for 5 s; over wires an order takes 2 s more, a reading 1 s."""
BLIND_S = 25.0
"""Time to take effect, s: the meter is lost after 10 s, a car then goes to its floor and pauses."""
SLACK_W = 300.0
BACK_S, ASKED_AGAIN_S = 15.0, 60.0
"""A loss ends within 15 s of a poll of the recovered device; after a long absence that poll is 60 s late."""
LOST_METER: LossKey = ("loss.grid_meter_lost", "")
_STANDARD_LOSSES: Mapping[str, tuple[LossKey, ...]] = {
    "meter": (LOST_METER,),
    "charger": (("loss.ev_silent", "ev1"),),
    "storage": (("loss.battery_silent", "bat1"),),
    "solar": (("loss.pv_silent", "pv1"),),
    "heatmeter": (("loss.load_silent", "hp1"),),
    "relays": ((SILENT_DEVICE_CODE, "relays"),),
    "inputs": (("contact.unread", "dso1"),),
    "tic": ((SILENT_DEVICE_CODE, "linky_tic"),),
    "p1": (("loss.load_silent", "flat1"),),
    "mbus": (("loss.load_silent", "flat2"),),
}
_ASSET_ROLES = {"cars": "ev", "load": "load"}


def list_loss_keys(site_spec: SiteSpec, device: str) -> tuple[LossKey, ...]:
    """Return the losses by which the gateway reports that a device does not answer."""
    if device == "gx":
        battery = (("loss.battery_silent", "bat1"),) if site_spec.battery == "gx" else ()
        return (*battery, *((("loss.pv_silent", "pv1"),) if site_spec.pv == "gx" else ()))
    if device in _STANDARD_LOSSES:
        return _STANDARD_LOSSES[device]
    if device.endswith(METER_SUFFIX):
        return (("node.meter_silent", device.removesuffix(METER_SUFFIX)),)
    name = device.removesuffix(DEVICE_SUFFIX)
    kinds = {one: asset.kind for asset in site_spec.assets for one in site.list_asset_names(asset)}
    return ((f"loss.{_ASSET_ROLES.get(kinds[name], 'moded')}_silent", name),)


def _find_worst_w(site_spec: SiteSpec, key: LossKey) -> float:
    """Return the most power that an asset may take, in W; 0 for generation."""
    code, name = key
    if code == "loss.ev_silent" and name == "ev1":
        return _car_w(CarSpec().current_max_a)
    sizes = {"bat1": site_spec.battery_w, "hp1": site_spec.heat_pump_w, "pv1": 0.0}
    for asset in site_spec.assets:
        for one in site.list_asset_names(asset):
            rated_w = 0.0 if asset.kind == "chp" else getattr(asset, "rated_w", 0.0)
            if isinstance(asset, site.ChargePark):
                rated_w = _car_w(asset.current_max_a)
            sizes[one] = rated_w
    return sizes.get(name, 0.0)


def _car_w(current_a: float) -> float:
    return CarSpec().phases_count * CarSpec().voltage_v * current_a


@dataclass
class FaultCase:
    """One fault of a device, from its start until the device has recovered."""

    asked: asked.FaultExpectation
    scenario: Scenario
    failure: FaultEvent
    caps: Sequence[PromisedLimit]
    until_s: float = field(init=False)
    end_s: float = field(init=False)
    settle_s: float = field(init=False)
    over_s: float = 0.0
    highest_share: float = 0.0
    seen_count: int = 0

    def __post_init__(self) -> None:
        self.until_s = find_recovery_s(self.scenario, self.failure)
        next_s = min(
            (
                event.at_s
                for event in self.scenario.events
                if isinstance(event, FaultEvent) and event.at_s > self.failure.at_s
            ),
            default=inf,
        )
        self.end_s = min(self.until_s + AFTER_S, next_s)
        deaf = (
            event
            for event in self.scenario.events
            if isinstance(event, FaultEvent) and event.at_s == self.failure.at_s and event.kind in CUT_FAULTS
        )
        # Where a device can be neither read nor ordered, its own timer has the last word.
        self.settle_s = TIMER_S if any(one.device != "meter" for one in deaf) else SETTLE_S

    @property
    def signs(self) -> tuple[LossKey, ...]:
        """Return the losses by which the gateway would report it."""
        devices = fault_rules.list_target_devices(self.scenario.house, self.failure.device)
        return tuple(key for device in devices for key in list_loss_keys(self.scenario.house, device))

    @property
    def is_lost(self) -> bool:
        """Return whether the fault is a loss at all."""
        return fault_rules.blocks_all_answers(self.failure.kind, self.failure.seconds)

    @property
    def _is_slow_without_number(self) -> bool:
        """Return whether a late answer fits the repeated request: Modbus RTU has no transaction number."""
        return self.failure.kind == "slow" and self.failure.device in fault_rules.LINE_DEVICES

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Compare import and export with their caps while the fault counts."""
        at_s = self.failure.at_s
        if not (
            at_s + self.settle_s <= now_s < self.until_s or self.until_s + SETTLE_S <= now_s < self.end_s
        ):
            return
        self.seen_count += 1
        cap = find_promised_limit(self.caps, now_s)
        if now_s - cap.from_s < SETTLE_S:
            return
        grid_w = values["grid.power_w"]
        share = grid_w / cap.import_w if grid_w > 0 else -grid_w / max(cap.export_w, 1.0)
        self.highest_share = max(self.highest_share, share)
        self.over_s += dt_s if share > 1.0 + OVER_SHARE else 0.0

    def verdict(self, ending: RunData) -> Verdict:
        """Return when the loss was reported and when it ended, and the highest share of the cap."""
        wanted = self.asked
        name = f"{self.failure.device} {self.failure.kind} at {self.failure.at_s:g} s"
        text = f"up to {self.highest_share:.0%} of a cap, {self.over_s:g} s over"
        holds = self.seen_count > 0 and self.over_s <= OVER_MAX_S + WIRES_S * ending.is_wired
        if not self.is_lost:
            reported = [
                key for at_s, _, key in ending.losses if key in self.signs and self._is_here(at_s, ending)
            ]
            words = f"told as {reported[0][0]}" if reported else "told as no loss"
            promised = f"{name}: heard, so no loss; the cap holds"
            return Verdict("faults", promised, f"{words}; {text}", holds and not reported)
        back_s = self.back_s(ending)
        promised = f"{name}: told in {wanted.report_max_s:g} s, over in {back_s:g} s; the cap holds"
        if not ending.is_wired and any(code == SILENT_DEVICE_CODE for code, _ in self.signs):
            promised = f"{name}: told over wires alone, for its bus knows it; the cap holds"
            return Verdict("faults", promised, text, holds)
        first_s, last_s = self._told(ending)
        may_be_heard = ending.is_wired and self._is_slow_without_number
        if may_be_heard:
            promised = f"{name}: heard late, or told and over in {back_s:g} s; the cap holds"
        if first_s is None:
            measured = "told as no loss" if may_be_heard else "never told"
            return Verdict("faults", promised, f"{measured}; {text}", may_be_heard and holds)
        measured = f"told after {first_s:.0f} s, over after {last_s:.0f} s; {text}"
        in_time = (may_be_heard or first_s <= wanted.report_max_s) and last_s <= back_s
        return Verdict("faults", promised, measured, holds and in_time)

    def short(self, ending: RunData) -> str:
        """Return the verdict as a cell of a table."""
        if not self.verdict(ending).holds:
            return "broken"
        if not self.is_lost:
            return f"no loss, {self.highest_share:.0%}"
        first_s, last_s = self._told(ending)
        if first_s is None:
            return f"by its bus, {self.highest_share:.0%}"
        return f"{first_s:.0f} s, {last_s:.0f} s, {self.highest_share:.0%}"

    def covers(self, at_s: float, ending: RunData) -> bool:
        """Return whether a loss that begins at ``at_s`` belongs to this fault."""
        return self.is_lost and self._is_here(at_s, ending)

    def back_s(self, ending: RunData) -> float:
        """Return the seconds after recovery within which the loss must end."""
        if self.asked.back_s is not None:
            return self.asked.back_s
        return BACK_S + ASKED_AGAIN_S * ending.is_wired

    def _is_here(self, at_s: float, ending: RunData) -> bool:
        return self.failure.at_s <= at_s <= self.until_s + self.back_s(ending)

    def _told(self, ending: RunData) -> tuple[float | None, float]:
        """Return the seconds until all its losses were reported, and from its end until all were over."""
        firsts, lasts = [], []
        for sign in self.signs:
            mine = [
                (at_s, end_s)
                for at_s, end_s, key in ending.losses
                if key == sign and self._is_here(at_s, ending)
            ]
            if not mine:
                return None, inf
            firsts.append(mine[0][0] - self.failure.at_s)
            lasts.append(max(0.0, mine[-1][1] - self.until_s))
        return max(firsts, default=None), max(lasts, default=inf)


@dataclass
class BlindDeviceCheck:
    """Check that controlled assets leave room for the worst case of a device silent with the grid meter."""

    scenario: Scenario
    device: str
    from_s: float
    until_s: float
    most_w: float = 0.0
    over_w: float = 0.0
    seen_count: int = 0

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Compare the power of car and battery with the rest of the fail-safe cap."""
        if not self.from_s <= now_s < self.until_s:
            return
        self.seen_count += 1
        site_spec = self.scenario.house
        worst_w = sum(_find_worst_w(site_spec, key) for key in list_loss_keys(site_spec, self.device))
        room_w = max(0.0, site_spec.failsafe_import_w - worst_w - max(0.0, values["base.power_w"]))
        lost_names = {name for _, name in list_loss_keys(site_spec, self.device)}
        controlled_w = sum(
            max(0.0, values[f"{one}.power_w"]) for one in ("ev1", "bat1") if one not in lost_names
        )
        self.most_w = max(self.most_w, controlled_w)
        self.over_w = max(self.over_w, controlled_w - room_w)

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the most power that they took, and the excess."""
        site_spec = self.scenario.house
        worst_w = sum(_find_worst_w(site_spec, key) for key in list_loss_keys(site_spec, self.device))
        promised = (
            f"{self.device} silent without a grid meter: counted at {worst_w / 1e3:g} kW below the fail-safe "
            f"{site_spec.failsafe_import_w / 1e3:g} kW, {BLIND_S:g} s after"
        )
        measured = f"car and battery took {self.most_w / 1e3:.1f} kW at most"
        if self.over_w > SLACK_W:
            measured += f", {self.over_w / 1e3:.1f} kW too much"
        return Verdict("faults", promised, measured, self.seen_count > 0 and self.over_w <= SLACK_W)


@dataclass
class UnfoundedLossCheck:
    """Check that no device that did not fail is reported as lost."""

    asked: asked.FaultExpectation
    scenario: Scenario
    cases: Sequence[FaultCase]

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: RunData) -> Verdict:
        """Return the verdict with the first loss that no fault explains."""
        site_spec = self.scenario.house
        known = {key for device in fault_rules.list_fault_targets(site_spec) for key in self._signs(device)}
        strange = [
            (at_s, key)
            for at_s, _, key in ending.losses
            if key in known and not any(key in one.signs and one.covers(at_s, ending) for one in self.cases)
        ]
        measured = f"{strange[0][1][1] or 'the grid meter'} at {strange[0][0]:.0f} s" if strange else "nobody"
        return Verdict("faults", "nobody else is called lost", measured, not strange)

    def _signs(self, target: str) -> tuple[LossKey, ...]:
        site_spec = self.scenario.house
        return tuple(
            key
            for device in fault_rules.list_target_devices(site_spec, target)
            for key in list_loss_keys(site_spec, device)
        )


def build_fault_checks(
    scenario: Scenario, wanted: asked.FaultExpectation, caps: Sequence[PromisedLimit]
) -> Iterator[Check]:
    """Yield a check per fault, one per fault with a silent meter too, and one for losses without a fault."""
    failures = [event for event in scenario.events if isinstance(event, FaultEvent)]
    cases = [FaultCase(wanted, scenario, one, caps) for one in failures]
    yield from cases
    blind = [one for one in failures if one.device == "meter"]
    for one in failures:
        if one.device != "meter" and any(meter.at_s == one.at_s for meter in blind):
            until_s = min(
                find_recovery_s(scenario, one),
                *(find_recovery_s(scenario, m) for m in blind if m.at_s == one.at_s),
            )
            yield BlindDeviceCheck(scenario, one.device, one.at_s + BLIND_S, until_s)
    yield UnfoundedLossCheck(wanted, scenario, cases)
