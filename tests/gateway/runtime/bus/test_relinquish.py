"""Safe values of the devices of a bus, in turn or at once; a failure is named and keeps nobody."""

import asyncio
from types import MappingProxyType

import pytest
import structlog

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.relinquish import RelinquishQueue
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import LinkLost, NoReply, Refused


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
    budget = WriteBudget(
        WriteCounts(), {point: info for one in relays for point, info in one.points.items()}, {}
    )
    queue = RelinquishQueue(devices, budget, SiteClock(), structlog.testing.CapturingLogger())
    return await queue.leave(devices, at_once=at_once)


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


POINT = "ev1.current_max_a"
INFO = PointInfo(POINT, "float", "holding:5", 1.0, writable=True, on_release=6.0)


class Charger:
    """A driver that can only be given back."""

    points = MappingProxyType({POINT: INFO})

    def __init__(self):
        self.raises = None
        self.released = []

    async def release(self, points=()):
        if self.raises is not None:
            raise self.raises
        self.released.append(set(points))


@pytest.fixture
def made():
    driver = Charger()
    health = DeviceHealth("charger", driver, known=True)
    budget = WriteBudget(WriteCounts(), driver.points, {POINT: 6.0})
    log = structlog.testing.CapturingLogger()
    return RelinquishQueue([health], budget, SiteClock(), log), driver, health


async def made_by(returns):
    """As a bus does it: each device that can be asked."""
    for health in returns.ready():
        await returns.give_back(health)


async def test_what_can_be_reached_is_given_back_once(made):
    returns, driver, *_ = made
    returns.add([POINT])
    await made_by(returns)
    await made_by(returns)

    assert [{POINT}] == driver.released


async def test_a_device_that_is_away_is_waited_for(made):
    returns, driver, health = made
    health.aside = True
    returns.add([POINT])
    await made_by(returns)
    waiting = set(returns.waiting)
    health.aside = False
    await made_by(returns)

    assert ({POINT}, [{POINT}]) == (waiting, driver.released)


async def test_who_is_being_asked_is_not_asked_to_take_something_back_meanwhile(made):
    returns, driver, health = made
    health.held = True
    returns.add([POINT])
    await made_by(returns)

    assert ({POINT}, []) == (returns.waiting, driver.released)


async def test_a_new_order_takes_the_place_of_a_giving_back(made):
    returns, driver, *_ = made
    returns.add([POINT])
    returns.drop(POINT)
    await made_by(returns)

    assert [] == driver.released


@pytest.mark.parametrize("error", [NoReply("silent"), LinkLost("gone")])
async def test_silence_is_for_the_bus_to_handle_and_tried_again(made, error):
    returns, driver, _ = made
    driver.raises = error
    returns.add([POINT])
    with pytest.raises(type(error), match=str(error)):
        await made_by(returns)

    assert {POINT} == returns.waiting


async def test_a_refusal_is_not_tried_again(made):
    returns, driver, _ = made
    driver.raises = Refused("no")
    returns.add([POINT])
    await made_by(returns)

    assert set() == returns.waiting


async def test_who_refused_to_take_it_back_is_known_until_it_does_or_is_ordered_anew(made):
    returns, driver, *_ = made
    driver.raises = Refused("locked")
    returns.add([POINT])
    await made_by(returns)
    assert {POINT: "locked"} == returns.refused

    driver.raises = None
    returns.add([POINT])
    await made_by(returns)
    assert {} == returns.refused

    driver.raises = Refused("locked")
    returns.add([POINT])
    await made_by(returns)
    returns.drop(POINT)
    assert {} == returns.refused
