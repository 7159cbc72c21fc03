"""Write the site file of a scenario: bus, device and asset for each part of the site (pure)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from quartier_district.gateway_session import TopicNames
from quartier_hil.scenario import site
from quartier_hil.scenario.site import DEVICE_SUFFIX, METER_SUFFIX, GridMeterKind, SiteSpec
from quartier_sim.devices.catalog import find_profiles_folder
from quartier_sim.load_series.standard_load import LATITUDE, LONGITUDE
from quartier_sim.opcua.certificates import PASSWORD_FILE

if TYPE_CHECKING:
    from quartier_hil.runner.device_wiring import DeviceWiring


CHARGE_POINT_UNIT = 255
"""The file of the password of every plant with an OPC UA server."""
BOARD_METER_PROFILE = "carlo-gavazzi/em24"
_AIR_ON_BACNET = "quartier/ventilation_bacnet"
# The gateway's end of a BACnet network on loopback: another address, so that both may have the same port.
_GATEWAY_ADDRESS = "127.0.0.2"
_ASSET_PROFILES = {
    "cars": "keba/p30",
    "lights": "quartier/lights_cabinet",
    "heat": "quartier/heat_pump",
    "boiler": "rig/water_heater",
    "cooling": "rig/cooling",
    "substation": "quartier/substation",
    "chp": "quartier/chp",
    "waste": "quartier/waste_plant",
    "ventilation": "quartier/ventilation",
    "load": "rig/load",
}
GRID_METER_PROFILES: Mapping[GridMeterKind, str] = {
    "usual": "eastron/sdm630",
    "slow": "rig/slow_meter",
    "plain": "rig/plain_meter",
    "minute": "rig/minute_meter",
    "linky": "eastron/sdm630",
}
_OPCUA_PROFILES = {"substation": "rig/heat_substation", "waste": "rig/waste_terminal"}


def make_connection_fields(site_spec: SiteSpec) -> dict[str, str]:
    """Return the lines of the site file on the connection, the usual car and the folder of our profiles."""
    has_own = bool(site_spec.assets) or site_spec.grid_meter not in ("usual", "linky")
    frequency = f"frequency_period_s = {site_spec.frequency_period_s}\n"
    agreed = (
        f"failsafe_import_w = {site_spec.failsafe_import_w}\n"
        f"failsafe_export_w = {site_spec.failsafe_export_w}\n"
    )
    unlisted_w = site_spec.unlisted_generation_w
    unlisted = "" if unlisted_w is None else f"unlisted_generation_w = {unlisted_w:g}\n"
    place = "" if site_spec.planning is None else f"latitude = {LATITUDE}\nlongitude = {LONGITUDE}\n"
    stay = {
        "departure": site_spec.departure and f'"{site_spec.departure}"',
        "energy_wanted_wh": site_spec.wanted_wh,
    }
    return {
        "grid_profile": GRID_METER_PROFILES[site_spec.grid_meter],
        "grid_device": "linky_tic" if site_spec.grid_meter == "linky" else "meter",
        "frequency": "" if site_spec.grid_meter in ("plain", "linky", "minute") else frequency,
        "agreed": (agreed if site_spec.failsafe_agreed else "") + unlisted,
        "departure": "".join(f"{key} = {value}\n" for key, value in stay.items() if value is not None),
        "profiles": place + (f'profiles = ["{find_profiles_folder()}"]\n' if has_own else ""),
    }


def list_device_profiles(site_spec: SiteSpec) -> dict[str, str]:
    """Each meter of a board and each device of a further asset, with the profile that reads it."""
    meters = {board.name + METER_SUFFIX: BOARD_METER_PROFILE for board in site_spec.boards if board.metered}
    return meters | {
        name + DEVICE_SUFFIX: find_profile(asset)
        for asset in site_spec.assets
        for name in site.list_asset_names(asset)
    }


def find_profile(asset: site.Asset) -> str:
    """The profile of the device that an asset lives in."""
    if _is_on_bacnet(asset):
        return _AIR_ON_BACNET
    return (_OPCUA_PROFILES if getattr(asset, "protocol", "modbus") == "opcua" else _ASSET_PROFILES)[
        asset.kind
    ]


def format_assets(site_spec: SiteSpec, ports: Mapping[str, int], timeout_s: float, keys: Path) -> str:
    """The TOML text of buses, devices, nodes and assets; ``keys`` is where passwords and certificates lie."""
    parts = [_format_node(board) for board in site_spec.boards]
    for board in site_spec.boards:
        if board.metered:
            name = board.name + METER_SUFFIX
            parts.append(_format_device(name, BOARD_METER_PROFILE, ports[name], timeout_s, keys))
    for asset in site_spec.assets:
        for place, name in enumerate(site.list_asset_names(asset)):
            put = _format_bacnet_device if _is_on_bacnet(asset) else _format_device
            parts.append(
                put(name + DEVICE_SUFFIX, find_profile(asset), ports[name + DEVICE_SUFFIX], timeout_s, keys)
            )
            parts.append("".join(_format_asset(asset, place, name)))
    return "".join(parts)


def _format_node(board: site.Board) -> str:
    text = f'\n[nodes.{board.name}]\nunder = "{board.under}"\nfuse_a = {board.fuse_a:g}\nunmeasured_w = 0\n'
    return text + (f'device = "{board.name}{METER_SUFFIX}"\n' if board.metered else "")


def _format_device(name: str, profile_name: str, port: int, timeout_s: float, keys: Path) -> str:
    if profile_name in _OPCUA_PROFILES.values():
        return (
            f'\n[buses.{name}_net]\nkind = "opcua"\nurl = "opc.tcp://127.0.0.1:{port}"\n'
            f'user = "operator"\npassword_file = "{keys / PASSWORD_FILE}"\npki = "{keys}"\n'
            f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\n'
        )
    unit = CHARGE_POINT_UNIT if profile_name == "keba/p30" else 1
    return (
        f'\n[buses.{name}_net]\nkind = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}\n'
        f"timeout_s = {timeout_s}\n"
        f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\nunit = {unit}\n'
    )


def _is_on_bacnet(asset: site.Asset) -> bool:
    return isinstance(asset, site.Ventilation) and asset.protocol == "bacnet"


def _format_bacnet_device(name: str, profile_name: str, port: int, timeout_s: float, _keys: Path) -> str:
    return (
        f'\n[buses.{name}_net]\nkind = "bacnet-ip"\ninterface = "{_GATEWAY_ADDRESS}"\nport = {port}\n'
        f"timeout_s = {timeout_s}\n"
        f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\naddress = "127.0.0.1:{port}"\n'
    )


def _format_asset(asset: site.Asset, place: int, name: str) -> Iterator[str]:
    role = {"cars": "ev", "boiler": "heat"}.get(asset.kind, asset.kind)
    yield f'\n[assets.{name}]\nrole = "{role}"\ndevice = "{name}{DEVICE_SUFFIX}"\nnode = "{asset.board}"\n'
    phase = getattr(asset, "phase", None)
    if isinstance(asset, site.ChargePark):
        phase = site.find_phase(asset, place)
        yield f"current_max_a = {asset.current_max_a:g}\nphases_count = {3 if phase is None else 1}\n"
    else:
        yield f"rated_w = {asset.rated_w:g}\n"
    if phase is not None:
        yield f'phase = "l{phase}"\n'
    yield from _list_class_keys(asset)


def _list_class_keys(asset: site.Asset) -> Iterator[str]:
    """The keys of its class."""
    match asset:
        case site.Lights():
            quoted = ", ".join(f'"{step}"' for step in asset.evening)
            yield f'tier = "{asset.tier}"\nevening = [{quoted}]\n'
        case site.HeatPump() | site.Cooling():
            yield from _format_keys(comfort_min_c=asset.comfort_min_c, comfort_max_c=asset.comfort_max_c)
            if isinstance(asset, site.HeatPump):
                yield f"normal_w = {asset.rated_w:g}\n"
        case site.Boiler():
            yield from _format_keys(comfort_min_c=asset.comfort_min_c, comfort_max_c=asset.comfort_max_c)
            yield from _format_keys(tank_m3=asset.tank_m3, tank_loss_w=asset.tank_loss_w, draw_w=asset.draw_w)
        case site.Substation():
            yield f"pump_min_pct = {asset.pump_min_pct:g}\n"
            yield from _format_keys(return_min_c=asset.return_min_c)
        case site.CogenerationUnit():
            yield f'led = "{asset.led}"\n'
            yield from _format_keys(start_import_w=asset.start_import_w)
        case site.WasteCollection():
            yield f'window_start = "{asset.window_start}"\ndeadline = "{asset.deadline}"\n'
            yield f"duration_s = {asset.batch_s:g}\n"
        case site.Ventilation():
            yield f"speed_min_pct = {asset.speed_min_pct:g}\n"
        case site.PlainLoad():
            yield f'tier = "{asset.tier}"\n'
            yield from _list_run_keys(asset)
        case _:
            pass


def _list_run_keys(load: site.PlainLoad) -> Iterator[str]:
    if load.run_w:
        yield f"run_w = {list(load.run_w)}\n"
    for key in ("window_start", "deadline"):
        if value := getattr(load, key):
            yield f'{key} = "{value}"\n'


def _format_keys(**keys: float | None) -> Iterator[str]:
    return (f"{key} = {value:g}\n" for key, value in keys.items() if value is not None)


# Time-outs are real: below this a busy machine would be taken for a silent device.
TIMEOUT_MIN_S = 0.1


METER, GX, CHARGER, HEAT_METER, RELAYS = "meter", "gx", "charger", "heatmeter", "relays"


INPUTS = "inputs"


STORAGE, SOLAR = "storage", "solar"


_TCP_DEVICE_PROFILES = {GX: ("victron/gx", 227), STORAGE: ("sunspec/battery", 1), SOLAR: ("sunspec/pv", 1)}


_UNWRITTEN_KEYS = {
    *("soc_pct", "tank_c", "meters", "battery", "battery_habits", "pv", "pv_habits"),
    *("boards", "assets", "main_fuse_a", "outdoor_c"),
    *("tariff", "planning", "departure", "wanted_wh"),
    *("failsafe_agreed", "failsafe_import_w", "failsafe_export_w", "grid_meter", "frequency_period_s"),
    "unlisted_generation_w",
}


_SITE_TEMPLATE = """\
# The rig's house; written by quartier-hil for one run.
[site]
id = "{edge}"
district = "{group}"
simulated = true
{profiles}{control}
[buses.rs485]
kind = "modbus-rtu"
port = "{pty}"
baud = 115200
timeout_s = {rtu_timeout_s}

[buses.charger_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {charger_port}
timeout_s = {timeout_s}

[devices.meter]
bus = "rs485"
profile = "{grid_profile}"
unit = 1

[devices.heatmeter]
bus = "rs485"
profile = "carlo-gavazzi/em24"
unit = 2

[devices.relays]
bus = "rs485"
profile = "waveshare/relay8"
unit = 3

[devices.charger]
bus = "charger_net"
profile = "keba/p30"
unit = 255

[assets.grid]
role = "grid"
device = "{grid_device}"
{frequency}
[assets.bat1]
role = "battery"
{battery_device}
rated_w = {battery_w}
capacity_wh = {battery_wh}

[assets.pv1]
role = "pv"
{pv_device}
rated_w = {pv_w}

[assets.ev1]
role = "ev"
device = "charger"
current_max_a = 16
{departure}
[assets.hp1]
role = "load"
device = "heatmeter"
tier = "C"
rated_w = {heat_pump_w}
switch_device = "relays"
switch_part = "relay1"
accept_no_fallback = "the board has no watchdog; left on or off, fuse and tank bear the heat pump"

[limits]
contract_import_w = {contract_import_w}
contract_export_w = {contract_export_w}
{agreed}{main_fuse}
[district_link]
url = "mqtt://127.0.0.1:{broker_port}"
primary_host = "{host}"
issuers_file = "{issuers_file}"
backfill_messages_per_s = 100
"""


_TCP_TEMPLATE = """
[buses.{name}_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout_s = {timeout_s}

[devices.{name}]
bus = "{name}_net"
profile = "{profile}"
unit = {unit}
"""


_CONTACT_TEMPLATE = """
[devices.inputs]
bus = "rs485"
profile = "waveshare/io8"
unit = 4

[contacts.dso1]
device = "inputs"
part = "in1"
import_max_w = {contact_import_w}
"""


def format_site_file(
    site_spec: SiteSpec,
    wiring: "DeviceWiring",
    names: TopicNames,
    *,
    pty: Path,
    broker_port: int,
    issuers_file: Path,
    rate: float,
    cycle_s: float = 1.0,
) -> str:
    """Return the TOML text of the site that matches the wiring.

    Time-outs are real seconds on the wire: they shrink with the rate so that a silent device costs
    about the same share of plant time, but never below the need of a loaded machine.
    """
    on_gx = {"battery": site_spec.battery == "gx", "pv": site_spec.pv == "gx"}
    timeout_s = max(1.0 / rate, TIMEOUT_MIN_S)
    text = _SITE_TEMPLATE if site_spec.contact_import_w is None else _SITE_TEMPLATE + _CONTACT_TEMPLATE
    whole = text.format(
        **site_spec.model_dump(exclude=_UNWRITTEN_KEYS),
        edge=names.edge,
        group=names.group,
        host=names.host,
        pty=pty,
        charger_port=wiring.ports[CHARGER],
        broker_port=broker_port,
        issuers_file=issuers_file,
        battery_device='device = "gx"\npart = "battery"' if on_gx["battery"] else 'device = "storage"',
        pv_device='device = "gx"\npart = "pv"\ncurtail = "none"' if on_gx["pv"] else 'device = "solar"',
        timeout_s=timeout_s,
        rtu_timeout_s=timeout_s,
        control="" if cycle_s == 1.0 else f"\n[control]\ncycle_s = {cycle_s:g}\n",
        main_fuse="" if site_spec.main_fuse_a is None else f"main_fuse_a = {site_spec.main_fuse_a:g}\n",
        **make_connection_fields(site_spec),
    )
    whole += format_assets(site_spec, wiring.ports, timeout_s, find_keys_folder(pty)) + site_spec.supply_text
    for name, (profile, unit) in _TCP_DEVICE_PROFILES.items():
        if name in wiring.ports:
            whole += _TCP_TEMPLATE.format(
                name=name, profile=profile, unit=unit, port=wiring.ports[name], timeout_s=timeout_s
            )
    return whole


def find_keys_folder(pty: Path) -> Path:
    """Return the folder of passwords and certificates of a site, next to its serial port."""
    return pty.parent / "keys"
