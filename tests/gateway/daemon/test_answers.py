"""What the desk answers, asked of a real fleet; everything must go through JSON unchanged."""

import json

from quartier.daemon import answers
from quartier.daemon.reports.write_ledger import WriteLedger
from quartier.runtime.ticker import Ticker
from quartier_drivers.contract import Command
from quartier_drivers.errors import Fault
from quartier_drivers.readings import Quality, Reading, make_readings

VIRTUAL_TIME = True


def same_in_json(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def frozen(yard):
    return yard.image.freeze(yard.clock.now_ns())


def points(yard):
    told = answers.render_points(frozen(yard), yard.fleet.points, yard.fleet, yard.clock.utc_ms())
    found = same_in_json(list(told))
    return {point["point"]: point for point in found}


def device(yard, bus, name):
    found = {found["name"]: found for found in same_in_json(answers.render_buses(yard.fleet, frozen(yard)))}
    return {device["name"]: device for device in found[bus]["devices"]}[name]


async def test_before_the_first_poll_everything_is_named_and_nothing_is_claimed(yard):
    async with yard() as (found, _):
        await found.follow()
        power = points(found)["grid.power_w"]

        assert (None, "W", "never read", None) == tuple(
            power[k] for k in ("value", "unit", "quality", "age_s")
        )
        assert power["address"]
        (lan, _board) = same_in_json(answers.render_buses(found.fleet, frozen(found)))
        assert (False, "not yet opened", None) == (lan["online"], lan["why"], lan["slack_pct"])
        assert "opening" == device(found, "lan", "gx")["state"]


async def test_a_device_is_good_then_set_aside_then_silent_and_says_why(yard):
    # Real time-outs must stay short in the house's time to be counted one by one.
    async with yard(rate=2.0) as (found, devices):
        await found.follow(("timeout_s = 2.0", "timeout_s = 1.0"))
        await found.until(lambda: device(found, "lan", "gx")["state"] == "good")
        good = device(found, "lan", "gx")
        assert ("", 0, "Victron Energy") == (good["why"], good["errors_count"], good["identity"]["maker"])

        devices["gx"].fault("silent")
        states = []

        def watched():
            state = device(found, "lan", "gx")["state"]
            if state not in states:
                states.append(state)
            return state == "silent"

        await found.until(watched)
        assert ["good", "set aside", "silent"] == states
        silent = device(found, "lan", "gx")
        assert silent["why"]
        assert silent["age_s"] >= 15
        assert silent["errors_count"] > 0


async def test_the_value_of_a_bad_point_is_not_shown(yard):
    async with yard() as (found, _):
        await found.follow()
        bad = [Reading("grid.power_w", 4711.0, Quality.BAD, 0)]
        found.image.put(make_readings(bad, found.clock.now_ns()))

        power = points(found)["grid.power_w"]
        assert (None, "bad") == (power["value"], power["quality"])


async def test_a_writable_point_says_what_a_stop_and_a_silence_make_of_it(yard):
    async with yard() as (found, _):
        await found.follow()
        named = points(found)

        setpoint = named["bat1.setpoint_w"]
        assert (True, 0) == (setpoint["writable"], setpoint["on_release"])
        assert {"value": 0, "after_s": 60} == {key: setpoint["fallback"][key] for key in ("value", "after_s")}
        assert None is named["boiler.relay_on"]["fallback"], "a relay board has no timer of its own"
        assert "writable" not in named["grid.power_w"]


async def test_the_last_command_stays_with_its_point_and_its_verdict(yard):
    async with yard() as (found, devices):
        await found.follow()
        assert "written" not in points(found)["boiler.relay_on"]
        found.command("boiler.relay_on", 1.0)
        assert "pending" == points(found)["boiler.relay_on"]["written"]["verdict"]
        await found.until(lambda: points(found)["boiler.relay_on"]["written"]["verdict"] == "done")

        devices["relays"].fault("off")
        found.command("boiler.relay_on", 0.0, valid_s=1.0)
        await found.until(
            lambda: (
                answers.render_outcomes(found.fleet, found.clock.now_ns())["boiler.relay_on"]["verdict"]
                != "pending"
            )
        )
        written = same_in_json(answers.render_outcomes(found.fleet, found.clock.now_ns()))["boiler.relay_on"]
        assert (0.0, "a test") == (written["value"], written["reason"])
        assert written["verdict"] in {"unknown", "expired"}
        assert written["why"]


async def test_points_of_buses_and_of_the_gateway_are_listed_after_the_served_ones(yard):
    async with yard() as (found, _):
        await found.follow()
        for readings in found.fleet.report(found.clock.now_ns()):
            found.image.put(readings)
        named = list(points(found))

        assert named[: len(found.fleet.points)] == list(found.fleet.points)
        assert {"lan.slack_pct", "lan.online_on", "gx.silent_on"} <= set(named[len(found.fleet.points) :])


async def test_a_bus_that_is_lost_says_where_it_looked(yard):
    async with yard() as (found, devices):
        devices["gx"].fault("off")
        await found.follow()
        await found.until(lambda: "127.0.0.1" in answers.render_buses(found.fleet, frozen(found))[0]["why"])

        lan, _ = same_in_json(answers.render_buses(found.fleet, frozen(found)))
        assert False is lan["online"]
        assert f"{found.ports['gx']}" in lan["why"]


async def test_the_points_of_one_device_or_one_asset_are_told_alone(yard):
    async with yard() as (found, _):
        await found.follow()

        def owners(name):
            told = answers.render_points_of_owner(name, frozen(found), found.fleet, found.clock.utc_ms())
            return {point["point"].partition(".")[0] for point in same_in_json(list(told))}

        assert {"bat1"} == owners("bat1")
        assert "bat1" in owners("gx")
        assert {"boiler"} == owners("relays")
        assert None is answers.render_points_of_owner("nobody", frozen(found), found.fleet, 0)


async def test_one_bus_and_one_device_are_told_alone_and_none_is_null(yard):
    async with yard() as (found, _):
        await found.follow()
        await found.until(lambda: device(found, "lan", "gx")["state"] == "good")
        lan = same_in_json(answers.render_bus("lan", found.fleet, frozen(found)))
        gx = same_in_json(answers.render_device("gx", found.fleet, found.clock.now_ns()))

        assert lan["counts"]["requests_count"] > 0
        assert ("good", "lan", True) == (gx["state"], gx["bus"], gx["online"])
        assert None is answers.render_bus("gx", found.fleet, frozen(found))
        assert None is answers.render_device("lan", found.fleet, 0)


class Pages:
    """A store that keeps rows in memory."""

    boot = 7

    def __init__(self):
        self.rows = []

    def write_down(self, entry, _now):
        self.rows.append(entry)


async def test_an_asset_is_told_with_its_last_command_and_rows_of_the_ledger(yard):
    async with yard() as (found, _):
        await found.follow()
        order = Command("boiler.relay_on", 1.0, expires_ns=0, reason="free")
        view = {"assets": {"boiler": {"role": "load", "command": {"point": "boiler.relay_on", "value": 1.0}}}}
        ledger = WriteLedger(Pages())
        ledger.record_orders([order], frozen(found), found.clock.now())
        found.command("boiler.relay_on", 1.0)
        told = same_in_json(answers.render_asset("boiler", view, found.fleet, ledger, found.clock.now()))

        assert ("boiler", "load", "pending") == (told["name"], told["role"], told["written"]["verdict"])
        assert ["free"] == [row["why"] for row in told["ledger"]]
        assert None is answers.render_asset("nobody", view, found.fleet, ledger, found.clock.now())
        assert None is answers.render_asset("boiler", {}, found.fleet, ledger, found.clock.now())


class Clock:
    def now_ns(self):
        return 0


def test_punctuality_is_finite_before_the_first_cycle_and_after():
    ticker = Ticker(1.0, Clock(), lambda: None)
    assert {
        "count": 0,
        "skipped_count": 0,
        "late_p999_s": 0.0,
        "late_max_s": 0.0,
    } == answers.render_cycle_times(ticker)

    ticker.lateness.add(7.5)
    assert 7.5 == same_in_json(answers.render_cycle_times(ticker))["late_max_s"]


def test_disabled_parts_tell_every_fault():
    faults = {"devices.gx": (Fault("site.toml", 7, "devices.gx.unit", "300 is outside 0..255"),)}

    assert {
        "devices.gx": ["site.toml:7: devices.gx.unit: 300 is outside 0..255"]
    } == answers.render_disabled_parts(faults)


async def test_writable_points_tell_how_often_they_were_written_and_may_be(yard):
    async with yard() as (found, _):
        await found.follow()
        told = points(found)
        (writable,) = [point for point in told if point.endswith("setpoint_w")][:1]
        found.fleet.write_counts.add(writable, found.clock.utc_ms())

        assert {"today": 1, "budget": None, "total": 1, "persistent": False} == points(found)[writable][
            "writes"
        ]
        assert "writes" not in told["grid.power_w"]
