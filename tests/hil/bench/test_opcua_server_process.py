import os
import sys
import time
from pathlib import Path

import pytest

from quartier_bench.opcua_server_process import OpcuaServerProcess

# Says what a server says, and answers as told.
PROGRAM = """
import sys
settings = sys.argv[1:]
print("ready", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    print({"writes": "3", "set": "ok"}.get(word, " ".join(settings)), flush=True)
"""


@pytest.fixture
def stranger(tmp_path):
    with OpcuaServerProcess([sys.executable, "-c", PROGRAM], tmp_path / "log", limit="25") as made:
        yield made


def test_its_settings_and_its_port_are_told_to_the_program(stranger):
    assert f"port={stranger.port} limit=25" == stranger.ask("settings")
    assert f"opc.tcp://127.0.0.1:{stranger.port}" == stranger.url


def test_it_starts_anew_on_the_same_port_with_settings_that_stay(stranger):
    before, port = stranger.process.pid, stranger.port
    stranger.restart(order="other")

    assert before != stranger.process.pid
    assert f"port={port} limit=25 order=other" == stranger.ask("settings")


def test_frozen_it_lives_and_thawed_it_answers(stranger):
    stranger.freeze()
    state = Path(f"/proc/{stranger.process.pid}/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)
    stranger.thaw()

    assert 3 == stranger.writes_count


def test_killed_it_is_gone(stranger):
    pid = stranger.process.pid
    stranger.kill()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(RuntimeError, match="does not run"):
        stranger.ask("writes")


def test_what_does_not_come_up_is_told_with_its_last_words(tmp_path):
    program = "import sys; print('no port', file=sys.stderr)"

    with pytest.raises(RuntimeError, match="no port"):
        OpcuaServerProcess([sys.executable, "-c", program], tmp_path / "log").start()


def test_a_value_that_is_not_taken_is_an_error(tmp_path):
    program = PROGRAM.replace('"set": "ok"', '"set": "unknown"')

    with (
        OpcuaServerProcess([sys.executable, "-c", program], tmp_path / "log") as made,
        pytest.raises(RuntimeError, match="does not take Double: unknown"),
    ):
        made.put("Double", 1.0)
