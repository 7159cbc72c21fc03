"""A probe of the rig's house: its devices on TCP and a pty, its plant alive, everything ten times as fast."""

import asyncio
import contextlib
import json
import os
import signal

import pytest
from tests.gateway import forked
from tests.gateway.daemon.street import Street

from quartier.commissioning.service import probing
from quartier.commissioning.service.probing import ProbeImpossible
from quartier.config import loading
from quartier.control.link import allowed, machine
from quartier.daemon import state_files
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.site_layout import SiteLimits
from quartier_hil.scenario.site import SiteSpec

pytestmark = pytest.mark.daemon


# Ten seconds of the house are two real ones: what is too slow for that is not the gateway.
RATE = 5.0
LIMITS = SiteLimits(
    import_hard_w=12_000,
    export_hard_w=6_000,
    import_failsafe_w=6_000,
    export_failsafe_w=0,
    import_autonomous_w=8_000,
    export_autonomous_w=6_000,
)


@pytest.fixture
async def street(tmp_path):
    async with Street(tmp_path, RATE) as made:
        yield made


async def told(street, asset, *words):
    code, out, err = await street.probe(asset, "--yes", "--json", *words)
    assert out, err
    return code, json.loads(out)


def most_frequent(counts):
    return max(counts, key=counts.__getitem__)


@pytest.mark.timing
async def test_a_battery_as_it_should_be_is_proved_kept_and_given_back(street):
    page = street.folder / "bat1.html"
    code, found = await told(street, "bat1", "--page", str(page))
    kept = state_files.load_probe_results(street.folder / "state")["bat1"]

    assert 0 == code, found
    assert ["l2"] == found["phases"]
    assert ("good", []) == (most_frequent(found["meter"]["steps"]), found["meter"]["faults"])
    assert 1.0 == pytest.approx(found["gain"], abs=0.1)
    assert 1.0 == pytest.approx(found["grid_gain"], abs=0.1)
    assert (found["sentence"], "c0619ab12345") == (kept.sentence, kept.serial)
    assert "c0619ab12345" in page.read_text()
    assert 0.0 == street.wiring.devices["gx"].orders()["battery.setpoint_w"]


@pytest.mark.timing
@pytest.mark.parametrize(
    ("factor", "code", "change"),
    [
        (
            -1.0,
            "sign.command",
            "parts.battery.setpoint_w.sign: 1 (the key is absent) is set, it should be -1",
        ),
        (
            10.0,
            "factor.command",
            "parts.battery.setpoint_w.scale: 1 (the key is absent) is set, it should be 10",
        ),
    ],
)
async def test_a_device_that_takes_orders_otherwise_is_named_with_the_line(street, factor, code, change):
    street.wiring.fault("gx", "bent", factor=factor)
    exit_code, found = await told(street, "bat1")

    assert 1 == exit_code
    assert code in [one["code"] for one in found["findings"]], found
    assert change in " ".join(found["changes"])
    assert "victron/gx.toml:" in " ".join(found["changes"])


@pytest.mark.timing
@pytest.mark.parametrize(
    ("kind", "more", "reaction", "fault", "code"),
    [
        ("clamps", {"factor": -1.0}, "wrong sign", "direction of the CTs reversed", "sign.grid"),
        ("clamps", {"factor": 0.5}, "low gain", "wrong ratio, or one phase wrong", "gain.grid"),
        (
            "clamps",
            {"factor": 0.0},
            "no reaction",
            "no reaction (dead, or of another building)",
            "grid.blind",
        ),
        ("stuck", {}, "no reaction", "frozen values", "grid.frozen"),
    ],
)
async def test_a_fault_of_the_grid_meter_has_the_name_that_check_uses(
    street, kind, more, reaction, fault, code
):
    street.wiring.fault("meter", kind, **more)
    exit_code, found = await told(street, "bat1")
    named = [one for one in found["findings"] if one["code"] == code]

    assert 1 == exit_code
    assert [fault] == [one["fault"] for one in found["meter"]["faults"]], found
    assert reaction == most_frequent(found["meter"]["steps"]), found
    assert named, found
    assert named[0]["words"].startswith(f"grid: {fault}: ")


@pytest.mark.timing
async def test_a_battery_on_another_phase_than_the_site_file_says_is_named_with_its_line(street):
    street.change(('part = "battery"\n', 'part = "battery"\nphase = "l1"\n'))
    _, found = await told(street, "bat1")
    (change,) = found["changes"]

    assert change.endswith('assets.bat1.phase: "l1" is set, it should be "l2"')
    assert "site.toml:" in change


@pytest.mark.timing
async def test_a_car_is_stepped_by_its_current(street):
    street.plug()
    code, found = await told(street, "ev1")

    assert 0 == code, found
    assert ["l1", "l2", "l3"] == found["phases"]
    assert 0.0 == street.wiring.devices["charger"].orders()["current_max_a"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_stopped_by_hand_it_gives_the_battery_back(street, number):
    gx = street.wiring.devices["gx"]
    process = street.start("probe", "bat1", "--config", str(street.config), "--yes")
    await until(lambda: gx.orders()["battery.setpoint_w"] != 0.0)
    process.send_signal(number)
    out, _ = await asyncio.wait_for(process.communicate(), 60)

    assert 1 == process.returncode
    assert "the probe ended early: it was stopped by hand" in out.decode()
    assert 0.0 == gx.orders()["battery.setpoint_w"]


async def test_killed_it_leaves_the_end_to_the_devices_timer(street):
    gx = street.wiring.devices["gx"]
    process = street.start("probe", "bat1", "--config", str(street.config), "--yes")
    await until(lambda: gx.orders()["battery.setpoint_w"] != 0.0)
    process.kill()
    await process.wait()
    killed_s, step, fell_s = street.plant.now_s, street._step, []

    def watched():  # at each step: a machine that stood still makes many up at once
        step()
        if gx.orders()["battery.setpoint_w"] == 0.0:
            fell_s.append(street.plant.now_s)

    street._step = watched
    await until(lambda: fell_s)

    assert 61 > fell_s[0] - killed_s


async def test_killed_it_has_left_what_quartier_release_needs(street):
    gx = street.wiring.devices["gx"]
    gx.timer_s = 1e9
    process = street.start("probe", "bat1", "--config", str(street.config), "--yes")
    await until(lambda: gx.orders()["battery.setpoint_w"] != 0.0)
    process.kill()
    await process.wait()
    code, _, _ = await forked.run(("release", "--runtime-dir", str(street.folder / "run")), os.environ, 60)

    assert 0 == code
    assert 0.0 == gx.orders()["battery.setpoint_w"]


async def test_a_device_lost_in_the_middle_ends_it(street):
    process = street.start("probe", "bat1", "--config", str(street.config), "--yes", "--json")
    await until(lambda: street.wiring.devices["gx"].orders()["battery.setpoint_w"] != 0.0)
    street.wiring.fault("meter", "silent")
    out, _ = await asyncio.wait_for(process.communicate(), 60)

    assert "grid.power_w was lost" in json.loads(out)["ended"]
    assert 0.0 == street.wiring.devices["gx"].orders()["battery.setpoint_w"]


async def test_only_what_is_needed_is_opened(street):
    plan = planned(street, "bat1")

    assert {"rs485": ["meter"], "gx_net": ["gx"]} == {
        wire.name: [spec.name for spec, _ in wire.devices] for wire in plan.wires
    }
    assert (12_000, 6000) == (plan.bounds.import_w, plan.bounds.export_w)


async def test_fuses_above_the_asset_bound_it(street):
    street.change(
        ("[limits]", "[nodes.shed]\nfuse_a = 10\n\n[limits]"),
        ('part = "battery"\n', 'part = "battery"\nnode = "shed"\n'),
    )

    assert 2300 == planned(street, "bat1").bounds.fuse_w


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("grid", "is no asset that takes orders"),
        ("grid", "expected one of bat1, ev1, hp1$"),
        ("nobody", "expected one of bat1, ev1, hp1$"),
        ("pv1", "it takes no power limit .*; expected one of bat1, ev1, hp1$"),
    ],
)
async def test_what_takes_no_orders_is_refused_with_what_helps(street, name, why):
    with pytest.raises(ProbeImpossible, match=why):
        planned(street, name)


async def test_where_no_asset_takes_orders_it_says_so(street, monkeypatch):
    monkeypatch.setattr(probing.bus_specs, "find_declared_points", lambda _: {})

    with pytest.raises(ProbeImpossible, match="no asset of this site takes orders that a probe can step"):
        planned(street, "nobody")


def planned(street, name):
    loaded = loading.load_site_leniently(street.config)
    return probing.make_probe_plan(loaded, name, None, SiteClock().now(), street.folder / "state")


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a register of a device rings no bell
            await asyncio.sleep(0.01)


@pytest.mark.timing
async def test_the_daemon_tells_and_uses_what_was_found(street):
    await told(street, "bat1")
    process = street.start("run", "--config", str(street.config), "--log", "json")
    try:
        status = await asked(street, "status")
        points = {point["point"]: point for point in await asked(street, "points")}
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 60)

    assert status["probes"]["bat1"]["used"]
    assert 1.0 == pytest.approx(points["bat1.setpoint_w"]["probed"]["gain"], abs=0.1)


async def asked(street, what):
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(NoDaemon):
                found = await asyncio.to_thread(ask, street.folder / "run", what)
                if what != "status" or found["control"]:
                    return found
            await asyncio.sleep(0.05)


# --- what stands while no daemon runs ---------------------------------------------------------


def failsafe(street):
    """What a daemon leaves that lost its district a minute ago."""
    params = allowed.LinkParameters(limits=LIMITS)
    state = machine.start_link(params, None, SiteClock().now(), outage=False, lost=True)
    (street.folder / "state").mkdir()
    state_files.save_link(street.folder / "state", state, planned=True)


async def test_caps_of_the_district_outlive_the_daemon(street):
    failsafe(street)
    bounds = planned(street, "bat1").bounds

    assert (6000, 6000) == (bounds.import_w, bounds.export_w)
    assert (False, False) == (bounds.charges_from_grid, bounds.exports_stored)


async def test_a_contact_that_is_not_read_meanwhile_caps(tmp_path):
    async with Street(tmp_path, house=SiteSpec(contact_import_w=4200)) as made:
        assert 4200 == planned(made, "bat1").bounds.import_w


# --- devices of other kinds -------------------------------------------------------------------


@pytest.mark.timing
async def test_a_sunspec_battery_inverter_is_proved_with_its_own_control_as_fallback(tmp_path):
    async with Street(tmp_path, RATE, house=SiteSpec(battery="sunspec-7xx")) as made:
        code, found = await told(made, "bat1")
        order_w = made.wiring.devices["storage"].orders()["setpoint_w"]

    assert (0, 0.0) == (code, order_w), found
    assert ["l2"] == found["phases"]


async def test_a_timer_that_the_device_forgot_lets_nothing_begin(tmp_path):
    house = SiteSpec(battery="sunspec-7xx", battery_habits=("timer-lost",))
    async with Street(tmp_path, RATE, house=house) as made:
        _, found = await told(made, "bat1")

    assert "reads back 0 where 60 was written" in found["ended"]


@pytest.mark.timing
async def test_pv_on_a_serial_line_is_curtailed_a_little(tmp_path):
    async with Street(tmp_path, RATE, house=SiteSpec(pv="sunspec-1xx")) as made:
        made.solar_w_per_kw = 500.0
        code, found = await told(made, "pv1")

    assert 0 == code, found
    assert "pv1 answered 600 W for 600 W" in found["sentence"]


@pytest.mark.timing
async def test_a_load_is_let_run_and_stopped_by_its_relay(tmp_path):
    async with Street(tmp_path, RATE, tank_c=35.0) as made:
        made.change(('switch_part = "relay1"\n', 'switch_part = "relay1"\nmin_on_s = 30\nmin_off_s = 20\n'))
        code, found = await told(made, "hp1")
        relay = made.wiring.devices["relays"].orders()["relay1.relay_on"]

    assert (0, 0.0) == (code, relay), found
    assert "with the right sign" in found["sentence"]


async def test_a_device_that_never_answered_was_never_reached_and_nothing_has_to_be_given_back(street):
    street.wiring.fault("gx", "silent")
    code, found = await told(street, "bat1")
    _, out, err = await street.probe("bat1", "--yes")

    assert (1, [], ["gx"]) == (code, found["not_given_back"], found["never_reached"])
    assert "was never read" in found["ended"]
    assert "gx was never reached: nothing was written to it" in err
    assert "not given back" not in out + err
