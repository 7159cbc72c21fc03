"""Who is let in and who is not: policies, passwords, certificates, first contact."""

import datetime as dt

import pytest

from quartier_bench.opcua_server_process import SERVER_URI
from quartier_drivers.errors import LinkLost
from quartier_sim.opcua import certificates

pytestmark = pytest.mark.peer
POINTS = {"double_w": "Double"}
SECURE = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("mode", ["sign-and-encrypt", "sign"])
@pytest.mark.parametrize("policy", SECURE)
async def test_each_policy_in_force_is_spoken_both_ways(plant, shared, opened, policy, mode):
    async with opened(plant.url, shared, POINTS, policy=policy, mode=mode) as ours:
        await ours.open()
        seen = await ours.all("double_w")

    assert 2.25 == seen["double_w"].value


async def test_without_security_only_when_the_site_asks_for_it(plant, shared, opened):
    async with opened(plant.url, shared, POINTS, login="anonymous", insecure_policy="None") as ours:
        await ours.open()

        assert 2.25 == (await ours.all("double_w"))["double_w"].value


async def test_a_wrong_password_is_refused_and_named(plant, shared, opened):
    wrong = shared.folder / "wrong"
    wrong.write_text("not-it\n")
    async with opened(plant.url, shared, POINTS, password_file=str(wrong)) as ours:
        with pytest.raises(LinkLost) as refused:
            await ours.open()

    assert "user and password_file" in str(refused.value)
    assert "not-it" not in str(refused.value)


async def test_a_certificate_does_for_a_user(plant, shared, opened):
    person = certificates.create_identity(shared.folder / "person", "urn:quartier:person")
    keys = {
        "user": None,
        "password_file": None,
        "user_cert_file": str(person.certificate),
        "user_key_file": str(person.key),
    }
    async with opened(plant.url, shared, POINTS, **keys) as ours:
        await ours.open()

        assert 2.25 == (await ours.all("double_w"))["double_w"].value


async def test_the_first_contact_is_refused_shown_and_good_once_a_person_trusts_it(
    plant, site, shared, opened
):
    site.server = shared.server
    async with opened(plant.url, site, POINTS) as ours:
        with pytest.raises(LinkLost, match="trust"):
            await ours.open()
        site.trust()
        await ours.open()

        assert 2.25 == (await ours.all("double_w"))["double_w"].value


async def test_restarted_server_with_another_certificate_is_refused_and_one_that_knows_us_alone_lets_us_in(
    plant, site, shared, opened
):
    """Our certificate, made at the first contact with anybody, is what its fitter has to put in."""
    async with opened(plant.url, shared, POINTS) as ours:
        await ours.open()
        await ours.all("double_w")
        shared.server = certificates.create_identity(shared.folder / "server", SERVER_URI)
        plant.restart(trust=str(next((shared.pki / "own").glob("*.der"))))
        with pytest.raises(LinkLost, match="certificate"):
            await ours.open()

    shared.trust()
    site.server = shared.server
    site.trust()
    async with opened(plant.url, site, POINTS) as unknown:
        with pytest.raises(LinkLost):
            await unknown.open()
    async with opened(plant.url, shared, POINTS) as known:
        await known.open()

        assert 2.25 == (await known.all("double_w"))["double_w"].value


async def test_expired_certificate_is_refused_though_it_is_trusted(plant, shared, opened):
    shared.renew(begins=PAST, ends=PAST + dt.timedelta(days=30))
    shared.trust()
    plant.restart()
    async with opened(plant.url, shared, POINTS) as ours:
        with pytest.raises(LinkLost, match="certificate is not valid"):
            await ours.open()
