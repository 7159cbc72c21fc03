"""Choose the simulated device for each profile: its quantities, or the reason why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.devices import catalog, mains
from quartier_hil.devices.actor import Device
from quartier_hil.devices.meters.dlms.pusher import HanMeter
from quartier_hil.devices.meters.iec62056.standing import StandingMeter
from quartier_hil.devices.meters.mbus.standing import ElectricitySlave
from quartier_hil.devices.meters.p1.standing import P1Meter
from quartier_hil.devices.meters.sml.head import Head
from quartier_hil.devices.meters.tic.linky import Linky
from quartier_hil.devices.p30 import UNIT as P30_UNIT
from quartier_hil.devices.plc import MAPS, Plc
from quartier_hil.standins.sitefile import Asset

MAINS = frozenset(mains.QUANTITIES)
_STORED = frozenset(
    {"power_w", "soc_pct", "voltage_v", "energy_import_wh", "energy_export_wh", "frequency_hz"}
)
_SOLAR = frozenset({"power_w", "energy_export_wh", "frequency_hz"})
_CHARGING = frozenset({"power_w", "plugged_on", "charge_state", "session_energy_wh", "energy_import_wh"})
_AIR = frozenset(
    {"power_w", "energy_import_wh", "co2_ppm", "speed_pct", "supply_c", "extract_c", "outdoor_c"}
)
HEARTBEAT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts from which a device is made: its unit, its asset (None: no asset), a seed."""

    unit: int
    asset: Asset | None = None
    seed: int = 0
    contract_w: float = 9_000.0
    parts: Mapping[str, int] = field(default_factory=dict)
    """Units by part, where one device of the rig answers as several of the site file."""

    def number(self, key: str, usual: float) -> float:
        """A size of its asset."""
        return usual if self.asset is None else self.asset.number(key, usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A simulated device: ``words`` for people, its possible quantities, and the names of its parts."""

    words: str
    make: Callable[[Facts], Any]
    shows: frozenset[str]
    parts: Mapping[str, str] = field(default_factory=dict)
    shows_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Quantities of single parts, by the name of the part in the simulated device."""

    def prefix(self, part: str) -> str:
        """Return the prefix of a quantity of that part."""
        known = self.parts.get(part, part)
        return f"{known}." if known else ""

    def shown(self, part: str) -> frozenset[str]:
        """Return the quantities that it can show of that part."""
        return self.shows_of.get(self.parts.get(part, part), self.shows)


def _at(device: Device, unit: int) -> Device:
    """The same under another address, where it has but one."""
    (only,) = device.units.values()
    device.units = {unit: only}
    return device


def _catalog(profile: str, **settings: str) -> Callable[[Facts], Device]:
    """A device of the catalog; ``settings`` take their numbers from keys of its asset."""

    def make(facts: Facts) -> Device:
        sizes = {
            name: facts.asset.number(key, 0.0)
            for name, key in settings.items()
            if facts.asset is not None and facts.asset.number(key, 0.0) > 0
        }
        return _at(catalog.make(profile, seed=facts.seed, **sizes), facts.unit)

    return make


def _battery(facts: Facts) -> Device:
    return catalog.make(
        "sunspec/battery",
        unit=facts.unit,
        rated_w=facts.number("rated_w", 5_000.0),
        capacity_wh=facts.number("capacity_wh", 10_000.0),
        heartbeat_s=HEARTBEAT_S,
        seed=facts.seed,
    )


def _charger(facts: Facts) -> Device:
    rated_a = facts.number("current_max_a", 16.0)
    return _at(catalog.make("keba/p30", rated_a=rated_a, seed=facts.seed), facts.unit or P30_UNIT)


def _gx(facts: Facts) -> Device:
    units = {place: facts.parts[place] for place in ("vebus", "meter", "pv") if place in facts.parts}
    return catalog.make("victron/gx", seed=facts.seed, **units)


def _opcua(profile: str) -> Role:
    plant = catalog.make(profile)
    shows = frozenset(getattr(plant, "quantities", ()))
    return Role(
        words="a plant with an OPC UA server",
        make=lambda facts: catalog.make(profile, seed=facts.seed),
        shows=shows,
    )


def _plc(kind: str, words: str) -> Role:
    return Role(
        words=words,
        make=lambda facts: Plc(kind, unit=facts.unit, seed=facts.seed),
        shows=frozenset({"power_w", "energy_import_wh", *MAPS[kind].shown}),
    )


def _linky(mode: str) -> Callable[[Facts], Linky]:
    def make(facts: Facts) -> Linky:
        from quartier_hil.metering import subscription_kva  # noqa: PLC0415 - only a Linky is subscribed

        kva = subscription_kva(facts.contract_w)
        return Linky(mode=mode, phases=3, reference_kva=kva, start_wh=12_345_678)  # type: ignore[arg-type]  # one of two

    return make


_GX_PARTS = {"battery3": "battery", "pvinverter": "pv", "pv_dc": "pv"} | dict.fromkeys(
    ("", "meter", "ess"), "grid"
)
_GX_SHOWS = {
    "grid": MAINS,
    "battery": frozenset({"power_w", "soc_pct", "voltage_v"}),
    "pv": frozenset({"power_w", "energy_export_wh"}),
}
DEVICES: Mapping[str, Role] = {
    "carlo-gavazzi/em24": Role(
        words="Carlo Gavazzi EM24, meter", make=_catalog("carlo-gavazzi/em24"), shows=MAINS
    ),
    "eastron/sdm630": Role(words="Eastron SDM630, meter", make=_catalog("eastron/sdm630"), shows=MAINS),
    "keba/p30": Role(words="KEBA P30, charging station", make=_charger, shows=_CHARGING),
    "victron/gx": Role(
        words="Victron GX with battery and PV",
        make=_gx,
        shows=frozenset(),
        parts=_GX_PARTS,
        shows_of=_GX_SHOWS,
    ),
    "waveshare/io8": Role(
        words="Waveshare IO 8CH, inputs", make=_catalog("waveshare/io8"), shows=frozenset({"input_on"})
    ),
    "waveshare/relay8": Role(
        words="Waveshare relay board", make=_catalog("waveshare/relay8"), shows=frozenset()
    ),
    "sunspec/battery": Role(words="SunSpec battery inverter, 7xx", make=_battery, shows=_STORED),
    "sunspec/pv": Role(
        words="SunSpec PV inverter, 7xx", make=_catalog("sunspec/inverter", rated_w="rated_w"), shows=_SOLAR
    ),
    "sunspec/inverter": Role(
        words="SunSpec PV inverter, 7xx", make=_catalog("sunspec/inverter", rated_w="rated_w"), shows=_SOLAR
    ),
    "sunspec/meter": Role(words="SunSpec meter, model 203", make=_catalog("sunspec/meter"), shows=MAINS),
    "quartier/lights_cabinet": _plc("lights", "cabinet of street lights"),
    "quartier/heat_pump": _plc("heat", "heat pump on SG Ready"),
    "quartier/substation": _plc("substation", "geothermal substation"),
    "quartier/chp": _plc("chp", "combined heat and power"),
    "quartier/waste_plant": _plc("waste", "pneumatic waste collection"),
    "quartier/ventilation": _plc("ventilation", "ventilation unit"),
    "rig/cooling": _plc("cooling", "cooling of a room"),
    "rig/water_heater": _plc("boiler", "hot water behind a relay"),
    "rig/load": _plc("load", "consumer with a relay"),
    "quartier/ventilation_bacnet": Role(
        words="ventilation unit on BACnet",
        make=lambda facts: catalog.make(
            "quartier/ventilation_bacnet",
            instance=facts.unit,
            rated_w=facts.number("rated_w", 4_000.0),
            seed=facts.seed,
        ),
        shows=_AIR,
    ),
    "rig/heat_substation": _opcua("rig/heat_substation"),
    "rig/waste_terminal": _opcua("rig/waste_terminal"),
}
METERS: Mapping[str, Role] = {
    "enedis/linky_standard": Role(words="Linky, mode standard", make=_linky("standard"), shows=MAINS),
    "enedis/linky_two_modes": Role(words="Linky, mode standard", make=_linky("standard"), shows=MAINS),
    "enedis/linky_historique": Role(words="Linky, mode historique", make=_linky("historique"), shows=MAINS),
    "dsmr/p1": Role(words="Dutch P1 meter, version 5", make=lambda _: P1Meter(), shows=MAINS),
    "dsmr/p1_before_5": Role(words="Dutch P1 meter, version 4", make=lambda _: P1Meter("4.2"), shows=MAINS),
    "fluvius/p1": Role(words="Belgian P1 meter", make=lambda _: P1Meter("belgium"), shows=MAINS),
    "sml/generic": Role(words="SML meter", make=lambda _: Head(), shows=MAINS),
    "aidon/6525": Role(words="Aidon HAN meter", make=lambda _: HanMeter("aidon"), shows=MAINS),
    "kaifa/ma304": Role(words="Kaifa HAN meter", make=lambda _: HanMeter("kaifa"), shows=MAINS),
    "kamstrup/omnipower": Role(words="Kamstrup HAN meter", make=lambda _: HanMeter("kamstrup"), shows=MAINS),
    "generic/mbus_electricity": Role(
        words="M-Bus electricity meter",
        make=lambda facts: ElectricitySlave(12_345_678, address=facts.unit),
        shows=MAINS,
    ),
    "iec62056/electricity": Role(
        words="IEC 62056-21 meter, mode C", make=lambda _: StandingMeter(), shows=MAINS
    ),
}
"""Meters with a line of their own."""


def known() -> list[str]:
    """Return every profile with a simulated device."""
    return sorted((*DEVICES, *METERS))


def role(profile: str) -> Role | None:
    """Return the simulated device of a profile; None if there is none."""
    return DEVICES.get(profile) or METERS.get(profile)
