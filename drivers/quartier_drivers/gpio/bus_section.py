"""The site file's section for a GPIO chip; imports no library."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

Bias = Literal["as-is", "pull-up", "pull-down", "disabled"]


def _check_chip(chip: str) -> str:
    if re.fullmatch(r"/dev/.+", chip):
        return chip
    raise ValueError(f"{chip!r} is no chip; expected a path such as /dev/gpiochip0")


class GpioBus(BaseModel):
    """A Linux GPIO chip; a device's unit is the offset of its line."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    kind: Literal["gpio"]
    """Lines of a GPIO chip."""
    chip: Annotated[str, AfterValidator(_check_chip)] = "/dev/gpiochip0"
    """The chip's character device."""
    bias: Bias = "as-is"
    """Resistor that the chip puts on its lines: as-is, pull-up, pull-down or disabled."""
    active_low: bool = False
    """Whether a line at 0 V counts as on: a contact to ground with a pull-up."""
