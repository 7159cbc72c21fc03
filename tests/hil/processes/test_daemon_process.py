import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from quartier_hil.processes.daemon_process import DaemonProcess, read_link_state
from quartier_sim.site_clock import RigClock

CLOCK = RigClock(time.time(), 0.0, 30.0)


@pytest.fixture
def daemon(tmp_path):
    return DaemonProcess(tmp_path / "site.toml", tmp_path, CLOCK)


def test_it_gets_the_rigs_clock_and_folders_of_its_own(daemon, tmp_path):
    assert f"{CLOCK.setting},boot=1,word={tmp_path / 'clock'}" == daemon.env["QUARTIER_CLOCK"]
    assert "yes\n" == daemon.word.read_text()
    assert str(tmp_path / "runtime") == daemon.env["RUNTIME_DIRECTORY"]
    assert (tmp_path / "state").is_dir()


def test_a_machine_that_starts_anew_gives_its_daemon_another_boot(daemon):
    daemon.reboot()

    assert ",boot=2," in daemon.env["QUARTIER_CLOCK"]
    assert daemon.env["QUARTIER_CLOCK"] == daemon.child.env["QUARTIER_CLOCK"]


def test_the_link_state_is_unknown_while_the_daemon_is_silent():
    assert "unknown" == read_link_state({})
    assert "HOLD" == read_link_state({"control": {"mode": "HOLD"}})


async def test_a_daemon_that_is_not_there_answers_nothing(daemon):
    assert await daemon.ask("status") is None
    assert 0.0 == daemon.memory_mb


async def test_its_desk_is_asked_in_json_lines(daemon):
    async def serve(reader, writer):
        question = json.loads(await reader.readline())
        writer.write(json.dumps({"asked": question["ask"]}).encode() + b"\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, daemon.runtime_dir / "quartier.sock")
    async with server:
        assert {"asked": "status"} == await daemon.ask("status")


async def test_another_command_of_quartier_runs_beside_it(daemon):
    code, text = await daemon.command("config", "sample")

    assert 0 == code
    assert "[site]" in text


@pytest.mark.daemon
async def test_a_site_file_that_cannot_be_used_ends_it_with_78(daemon):
    daemon.site_file.write_text("nonsense")
    await daemon.start()
    assert daemon.child.process is not None

    assert os.EX_CONFIG == await asyncio.wait_for(daemon.child.process.wait(), 60)
    assert 1 == daemon.starts_count


def _state(daemon):
    return Path(f"/proc/{daemon.child.pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_a_frozen_daemon_stands_still_until_it_is_thawed(daemon):
    daemon.child.argv = ["sleep", "60"]
    await daemon.start()
    for act, expected in ((daemon.freeze, "T"), (daemon.thaw, "S")):
        act()
        async with asyncio.timeout(60):
            while expected != _state(daemon):  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.01)

    await daemon.kill()
    daemon.freeze()  # what is gone stays gone
