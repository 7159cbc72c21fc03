"""Which key list counts: the newest of the root's, whatever way it came; and what people are told of it."""

import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.district.documents import key_list
from quartier.district.documents.keyring import Keyring, OlderList, SwappedKey
from quartier.site.records import Now
from quartier_district.key_folder import DAY_MS, KeyFolder, encode_public_key, sign_key_list
from quartier_district.signed_documents import SigningKey
from quartier_drivers.errors import ConfigError

NOW_MS = 1_764_000_000_000
NOW = Now(0, NOW_MS, True)
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@pytest.fixture
def folder(tmp_path):
    return KeyFolder.new(tmp_path / "keys", "issy", NOW_MS)


@pytest.fixture
def ring(folder):
    return Keyring("issy", [encode_public_key(folder.root)])


def take(ring, text, source="job"):
    found = ring.check_list(text, "list")
    if found is not None:
        ring.take(found, text, source)
    return found is not None


def test_a_newer_list_replaces_the_one_in_use_and_the_same_one_again_changes_nothing(ring, folder):
    assert take(ring, folder.list)
    assert not take(ring, folder.list + "\n")
    folder.roll("optimiser", NOW_MS + 1)
    assert take(ring, folder.list)
    assert ["dso-1", "jobs-1", "optimiser-1", "optimiser-2"] == sorted(ring.issuers)


def test_a_rollback_of_the_list_is_refused_and_the_newer_one_counts(ring, folder):
    older = folder.list
    folder.roll("optimiser", NOW_MS + 1)
    take(ring, folder.list)
    with pytest.raises(OlderList, match="is older than"):
        ring.check_list(older, "list")
    assert "optimiser-2" in ring.issuers


def test_another_list_of_the_same_number_is_refused(ring, folder):
    take(ring, folder.list)
    other = sign_key_list(folder.root, {**folder.body, "keys": folder.body["keys"][:1]})
    with pytest.raises(OlderList, match="used for another list"):
        ring.check_list(other, "list")


def test_after_a_restart_the_newest_list_still_counts_and_an_older_one_is_still_refused(ring, folder):
    older = folder.list
    folder.roll("jobs", NOW_MS + 1)
    take(ring, folder.list)
    again = Keyring("issy", ring.roots, json.loads(json.dumps(ring.facts())))
    assert ("jobs-2" in again.issuers, "job") == (True, again.source)
    with pytest.raises(OlderList):
        again.check_list(older, "list")


def test_a_kept_list_of_a_root_that_is_no_longer_named_counts_for_nothing_but_its_number_stays(
    ring, folder, tmp_path
):
    take(ring, folder.list)
    other = KeyFolder.new(tmp_path / "other", "issy", NOW_MS - 5)
    again = Keyring("issy", [encode_public_key(other.root)], ring.facts())
    assert {} == again.issuers
    with pytest.raises(OlderList):
        again.check_list(other.list, "list")


@pytest.mark.parametrize(
    "kept", [{}, {"seq": "5"}, {"seq": 5, "list": "x", "source": "job"}, {"seq": 5, "list": None}]
)
def test_kept_facts_that_are_none_of_ours_give_no_key(folder, kept):
    assert {} == Keyring("issy", [encode_public_key(folder.root)], kept).issuers


def test_without_a_root_a_plain_list_is_believed_and_no_signed_one():
    ring = Keyring("issy", [])
    entry = {"kid": "a", "public_key": PUBLIC, "types": ["envelope"]}
    assert take(ring, json.dumps([entry]), "file")
    assert {"a"} == set(ring.issuers)
    with pytest.raises(ConfigError):
        ring.check_list("a.b.c", "list")


def test_with_a_root_a_plain_list_is_not_believed(ring):
    entry = {"kid": "a", "public_key": PUBLIC, "types": ["envelope"]}
    with pytest.raises(key_list.UnsignedList):
        ring.check_list(json.dumps([entry]), "list")


def test_people_see_rights_validity_last_use_and_fingerprint_of_each_key(ring, folder):
    take(ring, folder.list)
    told = ring.render_keys({"dso-1": 7}, NOW)
    dso = next(key for key in told["keys"] if key["kid"] == "dso-1")
    assert (["envelope"], ["dso"], "valid", 7) == tuple(
        dso[name] for name in ("types", "programs", "state", "used_utc_ms")
    )
    assert (
        key_list.make_fingerprint(key_list.decode_raw_key(encode_public_key(folder.key("dso"))))
        == dso["fingerprint"]
    )
    assert (NOW_MS, "job") == (told["seq"], told["source"])


@pytest.mark.parametrize(
    ("at_ms", "state"), [(-DAY_MS, "not yet valid"), (0, "valid"), (400 * DAY_MS, "expired")]
)
def test_a_keys_state_follows_the_clock(ring, folder, at_ms, state):
    take(ring, folder.list)
    assert state == ring.render_keys({}, Now(0, NOW_MS + at_ms, True))["keys"][0]["state"]


def test_without_a_root_no_job_brings_a_list():
    entry = {"kid": "a", "public_key": PUBLIC, "types": ["envelope"]}
    with pytest.raises(key_list.UnsignedList, match="names no root"):
        Keyring("issy", []).check_list(json.dumps([entry]), "list", signed=True)


ROOT = SigningKey("root", Ed25519PrivateKey.from_private_bytes(b"r" * 32))
LISTS = {
    seq: sign_key_list(
        ROOT,
        {
            "district": "issy",
            "seq": seq,
            "keys": [{"kid": f"k{seq}", "public_key": PUBLIC, "types": ["job"]}],
        },
    )
    for seq in range(1, 7)
}


@given(st.lists(st.tuples(st.sampled_from(sorted(LISTS)), st.booleans()), max_size=20))
@examples(20)
def test_no_order_of_lists_and_restarts_brings_an_older_list_back(steps):
    ring, newest = Keyring("issy", [encode_public_key(ROOT)]), 0
    for seq, restarts in steps:
        with suppress(OlderList):
            take(ring, LISTS[seq])
        newest = max(newest, seq)
        if restarts:
            ring = Keyring("issy", [encode_public_key(ROOT)], json.loads(json.dumps(ring.facts())))
        assert (newest, [f"k{newest}"]) == (ring.list.seq, list(ring.issuers))


def test_another_key_under_a_name_in_use_is_refused_with_that_name_and_the_list_stays(ring, folder):
    take(ring, folder.list)
    before = ring.issuers["dso-1"].fingerprint
    keys = [{**key, "public_key": PUBLIC} if key["kid"] == "dso-1" else key for key in folder.body["keys"]]
    swapped = sign_key_list(folder.root, {**folder.body, "seq": NOW_MS + 1, "keys": keys})
    with pytest.raises(SwappedKey, match="dso-1: names another key"):
        ring.check_list(swapped, "list")
    assert before == ring.issuers["dso-1"].fingerprint


def test_another_key_under_a_name_in_use_is_refused_in_a_plain_list_too(folder):
    ring = Keyring("issy", [])
    take(ring, json.dumps(folder.body["keys"]), "file")
    with pytest.raises(SwappedKey):
        ring.check_list(json.dumps([{**folder.body["keys"][0], "public_key": PUBLIC}]), "list")
