from quartier_hil.devices.meters.dlms.draw import CARRIERS, CIPHERS, pushes
from quartier_hil.devices.meters.dlms.shape import SHAPES


def test_the_same_seed_gives_the_same_pushes_of_every_kind():
    drawn = list(pushes(3, 300))

    assert drawn == list(pushes(3, 300))
    assert set(SHAPES) == {push.shape for push in drawn}
    assert set(CARRIERS) == {push.carrier for push in drawn}
    assert set(CIPHERS) == {push.cipher for push in drawn}


def test_a_bare_plain_push_is_its_apdu():
    for push in pushes(1, 20, carriers=("bare",), ciphers=("",)):
        assert push.apdu == push.telegram.data
