"""A line of a chip is one bit, and an input."""

from typing import Any

import pytest

from quartier_drivers.device_profile.schema import Point
from quartier_drivers.gpio.profile import check_gpio_line


@pytest.mark.parametrize(
    ("quantity", "table", "key"),
    [
        ("input_on", {"register": "input:0"}, "register"),
        ("input_on", {"type": "uint16"}, "type"),
        ("input_state", {}, ""),
        ("input_on", {"register": "coil:0", "write": {"on_release": 0}}, "write"),
    ],
)
def test_what_is_no_input_is_no_gpio_line(quantity: str, table: dict[str, Any], key: str) -> None:
    point = Point.model_validate({"register": "discrete:0", "type": "bool"} | table)

    assert key in [found for found, _ in check_gpio_line(quantity, point)]
    assert [] == check_gpio_line("input_on", Point.model_validate({"register": "discrete:0", "type": "bool"}))
