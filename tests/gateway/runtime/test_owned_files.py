"""Files in folders of the service, used by root: links are not followed, rights are given up and come back."""

import io
import os
import pwd
from contextlib import suppress
from pathlib import Path, PurePath

import pytest

from quartier.runtime import owned_files, release
from quartier.runtime.owned_files import Owner

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def victim(tmp_path):
    found = tmp_path / "victim"
    found.write_text("of another user")
    return found


@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
def test_a_link_is_not_opened(tmp_path, victim, put):
    put(tmp_path / "link", victim)

    with pytest.raises(OSError, match="link"):
        owned_files.open_plain(tmp_path / "link", os.O_RDWR | os.O_CREAT, "rb+")


def test_a_pipe_is_not_opened_and_holds_nobody(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(PermissionError, match="is not a regular file"):
        owned_files.open_plain(tmp_path / "pipe")


@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
def test_a_lock_of_the_daemon_that_is_a_link_is_neither_cut_nor_given_away(tmp_path, victim, put):
    before = victim.stat()
    put(tmp_path / release.LOCK_FILE, victim)

    with pytest.raises(OSError, match=release.LOCK_FILE):
        release.take_lock(tmp_path)
    assert "of another user" == victim.read_text()
    assert (before.st_uid, before.st_mode) == (victim.stat().st_uid, victim.stat().st_mode)


def test_a_folder_that_is_a_link_is_not_entered(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "below").symlink_to(tmp_path / "outside")

    with (
        pytest.raises(NotADirectoryError),
        owned_files.open_folder(tmp_path / "base", PurePath("below/more"), make_mode=0o750),
    ):
        pass
    assert [] == list((tmp_path / "outside").iterdir())


def test_a_missing_folder_is_made_only_where_that_is_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError), owned_files.open_folder(tmp_path, PurePath("a/b")):
        pass
    with owned_files.open_folder(tmp_path, PurePath("a/b"), make_mode=0o750) as folder:
        owned_files.replace_file(folder, "c", io.BytesIO(b"facts"), 0o640, None)

    assert b"facts" == (tmp_path / "a" / "b" / "c").read_bytes()
    assert 0o640 == (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777


@AS_ROOT
def test_rights_are_those_of_the_owner_and_come_back(tmp_path):
    os.chown(tmp_path, 4711, 4712)
    before = os.geteuid(), os.getegid(), os.getgroups()
    with suppress(KeyError), owned_files.use_rights_of_owner(tmp_path):
        during = os.geteuid(), os.getegid(), os.getgroups()
        raise KeyError

    assert (4711, 4712, []) == during
    assert before == (os.geteuid(), os.getegid(), os.getgroups())


@AS_ROOT
def test_rights_are_kept_where_root_is_the_owner_or_no_folder_is_there(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with owned_files.use_rights_of_owner(folder):
            assert 0 == os.geteuid()


@AS_ROOT
def test_the_service_has_the_groups_of_its_login():
    daemon = pwd.getpwnam("daemon")
    with owned_files.use_rights(Owner(daemon.pw_uid, daemon.pw_gid)):
        assert daemon.pw_gid in os.getgroups()


@AS_ROOT
def test_a_lock_that_root_took_first_belongs_to_the_owner_of_the_folder(tmp_path):
    os.chown(tmp_path, 4711, 4711)
    with release.take_lock(tmp_path):
        pass

    assert 4711 == (tmp_path / release.LOCK_FILE).stat().st_uid
