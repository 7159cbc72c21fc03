"""Buses of devices with plain profiles, made for these tests."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading

PROFILE = """\
[profile]
protocol = "modbus"
maker = "Acme"
model = "M"
source = "made for these tests"
[limits]
pause_s = {pause_s}
{answer}
[scan]
fast = {fast_s}
[points.power_w]
register = "holding:0"
type = "int32"
scan = "fast"
[points.energy_import_wh]
register = "holding:500"
type = "uint32"
scan = "slow"
"""


@dataclass(frozen=True)
class Wire:
    name: str
    section: Any
    devices: tuple[tuple[DeviceSpec, Any], ...] = field(default=())


@pytest.fixture
def wire(tmp_path):
    """``wire(count, fast_s=…, pause_s=…, answer_s=…, **keys of the bus)``: m1, m2 … on a serial line.

    ``pause_s`` is what each device wants, ``bus_pause_s`` what the bus does.
    """

    def made(count, fast_s=1.0, pause_s=0.0, answer_s=None, bus_pause_s=0.0, **keys):
        answer = "" if answer_s is None else f"answer_s = {answer_s}"
        (tmp_path / "acme").mkdir(exist_ok=True)
        text = PROFILE.format(fast_s=fast_s, pause_s=pause_s, answer=answer)
        (tmp_path / "acme" / "m.toml").write_text(text)
        loaded = loading.load_profile("acme/m", [tmp_path])
        kind = keys.pop("kind", "modbus-rtu")
        where = {"port": "/dev/ttyS0"} if kind == "modbus-rtu" else {"host": "gx"}
        section = registry.load_section(kind).model_validate(
            {"kind": kind, "pause_s": bus_pause_s, **where, **keys}
        )
        specs = (DeviceSpec(f"m{at}", at, {"": f"a{at}"}) for at in range(1, count + 1))
        return Wire("rs1", section, tuple((spec, loaded) for spec in specs))

    return made
