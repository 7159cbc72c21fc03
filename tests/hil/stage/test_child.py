import sys

import pytest

from quartier_hil.stage.child import Child, free_port, run


async def test_a_child_is_ended_by_the_rig_and_its_output_kept(tmp_path):
    child = Child([sys.executable, "-c", "print('up', flush=True); input()"], tmp_path / "log")
    await child.start(talk=True)
    assert child.process is not None
    assert child.process.stdout is not None
    assert b"up\n" == await child.process.stdout.readline()
    assert child.alive

    await child.stop()
    assert (False, None) == (child.alive, child.pid)


async def test_a_child_that_runs_is_not_started_again_for_nobody_would_end_the_first(tmp_path):
    child = Child(["sleep", "60"], tmp_path / "log")
    await child.start()
    first = child.pid
    with pytest.raises(RuntimeError, match="sleep runs already"):
        await child.start()

    assert first == child.pid
    await child.stop()
    await child.start()
    await child.stop()


async def test_a_command_that_does_not_end_is_ended(tmp_path):
    code = await run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log", {}, 0.2)

    assert 124 == code


async def test_exit_code_and_words_of_a_command_are_kept(tmp_path):
    code = await run([sys.executable, "-c", "print('no'); raise SystemExit(3)"], tmp_path / "log", {}, 30)

    assert (3, "no\n") == (code, (tmp_path / "log").read_text())


def test_free_ports_are_free():
    assert 1024 < free_port() < 65536
