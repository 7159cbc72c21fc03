import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
PROGRAM = "/opt/quartier/bin/quartier"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here (Debian package systemd)"
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units with a program that exists in place of the installed one."""
    program = tmp_path / "quartier"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    paths = []
    for unit in UNITS:
        path = tmp_path / unit.name
        path.write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, str(program)), encoding="utf-8")
        paths.append(str(path))
    return paths


@pytest.mark.peer
@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(installed: list[str]) -> None:
    done = run("systemd-analyze", "verify", "--recursive-errors=no", *installed)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.peer
@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_units_are_hardened(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit))

    assert 0 == done.returncode, done.stdout


@pytest.mark.peer
@needs_systemd
def test_the_user_can_be_made(tmp_path: Path) -> None:
    done = run(
        "systemd-sysusers",
        "--dry-run",
        f"--root={tmp_path}",
        str(SYSTEMD / "sysusers.d/quartier.conf"),
    )

    assert 0 == done.returncode, done.stderr
    assert "Creating user 'quartier'" in done.stderr


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("udevadm") is None, reason="udevadm is not here (Debian package udev)")
def test_the_udev_rules_are_right() -> None:
    # The group gpio is made by sysusers.d: it need not be here.
    rules = sorted(str(file) for file in (SYSTEMD / "udev").glob("*.rules"))
    done = run("udevadm", "verify", "--resolve-names=never", *rules)

    assert 0 == done.returncode, done.stdout + done.stderr


def _service(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # configparser's own way to keep the case
    parser.read(SYSTEMD / name, encoding="utf-8")
    return parser["Service"]


def test_the_gateway_is_watched_released_and_started_again_but_not_with_a_bad_file() -> None:
    service = _service("quartier.service")

    assert ("notify", "10", "always", "78") == tuple(
        service[key] for key in ("Type", "WatchdogSec", "Restart", "RestartPreventExitStatus")
    )
    # Real-time first, then without any right: both are part of one line.
    assert service["ExecStopPost"].startswith("+/bin/sh -c 'chrt -r -p 1 $$$$;")
    assert "setpriv --reuid=quartier" in service["ExecStopPost"]
    assert service["ExecStopPost"].endswith(f"--no-new-privs {PROGRAM} release'")
    assert service["ExecStart"].startswith(f"{PROGRAM} run")


def test_a_busy_machine_serves_the_gateway_and_its_release_before_other_services() -> None:
    service = _service("quartier.service")

    assert ("1000", "-500") == (service["CPUWeight"], service["OOMScoreAdjust"])


def test_what_must_survive_a_restart_does() -> None:
    service = _service("quartier.service")

    assert ("quartier", "yes", "quartier") == tuple(
        service[key] for key in ("RuntimeDirectory", "RuntimeDirectoryPreserve", "StateDirectory")
    )


def test_serial_ports_and_gpio_chips_stay_open_to_the_hardened_unit() -> None:
    text = (SYSTEMD / "quartier.service").read_text(encoding="utf-8")

    assert "PrivateDevices" not in text
    assert {"char-ttyUSB rw", "char-ttyACM rw", "char-ttyAMA rw", "char-ttyS rw", "char-gpiochip rw"} == set(
        re.findall(r"^DeviceAllow=(.*)$", text, re.MULTILINE)
    )
    members = (SYSTEMD / "sysusers.d/quartier.conf").read_text(encoding="utf-8")
    assert {"m quartier dialout", "m quartier gpio"} <= set(members.splitlines())
    modules = (SYSTEMD / "modules-load.d/quartier.conf").read_text(encoding="utf-8").split()
    assert {"usbserial", "cdc_acm"} <= set(modules)


@pytest.mark.parametrize(("answer", "word"), [("echo yes", "yes"), ("echo no", "no"), ("exit 1", "no")])
def test_the_clocks_word_is_written_with_the_uptime_it_was_given_at(
    tmp_path: Path, answer: str, word: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("timedatectl", answer), ("sleep", "kill $PPID")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    command = _service("quartier-clock.service")["ExecStart"]
    script = re.sub(r"\\\n", "", command).removeprefix("/bin/sh -c '").removesuffix("'").replace("$$", "$")
    environ = {"PATH": f"{programs}{os.pathsep}/usr/bin:/bin", "RUNTIME_DIRECTORY": str(tmp_path)}

    subprocess.run(["/bin/sh", "-c", script], env=environ, check=False, timeout=60)

    assert re.fullmatch(rf"{word} \d+\.\d\d\n", (tmp_path / "synced").read_text(encoding="ascii"))


def test_every_file_is_in_the_table_of_the_page_and_in_its_commands() -> None:
    page = (SYSTEMD / "README.md").read_text(encoding="utf-8")
    files = [
        path.relative_to(SYSTEMD)
        for path in SYSTEMD.rglob("*")
        if path.is_file() and path.name != "README.md" and "debian" not in path.parts
    ]

    assert [] == [str(path) for path in files if f"`{path}`" not in page or f"systemd/{path}" not in page]
