"""What is laid out for a systemd of its own; that it boots, kills and releases is shown by ``make systemd``."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from quartier_hil.drill import loss_causes, namespaces


@pytest.fixture
def made(tmp_path):
    pty = tmp_path / "rs485"
    pty.symlink_to("/dev/pts/77")
    site = tmp_path / "site.toml"
    site.write_text(f'port = "{pty}"\nissuers_file = "{tmp_path}/issuers.json"\n')
    plain = SimpleNamespace(
        site_file=site, starts_count=0, child=SimpleNamespace(env={"QUARTIER_CLOCK": "rate=1,word=/x/y"})
    )
    return namespaces.SystemdDaemon(plain, tmp_path, pty), tmp_path


def test_inside_the_site_names_only_what_is_there(made):
    assert (
        'port = "/dev/pts/77"\nissuers_file = "/etc/quartier/issuers.json"\n'
        == (made[1] / "inside.toml").read_text()
    )


def test_the_unit_is_the_shipped_one_and_only_the_clock_and_the_log_are_the_rigs(made):
    keys = [line.partition("=")[0] for line in (made[1] / "rig.conf").read_text().splitlines() if "=" in line]

    assert "systemd/quartier.service" in (made[1] / "furnish.sh").read_text()
    assert ["Environment", "StandardOutput", "StandardError"] == keys
    assert "QUARTIER_CLOCK=rate=1 " in (made[1] / "rig.conf").read_text()


@pytest.mark.parametrize("name", ["enter.sh", "boot.sh", "furnish.sh"])
def test_the_scripts_are_shell(made, name):
    assert 0 == subprocess.run(["sh", "-n", str(made[1] / name)], check=False).returncode


def test_the_children_of_a_process_are_found():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in set(namespaces._list_children(os.getpid()))
        child.communicate(b"\n")


def test_without_root_it_says_so(monkeypatch):
    monkeypatch.setattr(namespaces.os, "geteuid", lambda: 1000)

    assert namespaces.explain_no_systemd().startswith("needs root")


def test_under_systemd_nothing_of_the_rig_ends_or_releases_what_systemd_must():
    for making in loss_causes.LOSS_CAUSES:
        if making.loss in loss_causes.SYSTEMD_LOSSES:
            real = loss_causes.use_real_systemd(making)

            assert (namespaces.start_under_systemd, namespaces.explain_no_systemd) == (
                real.set_up_environment,
                real.needs,
            )
            assert "systemd does the rest" in real.how
