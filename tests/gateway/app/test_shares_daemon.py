"""A daemon that shares the one connection its device takes, with clients of other stacks: values, writes, what is shown."""

import asyncio
import contextlib
import json
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from tests.gateway.app.conftest import SITE, Gateway, simulated

from quartier_hil.devices.endpoint import serve_tcp
from quartier_hil.devices.odd import quirk
from quartier_hil.devices.oddtcp import OddTcp

pytestmark = [pytest.mark.scenario, pytest.mark.peer]
PEERS = Path(__file__).parents[2] / "peers"
SHARES = """\
shares.portal = {{ bus = "board", listen = "127.0.0.1:{port}", clients = ["127.0.0.1"], requests_per_s = 200, age_max_s = 0 }}
shares.laptop = {{ bus = "board", listen = "127.0.0.1:{port}", clients = ["127.0.0.9"], writes = ["3/coil:6"] }}
"""
METER, RELAYS = 1, 3
POWER = 52


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def shared(tmp_path):
    """(gateway, the device that takes one client, the share's port); the daemon runs and polls it."""
    devices = simulated()
    units = devices["meter"].units | devices["relays"].units
    async with await serve_tcp(devices["gx"]) as gx, OddTcp(units, quirk("single-refuses")) as board:
        port = free_port()
        site = SITE.format(gx=gx.port, board=board.port) + SHARES.format(port=port)
        gateway = Gateway(tmp_path, site, rate=10.0)
        await gateway.start()
        await gateway.until(lambda s: shares(s) and all(one["listens"] for one in shares(s)))
        await gateway.until(lambda s: s["control"]["assets"]["boiler"]["quality"] == "good")
        try:
            yield gateway, board, port
        finally:
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()


def shares(status):
    return next(bus["shares"] for bus in status["buses"] if bus["name"] == "board")


def direct(board, unit, function, first, count):
    """What the device says to whom it talks to."""
    pdu = board.units[unit].answer(struct.pack(">BHH", function, first, count))
    return list(struct.unpack(f">{count}H", pdu[2:]))


async def output(*words):
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return (await asyncio.wait_for(process.communicate(), 60))[0].decode()


async def test_clients_of_three_stacks_read_what_the_device_says_over_its_one_connection(shared):
    gateway, board, port = shared
    for needed in ("node", "mbpoll"):
        assert shutil.which(needed), (
            f"{needed} is missing; apt-get install {needed.replace('node', 'nodejs')}"
        )
    await asyncio.to_thread(subprocess.run, [PEERS / "install.sh"], check=True, capture_output=True)
    said = direct(board, METER, 4, 0, 80)
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    assert await client.connect()
    by_pymodbus = [
        (await client.read_input_registers(0, count=80, device_id=METER)).registers for _ in range(5)
    ]
    client.close()
    script = str(PEERS / "modbus_client.js")
    by_node = json.loads(await output("node", script, str(port), str(METER), '["input", 0, 80]'))
    by_mbpoll = await output(
        *("mbpoll", "-0", "-1", "-m", "tcp", "-p", str(port), "-a", str(METER), "-t", "3:hex"),
        *("-r", "0", "-c", "80", "127.0.0.1"),
    )

    assert [said] * 5 == by_pymodbus
    assert {"values": said} == by_node
    assert said == [int(line.split()[1], 16) for line in by_mbpoll.splitlines() if line.startswith("[")]
    assert 1 == board.connections_count, "nobody but the daemon ever came to the device"
    status = await gateway.ask()
    counts = shares(status)[0]["counts"]
    assert (7, 7, 0) == (counts["requests"], counts["wire"], counts["refused"])
    bus = next(bus for bus in status["buses"] if bus["name"] == "board")
    assert 0 == bus["counts"]["timeouts_count"] == bus["counts"]["rubbish_count"]


async def test_who_may_not_write_is_refused_told_and_seen_and_who_may_is_in_the_ledger(shared):
    gateway, board, port = shared
    await asyncio.to_thread(subprocess.run, [PEERS / "install.sh"], check=True, capture_output=True)
    script = str(PEERS / "modbus_client.js")
    refused = await output("node", script, str(port), str(RELAYS), '["write", 6, 1]', '["coil", 0, 8]')
    assert ['{"error":1}'] == refused.splitlines()[:1]
    await gateway.until(lambda s: (s["alarms"]["newest"] or {}).get("code") == "share.write_refused")

    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
    for coil, answer in ((6, b"\x05\x00\x06\xff\x00"), (7, b"\x85\x02")):
        writer.write(struct.pack(">HHHBBHH", 1, 0, 6, RELAYS, 5, coil, 0xFF00))
        head = await reader.readexactly(7)
        assert answer == await reader.readexactly(head[5] - 1)
    writer.close()
    assert 1 == board.units[RELAYS].tables["coil"][6]
    code, why, errors = await gateway.call(
        *("why", "boiler", "--config", str(gateway.config), "--runtime-dir", str(gateway.runtime_dir)),
        *("--state-dir", str(gateway.state_dir), "--json"),
    )
    assert code == 0, errors
    row = next(row for row in json.loads(why)["rows"] if row["who"]["kind"] == "client")
    assert ("boiler.coil_6_index", 1.0, "done", "laptop", "127.0.0.9") == (
        row["point"],
        row["value"],
        row["outcome"],
        row["who"]["name"],
        row["who"]["id"],
    )
    _, shown, _ = await gateway.call("status", "--runtime-dir", str(gateway.runtime_dir))
    assert f"share portal of board at 127.0.0.1:{port}: nobody; asked 2 times" in " ".join(shown.split())


async def test_the_device_that_dies_is_answered_for_at_once_and_the_house_is_as_it_was(shared):
    gateway, board, port = shared
    board._server.close()
    for writer in list(board._writers):
        writer.transport.abort()
    await gateway.until(lambda s: not next(b for b in s["buses"] if b["name"] == "board")["online"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack(">HHHBBHH", 9, 0, 6, METER, 4, POWER, 2))

    assert b"\0\x09\0\0\0\3\1\x84\x0b" == await asyncio.wait_for(reader.readexactly(9), 60)
    with contextlib.closing(writer):
        status = await gateway.until(lambda s: shares(s)[0]["counts"]["absent"] == 1)
    assert "good" == status["control"]["grid"]["state"]
