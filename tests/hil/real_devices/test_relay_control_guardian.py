"""Who puts the relays to rest when the rig was killed without a word."""

import asyncio
import os
import select
import signal
import sys

import pytest

from quartier_hil.real_devices.relay_control import RelayGuardian, Relays

pytestmark = pytest.mark.peer
RIG = """
import asyncio, sys
from pathlib import Path
from quartier_hil.real_devices.bench_file import load_bench
from quartier_hil.real_devices.device_clients import BenchLines
from quartier_hil.real_devices.relay_control import RelayGuardian
from quartier_hil.real_devices.relay_control import Relays

async def main():
    bench = load_bench(Path(sys.argv[1]))
    guardian = RelayGuardian(Path(sys.argv[2]))
    await guardian.start()
    relays = Relays(bench, BenchLines({}), ["charger"], guardian.record_owed_states)
    await relays.begin()
    print(guardian.child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_rig_that_was_killed_without_a_word_leaves_every_relay_at_its_rest(things, tmp_path):
    log = tmp_path / "guardian.log"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    rig = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RIG, str(things.file), str(log), stdout=asyncio.subprocess.PIPE, env=env
    )
    guardian_pid = int(await rig.stdout.readline())
    assert 1 == things.coils["0"]
    os.kill(guardian_pid, signal.SIGTERM)  # what ends a group of processes: it is not for the guardian
    rig.kill()
    await rig.wait()
    await asyncio.to_thread(_await_end, guardian_pid)

    assert {"0": 0, "1": 0, "2": 0} == things.coils
    assert 3 == log.read_text().count("at its rest")


def _await_end(pid):
    """It is no child of ours, so the kernel is asked."""
    handle = os.pidfd_open(pid)
    select.select([handle], [], [])
    os.close(handle)


async def test_a_rig_that_ended_well_leaves_its_guardian_nothing_to_do(bench, things, lines, tmp_path):
    guardian = RelayGuardian(tmp_path / "guardian.log")
    await guardian.start()
    relays = Relays(bench, lines, ["charger"], guardian.record_owed_states)
    await relays.begin()
    await relays.rest()
    switched = things.switched

    assert 0 == await guardian.end()
    assert switched == things.switched


async def test_a_guardian_that_is_gone_lets_nothing_be_switched(bench, things, lines, tmp_path):
    guardian = RelayGuardian(tmp_path / "guardian.log")
    await guardian.start()
    guardian.child.process.kill()
    await guardian.child.process.wait()
    relays = Relays(bench, lines, ["charger"], guardian.record_owed_states)

    with pytest.raises(RuntimeError, match="the guardian of the relays is gone"):
        await relays.begin()
    assert [] == things.switched
