"""The section of a GPIO chip takes what a chip can be."""

import pytest
from pydantic import ValidationError

from quartier_drivers.gpio.bus_section import GpioBus


def test_a_bare_section_is_the_first_chip_with_its_lines_as_they_are() -> None:
    bus = GpioBus(kind="gpio")

    assert ("/dev/gpiochip0", "as-is", False) == (bus.chip, bus.bias, bus.active_low)


@pytest.mark.parametrize("chip", ["", "gpiochip0", "/sys/class/gpio", "/dev/"])
def test_anything_but_a_device_file_is_no_chip(chip: str) -> None:
    with pytest.raises(ValidationError, match="no chip; expected a path such as /dev/gpiochip0"):
        GpioBus(kind="gpio", chip=chip)


def test_an_unknown_bias_is_refused() -> None:
    with pytest.raises(ValidationError, match="pull-up"):
        GpioBus.model_validate({"kind": "gpio", "bias": "up"})
