from collections.abc import Callable
from pathlib import Path

import pytest

METER = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "meter"
source = "made up"
[points.power_w]
register = "input:0"
type = "int32"
"""
HYBRID = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "hybrid"
source = "made up"
[parts.grid.power_w]
register = "input:0"
type = "int32"
[parts.pv.power_w]
register = "input:2"
type = "int32"
[parts.battery.power_w]
register = "input:4"
type = "int32"
[parts.battery.soc_pct]
register = "input:6"
[parts.battery.setpoint_w]
register = "holding:0"
type = "int16"
write = { low = -5000, high = 5000, on_release = 0, fallback = { value = 0, after_s = 60 } }
[parts.read_only.power_w]
register = "input:4"
type = "int32"
[parts.read_only.soc_pct]
register = "input:6"
"""
RELAYS = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "relays"
source = "made up"
[parts.r1.relay_on]
register = "coil:0"
type = "bool"
write = { on_release = 1, fallback = { value = 1, after_s = 60 } }
[parts.r2.relay_on]
register = "coil:1"
type = "bool"
write = { on_release = 1, fallback = { value = 1, after_s = 60 } }
"""
INPUTS = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "inputs"
source = "made up"
[parts.in1.input_on]
register = "discrete:0"
type = "bool"
scan = "fast"
[parts.in2.input_on]
register = "discrete:1"
type = "bool"
scan = "fast"
"""
SITE = """\
[site]
id = "b012"
district = "issy"
profiles = ["profiles"]

[buses.lan]
kind = "modbus-tcp"
host = "192.0.2.1"

[buses.rs485]
kind = "modbus-rtu"
port = "usb:A50285BI"

[devices.hybrid]
bus = "lan"
profile = "acme/hybrid"

[devices.relays]
bus = "rs485"
profile = "acme/relays"
unit = 2

[assets.grid]
role = "grid"
device = "hybrid"
part = "grid"

[assets.bat1]
role = "battery"
device = "hybrid"
part = "battery"
rated_w = 5000
capacity_wh = 10_000

[assets.heater]
role = "load"
device = "relays"
part = "r1"
tier = "C"
rated_w = 2000

[limits]
contract_import_w = 9000
autonomous_import_w = 9000
"""
Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a site file next to a folder with four made-up profiles."""
    folder = tmp_path / "profiles" / "acme"
    folder.mkdir(parents=True)
    for name, text in (("meter", METER), ("hybrid", HYBRID), ("relays", RELAYS), ("inputs", INPUTS)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")

    def write(text: str) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def site_text() -> str:
    """A site file that is right."""
    return SITE
