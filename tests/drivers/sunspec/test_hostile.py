"""Whatever a device answers, it costs a bounded number of requests and nothing but the errors of the wire."""

import asyncio
import contextlib
import random

import pytest
from tests.drivers.modbus.conftest import tcp
from tests.drivers.sunspec.conftest import MARKER, chain_of

from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import WireError
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.sunspec import reader
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_pty
from quartier_sim.sunspec.battery_inverter import BatteryInverter

S = 1_000_000_000
NUMBERS = (
    1,
    101,
    103,
    113,
    120,
    121,
    123,
    124,
    160,
    203,
    701,
    702,
    704,
    707,
    713,
    714,
    715,
    802,
    803,
    64999,
    0,
)
EDGES = (0, 1, 2, 3, 10, 100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)


def odd_map(chance: random.Random) -> dict[int, int]:
    """Models in any order, with lengths and contents as they come, and holes."""
    words = list(MARKER)
    for _ in range(chance.randrange(1, 14)):
        length = chance.choice((0, 1, 5, 24, 26, 44, 50, 66, 153, chance.randrange(400)))
        words += [chance.choice(NUMBERS), length if chance.random() < 0.95 else 0xFFF0]
        words += [
            chance.choice(EDGES) if chance.random() < 0.8 else chance.randrange(65536) for _ in range(length)
        ]
    words += chance.choice(([0xFFFF, 0], [0xFFFF], [], [1]))
    base = chance.choice((40000, 40000, 0, 50000))
    return {at: word for at, word in enumerate(words, base) if at < 65536 and chance.random() < 0.999}


@pytest.mark.parametrize("seed", range(60))
async def test_an_odd_map_is_read_steered_and_left(inverter, clock, seed):
    chance = random.Random(seed)
    inverter.words, inverter.longest = odd_map(chance), chance.choice((125, 125, 50, 10, 1))
    answer = inverter.answer

    def answers(asked):
        kind = chance.random()
        if kind < 0.02:
            return tcp(
                asked.number, asked.unit, bytes([asked.pdu[0] | 0x80, chance.choice((1, 2, 3, 4, 10, 11))])
            )
        return answer(asked)

    inverter.server.script = [answers]
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.1, retries_count=0
    )
    factory = registry.load_factory("modbus-tcp", "sunspec")
    line = factory.line("lan", bus, clock)
    loaded = loading.load_profile(
        chance.choice(("sunspec/battery", "sunspec/pv", "sunspec/hybrid", "fronius/gen24"))
    )
    spec = DeviceSpec("d", 1, {part: part or "d" for part in loaded.parts}, {}, {"d.generation_max_w": 500.0})
    driver = factory.driver(line, spec, loaded, clock)
    points = [point for point, info in driver.points.items() if info.writable]
    for step in range(40):
        clock.move(2)
        try:
            if step % 7 == 0:
                await driver.open()
            elif step % 7 == 3:
                await driver.write(
                    Command(chance.choice(points), chance.uniform(-3000, 9000), clock.now_ns() + S)
                )
            elif step % 7 == 5:
                await driver.arm(writes=True)
            else:
                await driver.read()
        except WireError:
            pass
        driver.releases()
        assert driver.due_ns <= clock.now_ns() + 120 * S
    with contextlib.suppress(WireError):
        await driver.release()
    await line.close()

    assert len(inverter.server.asked) < 9000


@pytest.mark.parametrize("seed", range(20))
async def test_an_odd_map_is_told_whole(inverter, seed):
    chance = random.Random(1000 + seed)
    inverter.words = odd_map(chance)

    try:
        told = await asyncio.to_thread(
            reader.read_all, f"tcp://127.0.0.1:{inverter.server.port}?timeout_s=5&retries_count=0"
        )
    except WireError:
        return

    assert all(chapter.found.end <= 65536 for chapter in told.models)


async def test_a_device_that_answers_everything_with_the_marker_is_no_endless_chain(inverter):
    def always(asked):
        count = int.from_bytes(asked.pdu[3:5], "big")
        data = b"".join(word.to_bytes(2, "big") for word in (MARKER * 63)[:count])
        return tcp(asked.number, asked.unit, bytes([asked.pdu[0], len(data)]) + data)

    inverter.server.script = [always]

    told = await asyncio.to_thread(
        reader.read_all, f"tcp://127.0.0.1:{inverter.server.port}?timeout_s=5&retries_count=0"
    )

    assert told.faults
    assert len(inverter.server.asked) < 2000


async def test_plain_devices_and_devices_of_models_share_a_serial_line(clock, tmp_path):
    meter, battery = catalog.make_device("eastron/sdm630", unit=1), BatteryInverter("1xx", unit=2)
    meter.publish({"power_w": 1234.5})
    battery.publish({"power_w": -800.0, "soc_pct": 41.0})
    endpoint = await serve_pty([meter, battery], tmp_path / "line")
    bus = RtuBus(kind="modbus-rtu", port=str(tmp_path / "line"), baud=115200, timeout_s=5.0)
    line = registry.load_factory("modbus-rtu").line("line", bus, clock)
    plain = registry.load_factory("modbus-rtu", "modbus").driver(
        line, DeviceSpec("meter", 1, {"": "grid"}), loading.load_profile("eastron/sdm630"), clock
    )
    models = registry.load_factory("modbus-rtu", "sunspec").driver(
        line, DeviceSpec("inverter", 2, {"": "bat1"}), loading.load_profile("sunspec/battery"), clock
    )
    found = {}
    await line.open()
    for driver in (plain, models):
        await driver.open()
    for _ in range(30):
        for driver in (plain, models):
            found |= {one.point: one.value for one in await driver.read()}
    await models.write(Command("bat1.setpoint_w", -500.0, clock.now_ns() + 20 * S))

    assert 1234.5 == found["grid.power_w"]
    assert (-800.0, 41.0) == (found["bat1.power_w"], found["bat1.soc_pct"])
    assert -500.0 == battery.orders()["setpoint_w"]
    await line.close()
    await endpoint.close()


async def test_a_dead_device_is_given_up_within_its_time_outs(inverter, clock):
    inverter.silent = set(range(65536))
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.05, retries_count=2
    )
    factory = registry.load_factory("modbus-tcp", "sunspec")
    line = factory.line("lan", bus, clock)
    driver = factory.driver(line, DeviceSpec("d", 1, {"": "d"}), loading.load_profile("sunspec/pv"), clock)
    for _ in range(4):
        with pytest.raises(WireError):
            await driver.open()

    assert 6 >= len(inverter.blocks)
    inverter.silent, inverter.words = set(), chain_of([{"ID": 1, "Mn": "a"}, {"ID": 103, "W": 5, "W_SF": 0}])
    for _ in range(3):
        try:
            await driver.open()
        except WireError:
            continue
    assert [] == list(driver.releases())
    await line.close()
