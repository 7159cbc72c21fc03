"""Write the further assets of a scenario's site in its site file: bus, device and asset for each (pure)."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from quartier_hil import fittings
from quartier_hil.fittings import BOX, METER
from quartier_hil.house import GridMeter, House
from quartier_hil.records.standard import LATITUDE, LONGITUDE

POINT_UNIT = 255
PASSWORD = "plant.password"  # noqa: S105 - the name of a file
"""The file of the password of every plant with an OPC UA server."""
BOARD_METER = "carlo-gavazzi/em24"
_AIR_ON_BACNET = "quartier/ventilation_bacnet"
# The gateway's end of a BACnet network on loopback: another address, so that both may have the same port.
_OWN_END = "127.0.0.2"
_PROFILES = {
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
GRID_METERS: Mapping[GridMeter, str] = {
    "usual": "eastron/sdm630",
    "slow": "rig/slow_meter",
    "plain": "rig/plain_meter",
    "minute": "rig/minute_meter",
    "linky": "eastron/sdm630",
}
_OPCUA = {"substation": "rig/heat_substation", "waste": "rig/waste_terminal"}


def profiles_folder() -> Path:
    """Return the folder of the profiles of the rig's own boxes."""
    return Path(str(files("quartier_hil"))) / "profiles"


def connection(house: House) -> dict[str, str]:
    """Return the lines of the site file on the connection, the usual car and the folder of our profiles."""
    has_own = bool(house.assets) or house.grid_meter not in ("usual", "linky")
    frequency = f"frequency_period_s = {house.frequency_period_s}\n"
    agreed = f"failsafe_import_w = {house.failsafe_import_w}\nfailsafe_export_w = {house.failsafe_export_w}\n"
    unlisted_w = house.unlisted_generation_w
    unlisted = "" if unlisted_w is None else f"unlisted_generation_w = {unlisted_w:g}\n"
    place = "" if house.planning is None else f"latitude = {LATITUDE}\nlongitude = {LONGITUDE}\n"
    stay = {"departure": house.departure and f'"{house.departure}"', "energy_wanted_wh": house.wanted_wh}
    return {
        "grid_profile": GRID_METERS[house.grid_meter],
        "grid_device": "linky_tic" if house.grid_meter == "linky" else "meter",
        "frequency": "" if house.grid_meter in ("plain", "linky", "minute") else frequency,
        "agreed": (agreed if house.failsafe_agreed else "") + unlisted,
        "departure": "".join(f"{key} = {value}\n" for key, value in stay.items() if value is not None),
        "profiles": place + (f'profiles = ["{profiles_folder()}"]\n' if has_own else ""),
    }


def boxes(house: House) -> dict[str, str]:
    """Each meter of a board and each device of a further asset, with the profile that reads it."""
    meters = {board.name + METER: BOARD_METER for board in house.boards if board.metered}
    return meters | {name + BOX: profile(asset) for asset in house.assets for name in fittings.names(asset)}


def profile(asset: fittings.Asset) -> str:
    """The profile of the device that an asset lives in."""
    if _is_on_bacnet(asset):
        return _AIR_ON_BACNET
    return (_OPCUA if getattr(asset, "protocol", "modbus") == "opcua" else _PROFILES)[asset.kind]


def text(house: House, ports: Mapping[str, int], timeout_s: float, keys: Path) -> str:
    """The TOML text of buses, devices, nodes and assets; ``keys`` is where passwords and certificates lie."""
    parts = [_node(board) for board in house.boards]
    for board in house.boards:
        if board.metered:
            name = board.name + METER
            parts.append(_device(name, BOARD_METER, ports[name], timeout_s, keys))
    for asset in house.assets:
        for place, name in enumerate(fittings.names(asset)):
            put = _bacnet_device if _is_on_bacnet(asset) else _device
            parts.append(put(name + BOX, profile(asset), ports[name + BOX], timeout_s, keys))
            parts.append("".join(_asset(asset, place, name)))
    return "".join(parts)


def _node(board: fittings.Board) -> str:
    text = f'\n[nodes.{board.name}]\nunder = "{board.under}"\nfuse_a = {board.fuse_a:g}\nunmeasured_w = 0\n'
    return text + (f'device = "{board.name}{METER}"\n' if board.metered else "")


def _device(name: str, profile_name: str, port: int, timeout_s: float, keys: Path) -> str:
    if profile_name in _OPCUA.values():
        return (
            f'\n[buses.{name}_net]\nkind = "opcua"\nurl = "opc.tcp://127.0.0.1:{port}"\n'
            f'user = "operator"\npassword_file = "{keys / PASSWORD}"\npki = "{keys}"\n'
            f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\n'
        )
    unit = POINT_UNIT if profile_name == "keba/p30" else 1
    return (
        f'\n[buses.{name}_net]\nkind = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}\n'
        f"timeout_s = {timeout_s}\n"
        f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\nunit = {unit}\n'
    )


def _is_on_bacnet(asset: fittings.Asset) -> bool:
    return isinstance(asset, fittings.Ventilation) and asset.protocol == "bacnet"


def _bacnet_device(name: str, profile_name: str, port: int, timeout_s: float, _keys: Path) -> str:
    return (
        f'\n[buses.{name}_net]\nkind = "bacnet-ip"\ninterface = "{_OWN_END}"\nport = {port}\n'
        f"timeout_s = {timeout_s}\n"
        f'\n[devices.{name}]\nbus = "{name}_net"\nprofile = "{profile_name}"\naddress = "127.0.0.1:{port}"\n'
    )


def _asset(asset: fittings.Asset, place: int, name: str) -> Iterator[str]:
    role = {"cars": "ev", "boiler": "heat"}.get(asset.kind, asset.kind)
    yield f'\n[assets.{name}]\nrole = "{role}"\ndevice = "{name}{BOX}"\nnode = "{asset.board}"\n'
    phase = getattr(asset, "phase", None)
    if isinstance(asset, fittings.Cars):
        phase = fittings.phase(asset, place)
        yield f"current_max_a = {asset.current_max_a:g}\nphases_count = {3 if phase is None else 1}\n"
    else:
        yield f"rated_w = {asset.rated_w:g}\n"
    if phase is not None:
        yield f'phase = "l{phase}"\n'
    yield from _own(asset)


def _own(asset: fittings.Asset) -> Iterator[str]:
    """The keys of its class."""
    match asset:
        case fittings.Lights():
            quoted = ", ".join(f'"{step}"' for step in asset.evening)
            yield f'tier = "{asset.tier}"\nevening = [{quoted}]\n'
        case fittings.Heat() | fittings.Cooling():
            yield from _said(comfort_min_c=asset.comfort_min_c, comfort_max_c=asset.comfort_max_c)
            if isinstance(asset, fittings.Heat):
                yield f"normal_w = {asset.rated_w:g}\n"
        case fittings.Boiler():
            yield from _said(comfort_min_c=asset.comfort_min_c, comfort_max_c=asset.comfort_max_c)
            yield from _said(tank_m3=asset.tank_m3, tank_loss_w=asset.tank_loss_w, draw_w=asset.draw_w)
        case fittings.Substation():
            yield f"pump_min_pct = {asset.pump_min_pct:g}\n"
            yield from _said(return_min_c=asset.return_min_c)
        case fittings.Chp():
            yield f'led = "{asset.led}"\n'
            yield from _said(start_import_w=asset.start_import_w)
        case fittings.Waste():
            yield f'window_start = "{asset.window_start}"\ndeadline = "{asset.deadline}"\n'
            yield f"duration_s = {asset.batch_s:g}\n"
        case fittings.Ventilation():
            yield f"speed_min_pct = {asset.speed_min_pct:g}\n"
        case fittings.Plain():
            yield f'tier = "{asset.tier}"\n'
            yield from _run(asset)
        case _:
            pass


def _run(load: fittings.Plain) -> Iterator[str]:
    if load.run_w:
        yield f"run_w = {list(load.run_w)}\n"
    for key in ("window_start", "deadline"):
        if said := getattr(load, key):
            yield f'{key} = "{said}"\n'


def _said(**keys: float | None) -> Iterator[str]:
    return (f"{key} = {value:g}\n" for key, value in keys.items() if value is not None)
