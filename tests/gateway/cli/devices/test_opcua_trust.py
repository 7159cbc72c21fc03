"""``quartier trust``: what is known, and what a person says of it."""

import json

import pytest

from quartier.cli import main
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.server_access import TrustList

URL = "opc.tcp://plant:4840"


@pytest.fixture(scope="module")
def der(tmp_path_factory):
    return credentials.load_own_certificate(tmp_path_factory.mktemp("server")).der


@pytest.fixture
def known(tmp_path, der):
    made = TrustList(tmp_path / "opcua")
    made.refuse(der, URL)
    return made


def trust(tmp_path, *words):
    return main(["trust", "--state-dir", str(tmp_path), *words])


def test_before_anything_is_known_it_says_how_to_begin(tmp_path, capsys):
    assert 0 == trust(tmp_path)
    assert "quartier trust opc.tcp://HOST:PORT looks at one" in capsys.readouterr().out


def test_the_list_shows_what_is_to_be_compared(tmp_path, known, der, capsys):
    assert 0 == trust(tmp_path, "--json")

    (one,) = json.loads(capsys.readouterr().out)["servers"]
    assert ("refused", [URL], credentials.find_fingerprint(der)) == (
        one["state"],
        one["urls"],
        one["fingerprint"],
    )
    assert not known.is_trusted(der)


def test_our_own_is_listed_with_its_file(tmp_path, capsys):
    credentials.load_own_certificate(tmp_path / "opcua")

    assert 0 == trust(tmp_path)
    assert "cert.der" in capsys.readouterr().out


def test_a_fingerprint_s_beginning_accepts(tmp_path, known, der, capsys):
    assert 0 == trust(tmp_path, credentials.find_fingerprint(der)[:16])

    assert known.is_trusted(der)
    assert credentials.group_digits(credentials.find_fingerprint(der)) in capsys.readouterr().out


def test_a_url_accepts_what_was_shown_there(tmp_path, known, der):
    assert 0 == trust(tmp_path, URL)
    assert known.is_trusted(der)


def test_what_is_trusted_already_stays_so(tmp_path, known, der, capsys):
    trust(tmp_path, URL)

    assert 0 == trust(tmp_path, credentials.find_fingerprint(der))
    assert "is trusted already" in capsys.readouterr().err
    assert known.is_trusted(der)


def test_removing_it_makes_it_unknown(tmp_path, known):
    trust(tmp_path, URL)

    assert 0 == trust(tmp_path, "--remove", URL)
    assert [] == known.entries()
    assert 1 == trust(tmp_path, "--remove", URL)


def test_of_several_at_a_url_none_is_chosen(tmp_path, known, tmp_path_factory, capsys):
    other = credentials.load_own_certificate(tmp_path_factory.mktemp("other")).der
    known.refuse(other, URL)

    assert 1 == trust(tmp_path, URL)
    assert credentials.find_fingerprint(other)[:16] in capsys.readouterr().out
    assert [] == known.entries("trusted")


def test_a_new_one_beside_an_old_one_says_how_to_remove_that(tmp_path, known, der, tmp_path_factory, capsys):
    trust(tmp_path, URL)
    other = credentials.load_own_certificate(tmp_path_factory.mktemp("other")).der
    known.refuse(other, URL)

    assert 0 == trust(tmp_path, URL)
    assert f"--remove {credentials.find_fingerprint(der)[:16]}" in capsys.readouterr().out


def test_what_is_not_known_says_what_helps(tmp_path, known, capsys):
    assert 1 == trust(tmp_path, "deadbeefdeadbeef")
    assert "quartier trust lists" in capsys.readouterr().err
    assert known.entries()


def test_a_server_that_cannot_be_reached_is_named(tmp_path, free_port, capsys):
    assert 1 == trust(tmp_path, f"opc.tcp://127.0.0.1:{free_port}")
    assert "Connection refused" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_says_so(tmp_path, known, der, capsys):
    (tmp_path / "opcua/trusted").write_text("in the way", encoding="utf-8")

    assert 1 == trust(tmp_path, credentials.find_fingerprint(der)[:16])
    assert "ask with sudo" in capsys.readouterr().err
    assert not known.is_trusted(der)
