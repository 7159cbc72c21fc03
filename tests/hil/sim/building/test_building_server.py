"""A served building under clients that are not ours: the sum at the grid, orders, timers, faults, a clean end."""

import asyncio
import json
import signal
import sys

import pytest
import serial
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from tests.hil.sim.building.conftest import SHOP

from quartier_sim.building.control_protocol import send_line

POWER, CURRENT = 0x0034, 5004
STEADY_W = 800.0 - 1800.0
"""Of the load and the sun; the relay is off, no car is here, the battery rests."""


@pytest.fixture
async def tcp():
    clients = []

    async def made(port, timeout_s=10):
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=timeout_s, retries=0)
        assert await client.connect()
        clients.append(client)
        return client

    yield made
    for client in clients:
        client.close()


@pytest.fixture
async def rtu():
    clients = []

    async def made(path):
        client = AsyncModbusSerialClient(str(path), baudrate=9600, timeout=10, retries=0)
        assert await client.connect()
        clients.append(client)
        return client

    yield made
    for client in clients:
        client.close()


async def _grid_w(client):
    answer = await client.read_input_registers(POWER, count=2, device_id=1)
    return client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)


async def test_the_grid_meter_on_the_serial_line_reads_the_sum_of_all(serve, rtu):
    building = await serve()
    line = await rtu(building.folder / "rs485")
    await building.until(lambda: abs(building.served.read_values()["grid.power_w"] - STEADY_W) < 1)
    assert STEADY_W == pytest.approx(await _grid_w(line), abs=1)

    await line.write_coil(0, value=True, device_id=3)
    await building.until(lambda: building.served.read_values()["boiler.power_w"] == 2000)
    assert STEADY_W + 2000 == pytest.approx(await _grid_w(line), abs=1)


async def test_a_current_that_a_foreign_controller_writes_acts_and_is_told(serve, tcp):
    building = await serve()
    await building.desk.obey("plug ev1 20000")
    charger = await tcp(building.port("charger_net"))
    await building.until(lambda: building.served.read_values()["ev1.power_w"] == 11_040)

    await charger.write_register(CURRENT, 8_000, device_id=255)
    await building.until(lambda: building.served.read_values()["ev1.power_w"] == 8 * 230 * 3)
    assert "charger  current_max_a  16 -> 8  written" in building.lines[-1]


async def test_the_timer_of_a_device_expires_by_itself_and_is_told(serve, tcp):
    building = await serve(rate=20.0)
    charger = await tcp(building.port("charger_net"))
    await charger.write_register(5018, 10, device_id=255)
    await charger.write_register(CURRENT, 8_000, device_id=255)
    await building.until(lambda: building.served.read_values()["charger.current_max_a"] == 0)

    assert "charger  current_max_a  8 -> 0  by itself" in building.lines[-1]


async def test_two_devices_share_an_endpoint_and_the_cap_of_one_acts(serve, tcp):
    building = await serve()
    lan = await tcp(building.port("lan"))
    for unit in (1, 2):
        answer = await lan.read_holding_registers(40000, count=2, device_id=unit)
        assert [0x5375, 0x6E53] == answer.registers

    assert {"bat1.setpoint_w", "pv1.generation_max_w"} <= building.served.read_values().keys()


async def test_a_linky_speaks_on_its_own_port(serve):
    building = await serve()
    with serial.Serial(str(building.folder / "tic"), 9600, timeout=0) as port:
        heard = b""
        async with asyncio.timeout(60):
            while b"SINSTS" not in heard:
                heard += port.read(4096)
                await building.served.wait_for_step()


async def test_a_fault_that_is_told_falls_and_is_over_when_it_is_cleared(serve, tcp):
    building = await serve()
    impatient = await tcp(building.port("charger_net"), timeout_s=0.5)
    await building.desk.obey("fault charger silent")
    with pytest.raises(Exception, match="No response"):
        await impatient.read_holding_registers(1020, count=2, device_id=255)

    await building.desk.obey("clear charger")
    charger = await tcp(building.port("charger_net"))
    assert not (await charger.read_holding_registers(1020, count=2, device_id=255)).isError()


async def test_a_pulled_adapter_is_gone_and_comes_back_under_its_name(serve):
    building = await serve()
    for bus in ("rs485", "tic"):
        assert (await building.desk.obey(f"pull {bus}")).ok
        assert not (building.folder / bus).exists()
        assert (await building.desk.obey(f"put {bus}")).ok
        assert (building.folder / bus).exists()


async def _process(folder, *words, stdin=asyncio.subprocess.DEVNULL):
    (folder / "site.toml").write_text(SHOP)
    steady = ("--load", "800", "--sun", "0", "--port-base", "0", "--folder", str(folder / "d"))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quartier_hil.cli", "devices", str(folder / "site.toml"), *steady, *words),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_cleanly_and_leaves_no_port_and_no_socket(number, tmp_path):
    process = await _process(tmp_path, "--json")
    served = json.loads(await process.stdout.readline())
    process.send_signal(number)
    said, errors = await asyncio.wait_for(process.communicate(), 60)

    assert {"rs485", "lan", "charger_net", "tic"} == {row["bus"] for row in served["served"]}
    assert [("pac", "devices.pac.profile")] == [(one["name"], one["key"]) for one in served["not_served"]]
    assert (0, b"") == (process.returncode, errors), said
    assert ["site.toml"] == [left.name for left in (tmp_path / "d").iterdir()]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("expect grid.power_w == 800 within=5\nquit\n", 0),
        ("expect grid.power_w > 900 within=1\nquit\n", 1),
        ("fault toaster off\nquit\n", 2),
        (
            "wait 1\nexpect bat1.soc_pct >= 50 for=1\nsoc bat1 20\nexpect bat1.soc_pct <= 20 within=2\nquit\n",
            0,
        ),
    ],
)
async def test_a_script_on_its_standard_input_ends_in_a_verdict(lines, code, tmp_path):
    process = await _process(tmp_path, stdin=asyncio.subprocess.PIPE)
    said, errors = await asyncio.wait_for(process.communicate(lines.encode()), 60)

    assert (code, b"") == (process.returncode, errors), said


async def test_it_is_told_things_from_another_process(serve):
    building = await serve()
    answer = await asyncio.to_thread(send_line, building.folder, "expect bat1.power_w == 0 within=1", 60.0)

    assert (True, False) == (answer["ok"], answer["failed"])
    assert any("expect bat1.power_w == 0" in line for line in building.lines)


@pytest.mark.peer
async def test_mbpoll_reads_the_sum_on_the_line_and_pulls_a_relay(serve):
    """libmodbus's client: the connection's power as a float, then coil 0 of the board."""
    building = await serve()
    line = str(building.folder / "rs485")
    await building.until(lambda: abs(building.served.read_values()["grid.power_w"] - STEADY_W) < 1)
    power = await _mbpoll("-a", "1", "-t", "3:float", "-B", "-r", str(POWER), line)
    assert STEADY_W == pytest.approx(float(power.rpartition("[52]:")[2].split()[0]), abs=1)

    assert "Written 1 references" in await _mbpoll("-a", "3", "-t", "0", "-r", "0", line, "--", "1")
    await building.until(lambda: building.served.read_values()["boiler.power_w"] == 2000)


async def _mbpoll(*words):
    process = await asyncio.create_subprocess_exec(
        *("mbpoll", "-0", "-1", "-m", "rtu", "-b", "9600", "-P", "none", "-o", "10", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await asyncio.wait_for(process.communicate(), 60))[0].decode()


async def test_who_reads_only_the_table_does_not_end_the_building(tmp_path):
    process = await _process(tmp_path)
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()
    answer = await asyncio.to_thread(send_line, tmp_path / "d", "plug ev1", 60.0)
    assert answer["ok"]
    assert (await asyncio.to_thread(send_line, tmp_path / "d", "expect ev1.plugged_on == 1 within=5", 60.0))[
        "ok"
    ]

    process.send_signal(signal.SIGTERM)
    assert 0 == await asyncio.wait_for(process.wait(), 60)
