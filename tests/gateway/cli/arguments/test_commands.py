"""The help of every command."""

import re

import pytest

from quartier.cli import main

COMMANDS = {
    "run": ("--config", "--log", "SIGTERM", "SIGHUP"),
    "release": ("release.json", "ExecStopPost", "75"),
    "engines": ("compiled or Python", "--json"),
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
    "maintenance": ("--for", "--why", "back to its device", "example", "Exit codes"),
    "notify": ("--check", "--test", "--settings", "--state-dir", "example", "Exit codes"),
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
