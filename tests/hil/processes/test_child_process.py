import asyncio
import os
import select
import sys

import pytest

from quartier_hil.processes.child_process import ChildProcess, run_command


async def test_a_child_is_ended_by_the_rig_and_its_output_kept(tmp_path):
    child = ChildProcess([sys.executable, "-c", "print('up', flush=True); input()"], tmp_path / "log")
    await child.start(with_pipes=True)
    assert child.process is not None
    assert child.process.stdout is not None
    assert b"up\n" == await child.process.stdout.readline()
    assert child.alive

    await child.stop()
    assert (False, None) == (child.alive, child.pid)


async def test_a_child_that_runs_is_not_started_again_for_nobody_would_end_the_first(tmp_path):
    child = ChildProcess(["sleep", "60"], tmp_path / "log")
    await child.start()
    first = child.pid
    with pytest.raises(RuntimeError, match="sleep runs already"):
        await child.start()

    assert first == child.pid
    await child.stop()
    await child.start()
    await child.stop()


async def test_a_command_that_does_not_end_is_ended(tmp_path):
    code = await run_command([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log", {}, 0.2)

    assert 124 == code


async def test_exit_code_and_words_of_a_command_are_kept(tmp_path):
    code = await run_command(
        [sys.executable, "-c", "print('no'); raise SystemExit(3)"], tmp_path / "log", {}, 30
    )

    assert (3, "no\n") == (code, (tmp_path / "log").read_text())


async def test_one_whose_duty_begins_with_the_rigs_end_outlives_it(tmp_path):
    duty = "import sys; sys.stdin.read(); open(sys.argv[1], 'w').write('done')"
    words = (
        "import asyncio, sys; from pathlib import Path; from quartier_hil.processes.child_process import ChildProcess\n"
        "async def main():\n"
        f"    child = ChildProcess([sys.executable, '-c', {duty!r}, sys.argv[1] + '/done'], Path(sys.argv[1]) / 'log')\n"
        "    await child.start(with_pipes=True, outlives=True)\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    rig = ChildProcess([sys.executable, "-c", words, str(tmp_path)], tmp_path / "rig.log")
    await rig.start(with_pipes=True)
    assert rig.process is not None
    assert rig.process.stdout is not None
    handle = os.pidfd_open(int(await rig.process.stdout.readline()))
    rig.process.kill()
    await rig.process.wait()
    await asyncio.to_thread(select.select, [handle], [], [])
    os.close(handle)

    assert "done" == (tmp_path / "done").read_text()
