"""The table of all reasons: stable code, English text and values with their units (pure).

The gateway gives no reason outside this table, and ``gateway/docs/reasons.md`` shows the same table. A code
never gets another meaning: programs compare codes, and other languages translate their text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

VALUE_UNITS: Mapping[str, str] = {
    # Powers, currents and the grid
    "limit_w": "W",
    "target_w": "W",
    "start_w": "W",
    "end_w": "W",
    "fuse_a": "A",
    "margin_a": "A",
    "frequency_hz": "Hz",
    "voltage_pct": "%",
    "soc_pct": "%",
    "subscribed_kva": "kVA",
    "power_w": "W",
    "limit_kw": "kW",
    "energy_kwh": "kWh",
    "price_eur_per_kwh": "EUR/kWh",
    # What assets measure
    "co2_ppm": "ppm",
    "found_c": "°C",
    "limit_c": "°C",
    "after_min": "min",
    "off_s": "s",
    # Time of day, hh:mm
    "by": "local time",
    "at": "local time",
    "latest": "local time",
    "ready": "local time",
    # Names
    "phase": "",
    "node": "",
    "tier": "",
    "mode": "",
    "quantity": "",
    "contact": "",
    "supply": "",
    "warnings": "",
    "meters": "",
    "program": "",
    "document": "",
    "person": "",
    "text": "",
}
"""Every name of a value, with its unit; empty for text."""


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """A code and its text: ``{source}`` and ``{more}`` stand for other reasons, all other fields for values.

    ``joint`` precedes the text when it follows another reason.
    """

    code: str
    text: str
    joint: str = ": "

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values, in the order of the text."""
        found = (name for _, name, _, _ in Formatter().parse(self.text) if name)
        return tuple(name for name in dict.fromkeys(found) if name not in {"source", "more"})


REASON_KINDS: tuple[ReasonKind, ...] = (
    ReasonKind("free", "not limited"),
    ReasonKind("text", "{text}"),
    # Limits: which one, and whose
    ReasonKind("cap.import", "import cap {limit_w:.0f} W ({source})"),
    ReasonKind("cap.export", "export cap {limit_w:.0f} W ({source})"),
    ReasonKind("cap.generation", "generation cap {limit_w:.0f} W ({source})"),
    ReasonKind("cap.consumption", "consumption cap {limit_w:.0f} W ({source})"),
    ReasonKind("fuse.main_phase", "main fuse {fuse_a:g} A, {phase}"),
    ReasonKind("fuse.node", "{node}, fuse {fuse_a:g} A"),
    ReasonKind("fuse.node_phase", "{node}, fuse {fuse_a:g} A, {phase}"),
    ReasonKind("node.power", "{node}, {limit_w:.0f} W"),
    ReasonKind("fuse.feeds_back", "feeding back", " "),
    ReasonKind("limit.hard", "hard limit"),
    ReasonKind("limit.link", "link"),
    ReasonKind("limit.failsafe", "fail-safe value"),
    ReasonKind("limit.failsafe_meter_lost", "fail-safe value, grid meter lost"),
    ReasonKind("limit.failsafe_meter_implausible", "fail-safe value, grid meter implausible"),
    ReasonKind("limit.autonomous", "autonomous value"),
    ReasonKind("limit.before", "the earlier limit, until a higher one is allowed"),
    ReasonKind("envelope.says", "envelope {program} {document}"),
    ReasonKind("envelope.default", "default of expired envelope {program} {document}"),
    ReasonKind("envelope.until_loosening", "until loosening is allowed", ", "),
    ReasonKind("envelope.as_counted", "as counted before the clock was set", ", "),
    ReasonKind("envelope.strictest", "its strictest part: how long the machine was off is not known", ", "),
    ReasonKind("envelope.by_clock", "by the clock, which was set", ", "),
    ReasonKind("envelope.by_heartbeats", "by the district's heartbeats", ", "),
    ReasonKind("envelope.not_synced", "clock not synced", ", "),
    ReasonKind("contact.acts", "contact {contact}"),
    ReasonKind("contact.waiting", "contact {contact}, not yet read"),
    ReasonKind("contact.lost", "contact {contact}, cannot be read"),
    ReasonKind("contact.releasing", "contact {contact}, releasing"),
    ReasonKind("supply.subscribed", "{supply}, {subscribed_kva:g} kVA subscribed"),
    ReasonKind("supply.warns", "{supply}, {warnings}"),
    ReasonKind("supply.warned", "{supply}, warned shortly before"),
    ReasonKind("meter.no_export", "the grid meter shows no export"),
    # How a limit acts
    ReasonKind("cap.fits", "limited to fit {more}"),
    ReasonKind("cap.over", "over the cap by 10 % for 5 s"),
    ReasonKind("cap.mean_over", "60 s mean over the cap"),
    ReasonKind("cap.kept_over", "still above it"),
    ReasonKind("minimum_time.on", "on for its minimum time"),
    ReasonKind("minimum_time.off_early", "switched off within its minimum on-time"),
    # What is done with batteries
    ReasonKind("battery.stops_charging", "battery stops charging"),
    ReasonKind("battery.charges_less", "battery charges less"),
    ReasonKind("battery.discharges", "battery discharges"),
    ReasonKind("battery.stops_discharging", "battery stops discharging"),
    ReasonKind("battery.discharges_less", "battery discharges less"),
    ReasonKind("battery.charges", "battery charges"),
    ReasonKind("battery.serves_grid", "discharges"),
    # Cars, loads and generation
    ReasonKind("charging.slowed", "charging slowed"),
    ReasonKind("charging.paused", "charging paused"),
    ReasonKind("charging.paused_unread", "charging paused, actual state not read"),
    ReasonKind("charging.resumes", "charging resumes"),
    ReasonKind("charging.faster", "charging faster"),
    ReasonKind("load.shed", "shed, tier {tier}"),
    ReasonKind("load.on", "switched on again"),
    ReasonKind("tier.off", "tier {tier} off"),
    ReasonKind("generation.curtailed", "generation curtailed"),
    ReasonKind("generation.off", "generation switched off"),
    ReasonKind("generation.share", "limited to its share: its power is not known"),
    ReasonKind("generation.blind", "no grid meter: generation limited to this cap"),
    ReasonKind("generation.further", "curtailed further"),
    ReasonKind("generation.stopped", "stopped"),
    ReasonKind("generation.rises", "rises step by step"),
    ReasonKind("mode.to", "to {mode}"),
    ReasonKind("mode.to_of_tier", "to {mode}, tier {tier}"),
    # Cars that share load
    ReasonKind("car.unresponsive", "not changed: it takes more than its limit"),
    ReasonKind("car.not_read", "not changed: not read, or its device has no fallback"),
    ReasonKind("car.none", "offers its minimum current: no car is charging"),
    ReasonKind("car.waits", "waits for its turn"),
    ReasonKind("car.shares", "shared by the cars"),
    ReasonKind("car.demand", "limited to its present current plus {margin_a:g} A"),
    ReasonKind("car.rises", "rises step by step"),
    # How a restore goes on
    ReasonKind("restore.waits", "comes back in its turn"),
    ReasonKind("restore.found_off", "was already off"),
    ReasonKind(
        "restore.below", "comes back in its turn: the import must stay below {limit_w:.0f} W for 2 min"
    ),
    ReasonKind("restore.apart", "comes back in its turn: 30 s after the one before it"),
    ReasonKind(
        "restore.spread",
        "comes back in its turn: after a random delay, so that not all buildings do so at once",
    ),
    ReasonKind("restore.minimum_off", "comes back after its minimum off-time of {off_s:.0f} s"),
    ReasonKind("restore.often", "comes back later: it was switched off 3 times or more within an hour"),
    ReasonKind("restore.below_cap", "restored: below the cap by 10 % for 120 s"),
    ReasonKind("restore.pv_fits", "switched on again: what it makes fits below the export cap"),
    # Grid events, and commands with the same effect
    ReasonKind("grid.frequency", "grid at {frequency_hz:.2f} Hz"),
    ReasonKind("grid.frequency_lost", "grid was at {frequency_hz:.2f} Hz, it is no longer read"),
    ReasonKind("grid.frequency_well", "grid was at {frequency_hz:.2f} Hz, back to normal"),
    ReasonKind("grid.voltage", "voltage at {voltage_pct:.0f} %"),
    ReasonKind("grid.voltage_lost", "voltage was at {voltage_pct:.0f} %, it is no longer read"),
    ReasonKind("grid.voltage_well", "voltage was at {voltage_pct:.0f} %, back to normal"),
    ReasonKind("grid.frequency_high", "grid was at {frequency_hz:.2f} Hz"),
    ReasonKind("grid.nothing_raised", "nothing is raised"),
    ReasonKind("grid.after_outage", "after an outage: nothing is raised until the grid is normal"),
    ReasonKind("grid.rises_slowly", "after an outage: the building rises slowly"),
    ReasonKind("command.shed", "shed command {document}"),
    # Batteries by their rule
    ReasonKind("self_consumption", "self-consumption"),
    ReasonKind("grid.target", "grid target {target_w:.0f} W"),
    ReasonKind("battery.empty", "at its lower bound of {soc_pct:g} %"),
    ReasonKind("battery.full", "full at {soc_pct:g} %"),
    ReasonKind("battery.link_no_charge", "{mode}: above its reserve it charges with own generation only"),
    ReasonKind("battery.link_no_export", "{mode}: batteries do not export"),
    ReasonKind(
        "battery.grid_no_charge", "grid disturbed or shed command: batteries charge with own power only"
    ),
    ReasonKind("battery.grid_no_feed_in", "grid voltage too high or gone: batteries do not feed in"),
    ReasonKind("plan.doubted", "no plan is followed: the clock contradicts {meters}", "; "),
    ReasonKind("meter.trial", "a small step shows whether the grid meter is right"),
    ReasonKind("meter.trial_again", "a small step shows whether the grid meter is right again"),
    ReasonKind("meter.suspect", "not raised: the grid meter contradicts the meters below it"),
    ReasonKind("inputs.stale", "not raised: inputs are stale"),
    # Orders for one asset
    ReasonKind("hand.orders", "by hand, {person}"),
    ReasonKind("hand.maintenance", "maintenance, {person}"),
    ReasonKind("document.orders", "{program}, {document}"),
    ReasonKind("plan.leads", "local plan"),
    ReasonKind("plan.charges", "charges"),
    ReasonKind("plan.discharges", "discharges"),
    ReasonKind("plan.waits", "waits"),
    ReasonKind("plan.bought", "at {price_eur_per_kwh:.3f}", " "),
    ReasonKind("plan.with_sun", "with PV power whose export would earn {price_eur_per_kwh:.3f}", " "),
    ReasonKind("plan.used_from", "used from {at} ({source})", ", "),
    ReasonKind("plan.kept_beyond", "kept for the time after the plan", ", "),
    ReasonKind("plan.export_brings", "an export earns {price_eur_per_kwh:.3f}"),
    ReasonKind("plan.import_costs", "an import costs {price_eur_per_kwh:.3f}"),
    ReasonKind("plan.spares_import", "avoids an import at {price_eur_per_kwh:.3f}"),
    ReasonKind("plan.stored_worth", "a stored kWh is worth {price_eur_per_kwh:.3f}", "; "),
    ReasonKind(
        "plan.held_worth",
        "limited by a cap or the peak, one more kWh would be worth {price_eur_per_kwh:.3f}",
        "; ",
    ),
    ReasonKind("plan.curtails", "{power_w:.0f} W of PV are curtailed", "; "),
    ReasonKind(
        "plan.kept_cap", "kept {energy_kwh:.1f} kWh for the import cap of {limit_kw:.1f} kW at {at}", "; "
    ),
    ReasonKind("plan.kept_peak", "kept {energy_kwh:.1f} kWh for the peak of {limit_kw:.1f} kW at {at}", "; "),
    ReasonKind(
        "plan.spares_peak",
        "avoids an import above {limit_kw:.1f} kW: the largest import of the day has a price",
        "; ",
    ),
    ReasonKind(
        "plan.charges_car", "charges at a marginal price of {price_eur_per_kwh:.3f}, ready by {ready}"
    ),
    ReasonKind("plan.car_waits", "waits until {at}, ready by {ready}"),
    ReasonKind("plan.car_has_all", "has all the energy that it wants"),
    ReasonKind("plan.heats", "heats at a marginal price of {price_eur_per_kwh:.3f}"),
    ReasonKind("plan.runs", "runs at a marginal price of {price_eur_per_kwh:.3f}"),
    ReasonKind("plan.waits_until", "waits until {at}"),
    ReasonKind("plan.heated", "stores enough for the planned time"),
    ReasonKind("plan.nothing_by_then", "no run will be waiting then"),
    ReasonKind("plan.done_by_then", "its run is done by then"),
    ReasonKind("plan.too_cold", "it is too cold to wait"),
    ReasonKind("plan.unread", "actual state not read"),
    ReasonKind("plan.nothing_waits", "no run is waiting"),
    ReasonKind("plan.run_done", "its run is done"),
    ReasonKind("plan.run_late", "its run is late"),
    ReasonKind("plan.no_deadline", "its deadline is not known"),
    ReasonKind("plan.no_car", "not known whether a car is there"),
    ReasonKind("plan.no_departure", "its departure time is not known"),
    ReasonKind("plan.no_need", "the energy that it wants is not known"),
    ReasonKind("car.ready", "ready"),
    ReasonKind("car.late", "it has to charge now to be ready in time"),
    ReasonKind("car.unseen", "it charges until its current is measured, to be ready in time"),
    # Why an output is given back, or not ordered
    ReasonKind("output.given_back", "given back"),
    ReasonKind("output.no_setpoint", "it takes no setpoint"),
    ReasonKind(
        "output.no_fallback",
        "its device has no fallback, and the site file does not accept that (accept_no_fallback)",
    ),
    ReasonKind("output.fallback_lost", "the fallback of its device is not as declared"),
    ReasonKind(
        "output.second_master", "another controller writes it too: find it and switch one of the two off"
    ),
    ReasonKind("output.used_up", "its write budget of the day is used up"),
    ReasonKind("output.left", "gateway stops: safe value"),
    ReasonKind("input.lost", "an input it needs is lost"),
    ReasonKind("input.waits", "waiting for its first reading"),
    ReasonKind("input.power_unknown", "its power is not known"),
    ReasonKind("input.soc_unknown", "its state of charge is not known"),
    ReasonKind("meter.implausible", "grid meter implausible"),
    ReasonKind("meter.checked", "this step checks the grid meter"),
    ReasonKind("meter.lost", "grid meter lost"),
    ReasonKind("meter.was_lost", "grid meter was lost shortly before"),
    ReasonKind("mode.normal_again", "normal mode: the device controls itself"),
    # The state of an asset
    ReasonKind("state.steered", "controlled"),
    ReasonKind("state.measured", "measured only"),
    ReasonKind("state.not_ordered", "not ordered"),
    ReasonKind("state.limited", "limited to {limit_w:.0f} W"),
    ReasonKind("state.shed", "shed"),
    ReasonKind("state.paused", "paused"),
    ReasonKind("state.off", "switched off"),
    ReasonKind("state.held", "limited to {mode}"),
    ReasonKind("state.unread", "no order yet: its actual state is not known"),
    ReasonKind("state.also", "{more}", "; "),
    ReasonKind("state.unresponsive", "does not follow its order", "; "),
    # Another controller at the same point
    ReasonKind("conflict.safe", "safe value: another controller writes this point too"),
    ReasonKind("conflict.lowered", "lowered for a limit though another controller writes this point too"),
    ReasonKind("conflict.though", "though another controller writes this point too", ", "),
    # Operation-mode assets
    ReasonKind("mode.stands", "{mode}"),
    ReasonKind("mode.after", "{mode} after at least {after_min:g} min", ", "),
    ReasonKind("chp.heat_led", "led by heat"),
    ReasonKind("chp.import_above", "import without it above {start_w:.0f} W"),
    ReasonKind("chp.import_below", "import without it below {end_w:.0f} W"),
    ReasonKind("chp.import_not_below", "import without it not below {end_w:.0f} W"),
    ReasonKind("comfort.last", "outside the comfort band, so limits reduce it last"),
    ReasonKind("comfort.no_preheating", "no pre-heating beyond the comfort band"),
    ReasonKind("comfort.no_precooling", "no pre-cooling beyond the comfort band"),
    ReasonKind("comfort.preheating", "pre-heating with own generation"),
    ReasonKind("comfort.precooling", "pre-cooling with own generation"),
    ReasonKind("lights.daylight", "daylight, nothing to dim"),
    ReasonKind("lights.enough", "enough at this hour"),
    ReasonKind("run.no_time", "the time of day is not known"),
    ReasonKind("run.own_generation", "with own generation"),
    ReasonKind("run.waits", "for own generation, until {latest} at the latest"),
    ReasonKind("run.done", "its run is done, the next begins after {at}"),
    ReasonKind("run.nothing", "no run is waiting"),
    ReasonKind("run.hours", "its hours begin at {at}"),
    ReasonKind("run.begun", "its run has begun"),
    ReasonKind("run.begun_late", "its run has begun, late: it was due at {by}"),
    ReasonKind("run.late", "late: it was due at {by}"),
    ReasonKind("run.due", "has to be done by {by}"),
    ReasonKind("waste.nothing", "nothing to collect"),
    ReasonKind("waste.begins", "its time begins at {at}"),
    ReasonKind("substation.unknown", "its {quantity} temperature is not known"),
    ReasonKind("substation.cold", "its {quantity} is at {found_c:.1f} °C, below {limit_c:g} °C"),
    ReasonKind("substation.hot", "its {quantity} is at {found_c:.1f} °C, above {limit_c:g} °C"),
    ReasonKind("substation.rests", "its own control is active for {after_min:.0f} min"),
    ReasonKind("ventilation.co2", "CO2 at {co2_ppm:.0f} ppm, not slowed"),
)
KINDS_BY_CODE: Mapping[str, ReasonKind] = {kind.code: kind for kind in REASON_KINDS}
VALUE_NAMES: Mapping[str, tuple[str, ...]] = {kind.code: kind.names for kind in REASON_KINDS}
"""The names of the values of each code, in their order."""
