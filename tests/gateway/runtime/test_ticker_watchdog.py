import socket

import pytest

from quartier.runtime.ticker import SystemdNotifier


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_said(tmp_path, abstract):
    address = f"@quartier-test-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        watchdog = SystemdNotifier(address)
        watchdog.say("READY=1", "STATUS=well")
        watchdog.close()

        assert systemd.recv(100) == b"READY=1\nSTATUS=well"


def test_without_systemd_nothing_is_said_and_nothing_fails():
    SystemdNotifier("").say("WATCHDOG=1")


def test_a_socket_that_is_gone_costs_nothing(tmp_path):
    watchdog = SystemdNotifier(str(tmp_path / "nobody"))
    watchdog.say("WATCHDOG=1")
    watchdog.close()
