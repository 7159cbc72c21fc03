"""A backup put on another machine: everything in its place, every number above what was given."""

import os
import stat

import pytest

from quartier.app import backup, restored, restoring
from quartier.app.archive import Unusable
from quartier.app.backup import Folders
from quartier.house.now import Now
from quartier.runtime import statefile
from quartier.store import boots
from quartier.store.ledger import Store

NOW_MS = 1_764_500_000_000
SITE = """\
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 12000 }
assets.grid = { role = "grid", device = "meter" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
"""


def machine(folder):
    found = Folders(folder / "etc" / "site.toml", folder / "state", folder / "run")
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
    statefile.save(found.state_dir / "documents", {"topic": [["opt1", 5, "digest"]]}, twice=True)
    statefile.save(found.state_dir / "writes", {"bat1.setpoint_w": 17})
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
    backup.pack(old, tmp_path / "b012.qbk", NOW_MS - 3_600_000, "0.1.0")
    return tmp_path / "b012.qbk"


@pytest.fixture
def new(tmp_path):
    return machine(tmp_path / "new")


def test_identity_keys_document_numbers_and_counters_go_on(file, old, new):
    restoring.put(file, new, NOW_MS)

    assert SITE == new.config.read_text()
    assert "a private key" == (new.config.parent / "private" / "b012.key").read_text()
    for name in ("documents", "writes"):
        assert statefile.load(old.state_dir / name) == statefile.load(new.state_dir / name)
    assert (old.state_dir / "history.db").read_bytes() == (new.state_dir / "history.db").read_bytes()
    assert restored.was_restored(new.state_dir)


@pytest.mark.parametrize("synced", [True, False])
def test_no_number_comes_twice_though_the_old_machine_was_started_again_after_the_backup(
    file, old, new, synced
):
    again = live(old, NOW_MS - 60_000)
    restoring.put(file, new, NOW_MS)

    assert live(new, 1_000 if not synced else NOW_MS + 1_000, synced=synced) > again


def test_what_was_not_yet_delivered_is_there_to_be_sent(file, new):
    restoring.put(file, new, NOW_MS)
    store = Store(new.state_dir / "history.db", new.runtime_dir)
    store.open(Now(1, NOW_MS, synced=True))
    codes = [sample.metric for run in store.runs({}, 100) for sample in run.rows()]
    store.close(Now(2, NOW_MS, synced=True))

    assert "test.lived" in codes
    assert "store.gap" not in codes


def test_permissions_are_those_it_had(file, new):
    restoring.put(file, new, NOW_MS)

    assert 0o600 == stat.S_IMODE((new.config.parent / "private" / "b012.key").stat().st_mode)
    assert 0o700 == stat.S_IMODE((new.config.parent / "private").stat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_restores_and_the_state_belongs_to_whoever_owns_its_folder(file, new):
    os.chown(new.state_dir, 4711, 4711)
    restoring.put(file, new, NOW_MS)

    assert {4711} == {one.stat().st_uid for one in new.state_dir.rglob("*")}


def test_a_machine_that_is_a_gateway_already_is_an_objection_and_nothing_is_lost_when_it_is_overruled(
    file, new
):
    (new.state_dir / "link.a").write_text("another's")
    new.config.write_text("another's")
    _, found = restoring.objections(file, new)
    assert 2 == len(found)

    restoring.put(file, new, NOW_MS)
    assert SITE == new.config.read_text()
    aside = new.state_dir.with_name(f"state.before-{NOW_MS}")
    assert "another's" == (aside / "link.a").read_text()
    assert "another's" == new.config.with_name(f"site.toml.before-{NOW_MS}").read_text()


def test_the_same_files_already_there_are_no_objection(file, new):
    new.config.write_text(SITE)

    assert [] == restoring.objections(file, new)[1]


def test_a_damaged_backup_writes_nothing(file, new):
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(Unusable):
        restoring.put(file, new, NOW_MS)
    assert [] == list(new.state_dir.iterdir())
    assert not new.config.exists()


def test_a_disk_without_room_is_known_before(file, new, monkeypatch):
    manifest, _ = restoring.objections(file, new)
    assert 0 == restoring.room_missing_bytes(manifest, new)
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: Usage(0))

    assert restoring.room_missing_bytes(manifest, new) > manifest.size_bytes


class Usage:
    def __init__(self, free):
        self.free = free


def test_where_the_number_cannot_be_kept_it_is_said(file, new, monkeypatch):
    monkeypatch.setattr(boots, "keep_boot", lambda *_, **__: False)

    with pytest.raises(Unusable, match="would repeat numbers"):
        restoring.put(file, new, NOW_MS)
