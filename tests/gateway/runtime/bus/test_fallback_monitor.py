"""Fallbacks are looked at when a device is met, after its first order and daily, in nobody's way."""

import asyncio
import contextlib
import json
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.gateway.runtime.bus.test_poll import House

from quartier.runtime.bus.fallback_monitor import FallbackProof, KnownFallbacks
from quartier_drivers.contract import ArmedFallback, Command
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import LinkLost
from quartier_sim.modbus.quirk_servers import QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit

INVERTER = """
[profile]
protocol = "modbus"
maker = "ACME"
model = "HY"
source = "s"
[points.power_w]
register = "input:5"
scan = "fast"
[points.setpoint_w]
register = "holding:5"
type = "int16"
scan = "fast"
[points.setpoint_w.write]
low = -5000
high = 5000
on_release = 0
[points.setpoint_w.write.fallback]
value = 0
after_s = 60
register = "holding:6"
value_shown = { register = "holding:7" }
check = [{ register = "holding:8", equals = 3, remedy = "set the mode to external control" }]
"""
POINT = "bat1.setpoint_w"
SOUND = ArmedFallback(POINT, 0.0, 60.0)


@contextlib.asynccontextmanager
async def running(words=None, rate=20.0):
    """(house, server): registers 6 to 8 of the inverter are timer, value and mode."""
    unit = make_plain_unit()
    for place, word in ({6: 0, 7: 0, 8: 3} | (words or {})).items():
        unit.put("holding", place, [word])
    server = QuirkyTcpServer({1: unit})
    async with server:
        inverter = loading.parse_profile(INVERTER, "acme/hy", "hy.toml")
        house = House(server.port, {"bat1": (1, "acme/hy", "")}, rate=rate, profiles={"bat1": inverter})
        task = asyncio.create_task(house.bus.run())
        try:
            yield house, server
        finally:
            task.cancel()
            await asyncio.wait([task])


def problem(house):
    look = house.fallbacks.of(POINT)
    return None if look is None else look.armed.problem


async def order(house, value=100.0):
    now_ns = house.clock.now_ns()
    house.bus.post(Command(POINT, value, now_ns + 60 * 10**9), now_ns)
    await house.until(lambda: house.bus.mailbox.outcomes[POINT].verdict == "done")


def reads_of(server, place):
    return sum(pdu[0] == 3 and pdu[1:3] == place.to_bytes(2, "big") for _, pdu in server.asked)


async def test_a_device_is_looked_at_once_it_is_met_and_not_all_the_time():
    async with running() as (house, server):
        await house.until(lambda: house.fallbacks.of(POINT))
        seen = house.counts["bat1.power_w"]
        await house.until(lambda: house.counts["bat1.power_w"] > seen + 20)

    assert "" == problem(house)
    assert 1 == reads_of(server, 8)
    assert [] == house.said("fallback.lost")
    assert not any(pdu[0] in (6, 16) for _, pdu in server.asked), "looking writes nothing"


async def test_what_is_not_as_declared_is_said_once_and_so_is_that_it_is_well_again():
    async with running({8: 1}, rate=600.0) as (house, server):
        await house.until(lambda: reads_of(server, 8) > 1 and house.said("fallback.lost"))
        lost = house.said("fallback.lost")
        server.units[1].put("holding", 8, [3])
        await house.until(lambda: problem(house) == "" and house.said("fallback.recovered"))

    (told,) = lost
    assert (POINT, "bat1") == (told["point"], told["device"])
    assert "holding:8 holds 1; set the mode to external control" == told["why"]
    assert 1 == len(house.said("fallback.recovered"))


async def test_a_timer_that_the_device_does_not_keep_is_found_after_the_first_order():
    async with running() as (house, server):
        await house.until(lambda: house.fallbacks.of(POINT))
        resting = problem(house)
        keep = server.units[1].accept
        server.units[1].accept = lambda table, at, words: keep(table, at, [0] if at == 6 else words)
        await order(house)
        await house.until(lambda: problem(house))

    assert "" == resting
    assert "60 s is declared, holding:6 holds 0 s: it never acts; run quartier arm" == problem(house)


async def test_a_timer_that_stays_is_verified_after_the_first_order():
    async with running() as (house, _):
        await house.until(lambda: house.fallbacks.of(POINT))
        await order(house)
        await house.until(lambda: house.fallbacks.of(POINT).armed.after_s == 60)

    assert SOUND == house.fallbacks.of(POINT).armed


async def test_who_hangs_up_whenever_it_is_asked_is_asked_less_and_less_often():
    async with running(rate=2000.0) as (house, _):
        await house.until(lambda: house.fallbacks.of(POINT))
        driver, asked_ns = house.bus.devices["bat1"].driver, []
        arm = driver.arm

        async def hangs_up(_points, **_how):
            asked_ns.append(house.clock.now_ns())
            raise LinkLost("closed by the device")

        driver.arm = hangs_up
        house.bus._fallback_monitor._plan(POINT, house.clock.now_ns())
        await house.until(lambda: len(asked_ns) == 4)
        driver.arm = arm
        await house.until(lambda: house.fallbacks.changes_count > 1)

    first, second, third = [(after - before) / 1e9 for before, after in pairwise(asked_ns)]
    late_s = 2.0  # a millisecond of this machine: one may begin late, and the next is then nearer
    assert first >= 300 - late_s
    assert second >= 600 - late_s
    assert third >= 1200 - late_s


async def test_who_went_away_when_asked_and_says_anew_who_it_is_is_not_asked_at_once():
    async with running(rate=100.0) as (house, _):
        await house.until(lambda: house.fallbacks.of(POINT))
        health, asked_ns = house.bus.devices["bat1"], []

        async def hangs_up(_points, **_how):
            asked_ns.append(house.clock.now_ns())
            raise LinkLost("closed by the device")

        health.driver.arm = hangs_up
        fallback_monitor = house.bus._fallback_monitor
        fallback_monitor._plan(POINT, house.clock.now_ns())
        await house.until(lambda: asked_ns)
        planned_ns = fallback_monitor._due_ns[POINT]
        fallback_monitor.schedule_checks(health)

        assert planned_ns == fallback_monitor._due_ns[POINT]


async def test_what_is_wrong_once_only_does_not_count():
    async with running() as (house, server):
        await house.until(lambda: house.fallbacks.of(POINT))
        server.units[1].put("holding", 8, [1])
        house.bus._fallback_monitor.schedule_timer_check(POINT)
        await house.until(lambda: reads_of(server, 8) == 2)
        server.units[1].put("holding", 8, [3])
        await house.until(lambda: reads_of(server, 8) == 3)
        await house.until(lambda: house.fallbacks.changes_count == 2)

    assert "" == problem(house)
    assert [] == house.said("fallback.lost")


async def test_a_bus_that_is_never_idle_gives_a_turn_all_the_same():
    async with running(rate=600.0) as (house, _):
        driver = house.bus.devices["bat1"].driver
        for job in driver._jobs:
            job.period_ns = 1_000_000  # more than the wire can bear
        await house.until(lambda: house.fallbacks.of(POINT))

    assert "" == problem(house)


async def test_a_write_waits_for_one_exchange_of_a_look_at_most():
    async with running() as (house, server):
        await house.until(lambda: "bat1.power_w" in house.latest)
        await house.until(lambda: house.fallbacks.of(POINT))
        held = asyncio.Event()
        beside = house.bus.devices["bat1"].driver._single_requests
        fetch = beside.fetch

        async def slow(*place):
            if not held.is_set():
                now_ns = house.clock.now_ns()
                house.bus.post(Command(POINT, 7.0, now_ns + 60 * 10**9), now_ns)
                held.set()
            return await fetch(*place)

        beside.fetch = slow
        begun = len(server.asked)
        house.bus._fallback_monitor.schedule_checks(house.bus.devices["bat1"])
        house.bus._fallback_monitor._plan(POINT, house.clock.now_ns())
        await house.until(lambda: house.bus.mailbox.outcomes.get(POINT))
        await house.until(lambda: house.bus.mailbox.outcomes[POINT].verdict == "done")

    kinds = [(pdu[0], int.from_bytes(pdu[1:3], "big")) for _, pdu in server.asked[begun:]]
    first_look = kinds.index((3, 6))
    assert [(6, 6), (6, 5)] == kinds[first_look + 1 : first_look + 3], "timer and value come next"


async def test_a_device_that_was_silent_may_be_another_one_and_is_looked_at_anew():
    async with running(rate=200.0) as (house, server):
        await house.until(lambda: house.fallbacks.of(POINT))
        unit = server.units.pop(1)
        await house.until(lambda: house.said("device.silent"))
        unit.put("holding", 8, [1])
        server.units[1] = unit
        await house.until(lambda: house.said("fallback.lost"))


def test_facts_come_back_as_they_were_through_json():
    fallbacks = KnownFallbacks()
    fallbacks.note(ArmedFallback("pv1.generation_max_w", None, float("inf"), is_verified=False), 5)
    fallbacks.note(ArmedFallback(POINT, 0.0, 60.0, "it never acts"), 7)
    again = KnownFallbacks(json.loads(json.dumps(fallbacks.facts())))

    assert fallbacks.of(POINT) == again.of(POINT)
    assert fallbacks.of("pv1.generation_max_w") == again.of("pv1.generation_max_w")
    assert not again.of(POINT).is_as_declared


def test_only_what_changes_the_standing_is_news():
    fallbacks = KnownFallbacks()
    broken = ArmedFallback(POINT, 0.0, 60.0, "it never acts")

    assert [False, False, True, False, True] == [
        fallbacks.note(armed, 0) for armed in (SOUND, SOUND, broken, broken, SOUND)
    ]
    assert 5 == fallbacks.changes_count


def test_points_that_left_the_site_file_are_forgotten():
    fallbacks = KnownFallbacks()
    fallbacks.note(SOUND, 0)
    fallbacks.keep(["ev1.current_max_a"])

    assert fallbacks.of(POINT) is None


@pytest.mark.parametrize("facts", [{"a.b_w": {}}, {"a.b_w": {"value": "x"}}])
def test_facts_that_are_none_are_an_error_for_who_reads_them(facts):
    with pytest.raises((KeyError, TypeError, ValueError)):
        KnownFallbacks(facts)


SEEN = FallbackProof(acts=True, after_s=60.0, seen_s=60.3, words="it fell back", utc_ms=9, serial="A1")


def test_what_was_seen_of_a_timer_survives_json_with_and_without_a_look():
    fallbacks = KnownFallbacks()
    fallbacks.note(SOUND, 7)
    fallbacks.prove(POINT, SEEN)
    fallbacks.prove("ev1.current_max_a", replace(SEEN, acts=False, seen_s=None))
    again = KnownFallbacks(json.loads(json.dumps(fallbacks.facts())))

    assert (SEEN, fallbacks.of(POINT)) == (again.find_proof(POINT), again.of(POINT))
    assert (None, False) == (again.of("ev1.current_max_a"), again.is_as_declared("ev1.current_max_a"))


@pytest.mark.parametrize(
    ("after_s", "serial", "kept"),
    [(60.0, "A1", True), (60.0, "", True), (60.0, "B2", False), (30.0, "A1", False), (None, "A1", False)],
)
def test_what_was_seen_of_another_device_or_another_timer_is_forgotten(after_s, serial, kept):
    fallbacks = KnownFallbacks()
    fallbacks.prove(POINT, SEEN)
    fallbacks.drop_outdated_proof(POINT, after_s, serial)

    assert kept == (fallbacks.find_proof(POINT) is not None)


async def test_what_was_seen_of_a_timer_ends_where_a_device_is_met_with_another_one():
    async with running() as (house, _):
        house.fallbacks.prove(POINT, replace(SEEN, after_s=30.0))
        await house.until(lambda: house.fallbacks.of(POINT))
        other = house.fallbacks.find_proof(POINT)
    async with running() as (house, _):
        house.fallbacks.prove(POINT, SEEN)
        await house.until(lambda: house.fallbacks.of(POINT))

    assert (None, SEEN) == (other, house.fallbacks.find_proof(POINT))
