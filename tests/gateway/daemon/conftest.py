"""A small house on real wires: with a daemon of its own process, or its rooms in ours."""

import asyncio
import contextlib
import os
import signal
import sys
import time

import pytest
import structlog
from tests.gateway import forked
from tests.gateway.virtual import find_end_s, make_clock, pick_poll_interval_s

from quartier.config import loading
from quartier.daemon.assembly import bus_specs
from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.gateway_parts import GatewayParts
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Command
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

DEADLINE_S = 120.0
LOOK_MIN_S, LOOK_MAX_S, LOOK_GROWTH = 0.01, 0.1, 1.1
SOURCES = forked.SOURCES

# Time-outs are real: whoever stands still for a moment on a busy machine has not fallen silent.
SITE = """\
site = {{ id = "b012", district = "issy", simulated = true }}
limits = {{ contract_import_w = 12000, contract_export_w = 6000 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {gx}, timeout_s = 2.0 }}
buses.board = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {board}, timeout_s = 2.0 }}
devices.gx = {{ bus = "lan", profile = "victron/gx", unit = 227 }}
devices.relays = {{ bus = "board", profile = "waveshare/relay8", unit = 3 }}
devices.meter = {{ bus = "board", profile = "eastron/sdm630", unit = 1 }}
assets.grid = {{ role = "grid", device = "gx", part = "grid" }}
assets.bat1 = {{ role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }}
assets.boiler = {{ role = "load", device = "meter", tier = "C", rated_w = 2000, switch_device = "relays", switch_part = "relay1", accept_no_fallback = "the board has no watchdog, a boiler bears that" }}
"""


class Gateway:
    """The daemon as systemd sees it: a process, its socket, its exit code.

    At its rate a meter is lost for who stands still for more than a second, as a busy machine does.
    With ``fresh`` each process is an interpreter of its own, as at a customer's; else it is forked.
    """

    def __init__(self, folder, site, rate=8.0, origin_s=None):
        self.folder = folder
        self.config = folder / "site.toml"
        self.config.write_text(site)
        self.runtime_dir = folder / "run"
        self.state_dir = folder / "state"
        self.rate = rate
        self.fresh = False
        self.origin_s = origin_s  # with it a daemon that starts again goes on in step
        self.process = None

    def command(self, *words):
        return [sys.executable, "-m", "quartier.cli", *words]

    @property
    def environment(self):
        origin = "" if self.origin_s is None else f",origin={self.origin_s:.3f}"
        clock = {"QUARTIER_CLOCK": f"rate={self.rate}{origin}"} if self.rate != 1 else {}
        return {**os.environ, "PYTHONPATH": SOURCES, **clock}

    async def start(self):
        words = (
            *("run", "--config", str(self.config), "--log", "json"),
            *("--runtime-dir", str(self.runtime_dir), "--state-dir", str(self.state_dir)),
        )
        log = self.folder / "daemon.log"
        if not self.fresh:
            self.process = forked.start_with_log(words, self.environment, log)
            return
        with log.open("ab") as file:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(*words), env=self.environment, stderr=file
            )

    async def call(self, *words):
        """Run one command of ours; returns (exit code, output, errors)."""
        if not self.fresh:
            return await forked.run(words, self.environment, DEADLINE_S)
        process = await asyncio.create_subprocess_exec(
            *self.command(*words),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        return process.returncode, out.decode(), err.decode()

    async def ask(self, what="status"):
        return await asyncio.to_thread(ask, self.runtime_dir, what)

    async def until(self, condition):
        """Ask for the status until ``condition`` holds; the deadline only ends a test that has failed."""
        end_s = time.monotonic() + DEADLINE_S
        pause_s = LOOK_MIN_S
        while True:
            assert self.process.returncode is None, self.log()[-2000:]
            with contextlib.suppress(NoDaemon):
                status = await self.ask()
                if status["control"] and condition(status):
                    return status
            assert time.monotonic() < end_s, f"it never came; the log ends:\n{self.log()[-2000:]}"
            # Each answer costs the daemon more than a cycle: who waits long asks less often.
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * LOOK_GROWTH, LOOK_MAX_S)

    def log(self):
        return (self.folder / "daemon.log").read_text()

    async def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), DEADLINE_S)


def simulated():
    gx = catalog.make_device("victron/gx")
    relays, meter = (
        catalog.make_device("waveshare/relay8", unit=3),
        catalog.make_device("eastron/sdm630", unit=1),
    )
    gx.publish(
        {"grid.power_w": 3000.0, "grid.voltage_l1_v": 230.0, "battery.power_w": 0.0, "battery.soc_pct": 60.0}
    )
    meter.publish({"power_w": 1500.0})
    return {
        "gx": gx,
        "relays": relays,
        "meter": meter,
        "inputs": catalog.make_device("waveshare/io8", unit=4),
    }


def lit(devices):
    """Let the boiler run: its relay need not be closed staged, which a machine that stands still puts off."""
    devices["relays"].units[3].put("coil", 0, [1])


@pytest.fixture
async def house(tmp_path):
    """(gateway, devices by name); the gateway is not started yet."""
    devices = simulated()
    board = [devices["relays"], devices["meter"], devices["inputs"]]
    async with await serve_tcp(devices["gx"]) as first, await serve_tcp(board) as second:
        gateway = Gateway(tmp_path, SITE.format(gx=first.port, board=second.port))
        yield gateway, devices
        if gateway.process is not None and gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.wait()


class Yard:
    """A fleet in this process on real wires; what it delivers lands in an image."""

    def __init__(self, folder, template, ports, group, rate):
        self.folder = folder
        self.template = template
        self.ports = ports
        self.rate = rate
        self.clock = make_clock(rate)
        self.log = structlog.testing.CapturingLogger()
        self.image = ProcessImage()
        self.bug = lambda _readings: None
        self.fleet = BusManager(group, self.clock, self.deliver, self.log)

    def parts(self, store):
        """The parts of this gateway, with its history."""
        return GatewayParts(clock=self.clock, image=self.image, fleet=self.fleet, store=store, log=self.log)

    def deliver(self, readings):
        self.bug(readings)
        self.image.put(readings)

    def read(self, *changes):
        """The site file with (old, new) replaced, as the daemon loads it."""
        text = self.template.format(**self.ports)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "site.toml"
        path.write_text(text)
        return loading.load_site_leniently(path)

    async def follow(self, *changes):
        loaded = self.read(*changes)
        await self.fleet.follow(bus_specs.make_bus_specs(loaded))
        return loaded

    def command(self, point, value, valid_s=600.0):
        now_ns = self.clock.now_ns()
        self.fleet.post([Command(point, value, now_ns + int(valid_s * 1e9), "a test")], now_ns)

    @property
    def buses(self):
        return {bus.name: bus for bus in self.fleet.buses}

    def seen(self, point):
        """The last value read, None before."""
        found = self.image.freeze(self.clock.now_ns()).get(point)
        return None if found is None else found.value

    def said(self, event):
        return [call.kwargs for call in self.log.calls if call.args == (event,)]

    async def until(self, condition):
        loop, end_s = asyncio.get_running_loop(), find_end_s(DEADLINE_S, self.rate)
        while not condition():
            assert loop.time() < end_s, f"it never came; the log: {self.log.calls}"
            await asyncio.sleep(pick_poll_interval_s(0.002))


@pytest.fixture
def yard(tmp_path):
    """``async with yard(rate=…) as (yard, devices)``; nothing is polled before ``follow``."""

    @contextlib.asynccontextmanager
    async def opened(rate=60.0):
        devices = simulated()
        async with (
            await serve_tcp(devices["gx"]) as lan,
            await serve_tcp([devices["relays"], devices["meter"], devices["inputs"]]) as board,
            asyncio.TaskGroup() as group,
        ):
            made = Yard(tmp_path, SITE, {"gx": lan.port, "board": board.port}, group, rate)
            try:
                yield made, devices
            finally:
                await made.fleet.leave()

    return opened
