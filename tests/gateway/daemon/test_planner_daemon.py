"""The daemon plans: the real process on real wires, its clock set."""

import json

import pytest
from tests.gateway.daemon.ahead import planning

pytestmark = pytest.mark.daemon


def charges(status):
    order = status["written"].get("bat1.setpoint_w", {})
    return order.get("verdict") == "done" and order["value"] > 1000


async def test_the_battery_charges_while_it_is_cheap_and_says_that_the_plan_has_it_do_so(house):
    gateway, devices = house
    gateway.rate = 10.0
    gateway.config.write_text(gateway.config.read_text() + planning())
    await gateway.start()
    status = await gateway.until(charges)
    assert "local plan" == status["control"]["assets"]["bat1"]["led_by"]
    assert {"asset": "bat1", "why_not": ""} == {key: status["plan"][key] for key in ("asset", "why_not")}
    assert devices["gx"].orders()["battery.setpoint_w"] > 1000, "the rule would discharge: the house imports"

    code, page, errors = await gateway.call("plan", "--runtime-dir", str(gateway.runtime_dir))
    assert (0, "") == (code, errors)
    assert "in force" in page
    assert "charges at 0.100" in page
    code, told, _ = await gateway.call("plan", "--json", "--runtime-dir", str(gateway.runtime_dir))
    assert 96 == len(json.loads(told)["steps"])
    places = ("--config", str(gateway.config), "--state-dir", str(gateway.state_dir))
    code, why, _ = await gateway.call("why", "bat1", "--runtime-dir", str(gateway.runtime_dir), *places)
    assert "local plan: charges at 0.100" in " ".join(why.split())
    code, shown, _ = await gateway.call("status", "--runtime-dir", str(gateway.runtime_dir))
    assert "local plan: " in shown
    assert 0 == await gateway.stop()
