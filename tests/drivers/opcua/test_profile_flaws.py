"""What contradicts itself in a point though each key is well-formed."""

import pytest

from quartier_drivers.opcua.profile import check_opcua_point
from quartier_drivers.opcua.schema import OpcuaPoint

SCAN = {"fast": 1.0, "normal": 5.0}
WRITE = {"low": 0, "high": 100, "on_release": "hold"}


def flaws(quantity, **keys):
    point = OpcuaPoint.model_validate({"node": "i=1", **keys})
    return [f"{key}: {what}" for key, what in check_opcua_point(quantity, point, SCAN)]


def writing(quantity="valve_pct", **keys):
    return flaws(quantity, write=WRITE | keys)


def test_a_plain_point_has_none():
    assert [] == flaws("power_w")
    assert [] == writing()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (flaws("power"), "ends in no unit"),
        (flaws("power_w", scan="quick"), "scan: 'quick' is no scan class"),
        (flaws("name_text", scale=2.0), "scale: does not fit a text"),
        (flaws("alarm_on", bit=1, values={"0": "no"}), "values: stands beside bit"),
        (flaws("alarm_on", deadband=0.5), "deadband: does not fit alarm_on"),
        (flaws("name_text", write=WRITE), "write: does not fit a text"),
        (flaws("pump_on", bit=3, write=WRITE | {"high": 1}), "write.node: is missing"),
        (writing(low=200), "write.low: 200 is above high = 100"),
        (writing(on_release=101), "write.on_release: 101.0 is outside 0..100"),
        (writing(on_release="own"), "write.own: is missing"),
        (writing(writes_per_day=10), "write.writes_per_day: fits persistent points only"),
        (
            writing("generation_max_w", fallback={"value": "own", "after_s": 60}),
            "write.fallback.value: 'own' lifts the cap",
        ),
        (writing("relay_on", high=1, fallback={"value": 0.5, "after_s": 60}), "is neither on nor off"),
        (
            writing(fallback={"value": 0, "after_s": 60, "refresh_s": 40}),
            "write.fallback.refresh_s: 40.0 is too slow",
        ),
        (writing(persistent=True, fallback={"value": 0, "after_s": 60}), "more writes a day"),
    ],
)
def test_each_contradiction_says_what_is_expected(found, says):
    assert 1 == len(found)
    assert says in found[0]
