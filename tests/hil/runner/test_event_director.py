import pytest

from quartier.runtime.clock import RigClock, read_rig_clock
from quartier_hil.processes.daemon_process import ThreadAbsentError
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.smart_meters import SmartMeters
from quartier_hil.scenario.events import (
    Blackout,
    CarPlug,
    ClockFault,
    DaemonFreeze,
    DaemonStop,
    FaultEnd,
    FaultEvent,
    PhaseSwap,
    PlannerFailure,
    SecondMaster,
)
from quartier_hil.scenario.outside_events import (
    BrokerEvent,
    ContactEvent,
    FailsafeParameters,
    HeartbeatEvent,
    LimitEnvelope,
    ShedCommand,
)
from quartier_sim.modbus.foreign_writes import build_foreign_writes


@pytest.fixture
async def run(prepared, tmp_path):
    """A run on real sockets whose daemon was never started."""
    prepared.wiring = DeviceWiring(1, prepared.scenario.house)
    await prepared.wiring.serve(tmp_path / "rs485")
    prepared.smart_meters = SmartMeters((), tmp_path, contract_w=12_000, rate=20, seed=1)
    yield prepared
    await prepared.wiring.close()


async def test_a_fault_of_a_wire_falls_on_its_devices_and_is_taken_back(run):
    await run.director.perform_event(FaultEvent(at_s=0, do="fault", device="gx_net", kind="off"))
    gx = run.wiring.devices["gx"]

    assert (False, True) == (gx.off, gx.away)
    await run.director.perform_event(FaultEnd(at_s=0, do="clear", device="gx_net"))
    assert not gx.away


async def test_swapped_phases_are_in_the_meters_registers_and_not_in_the_plants_values(run):
    await run.director.perform_event(PhaseSwap(at_s=0, do="swap", device="meter"))
    values = {f"grid.power_l{phase}_w": 100.0 * phase for phase in (1, 2, 3)}
    run.wiring.publish(values, 1.0)
    meter = run.wiring.devices["meter"]._mains

    assert [200, 300, 100] == [meter.phase_power_w(f"l{phase}") for phase in (1, 2, 3)]
    assert 100 == values["grid.power_l1_w"]


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [("off", 0, RigClock(synced=False)), ("wrong", 60, RigClock(jump_s=60.0))],
)
async def test_a_clock_that_lies_is_told_to_the_daemon_by_the_file_that_it_looks_at(
    run, kind, seconds, expected
):
    await run.director.perform_event(ClockFault(at_s=0, do="clock", kind=kind, seconds=seconds))
    assert expected == read_rig_clock(run.daemon.word)

    await run.director.perform_event(ClockFault(at_s=0, do="clock", kind="well"))
    assert RigClock() == read_rig_clock(run.daemon.word)


async def test_the_daemons_planner_hangs_goes_on_and_dies(run):
    told = []
    run.daemon.hold, run.daemon.end = (
        (lambda name: told.append(("hold", name))),
        (lambda name: told.append(("end", name))),
    )
    run.daemon.release_thread = lambda: told.append("let go")
    for event in (
        PlannerFailure(at_s=0, do="planner"),
        PlannerFailure(at_s=0, do="planner", on=True),
        PlannerFailure(at_s=0, do="planner", kind="dies"),
    ):
        await run.director.perform_event(event)

    assert [("hold", "planner"), "let go", ("end", "planner")] == told


async def test_a_second_master_writes_over_a_connection_of_its_own(run):
    await run.director.perform_event(
        SecondMaster(at_s=0, do="master", point="bat1.setpoint_w", value=3_000, every_s=0.05, for_s=0.1)
    )

    assert 3_000 == run.wiring.devices["gx"].orders()["battery.setpoint_w"]
    assert "he wrote 2 times, 0 in vain" == run.record.marks[-1].text


async def test_in_a_blackout_what_has_no_battery_forgets_and_comes_back_with_the_supply(run):
    gx, charger = run.wiring.devices["gx"], run.wiring.devices["charger"]
    for device, value in ((gx, 3_000.0), (charger, 9.0)):
        for unit, pdu in build_foreign_writes(device, value):
            device.answer(unit, pdu)
    dark = Blackout(at_s=0, do="blackout", for_s=0.05, backed=("charger", "gateway"))
    await run.director.perform_event(dark)

    assert (0, 9) == (gx.orders()["battery.setpoint_w"], charger.orders()["current_max_a"])
    assert (False, False, False) == (gx.off, charger.off, run.plant.mains.is_gone)
    assert ["the supply is gone", "the supply is back"] == [mark.text for mark in run.record.marks[-2:]]


class _Metal:
    """Who takes the events of the charger, and every supply."""

    def __init__(self):
        self.heard = []

    def takes(self, event):
        return getattr(event, "device", "") == "charger"

    async def perform_event(self, event, mark):
        mark(f"{event.device}, by its relay", "fault")
        self.heard.append(event.kind)

    async def supply(self, *, on, backed):
        self.heard.append((on, backed))


async def test_event_of_a_real_device_is_done_on_its_bench_and_not_to_its_twin(run):
    run.real_devices = _Metal()
    await run.director.perform_event(FaultEvent(at_s=0, do="fault", device="charger", kind="off"))
    await run.director.perform_event(FaultEvent(at_s=0, do="fault", device="meter", kind="stuck"))

    assert ["off"] == run.real_devices.heard
    assert (False, True) == (run.wiring.devices["charger"].off, "stuck" in run.wiring.devices["meter"].faults)
    assert "charger, by its relay" == run.record.marks[-2].text


async def test_what_the_district_is_to_send_is_told_to_its_process(run, monkeypatch):
    told = []
    monkeypatch.setattr(run.peer, "order", lambda do, **what: told.append((do, what)))
    await run.director.perform_event(ShedCommand(at_s=0, do="shed", level=2, for_s=60))
    await run.director.perform_event(
        FailsafeParameters(at_s=0, do="failsafe", import_max_w=4_000, export_max_w=0)
    )
    await run.director.perform_event(
        LimitEnvelope(at_s=0, do="caps", for_s=60, import_max_w=1_000, program="market", valid_s=90)
    )

    assert ("command", {"op": "shed", "level": 2, "duration_s": 60}) == told[0]
    assert (4_000, 0, 7_200) == tuple(
        told[1][1][key] for key in ("import_max_w", "export_max_w", "duration_min_s")
    )
    assert ("market", 90, 12_000) == (
        told[2][1]["program"],
        told[2][1]["for_s"],
        told[2][1]["default"]["import_max_w"],
    )


async def test_a_planner_that_died_may_die_or_hang_again_and_one_that_never_was_is_an_error(run, monkeypatch):
    there = {"is": True}

    def end(name):
        if not there["is"]:
            raise ThreadAbsentError(f"no thread {name}")
        there["is"] = False

    monkeypatch.setattr(run.daemon, "end", end)
    monkeypatch.setattr(run.daemon, "hold", end)
    for kind in ("dies", "dies", "hangs"):
        await run.director.perform_event(PlannerFailure(at_s=0, do="planner", kind=kind))
    dead = "the planner's thread is dead already"
    assert ["the planner's thread dies", dead, dead] == [mark.text for mark in run.record.marks[-3:]]

    run.director._planner_died = False
    with pytest.raises(ThreadAbsentError):
        await run.director.perform_event(PlannerFailure(at_s=0, do="planner"))


@pytest.mark.peer
async def test_an_event_that_changes_nothing_is_no_fault_of_the_rig(run, monkeypatch):
    """Each event that puts something into a state, when it is in that state already, and twice."""
    monkeypatch.setattr(run.peer, "order", lambda *_, **__: None)
    twice = (
        BrokerEvent(at_s=0, do="broker", up=False),
        BrokerEvent(at_s=0, do="broker", up=True),
        FaultEnd(at_s=0, do="clear", device="meter"),
        FaultEnd(at_s=0, do="clear", device="rs485"),
        FaultEvent(at_s=0, do="fault", device="meter", kind="off"),
        HeartbeatEvent(at_s=0, do="heartbeat", on=True),
        HeartbeatEvent(at_s=0, do="heartbeat", on=False),
        ContactEvent(at_s=0, do="contact", closed=False),
        ContactEvent(at_s=0, do="contact", closed=True),
        CarPlug(at_s=0, do="plug", on=False),
        CarPlug(at_s=0, do="plug", on=True),
        PlannerFailure(at_s=0, do="planner", on=True),
        ClockFault(at_s=0, do="clock", kind="well"),
        ClockFault(at_s=0, do="clock", kind="off"),
        DaemonStop(at_s=0, do="kill", down_s=0.01),
        DaemonFreeze(at_s=0, do="freeze", for_s=0.01),
        Blackout(at_s=0, do="blackout", for_s=0.01, backed=("gateway",)),
    )
    monkeypatch.setattr(run.supervisor, "_restart", _nothing)
    try:
        for event in twice:
            for _ in range(2):
                await run.director.perform_event(event)
        texts = [mark.text for mark in run.record.marks]
    finally:
        await run.broker.stop()

    broker = [text for text in texts if "broker" in text]
    assert [
        "the broker stays away",
        "the broker stays away",
        "the broker comes back",
        "the broker stays",
    ] == broker


async def _nothing(*_words, **_more):
    return None
