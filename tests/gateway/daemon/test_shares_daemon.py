"""A daemon that shares the one connection its device takes, with clients of other stacks: values, writes, what is shown."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from tests.gateway.daemon.conftest import SITE, Gateway, simulated

from quartier_bench.measured_process import read_memory_mib
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.quirk_servers import QuirkyTcpServer
from quartier_sim.modbus.quirks import make_quirk

pytestmark = [pytest.mark.daemon, pytest.mark.peer]
PEERS = Path(__file__).parents[2] / "peers"
SHARES = """\
shares.portal = {{ bus = "board", listen = "127.0.0.1:{port}", clients = ["127.0.0.1"], requests_per_s = 200, age_max_s = 0, connections_max = {most} }}
shares.laptop = {{ bus = "board", listen = "127.0.0.1:{port}", clients = ["127.0.0.9"], writes = ["3/coil:6"] }}
"""
METER, RELAYS = 1, 3
POWER = 52
READ = struct.pack(">HHHBBHH", 7, 0, 6, METER, 4, POWER, 2)
GROWN_MAX_MIB = 6.0
GOOD_COUNT, POLLS_COUNT = 30, 8
CONNECTIONS_MAX = 8
# A question at the desk, a connection that is turned away, a file that is saved, the cycle's timer.
MOMENTARY_MAX = 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def shared(tmp_path):
    """(gateway, the device that takes one client, the share's port); the daemon runs and polls it."""
    devices = simulated()
    units = devices["meter"].units | devices["relays"].units
    async with (
        await serve_tcp(devices["gx"]) as gx,
        QuirkyTcpServer(units, make_quirk("single-refuses")) as board,
    ):
        port = free_port()
        site = SITE.format(gx=gx.port, board=board.port) + SHARES.format(port=port, most=CONNECTIONS_MAX)
        gateway = Gateway(tmp_path, site, rate=10.0)
        gateway.fresh = True  # its memory is measured
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
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=60, retries=0)
    assert await client.connect()
    by_pymodbus = [
        (await client.read_input_registers(0, count=80, device_id=METER)).registers for _ in range(5)
    ]
    client.close()
    script = str(PEERS / "modbus_client.js")
    by_node = json.loads(await output("node", script, str(port), str(METER), '["input", 0, 80]'))
    by_mbpoll = await output(
        *("mbpoll", "-0", "-1", "-m", "tcp", "-o", "10", "-p", str(port), "-a", str(METER), "-t", "3:hex"),
        *("-r", "0", "-c", "80", "127.0.0.1"),
    )

    code, by_quartier, errors = await gateway.call(
        "read", "eastron/sdm630", f"tcp://127.0.0.1:{port}?unit={METER}&timeout_s=20"
    )
    assert code == 0, errors
    assert "power_w" in by_quartier

    assert [said] * 5 == by_pymodbus
    assert {"values": said} == by_node
    assert said == [int(line.split()[1], 16) for line in by_mbpoll.splitlines() if line.startswith("[")]
    assert 1 == board.connections_count, "nobody but the daemon ever came to the device"
    status = await gateway.ask()
    counts = shares(status)[0]["counts"]
    assert counts["requests"] == counts["wire"] > 7
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
    await gateway.until(lambda s: shares(s)[0]["connections"] == 0)
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
        await gateway.until(lambda s: shares(s)[0]["counts"]["absent"] == 1)
        await gateway.until(lambda s: s["control"]["grid"]["state"] == "good")


@contextlib.asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def storms(port):
    """Connects a thousand times a second and goes away."""
    while True:
        for _ in range(20):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            one.close()
        await asyncio.sleep(0.02)


async def floods(port):
    """Asks as fast as it can, hundreds at once, and takes what comes."""
    async with connected(port) as (reader, writer):
        while True:
            writer.write(READ * 200)
            await asyncio.gather(writer.drain(), reader.read(65536))


async def babbles(port):
    """Sends anything."""
    dice = random.Random(7)
    async with connected(port) as (_, writer):
        while True:
            writer.write(dice.randbytes(300))
            await writer.drain()
            await asyncio.sleep(0.01)


async def lies(port):
    """Promises the longest frame there is, and sends half of it a byte at a time."""
    async with connected(port) as (_, writer):
        writer.write(struct.pack(">HHHB", 1, 0, 254, METER))
        for _ in range(120):
            writer.write(b"\x10")
            await asyncio.sleep(0.05)


async def deaf(port):
    """Asks much and takes no answer."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", port))
        while True:
            await loop.sock_sendall(one, READ * 50)


async def forbidden(port):
    """Writes what it may not, and asks units that are not there."""
    async with connected(port) as (reader, writer):
        while True:
            for unit, pdu in ((METER, b"\x06\0\1\0\1"), (0, b"\x10\0\1\0\1\2\0\1"), (99, b"\3\0\0\0\1")):
                writer.write(struct.pack(">HHHB", 1, 0, len(pdu) + 1, unit) + pdu)
                await reader.readexactly(9)


async def again(attack, port):
    """It comes back whenever it is thrown out."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await attack(port)
        await asyncio.sleep(0.01)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count, not paths


async def test_every_attack_at_once_costs_neither_a_poll_nor_memory_nor_a_descriptor(shared):
    gateway, board, port = shared
    pid = gateway.process.pid
    said = direct(board, METER, 4, POWER, 2)
    before = await gateway.ask()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
    fds, memory = descriptors(pid), read_memory_mib(pid)
    attacks = [
        asyncio.create_task(again(attack, port))
        for attack in (floods, babbles, lies, deaf, forbidden, floods)
    ]
    await gateway.until(lambda s: shares(s)[0]["counts"]["busy"] and shares(s)[0]["counts"]["refused_writes"])
    attacks.append(asyncio.create_task(again(storms, port)))
    most_fds = fds
    polled = polls(before)
    try:
        good = 0
        while good < GOOD_COUNT or polls(await gateway.ask()) < polled + POLLS_COUNT:
            writer.write(READ)
            answer = await asyncio.wait_for(reader.readexactly(9), 60)
            if not answer[7] & 0x80:
                words = struct.unpack(">2H", await reader.readexactly(4))
                assert list(words) == said
                good += 1
            most_fds = max(most_fds, descriptors(pid))
            await asyncio.sleep(0.1)
    finally:
        for attack in attacks:
            attack.cancel()
        await asyncio.wait(attacks)
        writer.close()
    after = await gateway.until(
        lambda s: s["control"]["grid"]["state"] == "good" and all(one["online"] for one in s["buses"])
    )

    assert most_fds <= fds + CONNECTIONS_MAX + MOMENTARY_MAX
    assert read_memory_mib(pid) <= memory + GROWN_MAX_MIB
    bus = next(bus for bus in after["buses"] if bus["name"] == "board")
    assert (0, 0) == (bus["counts"]["timeouts_count"], bus["counts"]["rubbish_count"])
    assert 1 == board.connections_count


def polls(status):
    return status["cycles"]["count"]
