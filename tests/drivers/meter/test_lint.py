"""Power of a meter that has no direction is found."""

import pytest
from tests.drivers.device_profile.test_lint import HEAD, found


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (
            'group = "1-0:15.7.0"',
            "points.power_w.group: 1-0:15.7.0 is absolute power, which has no direction",
        ),
        ('group = ["16.7.0", "15.7"]', "points.power_w.group: 15.7 is absolute power"),
        ('group = "1-0:1.7.0"', "points.power_w.minus: is missing: 1-0:1.7.0 is import alone"),
        (
            'group = ["16.7.0", "1.7.0"]',
            "points.power_w.minus: is missing: 1.7.0 is import alone; name the export",
        ),
        ('group = "1.7.0"\nminus = ""', ""),
        ('group = ["16.7.0", "1.7.0"]\nminus = ["", "2.7.0"]', ""),
        ('group = ["1-0:1.7.0", "1.7.0"]\nminus = "*2.7.0"', ""),
        ('group = "1-0:16.7.0"', ""),
    ],
)
def test_power_of_a_meter_without_direction_is_found(group, said):
    head = HEAD.replace('"modbus"', '"sml"')
    lines = found(f'{head}[points.power_w]\n{group}\n[points.apparent_power_va]\ngroup = "1-0:9.7.0"\n')

    assert [said] == [line.partition(": ")[2][: len(said)] for line in lines] or not (said or lines)
