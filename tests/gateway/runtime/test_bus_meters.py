"""The bus task with meters that speak by themselves, on ptys that are unplugged and plugged in again."""

import asyncio
import contextlib
import os
import time
import tty
from pathlib import Path

import pytest
import structlog

from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.meter.bus_section import TicBus
from quartier_drivers.readings import Quality
from quartier_drivers.registry import load_factory

DEADLINE_S = 60.0
PROFILE = parse_profile(
    """\
[profile]
protocol = "tic"
maker = "Acme"
model = "M1"
source = "made for this test"
[points.energy_import_wh]
group = "EAST"
counter = { rate_max = 36e6 }
scan = "fast"
[points.over_power_on]
group = "STGE"
form = "hex"
bit = 7
""",
    "acme/m1",
    "m1.toml",
)


def group(label, value):
    text = f"{label}\t{value}\t".encode()
    return b"\n" + text + bytes([(sum(text) & 0x3F) + 0x20]) + b"\r"


def frame(energy, meter="012345678910"):
    return b"\x02" + group("ADSC", meter) + group("EAST", f"{energy:09d}") + b"\x03"


class House:
    """A Linky on a pty behind a name, and the bus that hears it."""

    def __init__(self, folder: Path):
        self.path = folder / "ttyLINKY"
        self.clock = SiteClock()
        self.log = structlog.testing.CapturingLogger()
        self.latest, self.notes, self.ends = {}, [], None
        opened = load_factory("tic")
        self.line = opened.line("tic0", TicBus(kind="tic", port=str(self.path)), self.clock)
        driver = opened.driver(self.line, DeviceSpec("linky", 1, {"": "grid"}), PROFILE, self.clock)
        tell = self.notes.append
        self.bus = Bus("tic0", self.line, {"linky": driver}, self.clock, self.take, self.log, tell=tell)

    def take(self, readings):
        self.latest |= {reading.point: reading for reading in readings}

    def plug(self):
        self.ends = os.openpty()
        tty.setraw(self.ends[1])
        os.set_blocking(self.ends[0], False)
        self.path.symlink_to(os.ttyname(self.ends[1]))

    def unplug(self):
        if self.ends is not None:
            self.path.unlink()
            for end in self.ends:
                os.close(end)
            self.ends = None

    def say(self, data):
        with contextlib.suppress(BlockingIOError):  # nobody listens
            os.write(self.ends[0], data)

    def said(self, event):
        return [call.kwargs for call in self.log.calls if call.args == (event,)]

    def value(self, point):
        return self.latest[point].value if point in self.latest else None

    async def until(self, condition):
        """The deadline only ends a test that has failed."""
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert not self.task.done(), self.task.exception()
            assert time.monotonic() < end_s, (self.latest, self.log.calls)
            await asyncio.sleep(0.002)

    async def hears(self, energy, meter="012345678910"):
        """The meter says it until it is known."""
        end_s = time.monotonic() + DEADLINE_S
        while self.value("grid.energy_import_wh") != energy:
            assert not self.task.done(), self.task.exception()
            assert time.monotonic() < end_s, (self.latest, self.log.calls)
            self.say(frame(energy, meter))
            await asyncio.sleep(0.02)


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path)
    made.plug()
    task = made.task = asyncio.create_task(made.bus.run())
    await made.until(lambda: made.bus.online)
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    made.unplug()


async def test_what_a_meter_says_is_delivered_and_it_is_known_by_its_serial(house):
    await house.hears(5000)
    health = house.bus.devices["linky"]

    assert Quality.GOOD is house.latest["grid.energy_import_wh"].quality
    assert "012345678910" == health.identity["serial"]
    assert not health.aside


async def test_a_switch_is_delivered_before_its_frame_ends(house):
    await house.hears(5000)
    house.say(b"\x02" + group("ADSC", "012345678910") + group("STGE", "00000080"))
    await house.until(lambda: house.value("grid.over_power_on"))

    assert 1 == house.bus.devices["linky"].errors_count, "it was asked before it had spoken, and never since"


async def test_an_unplugged_adapter_is_lost_once_named_and_heard_again_soon_after_it_is_back(house):
    await house.hears(5000)
    house.unplug()
    await house.until(lambda: house.said("bus.lost"))
    assert not house.bus.online
    await house.until(lambda: "is not there" in house.bus.why)
    house.plug()
    await house.until(lambda: house.bus.online)
    await house.hears(5010)

    assert (1, 1) == (len(house.said("bus.lost")), len(house.said("bus.back")))
    assert 2 == house.line.stats["connects_count"]


async def test_a_swapped_meter_is_an_event_and_no_energy(house):
    await house.hears(5000)
    await house.hears(5001)
    house.say(frame(777_000, "999999999999"))
    await house.until(lambda: house.latest["grid.energy_import_wh"].quality is Quality.STALE)
    house.say(frame(777_001, "999999999999"))
    await house.until(lambda: house.value("grid.energy_import_wh") == 5002)
    await house.until(lambda: len(house.notes) >= 2)

    assert ["counter.held", "counter.continued"] == [note.code for note in house.notes]
    assert "grid.energy_import_wh" == house.said("counter.held")[0]["point"]


async def test_signal_quality_is_told_with_the_bus(house):
    await house.hears(5000)
    told = {one.point: one.value for one in house.bus.report(house.clock.now_ns())}

    assert (0.0, False, "", 0) == tuple(
        told[f"tic0.{name}"] for name in ("bad_pct", "silent_on", "advice_text", "bad_count")
    )
    assert told["tic0.good_count"] >= 2
