from quartier_sim.meters.dlms.push_lists import PUSH_SHAPES
from quartier_sim.meters.dlms.push_meters import CARRIERS, CIPHERS, generate_pushes


def test_the_same_seed_gives_the_same_pushes_of_every_kind():
    drawn = list(generate_pushes(3, 300))

    assert drawn == list(generate_pushes(3, 300))
    assert set(PUSH_SHAPES) == {push.shape for push in drawn}
    assert set(CARRIERS) == {push.carrier for push in drawn}
    assert set(CIPHERS) == {push.cipher for push in drawn}


def test_a_bare_plain_push_is_its_apdu():
    for push in generate_pushes(1, 20, carriers=("bare",), ciphers=("",)):
        assert push.apdu == push.telegram.data
