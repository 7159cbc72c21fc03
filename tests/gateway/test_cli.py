"""The command line as a person meets it: help, wrong use, and the ways it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from quartier.cli import main

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "run": ("--config", "--log", "SIGTERM", "SIGHUP"),
    "release": ("release.json", "ExecStopPost", "75"),
    "engines": ("compiled or reference", "--json"),
    "check": ("78", "file:line: key", "--json"),
    "config": ("sample", "reference", "schema", "remote"),
    "bus": ("plan", "--answer-ms", "--dead", "--json", "example", "Exit codes"),
    "plan": ("--config", "--series", "--json", "example", "Exit codes"),
    "trust": ("--remove", "--pki", "--json", "fingerprint", "example", "Exit codes"),
    "browse": ("--node", "--depth", "--anonymous", "--json", "opc.tcp://", "example"),
    "read": ("tcp://", "rtu://", "usb:", "--profiles"),
    "scan": ("modbus", "--units", "--bauds", "Exit codes", "rtu:/dev/ttyUSB0", "--json"),
    "decode": ("tic", "mbus", "--hex", "--profile", "--key-file", "example", "Exit codes"),
    "listen": ("usb:SERIAL", "tcp://HOST:PORT", "--count", "--key-file", "--json", "example", "Exit codes"),
    "arm": ("--check", "--config", "--state-dir", "--json", "Exit codes"),
    "probe": ("ASSET", "--step-w", "--yes", "--watch-timer", "--page", "--json", "Exit codes"),
    "profiles": ("profiles", "--json"),
    "status": ("--json", "--runtime-dir"),
    "record": ("--for", "--out", "--anonymise", "--runtime-dir", "example", "Exit codes"),
    "drill": ("--simulated", "--declared", "--report", "--json", "Exit codes"),
    "why": ("--since", "--all", "--json", "example", "Exit codes", "--state-dir", "--runtime-dir"),
    "override": ("VALUE", "--for", "--why", "--cancel", "quartier-operators", "example", "Exit codes"),
    "meter": ("--believe", "console", "--json", "example", "Exit codes"),
    "apply": ("console", "SSH", "--check", "--json", "quartier-operators", "example", "Exit codes"),
    "maintenance": ("--for", "--why", "given back", "example", "Exit codes"),
    "alarms": (
        "--ack",
        "--note",
        "--explain",
        "--all",
        "--json",
        "quartier-operators",
        "example",
        "Exit codes",
    ),
    "init": ("WHERE", "--answer", "--output", "example", "Exit codes"),
    "top": ("Enter", "Esc", "once a second", "snapshot", "--runtime-dir"),
    "points": ("'grid.*'", "--json", "--runtime-dir"),
    "keys": ("check", "--root", "--district", "--json", "example", "Exit codes"),
    "documents": ("--write", "topic"),
    "backup": ("FILE", "private keys", "--json", "--state-dir", "example", "Exit codes", "75"),
    "restore": ("FILE", "--check", "--force", "--without-clock", "--json", "example", "Exit codes", "75"),
    "history": ("--points", "--from", "--to", "--every", "table,csv,jsonl", "example"),
}


def helped(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([*words, "--help"])
    assert 0 == left.value.code
    return capsys.readouterr().out


def test_the_first_help_names_every_command_and_the_first_steps(capsys):
    text = helped(capsys)

    listed = re.findall(r"^    (\w+)(?: |$)", text, re.MULTILINE)
    assert set(COMMANDS) == set(listed)
    for step in ("config sample", "check site.toml", "listen usb:", "read victron/gx", "run --config", "top"):
        assert f"quartier {step}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_names_what_it_can_do(command, capsys):
    text = helped(capsys, command)

    assert not [words for words in COMMANDS[command] if words not in text]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("runn",),
        ("config",),
        ("config", "smaple"),
        ("read",),
        ("read", "victron/gx"),
        ("history", "--format", "xml"),
        ("status", "--wach"),
        ("run", "--log", "loud"),
    ],
)
def test_wrong_use_is_exit_2_and_shows_the_right_one(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(list(words))

    assert 2 == left.value.code
    assert "usage: quartier" in capsys.readouterr().err


def test_a_fault_of_a_file_is_printed_without_a_traceback_and_exit_is_78(tmp_path, capsys):
    path = tmp_path / "none.toml"

    assert 78 == main(
        ["run", "--config", str(path), "--runtime-dir", str(tmp_path), "--state-dir", str(tmp_path)]
    )
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("words", [("config", "reference"), ("engines",)])
def test_whoever_reads_only_the_head_gets_no_traceback(words):
    """``quartier config reference | head -1``: the pipe closes while we write, or before we flush."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / r) for r in ("gateway", "drivers", "native")),
    }
    done = subprocess.run(
        [sys.executable, "-m", "quartier.cli", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    os.close(writer)

    assert (0, b"") == (done.returncode, done.stderr)


def ended(*words, output, **variables):
    """How the command ends as a process of its own with ``output``, and what it says beside it."""
    sources = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))
    done = subprocess.run(
        [sys.executable, "-m", "quartier.cli", *words],
        env={**os.environ, "PYTHONPATH": sources, **variables},
        stdout=output,
        stderr=subprocess.PIPE,
        check=False,
    )
    return done.returncode, done.stderr.decode()


def test_a_full_disk_behind_the_output_is_said_without_a_traceback():
    with Path("/dev/full").open("w") as full:
        code, errors = ended("config", "sample", output=full)

    assert (1, "quartier: the output cannot be written: No space left on device\n") == (code, errors)


def test_a_terminal_that_lacks_a_sign_shows_a_question_mark(tmp_path):
    with (tmp_path / "out").open("wb") as out:
        ending = ended("config", "sample", output=out, PYTHONIOENCODING="ascii")

    assert (0, "") == ending
    assert b"?" in (tmp_path / "out").read_bytes()


def test_a_closed_output_is_no_fault():
    script = f"exec {sys.executable} -m quartier.cli config sample >&-"
    sources = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={**os.environ, "PYTHONPATH": sources},
        stderr=subprocess.PIPE,
        check=False,
    )

    assert (0, b"") == (done.returncode, done.stderr)


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])

    assert 0 == left.value.code
    assert capsys.readouterr().out.startswith("quartier")


@pytest.mark.parametrize(
    "words", [("engines",), ("run", "--config", "site.toml"), ("read", "eastron/sdm630", "tcp://x")]
)
def test_an_engine_that_is_not_known_is_one_line_and_exit_78(words):
    code, errors = ended(*words, output=subprocess.DEVNULL, QUARTIER_ENGINE="foo")

    assert (78, "QUARTIER_ENGINE='foo': expected auto, cython or reference\n") == (code, errors)


def test_commands_that_compute_nothing_do_not_ask_for_the_engine():
    assert (0, "") == ended("config", "sample", output=subprocess.DEVNULL, QUARTIER_ENGINE="foo")


def imported(*words):
    """The modules that a command has imported when it ends."""
    code = "import sys; from quartier.cli import main; code = main(sys.argv[1:]); print(*sys.modules); sys.exit(code)"
    sources = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": sources},
        capture_output=True,
        check=False,
    )
    return set(done.stdout.decode().split()), done.returncode


def test_a_release_after_a_crash_imports_no_more_than_it_needs(tmp_path):
    modules, code = imported("release", "--runtime-dir", str(tmp_path), "--json")

    assert 0 == code
    assert not modules & {"quartier.daemon.lifecycle", "quartier.store.history_store", "rich", "structlog"}


def test_a_negative_power_is_a_value_and_no_option(tmp_path, capsys):
    words = ["override", "bat1", "-2kW", "--for", "5min", "--runtime-dir", str(tmp_path)]

    assert 69 == main(words)
    assert "no daemon takes orders" in capsys.readouterr().err
