"""The daemon as a black box: processes, signals, files and wires, nothing of its inside."""

import asyncio
import json
import re
import shutil
import signal

import pytest
from tests.gateway.daemon.conftest import lit

from quartier.cli.top.daemon_view import DaemonView
from quartier.cli.top.table_lines import render_sheet

pytestmark = pytest.mark.daemon


def boiler_runs(status):
    """A relay that was found open is closed staged: below the cap for 120 s, then a random while."""
    written = status["written"].get("boiler.relay_on", {})
    return (written.get("value"), written.get("verdict")) == (1.0, "done")


def switched(devices):
    """The daemon says that the boiler runs, and its relay does."""
    return lambda status: boiler_runs(status) and devices["relays"].orders()["relay1.relay_on"] == 1.0


def well(status):
    return (
        status["control"]["grid"]["state"] == "good"
        and status["control"]["assets"]["bat1"]["state"] == "controlled"
    )


async def test_the_battery_serves_the_house_and_sigterm_leaves_safe_values(house):
    gateway, devices = house
    gateway.fresh = True
    gateway.rate = 12.0  # the boiler is restored minutes after a start
    await gateway.start()
    await gateway.until(
        lambda s: (
            s["written"].get("bat1.setpoint_w", {}).get("verdict") == "done"
            and devices["gx"].orders()["battery.setpoint_w"] < 0  # it discharges while the house imports
        )
    )
    await gateway.until(switched(devices))

    assert await gateway.stop() == 0
    assert devices["gx"].orders()["battery.setpoint_w"] == 0.0
    assert devices["relays"].orders()["relay1.relay_on"] == 0.0
    assert not (gateway.runtime_dir / "quartier.sock").exists()


async def test_the_log_says_at_the_start_which_of_the_grids_events_its_meter_cannot_serve(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda _: '"event": "grid.rows"' in gateway.log())

    assert "the grid meter does not measure the frequency: only its voltage acts" in gateway.log()


async def test_a_daemon_that_speaks_modbus_imports_no_other_protocol(house, monkeypatch):
    """Each library costs tens of MiB: who has no such bus does not pay for it, from start to end."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    gateway, _ = house
    gateway.fresh = True
    await gateway.start()
    await gateway.until(well)
    assert await gateway.stop() == 0

    lines = [line for line in gateway.log().splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    opened = {
        name.split(".")[1] for name in imported if name.endswith((".factory", ".driver", ".line", ".link"))
    }
    assert {"modbus"} == opened & {"modbus", "sunspec", "bacnet", "opcua", "gpio", "meter"}
    assert not {"bacpypes3", "asyncua", "gpiod", "serial"} & {name.partition(".")[0] for name in imported}


async def test_a_killed_daemon_leaves_a_table_that_release_writes_and_only_then(house):
    gateway, devices = house
    lit(devices)
    gateway.fresh = True
    await gateway.start()
    await gateway.until(well)
    release = ("release", "--runtime-dir", str(gateway.runtime_dir))
    code, _, errors = await gateway.call(*release)
    assert code == 75, "never beside a running daemon"
    assert "a daemon is running" in errors

    await gateway.until(switched(devices))
    await gateway.stop(signal.SIGKILL)
    assert devices["relays"].orders()["relay1.relay_on"] == 1.0
    code, output, errors = await gateway.call(*release)
    assert code == 0, errors
    assert "0 failed" in output
    assert devices["relays"].orders()["relay1.relay_on"] == 0.0
    assert devices["gx"].orders()["battery.setpoint_w"] == 0.0


async def test_a_runtime_folder_deleted_under_the_daemon_gets_its_table_again(house):
    gateway, devices = house
    lit(devices)
    await gateway.start()
    await gateway.until(switched(devices))
    shutil.rmtree(gateway.runtime_dir)
    async with asyncio.timeout(60):  # only ends a test that has failed
        while not (gateway.runtime_dir / "release.json").exists():  # noqa: ASYNC110 - the file is all there is to see
            await asyncio.sleep(0.01)
    await gateway.stop(signal.SIGKILL)

    code, _, errors = await gateway.call("release", "--runtime-dir", str(gateway.runtime_dir))
    assert code == 0, errors
    assert devices["relays"].orders()["relay1.relay_on"] == 0.0


async def test_a_second_daemon_in_the_same_place_is_refused(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(well)
    code, _, errors = await gateway.call(
        *("run", "--config", str(gateway.config), "--runtime-dir", str(gateway.runtime_dir)),
        *("--state-dir", str(gateway.state_dir)),
    )

    assert code == 75
    assert "a daemon is running" in errors


async def test_a_device_that_is_off_does_not_stop_the_start_and_is_taken_in_when_it_comes(house):
    gateway, devices = house
    board = ("relays", "meter", "inputs")
    for name in board:
        devices[name].fault("off")
    await gateway.start()
    first = "not yet opened"  # so says a bus until its first look has failed
    status = await gateway.until(lambda s: well(s) and first not in [bus["why"] for bus in s["buses"]])
    lost = {bus["name"]: bus for bus in status["buses"]}["board"]
    assert not lost["online"]
    assert "127.0.0.1" in lost["why"], "it names where it looked"

    for name in board:
        devices[name].clear()
    await gateway.until(lambda s: s["control"]["assets"]["boiler"]["quality"] == "good")


async def test_a_bad_device_disables_only_itself(house):
    gateway, _ = house
    text = gateway.config.read_text().replace('profile = "waveshare/relay8"', 'profile = "waveshare/relay9"')
    gateway.config.write_text(text)
    await gateway.start()
    status = await gateway.until(well)

    assert "devices.relays" in status["disabled"]
    assert "waveshare/relay8" in status["disabled"]["devices.relays"][0], "the nearest known one is named"
    code, output, _ = await gateway.call("check", str(gateway.config))
    assert (code, True) == (78, "site.toml:6:" in output)


async def test_a_file_without_limits_is_no_start_at_all(house):
    gateway, _ = house
    lines = gateway.config.read_text().splitlines(keepends=True)
    gateway.config.write_text("".join(line for line in lines if not line.startswith("limits")))
    await gateway.start()

    assert await gateway.process.wait() == 78
    assert "limits" in gateway.log()


async def test_a_simulated_clock_is_refused_where_real_devices_may_be(house):
    gateway, _ = house
    gateway.config.write_text(gateway.config.read_text().replace(", simulated = true", ""))
    await gateway.start()

    assert await gateway.process.wait() == 78
    assert "QUARTIER_CLOCK" in gateway.log()


async def test_a_faulty_new_file_changes_nothing_and_says_so(house):
    gateway, _ = house
    await gateway.start()
    before = await gateway.until(well)
    gateway.config.write_text("limits = 3\n[site")
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.until(lambda _: "config.kept" in gateway.log())
    after = await gateway.until(
        lambda s: well(s) and (s["alarms"]["newest"] or {}).get("code") == "config.refused"
    )

    assert before["gateway"]["pid"] == after["gateway"]["pid"]
    assert "site.toml" in after["alarms"]["newest"]["words"]


async def reread(gateway, old, new, said):
    text = gateway.config.read_text()
    assert old in text
    gateway.config.write_text(text.replace(old, new))
    gateway.process.send_signal(signal.SIGHUP)
    return await gateway.until(lambda _: said in gateway.log())


async def test_a_new_file_with_a_fault_in_one_device_puts_nothing_out_of_action(house):
    gateway, devices = house
    gateway.rate = 1.0  # nothing is given back for a moment in which the machine stood still
    await gateway.start()
    await gateway.until(lambda s: well(s) and devices["gx"].orders().get("battery.setpoint_w"))
    after = await reread(gateway, "victron/gx", "victron/g", "config.kept")

    assert {} == after["disabled"]
    assert "victron/g" in gateway.log()
    assert devices["gx"].orders()["battery.setpoint_w"] != 0.0


async def test_a_new_cycle_waits_for_a_restart_and_makes_no_cycle_late(house):
    gateway, _ = house
    gateway.config.write_text("control = { cycle_s = 2.0 }\n" + gateway.config.read_text())
    await gateway.start()
    await gateway.until(well)
    after = await reread(gateway, "cycle_s = 2.0", "cycle_s = 1.0", "config.adopted")
    count = after["cycles"]["count"]
    await gateway.until(lambda s: s["cycles"]["count"] > count + 6 and s["control"]["stage"] == "NORMAL")

    assert '"section": "control.cycle_s"' in gateway.log()


async def test_a_folder_that_takes_no_table_does_not_stop_the_house(house):
    gateway, devices = house
    (gateway.runtime_dir / "release.json.new").mkdir(parents=True)
    await gateway.start()
    await gateway.until(
        lambda s: s["cycles"]["count"] > 30 and devices["gx"].orders().get("battery.setpoint_w")
    )
    assert gateway.log().count('"event": "release.not_kept"') == 1

    assert await gateway.stop() == 0
    assert devices["gx"].orders()["battery.setpoint_w"] == 0.0


async def test_a_new_file_changes_one_bus_and_the_others_do_not_miss_a_poll(house):
    gateway, _ = house
    gateway.rate = (
        0.5  # a poll is due each two seconds: only what we do can make one late, not a busy machine
    )
    await gateway.start()
    await gateway.until(well)
    text = gateway.config.read_text().replace("port = ", "pause_s = 0.01, port = ", 2)
    first, second = text.split("buses.board", 1)
    gateway.config.write_text(first.replace("pause_s = 0.01, ", "") + "buses.board" + second)
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.until(lambda _: "config.adopted" in gateway.log())
    await gateway.until(lambda s: s["control"]["assets"]["boiler"]["quality"] == "good")
    points: dict = {}
    while not points.get("lan.connects_count"):  # a bus tells of itself at first before it is connected
        points = {point["point"]: point["value"] for point in await gateway.ask("points")}

    assert points["lan.connects_count"] == 1, "the untouched bus kept its connection"
    assert points["lan.skipped_count"] == points["lan.timeouts_count"] == 0


async def test_history_can_be_read_while_the_daemon_runs_and_afterwards(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda s: s["cycles"]["count"] > 30 and well(s))
    ask_history = (
        *("history", "--points", "grid.*", "--from", "2000-01-01", "--to", "2100-01-01", "--format", "jsonl"),
        *("--config", str(gateway.config), "--state-dir", str(gateway.state_dir)),
        *("--runtime-dir", str(gateway.runtime_dir)),
    )
    code, running, errors = await gateway.call(*ask_history)
    assert code == 0, errors
    rows = [json.loads(line) for line in running.splitlines()]
    assert any(row["point"] == "grid.power_w" and abs(row["value"] - 3000) < 1 for row in rows)

    assert await gateway.stop() == 0
    _, stopped, _ = await gateway.call(*ask_history)
    assert set(running.splitlines()) <= set(stopped.splitlines())


async def test_people_see_mode_caps_assets_buses_and_why(house):
    gateway, _ = house
    gateway.rate = 1.0  # slow enough that a busy machine is not late for the house
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("bat1.setpoint_w", {}).get("verdict") == "done")
    code, output, errors = await gateway.call("status", "--runtime-dir", str(gateway.runtime_dir))

    assert code == 0, errors
    for words in (
        "b012 of issy",
        "import at most",
        "bat1",
        "self-consumption",
        "lan",
        "Victron",
        "history",
    ):
        assert words in output
    assert re.search("^(INIT|AUTONOMOUS) for ", output, re.MULTILINE), "the mode, however long the start took"
    assert "\x1b" not in output


async def test_points_can_be_picked_and_a_name_that_is_none_is_said(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(well)
    there = ("--runtime-dir", str(gateway.runtime_dir))
    code, output, _ = await gateway.call("points", "grid.*", "--json", *there)
    assert (0, {"grid"}) == (code, {point["point"].split(".")[0] for point in json.loads(output)})

    code, _, errors = await gateway.call("points", "gird.*", *there)
    assert (1, True) == (code, "no point is called gird.*; did you mean 'grid." in errors)


async def test_top_looks_into_a_real_bus_device_and_asset(house):
    gateway, _ = house
    gateway.rate = 1.0  # as above
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("bat1.setpoint_w", {}).get("verdict") == "done")

    def looked(*subject):
        page = DaemonView(gateway.runtime_dir, subject)()
        assert page is not None
        told = [*page.head, *(line for sheet in page.sheets for line in render_sheet(sheet, 160)), *page.foot]
        return "\n".join(line.plain for line in told)

    bus, device, asset = [
        await asyncio.to_thread(looked, *subject)
        for subject in (("bus", "lan"), ("device", "gx"), ("asset", "bat1"))
    ]
    assert "bus lan open" in bus
    assert "device gx good on lan" in device
    assert "bat1.setpoint_w" in device
    assert "because" in asset
    assert "self-consumption" in asset
    code, said, _ = await gateway.call("top", "--runtime-dir", str(gateway.runtime_dir))
    assert (0, True) == (code, "bat1" in said)


async def test_nobody_at_the_desk_is_exit_69(tmp_path, house):
    gateway, _ = house
    code, _, errors = await gateway.call("status", "--runtime-dir", str(tmp_path / "none"))

    assert (69, True) == (code, "no daemon answers" in errors)


async def test_how_often_points_were_written_is_shown_and_survives_a_restart(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("bat1.setpoint_w", {}).get("verdict") == "done")
    code, said, _ = await gateway.call(
        "points", "--writes", "--json", "bat1.setpoint_w", "--runtime-dir", str(gateway.runtime_dir)
    )
    (before,) = json.loads(said)
    assert (0, False) == (code, before["writes"]["persistent"])
    assert 1 <= before["writes"]["today"] <= before["writes"]["total"]
    await gateway.stop()

    await gateway.start()
    await gateway.until(well)
    told = {point["point"]: point for point in await gateway.ask("points")}
    assert told["bat1.setpoint_w"]["writes"]["total"] > before["writes"]["total"], "the safe value counts too"
