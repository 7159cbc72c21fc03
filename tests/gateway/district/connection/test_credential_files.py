"""Our own credentials: read at the start, taken in when they change, watched until they end."""

import asyncio
import datetime as dt

import pytest

from quartier.district.connection.credential_files import CredentialWatcher, WatchedFiles
from quartier.district.connection.mqtt_types import BrokerCredentials
from quartier.district.connection.reconnect import LinkServices, NoteReporter
from quartier.district.documents.expiry_notices import ExpiryNotices
from quartier.district.documents.keyring import Keyring, OlderList
from quartier_district.broker_access import CertificateAuthority
from quartier_district.key_folder import DAY_MS, KeyFolder, encode_public_key


class Desk:
    """A watcher of credentials with its calls noted down."""

    def __init__(self, world, folder, credentials, keyring, kept=None):
        self.world = world
        self.notes, self.saved, self.renewed, self.used = [], {}, [], []
        self.disk_is_full = False
        clock = self
        self.watcher = CredentialWatcher(
            WatchedFiles(credentials, folder / "keys.jws", "issy.b012"),
            keyring,
            ExpiryNotices(kept),
            LinkServices(clock, NoteReporter(clock, self.notes.append), self.keep),
            lambda: self.renewed.append(True),
            lambda ring: self.used.append(set(ring.issuers)),
        )

    def now(self):
        return self.world.now

    async def keep(self, name, facts):
        if self.disk_is_full:
            return False
        self.saved[name] = facts
        return True

    def told(self):
        return [note.code for note in self.notes]


@pytest.fixture
def keys(tmp_path, world):
    return KeyFolder.new(tmp_path, "issy", world.utc_ms)


@pytest.fixture
def authority(tmp_path, world):
    return CertificateAuthority(tmp_path, dt.datetime.fromtimestamp(world.utc_ms / 1000, dt.UTC))


@pytest.fixture
def credentials(authority):
    pair = authority.gateway("issy", "b012", dt.timedelta(days=30))
    return BrokerCredentials(ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file)


@pytest.fixture
def desk(world, tmp_path, keys, credentials):
    return Desk(world, tmp_path, credentials, Keyring("issy", [encode_public_key(keys.root)]))


async def test_the_list_is_read_at_the_start_and_kept_before_it_counts(desk, keys):
    await desk.watcher.begin()
    assert {"optimiser-1", "dso-1", "jobs-1"} == desk.used[-1]
    assert (keys.list, "file") == (desk.saved["keys"]["list"], desk.saved["keys"]["source"])


async def test_a_list_that_cannot_be_kept_does_not_count(desk):
    desk.disk_is_full = True
    await desk.watcher.begin()
    assert [set()] == desk.used


async def test_a_new_list_in_the_file_counts_at_once(desk, keys, world):
    await desk.watcher.begin()
    keys.roll("optimiser", world.pass_s(120).utc_ms)
    await desk.watcher.reread()
    assert "optimiser-2" in desk.used[-1]
    assert "key list taken in: new optimiser-2" in [note.text for note in desk.notes]


async def test_an_older_list_in_the_file_is_said_and_the_newer_one_counts(desk, keys, world, tmp_path):
    older = keys.list
    keys.roll("optimiser", world.utc_ms + 1)
    await desk.watcher.begin()
    (tmp_path / "keys.jws").write_text(older)
    await desk.watcher.reread()
    assert "district.issuers_faulty" in desk.told()
    assert "optimiser-2" in desk.watcher.keyring.issuers


async def test_a_file_that_is_older_than_the_list_of_a_job_is_no_trouble_at_a_start(
    desk, keys, world, tmp_path
):
    older = keys.list
    keys.roll("jobs", world.utc_ms + 1)
    await desk.watcher.take_list(keys.list, "job", "job")
    (tmp_path / "keys.jws").write_text(older)
    again = Desk(
        world, tmp_path, BrokerCredentials(), Keyring("issy", desk.watcher.keyring.roots, desk.saved["keys"])
    )
    await again.watcher.begin()
    assert "district.issuers_faulty" not in again.told()
    assert "jobs-2" in again.used[-1]


async def test_a_faulty_list_is_said_and_the_last_one_counts(desk, tmp_path):
    await desk.watcher.begin()
    (tmp_path / "keys.jws").write_text("no list")
    await desk.watcher.reread()
    assert "district.issuers_faulty" in desk.told()
    assert {"optimiser-1", "dso-1", "jobs-1"} == set(desk.watcher.keyring.issuers)


async def test_new_certificates_ask_for_a_new_connection_once_both_halves_fit(desk, authority, credentials):
    await desk.watcher.begin()
    before = credentials.key_file.read_bytes()
    pair = authority.gateway("issy", "b012", dt.timedelta(days=365))
    fresh = pair.key_file.read_bytes()
    pair.key_file.write_bytes(before)
    await desk.watcher.reread()
    assert ([], True) == (desk.renewed, "district.credentials_faulty" in desk.told())
    pair.key_file.write_bytes(fresh)
    await desk.watcher.reread()
    assert [True] == desk.renewed
    await desk.watcher.reread()
    assert [True] == desk.renewed, "what did not change asks for nothing"


async def test_events_come_90_30_and_7_days_before_a_certificate_expires(desk, world):
    await desk.watcher.begin()
    seen = []
    for _ in range(32):
        await desk.watcher.report_expiry()
        seen += [
            note.data["days"] for note in desk.notes if note.data.get("credential") == "certificate issy.b012"
        ]
        desk.notes.clear()
        world.pass_s(86_400)
    assert [30, 7, 0] == [days for days in seen if days in {30, 7, 0}]
    assert "certificate issy.b012" in desk.watcher.expiring


async def test_events_come_before_a_key_of_the_list_expires_and_a_successor_calms_them(desk, keys, world):
    await desk.watcher.begin()
    world.ns += (366 - 5) * DAY_MS * 1_000_000
    await desk.watcher.report_expiry()
    assert "key optimiser-1" in desk.watcher.expiring
    keys.roll("optimiser", world.utc_ms)
    await desk.watcher.reread()
    await desk.watcher.report_expiry()
    assert "key optimiser-1" not in desk.watcher.expiring


async def test_without_a_trusted_clock_nothing_is_known_to_end(desk, world):
    await desk.watcher.begin()
    world.synced = False
    world.pass_s(40 * 86_400)
    await desk.watcher.report_expiry()
    assert "district.expiry_near" not in desk.told()


async def test_what_was_told_is_kept_over_a_restart(desk, world, tmp_path, credentials):
    await desk.watcher.begin()
    await desk.watcher.report_expiry()
    again = Desk(world, tmp_path, credentials, desk.watcher.keyring, desk.saved["expiries"])
    await again.watcher.report_expiry()
    assert "district.expiry_near" not in again.told()


async def test_of_a_file_and_a_job_at_the_same_moment_the_newer_list_counts(desk, keys, world):
    lists = [keys.list]
    for number in range(1, 6):
        keys.roll("jobs", world.utc_ms + number)
        lists.append(keys.list)

    async def bring(text):
        try:
            await desk.watcher.take_list(text, "list", "job")
        except OlderList:
            return "older"

    for order in (lists, lists[::-1]):
        await asyncio.gather(*map(bring, order))
        assert "jobs-6" in desk.watcher.keyring.issuers


async def test_a_certificate_with_another_common_name_than_ours_is_said(desk, authority, credentials):
    await desk.watcher.begin()
    assert "district.certificate_name" not in desk.told()
    other = authority.gateway("issy", "b013", dt.timedelta(days=30))
    credentials.cert_file.write_bytes(other.cert_file.read_bytes())
    credentials.key_file.write_bytes(other.key_file.read_bytes())
    await desk.watcher.reread()
    (said,) = [note.text for note in desk.notes if note.code == "district.certificate_name"]
    assert "our certificate is that of 'issy.b013'; expected the common name 'issy.b012'" == said
