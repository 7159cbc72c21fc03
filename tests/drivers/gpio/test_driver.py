"""A line behind the five verbs."""

import pytest
from tests.drivers.gpio.conftest import Kernel, Simulated
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile.loading import Profile, load_profile, parse_profile
from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.gpio.bus_section import GpioBus
from quartier_drivers.gpio.driver import FACTORY, GpioDriver
from quartier_drivers.readings import Quality, Reading

pytest.importorskip("gpiod", reason="gpiod is not installed (pip install '.[gpio]')")

LINE = load_profile("linux/gpio")
BOARD = parse_profile(
    """
    [profile]
    protocol = "gpio"
    maker = "ACME"
    model = "hat"
    source = "s"
    [parts.in1.input_on]
    register = "discrete:0"
    type = "bool"
    scan = "fast"
    [parts.in2.input_on]
    register = "discrete:1"
    type = "bool"
    scan = "slow"
    """,
    "acme/hat",
    "hat.toml",
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def driver(
    clock: HandClock, profile: Profile = LINE, *parts: str, path: str = "/dev/gpiochip0", unit: int = 17
) -> GpioDriver:
    chip = FACTORY.line("header", GpioBus(kind="gpio", chip=path), clock)
    owners = {part: part or "dso1" for part in parts or ("",)}
    return FACTORY.driver(chip, DeviceSpec("terminal", unit, owners), profile, clock)


async def test_an_input_is_read_at_its_pace_and_told_with_its_time(kernel: Kernel, clock: HandClock) -> None:
    line = driver(clock)
    assert {"maker": "Linux", "model": "pinctrl-test", "serial": "GPIO17"} == await line.open()

    assert clock.ns == line.due_ns
    assert [Reading("dso1.input_on", False, Quality.GOOD, clock.ns)] == list(await line.read())
    assert not await line.read()
    clock.move(0.25)
    kernel.levels[17] = 1
    (closed,) = await line.read()
    assert True is closed.value
    assert clock.ns + 250_000_000 == line.due_ns


async def test_periods_that_have_passed_are_not_made_up_for(kernel: Kernel, clock: HandClock) -> None:
    del kernel
    line = driver(clock)
    start_ns = clock.ns
    clock.move(10.1)
    await line.read()

    assert not await line.read()
    assert start_ns + 10_250_000_000 == line.due_ns


async def test_the_parts_of_a_board_are_lines_counted_from_the_unit(kernel: Kernel, clock: HandClock) -> None:
    board = driver(clock, BOARD, "in1", "in2")
    assert {"in1.input_on": "line 17", "in2.input_on": "line 18"} == {
        name: info.address for name, info in board.points.items()
    }

    first, second = (await board.read())[0], (await board.read())[0]
    assert [("in1.input_on", False), ("in2.input_on", True)] == [
        (one.point, one.value) for one in (first, second)
    ]
    clock.move(1.0)
    kernel.levels[18] = 0
    assert "in1.input_on" == (await board.read())[0].point
    assert not await board.read()


async def test_a_line_that_cannot_be_read_is_silent_and_asked_again(kernel: Kernel, clock: HandClock) -> None:
    line = driver(clock)
    kernel.busy[17] = "other"

    with pytest.raises(NoReply):
        await line.read()
    assert clock.ns + 250_000_000 == line.due_ns
    kernel.busy.clear()
    clock.move(0.25)
    assert await line.read()
    kernel.gone = True
    clock.move(0.25)
    with pytest.raises(LinkLost):
        await line.read()


async def test_an_input_takes_no_writes_and_has_nothing_to_give_back(
    kernel: Kernel, clock: HandClock
) -> None:
    line = driver(clock)

    with pytest.raises(Refused, match=r"dso1\.input_on cannot be written"):
        await line.write(Command("dso1.input_on", 1.0, clock.ns))
    await line.release()
    assert not line.releases()
    assert ["x: cannot be written"] == await FACTORY.replay({"kind": "gpio"}, [{"point": "x"}])
    assert not kernel.held


async def test_a_closed_device_asks_for_nothing(kernel: Kernel, clock: HandClock) -> None:
    line = driver(clock)
    await line.close()

    assert clock.ns < line.due_ns
    assert not await line.read()
    assert not kernel.held


async def test_a_line_of_the_kernel_comes_as_a_point(simulated: Simulated, clock: HandClock) -> None:
    line = driver(clock, path=simulated.path, unit=2)
    simulated.pull(2, "up")

    assert {"maker": "Linux", "model": "quartier-sim", "serial": "DSO1"} == await line.open()
    assert True is (await line.read())[0].value
    simulated.pull(2, "down")
    clock.move(0.25)
    assert False is (await line.read())[0].value
