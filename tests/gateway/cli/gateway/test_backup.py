"""``quartier backup`` and ``quartier restore`` as a person meets them."""

import io
import json
from pathlib import Path

import pytest

from quartier.backup import archive
from quartier.cli import main
from quartier.runtime import release

SITE = """\
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 12000 }
assets.grid = { role = "grid", device = "meter" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
"""


AGREED = ("--yes", "--key")


def key_of(file):
    """What quartier backup printed on the old gateway."""
    return archive.read_manifest(Path(file)).fingerprint


def places(folder):
    (folder / "etc").mkdir(parents=True, exist_ok=True)
    return (
        *("--config", str(folder / "etc" / "site.toml")),
        *("--state-dir", str(folder / "state")),
        *("--runtime-dir", str(folder / "run")),
    )


@pytest.fixture
def old(open_path):
    found = places(open_path / "old")
    (open_path / "old" / "etc" / "site.toml").write_text(SITE)
    (open_path / "old" / "state").mkdir()
    (open_path / "old" / "state" / "history.db").write_bytes(b"history")
    return found


@pytest.fixture
def file(open_path):
    return str(open_path / "b012.qbk")


@pytest.fixture
def right_time(monkeypatch):
    monkeypatch.setenv("QUARTIER_CLOCK", "rate=2")


@pytest.mark.usefixtures("right_time")
def test_a_gateway_goes_from_one_machine_to_another(open_path, old, file, capsys):
    assert 0 == main(["backup", file, *old])
    said = capsys.readouterr().out
    assert "issy.b012, verified" in said
    assert f"signed with key {key_of(file)}" in said

    assert 0 == main(["restore", file, *places(open_path / "new"), *AGREED, key_of(file)])
    assert "never start the old one again" in capsys.readouterr().out
    assert SITE == (open_path / "new" / "etc" / "site.toml").read_text()
    assert b"history" == (open_path / "new" / "state" / "history.db").read_bytes()


@pytest.mark.parametrize("words", [("backup",), ("restore",)])
def test_beside_a_running_daemon_it_refuses_with_75(open_path, old, file, capsys, words):
    main(["backup", file, *old])
    (open_path / "old" / "run").mkdir(exist_ok=True)
    with release.take_lock(open_path / "old" / "run"):
        assert 75 == main([*words, f"{file}x" if words == ("backup",) else file, *old])
    assert "a daemon is running; stop it first" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_beside_a_daemon_with_another_runtime_dir_it_refuses_too(open_path, old, file, capsys, word):
    main(["backup", file, *old])
    with release.take_state_lock(open_path / "old" / "state"):
        assert 75 == main([word, f"{file}x" if word == "backup" else file, *old])
    assert f"{open_path}/old/state is in use" in capsys.readouterr().err


def test_json_tells_what_is_in_it(old, file, capsys):
    assert 0 == main(["backup", file, *old, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert ("issy.b012", 3, file) == (told["gateway"], told["files_count"], told["file"])

    assert 0 == main(["restore", file, "--check", "--json", *old])
    checked = json.loads(capsys.readouterr().out)
    assert told.items() <= checked.items()
    assert checked["key_known"]
    assert ["same", "replaces", "replaces"] == [one["action"] for one in checked["files"]]


def test_check_proves_and_writes_nothing(open_path, old, file, capsys):
    main(["backup", file, *old])
    assert 0 == main(["restore", file, "--check", *places(open_path / "new")])
    said = capsys.readouterr().out
    assert "sound, issy.b012" in said
    assert f"new         {open_path}/new/etc/site.toml" in said
    assert f"{key_of(file)}, which this machine does not know" in said
    assert not (open_path / "new" / "state").exists()

    whole = (open_path / "b012.qbk").read_bytes()
    (open_path / "b012.qbk").write_bytes(whole[:-40])
    assert 1 == main(["restore", file, "--check"])
    assert "cannot be read to its end" in capsys.readouterr().err


@pytest.mark.usefixtures("right_time")
def test_what_is_here_already_stays_unless_it_is_overruled(open_path, old, file, capsys):
    main(["backup", file, *old])
    new = places(open_path / "new")
    (open_path / "new" / "state").mkdir()
    (open_path / "new" / "state" / "link.a").write_text("another's")

    assert 1 == main(["restore", file, *new])
    said = capsys.readouterr().err
    assert "is not empty: the state of a gateway may be there\n--force moves what is here aside\n" in said
    assert said.endswith("\nnothing of the backup was written\n")
    assert ["link.a"] == [one.name for one in (open_path / "new" / "state").iterdir()]
    assert 0 == main(["restore", file, *new, "--force", *AGREED, key_of(file)])


def test_without_a_clock_that_somebody_vouches_for_it_refuses_and_says_why(
    open_path, old, file, capsys, monkeypatch
):
    word = open_path / "word"
    word.write_text("no\n")
    monkeypatch.setenv("QUARTIER_CLOCK", f"rate=2,word={word}")
    main(["backup", file, *old])

    assert 1 == main(["restore", file, *places(open_path / "new"), "--key", "1234"])
    said = capsys.readouterr().err
    assert "could be used twice" in said
    assert f"is signed with key {key_of(file)}, not 1234" in said, "all that stands against it, at once"
    assert 0 == main(["restore", file, *places(open_path / "new"), "--without-clock", *AGREED, key_of(file)])


def test_a_site_file_that_cannot_be_used_is_78(open_path, file):
    (open_path / "etc").mkdir()
    (open_path / "etc" / "site.toml").write_text("[")

    assert 78 == main(["backup", file, *places(open_path)])


@pytest.mark.usefixtures("right_time")
def test_nothing_is_written_before_somebody_agreed(open_path, old, file, capsys, monkeypatch):
    main(["backup", file, *old])
    new = places(open_path / "new")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert 1 == main(["restore", file, *new])
    again = f"quartier restore {file} {' '.join(new)} --yes --key {key_of(file)}"
    assert again in capsys.readouterr().err, "the folders that were given are in it"
    assert 1 == main(["restore", file, *new, "--yes"])
    assert 1 == main(["restore", file, *new, "--yes", "--key", "0000-0000"])
    assert f"is signed with key {key_of(file)}, not 0000-0000" in capsys.readouterr().err
    assert not (open_path / "new" / "state").exists()

    for answer, code in (("y", 1), ("yes", 0)):
        terminal = io.StringIO(f"{answer}\n")
        terminal.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", terminal)
        assert code == main(["restore", file, *new])
    assert SITE == (open_path / "new" / "etc" / "site.toml").read_text()


@pytest.mark.usefixtures("right_time")
def test_a_script_on_the_same_gateway_needs_no_key(open_path, old, file):
    main(["backup", file, *old])
    (open_path / "old" / "state" / "history.db").write_bytes(b"broken")

    assert 0 == main(["restore", file, *old, "--yes", "--force"])
    assert b"history" == (open_path / "old" / "state" / "history.db").read_bytes()
