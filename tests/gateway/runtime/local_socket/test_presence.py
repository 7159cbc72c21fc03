"""Who counts as a person at the gateway: by the kernel's and logind's word, laid out in folders of their form."""

import os

import pytest

from quartier.runtime.local_socket import presence
from quartier.runtime.local_socket.presence import AskingProcess, SystemPaths, check_console, prove_presence

LOGIN = {
    "UID": "1000",
    "USER": "anna",
    "ACTIVE": "1",
    "STATE": "active",
    "REMOTE": "0",
    "TYPE": "tty",
    "CLASS": "user",
    "SERVICE": "login",
    "SEAT": "seat0",
    "TTY": "tty1",
}
SSH = {
    **LOGIN,
    "REMOTE": "1",
    "REMOTE_HOST": "192.168.1.9",
    "SERVICE": "sshd",
    "TTY": "pts/0",
    "SEAT": "",
}
TERMINALS = {"tty1": (4, 1), "tty2": (4, 2), "ttyS0": (4, 64), "ttyAMA0": (204, 64), "hvc0": (229, 0)}
PTS_0 = (136, 0)
BEGAN = 4_711


class Machine:
    """What ``/proc``, logind and ``/sys`` say, in folders."""

    def __init__(self, folder):
        self.places = SystemPaths(folder / "proc", folder / "sessions", folder / "tty")
        for place in (self.places.proc, self.places.sessions, self.places.terminals):
            place.mkdir()
        for name, (major, minor) in TERMINALS.items():
            (self.places.terminals / name).mkdir()
            (self.places.terminals / name / "dev").write_text(f"{major}:{minor}\n")

    def login(self, session, **record):
        text = "# This is private data. Do not parse.\n" + "".join(f"{k}={v}\n" for k, v in record.items())
        (self.places.sessions / session).write_text(text)

    def process(self, pid, parent, terminal, cgroup="session-3.scope", began=BEGAN, name="quartier"):
        major, minor = terminal
        number = (major << 8) | (minor & 0xFF) | ((minor & 0xFFF00) << 12)
        folder = self.places.proc / str(pid)
        folder.mkdir(exist_ok=True)
        words = f"{pid} ({name}) S {parent} {pid} {pid} {number} {pid} 0 0 0 0 0 0 0 0 0 20 0 1 0 {began} 9"
        (folder / "stat").write_text(f"{words} 0 0\n")
        path = cgroup if cgroup.startswith("/") else f"/user.slice/user-1000.slice/{cgroup}"
        (folder / "cgroup").write_text(f"0::{path}\n")

    def ask(self, pid=30, began=BEGAN):
        return check_console(AskingProcess(pid, began), {}, self.places)


@pytest.fixture
def machine(tmp_path):
    """Anna is logged in at the screen, and her shell asks."""
    found = Machine(tmp_path)
    found.login("3", **LOGIN)
    found.process(10, 1, TERMINALS["tty1"])
    found.process(30, 10, TERMINALS["tty1"])
    return found


def test_a_login_at_the_screen_is_on_site(machine):
    assert ("the console tty1", True) == (machine.ask().place, machine.ask().is_on_site)


@pytest.mark.parametrize("terminal", ["ttyS0", "ttyAMA0"])
def test_a_login_at_a_serial_console_is_on_site(machine, terminal):
    machine.login("3", **LOGIN | {"SEAT": "", "TTY": terminal})
    machine.process(30, 10, TERMINALS[terminal])

    assert f"the console {terminal}" == machine.ask().place


def test_sudo_at_the_console_which_has_a_terminal_of_its_own_is_on_site(machine):
    machine.process(20, 10, TERMINALS["tty1"], name="sudo (x)")
    machine.process(30, 20, PTS_0)

    assert machine.ask().is_on_site


@pytest.mark.parametrize(
    ("record", "why"),
    [
        pytest.param(SSH, "over the network", id="SSH"),
        pytest.param(SSH | {"REMOTE": "0"}, "over the network", id="ssh localhost"),
        pytest.param(SSH | {"REMOTE": "0", "SERVICE": "x"}, "at no console", id="another remote shell"),
        pytest.param(
            LOGIN | {"TYPE": "wayland", "TTY": "tty2"}, "at no console", id="a desktop, maybe shared"
        ),
        pytest.param(LOGIN | {"TTY": "hvc0"}, "at no console", id="the console of a hypervisor"),
        pytest.param(LOGIN | {"TTY": "../tty1"}, "at no console", id="a path"),
        pytest.param(
            LOGIN | {"ACTIVE": "0"}, "not the one on the screen", id="left behind on another screen"
        ),
        pytest.param(LOGIN | {"UID": "1001"}, "no record", id="the record of somebody else"),
        pytest.param(
            {k: v for k, v in LOGIN.items() if k != "SERVICE"}, "over the network", id="nobody says by what"
        ),
        pytest.param({}, "no record", id="no record"),
    ],
)
def test_another_login_is_not(machine, record, why):
    machine.login("3", **record)
    machine.process(10, 1, PTS_0 if record.get("TTY") == "pts/0" else TERMINALS["tty1"])

    assert ("", True) == (machine.ask().place, why in machine.ask().why_not)


def test_what_was_left_running_at_the_console_for_a_later_ssh_is_not(machine):
    machine.process(10, 1, (0, 0), name="tmux: server")
    machine.process(30, 10, PTS_0)

    assert "not controlled from tty1" in machine.ask().why_not


def test_an_ancestor_of_another_login_says_nothing(machine):
    machine.process(30, 10, PTS_0, cgroup="session-4.scope")
    machine.login("4", **LOGIN | {"TTY": "tty2"})

    assert not machine.ask().is_on_site


@pytest.mark.parametrize(
    "cgroup",
    [
        "user@1000.service/app.slice/session-3.scope",
        "user@1000.service/session-3.scope",
        "session-3.scope/below",
        "/system.slice/ssh.service",
        "/system.slice/cron.service",
        "/",
    ],
)
def test_a_control_group_that_only_looks_like_a_logins_is_none(machine, cgroup):
    machine.process(30, 10, TERMINALS["tty1"], cgroup=cgroup)

    assert "log in at the gateway's own screen" in machine.ask().why_not


def test_a_control_group_of_the_first_kind_is_read_too(machine):
    path = machine.places.proc / "30" / "cgroup"
    path.write_text(
        "4:memory:/user.slice\nnonsense\n1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n"
    )
    (machine.places.proc / "10" / "cgroup").write_text(path.read_text())

    assert machine.ask().is_on_site


def test_a_later_process_of_the_same_number_is_another_one(machine):
    assert "cannot be seen" in machine.ask(began=BEGAN - 1).why_not
    assert "cannot be seen" in machine.ask(pid=99).why_not
    assert AskingProcess(30, BEGAN) == presence.find_asking_process(30, machine.places)
    assert AskingProcess(99) == presence.find_asking_process(99, machine.places)


def test_a_terminal_that_is_not_there_is_nobodys(machine):
    (machine.places.terminals / "tty1" / "dev").unlink()
    machine.process(10, 1, (0, 0))
    machine.process(30, 10, (0, 0))

    assert not machine.ask().is_on_site


@pytest.mark.parametrize("text", ["", "30 (x", "30 (x) S a b c d e f"])
def test_what_the_kernel_says_and_nobody_can_read_is_no_process(machine, text):
    (machine.places.proc / "30" / "stat").write_text(text)

    assert "cannot be seen" in machine.ask().why_not


def test_every_way_is_asked_and_each_says_why_not(machine, monkeypatch):
    def by_code(asker, request, places):
        del asker, places
        good = request.get("code") == "7Q4K"
        return presence.Presence("the page, by its code" if good else "", "" if good else "no code")

    machine.login("3", **SSH)
    monkeypatch.setattr(presence, "PRESENCE_CHECKS", (check_console, by_code))
    asker = AskingProcess(30, BEGAN)

    assert "the page, by its code" == prove_presence(asker, {"code": "7Q4K"}, machine.places).place
    assert "the login came over the network; no code" == prove_presence(asker, {}, machine.places).why_not


def test_this_process_is_seen_as_the_kernel_shows_it(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "")
    mine = presence.find_asking_process(os.getpid())

    assert mine.began > 0
    assert not prove_presence(mine, {}).is_on_site or os.ttyname(0).startswith("/dev/tty")
