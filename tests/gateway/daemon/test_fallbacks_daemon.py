"""A running daemon builds nothing on a fallback that is not as declared, and says so wherever it is asked."""

import json

import pytest

pytestmark = pytest.mark.daemon
BATTERY = "bat1.setpoint_w"


def row(status, point=BATTERY):
    (found,) = [one for one in status["fallbacks"] if one["point"] == point]
    return found


async def point(gateway, name):
    (found,) = [one for one in await gateway.ask("points") if one["point"] == name]
    return found


async def test_an_inverter_in_another_mode_is_given_no_orders_until_it_is_set_right(house):
    gateway, devices = house
    gateway.rate = 12.0  # a fallback is looked at again after a minute
    devices["gx"]._mode = 1
    devices["gx"]._show_orders()
    await gateway.start()
    lost = await gateway.until(lambda status: row(status)["state"] == "different")
    lost = await gateway.until(lambda status: "fallback" in status["control"]["assets"]["bat1"]["state"])
    told = await point(gateway, "bat1.fallback_on")
    code, text, errors = await gateway.call(
        "arm", "--check", "--json", "--runtime-dir", str(gateway.runtime_dir)
    )
    devices["gx"]._mode = 3
    devices["gx"]._show_orders()
    await gateway.until(lambda status: row(status)["state"] == "declared")
    await gateway.until(lambda status: status["control"]["assets"]["bat1"]["state"] == "controlled")

    assert "holding:2902 holds 1; set ESS mode 3" in row(lost)["problem"]
    assert (False, "good") == (told["value"], told["quality"])
    assert (1, True) == (code, "a daemon is running" in errors)
    assert ["different", "none"] == [one["state"] for one in json.loads(text)]
    assert 1 == gateway.log().count("fallback.lost")
    assert 1 == gateway.log().count("fallback.recovered")


async def test_what_was_found_outlives_a_restart(house):
    gateway, devices = house
    await gateway.start()
    await gateway.until(lambda status: row(status)["state"] == "declared")
    await gateway.stop()
    devices["gx"].fault("silent")
    await gateway.start()
    status = await gateway.until(lambda status: status["fallbacks"])

    assert "declared" == row(status)["state"]
    assert row(status)["utc_ms"] > 0


async def test_points_status_and_arm_tell_the_same(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda status: row(status)["state"] == "declared")
    places = ("--runtime-dir", str(gateway.runtime_dir))
    status, points, arm = [await gateway.call(word, *places) for word in ("status", "points", "arm")]
    check = await gateway.call("arm", "--check", *places)

    assert "fallbacks: 1 by the manual, 1 accepted without" in status[1]
    assert "0 W after 60 s, by the manual" in points[1]
    assert (75, 0) == (arm[0], check[0])
    assert "bat1.setpoint_w" in check[1]
