"""The rig's meters encode from the standard with their own code: all that they say is read, on every carrier."""

import random

import pytest

from quartier_drivers.meter.dlms import decoder
from quartier_drivers.meter.telegram import Telegram
from quartier_hil.devices.meters.dlms.draw import KEYS, Push, pushes


def told(data: bytes) -> list[Telegram]:
    made = decoder(encryption_key=KEYS.encryption, authentication_key=KEYS.authentication)
    return made.feed(data) + made.end()


def fits(push: Push, telegram: Telegram) -> bool:
    values = {group.label: (group.value, group.unit) for group in telegram.groups}
    return all(values.get(said.label) == (said.value, said.unit) for said in push.telegram.statements)


def test_all_that_is_stated_is_read() -> None:
    for push in pushes(5, 400):
        (telegram,) = told(push.telegram.data)

        assert fits(push, telegram), (push.shape, push.carrier, push.cipher)


@pytest.mark.parametrize("carrier", ["hdlc", "segmented"])
def test_of_a_damaged_stream_every_unhurt_push_is_read(carrier: str) -> None:
    chance = random.Random(9)
    sent = list(pushes(11, 120, carriers=(carrier,), ciphers=("", "glo")))
    made = decoder(encryption_key=KEYS.encryption, authentication_key=KEYS.authentication)
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
