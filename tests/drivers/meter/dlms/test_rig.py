"""The rig's meters encode from the standard with their own code: all that they say is read, on every carrier."""

import random

import pytest

from quartier_drivers.meter.dlms import decoder
from quartier_drivers.meter.telegrams import Telegram
from quartier_sim.meters.dlms.encoding import FLAG, build_hdlc_frames
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS, GeneratedPush, generate_pushes


def told(data: bytes) -> list[Telegram]:
    made = decoder(
        encryption_key=EXAMPLE_KEYS.encryption, is_capture=True
    )  # some are in clear, or encrypted without a tag
    return made.feed(data) + made.end()


def fits(push: GeneratedPush, telegram: Telegram) -> bool:
    values = {group.label: (group.value, group.unit) for group in telegram.groups}
    return all(values.get(said.label) == (said.value, said.unit) for said in push.telegram.statements)


def test_all_that_is_stated_is_read() -> None:
    for push in generate_pushes(5, 400):
        (telegram,) = told(push.telegram.data)

        assert fits(push, telegram), (push.shape, push.carrier, push.cipher)


@pytest.mark.parametrize("cipher", ["glo", "ded"])
def test_what_is_authenticated_is_read_by_whoever_demands_it(cipher: str) -> None:
    made = decoder(
        encryption_key=EXAMPLE_KEYS.encryption,
        authentication_key=EXAMPLE_KEYS.authentication,
        is_capture=True,
    )
    sent = list(generate_pushes(7, 100, carriers=("hdlc", "segmented", "wrapper", "mbus"), ciphers=(cipher,)))
    heard = made.feed(b"".join(push.telegram.data for push in sent)) + made.end()

    assert len(sent) == len(heard)
    assert all(fits(push, telegram) for push, telegram in zip(sent, heard, strict=True))


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 100, 128])
def test_a_lost_segment_in_the_middle_makes_nothing_up(size: int) -> None:
    lost_count = 0
    for push in generate_pushes(5, 150, carriers=("segmented",), ciphers=("",)):
        frames = [found for found in build_hdlc_frames(push.apdu, content_max=size).split(FLAG) if found]
        for lost in range(1, len(frames) - 1):
            heard = [FLAG + one + FLAG for place, one in enumerate(frames) if place != lost]
            assert [] == told(b"".join(heard)), (push.shape, lost)
            lost_count += 1

    assert lost_count > 50


@pytest.mark.parametrize("carrier", ["hdlc", "segmented"])
def test_of_a_damaged_stream_every_unhurt_push_is_read(carrier: str) -> None:
    chance = random.Random(9)
    sent = list(generate_pushes(11, 120, carriers=(carrier,), ciphers=("", "glo")))
    made = decoder(encryption_key=EXAMPLE_KEYS.encryption, is_capture=True)
    stream, unhurt = bytearray(), []
    for push in sent:
        data = bytearray(push.telegram.data)
        if chance.random() < 0.4:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(1, len(data) - 1)] ^= 1 << chance.randrange(8)
        else:
            unhurt.append(push)
        stream += data + chance.randbytes(chance.choice((0, 0, 3, 40)))
    heard = made.feed(bytes(stream)) + made.end()

    assert len(heard) <= len(sent)
    place = 0
    for push in unhurt:
        while not fits(push, heard[place]):
            place += 1
        place += 1
