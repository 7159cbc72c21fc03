"""The same line over either wire, with the servers of other stacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.modbus.conftest import Cable, HandClock, Start

from quartier_drivers.modbus import release_writes
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import Answer, Request, make_read, make_write
from quartier_drivers.modbus.release_writes import make_line, make_writes
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.modbus.write_requests import dump_write
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_pty, serve_tcp


@pytest.mark.peer
async def test_other_stacks_answer_over_tcp(
    stack: list[str], start: Start, free_port: int, clock: HandClock
) -> None:
    start([*stack, "tcp", str(free_port)])
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=free_port, timeout_s=5)

    await _conversation(make_line("net", bus, clock))


@pytest.mark.peer
async def test_other_stacks_answer_over_rtu(
    stack: list[str], start: Start, cable: Cable, clock: HandClock
) -> None:
    start([*stack, "rtu", cable.theirs])
    bus = RtuBus(kind="modbus-rtu", port=cable.ours, timeout_s=5)

    await _conversation(make_line("line", bus, clock))


async def _conversation(line: ModbusLine) -> None:
    async def read(table: str, start: int, count: int) -> tuple[int, ...]:
        return (await line.exchange(make_read(1, table, start, count))).values

    assert tuple(range(100, 225)) == await read("input", 100, 125)
    assert tuple(int(at % 3 == 0) for at in range(900)) == await read("coil", 0, 900)
    assert tuple(int(at % 2 == 0) for at in range(7, 20)) == await read("discrete", 7, 13)
    assert Answer(exception=2) == await line.exchange(make_read(1, "holding", 990, 20))
    for request in (
        make_write(1, "holding", 5, (0xBEEF,)),
        make_write(1, "holding", 6, (1, 2, 3)),
        make_write(1, "coil", 1, (1,)),
        make_write(1, "coil", 2, (1, 0, 1)),
    ):
        assert request.values == (await line.exchange(request)).values
    assert (0xBEEF, 1, 2, 3) == await read("holding", 5, 4)
    assert (1, 1, 1, 0, 1) == await read("coil", 0, 5)
    await line.close()


def coil(point, unit, address, value=1):
    return {"point": point, "unit": unit, "function": 5, "address": address, "values": [value]}


async def made(writes):
    """Make the writes on a board of eight relays at unit 3; returns (board, failures)."""
    board = catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(board) as endpoint:
        bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=endpoint.port, timeout_s=0.5)
        line = TcpLine("release", bus, LoopClock())
        failures = await make_writes(line, writes)
        await line.close()
    return board, failures


async def test_every_write_is_made_in_its_order():
    board, failures = await made(
        [coil("a.relay_on", 3, 0), coil("b.relay_on", 3, 1), coil("a.relay_on", 3, 0, 0)]
    )

    assert ([], 0.0, 1.0) == (failures, board.orders()["relay1.relay_on"], board.orders()["relay2.relay_on"])


async def test_the_other_writes_of_a_silent_unit_wait_for_those_that_answer():
    _, failures = await made([coil(f"dead{n}", 7, n) for n in range(3)] + [coil("bad", 3, 99)])

    assert ["dead0", "bad", "dead1", "dead2"] == [failure.partition(":")[0] for failure in failures]


async def test_what_the_device_refuses_is_named():
    _, failures = await made([coil("a.relay_on", 3, 99), coil("b.relay_on", 3, 1)])

    assert ["a.relay_on: illegal data address"] == [failure.lower() for failure in failures]


HEAVY = (
    *("pydantic", "pymodbus", "ssl"),
    *(f"quartier_drivers.{name}" for name in ("device_profile.loading", "device_profile.schema", "contract")),
)
SOURCES = os.pathsep.join(str(Path(__file__).parents[3] / name) for name in ("drivers", "native"))
OFF = dump_write("relay1.relay_on", Request(3, 5, 0, 1, (0,)))


@pytest.mark.parametrize("model", [TcpBus, RtuBus])
def test_what_a_section_leaves_out_is_what_the_model_says(model):
    fields = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    kind = {TcpBus: "modbus-tcp", RtuBus: "modbus-rtu"}[model]

    assert {name: field.default for name, field in fields.items()} == dict(
        release_writes.SECTION_DEFAULTS[kind]
    )


@pytest.mark.parametrize("more", [{}, {"timeout_s": 0.5, "retries_count": 0, "pause_s": 0.0}])
async def test_a_value_reaches_its_device_by_a_section_of_ours_or_of_an_older_version(tmp_path, more):
    relays = catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(relays) as tcp:
        section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": tcp.port, **more}

        assert [] == await release_writes.write_release(section, [OFF])
        assert 1 == relays.writes_count

    async with await serve_pty(relays, tmp_path / "line"):
        section = {"kind": "modbus-rtu", "port": str(tmp_path / "line"), **more}

        assert [] == await release_writes.write_release(section, [OFF])
        assert 2 == relays.writes_count


async def test_a_line_that_cannot_be_opened_fails_each_write_once(tmp_path):
    section = {"kind": "modbus-rtu", "port": str(tmp_path / "gone")}
    failures = await release_writes.write_release(section, [OFF, OFF])

    assert 2 == len(failures)
    assert all(line.startswith("relay1.relay_on: ") for line in failures)
    with pytest.raises(KeyError):
        await release_writes.write_release({"kind": "carrier-pigeon"}, [OFF])


def test_it_brings_no_models_no_profiles_no_contract_and_no_tls():
    code = "import sys; sys.modules['ssl'] = None; from quartier_drivers.modbus import release_writes; from quartier_drivers.modbus.wire import tcp_line, serial_line"
    code += f"; print([m for m in {HEAVY!r} if sys.modules.get(m)])"
    env = {**os.environ, "PYTHONPATH": SOURCES}
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)

    assert "[]" == seen.stdout.strip()
