"""Machines of gateways and backups for the tests of a restore."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quartier.backup import archive, restore_plan, restoring
from quartier.backup.packing import GatewayFolders
from quartier.site.records import Now
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


def live(folders, utc_ms, *, synced=True):
    """One start and stop of the store, as the daemon does it; returns its boot."""
    store = Store(folders.state_dir / "history.db", folders.runtime_dir)
    boot = store.open(Now(1, utc_ms, synced))
    store.event("test.lived", "", {}, Now(2, utc_ms, synced))
    assert store.close(Now(3, utc_ms, synced))
    return boot


def put(file, folders):
    restoring.restore_backup(file, restore_plan.make_restore_plan(file, folders), NOW_MS)


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


LINK = """
[district_link]
url = "mqtts://district.example"
ca_file = "{folder}/certificates/ca.pem"
"""
