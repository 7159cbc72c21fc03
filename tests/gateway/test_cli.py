"""The command line as a person meets it: wrong use, and the ways it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quartier.cli import main

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("drill", "--declared", "--config", "site.toml"),
            "--config; it reads no site file; where it asks a",
        ),
        (("status", "--config=site.toml"), "running daemon, name its --runtime-dir"),
        (("maintenance", "bat1", "--end"), "--end; to end maintenance: quartier override bat1 --cancel"),
        (("status", "--wach"), "unrecognized arguments: --wach\n"),
    ],
)
def test_an_option_that_is_not_there_is_told_with_the_way_to_what_it_was_for(words, said, capsys):
    with pytest.raises(SystemExit) as left:
        main(list(words))

    assert 2 == left.value.code
    assert said in capsys.readouterr().err


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
