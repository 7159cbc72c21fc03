"""What stops ``quartier run`` before it begins."""

import os
import pwd

import pytest

from quartier.cli import main
from quartier.config.sample import render_sample
from quartier.runtime import release


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(render_sample())
    return path


def run(site, runtime_dir, state_dir):
    return main(
        ["run", "--config", str(site), "--runtime-dir", str(runtime_dir), "--state-dir", str(state_dir)]
    )


def test_a_folder_that_cannot_be_made_is_a_fault_that_says_what_to_give(site, tmp_path, capsys):
    (tmp_path / "file").write_text("")

    assert 78 == run(site, tmp_path / "file" / "run", tmp_path)
    said = capsys.readouterr().err
    assert str(tmp_path / "file" / "run") in said
    assert "--runtime-dir" in said


def test_a_folder_that_takes_no_lock_is_a_fault_too(site, tmp_path, capsys):
    (tmp_path / "run" / release.LOCK_FILE).mkdir(parents=True)

    assert 78 == run(site, tmp_path / "run", tmp_path / "state")
    assert "takes no file: Is a directory" in capsys.readouterr().err


def test_a_folder_of_another_user_is_told_with_its_owner_and_the_next_step(
    site, tmp_path, capsys, monkeypatch
):
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr("quartier.cli.gateway.run.os.access", lambda *_: False)

    assert 78 == run(site, folder, tmp_path / "state")
    assert (
        f"user {pwd.getpwuid(os.geteuid()).pw_name} may not write in it; run chmod u+rwx {folder}, or "
        in (capsys.readouterr().err)
    )
    monkeypatch.setattr("quartier.cli.gateway.run.os.geteuid", lambda: 987_654)
    assert 78 == run(site, folder, tmp_path / "state")
    owner = pwd.getpwuid(folder.stat().st_uid).pw_name
    said = capsys.readouterr().err
    assert (
        f"user 987654 may not write in it, it belongs to {owner}; run as {owner}, or give --runtime" in said
    )


def test_a_second_daemon_is_exit_75(site, tmp_path, capsys):
    with release.take_lock(tmp_path):
        assert 75 == run(site, tmp_path, tmp_path / "state")
    assert "a daemon is running" in capsys.readouterr().err


def test_a_second_daemon_on_one_state_folder_is_exit_75_with_the_next_step(site, tmp_path, capsys):
    (tmp_path / "state").mkdir()
    with release.take_state_lock(tmp_path / "state"):
        assert 75 == run(site, tmp_path / "run2", tmp_path / "state")
    said = capsys.readouterr().err
    assert f"{tmp_path}/state is in use" in said
    assert "--state-dir of its own" in said
    assert [] == list((tmp_path / "state").iterdir())


def test_a_simulated_clock_is_for_simulated_houses(site, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("QUARTIER_CLOCK", "rate=60")
    assert 78 == run(site, tmp_path / "run", tmp_path)
    assert "site.simulated" in capsys.readouterr().err

    monkeypatch.setenv("QUARTIER_CLOCK", "rate=fast")
    assert 78 == run(site, tmp_path / "run", tmp_path)
    assert "'rate=fast'" in capsys.readouterr().err
