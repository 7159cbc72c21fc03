"""The list of trusted servers: nothing is trusted but by a person's word."""

import pytest

from quartier_drivers.opcua.connection import credentials, server_access
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustList

URL = "opc.tcp://plant:4840"


@pytest.fixture(scope="module")
def ders(tmp_path_factory, own_folder):
    one = credentials.load_own_certificate(own_folder.parent).der
    return [one, credentials.load_own_certificate(tmp_path_factory.mktemp("other")).der]


@pytest.fixture
def known(tmp_path):
    return TrustList(tmp_path)


def test_an_unknown_certificate_is_refused_and_kept_to_be_shown(known, ders):
    assert not known.is_trusted(ders[0])

    known.refuse(ders[0], URL)

    (one,) = known.entries()
    assert (REFUSED, (URL,)) == (one.state, one.urls)
    assert not known.is_trusted(ders[0])


def test_an_accepted_certificate_is_found_by_its_fingerprint_alone(known, ders):
    print_ = credentials.find_fingerprint(ders[0])
    known.refuse(ders[0], URL)
    before = known.trusted(print_)
    known.accept(print_)

    assert (None, ders[0], None) == (before, known.trusted(print_), known.trusted("../refused/x"))


def test_accepting_it_trusts_it_and_no_other(known, ders):
    known.refuse(ders[0], URL)
    known.refuse(ders[1], URL)
    before = known.stamp()

    known.accept(credentials.find_fingerprint(ders[0]))

    assert known.is_trusted(ders[0])
    assert not known.is_trusted(ders[1])
    assert (credentials.find_fingerprint(ders[0]),) == known.known_at(URL)
    assert before != known.stamp(), "whoever waits sees that something changed"


def test_removing_it_makes_it_unknown_again(known, ders):
    known.refuse(ders[0], URL)
    known.accept(credentials.find_fingerprint(ders[0]))

    known.remove(credentials.find_fingerprint(ders[0]))

    assert not known.is_trusted(ders[0])
    assert [] == known.entries()


def test_a_trusted_server_may_move(known, ders):
    known.refuse(ders[0], URL)
    known.accept(credentials.find_fingerprint(ders[0]))
    known.seen(ders[0], "opc.tcp://10.0.0.9:4840")

    (one,) = known.entries(TRUSTED)
    assert (URL, "opc.tcp://10.0.0.9:4840") == one.urls


def test_one_is_found_by_the_beginning_of_its_fingerprint_or_its_url(known, ders):
    known.refuse(ders[0], URL)
    known.refuse(ders[1], "opc.tcp://other")
    print_ = credentials.find_fingerprint(ders[0])

    assert [print_] == [one.shown.fingerprint for one in known.found(print_[:8])]
    assert [print_] == [one.shown.fingerprint for one in known.found(credentials.group_digits(print_))]
    assert [print_] == [one.shown.fingerprint for one in known.found(URL)]
    assert [] == known.found(print_[:7]), "too short to mean one"
    assert [] == known.found("opc.tcp://nobody")


def test_a_file_that_is_no_certificate_or_not_the_one_it_says_is_not_on_the_list(known, ders):
    known.refuse(ders[0], URL)
    known.accept(credentials.find_fingerprint(ders[0]))
    (known.folder / TRUSTED / f"{credentials.find_fingerprint(ders[0])}.der").write_bytes(ders[1])
    (known.folder / TRUSTED / "junk.der").write_bytes(b"junk")

    assert not known.is_trusted(ders[0])
    assert not known.is_trusted(ders[1])
    assert [] == known.entries()


def test_who_shows_a_new_certificate_each_time_does_not_fill_the_disk(known, ders, monkeypatch):
    monkeypatch.setattr(server_access, "_REFUSED_MAX", 1)

    known.refuse(ders[0], URL)
    known.refuse(ders[1], URL)

    assert [credentials.find_fingerprint(ders[1])] == [one.shown.fingerprint for one in known.entries()]
    assert 2 == len(list((known.folder / REFUSED).iterdir()))


def test_a_damaged_note_loses_the_url_and_not_the_trust(known, ders):
    known.refuse(ders[0], URL)
    known.accept(credentials.find_fingerprint(ders[0]))
    (known.folder / TRUSTED / f"{credentials.find_fingerprint(ders[0])}.json").write_text(
        "{", encoding="utf-8"
    )

    assert known.is_trusted(ders[0])
    assert () == known.entries(TRUSTED)[0].urls
