"""Backups that are damaged, or that a stranger made: refused before anything is written."""

import dataclasses
import os
from pathlib import Path

import pytest
from tests.gateway.backup.machines import LINK, NOW_MS, SITE, crafted, put

from quartier.backup import packing, restore_plan
from quartier.backup.archive import UnusableBackup
from quartier.backup.packing import GatewayFolders


def test_the_same_files_already_there_are_no_objection(file, new):
    new.config.write_text(SITE)

    found = restore_plan.make_restore_plan(file, new)

    assert () == found.objections
    assert [restore_plan.ACTION_SAME] == [one.action for one in found.steps if one.target == new.config]


def test_a_damaged_backup_writes_nothing(file, new):
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnusableBackup):
        put(file, new)
    assert [] == list(new.state_dir.iterdir())
    assert not new.config.exists()


def test_a_disk_without_room_is_known_before(file, new, monkeypatch):
    monkeypatch.setattr(restore_plan.shutil, "disk_usage", lambda _: Usage(0))

    with pytest.raises(UnusableBackup, match="MB of free space are missing"):
        restore_plan.make_restore_plan(file, new)
    assert restore_plan.make_restore_plan(file, new, needs_room=False).steps


def test_a_file_outside_that_the_site_file_does_not_name_is_refused(tmp_path, new):
    target = tmp_path / "cron.d" / "job"
    target.parent.mkdir()

    with pytest.raises(
        UnusableBackup, match="its site file does not name it; nothing of the backup is written"
    ):
        restore_plan.make_restore_plan(crafted(tmp_path, files=[("elsewhere", str(target), "root")]), new)


@pytest.mark.parametrize(("history", "gateway"), [("../../x", "issy.b012"), ("history.db", "issy.b013")])
def test_a_manifest_that_names_another_history_or_gateway_than_its_site_file_is_refused(
    tmp_path, new, history, gateway
):
    with pytest.raises(UnusableBackup, match="different gateways or histories"):
        restore_plan.make_restore_plan(crafted(tmp_path, history=history, gateway=gateway), new)


@pytest.mark.parametrize("site", ["[", "", "x" * 2_000_000, "a = " + "[" * 5_000])
def test_a_site_file_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path, new, site):
    with pytest.raises(UnusableBackup, match="its site file"):
        restore_plan.make_restore_plan(crafted(tmp_path, site), new)


def test_a_link_in_a_folder_of_the_service_is_not_followed(tmp_path, file, new):
    outside = tmp_path / "outside"
    outside.mkdir()
    (new.config.parent / "private").symlink_to(outside)

    with pytest.raises(UnusableBackup, match="private is a link"):
        put(file, new)
    assert [] == list(outside.iterdir())


@pytest.mark.parametrize("path", ["job", "cron.d/job", "profiles/maker/job.sh", "private.toml"])
def test_a_file_beside_the_site_file_that_it_does_not_name_is_refused(tmp_path, new, path):
    site = SITE.replace("site = {", "site = { profiles = ['profiles'],")
    (new.config.parent / "profiles").mkdir()

    with pytest.raises(
        UnusableBackup, match="its site file does not name it; nothing of the backup is written"
    ):
        restore_plan.make_restore_plan(crafted(tmp_path, site, files=[("site", path, "root")]), new)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write anywhere")
def test_root_as_the_service_writes_nothing_outside_the_folders(tmp_path, new):
    outside = tmp_path / "cron.d"
    (outside / "certificates").mkdir(parents=True)
    file = crafted(
        tmp_path,
        SITE + LINK.format(folder=outside),
        files=[("elsewhere", f"{outside}/certificates/ca.pem", "root")],
    )
    plan = restore_plan.make_restore_plan(file, new)
    put(file, new)

    assert restore_plan.ACTION_LEFT_OUT == plan.steps[1].action
    assert "the service is root here" in plan.steps[1].reason
    assert [] == list((outside / "certificates").iterdir())


@pytest.mark.parametrize("folder", ["/etc", "/", "/var/lib"])
def test_a_folder_of_the_system_is_never_the_gateways(file, new, folder):
    config = dataclasses.replace(new, config=Path(folder, "site.toml"))
    state = dataclasses.replace(new, state_dir=Path(folder))

    with pytest.raises(UnusableBackup, match=r"--config: .* give a folder of the gateway's own"):
        restore_plan.make_restore_plan(file, config)
    with pytest.raises(UnusableBackup, match="--state-dir: .*belongs to the system"):
        restore_plan.make_restore_plan(file, state)


@pytest.mark.parametrize("where", ["state", "run/journal"])
def test_a_backup_in_a_folder_that_is_moved_aside_is_refused(tmp_path, file, new, where):
    inside = tmp_path / "new" / where / "b012.qbk"
    inside.parent.mkdir(exist_ok=True)
    file.rename(inside)

    with pytest.raises(UnusableBackup, match="move the backup elsewhere first"):
        restore_plan.make_restore_plan(inside, new)
    assert inside.exists()


def test_two_files_for_one_target_are_refused(tmp_path, new):
    """The second one would replace the site file that was checked."""
    site = SITE + f"[district_link]\nurl = 'mqtts://d.example'\nca_file = '{new.config.parent}/other.toml'\n"
    renamed = dataclasses.replace(new, config=new.config.with_name("other.toml"))
    file = crafted(tmp_path, site, files=[("site", "other.toml", "root")])

    with pytest.raises(
        UnusableBackup, match=r"holds two files for .*other.toml; nothing of the backup is written"
    ):
        restore_plan.make_restore_plan(file, renamed)


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_target_below_another_is_refused(tmp_path, new, is_elsewhere):
    folder = new.config.parent / "private" / "x"
    below = ("elsewhere", f"{folder}/certificates/ca.pem") if is_elsewhere else ("site", "private/x/below")
    files = [("site", "private/x", "root"), (*below, "root")]
    site = SITE + LINK.format(folder=folder)

    with pytest.raises(UnusableBackup, match="below another file|two files for"):
        restore_plan.make_restore_plan(crafted(tmp_path, site, files=files), new)
    assert not new.config.exists()


def test_a_journal_that_is_a_link_is_refused(tmp_path, file, new):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "of another user").touch()
    (new.runtime_dir / "journal").symlink_to(victim)

    with pytest.raises(UnusableBackup, match="journal is a link"):
        put(file, new)
    assert ["of another user"] == [one.name for one in victim.iterdir()]


def test_the_key_of_this_machine_is_known_and_that_of_a_stranger_is_not(tmp_path, file, old, new):
    assert restore_plan.make_restore_plan(file, old).is_known
    assert not restore_plan.make_restore_plan(file, new).is_known
    assert not restore_plan.make_restore_plan(crafted(tmp_path), old).is_known


class Usage:
    def __init__(self, free):
        self.free = free


@pytest.mark.parametrize("inner", ["run", "etc", ""])
def test_folders_inside_the_state_directory_are_refused(tmp_path, file, inner):
    """The state is moved aside as a whole, with what lies in it."""
    base = tmp_path / "nested"
    state = base / "state"
    config = (state / "etc" if inner == "etc" else state if not inner else base / "etc") / "site.toml"
    nested = GatewayFolders(config, state, state / "run" if inner == "run" else base / "run")

    with pytest.raises(UnusableBackup, match="is in .*/state, which a restore moves aside"):
        restore_plan.make_restore_plan(file, nested)
    assert not base.exists()


def test_state_and_runtime_beside_the_site_file_are_the_gateways_own(tmp_path, file):
    base = tmp_path / "gateway"
    (base / "run").mkdir(parents=True)
    put(file, GatewayFolders(base / "site.toml", base / "state", base / "run"))
    assert (base / "state" / "history.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write anywhere")
def test_where_the_service_is_root_a_history_elsewhere_is_refused(tmp_path, new):
    """Its companion files and its boot number would be written by root at a place of a stranger's choice."""
    history = f"{tmp_path}/ld.so"
    site = SITE + f"[store]\npath = '{history}'\n"
    file = crafted(tmp_path, site, history=history, files=[("elsewhere", history, "root")])

    with pytest.raises(UnusableBackup, match="the history is outside .*, and the service is root here"):
        restore_plan.make_restore_plan(file, new)


def test_the_settings_of_notifications_come_along(tmp_path, old, new):
    (old.config.parent / "notify.toml").write_text("[channels]")
    packing.write_backup(old, tmp_path / "b012.qbk", NOW_MS - 3_600_000, "0.1.0")
    put(tmp_path / "b012.qbk", new)
    assert "[channels]" == (new.config.parent / "notify.toml").read_text()


def test_a_folder_of_the_kernel_is_never_the_gateways(file, new):
    with pytest.raises(UnusableBackup, match="belongs to the system"):
        restore_plan.make_restore_plan(file, dataclasses.replace(new, config=Path("/proc/x/site.toml")))
