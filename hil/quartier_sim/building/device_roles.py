"""Choose the simulated device for each profile: its quantities, or the reason why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError
from quartier_sim.building.site_file import Asset
from quartier_sim.devices import catalog, meter_values
from quartier_sim.devices.simulated_device import Device
from quartier_sim.meters.dlms.push_meters import HanMeter
from quartier_sim.meters.iec62056.optical_meter import ElectricityMeter
from quartier_sim.meters.mbus.slaves import ElectricitySlave
from quartier_sim.meters.p1.p1_meters import P1Meter
from quartier_sim.meters.sml.sml_meters import OpticalHead
from quartier_sim.meters.tic.linky import Linky
from quartier_sim.modbus.keba_p30 import UNIT as P30_UNIT
from quartier_sim.modbus.plc import PLANT_MAPS, Plc
from quartier_sim.modbus.profile_device import ProfileDevice

METER_QUANTITIES = frozenset(meter_values.QUANTITIES)
_BATTERY_QUANTITIES = frozenset(
    {"power_w", "soc_pct", "voltage_v", "energy_import_wh", "energy_export_wh", "frequency_hz"}
)
_PV_QUANTITIES = frozenset({"power_w", "energy_export_wh", "frequency_hz"})
_CHARGER_QUANTITIES = frozenset(
    {"power_w", "plugged_on", "charge_state", "session_energy_wh", "energy_import_wh"}
)
_VENTILATION_QUANTITIES = frozenset(
    {"power_w", "energy_import_wh", "co2_ppm", "speed_pct", "supply_c", "extract_c", "outdoor_c"}
)
HEARTBEAT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
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
class DeviceRole:
    """A simulated device: ``words`` for people, its possible quantities, and the names of its parts."""

    words: str
    make: Callable[[DeviceFacts], Any]
    shows: frozenset[str]
    parts: Mapping[str, str] = field(default_factory=dict)
    shows_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Quantities of single parts, by the name of the part in the simulated device."""

    def prefix(self, part: str) -> str:
        """Return the prefix of a quantity of that part."""
        known = self.parts.get(part, part)
        return f"{known}." if known else ""

    def find_quantities(self, part: str) -> frozenset[str]:
        """Return the quantities that it can show of that part."""
        return self.shows_of.get(self.parts.get(part, part), self.shows)


def _set_unit(device: Device, unit: int) -> Device:
    """The same under another address, where it has but one."""
    (only,) = device.units.values()
    device.units = {unit: only}
    return device


def _make_catalog_factory(profile: str, **settings: str) -> Callable[[DeviceFacts], Device]:
    """A device of the catalog; ``settings`` take their numbers from keys of its asset."""

    def make(facts: DeviceFacts) -> Device:
        sizes = {
            name: facts.asset.number(key, 0.0)
            for name, key in settings.items()
            if facts.asset is not None and facts.asset.number(key, 0.0) > 0
        }
        return _set_unit(catalog.make_device(profile, seed=facts.seed, **sizes), facts.unit)

    return make


def _make_battery(facts: DeviceFacts) -> Device:
    return catalog.make_device(
        "sunspec/battery",
        unit=facts.unit,
        rated_w=facts.number("rated_w", 5_000.0),
        capacity_wh=facts.number("capacity_wh", 10_000.0),
        heartbeat_s=HEARTBEAT_S,
        seed=facts.seed,
    )


def _make_charger(facts: DeviceFacts) -> Device:
    rated_a = facts.number("current_max_a", 16.0)
    return _set_unit(
        catalog.make_device("keba/p30", rated_a=rated_a, seed=facts.seed), facts.unit or P30_UNIT
    )


def _make_gx(facts: DeviceFacts) -> Device:
    units = {place: facts.parts[place] for place in ("vebus", "meter", "pv") if place in facts.parts}
    return catalog.make_device("victron/gx", seed=facts.seed, **units)


def _make_opcua_role(profile: str) -> DeviceRole:
    plant = catalog.make_device(profile)
    shows = frozenset(getattr(plant, "quantities", ()))
    return DeviceRole(
        words="a plant with an OPC UA server",
        make=lambda facts: catalog.make_device(profile, seed=facts.seed),
        shows=shows,
    )


def _make_plc_role(kind: str, words: str) -> DeviceRole:
    return DeviceRole(
        words=words,
        make=lambda facts: Plc(kind, unit=facts.unit, seed=facts.seed),
        shows=frozenset({"power_w", "energy_import_wh", *PLANT_MAPS[kind].shown}),
    )


def _make_linky_factory(mode: str) -> Callable[[DeviceFacts], Linky]:
    def make(facts: DeviceFacts) -> Linky:
        from quartier_sim.meters.tic.linky import find_subscription_kva  # noqa: PLC0415 - only a Linky is subscribed

        kva = find_subscription_kva(facts.contract_w)
        return Linky(mode=mode, phases=3, reference_kva=kva, start_wh=12_345_678)  # type: ignore[arg-type]  # one of two

    return make


_GX_PARTS = {"battery3": "battery", "pvinverter": "pv", "pv_dc": "pv"} | dict.fromkeys(
    ("", "meter", "ess"), "grid"
)
_GX_SHOWS = {
    "grid": METER_QUANTITIES,
    "battery": frozenset({"power_w", "soc_pct", "voltage_v"}),
    "pv": frozenset({"power_w", "energy_export_wh"}),
}
DEVICE_ROLES: Mapping[str, DeviceRole] = {
    "carlo-gavazzi/em24": DeviceRole(
        words="Carlo Gavazzi EM24, meter",
        make=_make_catalog_factory("carlo-gavazzi/em24"),
        shows=METER_QUANTITIES,
    ),
    "eastron/sdm630": DeviceRole(
        words="Eastron SDM630, meter", make=_make_catalog_factory("eastron/sdm630"), shows=METER_QUANTITIES
    ),
    "keba/p30": DeviceRole(words="KEBA P30, charging station", make=_make_charger, shows=_CHARGER_QUANTITIES),
    "victron/gx": DeviceRole(
        words="Victron GX with battery and PV",
        make=_make_gx,
        shows=frozenset(),
        parts=_GX_PARTS,
        shows_of=_GX_SHOWS,
    ),
    "waveshare/io8": DeviceRole(
        words="Waveshare IO 8CH, inputs",
        make=_make_catalog_factory("waveshare/io8"),
        shows=frozenset({"input_on"}),
    ),
    "waveshare/relay8": DeviceRole(
        words="Waveshare relay board", make=_make_catalog_factory("waveshare/relay8"), shows=frozenset()
    ),
    "sunspec/battery": DeviceRole(
        words="SunSpec battery inverter, 7xx", make=_make_battery, shows=_BATTERY_QUANTITIES
    ),
    "sunspec/pv": DeviceRole(
        words="SunSpec PV inverter, 7xx",
        make=_make_catalog_factory("sunspec/inverter", rated_w="rated_w"),
        shows=_PV_QUANTITIES,
    ),
    "sunspec/inverter": DeviceRole(
        words="SunSpec PV inverter, 7xx",
        make=_make_catalog_factory("sunspec/inverter", rated_w="rated_w"),
        shows=_PV_QUANTITIES,
    ),
    "sunspec/meter": DeviceRole(
        words="SunSpec meter, model 203", make=_make_catalog_factory("sunspec/meter"), shows=METER_QUANTITIES
    ),
    "quartier/lights_cabinet": _make_plc_role("lights", "cabinet of street lights"),
    "quartier/heat_pump": _make_plc_role("heat", "heat pump on SG Ready"),
    "quartier/substation": _make_plc_role("substation", "geothermal substation"),
    "quartier/chp": _make_plc_role("chp", "combined heat and power"),
    "quartier/waste_plant": _make_plc_role("waste", "pneumatic waste collection"),
    "quartier/ventilation": _make_plc_role("ventilation", "ventilation unit"),
    "rig/cooling": _make_plc_role("cooling", "cooling of a room"),
    "rig/water_heater": _make_plc_role("boiler", "hot water behind a relay"),
    "rig/load": _make_plc_role("load", "consumer with a relay"),
    "quartier/ventilation_bacnet": DeviceRole(
        words="ventilation unit on BACnet",
        make=lambda facts: catalog.make_device(
            "quartier/ventilation_bacnet",
            instance=facts.unit,
            rated_w=facts.number("rated_w", 4_000.0),
            seed=facts.seed,
        ),
        shows=_VENTILATION_QUANTITIES,
    ),
    "rig/heat_substation": _make_opcua_role("rig/heat_substation"),
    "rig/waste_terminal": _make_opcua_role("rig/waste_terminal"),
}
METER_ROLES: Mapping[str, DeviceRole] = {
    "enedis/linky_standard": DeviceRole(
        words="Linky, mode standard", make=_make_linky_factory("standard"), shows=METER_QUANTITIES
    ),
    "enedis/linky_two_modes": DeviceRole(
        words="Linky, mode standard", make=_make_linky_factory("standard"), shows=METER_QUANTITIES
    ),
    "enedis/linky_historique": DeviceRole(
        words="Linky, mode historique", make=_make_linky_factory("historique"), shows=METER_QUANTITIES
    ),
    "dsmr/p1": DeviceRole(
        words="Dutch P1 meter, version 5", make=lambda _: P1Meter(), shows=METER_QUANTITIES
    ),
    "dsmr/p1_before_5": DeviceRole(
        words="Dutch P1 meter, version 4", make=lambda _: P1Meter("4.2"), shows=METER_QUANTITIES
    ),
    "fluvius/p1": DeviceRole(
        words="Belgian P1 meter", make=lambda _: P1Meter("belgium"), shows=METER_QUANTITIES
    ),
    "sml/generic": DeviceRole(words="SML meter", make=lambda _: OpticalHead(), shows=METER_QUANTITIES),
    "aidon/6525": DeviceRole(
        words="Aidon HAN meter", make=lambda _: HanMeter("aidon"), shows=METER_QUANTITIES
    ),
    "kaifa/ma304": DeviceRole(
        words="Kaifa HAN meter", make=lambda _: HanMeter("kaifa"), shows=METER_QUANTITIES
    ),
    "kamstrup/omnipower": DeviceRole(
        words="Kamstrup HAN meter", make=lambda _: HanMeter("kamstrup"), shows=METER_QUANTITIES
    ),
    "generic/mbus_electricity": DeviceRole(
        words="M-Bus electricity meter",
        make=lambda facts: ElectricitySlave(12_345_678, address=facts.unit),
        shows=METER_QUANTITIES,
    ),
    "iec62056/electricity": DeviceRole(
        words="IEC 62056-21 meter, mode C", make=lambda _: ElectricityMeter(), shows=METER_QUANTITIES
    ),
}
"""Meters with a line of their own."""


def list_profiles() -> list[str]:
    """Return every profile with a simulated device."""
    return sorted({*DEVICE_ROLES, *METER_ROLES, *_list_register_profiles()})


def find_role(profile: str) -> DeviceRole | None:
    """Return the simulated device of a profile, its own or one made from its registers; None without one."""
    return DEVICE_ROLES.get(profile) or METER_ROLES.get(profile) or _make_profile_role(profile)


def _list_register_profiles() -> list[str]:
    return [name for name in loading.list_profiles() if _make_profile_role(name) is not None]


@lru_cache(256)
def _make_profile_role(profile: str) -> DeviceRole | None:
    try:
        loaded = loading.load_profile(profile)
    except ConfigError:
        return None
    if not isinstance(loaded, loading.RegisterProfile) or loaded.protocol != "modbus":
        return None
    shown = {
        part: frozenset(quantity for quantity, point in quantities.items() if point.write is None)
        for part, quantities in loaded.parts.items()
    }
    return DeviceRole(
        words=f"{loaded.head.maker} {loaded.head.model}, made from its profile",
        make=lambda facts: ProfileDevice(loaded, facts.unit, facts.seed),
        shows=frozenset(),
        shows_of=shown,
    )
