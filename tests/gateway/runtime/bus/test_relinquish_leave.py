"""Safe values of the devices of a bus, in turn or at once; a failure is named and keeps nobody."""

import asyncio

import pytest

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER
from quartier.runtime.bus.relinquish import leave_devices
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import NoReply


class Relay:
    """A device that takes its safe value in two steps; ``story`` tells of all of them."""

    def __init__(self, name, story, raises=None):
        self.points = {
            f"{name}.relay_on": PointInfo(f"{name}.relay_on", "bool", "coil:1", 1.0, writable=True)
        }
        self.name, self.story, self.raises = name, story, raises

    async def release(self):
        self.story.append(f"{self.name} begins")
        await asyncio.sleep(0)
        if self.raises is not None:
            raise self.raises
        self.story.append(f"{self.name} is given back")


async def gone(*relays, at_once):
    devices = [DeviceHealth(one.name, one, known=True) for one in relays]
    thrift = WriteBudget(
        WriteCounts(), {point: info for one in relays for point, info in one.points.items()}, {}
    )
    return await leave_devices(devices, NO_WRITE_LISTENER, thrift, SiteClock(), at_once=at_once)


@pytest.mark.parametrize(
    ("at_once", "expected"),
    [
        (False, ["a begins", "a is given back", "b begins", "b is given back"]),
        (True, ["a begins", "b begins", "a is given back", "b is given back"]),
    ],
)
async def test_devices_are_given_back_in_turn_or_where_the_line_bears_it_at_once(at_once, expected):
    story = []

    assert [] == await gone(Relay("a", story), Relay("b", story), at_once=at_once)
    assert expected == story


@pytest.mark.parametrize("at_once", [False, True])
async def test_one_that_fails_is_named_and_the_others_are_given_back(at_once):
    story = []
    failing = Relay("a", story, NoReply("silent"))

    assert ["a: silent"] == await gone(failing, Relay("b", story), at_once=at_once)
    assert "b is given back" in story
