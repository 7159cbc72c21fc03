"""mbpoll reads every register of the rig's Modbus devices, over TCP and a serial line, and orders them; tshark reads along.

The addresses, types and scales are typed from the makers' pages once more: nothing of the devices' own encoding is used.
"""

import random
import re

import pytest
from tests.hil.sim.conftest import dissected, tapped, tapped_line

from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.modbus.energy_meters import Em24, Sdm630
from quartier_sim.modbus.io_boards import IoBoard, RelayBoard
from quartier_sim.modbus.keba_p30 import P30
from quartier_sim.modbus.plc import PLANT_MAPS, Plc
from quartier_sim.modbus.victron_gx import Gx

pytestmark = pytest.mark.peer
DEVICES = {
    "em24": Em24,
    "sdm630": Sdm630,
    "p30": P30,
    "gx": Gx,
    "relay8": RelayBoard,
    "io8": IoBoard,
    **{f"plc {kind}": lambda kind=kind: Plc(kind) for kind in PLANT_MAPS},
}
TCP_ALONE = ("em24", "gx", "p30")  # the makers have no serial port on these
KINDS = {"coil": "0", "discrete": "1", "input": "3:hex", "holding": "4:hex"}
PHASES = ("l1", "l2", "l3")
# Unit; then mbpoll's type, whether the high word comes first, address, and how much one unit of it is; by quantity.
LOW, HIGH = False, True
MAINS = {
    "em24": (
        1,
        {
            **{f"voltage_{phase}_v": ("4:int", LOW, 2 * at, 0.1) for at, phase in enumerate(PHASES)},
            **{f"current_{phase}_a": ("4:int", LOW, 0x0C + 2 * at, 0.001) for at, phase in enumerate(PHASES)},
            **{f"power_{phase}_w": ("4:int", LOW, 0x12 + 2 * at, 0.1) for at, phase in enumerate(PHASES)},
            "power_w": ("4:int", LOW, 0x28, 0.1),
            "frequency_hz": ("3:int16", LOW, 0x33, 0.1),
            "energy_import_wh": ("3:int", LOW, 0x34, 100.0),
            "energy_export_wh": ("3:int", LOW, 0x4E, 100.0),
        },
    ),
    "sdm630": (
        1,
        {
            **{f"voltage_{phase}_v": ("3:float", HIGH, 2 * at, 1.0) for at, phase in enumerate(PHASES)},
            **{f"current_{phase}_a": ("3:float", HIGH, 6 + 2 * at, 1.0) for at, phase in enumerate(PHASES)},
            **{f"power_{phase}_w": ("3:float", HIGH, 12 + 2 * at, 1.0) for at, phase in enumerate(PHASES)},
            "power_w": ("3:float", HIGH, 52, 1.0),
            "frequency_hz": ("3:float", HIGH, 70, 1.0),
            "energy_import_wh": ("3:float", HIGH, 72, 1_000.0),
            "energy_export_wh": ("3:float", HIGH, 74, 1_000.0),
        },
    ),
    "gx": (
        30,
        {
            **{f"grid.power_{phase}_w": ("4:int16", LOW, 2600 + at, 1.0) for at, phase in enumerate(PHASES)},
            **{
                f"grid.voltage_{phase}_v": ("4:int16", LOW, 2616 + 2 * at, 0.1)
                for at, phase in enumerate(PHASES)
            },
            **{
                f"grid.current_{phase}_a": ("4:int16", LOW, 2617 + 2 * at, 0.1)
                for at, phase in enumerate(PHASES)
            },
            "grid.energy_import_wh": ("4:int", HIGH, 2634, 10.0),
            "grid.energy_export_wh": ("4:int", HIGH, 2636, 10.0),
            "grid.frequency_hz": ("4:int16", LOW, 2644, 0.01),
        },
    ),
    "gx ": (
        100,
        {
            "battery.power_w": ("4:int16", LOW, 842, 1.0),
            "battery.soc_pct": ("4:int16", LOW, 843, 1.0),
            "battery.voltage_v": ("4:int16", LOW, 840, 0.1),
        },
    ),
    "p30": (
        255,
        {
            "power_w": ("4:int", HIGH, 1020, 0.001),
            "session_energy_wh": ("4:int", HIGH, 1502, 0.1),
            "energy_import_wh": ("4:int", HIGH, 1036, 0.1),
            **{
                f"current_{phase}_a": ("4:int", HIGH, 1008 + 2 * at, 0.001) for at, phase in enumerate(PHASES)
            },
            **{f"voltage_{phase}_v": ("4:int", HIGH, 1040 + 2 * at, 1.0) for at, phase in enumerate(PHASES)},
        },
    ),
    "plc lights": (
        1,
        {
            "power_w": ("3:int", HIGH, 0, 1.0),
            "failed_count": ("3", LOW, 4, 1.0),
            "lit_on": ("1", LOW, 0, 1.0),
        },
    ),
    "plc waste": (
        1,
        {"left_s": ("3", LOW, 4, 1.0), "waiting_on": ("1", LOW, 0, 1.0), "fans_on": ("1", LOW, 1, 1.0)},
    ),
    "plc substation": (
        1,
        {
            "energy_import_wh": ("3:int", HIGH, 2, 1.0),
            "supply_c": ("3:int16", LOW, 4, 0.1),
            "return_c": ("3:int16", LOW, 5, 0.1),
            "flow_m3_per_h": ("3", LOW, 6, 0.1),
            "speed_pct": ("3", LOW, 7, 0.1),
        },
    ),
    "plc heat": (1, {"tank_c": ("3:int16", LOW, 4, 0.1), "room_c": ("3:int16", LOW, 5, 0.1)}),
    "plc chp": (1, {"power_w": ("3:int", HIGH, 0, -1.0), "engine_on": ("1", LOW, 0, 1.0)}),
    "plc ventilation": (1, {"co2_ppm": ("3", LOW, 4, 1.0)}),
    "plc cooling": (1, {"room_c": ("3:int", HIGH, 2, 0.01)}),
    "plc load": (1, {"power_w": ("3:int", HIGH, 0, 1.0)}),
    "io8": (1, {f"in{at + 1}.input_on": ("1", LOW, at, 1.0) for at in range(8)}),
}
# What a quantity may be: a value in steps that every register can show.
RANGES = {
    "power": (-3_000, 3_000, 1.0),
    "voltage": (2_200, 2_400, 0.1),
    "current": (0, 300, 0.1),
    "frequency": (490, 510, 0.1),
    "energy": (0, 90_000, 1_000.0),
    "session": (0, 900, 100.0),
    "soc": (0, 100, 1.0),
    "on": (0, 1, 1.0),
}
DEFAULT_RANGE = (0, 100, 1.0)
OFFSETS = {"tank_c": -40.0, "supply_c": -40.0, "return_c": -40.0, "room_c": -40.0}


def drawn(quantity, dice):
    """A value that this quantity may have."""
    word = quantity.rsplit(".", 1)[-1]
    kind = "on" if word.endswith("_on") else word.split("_", 1)[0]
    low, high, step = RANGES.get(kind, DEFAULT_RANGE)
    return dice.randint(low, high) * step + OFFSETS.get(word, 0.0)


def wired(*rows):
    """Each row over TCP, and over a serial line where its device has one."""
    names = [row if isinstance(row, str) else row[0] for row in rows]
    return [
        pytest.param(*([row] if isinstance(row, str) else row), wire, id=f"{name} {place} {wire}")
        for place, (row, name) in enumerate(zip(rows, names, strict=True))
        for wire in (("tcp",) if name.strip() in TCP_ALONE else ("tcp", "pty"))
    ]


def served(endpoint_kind, device, folder):
    return serve_tcp(device) if endpoint_kind == "tcp" else serve_pty(device, folder / "line")


@pytest.mark.parametrize(("name", "wire"), wired(*MAINS))
async def test_each_quantity_reads_as_the_plant_told_it(poll, tmp_path, name, wire):
    dice = random.Random(name)
    unit, places = MAINS[name]
    told = {quantity: drawn(quantity, dice) for quantity in places}
    if name == "p30":  # it gives nothing back
        told["power_w"] = abs(told["power_w"])
    device = DEVICES[name.strip()]()
    device.publish({"plugged_on": 1.0, **told} if name == "p30" else told)
    if name == "p30":
        told = {key: round(value) if key.startswith("voltage") else value for key, value in told.items()}
    read = {}
    async with await served(wire, device, tmp_path) as endpoint:
        for quantity, (kind, high_first, address, one) in places.items():
            heard = await poll(endpoint, unit, kind, address, high_first=high_first)
            read[quantity] = float(heard.values[address]) * one

    assert told == pytest.approx(read, rel=1e-6, abs=1e-6)


def blocks(unit, table):
    """(address, count) of what may be asked for at once: the whole table, or each value where a device wants that."""
    if unit.single:
        return sorted((at, count) for kind, at, count in unit._values if kind == table)
    places, found = sorted(unit.tables[table]), []
    largest = min(unit.words_max, 100)
    for place in places:
        if found and place == sum(found[-1]) and found[-1][1] < largest:
            found[-1][1] += 1
        else:
            found.append([place, 1])
    return [tuple(block) for block in found]


def shown(table, word):
    return str(word) if table in ("coil", "discrete") else f"0x{word:04X}"


@pytest.mark.parametrize(("name", "wire"), wired(*DEVICES))
async def test_every_register_of_the_map_is_read_as_it_stands(poll, tmp_path, name, wire):
    device = DEVICES[name]()
    wrong, read_count = [], 0
    async with await served(wire, device, tmp_path) as endpoint:
        for number, unit in device.units.items():
            for table, kind in KINDS.items():
                if {"coil": 1, "discrete": 2, "holding": 3, "input": 4}[table] not in unit.functions:
                    continue
                for address, count in blocks(unit, table):
                    heard = (await poll(endpoint, number, kind, address, count=count)).values
                    words = enumerate(unit.get(table, address, count), address)
                    expected = {place: shown(table, word) for place, word in words}
                    read_count += len(heard)
                    wrong += [(number, table, expected, heard)] if expected != heard else []

    assert [] == wrong
    assert read_count >= sum(
        len(unit.tables[table]) for unit in device.units.values() for table in KINDS if _is_read(unit, table)
    )


def _is_read(unit, table):
    return {"coil": 1, "discrete": 2, "holding": 3, "input": 4}[table] in unit.functions


# Device, unit, mbpoll's type, address, what is written, what the device then does.
ORDERS = [
    ("p30", 255, "4", 5004, (13_500,), {"current_max_a": 13.5}),
    ("p30", 255, "4", 5014, (0,), {"current_max_a": 0.0}),
    ("gx", 227, "4:int16", 37, (-2_500,), {"battery.setpoint_w": -2_500.0, "grid.setpoint_w": 50.0}),
    ("gx", 227, "4:int", 96, (-40_000,), {"battery.setpoint_w": -40_000.0, "grid.setpoint_w": 50.0}),
    ("gx", 100, "4:int", 2716, (70_000,), {"battery.setpoint_w": 0.0, "grid.setpoint_w": 70_000.0}),
    ("relay8", 1, "0", 2, (1,), {f"relay{at}.relay_on": float(at == 3) for at in range(1, 9)}),
    (
        "relay8",
        1,
        "0",
        0,
        (1, 0, 1, 1),
        {f"relay{at}.relay_on": float(at in (1, 3, 4)) for at in range(1, 9)},
    ),
    ("io8", 1, "0", 7, (1,), {f"out{at}.relay_on": float(at == 8) for at in range(1, 9)}),
    ("plc lights", 1, "4", 10, (65,), {"dim_pct": 65.0}),
    ("plc waste", 1, "0", 0, (0,), {"run_on": 0.0}),
    ("plc substation", 1, "4", 10, (40,), {"pump_pct": 40.0}),
    ("plc heat", 1, "4", 10, (3,), {"sg_ready_state": 3.0}),
    ("plc chp", 1, "0", 0, (1,), {"request_on": 1.0}),
    ("plc ventilation", 1, "4", 10, (55,), {"speed_pct": 55.0}),
    ("plc cooling", 1, "4:int16", 0, (-25,), {"setpoint_shift_k": -2.5}),
    ("plc load", 1, "0", 0, (0,), {"relay_on": 0.0}),
]


@pytest.mark.parametrize(("name", "unit", "kind", "address", "written", "orders", "wire"), wired(*ORDERS))
async def test_an_order_acts_and_reads_back(poll, tmp_path, name, unit, kind, address, written, orders, wire):
    device = DEVICES[name]()
    async with await served(wire, device, tmp_path) as endpoint:
        said = (await poll(endpoint, unit, kind, address, write=written, high_first=HIGH)).said
        assert f"Written {len(written)} references." in said
        assert orders == device.orders()
        if name != "p30":  # whose orders cannot be read
            back = await poll(endpoint, unit, kind, address, count=len(written), high_first=HIGH)
            assert list(written) == [int(value) for value in back.values.values()]


@pytest.mark.parametrize(
    ("name", "unit", "kind", "address", "value", "says"),
    [
        ("p30", 255, "4", 5004, 3_000, "Illegal data value"),
        ("plc lights", 1, "4", 10, 20, "Illegal data value"),
        ("em24", 1, "4", 0, 1, "Illegal function"),
        ("io8", 1, "0", 8, 1, "Illegal data address"),
    ],
)
async def test_what_a_device_does_not_take_is_refused_by_name(poll, name, unit, kind, address, value, says):
    async with await serve_tcp(DEVICES[name]()) as endpoint:
        assert says in (await poll(endpoint, unit, kind, address, write=(value,))).said


async def asked(poll, tap, name):
    """A client that reads two values of each device, orders one, and orders what there is not."""
    unit = {"p30": 255, "gx": 227}.get(name, 1)
    kind, address, written = {
        "p30": ("4", 5004, (13_500,)),
        "gx": ("4:int16", 37, (-500,)),
        "relay8": ("0", 2, (1,)),
    }.get(name, ("4", 10, (65,)))
    first = {"p30": 1020, "gx": 12}.get(name, 0)
    await poll(tap, unit, kind.split(":")[0] if kind == "0" else "4", first, count=2)
    await poll(tap, unit, kind, address, write=written)
    await poll(tap, unit, "4", 60_000, write=(1,))


@pytest.mark.parametrize("name", ["p30", "gx", "relay8", "plc lights"])
async def test_tshark_finds_nothing_malformed_in_what_goes_over_tcp(poll, tmp_path, name):
    async with await serve_tcp(DEVICES[name]()) as endpoint, tapped(endpoint) as tap:
        await asked(poll, tap, name)
    text = dissected(tap.heard, tmp_path)

    assert 6 == len(tap.heard) == text.count("Modbus/TCP")
    assert 1 == text.count("Exception Code: Illegal data address")
    assert "Malformed" not in text


@pytest.mark.parametrize("name", ["relay8", "plc lights"])
async def test_tshark_finds_every_check_right_in_what_goes_over_a_line(poll, tmp_path, name):
    async with await serve_pty(DEVICES[name](), tmp_path / "line") as line, tapped_line(line) as tap:
        await asked(poll, tap, name)
    text = dissected(tap.heard, tmp_path, "-d", "tcp.port==502,mbrtu", "-o", "mbrtu.crc_verification:TRUE")

    assert 6 == len(tap.heard) == text.count("Modbus RTU")
    assert 6 == len(re.findall(r"CRC-16: .*\[correct\]", text)), text
    assert 1 == len(re.findall("Exception Code: Illegal", text))
    assert "Malformed" not in text
