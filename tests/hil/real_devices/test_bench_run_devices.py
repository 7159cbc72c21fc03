"""Real devices of a run, on processes that are not ours: switched, read, judged, and at rest in the end."""

import asyncio
import datetime as dt

import pytest

from quartier_hil.checks.verdicts import RunData
from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.bench_run import RealDevices
from quartier_hil.runner.supervisor import RigError
from quartier_hil.scenario.events import CarPlug, FaultEnd, FaultEvent
from quartier_hil.scenario.outside_events import HeartbeatEvent
from quartier_hil.scenario.scenario_file import Scenario

START = dt.datetime(2026, 6, 12, 15)  # noqa: DTZ001 - the house's local time
PLUG = CarPlug(at_s=1, do="plug")
OFF = FaultEvent(at_s=1, do="fault", device="charger", kind="off")
UNPLUGGED = FaultEvent(at_s=1, do="fault", device="charger_net", kind="off")
CLEAR = FaultEnd(at_s=1, do="clear", device="charger")


def _make_real_devices(bench):
    return RealDevices(bench, ("charger",), Scenario(title="x", start=START, duration_s=100, rate=1))


@pytest.fixture
async def real_devices(bench, tmp_path):
    made = _make_real_devices(bench)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await made.begin(tmp_path, lambda: loop.time() - began_s)
    yield made
    if not made.rest_check.is_over:
        await made.end()


async def _until(true):
    """Until a reading says so; who waits for ever has lost."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - readings come by themselves, nothing tells of them
            await asyncio.sleep(0.05)


@pytest.mark.peer
async def test_what_a_real_device_takes_is_what_its_meter_reads(real_devices):
    assert {"ev1": 0.0} == real_devices.powers_w()
    marks = []
    await real_devices.perform_event(PLUG, lambda *words: marks.append(words))
    await _until(lambda: real_devices.powers_w()["ev1"] > 0)

    assert {"ev1": 11_040.0} == real_devices.powers_w()
    assert 16.0 == real_devices.find_known_values({})["order.current_max_a"]
    assert [("a car is plugged in, by its relay", "event")] == marks


@pytest.mark.peer
async def test_off_takes_the_supply_by_its_relay_and_clear_gives_it_back(real_devices, things):
    await real_devices.perform_event(PLUG, lambda *_: None)
    await _until(lambda: real_devices.powers_w()["ev1"] > 0)
    pid = things.station_pid
    await real_devices.perform_event(OFF, lambda *_: None)
    await _until(lambda: real_devices.powers_w()["ev1"] == 0)

    assert (0, False) == (things.coils["0"], things.has_station)
    assert "order.current_max_a" not in real_devices.find_known_values({})
    await real_devices.perform_event(CLEAR, lambda *_: None)
    await _until(lambda: "order.current_max_a" in real_devices.find_known_values({}))
    assert pid != things.station_pid


@pytest.mark.peer
async def test_a_dead_wire_is_a_cut_cable_and_the_device_lives_on(real_devices, things):
    await real_devices.perform_event(PLUG, lambda *_: None)
    await _until(lambda: real_devices.powers_w()["ev1"] > 0)
    await real_devices.perform_event(UNPLUGGED, lambda *_: None)
    count = real_devices.readings.sources["ev1.power_w"].count
    await _until(lambda: real_devices.readings.sources["ev1.power_w"].count > count + 1)

    assert (1, True) == (things.coils["1"], things.has_station)
    assert {"ev1": 11_040.0} == real_devices.powers_w()
    assert "order.current_max_a" not in real_devices.find_known_values({})


@pytest.mark.peer
async def test_a_supply_that_comes_back_leaves_a_cable_cut_that_was_pulled_before(real_devices, things):
    await real_devices.perform_event(UNPLUGGED, lambda *_: None)
    await real_devices.supply(on=False, backed=())
    assert (0, 1) == (things.coils["0"], things.coils["1"])
    await real_devices.supply(on=True, backed=())

    assert (1, 1) == (things.coils["0"], things.coils["1"])
    assert real_devices.readings.sources["order.current_max_a"].is_excused(1e9)
    await real_devices.supply(on=False, backed=("charger",))
    assert 1 == things.coils["0"]


@pytest.mark.peer
async def test_in_the_end_each_relay_is_at_its_rest_and_that_is_judged(real_devices, things):
    await real_devices.perform_event(PLUG, lambda *_: None)
    assert not real_devices.rest_check.verdict(RunData()).holds
    await real_devices.end()

    assert {"0": 0, "1": 0, "2": 0} == things.coils
    assert (True, "3 relays") == (
        real_devices.rest_check.verdict(RunData()).holds,
        real_devices.rest_check.verdict(RunData()).measured,
    )


@pytest.mark.peer
async def test_a_relay_that_cannot_be_put_to_rest_breaks_the_verdict_and_is_told_aloud(
    real_devices, things, capsys, monkeypatch
):
    monkeypatch.setattr("quartier_hil.real_devices.relay_control._END_REAL_S", 0.1)
    monkeypatch.setattr("quartier_hil.real_devices.relay_control.WRITE_REAL_S", 0.5)
    things.stop()
    await real_devices.end()

    assert not real_devices.rest_check.verdict(RunData()).holds
    assert 3 == capsys.readouterr().err.count("is not at its rest")
    real_devices._guardian.child.process.kill()
    await real_devices._guardian.child.process.wait()


@pytest.mark.peer
async def test_a_stranger_at_the_place_of_a_device_ends_the_run_before_it_begins(things, tmp_path):
    things.file.write_text(things.file.read_text().replace('"23456789"', '"1"'))
    made = _make_real_devices(bench_file.load_bench(things.file))

    with pytest.raises(
        RigError, match=r"charger at .* says 23456789, expected 1; try: quartier-hil rig check"
    ):
        await made.begin(tmp_path, lambda: 0.0)
    await made.end()
    assert {"0": 0, "1": 0, "2": 0} == things.coils


def test_events_of_others_are_not_its_business(plain):
    made = _make_real_devices(bench_file.load_bench(plain()))

    assert [True, True, True, True] == [made.takes(one) for one in (PLUG, OFF, UNPLUGGED, CLEAR)]
    assert not made.takes(FaultEvent(at_s=1, do="fault", device="meter", kind="stuck"))
    assert not made.takes(HeartbeatEvent(at_s=1, do="heartbeat", on=True))


def test_a_device_that_reads_itself_takes_nothing_while_its_board_says_that_it_has_no_supply(plain):
    own = '{{ register = "holding:1020", type = "uint32", scale = 0.001 }}'
    made = _make_real_devices(bench_file.load_bench(plain(x=('{{ meter = "clamp" }}', own))))
    made.readings.take("ev1.power_w", 7000.0, 1000.0, 0.0)
    assert {"ev1": 7000.0} == made.powers_w()

    class Board:
        states = {("charger", "power"): "cut"}  # noqa: RUF012 - read, never written

    made.relays = Board()
    assert {"ev1": 0.0} == made.powers_w()


def test_the_report_tells_what_is_real_and_who_read_it(plain):
    made = _make_real_devices(bench_file.load_bench(plain()))
    made.unjudged = ("x",)

    assert "charger: keba/p30 at 127.0.0.1:3, unit 255" in made.facts["real devices"]
    assert "ev1.power_w by meter clamp, input:0x0034" in made.facts["real readings"]
    assert "x" == made.facts["not judged"]
    assert frozenset({"ev1.power_w", "order.current_max_a"}) == made.points
    assert {"bench", "devices", "points", "unjudged", "switched_count", "rest"} == {*made.account}
