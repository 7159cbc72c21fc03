import subprocess
import sys

import pytest

from quartier_bench.torture.broker_connection import HostsFile, can_bind_hosts

ASK = "import socket; print(socket.gethostbyname('district.test'))"


@pytest.mark.skipif(not can_bind_hosts(), reason="a name server of one's own needs root")
def test_a_name_is_known_to_that_process_alone_and_vanishes_for_it(tmp_path):
    hosts = HostsFile(tmp_path, "district.test")
    argv = hosts.argv([sys.executable, "-c", ASK])
    assert "127.0.0.1\n" == subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    hosts.set_known(False)
    assert 0 != subprocess.run(argv, capture_output=True, text=True, check=False).returncode
    hosts.set_known(True)
    assert 0 == subprocess.run(argv, capture_output=True, text=True, check=False).returncode
