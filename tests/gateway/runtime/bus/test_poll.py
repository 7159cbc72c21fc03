"""The bus task against simulated meters on real wires; house time runs fast so that minutes pass."""

import asyncio
import contextlib

import structlog
from tests.gateway.virtual import find_end_s, make_clock, pick_poll_interval_s

from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier.runtime.bus import poll
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import NO_READINGS, Quality
from quartier_drivers.registry import load_factory
from quartier_drivers.transport.frame_recorder import FrameRecorder
from quartier_hil.replay.playback import TcpReplay
from quartier_hil.replay.recording import read_recording
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

DEADLINE_S = 60.0
VIRTUAL_TIME = True


class House:
    """Meters on one TCP endpoint and the bus that reads them."""

    def __init__(self, port, devices, *, rate=20.0, profiles=None):
        self.rate = rate
        self.clock = make_clock(rate)
        self.log = structlog.testing.CapturingLogger()
        self.latest = {}
        self.counts = {}
        opened = load_factory("modbus-tcp")
        timeout_s = 0.05 if self.clock.rate > 1 else 1.0
        section = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=timeout_s, retries_count=0)
        line = opened.line("lan", section, self.clock)
        known = profiles or {}
        drivers = {
            name: opened.driver(
                line,
                DeviceSpec(name, unit, {part: name}),
                known.get(name) or loading.load_profile(kind),
                self.clock,
            )
            for name, (unit, kind, part) in devices.items()
        }
        self.fallbacks = KnownFallbacks()
        self.bus = Bus("lan", line, drivers, self.clock, self.take, self.log, fallbacks=self.fallbacks)

    def take(self, readings):
        for reading in readings:
            self.latest[reading.point] = reading
            self.counts[reading.point] = self.counts.get(reading.point, 0) + 1

    def said(self, event):
        return [call.kwargs for call in self.log.calls if call.args == (event,)]

    async def until(self, condition):
        """Let the loop run until ``condition`` holds; the deadline only ends a test that has failed."""
        loop, end_s = asyncio.get_running_loop(), find_end_s(DEADLINE_S, self.rate)
        while not condition():
            assert loop.time() < end_s, "it never came"
            await asyncio.sleep(pick_poll_interval_s(0.002))


@contextlib.asynccontextmanager
async def running(devices, front=None, simulated=None, **options):
    kinds = simulated or {}
    simulated = {
        name: catalog.make_device(kinds.get(name, kind), unit=unit)
        if unit != 255
        else catalog.make_device(kind)
        for name, (unit, kind, _) in devices.items()
    }
    async with contextlib.AsyncExitStack() as stack:
        port = (await stack.enter_async_context(await serve_tcp(list(simulated.values())))).port
        if front is not None:
            port = await stack.enter_async_context(front(port))
        house = House(port, devices, **options)
        house.task = asyncio.create_task(house.bus.run())
        try:
            yield house, simulated
        finally:
            house.task.cancel()
            await asyncio.wait([house.task])
            assert house.task.cancelled(), house.task.exception()


METERS = {"m1": (1, "eastron/sdm630", ""), "m2": (2, "eastron/sdm630", ""), "m3": (3, "eastron/sdm630", "")}


async def test_readings_arrive_in_the_houses_units():
    async with running({"m1": METERS["m1"]}) as (house, simulated):
        simulated["m1"].publish({"power_w": -1234.5})
        await house.until(lambda: house.latest.get("m1.power_w") and house.latest["m1.power_w"].value < -1234)

        assert Quality.GOOD is house.latest["m1.power_w"].quality


async def test_a_device_that_was_met_long_ago_replays_to_a_driver_that_begins_with_its_identity(tmp_path):
    async with running({"m1": METERS["m1"]}) as (house, simulated):
        house.bus.recorder = tape = FrameRecorder(house.clock.now_ns, 100_000, 70.0)
        house.bus.line.record(tape)
        simulated["m1"].publish({"power_w": 1500.0})
        await house.until(lambda: house.latest.get("m1.power_w"))
        await house.clock.sleep(200.0)
        tape.age()
        frames, told = tuple(tape.frames()), dict(house.bus.devices["m1"].identity)
        ours = WireRecord("lan", "modbus-tcp", "", "", house.clock.now_ns(), house.clock.utc_ms(), frames)
    assert "opened" == frames[0].way
    assert {"m1"} == {frame.device for frame in frames[1:3]}
    assert frames[3].ns - frames[1].ns > 70e9 or frames[-1].ns - frames[1].ns > 150e9

    path = tmp_path / "lan.pcapng"
    path.write_bytes(record_file.make_file(ours))
    async with TcpReplay(read_recording(path), fast=True) as served:
        other = House(served.port, {"m1": METERS["m1"]})
        task = asyncio.create_task(other.bus.run())
        await other.until(lambda: other.latest.get("m1.power_w"))
        task.cancel()
        await asyncio.wait([task])

    assert told == other.bus.devices["m1"].identity
    assert 1500.0 == other.latest["m1.power_w"].value
    assert 0 == served.answers.strangers_count


async def counted(house, seconds):
    """How many readings of each point come in ``seconds`` of the house.

    As with a poll, what a machine slept through counts as one.
    """
    before = dict(house.counts)
    for _ in range(seconds):
        await house.clock.sleep(1.0)
    return {point: count - before.get(point, 0) for point, count in house.counts.items()}


async def test_a_silent_device_is_set_aside_and_the_others_keep_their_rate():
    async with running(METERS) as (house, simulated):
        await house.until(lambda: len(house.latest) >= 3)
        before = await counted(house, 60)
        simulated["m2"].fault("silent")
        await house.until(lambda: house.said("device.aside"))
        after = await counted(house, 60)

        for name in ("m1.power_w", "m3.power_w"):
            assert after[name] > 0.8 * before[name], "probes of the silent one cost the others"
        assert after["m2.power_w"] <= 1


NAMELESS = """\
[profile]
protocol = "modbus"
maker = "Acme"
model = "Nameless"
source = "made for this test"
[points.power_w]
register = "input:0x0034"
type = "float32"
"""


async def test_a_silent_device_that_has_no_identity_is_silent_once_and_costs_its_neighbour_nothing(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/nameless.toml").write_text(NAMELESS)
    nameless = {"m2": loading.load_profile("acme/nameless", [tmp_path])}
    async with running(METERS, profiles=nameless) as (house, simulated):
        simulated["m2"].fault("silent")
        await house.until(lambda: house.said("device.silent"))
        found = await counted(house, 120)

        assert 0 == found.get("m2.power_w", 0), "nothing was heard, so nothing is new"
        assert ([], 1) == (house.said("device.back"), len(house.said("device.silent")))
        assert found["m1.power_w"] > 100


@contextlib.asynccontextmanager
async def cutting(port, unit):
    """A TCP gateway that closes the connection whenever ``unit`` is asked; yields its port."""

    async def serve(reader, writer):
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(7)
                body = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                if head[6] == unit:
                    break
                inner.write(head + body)
                answer = await inner_reader.readexactly(7)
                writer.write(answer + await inner_reader.readexactly(int.from_bytes(answer[4:6], "big") - 1))
        writer.close()
        inner.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_device_that_breaks_the_shared_connection_does_not_starve_its_neighbours():
    async with running(METERS, front=lambda port: cutting(port, 2)) as (house, _):
        await house.until(lambda: house.counts.get("m1.power_w") and house.counts.get("m3.power_w"))
        await house.until(lambda: house.bus.devices["m2"].silent)
        found = await counted(house, 120)

    assert min(found["m1.power_w"], found["m3.power_w"]) > 90
    assert house.bus.devices["m2"].aside


async def test_points_of_a_silent_device_turn_bad_once_and_recovery_is_logged_once():
    async with running(METERS) as (house, simulated):
        await house.until(lambda: house.latest.get("m2.power_w"))
        simulated["m2"].fault("silent")
        await house.until(lambda: house.latest["m2.power_w"].quality is Quality.BAD)
        bad_ns = house.latest["m2.power_w"].taken_ns
        await house.until(lambda: house.clock.now_ns() > bad_ns + 60e9)
        assert bad_ns == house.latest["m2.power_w"].taken_ns
        assert len(house.said("device.silent")) == 1

        simulated["m2"].clear()
        await house.until(lambda: house.latest["m2.power_w"].quality is Quality.GOOD)
        assert [{"device": "m2", "bus": "lan"}] == house.said("device.back")


async def test_an_order_expires_also_while_the_bus_is_gone():
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("off")
        await house.until(lambda: house.said("bus.lost"))
        order(house, 1.0, life_s=5.0)

        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "expired")


async def test_a_device_that_refuses_everything_is_not_called_silent_again_and_again():
    # A relay board asked as if it were a meter: it answers, but has none of the registers.
    # Slower than elsewhere: who stands still for a second has heard nothing for five, not for twenty.
    kinds = {"m1": "waveshare/relay8"}
    async with running({"m1": (3, "eastron/sdm630", "")}, simulated=kinds, rate=5.0) as (house, _):
        await house.until(lambda: house.latest)
        start_ns = house.clock.now_ns()
        await house.until(lambda: house.clock.now_ns() > start_ns + 60e9)

        assert {Quality.BAD} == {reading.quality for reading in house.latest.values()}
        assert [] == house.said("device.silent")


async def test_a_bus_that_is_gone_is_reopened_and_said_once_each_way():
    async with running({"m1": METERS["m1"]}) as (house, simulated):
        assert not house.bus.is_down, "nobody has tried yet"
        await house.until(lambda: house.latest)
        simulated["m1"].fault("off")
        await house.until(lambda: house.said("bus.lost"))
        assert house.bus.is_down
        lost_ns = house.clock.now_ns()
        await house.until(lambda: house.clock.now_ns() > lost_ns + 30e9)
        simulated["m1"].clear()
        await house.until(lambda: house.said("bus.back"))

        assert len(house.said("bus.lost")) == 1
        assert (True, False) == (house.bus.online, house.bus.is_down)


RELAYS = {"relays": (3, "waveshare/relay8", "relay1")}


def order(house, value, life_s=60.0):
    now_ns = house.clock.now_ns()
    house.bus.mailbox.post([Command("relays.relay_on", value, now_ns + int(life_s * 1e9), "test")], now_ns)


async def test_a_lost_bus_is_opened_again_soon_where_an_order_waits_for_it(monkeypatch):
    monkeypatch.setattr(poll, "REOPEN_PAUSE_S", (1e6, 1e6))
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("off")
        await house.until(lambda: house.said("bus.lost"))
        simulated["relays"].clear()
        order(house, 1.0, life_s=1e6)

        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "done")


async def test_a_command_is_done_when_it_was_read_back():
    async with running(RELAYS) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "done")

        assert simulated["relays"].orders()["relay1.relay_on"] == 1.0
        assert house.latest["relays.relay_on"].value is True


async def test_an_order_whose_answer_was_lost_is_unknown_until_it_was_read_back():
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("silent", acts=True)
        order(house, 1.0)
        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "unknown")
        simulated["relays"].clear()
        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "done")


async def test_an_order_for_a_device_that_is_away_expires_and_is_never_sent_late():
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("silent")
        await house.until(lambda: house.said("device.silent"))
        order(house, 1.0, life_s=5.0)
        start_ns = house.clock.now_ns()
        await house.until(lambda: house.clock.now_ns() > start_ns + 10e9)
        simulated["relays"].clear()
        await house.until(lambda: house.said("device.back"))
        await house.until(lambda: house.latest["relays.relay_on"].quality is Quality.GOOD)

        assert house.bus.mailbox.outcomes["relays.relay_on"].verdict == "expired"
        assert simulated["relays"].orders()["relay1.relay_on"] == 0.0


async def test_a_point_is_given_back_to_its_device_on_demand():
    async with running(RELAYS) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)
        house.bus.give_back(["relays.relay_on"])
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 0.0)


async def test_what_waits_for_a_point_is_withdrawn_when_it_is_given_back():
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("silent")
        await house.until(lambda: house.said("device.silent"))
        order(house, 1.0, life_s=600.0)
        house.bus.give_back(["relays.relay_on"])
        simulated["relays"].clear()
        await house.until(lambda: house.said("device.back"))
        await counted(house, 10)

        assert ("expired", "given back to the device") == (
            house.bus.mailbox.outcomes["relays.relay_on"].verdict,
            house.bus.mailbox.outcomes["relays.relay_on"].why,
        )
        assert 0.0 == simulated["relays"].orders()["relay1.relay_on"]


async def test_a_device_that_is_away_when_a_point_is_given_back_gets_it_when_it_answers_again():
    async with running(RELAYS) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)
        simulated["relays"].fault("silent")
        house.bus.give_back(["relays.relay_on"])
        await house.until(lambda: house.said("device.silent"))
        simulated["relays"].clear()

        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 0.0)


async def test_a_newer_command_undoes_a_giving_back_that_waits():
    async with running(RELAYS) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)
        writes_count = simulated["relays"].writes_count
        simulated["relays"].fault("silent")
        await house.until(lambda: house.said("device.silent"))
        house.bus.give_back(["relays.relay_on"])
        now_ns = house.clock.now_ns()
        house.bus.post(Command("relays.relay_on", 1.0, now_ns + int(600e9), "test"), now_ns)
        simulated["relays"].clear()
        await house.until(lambda: house.bus.mailbox.outcomes["relays.relay_on"].verdict == "done")

        assert (1.0, writes_count + 1) == (
            simulated["relays"].orders()["relay1.relay_on"],
            simulated["relays"].writes_count,
        )


async def test_a_halted_bus_ends_after_the_exchange_in_hand():
    async with running(METERS) as (house, _):
        await house.until(lambda: len(house.latest) >= 3)
        house.bus.halt()
        await asyncio.wait([house.task])
        assert house.task.exception() is None
        house.task = asyncio.create_task(asyncio.Event().wait())


async def test_safe_values_go_first_to_those_that_answer():
    two = {"dead": (4, "waveshare/relay8", "relay1"), **RELAYS}
    async with running(two) as (house, simulated):
        simulated["dead"].fault("silent")
        await house.until(lambda: house.said("device.silent"))
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)
        house.bus.halt()
        await asyncio.wait([house.task])
        leaving = asyncio.create_task(house.bus.release(["dead", "relays"]))
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 0.0)

        assert not leaving.done(), "the dead one is still waited for"
        assert ["dead: unit 4 is silent"] == await leaving
        house.task = asyncio.create_task(asyncio.Event().wait())


async def test_a_bug_in_one_driver_costs_the_others_no_safe_value():
    two = {"odd": (4, "waveshare/relay8", "relay1"), **RELAYS}
    async with running(two) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)

        async def bug():
            return 1 / 0

        house.bus.devices["odd"].driver.release = bug

        assert ["odd: division by zero"] == await house.bus.release(["odd", "relays"])
        assert 0.0 == simulated["relays"].orders()["relay1.relay_on"]


async def test_release_writes_the_safe_values_after_polling_was_stopped():
    async with running(RELAYS) as (house, simulated):
        order(house, 1.0)
        await house.until(lambda: simulated["relays"].orders()["relay1.relay_on"] == 1.0)
        house.task.cancel()
        await asyncio.wait([house.task])

        assert [] == await house.bus.release(["relays"])
        assert simulated["relays"].orders()["relay1.relay_on"] == 0.0
        await house.bus.close()


async def test_a_release_that_fails_is_named():
    async with running(RELAYS) as (house, simulated):
        await house.until(lambda: house.latest)
        simulated["relays"].fault("silent")

        assert ["relays: unit 3 is silent"] == await house.bus.release(["relays"])


async def test_the_bus_reports_its_slack_its_lateness_and_its_devices():
    async with running(METERS) as (house, _):
        await house.until(lambda: len(house.latest) >= 3)
        points = {reading.point: reading.value for reading in house.bus.report(house.clock.now_ns())}

    assert points["lan.online_on"] is True
    assert 0.0 <= points["lan.slack_pct"] <= 100.0
    assert points["lan.requests_count"] > 0
    assert points["m2.silent_on"] is False


async def test_the_slack_of_less_than_5_s_is_bad():
    async with running(METERS) as (house, _):
        await house.until(lambda: house.bus.online)
        now_ns = house.clock.now_ns() + 10_000_000_000
        long, short = (
            {reading.point: reading.quality for reading in house.bus.report(ns)}
            for ns in (now_ns, now_ns + 4_900_000_000)
        )

    assert (Quality.GOOD, Quality.GOOD) == (long["lan.slack_pct"], long["lan.online_on"])
    assert (Quality.BAD, Quality.GOOD) == (short["lan.slack_pct"], short["lan.online_on"])


class AlwaysDueDriver:
    """A driver with a bug: it is due at once, for ever, and waits for nothing."""

    points: dict = {}  # noqa: RUF012 - it serves none
    reads_count = 0

    def __init__(self, clock):
        self.clock = clock

    @property
    def due_ns(self):
        return self.clock.now_ns()

    async def open(self):
        return {}

    async def read(self):
        self.reads_count += 1
        return NO_READINGS


async def test_a_driver_that_never_waits_does_not_hold_the_loop():
    clock = SiteClock(ClockSetting())
    line = load_factory("modbus-tcp").line("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=1), clock)
    line.open = line.close
    driver = AlwaysDueDriver(clock)
    bus = Bus("lan", line, {"odd": driver}, clock, print, structlog.testing.CapturingLogger())
    task = asyncio.create_task(bus.run())
    while driver.reads_count < 1000:
        assert not task.done()
        await asyncio.sleep(0)
    bus.halt()
    await task

    assert 1000 <= driver.reads_count
