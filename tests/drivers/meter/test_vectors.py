"""Every built-in profile of a meter against captures: what the bytes say, in our words."""

from typing import Any

import pytest
from tests.drivers.builtin_profiles import VECTORS, list_names, load_builtin, load_vectors

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.protocols import make_decoder
from quartier_drivers.readings import Quality

PROFILES: dict[str, Any] = {name: load_builtin(name) for name in list_names(MeterProfile)}
# The owner of the meter's own points; a child's part is its own.
OWN = "own"


CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in PROFILES
    if (VECTORS / f"{name}.toml").is_file()
    for case in load_vectors(name)["case"]
]


def capture(case: dict[str, Any]) -> bytes:
    return case["text"].encode("latin-1") if "text" in case else bytes.fromhex(case["capture"])


def told(loaded: MeterProfile, data: bytes, step: int) -> tuple[dict[str, Any], str]:
    """The last telling of each point, and who said it."""
    device = MeterReadings(DeviceSpec("meter", 1, {part: part or OWN for part in loaded.parts}), loaded)
    parser = make_decoder(loaded.protocol, loaded.decoder, is_capture=True)
    telegrams = [one for at in range(0, len(data), step) for one in parser.feed(data[at : at + step])]
    found, meter = {}, ""
    for moment, telegram in enumerate([*telegrams, *parser.end()]):
        meter = telegram.meter or meter
        readings = device.make_readings((telegram,), moment * 1_000_000_000)
        for one in readings or ():
            found[one.point.removeprefix(f"{OWN}.")] = one
    return found, meter


@pytest.mark.parametrize(("name", "case"), CASES)
def test_captures_become_points(name: str, case: dict[str, Any]) -> None:
    found, meter = told(PROFILES[name], capture(case), 1 << 20)
    for step in (1, 7):
        assert (found, meter) == told(PROFILES[name], capture(case), step), f"in pieces of {step} bytes"
    good = {point: one.value for point, one in found.items() if one.quality is Quality.GOOD}

    assert case["expected"] == {
        point: value if isinstance(value, str | bool) else pytest.approx(value, rel=1e-9)
        for point, value in good.items()
    }
    assert all(type(case["expected"][point]) is type(value) for point, value in good.items())
    assert sorted(case.get("bad", [])) == sorted(found.keys() - good.keys())
    assert case.get("meter", meter) == meter


@pytest.mark.parametrize("name", PROFILES)
def test_every_point_appears_in_a_case(name: str) -> None:
    points = {
        f"{part}.{quantity}".lstrip(".")
        for part, statements in PROFILES[name].parts.items()
        for quantity in statements
    }

    assert points == {
        point for case in load_vectors(name)["case"] for point in (*case["expected"], *case.get("bad", []))
    }
