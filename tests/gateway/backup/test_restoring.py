"""A backup put on another machine: everything in its place, every number above what was given."""

import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quartier.backup import archive, packing, restoring
from quartier.backup.archive import UnusableBackup
from quartier.backup.packing import GatewayFolders
from quartier.runtime import state_file
from quartier.site.records import Now
from quartier.store import boots
from quartier.store.history_store import Store

NOW_MS = 1_764_500_000_000
SITE = """\
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 12000 }
assets.grid = { role = "grid", device = "meter" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
"""


def machine(folder):
    found = GatewayFolders(folder / "etc" / "site.toml", folder / "state", folder / "run")
    for one in (found.config.parent, found.state_dir, found.runtime_dir):
        one.mkdir(parents=True)
    return found


@pytest.fixture
def old(tmp_path):
    found = machine(tmp_path / "old")
    found.config.write_text(SITE)
    (found.config.parent / "private").mkdir(mode=0o700)
    key = found.config.parent / "private" / "b012.key"
    key.write_text("a private key")
    key.chmod(0o600)
    state_file.save_facts(found.state_dir / "documents", {"topic": [["opt1", 5, "digest"]]}, twice=True)
    state_file.save_facts(found.state_dir / "writes", {"bat1.setpoint_w": 17})
    live(found, NOW_MS - 86_400_000)
    return found


def live(folders, utc_ms, *, synced=True):
    """One start and stop of the store, as the daemon does it; returns its boot."""
    store = Store(folders.state_dir / "history.db", folders.runtime_dir)
    boot = store.open(Now(1, utc_ms, synced))
    store.event("test.lived", "", {}, Now(2, utc_ms, synced))
    assert store.close(Now(3, utc_ms, synced))
    return boot


@pytest.fixture
def file(old, tmp_path):
    packing.write_backup(old, tmp_path / "b012.qbk", NOW_MS - 3_600_000, "0.1.0")
    return tmp_path / "b012.qbk"


@pytest.fixture
def new(tmp_path):
    return machine(tmp_path / "new")


def put(file, folders):
    restoring.restore_backup(file, restoring.make_restore_plan(file, folders), folders, NOW_MS)


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
    assert 2 == len(restoring.make_restore_plan(file, new).objections)

    put(file, new)
    assert SITE == new.config.read_text()
    aside = new.state_dir.with_name(f"state.before-{NOW_MS}")
    assert "another's" == (aside / "link.a").read_text()
    assert "another's" == new.config.with_name(f"site.toml.before-{NOW_MS}").read_text()


def test_the_same_files_already_there_are_no_objection(file, new):
    new.config.write_text(SITE)

    found = restoring.make_restore_plan(file, new)

    assert () == found.objections
    assert [restoring.ACTION_SAME] == [one.action for one in found.steps if one.target == new.config]


def test_a_damaged_backup_writes_nothing(file, new):
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnusableBackup):
        put(file, new)
    assert [] == list(new.state_dir.iterdir())
    assert not new.config.exists()


def test_a_disk_without_room_is_known_before(file, new, monkeypatch):
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: Usage(0))

    with pytest.raises(UnusableBackup, match="MB of free space are missing"):
        restoring.make_restore_plan(file, new)
    assert restoring.make_restore_plan(file, new, needs_room=False).steps


class Usage:
    def __init__(self, free):
        self.free = free


def test_where_the_number_cannot_be_kept_it_is_said(file, new, monkeypatch):
    monkeypatch.setattr(boots, "save_boot", lambda *_, **__: False)

    with pytest.raises(UnusableBackup, match="would repeat numbers"):
        put(file, new)


# A backup that a stranger made

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def crafted(tmp_path, site=SITE, *, history="history.db", gateway="issy.b012", files=()):
    """A backup with any files, signed well: ``files`` are (place, path, owner)."""
    members, sources = [], []
    for number, (place, path, owner) in enumerate([("site", "site.toml", "root"), *files]):
        sources.append(tmp_path / f"source{number}")
        sources[-1].write_text(site if number == 0 else "a stranger's")
        with sources[-1].open("rb") as file:
            digest = archive.hash_file(file)
        size = sources[-1].stat().st_size
        members.append(archive.ArchivedFile(place, path, size, digest, 0o4777, owner, owner))
    manifest = archive.Manifest(gateway, 1, "0.1.0", 7, "site.toml", history, tuple(members))
    path = tmp_path / "stranger.qbk"
    with path.open("wb") as file:
        archive.write_archive(file, manifest, sources, KEY)
    return path


def test_a_file_outside_that_the_site_file_does_not_name_is_refused(tmp_path, new):
    target = tmp_path / "cron.d" / "job"
    target.parent.mkdir()

    with pytest.raises(UnusableBackup, match="its site file does not name it; nothing was written"):
        restoring.make_restore_plan(crafted(tmp_path, files=[("elsewhere", str(target), "root")]), new)


@pytest.mark.parametrize(("history", "gateway"), [("../../x", "issy.b012"), ("history.db", "issy.b013")])
def test_a_manifest_that_names_another_history_or_gateway_than_its_site_file_is_refused(
    tmp_path, new, history, gateway
):
    with pytest.raises(UnusableBackup, match="different gateways or histories"):
        restoring.make_restore_plan(crafted(tmp_path, history=history, gateway=gateway), new)


@pytest.mark.parametrize("site", ["[", "", "x" * 2_000_000, "a = " + "[" * 5_000])
def test_a_site_file_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path, new, site):
    with pytest.raises(UnusableBackup, match="its site file"):
        restoring.make_restore_plan(crafted(tmp_path, site), new)


def test_a_file_never_gets_special_rights_or_an_owner_of_choice(tmp_path, new):
    file = crafted(tmp_path, files=[("site", "private/x.key", "daemon")])
    put(file, new)
    found = (new.config.parent / "private" / "x.key").stat()

    assert 0o664 == stat.S_IMODE(found.st_mode)
    assert os.geteuid() == found.st_uid


def test_a_link_in_a_folder_of_the_service_is_not_followed(tmp_path, file, new):
    outside = tmp_path / "outside"
    outside.mkdir()
    (new.config.parent / "private").symlink_to(outside)

    with pytest.raises(OSError, match="private"):
        put(file, new)
    assert [] == list(outside.iterdir())


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
    plan = restoring.make_restore_plan(file, new)
    put(file, new)

    assert ["new", "not written", "new"] == [one.action for one in plan.steps]
    assert any("copy the file by hand" in line for line in restoring.render_steps(plan))
    assert [] == list(root_owned.iterdir())
    assert 4711 == (own / "b012.pem").stat().st_uid


def test_the_key_of_this_machine_is_known_and_that_of_a_stranger_is_not(tmp_path, file, old, new):
    assert restoring.make_restore_plan(file, old).is_known
    assert not restoring.make_restore_plan(file, new).is_known
    assert not restoring.make_restore_plan(crafted(tmp_path), old).is_known
