import os
import sys
from pathlib import Path

from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_sim.modbus.endpoints import find_free_port

ECHO = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"


def test_a_process_answers_line_by_line_and_ends_when_it_is_told(tmp_path):
    with Process([sys.executable, "-c", ECHO], tmp_path / "log", talks=True) as echo:
        assert "HELLO" == echo.ask("hello")
        pid = echo.pid

    assert not Path(f"/proc/{pid}").exists()


def test_the_cpu_of_a_tree_counts_children_that_are_still_there_and_those_that_ended(tmp_path):
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', '''{spin}'''])\nprint('done', flush=True)\nsys.stdin.read()"
    with Process([sys.executable, "-c", code], tmp_path / "log", talks=True) as parent:
        assert "done" == parent.line()

        assert measured_process.read_cpu_s(parent.pid) >= 0.3


def test_memory_and_descendants_of_ourselves_are_there():
    assert measured_process.read_memory_mib(os.getpid()) > 1
    assert os.getpid() == measured_process.list_process_tree(os.getpid())[0]


def test_a_process_that_is_gone_has_neither_cpu_nor_memory():
    assert (0, 0) == (measured_process.read_cpu_s(2**22 + 1), measured_process.read_memory_mib(2**22 + 1))


def test_of_many_free_ports_no_two_are_one():
    drawn = [find_free_port() for _ in range(100)]

    assert 100 == len({port for port in drawn if 1024 < port < 65536})


def test_a_port_that_nobody_listens_on_is_not_waited_for_for_ever():
    assert not measured_process.wait_for_listener(find_free_port(), 0.01)


def test_a_child_finds_the_same_packages_as_its_parent(tmp_path):
    code = "import quartier_hil; print(quartier_hil.__file__, flush=True); input()"
    env = {"PYTHONPATH": measured_process.find_python_path()}
    with Process([sys.executable, "-c", code], tmp_path / "log", env=env, talks=True) as child:
        assert child.line().endswith("quartier_hil/__init__.py")
