"""Lines are asked for once and read; what the kernel refuses is told apart: the line, or the whole chip."""

import sys

import pytest
from tests.drivers.gpio.conftest import Kernel, Simulated

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.gpio.bus_section import Bias, GpioBus
from quartier_drivers.gpio.chip import GpioChip

gpiod = pytest.importorskip("gpiod", reason="gpiod is not installed (pip install '.[gpio]')")


def chip(path: str = "/dev/gpiochip0", bias: Bias = "as-is", *, active_low: bool = False) -> GpioChip:
    return GpioChip("header", GpioBus(kind="gpio", chip=path, bias=bias, active_low=active_low))


async def test_a_line_is_held_as_an_input_from_its_first_read_until_the_chip_is_closed(
    kernel: Kernel,
) -> None:
    header = chip(bias="pull-up", active_low=True)
    await header.open()
    assert not kernel.held

    assert await header.value(17)
    kernel.levels[17] = 1
    assert not await header.value(17)

    settings, consumer = kernel.held[17]
    assert "quartier" == consumer
    assert gpiod.line.Direction.INPUT is settings.direction
    assert (gpiod.line.Bias.PULL_UP, True) == (settings.bias, settings.active_low)
    await header.close()
    assert not kernel.held


@pytest.mark.parametrize("bias", ["as-is", "pull-up", "pull-down", "disabled"])
async def test_every_bias_is_one_of_the_kernels(kernel: Kernel, bias: Bias) -> None:
    await chip(bias=bias).value(17)

    assert bias == kernel.held[17][0].bias.name.lower().replace("_", "-")


async def test_a_chip_says_what_it_is_and_what_a_line_is_called(kernel: Kernel) -> None:
    del kernel

    assert {"model": "pinctrl-test", "serial": "GPIO17"} == await chip().read_description(17)
    assert {"model": "pinctrl-test"} == await chip().read_description(18)


async def test_a_line_in_use_is_silent_and_its_user_named(kernel: Kernel) -> None:
    kernel.busy[17] = "fan-control"
    header = chip()

    with pytest.raises(NoReply, match="line 17 of /dev/gpiochip0 is in use by fan-control"):
        await header.value(17)
    kernel.busy.clear()
    assert not await header.value(17)
    assert 1 == header.stats["exceptions_count"]


async def test_a_line_that_is_not_there_is_silent_and_the_others_are_read(kernel: Kernel) -> None:
    del kernel
    header = chip()

    for asked in (header.value, header.read_description):
        with pytest.raises(NoReply, match="/dev/gpiochip0 has no line 54"):
            await asked(54)
    assert await header.value(18)


async def test_a_chip_that_goes_is_a_lost_bus_and_may_come_back(kernel: Kernel) -> None:
    header = chip()
    await header.value(18)
    kernel.gone = True

    with pytest.raises(LinkLost, match="/dev/gpiochip0 is gone: No such device"):
        await header.value(18)
    await header.close()
    with pytest.raises(LinkLost, match="/dev/gpiochip0 cannot be opened: No such file"):
        await header.open()
    kernel.gone = False
    await header.open()
    await header.open()

    assert await header.value(18)
    assert 2 == kernel.opened_count == header.stats["connects_count"]


async def test_without_the_library_the_bus_is_lost_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)

    with pytest.raises(LinkLost, match=r"gpiod is not installed; pip install 'quartier\[gpio\]'"):
        await chip().open()


@pytest.mark.parametrize("path", ["/dev/gpiochip-none", "/dev/null"])
async def test_the_real_library_tells_what_is_no_chip(path: str) -> None:
    with pytest.raises(LinkLost, match=f"{path} cannot be opened"):
        await chip(path).open()


async def test_the_kernels_own_lines_are_read(simulated: Simulated) -> None:
    header = chip(simulated.path)
    simulated.pull(2, "up")
    assert await header.value(2)
    simulated.pull(2, "down")
    assert not await header.value(2)
    assert {"model": "quartier-sim", "serial": "DSO1"} == await header.read_description(2)

    with pytest.raises(NoReply, match="has no line 8"):
        await header.value(8)
    with pytest.raises(NoReply, match="line 2 .* is in use by quartier"):
        await chip(simulated.path).value(2)
    await header.close()
    low = chip(simulated.path, active_low=True, bias="pull-up")
    assert not await low.value(2)
    simulated.pull(2, "down")
    assert await low.value(2)
    await low.close()
