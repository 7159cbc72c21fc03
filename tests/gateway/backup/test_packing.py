"""What belongs to a gateway, packed into one file."""

import stat

import pytest

from quartier.backup import archive, packing
from quartier.backup.archive import UnusableBackup
from quartier.backup.packing import GatewayFolders
from quartier.runtime import signing, state_file
from quartier.store import boots

SITE = """\
site = {{ id = "b012", district = "issy", profiles = ["profiles"] }}
limits = {{ contract_import_w = 12000 }}
assets.grid = {{ role = "grid", device = "meter" }}
devices.meter = {{ bus = "lan", profile = "eastron/sdm630", unit = 1 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1" }}
[district_link]
url = "mqtts://district.example"
{link}
"""


@pytest.fixture
def folders(tmp_path):
    found = GatewayFolders(tmp_path / "etc" / "site.toml", tmp_path / "state", tmp_path / "run")
    for folder in (found.config.parent / "profiles" / "own", found.state_dir / "opcua", found.of("journal")):
        folder.mkdir(parents=True)
    key = tmp_path / "etc" / "b012.key"
    key.write_text("a private key")
    key.chmod(0o600)
    found.config.write_text(SITE.format(link=f'key_file = "{key}"\ncert_file = "credential:district.crt"'))
    (found.config.parent / "profiles" / "own" / "meter.toml").write_text("[profile]\n")
    state_file.save_facts(found.state_dir / "documents", {"topic": [["opt1", 5, "digest"]]}, twice=True)
    (found.state_dir / "history.db").write_bytes(b"history")
    (found.state_dir / "history.db-shm").write_bytes(b"remade")
    (found.state_dir / "opcua" / "own.pem").write_text("certificate")
    boots.save_boot(found.state_dir / "history.db.boot", 1_764_000_000, opened=True)
    (found.of("journal") / "1764000001-1.journal").write_bytes(b"open samples")
    return found


def named(manifest):
    return {f"{member.place}/{member.path}" for member in manifest.members}


def test_a_backup_holds_site_file_profiles_keys_state_journal_and_history(folders, tmp_path):
    signed = packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")
    manifest = signed.manifest

    assert {
        "site/site.toml",
        "state/gateway.key",
        "site/profiles/own/meter.toml",
        "site/b012.key",
        "state/documents.a",
        "state/documents.b",
        "state/history.db",
        "state/history.db.boot",
        "state/opcua/own.pem",
        "journal/1764000001-1.journal",
    } == named(manifest)
    assert ("issy.b012", 1_764_000_001, 5_000) == (manifest.gateway, manifest.boot, manifest.made_utc_ms)
    assert signed == archive.check_archive(tmp_path / "b012.qbk")


def test_what_systemd_alone_has_is_named_as_left_out_unless_its_source_lies_beside_the_site(
    folders, tmp_path
):
    manifest = packing.write_backup(folders, tmp_path / "one.qbk", 5_000, "0.1.0").manifest
    assert ("credential:district.crt: systemd has it; keep its source by yourself",) == manifest.left_out

    private = folders.config.parent / "private"
    private.mkdir()
    (private / "district.crt").write_text("certificate")
    manifest = packing.write_backup(folders, tmp_path / "two.qbk", 5_000, "0.1.0").manifest
    assert () == manifest.left_out
    assert "site/private/district.crt" in named(manifest)


def test_only_its_owner_may_read_a_file_that_holds_private_keys(folders, tmp_path):
    packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")

    assert 0o600 == stat.S_IMODE((tmp_path / "b012.qbk").stat().st_mode)
    assert {0o600} == {
        m.mode for m in archive.read_manifest(tmp_path / "b012.qbk").manifest.members if m.path == "b012.key"
    }


def test_a_backup_is_never_written_over_another(folders, tmp_path):
    (tmp_path / "b012.qbk").write_text("the one of yesterday")

    with pytest.raises(UnusableBackup, match="already exists; give another name"):
        packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")
    assert "the one of yesterday" == (tmp_path / "b012.qbk").read_text()


def test_what_breaks_off_leaves_no_file(folders, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "write_archive", full)
    with pytest.raises(OSError, match="No space"):
        packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")

    assert [] == list(tmp_path.glob("*.qbk*"))


def test_a_history_that_lies_elsewhere_is_taken_along(folders, tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    (place / "h.db").write_bytes(b"history")
    folders.config.write_text(folders.config.read_text() + f'[store]\npath = "{place}/h.db"\n')
    manifest = packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0").manifest

    assert f"elsewhere/{place}/h.db" in named(manifest)
    assert f"{place}/h.db" == manifest.history


def test_a_backup_is_signed_with_the_key_of_the_gateway_which_stays_the_same(folders, tmp_path):
    first = packing.write_backup(folders, tmp_path / "one.qbk", 5_000, "0.1.0")
    second = packing.write_backup(folders, tmp_path / "two.qbk", 6_000, "0.1.0")

    assert (
        first.public_key == second.public_key == signing.find_public_key(signing.find_key(folders.state_dir))
    )


def test_a_key_file_that_holds_no_key_is_named(folders, tmp_path):
    (folders.state_dir / signing.KEY_FILE).write_text("nothing")

    with pytest.raises(UnusableBackup, match="move it away"):
        packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")


def test_a_link_that_the_service_put_in_place_of_its_file_is_not_followed(folders, tmp_path):
    secret = tmp_path / "shadow"
    secret.write_text("of another user")
    (folders.of("journal") / "1764000002-1.journal").hardlink_to(secret)

    with pytest.raises(UnusableBackup, match="1764000002-1.journal"):
        packing.write_backup(folders, tmp_path / "b012.qbk", 5_000, "0.1.0")
