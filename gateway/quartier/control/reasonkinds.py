"""Every reason that there is: its stable code, its English text and its values with their units (pure).

One table for the gateway, which gives no other reason, and for the table of ``gateway/docs/reasons.md``.  A
code is never given another meaning: programs compare it, and other languages translate its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

UNITS: Mapping[str, str] = {
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
    # What assets measure
    "co2_ppm": "ppm",
    "found_c": "°C",
    "limit_c": "°C",
    "after_min": "min",
    # Time of day, hh:mm
    "by": "local time",
    "at": "local time",
    "latest": "local time",
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
class Kind:
    """A code and its text: ``{source}`` and ``{more}`` stand for other reasons, all else for its values.

    ``joint`` goes before the text where it stands behind another reason.
    """

    code: str
    text: str
    joint: str = ": "

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its values, in the order of the text."""
        found = (name for _, name, _, _ in Formatter().parse(self.text) if name)
        return tuple(name for name in dict.fromkeys(found) if name not in {"source", "more"})


KINDS: tuple[Kind, ...] = (
    Kind("free", "free"),
    Kind("said", "{text}"),
    # Limits: which one, and whose
    Kind("cap.import", "import cap {limit_w:.0f} W ({source})"),
    Kind("cap.export", "export cap {limit_w:.0f} W ({source})"),
    Kind("cap.generation", "generation cap {limit_w:.0f} W ({source})"),
    Kind("cap.consumption", "consumption cap {limit_w:.0f} W ({source})"),
    Kind("fuse.main_phase", "main fuse {fuse_a:g} A, {phase}"),
    Kind("fuse.node", "{node}, fuse {fuse_a:g} A"),
    Kind("fuse.node_phase", "{node}, fuse {fuse_a:g} A, {phase}"),
    Kind("node.power", "{node}, {limit_w:.0f} W"),
    Kind("fuse.feeds_back", "feeding back", " "),
    Kind("limit.hard", "hard limit"),
    Kind("limit.link", "link"),
    Kind("limit.failsafe", "fail-safe value"),
    Kind("limit.failsafe_meter_lost", "fail-safe value, grid meter lost"),
    Kind("limit.failsafe_meter_implausible", "fail-safe value, grid meter implausible"),
    Kind("limit.autonomous", "autonomous value"),
    Kind("limit.before", "the state before, until loosening is allowed"),
    Kind("envelope.says", "envelope {program} {document}"),
    Kind("envelope.default", "default of expired envelope {program} {document}"),
    Kind("envelope.until_loosening", "until loosening is allowed", ", "),
    Kind("envelope.as_counted", "as counted before the clock was set", ", "),
    Kind("envelope.strictest", "its strictest part: how long the machine was off is not known", ", "),
    Kind("envelope.by_clock", "by the clock, which was set", ", "),
    Kind("envelope.by_heartbeats", "by the district's heartbeats", ", "),
    Kind("envelope.not_synced", "clock not synced", ", "),
    Kind("contact.acts", "contact {contact}"),
    Kind("contact.waiting", "contact {contact}, not yet read"),
    Kind("contact.lost", "contact {contact}, cannot be read"),
    Kind("contact.held", "contact {contact}, lets go"),
    Kind("supply.subscribed", "{supply}, {subscribed_kva:g} kVA subscribed"),
    Kind("supply.warns", "{supply}, {warnings}"),
    Kind("supply.warned", "{supply}, warned before"),
    Kind("meter.no_export", "the grid meter shows no export"),
    # How a limit acts
    Kind("cap.fits", "limited to fit {more}"),
    Kind("cap.over", "over the cap by 10 % for 5 s"),
    Kind("cap.mean_over", "60 s mean over the cap"),
    Kind("cap.kept_over", "kept over it"),
    Kind("minimum_time.on", "on for its minimum time"),
    Kind("minimum_time.off_early", "switched off within its minimum on-time"),
    # What is done: batteries
    Kind("battery.stops_charging", "battery stops charging"),
    Kind("battery.charges_less", "battery charges less"),
    Kind("battery.discharges", "battery discharges"),
    Kind("battery.stops_discharging", "battery stops discharging"),
    Kind("battery.discharges_less", "battery discharges less"),
    Kind("battery.charges", "battery charges"),
    Kind("battery.serves_grid", "discharges"),
    # Cars, loads and generation
    Kind("charging.slowed", "charging slowed"),
    Kind("charging.paused", "charging paused"),
    Kind("charging.paused_unread", "charging paused, actual state not read"),
    Kind("charging.resumes", "charging resumes"),
    Kind("charging.faster", "charging faster"),
    Kind("load.shed", "shed, tier {tier}"),
    Kind("load.on", "switched on again"),
    Kind("tier.off", "tier {tier} off"),
    Kind("generation.curtailed", "generation curtailed"),
    Kind("generation.off", "generation switched off"),
    Kind("generation.share", "held at its share, its power is not known"),
    Kind("generation.blind", "no grid meter: generation limited to this cap"),
    Kind("generation.further", "curtailed further"),
    Kind("generation.stopped", "stopped"),
    Kind("generation.rises", "rises step by step"),
    Kind("mode.to", "to {mode}"),
    Kind("mode.to_of_tier", "to {mode}, tier {tier}"),
    # Cars that share
    Kind("car.deaf", "held: it takes more than it may"),
    Kind("car.unheard", "held: not heard, or not guarded"),
    Kind("car.none", "offers its minimum current: no car is charging"),
    Kind("car.waits", "waits for its turn"),
    Kind("car.shares", "cars share it"),
    Kind("car.demand", "held to what it takes and {margin_a:g} A"),
    Kind("car.rises", "rises step by step"),
    # How it comes back
    Kind("restore.waits", "comes back in its turn"),
    Kind("restore.found_off", "found off"),
    Kind("restore.below", "comes back in its turn: the import must stay below {limit_w:.0f} W for 2 min"),
    Kind("restore.apart", "comes back in its turn: 30 s after the one before it"),
    Kind("restore.spread", "comes back in its turn: after a random delay, lest all buildings do so at once"),
    Kind("restore.below_cap", "restored: below the cap by 10 % for 120 s"),
    Kind("restore.pv_fits", "switched on again: what it makes fits below the export cap"),
    # The public grid, and commands that do the same
    Kind("grid.frequency", "grid at {frequency_hz:.2f} Hz"),
    Kind("grid.frequency_lost", "grid was at {frequency_hz:.2f} Hz, it is no longer read"),
    Kind("grid.frequency_well", "grid was at {frequency_hz:.2f} Hz, back to normal"),
    Kind("grid.voltage", "voltage at {voltage_pct:.0f} %"),
    Kind("grid.voltage_lost", "voltage was at {voltage_pct:.0f} %, it is no longer read"),
    Kind("grid.voltage_well", "voltage was at {voltage_pct:.0f} %, it is well again"),
    Kind("grid.frequency_high", "grid was at {frequency_hz:.2f} Hz"),
    Kind("grid.nothing_raised", "nothing is raised"),
    Kind("grid.after_outage", "after an outage: nothing is raised until the grid is well"),
    Kind("grid.rises_slowly", "after an outage: the building rises slowly"),
    Kind("command.shed", "shed command {document}"),
    # Batteries by their rule
    Kind("self_consumption", "self-consumption"),
    Kind("grid.target", "grid at {target_w:.0f} W"),
    Kind("battery.empty", "down to {soc_pct:g} %, which is kept"),
    Kind("battery.full", "full at {soc_pct:g} %"),
    Kind("plan.doubted", "no plan is followed, the clock is contradicted by {meters}", "; "),
    Kind("meter.trial", "a small step shows whether the grid meter is right"),
    Kind("meter.trial_again", "a small step shows whether the grid meter is right again"),
    Kind("meter.suspect", "held: the grid meter contradicts the meters below it"),
    Kind("inputs.stale", "held: nothing is raised while inputs are stale"),
    # What is ordered of one asset
    Kind("hand.orders", "by hand, {person}"),
    Kind("hand.maintenance", "maintenance, {person}"),
    Kind("document.orders", "{program}, {document}"),
    Kind("plan.leads", "local plan"),
    Kind("plan.step", "{text}"),
    Kind("plan.too_cold", "it is too cold to wait"),
    Kind("plan.unread", "actual state not read"),
    Kind("plan.nothing_waits", "nothing waits"),
    Kind("plan.run_done", "its run is done"),
    Kind("plan.run_late", "its run is late"),
    Kind("plan.no_deadline", "nobody knows how long it may wait"),
    Kind("plan.no_car", "nobody says that a car is there"),
    Kind("plan.no_departure", "nobody says when it leaves"),
    Kind("plan.no_need", "nobody says what it wants"),
    Kind("car.ready", "ready"),
    Kind("car.late", "it has to charge now to be ready in time"),
    Kind("car.unseen", "it charges until it is seen how much it takes, to be ready in time"),
    # Why an output is given back, or not ordered
    Kind("output.given_back", "given back"),
    Kind("output.no_setpoint", "it takes no setpoint"),
    Kind(
        "output.no_fallback",
        "its device has no fall-back, and the site file does not accept that (accept_no_fallback)",
    ),
    Kind("output.fallback_lost", "the fallback of its device is not as declared"),
    Kind("output.second_master", "another controller moves it too: find it and switch one of them off"),
    Kind("output.used_up", "its writes of the day are used up"),
    Kind("output.left", "gateway stops: safe value"),
    Kind("input.lost", "an input it needs is lost"),
    Kind("input.waits", "waiting for its first reading"),
    Kind("input.power_unknown", "its power is not known"),
    Kind("input.soc_unknown", "its state of charge is not known"),
    Kind("meter.implausible", "grid meter implausible"),
    Kind("meter.checked", "this step checks the grid meter"),
    Kind("meter.lost", "grid meter lost"),
    Kind("meter.was_lost", "grid meter was lost until now"),
    Kind("mode.normal_again", "normal mode: the device controls itself"),
    # Another controller at the same point
    Kind("conflict.safe", "safe value: another controller moves this point too"),
    Kind("conflict.lowered", "lowered for a limit though another controller moves this point too"),
    Kind("conflict.though", "though another controller moves this point too", ", "),
    # Assets in modes
    Kind("mode.stands", "{mode}"),
    Kind("mode.after", "{mode} after {after_min:g} min of it at the earliest", ", "),
    Kind("chp.heat_led", "led by heat"),
    Kind("chp.import_above", "import without it above {start_w:.0f} W"),
    Kind("chp.import_below", "import without it below {end_w:.0f} W"),
    Kind("chp.import_not_below", "import without it not below {end_w:.0f} W"),
    Kind("comfort.last", "outside comfort, held back last"),
    Kind("comfort.no_preheating", "no pre-heating beyond the comfort band"),
    Kind("comfort.no_precooling", "no pre-cooling beyond the comfort band"),
    Kind("comfort.preheating", "pre-heating with own generation"),
    Kind("comfort.precooling", "pre-cooling with own generation"),
    Kind("lights.daylight", "daylight, nothing to dim"),
    Kind("lights.enough", "enough at this hour"),
    Kind("run.no_time", "the time of day is not known"),
    Kind("run.own_generation", "with own generation"),
    Kind("run.waits", "for own generation, until {latest} at the latest"),
    Kind("run.done", "its run is done, the next begins after {at}"),
    Kind("run.nothing", "nothing waits to be run"),
    Kind("run.hours", "its hours begin at {at}"),
    Kind("run.begun", "its run has begun"),
    Kind("run.begun_late", "its run has begun, late: it was due at {by}"),
    Kind("run.late", "late: it was due at {by}"),
    Kind("run.due", "has to be done by {by}"),
    Kind("waste.nothing", "nothing to collect"),
    Kind("waste.begins", "its time begins at {at}"),
    Kind("substation.unknown", "its {quantity} temperature is not known"),
    Kind("substation.cold", "its {quantity} is at {found_c:.1f} °C, below {limit_c:g} °C"),
    Kind("substation.hot", "its {quantity} is at {found_c:.1f} °C, above {limit_c:g} °C"),
    Kind("substation.rests", "its own control keeps it for {after_min:.0f} min"),
    Kind("ventilation.co2", "CO2 at {co2_ppm:.0f} ppm, not slowed"),
)
BY_CODE: Mapping[str, Kind] = {kind.code: kind for kind in KINDS}
NAMES: Mapping[str, tuple[str, ...]] = {kind.code: kind.names for kind in KINDS}
"""The names of the values by code, in their order."""
