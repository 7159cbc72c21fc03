"""Who is let in, and whom we trust: first contact, another certificate, a wrong password, no security."""

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua.connection import credentials, server_access
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustList
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, SIGN_MODE, EndpointOffer
from quartier_drivers.transport.event_loop import LoopClock


async def lost(line):
    with pytest.raises(LinkLost) as caught:
        await line.open()
    return str(caught.value)


async def test_the_first_contact_is_refused_shown_and_noted_once(section, plant, tmp_path):
    line = OpcuaLine("plant", section(), LoopClock())
    shown = credentials.describe_certificate((plant.folder / "cert.der").read_bytes())

    why = await lost(line)
    await lost(line)

    assert credentials.group_digits(shown.fingerprint) in why
    assert f"quartier trust {shown.fingerprint[:16]}" in why
    (note,) = line.notes()
    assert ("opcua.untrusted", "plant", False) == (note.code, note.data["line"], note.is_good)
    assert [shown.fingerprint] == [
        one.report.fingerprint for one in TrustList(tmp_path / "pki").entries("refused")
    ]


async def test_once_it_is_accepted_the_line_opens_at_once_and_says_so(section, plant, tmp_path):
    line = OpcuaLine("plant", section(), LoopClock())
    await lost(line)
    line.notes()
    assert not line.is_back()

    known = TrustList(tmp_path / "pki")
    known.accept(known.entries()[0].report.fingerprint)

    assert line.is_back()
    await line.open()
    assert ["opcua.trusted"] == [note.code for note in line.notes()]
    assert (plant.url,) == known.entries()[0].urls
    await line.close()


async def test_who_was_let_in_does_not_ask_for_the_endpoint_again(section, trusting, relay):
    line = OpcuaLine("plant", section(url=relay.url), LoopClock())
    await line.open()
    asked = relay.connections_count
    await line.close()
    await line.open()
    await line.pulse()

    assert (2, 3) == (asked, relay.connections_count)
    assert "Basic256Sha256" == line.offer.policy
    assert trusting.entries()
    await line.close()


async def test_an_endpoint_that_is_another_one_now_is_asked_for(section, trusting, relay, tmp_path):
    other = credentials.load_own_certificate(tmp_path / "other").der
    trusting.refuse(other, "opc.tcp://127.0.0.1")
    trusting.accept(credentials.find_fingerprint(other))
    line = OpcuaLine("plant", section(url=relay.url, timeout_s=3.0), LoopClock())
    line.expect(EndpointOffer("Basic256Sha256", ENCRYPT_MODE, other))
    assert "is silent" in await lost(line), "this server says nothing to what it cannot read"
    await line.open()

    assert 3 == relay.connections_count
    assert other != line.offer.certificate
    await line.close()


async def test_an_endpoint_that_the_site_file_does_not_allow_is_not_taken(section, trusting, plant):
    line = OpcuaLine("plant", section(), LoopClock())
    line.expect(EndpointOffer("Basic256Sha256", SIGN_MODE, (plant.folder / "cert.der").read_bytes()))
    await line.open()

    assert ENCRYPT_MODE == line.offer.mode
    assert trusting.entries()
    await line.close()


async def test_another_certificate_than_before_is_refused_and_alarmed(section, plant, tmp_path):
    other = credentials.load_own_certificate(tmp_path / "other").der
    known = TrustList(tmp_path / "pki")
    known.refuse(other, plant.url)
    known.accept(credentials.find_fingerprint(other))
    line = OpcuaLine("plant", section(), LoopClock())

    why = await lost(line)

    assert "shows another certificate than before" in why
    assert ["opcua.certificate_changed"] == [note.code for note in line.notes()]


async def test_a_wrong_password_is_not_tried_again_and_again(section, trusting, tmp_path):
    (tmp_path / "password").write_text("wrong", encoding="utf-8")
    line = OpcuaLine("plant", section(), LoopClock())

    assert "does not let us in" in await lost(line)
    assert not line.is_back(), "an account may be locked after a few"
    assert "wrong" not in await lost(line)
    assert trusting.entries()


async def test_without_a_password_nobody_is_asked(section, trusting):
    line = OpcuaLine("plant", section(password_file="/no/such/file"), LoopClock())

    assert "cannot be read" in await lost(line)
    assert trusting.entries()


async def test_a_policy_that_the_server_lacks_is_named(section, trusting):
    line = OpcuaLine("plant", section(policy="Aes256_Sha256_RsaPss"), LoopClock())

    assert "offers Basic256Sha256 (sign-and-encrypt)" in await lost(line)
    assert trusting.entries()


async def test_a_server_without_security_is_taken_only_by_its_key(section, trusting):
    line = OpcuaLine("plant", section(insecure_policy="None"), LoopClock())

    assert await lost(line), "this one has none without security"
    assert "neither signed nor encrypted" == line.bus.weakness
    assert trusting.entries()


async def test_signing_alone_works_where_it_is_asked_for(section, trusting):
    line = OpcuaLine("plant", section(mode="sign"), LoopClock())
    await line.open()
    await line.pulse()

    assert "signed, not encrypted" == line.bus.weakness
    assert trusting.entries()
    await line.close()


async def test_a_user_may_show_a_certificate_in_place_of_a_password(section, trusting, plant, tmp_path):
    plant.users.certificate = credentials.load_own_certificate(tmp_path / "user").der
    files = tmp_path / "user/own"
    login = {"user_cert_file": str(files / "cert.der"), "user_key_file": str(files / "key.pem")}
    line = OpcuaLine("plant", section(user=None, password_file=None, **login), LoopClock())

    await line.open()
    await line.pulse()

    await line.close()
    plant.users.certificate = b"none"
    assert "does not let us in" in await lost(line)
    assert trusting.entries()


async def test_a_user_s_file_without_a_certificate_is_named(section, trusting, own_folder):
    login = {"user_cert_file": str(own_folder / "key.pem"), "user_key_file": str(own_folder / "key.pem")}
    line = OpcuaLine("plant", section(user=None, password_file=None, **login), LoopClock())

    assert "holds no certificate" in await lost(line)
    assert trusting.entries()


async def test_a_folder_that_cannot_be_used_is_named(section, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    line = OpcuaLine("plant", section(pki=str(tmp_path / "file")), LoopClock())

    assert "our certificate in" in await lost(line)


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
    before = known.find_trusted_certificate(print_)
    known.accept(print_)

    assert (None, ders[0], None) == (
        before,
        known.find_trusted_certificate(print_),
        known.find_trusted_certificate("../refused/x"),
    )


def test_accepting_it_trusts_it_and_no_other(known, ders):
    known.refuse(ders[0], URL)
    known.refuse(ders[1], URL)
    before = known.stamp()

    known.accept(credentials.find_fingerprint(ders[0]))

    assert known.is_trusted(ders[0])
    assert not known.is_trusted(ders[1])
    assert (credentials.find_fingerprint(ders[0]),) == known.list_trusted_fingerprints(URL)
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
    known.record_url(ders[0], "opc.tcp://10.0.0.9:4840")

    (one,) = known.entries(TRUSTED)
    assert (URL, "opc.tcp://10.0.0.9:4840") == one.urls


def test_one_is_found_by_the_beginning_of_its_fingerprint_or_its_url(known, ders):
    known.refuse(ders[0], URL)
    known.refuse(ders[1], "opc.tcp://other")
    print_ = credentials.find_fingerprint(ders[0])

    assert [print_] == [one.report.fingerprint for one in known.found(print_[:8])]
    assert [print_] == [one.report.fingerprint for one in known.found(credentials.group_digits(print_))]
    assert [print_] == [one.report.fingerprint for one in known.found(URL)]
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

    assert [credentials.find_fingerprint(ders[1])] == [one.report.fingerprint for one in known.entries()]
    assert 2 == len(list((known.folder / REFUSED).iterdir()))


def test_a_damaged_note_loses_the_url_and_not_the_trust(known, ders):
    known.refuse(ders[0], URL)
    known.accept(credentials.find_fingerprint(ders[0]))
    (known.folder / TRUSTED / f"{credentials.find_fingerprint(ders[0])}.json").write_text(
        "{", encoding="utf-8"
    )

    assert known.is_trusted(ders[0])
    assert () == known.entries(TRUSTED)[0].urls
