from quartier_sim.meters import telegrams
from quartier_sim.meters.iec62056.readouts import generate_readouts


def test_the_same_seed_gives_the_same_readouts():
    assert list(generate_readouts(3, 20)) == list(generate_readouts(3, 20))
    assert list(generate_readouts(3, 20, pushed=True)) == list(generate_readouts(3, 20, pushed=True))


def test_every_block_check_holds():
    for telegram in generate_readouts(1, 200):
        assert telegrams.compute_block_check(telegram.data[1:-1]) == telegram.data[-1]
        assert telegram.numbers
