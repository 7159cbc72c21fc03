"""Every profile that the rig plays is read by its driver, from the rig's copy of a site file."""

import asyncio
import contextlib

import pytest
from tests.hil.sim.building.conftest import serving

from quartier.config import loading
from quartier.daemon.assembly import bus_specs
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.device_profile.loading import list_profiles, load_profile
from quartier_drivers.errors import NoReply, WireError
from quartier_drivers.readings import Quality
from quartier_drivers.registry import load_factory
from quartier_sim.building import device_roles

RTU = 'kind = "modbus-rtu"\nport = "usb:A1"\nbaud = 9600'
TCP = 'kind = "modbus-tcp"\nhost = "10.0.0.2"\ntimeout_s = 3.0'
OPCUA = 'kind = "opcua"\nurl = "opc.tcp://10.0.0.2:4840"\nanonymous = true\ntimeout_s = 10.0'
BACNET = 'kind = "bacnet-ip"\ninterface = "eth0"\ntimeout_s = 3.0'


def _meter(kind):
    return f'kind = "{kind}"\nport = "usb:A1"'


def _asset(role, **keys):
    said = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'role = "{role}"\n{said}'


GRID = _asset("grid")
LOAD = _asset("load", rated_w=2000)
BAT = _asset("battery", rated_w=5000, capacity_wh=10000)
PV = _asset("pv", rated_w=6000)
METERED = f"""
[buses.grid_net]
{TCP}

[devices.meter]
bus = "grid_net"
profile = "carlo-gavazzi/em24"

[assets.grid]
role = "grid"
device = "meter"
"""
SPARED = 'accept_no_fallback = "played by the rig, nobody orders it here"\n'
OTHERS = {
    "supply": '[supplies.a1]\ndevice = "one"\n',
    "contact": '[contacts.a1]\ndevice = "one"\npart = "in1"\nimport_max_w = 5000\n',
    "switch": '[devices.load_meter]\nbus = "grid_net"\nprofile = "carlo-gavazzi/em24"\nunit = 2\n'
    '[assets.a1]\ndevice = "load_meter"\nrole = "load"\nrated_w = 2000\ntier = "C"\n'
    f'switch_device = "one"\nswitch_part = "relay1"\n{SPARED}',
}
MADE_FROM_PROFILES = ("schneider/iem3155", "abb/terra_ac")
# Profile: bus, unit, asset, what is read of it: power by default.
CASES = {
    "carlo-gavazzi/em24": (RTU, 2, GRID, {"power_w": 800.0}),
    "eastron/sdm630": (RTU, 1, GRID, {"power_w": 800.0}),
    "keba/p30": (TCP, 255, _asset("ev"), {"power_w": 0.0}),
    "schneider/iem3155": (RTU, 4, GRID, {"power_w": 800.0}),
    "abb/terra_ac": (TCP, 1, _asset("ev"), {"power_w": 0.0}),
    "victron/gx": (TCP, 227, BAT + 'part = "battery"\n', {"soc_pct": 50.0}),
    "waveshare/io8": (RTU, 4, "contact", {}),
    "waveshare/relay8": (RTU, 3, "switch", {}),
    "sunspec/battery": (TCP, 1, BAT, {"soc_pct": 50.0}),
    "sunspec/pv": (TCP, 3, PV, {"power_w": -1800.0}),
    "sunspec/inverter": (TCP, 3, PV, {"power_w": -1800.0}),
    "sunspec/meter": (TCP, 7, GRID, {"power_w": 800.0}),
    "quartier/lights_cabinet": (TCP, 1, _asset("lights", rated_w=900), {"power_w": 18.0}),
    "quartier/heat_pump": (TCP, 1, _asset("heat", rated_w=2500), {"power_w": 20.0}),
    "quartier/substation": (TCP, 1, _asset("substation", rated_w=900, pump_min_pct=40), {"power_w": 900.0}),
    "quartier/chp": (TCP, 1, _asset("chp", rated_w=5000), {"power_w": 0.0}),
    "quartier/waste_plant": (TCP, 1, _asset("waste", rated_w=4000), {"power_w": 4000.0}),
    "quartier/ventilation": (
        TCP,
        1,
        _asset("ventilation", rated_w=1500, speed_min_pct=40),
        {"power_w": 1500.0},
    ),
    "rig/cooling": (TCP, 1, _asset("cooling", rated_w=1200), {"power_w": 0.0}),
    "rig/load": (TCP, 1, LOAD, {"power_w": 2000.0}),
    "rig/water_heater": (TCP, 1, _asset("heat", rated_w=2500), {"power_w": 20.0}),
    "quartier/ventilation_bacnet": (
        BACNET,
        201,
        _asset("ventilation", rated_w=1500, speed_min_pct=40),
        {"power_w": 1500.0},
    ),
    "rig/heat_substation": (OPCUA, 1, _asset("substation", rated_w=900, pump_min_pct=40), {"power_w": 900.0}),
    "rig/waste_terminal": (OPCUA, 1, _asset("waste", rated_w=4000), {"power_w": 4000.0}),
    "enedis/linky_standard": (_meter("tic"), 1, "supply", {}),
    "enedis/linky_two_modes": (_meter("tic"), 1, "supply", {}),
    "enedis/linky_historique": (_meter("tic"), 1, "supply", {}),
    "dsmr/p1": (_meter("p1"), 1, GRID, {"power_w": 800.0}),
    "dsmr/p1_before_5": (_meter("p1"), 1, GRID, {"power_w": 800.0}),
    "fluvius/p1": (_meter("p1"), 1, GRID, {"power_w": 800.0}),
    "sml/generic": (_meter("sml"), 1, GRID, {"power_w": 800.0}),
    "aidon/6525": (_meter("dlms"), 1, GRID, {"power_w": 800.0}),
    "kaifa/ma304": (_meter("dlms"), 1, GRID, {"power_w": 800.0}),
    "kamstrup/omnipower": (_meter("dlms"), 1, GRID, {"power_w": 800.0}),
    "generic/mbus_electricity": (_meter("mbus"), 7, LOAD, {"power_w": 2000.0}),
    "iec62056/electricity": (_meter("iec62056"), 1, GRID, {"power_w": 800.0}),
}


def _site(profile):
    bus, unit, asset, _ = CASES[profile]
    text = (
        '[site]\nid = "b1"\ndistrict = "d1"\n[limits]\ncontract_import_w = 12000\nfailsafe_import_w = 6000\n'
    )
    text += f'[buses.wire]\n{bus}\n[devices.one]\nbus = "wire"\nprofile = "{profile}"\nunit = {unit}\n'
    if asset != GRID:
        text += METERED
    if asset in OTHERS:
        return text + OTHERS[asset]
    return text + f'[assets.a1]\ndevice = "one"\n{asset}' + ("" if asset == GRID else SPARED)


def test_each_device_of_its_own_has_a_case_here():
    assert {*device_roles.DEVICE_ROLES, *device_roles.METER_ROLES} == set(CASES) - set(MADE_FROM_PROFILES)


def test_every_other_profile_of_modbus_has_a_device_that_is_made_from_it():
    modbus = {name for name in list_profiles() if load_profile(name).protocol == "modbus"}

    assert len(modbus) > 60
    assert modbus <= set(device_roles.list_profiles())


async def _read(config, enough):
    """What a fresh driver reads by this site file, until it has said ``enough`` or much was asked."""
    clock = SiteClock(ClockSetting(rate=1.0))
    (wire,) = [
        one for one in bus_specs.make_bus_specs(loading.load_site_leniently(config)) if one.name == "wire"
    ]
    ((spec, profile),) = wire.devices
    opened = load_factory(wire.section.kind, profile.protocol)
    line = load_factory(wire.section.kind).line(wire.name, wire.section, clock)
    driver = opened.driver(line, spec, profile, clock)
    found = {}
    try:
        async with asyncio.timeout(60):
            await line.open()
            with contextlib.suppress(NoReply):  # who speaks by himself is known once he has spoken
                await driver.open()
            while not enough(found):
                try:
                    found |= {one.point: one for one in await driver.read() if one.quality is Quality.GOOD}
                except WireError:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(min(max(0.0, (driver.due_ns - clock.now_ns()) / 1e9), 0.2))
    finally:
        await line.close()
    return {point: one.value for point, one in found.items()}


def _is_right(profile):
    """Something was read, and what is wanted is what stands there; the sun comes up by a ramp."""
    *_, expected = CASES[profile]
    wanted = {f"a1.{quantity}": value for quantity, value in expected.items()}

    def is_right(found):
        return found and all(
            point in found and found[point].value == pytest.approx(value, abs=6)
            for point, value in wanted.items()
        )

    return is_right


# Meters on a line take seconds for what they say: all are listened to at once.
SLOW = [name for name, (bus, *_) in CASES.items() if "port" in bus and bus != RTU]


@pytest.mark.parametrize("profile", [name for name in CASES if name not in SLOW])
async def test_what_is_played_is_read_by_its_driver(profile, serve):
    building = await serve(_site(profile))

    assert await _read(building.folder / "site.toml", _is_right(profile))


async def test_every_meter_that_is_played_on_a_line_of_its_own_is_read_by_its_driver(tmp_path):
    assert SLOW, "no profile with a line of its own: nothing would be read here"

    async def read(place, profile):
        folder = tmp_path / str(place)
        folder.mkdir()
        async with serving(folder, _site(profile)) as building:
            return await _read(building.folder / "site.toml", _is_right(profile))

    found = await asyncio.gather(
        *(read(place, profile) for place, profile in enumerate(SLOW)), return_exceptions=True
    )

    assert [] == [
        (profile, one)
        for profile, one in zip(SLOW, found, strict=True)
        if not one or isinstance(one, BaseException)
    ]
