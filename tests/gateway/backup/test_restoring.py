"""A backup put on another machine: everything in its place, every number above what was given."""

import os
import pwd
import stat

import pytest
from tests.gateway.backup.machines import LINK, NOW_MS, SITE, crafted, live, machine, put

from quartier.backup import restore_plan, restoring
from quartier.backup.archive import UnusableBackup
from quartier.backup.packing import GatewayFolders
from quartier.runtime import state_file
from quartier.site.records import Now
from quartier.store import boots
from quartier.store.history_store import Store


def test_identity_keys_document_numbers_and_counters_go_on(file, old, new):
    put(file, new)

    assert SITE == new.config.read_text()
    assert "a private key" == (new.config.parent / "private" / "b012.key").read_text()
    for name in ("documents", "writes"):
        assert state_file.load_facts(old.state_dir / name) == state_file.load_facts(new.state_dir / name)
    assert (old.state_dir / "history.db").read_bytes() == (new.state_dir / "history.db").read_bytes()
    assert state_file.was_restored(new.state_dir)


@pytest.mark.parametrize("synced", [True, False])
def test_no_number_comes_twice_though_the_old_machine_was_started_again_after_the_backup(
    file, old, new, synced
):
    again = live(old, NOW_MS - 60_000)
    put(file, new)

    assert live(new, 1_000 if not synced else NOW_MS + 1_000, synced=synced) > again


def test_what_was_not_yet_delivered_is_there_to_be_sent(file, new):
    put(file, new)
    store = Store(new.state_dir / "history.db", new.runtime_dir)
    store.open(Now(1, NOW_MS, synced=True))
    codes = [sample.metric for run in store.runs({}, 100) for sample in run.rows()]
    store.close(Now(2, NOW_MS, synced=True))

    assert "test.lived" in codes
    assert "store.gap" not in codes


def test_permissions_are_those_it_had(file, new):
    put(file, new)

    assert 0o600 == stat.S_IMODE((new.config.parent / "private" / "b012.key").stat().st_mode)
    assert 0o700 == stat.S_IMODE((new.config.parent / "private").stat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_restores_and_the_state_belongs_to_whoever_owns_its_folder(file, open_path):
    new = machine(open_path)
    os.chown(new.state_dir, 4711, 4711)
    (new.state_dir / "link.a").write_text("another's")
    put(file, new)

    assert {4711} == {one.stat().st_uid for one in new.state_dir.rglob("*")}


def test_a_machine_that_is_a_gateway_already_is_an_objection_and_nothing_is_lost_when_it_is_overruled(
    file, new
):
    (new.state_dir / "link.a").write_text("another's")
    new.config.write_text("another's")
    assert 2 == len(restore_plan.make_restore_plan(file, new).objections)

    put(file, new)
    assert SITE == new.config.read_text()
    aside = new.state_dir.with_name(f"state.before-{NOW_MS}")
    assert "another's" == (aside / "link.a").read_text()
    assert "another's" == new.config.with_name(f"site.toml.before-{NOW_MS}").read_text()


def test_where_the_number_cannot_be_kept_it_is_said(file, new, monkeypatch):
    monkeypatch.setattr(boots, "save_boot", lambda *_, **__: False)

    with pytest.raises(UnusableBackup, match="would repeat numbers"):
        put(file, new)


def test_a_file_never_gets_special_rights_or_an_owner_of_choice(tmp_path, new):
    file = crafted(tmp_path, files=[("site", "private/x.key", "daemon")])
    put(file, new)
    found = (new.config.parent / "private" / "x.key").stat()

    assert 0o640 == stat.S_IMODE(found.st_mode)
    assert os.geteuid() == found.st_uid


def test_profiles_and_named_files_beside_the_site_file_come_along(tmp_path, new):
    site = SITE.replace("site = {", "site = { profiles = ['profiles'],") + LINK.format(
        folder="/etc/old-quartier"
    )
    files = [
        ("site", "profiles/maker/meter.toml", "root"),
        ("site", "certificates/ca.pem", "root"),
        ("site", "private/any", "root"),
    ]
    (new.config.parent / "profiles").mkdir()
    put(crafted(tmp_path, site, files=files), new)

    assert all((new.config.parent / path).is_file() for _, path, _ in files)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_state_directory_that_root_made_is_given_to_the_user_of_the_service(file, open_path, monkeypatch):
    monkeypatch.setattr(restore_plan, "SERVICE_USER", "nobody")
    new = machine(open_path)
    (new.state_dir / "old").mkdir()
    (new.state_dir / "old" / "facts").write_text("another's")
    put(file, new)
    nobody = pwd.getpwnam("nobody").pw_uid

    assert {nobody} == {one.stat().st_uid for one in (new.state_dir, *new.state_dir.rglob("*"))}
    assert "another's" == (open_path / f"state.before-{NOW_MS}" / "old" / "facts").read_text()


def test_folders_that_are_links_of_the_administrator_are_followed(tmp_path, file, new):
    disk = tmp_path / "disk"
    links = GatewayFolders(disk / "etc" / "site.toml", disk / "state", disk / "run")
    disk.mkdir()
    for name in ("etc", "state", "run"):
        (disk / name).symlink_to(tmp_path / "new" / name)
    (new.state_dir / "link.a").write_text("another's")
    put(file, links)

    assert SITE == new.config.read_text()
    assert (new.state_dir / "history.db").exists()
    assert links.state_dir.is_symlink()
    assert "another's" == (tmp_path / "new" / f"state.before-{NOW_MS}" / "link.a").read_text()


def test_a_journal_that_is_here_is_an_objection_and_is_moved_aside(tmp_path, file, new):
    journal = new.runtime_dir / "journal"
    journal.mkdir()
    (journal / "other").write_text("samples of another gateway")

    assert [f"{journal} is not empty: the journal of a gateway may be there"] == list(
        restore_plan.make_restore_plan(file, new).objections
    )
    put(file, new)
    assert not (journal / "other").exists()
    aside = tmp_path / "new" / f"state.before-{NOW_MS}" / "journal" / "other"
    assert "samples of another gateway" == aside.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_the_log_of_an_older_history_on_a_disk_of_its_own_is_moved_aside(tmp_path, open_path):
    """SQLite would apply a log that is found beside the restored database."""
    new = machine(open_path / "new")
    disk = open_path / "disk"
    disk.mkdir()
    for one in (disk, new.state_dir):
        os.chown(one, 4711, 4711)
    (disk / "history.db-wal").write_text("of an older history")
    (disk / "history.db").write_text("an older history")
    history = f"{disk}/history.db"
    site = SITE + f"[store]\npath = '{history}'\n"
    file = crafted(tmp_path, site, history=history, files=[("elsewhere", history, "root")])
    plan = restore_plan.make_restore_plan(file, new)
    assert f"{history}-wal belongs to a history that is here already" in plan.objections

    restoring.restore_backup(file, plan, NOW_MS)
    assert "a stranger's" == (disk / "history.db").read_text()
    assert not (disk / "history.db-wal").exists()
    assert "of an older history" == (disk / f"history.db-wal.before-{NOW_MS}").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_disk_behind_a_link_is_written_with_the_rights_of_the_service(tmp_path, open_path):
    new = machine(open_path / "new")
    disk = open_path / "disk"
    disk.mkdir()
    for one in (disk, new.state_dir):
        os.chown(one, 4711, 4711)
    (open_path / "data").symlink_to(disk)
    history = f"{open_path}/data/history.db"
    site = SITE + f"[store]\npath = '{history}'\n"
    put(crafted(tmp_path, site, history=history, files=[("elsewhere", history, "root")]), new)

    assert "a stranger's" == (disk / "history.db").read_text()


def test_a_link_with_the_name_of_a_new_file_is_replaced_and_its_target_stays(tmp_path, file, new):
    victim = tmp_path / "victim"
    victim.write_text("of another user")
    (new.config.with_name("site.toml.new")).symlink_to(victim)
    new.config.symlink_to(victim)
    put(file, new)

    assert "of another user" == victim.read_text()
    assert SITE == new.config.read_text()
    assert not new.config.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_file_elsewhere_is_written_with_the_rights_of_the_service_alone(tmp_path, open_path):
    new = machine(open_path / "new")
    root_owned, own = open_path / "root", open_path / "own"
    for one in (root_owned, own):
        one.mkdir(mode=0o755)
    os.chown(own, 4711, 4711)
    os.chown(new.state_dir, 4711, 4711)
    site = (
        SITE
        + f"""
[district_link]
url = "mqtts://district.example"
ca_file = "{root_owned}/ca.pem"
cert_file = "{own}/b012.pem"
"""
    )
    places = [("elsewhere", f"{root_owned}/ca.pem", "root"), ("elsewhere", f"{own}/b012.pem", "root")]
    file = crafted(tmp_path, site, files=places)
    plan = restore_plan.make_restore_plan(file, new)
    put(file, new)

    assert ["new", "not written", "new"] == [one.action for one in plan.steps]
    assert any("copy the file by hand" in line for line in restore_plan.render_steps(plan))
    assert [] == list(root_owned.iterdir())
    assert 4711 == (own / "b012.pem").stat().st_uid
