"""What is seen of a SunSpec device whose timer is let run out, by the house's clock alone: no machine is too busy.

Script, driver and device are the real ones, the wire too; only time is made here, turn by turn.
"""

import pytest

from quartier.commissioning.probe import probe_findings, probe_measurement, probe_subject
from quartier.commissioning.probe.probe_session import ProbeSession
from quartier.commissioning.probe.probe_state import ProbeRequest
from quartier.commissioning.probe.probe_subject import ProbeLimits
from quartier.commissioning.service import probing
from quartier.site.asset_types import Battery
from quartier.site.process_image import ProcessImage
from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.sunspec.battery_inverter import BatteryInverter

S = 1_000_000_000
TURN_NS = S // 5
LIFE_NS = 15 * S
BATTERY = Battery(
    name="bat1",
    rated_w=5000,
    capacity_wh=10_000,
    charge_max_w=5000,
    discharge_max_w=5000,
    ramp_max_w_per_s=1000,
)


class Clock:
    """House time that goes on when it is told to."""

    def __init__(self):
        self.ns = 1000 * S

    def now_ns(self):
        return self.ns

    async def sleep(self, seconds):
        self.ns += int(seconds * S)


async def watched(device):
    """A whole probe of the device with its timer watched: subject, session and what was found."""
    clock, image, power_w = Clock(), ProcessImage(), 0.0
    async with await serve_tcp(device) as wire:
        bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=wire.port, timeout_s=20, retries_count=2)
        line = registry.load_factory("modbus-tcp").line("lan", bus, clock)
        spec = DeviceSpec("storage", 1, {"": "bat1"})
        loaded = probing._speed_up(loading.load_profile("sunspec/battery"))
        driver = registry.load_factory("modbus-tcp", "sunspec").driver(line, spec, loaded, clock)
        await driver.open()
        timer = driver.points["bat1.setpoint_w"].fallback
        of = probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None, fallback=timer)
        session = ProbeSession(
            of, ProbeLimits(20_000, 20_000), ProbeRequest(60.0, watch_timer=True), clock.ns
        )
        while True:
            clock.ns += TURN_NS
            device.tick(clock.ns / S)
            wanted_w = device.orders()["setpoint_w"]
            power_w += min(max(wanted_w - power_w, -1000.0), 1000.0)
            device.show({"power_w": power_w, "soc_pct": 50.0})
            while driver.due_ns <= clock.ns and (told := await driver.read()):
                image.put(told)
            image.put(
                make_readings([Reading("grid.power_w", 600.0 + power_w, Quality.GOOD, clock.ns)], clock.ns)
            )
            act = session.run_cycle(image.freeze(clock.ns), "", clock.ns)
            if act.end_reason is not None:
                break
            if act.value is not None:
                await driver.write(Command("bat1.setpoint_w", act.value, clock.ns + LIFE_NS))
        await driver.close()
        await line.close()
    stage = session.stage
    seen = probe_measurement.evaluate_trace(stage.trace)
    return (
        of,
        stage.watch,
        {
            one.code
            for one in probe_findings.find_findings(of, stage.trace, seen, act.end_reason, stage.watch)
        },
    )


@pytest.mark.parametrize("generation", ["1xx", "7xx"])
async def test_a_timer_that_acts_is_timed_and_proven(generation):
    of, watch, codes = await watched(BatteryInverter(generation))
    proof = probing.make_fallback_proof(of, watch, 7, "A1")

    assert "timer" in codes
    assert 60.0 == pytest.approx(watch.action_s, abs=3.0)
    assert (True, 60.0, 7, "A1") == (proof.acts, proof.after_s, proof.utc_ms, proof.serial)


@pytest.mark.parametrize("habit", ["timer-ignored", "timer-fed-by-polls"])
@pytest.mark.parametrize(
    ("heartbeat_s", "code"),
    [(0.0, "timer.ignored"), (60.0, "timer.late")],  # of two that should end it the heartbeat alone does
)
async def test_a_timer_that_is_ignored_or_fed_by_polls_is_disproved_whatever_else_ends_the_order(
    habit, heartbeat_s, code
):
    of, watch, codes = await watched(BatteryInverter("7xx", heartbeat_s=heartbeat_s, habits=[habit]))

    assert code in codes
    assert not probing.make_fallback_proof(of, watch, 7, "").acts


def test_nothing_is_proven_where_no_timer_was_watched():
    assert (
        probing.make_fallback_proof(
            probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None), None, 7, ""
        )
        is None
    )
