"""Lines with meters: a pty behind a name that stays when it is plugged in anew, and TIC frames by the book."""

import asyncio
import contextlib
import os
import select
import time
import tty
from pathlib import Path

import pytest

from quartier_drivers.device_profile.loading import parse_profile

DEADLINE_S = 60.0


class HouseTime:
    """Real time, with a wall clock."""

    rate = 1.0

    def now_ns(self):
        return time.monotonic_ns()

    def utc_ms(self):
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


@pytest.fixture
def house_time():
    return HouseTime()


class Plug:
    """The far end of a serial line: ``path`` names it whether it is plugged in or not."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "ttyMETER")
        self._ends = None

    def plug(self):
        master, slave = os.openpty()
        tty.setraw(slave)
        Path(self.path).symlink_to(os.ttyname(slave))
        self._ends = master, slave

    def unplug(self):
        if self._ends is not None:
            Path(self.path).unlink()
            for end in self._ends:
                os.close(end)
            self._ends = None

    def say(self, data):
        assert len(data) == os.write(self._ends[0], data)

    def hear(self, size=4096):
        return os.read(self._ends[0], size)

    def hear_all(self, count):
        """So many bytes: a pty hands on what was written in pieces, and late."""
        heard = b""
        while len(heard) < count:
            assert select.select([self.master], [], [], 60)[0], heard
            heard += self.hear(count - len(heard))
        return heard

    @property
    def master(self):
        return self._ends[0]


@pytest.fixture
def plug(tmp_path):
    made = Plug(tmp_path)
    made.plug()
    yield made
    made.unplug()


async def until(condition):
    """Let the loop run until it holds; the deadline only ends a test that has failed."""
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end_s, "it never came"
        await asyncio.sleep(0.002)


def group(label, value, when=None):
    """A group of TIC standard (Enedis-NOI-CPT_54E, 5.3.6)."""
    text = "\t".join([label, *([] if when is None else [when]), value, ""]).encode()
    return b"\n" + text + bytes([(sum(text) & 0x3F) + 0x20]) + b"\r"


def frame(**groups):
    """A whole frame; ``EAST="000000005"``."""
    return b"\x02" + b"".join(group(label, value) for label, value in groups.items()) + b"\x03"


LINKY = parse_profile(
    """\
[profile]
protocol = "tic"
maker = "Acme"
model = "M1"
source = "made for this test"
[points.energy_import_wh]
group = "EAST"
unit = "Wh"
counter = { rate_max = 36000 }
[points.voltage_l1_v]
group = "URMS1"
unit = "V"
scan = "fast"
[points.over_power_on]
group = "STGE"
form = "hex"
bit = 7
""",
    "acme/m1",
    "m1.toml",
)


@contextlib.asynccontextmanager
async def opened(port):
    await port.open()
    try:
        yield port
    finally:
        await port.close()
