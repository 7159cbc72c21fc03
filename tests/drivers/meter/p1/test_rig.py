"""The rig's P1 meters, which encode by their own code, read through lines of every kind."""

import pytest

from quartier_drivers.meter.p1 import push_decoder
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS
from quartier_sim.meters.line_noise import LINE_QUALITIES, LineNoise, damage_telegrams
from quartier_sim.meters.p1 import p1_meters
from quartier_sim.meters.p1.telegrams import encrypt_telegram

COUNT = 100
WEAK = LineNoise(flip=0.0002, drop=0.0001, insert=0.0001, stray=0.2, strays=b"/!\r\n\xdb", cut=0.05)


def read(data: bytes, step: int = 1 << 20, **keys: bytes):
    decoder = push_decoder.make_decoder(is_capture=True, **keys)
    found = [one for at in range(0, len(data), step) for one in decoder.feed(data[at : at + step])]
    return [*found, *decoder.end()]


def numbers(statements) -> list[tuple]:
    return [
        (one.label, float(one.value), one.unit, one.time)
        for one in statements
        if not isinstance(one.value, str)
    ]


@pytest.mark.parametrize("kind", p1_meters.TELEGRAM_KINDS)
def test_numbers_of_every_country_and_version_are_read(kind):
    sent = [one for _, one in p1_meters.generate_telegrams(21, COUNT, (kind,))]
    heard = read(b"".join(one.data for one in sent), 701)

    assert [numbers(one.statements) for one in sent] == [numbers(one.groups) for one in heard]
    assert all(numbers(one.statements) for one in sent)


def test_children_are_told_with_medium_and_channel():
    sent = [one for _, one in p1_meters.generate_telegrams(22, COUNT, ("5",))]
    media = {
        (group.more.get("medium"), group.unit)
        for one in read(b"".join(one.data for one in sent))
        for group in one.groups
        if group.label.startswith("0-") and ":24.2.1" in group.label
    }

    assert {("gas", "m3"), ("water", "m3")} <= media


def test_encrypted_telegrams_are_read():
    plain = [one for _, one in p1_meters.generate_telegrams(23, COUNT, ("luxembourg",))]
    data = b"".join(encrypt_telegram(one, EXAMPLE_KEYS, number).data for number, one in enumerate(plain, 1))
    keys = {"encryption_key": EXAMPLE_KEYS.encryption, "authentication_key": EXAMPLE_KEYS.authentication}

    assert [numbers(one.statements) for one in plain] == [
        numbers(one.groups) for one in read(data, 97, **keys)
    ]


@pytest.mark.parametrize(
    "noise", [*(pytest.param(LINE_QUALITIES[name], id=name) for name in ("clean", "weak", "loose")), WEAK]
)
@pytest.mark.parametrize("is_sealed", [False, True])
def test_noise_costs_exactly_the_telegrams_it_hit(noise, is_sealed):
    kinds = ("luxembourg",) if is_sealed else ("4.2", "5", "belgium", "luxembourg", "sweden", "hungary")
    sent = [one for _, one in p1_meters.generate_telegrams(24, COUNT, kinds)]
    keys = (
        {"encryption_key": EXAMPLE_KEYS.encryption, "authentication_key": EXAMPLE_KEYS.authentication}
        if is_sealed
        else {}
    )
    if is_sealed:
        sent = [encrypt_telegram(one, EXAMPLE_KEYS, number) for number, one in enumerate(sent, 1)]
    wire = damage_telegrams(sent, noise, 9)
    heard = [numbers(one.groups) for one in read(bytes(wire.data), 89, **keys)]

    assert [numbers(piece.says) for piece in wire.intact if piece.says] == heard
