"""The district's keys in a folder: made, rolled over, dropped; signed by the root each time."""

import base64
import json
import stat

import pytest
from cryptography.exceptions import InvalidSignature

from quartier_district.key_folder import DAY_MS, KeyFolder, encode_public_key

NOW_MS = 1_764_000_000_000


@pytest.fixture
def folder(tmp_path):
    return KeyFolder.new(tmp_path / "keys", "issy", NOW_MS)


def body(folder):
    """What the signed list says, its signature checked by hand (RFC 7515 section 5.2)."""
    head, payload, signature = folder.list.split(".")
    folder.root.private.public_key().verify(unpacked(signature), f"{head}.{payload}".encode())
    return json.loads(unpacked(payload))


def unpacked(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_each_role_has_a_key_and_may_sign_its_own(folder):
    found = {entry["kid"]: entry for entry in body(folder)["keys"]}
    assert {"optimiser-1", "dso-1", "jobs-1"} == set(found)
    assert (["envelope"], ["dso"]) == (found["dso-1"]["types"], found["dso-1"]["programs"])
    assert ["job"] == found["jobs-1"]["types"]
    assert encode_public_key(folder.key("jobs")) == found["jobs-1"]["public_key"]


def test_private_keys_are_their_owners_alone(folder):
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.folder.glob("*.pem")}


def test_a_roll_over_has_two_keys_live_for_a_while(folder):
    assert "optimiser-2" == folder.roll("optimiser", NOW_MS + 5, 10 * DAY_MS)
    found = {entry["kid"]: entry for entry in body(folder)["keys"]}
    assert NOW_MS + 5 + 10 * DAY_MS == found["optimiser-1"]["exp"]
    assert found["optimiser-2"]["nbf"] < NOW_MS + 5 < found["optimiser-2"]["exp"]
    assert "optimiser-2" == folder.key("optimiser").kid
    assert list(found)[-1] == "optimiser-2", "the newest stands last"


def test_the_roll_over_after_that_lets_the_oldest_go(folder):
    folder.roll("dso", NOW_MS + 5)
    folder.roll("dso", NOW_MS + 6)
    assert ["dso-2", "dso-3"] == [entry["kid"] for entry in body(folder)["keys"] if "dso" in entry["kid"]]


def test_each_list_has_a_larger_number_whatever_the_clock_says(folder):
    folder.roll("jobs", NOW_MS - 5)
    folder.drop("jobs-1", NOW_MS - 9)
    assert NOW_MS + 2 == body(folder)["seq"]


def test_a_dropped_key_is_gone_and_one_that_is_not_there_is_named(folder):
    folder.drop("dso-1", NOW_MS + 1)
    assert "dso-1" not in [entry["kid"] for entry in body(folder)["keys"]]
    with pytest.raises(KeyError, match="dso-1"):
        folder.drop("dso-1", NOW_MS + 2)


def test_a_root_is_not_made_twice(folder):
    with pytest.raises(FileExistsError):
        KeyFolder.new(folder.folder, "issy", NOW_MS)


def test_a_list_that_was_touched_is_not_the_roots(folder, tmp_path):
    other = KeyFolder.new(tmp_path / "other", "issy", NOW_MS)
    (folder.folder / "keys.jws").write_text(other.list)
    with pytest.raises(InvalidSignature):
        body(folder)
