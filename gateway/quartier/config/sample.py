"""A commented site file to start from."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.key_table import SectionKey, format_toml, list_section_keys, list_subtables
from quartier.config.sections.connection_sections import (
    ContactSection,
    NodeSection,
    ShareSection,
    SupplySection,
)
from quartier.config.sections.site_file import DeviceSection
from quartier_drivers.registry import PROTOCOLS, load_protocol, load_section

SAMPLE_HEAD = """\
# A building for Quartier.  Copy to /etc/quartier/site.toml, change, then:
#   quartier check /etc/quartier/site.toml
# Keys behind a '#' show their default, or an example where they have none.
# Plus means that an asset takes energy from the building's bus; a key's last word is its unit.
"""

# Keys that are set in the file, by table. Required keys must be here.
SAMPLE_TABLES: Mapping[str, Mapping[str, Any]] = {
    "site": {"id": "b012", "district": "issy", "latitude": 48.82, "longitude": 2.27},
    "buses.lan": {"kind": "modbus-tcp", "host": "192.168.1.20"},
    "buses.rs485": {"kind": "modbus-rtu", "port": "usb:A50285BI", "baud": 9600},
    "buses.charger": {"kind": "modbus-tcp", "host": "192.168.1.30"},
    "devices.gx": {"bus": "lan", "profile": "victron/gx", "unit": 227},
    "devices.heater_meter": {"bus": "rs485", "profile": "eastron/sdm630", "unit": 1},
    "devices.relays": {"bus": "rs485", "profile": "waveshare/relay8", "unit": 2},
    "devices.wallbox": {"bus": "charger", "profile": "keba/p30", "unit": 255},
    "assets.grid": {"role": "grid", "device": "gx", "part": "grid"},
    "assets.pv1": {"role": "pv", "device": "gx", "part": "pv", "rated_w": 6000},
    "assets.bat1": {
        "role": "battery",
        "device": "gx",
        "part": "battery",
        "rated_w": 5000,
        "capacity_wh": 10_000,
    },
    "assets.ev1": {"role": "ev", "device": "wallbox"},
    "assets.heater": {
        "role": "load",
        "device": "heater_meter",
        "rated_w": 3000,
        "node": "board_b",
        "tier": "C",
        "switch_device": "relays",
        "switch_part": "relay1",
        "accept_no_fallback": "relay8 has no watchdog; a heater left off or on is within fuse and contract",
    },
    "nodes.board_b": {"fuse_a": 32, "unmeasured_w": 0},
    "limits": {"contract_import_w": 9000, "contract_export_w": 6000, "autonomous_import_w": 7200},
}
# Sections that are commented out as a whole, beside the buses; a wrong guess here would be worse than none.
EXAMPLE_TABLES: Mapping[str, Mapping[str, Any]] = {
    "assets.street": {"role": "lights", "device": "cabinet", "rated_w": 4000},
    "assets.heat_pump": {"role": "heat", "device": "heat_pump", "rated_w": 6000, "comfort_max_c": 55},
    "assets.cooling": {"role": "cooling", "device": "chiller", "rated_w": 8000, "comfort_max_c": 26},
    "assets.loop": {"role": "substation", "device": "substation", "rated_w": 7500, "pump_min_pct": 40},
    "assets.chp1": {"role": "chp", "device": "chp", "rated_w": 20_000},
    "assets.waste": {"role": "waste", "device": "waste_plant", "rated_w": 45_000},
    "assets.air": {"role": "ventilation", "device": "ventilation", "rated_w": 3000, "speed_min_pct": 40},
    "contacts.dso1": {"device": "inputs", "part": "in1", "import_max_w": 4200},
    "supplies.enedis": {"device": "linky"},
    "shares.portal": {"bus": "lan", "listen": "192.168.1.10:1502", "clients": ["192.168.1.40"]},
    "planning": {"wear_eur_per_wh": 0.00002},
    "tariff": {"contract": "hchp", "off_peak_eur_per_wh": 0.00020, "peak_eur_per_wh": 0.00027},
    "district_link": {
        "url": "mqtts://broker.issy.example",
        "primary_host": "optimiser",
        "ca_file": "/etc/quartier/district-ca.pem",
        "cert_file": "credential:district.crt",
        "key_file": "credential:district.key",
        "issuers_file": "/etc/quartier/issuers.json",
    },
}
# Example values of keys without a default, beside those of buses.
EXAMPLE_VALUES: Mapping[str, Any] = {
    "accept_no_fallback": "left as it is it harms nobody: decided with the owner on 2026-11-25",
    "phase": "l1",
    "normal_w": 4500,
    "comfort_min_c": 45,
    "comfort_max_c": 55,
    "tank_m3": 0.3,
    "tank_loss_w": 70,
    "window_start": "08:00",
    "deadline": "20:00",
    "l1_on": "l1",
    "departure": "07:30",
    "energy_wanted_wh": 20_000,
    "power_max_w": 20_000,
    "device": "board_meter",
    "unmeasured_w": 1500,
    "main_fuse_a": 63,
    "supply_min_c": 8,
    "supply_max_c": 75,
    "return_min_c": 5,
    "return_max_c": 60,
    "start_import_w": 30_000,
    "charge_max_w": 5000,
    "discharge_max_w": 5000,
    "ramp_max_w_per_s": 1000,
    "curtail": "none",
    "switch_device": "relays",
    "rated_w": 11_000,
    "import_max_w": 9000,
    "export_max_w": 6000,
    "generation_max_w": 0,
    "consumption_max_w": 4200,
    "failsafe_import_w": 4500,
    "autonomous_export_w": 6000,
    "user": "b012",
    "password_file": "credential:district.password",
    "key_file": "credential:meter.keys",
    "base_eur_per_wh": 0.00025,
    "blue_off_peak_eur_per_wh": 0.00013,
    "blue_peak_eur_per_wh": 0.00016,
    "white_off_peak_eur_per_wh": 0.00015,
    "white_peak_eur_per_wh": 0.00019,
    "red_off_peak_eur_per_wh": 0.00016,
    "red_peak_eur_per_wh": 0.00076,
    "normal_eur_per_wh": 0.00015,
    "mobile_peak_eur_per_wh": 0.0009,
}


def render_sample() -> str:
    """Return TOML text; each kind of table explains its keys where it first appears."""
    return "\n".join([SAMPLE_HEAD, *_render_tables()])


SMALL_SAMPLE_TABLES = (
    "site",
    "limits",
    "buses.lan",
    "devices.gx",
    "assets.grid",
    "assets.pv1",
    "assets.bat1",
)


def render_small_sample() -> str:
    """Return the few keys of a home with a meter, PV and a battery, each with its sentence."""
    lines = ["# A small building for Quartier: copy, change, then quartier check FILE.", ""]
    for title in SMALL_SAMPLE_TABLES:
        values = SAMPLE_TABLES[title]
        lines.append(f"[{title}]")
        said = {key.name: key.sentence for key in list_section_keys(_find_section_type(title, values))}
        lines += [f"{name} = {format_toml(value)}  # {said[name]}" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _render_tables() -> Iterator[str]:
    explained: set[type[BaseModel]] = set()
    for title, values in SAMPLE_TABLES.items():
        model = _find_section_type(title, values)
        yield from _render_table(title, model, values, explain=model not in explained)
        explained.add(model)
    for title, values in (*_list_example_buses(), *EXAMPLE_TABLES.items()):
        yield from _render_table(title, _find_section_type(title, values), values, explain=True, mark="# ")
    for title in ("control", "store", "clock", "recording"):
        yield from _render_table(title, FIXED_SECTIONS[title], {}, explain=True)
        for inner, model, _ in list_subtables(FIXED_SECTIONS[title]):
            yield from _render_table(f"{title}.{inner}", model, {}, explain=True)


def _list_example_buses() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for protocol in map(load_protocol, PROTOCOLS):
        for name, values in protocol.examples.items():
            yield f"buses.{name}", values


def _find_section_type(title: str, values: Mapping[str, Any]) -> type[BaseModel]:
    table, _, _ = title.partition(".")
    if table == "buses":
        bus: type[BaseModel] = load_section(values["kind"])
        return bus
    if table == "assets":
        return ASSET_SECTIONS[values["role"]]
    named: Mapping[str, type[BaseModel]] = {
        "contacts": ContactSection,
        "devices": DeviceSection,
        "nodes": NodeSection,
        "supplies": SupplySection,
        "shares": ShareSection,
    }
    return named.get(table) or FIXED_SECTIONS[title]


def _render_table(
    title: str, model: type[BaseModel], values: Mapping[str, Any], *, explain: bool, mark: str = ""
) -> Iterator[str]:
    if explain:
        yield f"# {(model.__doc__ or '').splitlines()[0]}"
    yield f"{mark}[{title}]"
    for key in list_section_keys(model):
        if key.name in values:
            comment = f"  # {key.sentence}" if explain else ""
            yield f"{mark}{key.name} = {format_toml(values[key.name])}{comment}"
        elif explain:
            yield f"# {key.name} = {_render_example(key)}  # {key.sentence}"
    yield ""


def _render_example(key: SectionKey) -> str:
    if key.default is not None:
        return key.default
    of_buses = (load_protocol(name).example_values for name in PROTOCOLS)
    return format_toml(
        next((one[key.name] for one in of_buses if key.name in one), EXAMPLE_VALUES.get(key.name))
    )
