"""300 points of 12 BACnet devices behind a router that is killed, frozen and restarted again and again under a daemon.

Each way once in CI; fifty times each, at real time, with ``QUARTIER_RETURNS=full``.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tests.gateway.daemon.conftest import Gateway

from quartier.runtime.local_socket.questions import NoDaemon
from quartier_bench.measured_process import Process, find_python_path
from quartier_sim.modbus.endpoints import find_free_port

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

# "full" is fifty; a number is so many.
ASKED = os.environ.get("QUARTIER_RETURNS", "")
FULL = bool(ASKED)
TIMES = (int(ASKED) if ASKED.isdecimal() else 50) if FULL else 1
RATE = 1.0 if FULL else 10.0
TIMEOUT_S = 0.5 if FULL else 0.1  # real seconds at every rate
DEVICES, SENSORS = 12, 24  # and the power of each: 300 points
POINTS = DEVICES * (SENSORS + 1)
BACK_S = 10.0
GROWTH_KB = 4_000
DESCRIPTORS_SPAN = 3  # a page of history that is being written, an answer of the desk
SILENT_S = 15.0  # spec/failsafe.md#device-silent: three polls, at least 15 s
PATIENCE_S = 120.0  # only ends a test that has failed
ROUTER = "127.0.0.1"
HEAD = """\
site = {{ id = "b012", district = "issy", simulated = true, profiles = ["{profiles}"] }}
limits = {{ contract_import_w = 12000, contract_export_w = 6000 }}
buses.net = {{ kind = "bacnet-ip", interface = "127.0.0.2", port = {port}, timeout_s = {timeout_s}, retries_count = 0 }}
"""
DEVICE = """\
devices.room{number} = {{ bus = "net", profile = "peer/room", address = "2001:{number}@127.0.0.1:{port}" }}
assets.{asset} = {{ device = "room{number}", {role} }}
"""
LOAD = 'role = "load", tier = "A", rated_w = 2000'
PROFILE = '[profile]\nprotocol = "bacnet"\nmaker = "Peer"\nmodel = "room"\nsource = "the rig"\n'


def profile_text():
    rows = ['[points.power_w]\nobject = "analog-input:1"\nscan = "fast"\n']
    rows += [
        f'[points.room{n}_c]\nobject = "analog-input:{n}"\nscan = "fast"\n' for n in range(2, SENSORS + 2)
    ]
    return PROFILE + "".join(rows)


def device(number, port):
    """The first room's meter stands for that of the connection: a site has to have one."""
    role = (
        {"asset": "grid", "role": 'role = "grid"'}
        if number == 1
        else {"asset": f"load{number}", "role": LOAD}
    )
    return DEVICE.format(number=number, port=port, **role)


def is_of_a_room(point):
    return point["point"].startswith(("grid.", "load")) and point["address"]


class Router:
    """The rig's devices in a process that can be killed, frozen and started anew on the same port."""

    def __init__(self, folder):
        self.folder = folder
        self.port = find_free_port()
        sizes = (1476, 480, 206)
        stations = [
            {
                "instance": 300 + mac,
                "network": 2001,
                "mac": mac,
                "sensors_count": SENSORS,
                "apdu_max": sizes[mac % 3],
            }
            for mac in range(1, DEVICES + 1)
        ]
        (folder / "plan.json").write_text(json.dumps({"port": self.port, "stations": stations}))
        self.process = None

    def start(self):
        argv = [sys.executable, "-m", "quartier_sim.bacnet.program", str(self.folder / "plan.json")]
        self.process = Process(
            argv, self.folder / "router.log", env={"PYTHONPATH": find_python_path()}, talks=True
        )
        assert f"ready {self.port}" == self.process.line()

    def tell(self, number):
        os.kill(self.process.pid, number)

    def end(self, number=signal.SIGKILL):
        process, self.process = self.process, None
        if process is not None:
            process.end(number)


class Watch:
    """What the daemon's desk says of the 300 points, again and again."""

    def __init__(self, gateway):
        self.gateway = gateway

    async def until(self, condition):
        """House seconds until ``condition`` holds for the rooms' points."""
        began_s = time.monotonic()
        while True:
            assert self.gateway.process.returncode is None, self.gateway.log()[-2000:]
            with contextlib.suppress(NoDaemon):
                points = [one for one in await self.gateway.ask("points") if is_of_a_room(one)]
                if len(points) == POINTS and condition(points):
                    return (time.monotonic() - began_s) * RATE
            assert time.monotonic() < began_s + PATIENCE_S, (
                f"it never came; the log ends:\n{self.gateway.log()[-2000:]}"
            )
            await asyncio.sleep(0.05)


def fresh(points):
    return all(one["quality"] == "good" and one["age_s"] < BACK_S for one in points)


def gone(points):
    return all(one["quality"] != "good" for one in points)


def weighed(pid):
    """Resident kB and open descriptors of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kilobytes, len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.fixture
async def building(tmp_path):
    router = Router(tmp_path)
    profiles = tmp_path / "profiles"
    (profiles / "peer").mkdir(parents=True)
    (profiles / "peer" / "room.toml").write_text(profile_text())
    devices = "".join(device(mac, router.port) for mac in range(1, DEVICES + 1))
    gateway = Gateway(
        tmp_path, HEAD.format(profiles=profiles, port=router.port, timeout_s=TIMEOUT_S) + devices, RATE
    )
    router.start()
    await gateway.start()
    yield router, gateway, Watch(gateway)
    router.end()
    if gateway.process.returncode is None:
        gateway.process.kill()
        await gateway.process.wait()


async def test_values_age_while_the_router_is_away_and_are_fresh_soon_after_it_is_back(building, tmp_path):
    router, gateway, watch = building
    await watch.until(fresh)
    stale_s, back_s, weights = [], [], []
    for _ in range(TIMES):
        for way in ("killed", "frozen", "restarted"):
            if way == "frozen":
                router.tell(signal.SIGSTOP)
            else:
                router.end(signal.SIGKILL if way == "killed" else signal.SIGTERM)
            stale_s.append(await watch.until(gone))
            if way == "frozen":
                router.tell(signal.SIGCONT)
            else:
                router.start()
            back_s.append(await watch.until(fresh))
        weights.append(weighed(gateway.process.pid))
    (tmp_path / "returns.json").write_text(
        json.dumps({"stale_s": stale_s, "back_s": back_s, "weights": weights})
    )

    assert None is gateway.process.returncode
    assert abs(weights[-1][1] - weights[0][1]) <= DESCRIPTORS_SPAN
    assert weights[-1][0] - weights[0][0] < GROWTH_KB
    if FULL:  # at another rate the machine's time counts ten times
        assert max(back_s) < BACK_S
        assert max(stale_s) < SILENT_S + 5.0
    assert 0 == await gateway.stop()
