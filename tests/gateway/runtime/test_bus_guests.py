"""Others on a line take nothing from its bus but, now and then, the time of one request; counted on the wire."""

import asyncio
import contextlib
from ipaddress import ip_network

import structlog
from tests.gateway.virtual import VirtualClock

from quartier.runtime.bus.poll import Bus
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.sharing.client_limits import ClientTerms
from quartier_drivers.modbus.sharing.client_queue import ClientQueue
from quartier_drivers.modbus.sharing.client_requests import parse_request
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest
from quartier_drivers.registry import load_factory
from quartier_sim.modbus.quirk_servers import QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

VIRTUAL_TIME = True

SLOW_S = 0.03
ACME = """\
[profile]
protocol = "modbus"
maker = "Acme"
model = "Pump"
source = "made for this test"
[points.power_w]
register = "input:10"
scan = "fast"
[points.setpoint_w]
register = "holding:20"
scan = "fast"
write = { low = 0, high = 1000, on_release = "hold", confirm = "none" }
[scan]
fast = 1.0
"""
# Nobody of ours asks for these.
THEIRS = b"\x03\x00\x64\x00\x04"
OURS = (4, 6, 16)


class Wire(QuirkyTcpServer):
    """A slow device, which notes at each of their requests whether one of ours was due."""

    def __init__(self):
        super().__init__({1: make_plain_unit()}, make_quirk("late", seconds=SLOW_S))
        self.is_due = lambda: False
        self.heard = []
        self.passed_by = []

    def hear(self, unit, pdu, number=0):
        if pdu[0] in OURS:
            self.heard.append("ours")
            return super().hear(unit, pdu, number)
        self.heard.append("theirs")
        self.passed_by.append(self.is_due())
        return super().hear(unit, pdu, number)


class Greedy:
    """A client that asks again as soon as it is answered, and has several requests outstanding."""

    def __init__(self, queue, name, outstanding_count=4):
        self.queue = queue
        self.terms = ClientTerms(
            name, (ip_network("127.0.0.1"),), frozenset({1}), age_max_s=0.0, requests_per_s=10_000.0
        )
        self.answers = []
        self.is_over = False
        for _ in range(outstanding_count):
            self.ask()

    def ask(self):
        since_s = asyncio.get_running_loop().time()
        self.queue.offer(PendingRequest(parse_request(1, THEIRS), self.terms, since_s, self.given))

    def given(self, pdu, fate, _why):
        self.answers.append((pdu, fate))
        if not self.is_over:
            asyncio.get_running_loop().call_soon(self.ask)


@contextlib.asynccontextmanager
async def house(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/pump.toml").write_text(ACME)
    clock = VirtualClock()
    readings = []
    async with Wire() as wire:
        opened = load_factory("modbus-tcp")
        section = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=wire.port, timeout_s=2.0)
        line = opened.line("lan", section, clock)
        spec = DeviceSpec("pump", 1, {"": "pump"})
        driver = opened.driver(line, spec, loading.load_profile("acme/pump", [tmp_path]), clock)
        bus = Bus("lan", line, {"pump": driver}, clock, readings.append, structlog.testing.CapturingLogger())
        queue = bus.gaps.client_requests = ClientQueue(
            line, clock, lambda: bus.online, lambda _: False, {}, bus.mailbox.wake
        )
        wire.is_due = lambda: bus.mailbox.is_waiting or driver.due_ns <= clock.now_ns()
        task = asyncio.create_task(bus.run())
        try:
            yield bus, wire, queue, readings, clock
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()


async def until(condition):
    async with asyncio.timeout(60):  # only ends a test that has failed
        while not condition():  # noqa: ASYNC110 - nothing else shows it
            await asyncio.sleep(0.002)


async def test_ours_waits_for_one_request_of_theirs_at_most_and_loses_no_sample(tmp_path):
    async with house(tmp_path) as (bus, wire, queue, readings, _):
        await until(lambda: readings)
        clients = [Greedy(queue, name) for name in ("portal", "laptop", "box")]
        begun = len(readings)
        await until(lambda: len(readings) >= begun + 7)
        for client in clients:
            client.is_over = True

        runs = "".join("o" if one == "ours" else "t" for one in wire.heard)
        passed_by = iter(wire.passed_by)
        late = ["d" if one == "t" and next(passed_by) else one for one in runs]
        assert "dd" not in "".join(late), f"two of theirs went while one of ours was due: {''.join(late)}"
        assert 7 <= runs.count("t"), "they were served in the gaps"
        assert (0, 0) == (bus.counts["timeouts_count"], bus.counts["skipped_count"])
        assert 1 == wire.connections_count
        assert {(b"\x03\x08" + bytes([0, 100, 0, 101, 0, 102, 0, 103]), "wire")} == {
            answer for client in clients for answer in client.answers if answer[1] == "wire"
        }


async def test_each_of_them_has_its_turn(tmp_path):
    async with house(tmp_path) as (_, wire, queue, readings, _clock):
        await until(lambda: readings)
        greedy, modest = Greedy(queue, "greedy", 8), Greedy(queue, "modest", 1)
        await until(lambda: wire.heard.count("theirs") >= 12)
        greedy.is_over = modest.is_over = True

        counts = [sum(fate == "wire" for _, fate in one.answers) for one in (greedy, modest)]
        assert sum(counts) <= 4 * counts[1], (
            f"who has more outstanding is not answered so much more: {counts}"
        )


async def test_a_write_of_ours_comes_after_the_request_in_hand(tmp_path):
    async with house(tmp_path) as (bus, wire, queue, readings, clock):
        await until(lambda: readings)
        clients = [Greedy(queue, name) for name in ("portal", "laptop")]
        between = []
        for value in range(1, 9):
            theirs = wire.heard.count("theirs")
            await until(lambda before=theirs: wire.heard.count("theirs") > before)
            before, ours = len(wire.heard), bus.counts["requests_count"]
            bus.post(
                Command("pump.setpoint_w", float(value), clock.now_ns() + 60_000_000_000), clock.now_ns()
            )
            await until(lambda v=value: wire.units[1].tables["holding"][20] == v)
            end = next(at for at in range(before, len(wire.heard)) if wire.heard[at] == "ours")
            between.append(wire.heard[before:end].count("theirs"))
            assert bus.counts["requests_count"] > ours
        for client in clients:
            client.is_over = True

        assert max(between) <= 1, between


async def test_where_nobody_asks_the_bus_rests_as_ever(tmp_path):
    async with house(tmp_path) as (bus, wire, _, readings, clock):
        await until(lambda: len(readings) >= 3)
        looks = []
        serve = bus.gaps.client_requests.serve
        bus.gaps.client_requests.serve = lambda gap_ns: looks.append(gap_ns) or serve(gap_ns)
        begun, at_ns = len(readings), clock.now_ns()
        await until(lambda: len(readings) >= begun + 3)

        assert len(looks) <= 2 * (3 + (clock.now_ns() - at_ns) / 1e9)
        assert "theirs" not in wire.heard
