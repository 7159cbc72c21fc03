"""Points to be given back wait until their device can be reached; a refusal ends the waiting."""

from types import MappingProxyType

import pytest
import structlog

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.relinquish import RelinquishQueue
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import LinkLost, NoReply, Refused

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
    driver, failed = Charger(), []
    health = DeviceHealth("charger", driver, known=True)
    thrift = WriteBudget(WriteCounts(), driver.points, {POINT: 6.0})
    log = structlog.testing.CapturingLogger()
    returns = RelinquishQueue([health], thrift, SiteClock(), log, lambda *what: failed.append(what[1]))
    return returns, driver, health, failed


async def made_by(returns):
    """As a bus does it: each device that can be asked."""
    for health in returns.ready():
        await returns.make(health)


async def test_what_can_be_reached_is_given_back_once(made):
    returns, driver, *_ = made
    returns.add([POINT])
    await made_by(returns)
    await made_by(returns)

    assert [{POINT}] == driver.released


async def test_a_device_that_is_away_is_waited_for(made):
    returns, driver, health, _ = made
    health.aside = True
    returns.add([POINT])
    await made_by(returns)
    waiting = set(returns.waiting)
    health.aside = False
    await made_by(returns)

    assert ({POINT}, [{POINT}]) == (waiting, driver.released)


async def test_who_is_being_asked_is_not_asked_to_take_something_back_meanwhile(made):
    returns, driver, health, _ = made
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


@pytest.mark.parametrize(("error", "waits"), [(NoReply("silent"), True), (Refused("no"), False)])
async def test_silence_is_tried_again_and_a_refusal_is_not(made, error, waits):
    returns, driver, _, failed = made
    driver.raises = error
    returns.add([POINT])
    await made_by(returns)

    assert waits is (POINT in returns.waiting)
    assert waits is bool(failed)


async def test_a_lost_bus_is_for_the_bus_to_handle(made):
    returns, driver, _, failed = made
    driver.raises = LinkLost("gone")
    returns.add([POINT])
    with pytest.raises(LinkLost):
        await made_by(returns)

    assert (["gone"], {POINT}) == (failed, returns.waiting)


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
