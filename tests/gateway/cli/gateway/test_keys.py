"""``quartier keys`` against a real desk, against what lies on disk, and a list before it is used."""

import asyncio
import json
import time

import pytest

from quartier.cli import main
from quartier.district.documents.document_types import DISTRICT_DOCUMENT_TYPES, DOCUMENT_TYPES
from quartier.district.documents.keyring import Keyring
from quartier.runtime import state_file
from quartier.site.records import Now
from quartier_district.key_folder import KeyFolder, encode_public_key, sign_key_list

SITE = """\
site = {{ id = "b012", district = "issy" }}
limits = {{ contract_import_w = 9000 }}
buses.lan = {{ kind = "modbus-tcp", host = "gx" }}
devices.gx = {{ bus = "lan", profile = "victron/gx" }}
assets.grid = {{ role = "grid", device = "gx", part = "grid" }}
{link}
"""


@pytest.fixture
def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def keys(tmp_path, now_ms):
    return KeyFolder.new(tmp_path / "keys", "issy", now_ms)


@pytest.fixture
def asked(tmp_path, keys, capsys):
    """``asked(*words)``: (exit code, stdout, stderr) of ``quartier keys`` at a site with this root."""
    link = (
        f'district_link = {{ url = "mqtts://broker.example", issuers_file = "{tmp_path}/keys/keys.jws", '
        f'root_keys = ["{encode_public_key(keys.root)}"] }}'
    )
    (tmp_path / "site.toml").write_text(SITE.format(link=link))
    places = ("--config", tmp_path / "site.toml", "--runtime-dir", tmp_path, "--state-dir", tmp_path)

    def run(*words):
        code = main(["keys", *map(str, (*words, *places))])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_without_a_daemon_the_list_on_disk_is_shown_with_rights_and_fingerprints(asked, keys, tmp_path):
    state_file.save_facts(tmp_path / "district", {"used": {"dso-1": 1_764_000_000_000}})
    code, out, _ = asked()
    assert 0 == code
    assert f"list {keys.body['seq']} from a file" in out
    (row,) = [line for line in out.splitlines() if line.startswith("dso-1")]
    assert "envelope of dso" in row
    assert "2025-11-24" in row


def test_the_same_is_json_for_scripts(asked):
    code, out, _ = asked("--json")
    assert (0, ["optimiser-1", "dso-1", "jobs-1"]) == (code, [key["kid"] for key in json.loads(out)["keys"]])


async def test_a_daemon_is_asked_where_one_answers(asked, keys, serving, now_ms):
    ring = Keyring("issy", [encode_public_key(keys.root)])
    ring.take(ring.check_list(keys.list, "f"), keys.list, "job")
    async with serving({"keys": lambda: ring.render_keys({"jobs-1": now_ms}, Now(0, now_ms, True))}):
        code, out, _ = await asyncio.to_thread(asked)
    assert (0, True) == (code, "from a job" in out)


def test_a_list_of_the_root_is_good_and_shown(asked, tmp_path):
    code, out, err = asked("check", tmp_path / "keys/keys.jws")
    assert (0, True, False) == (code, "optimiser-1" in out, "no valid key" in err)


def test_a_list_that_would_roll_back_is_refused_before_it_is_brought(asked, keys, tmp_path, now_ms):
    older = keys.list
    keys.roll("jobs", now_ms + 1)
    state_file.save_facts(tmp_path / "keys", {"seq": keys.body["seq"], "list": keys.list, "source": "job"})
    (tmp_path / "older.jws").write_text(older)
    code, _, err = asked("check", tmp_path / "older.jws")
    assert (78, True) == (code, "is older than" in err)


@pytest.mark.parametrize("text", ["no list", "é"])
def test_what_is_no_list_is_refused(asked, tmp_path, text):
    (tmp_path / "x").write_bytes(text.encode("latin-1"))
    code, _, err = asked("check", tmp_path / "x")
    assert (78, True) == (code, "x" in err)
    assert 78 == asked("check", tmp_path / "gone")[0]


def test_a_list_that_leaves_the_house_unheard_is_warned_of(asked, keys, tmp_path, now_ms):
    keys.drop("optimiser-1", now_ms + 1)
    code, _, err = asked("check", tmp_path / "keys/keys.jws")
    assert (0, True) == (code, "no valid key may sign heartbeat" in err)


def test_check_wants_a_file_and_a_root_with_its_district(asked, tmp_path):
    assert 2 == asked("check")[0]
    assert 2 == asked("check", tmp_path / "keys/keys.jws", "--root", "x")[0]


def test_the_districts_engineer_checks_a_list_without_a_site_file(asked, keys, tmp_path):
    (tmp_path / "site.toml").unlink()
    words = ("check", tmp_path / "keys/keys.jws", "--root", encode_public_key(keys.root), "--district")
    assert 0 == asked(*words, "issy")[0]
    assert 78 == asked(*words, "lyon")[0]


def test_a_house_that_stands_alone_has_no_keys(asked, tmp_path):
    (tmp_path / "site.toml").write_text(SITE.format(link=""))
    code, _, err = asked()
    assert (1, True) == (code, "has no district" in err)
    assert 78 == asked("check", tmp_path / "site.toml")[0]


def test_a_plain_list_is_shown_as_what_it_is(asked, tmp_path, keys):
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(keys.body["keys"]))
    link = f'district_link = {{ url = "mqtts://broker.example", issuers_file = "{plain}" }}'
    (tmp_path / "site.toml").write_text(SITE.format(link=link))
    code, out, _ = asked()
    assert (0, True) == (code, "a plain list" in out)


def test_a_list_that_counts_for_nothing_is_said_beside_what_counts(asked, tmp_path):
    (tmp_path / "keys/keys.jws").write_text("spoilt")
    code, _, err = asked()
    assert (0, True) == (code, "no root of the site file signed it" in err)


def test_a_list_of_each_role_with_its_own_key_has_nothing_to_warn_of(asked, keys, tmp_path):
    known = {kind.name for kind in (*DOCUMENT_TYPES.values(), *DISTRICT_DOCUMENT_TYPES.values())}
    assert known <= {name for key in keys.body["keys"] for name in key["types"]}
    assert (0, "") == asked("check", tmp_path / "keys/keys.jws")[::2]


def test_a_key_for_jobs_and_more_and_a_type_of_a_later_version_are_warned_of(asked, keys, tmp_path):
    body = keys.body
    body["keys"][0]["types"] = ["heartbeat", "envelope", "job", "horoscope"]
    (tmp_path / "list").write_text(sign_key_list(keys.root, {**body, "seq": body["seq"] + 1}))
    code, _, err = asked("check", tmp_path / "list")
    assert (0, True, True) == (code, "may sign jobs and more" in err, "knows no horoscope" in err)
