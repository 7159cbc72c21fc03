from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.iec62056.draw import readouts


def test_the_same_seed_gives_the_same_readouts():
    assert list(readouts(3, 20)) == list(readouts(3, 20))
    assert list(readouts(3, 20, pushed=True)) == list(readouts(3, 20, pushed=True))


def test_every_block_check_holds():
    for telegram in readouts(1, 200):
        assert checks.block_check(telegram.data[1:-1]) == telegram.data[-1]
        assert telegram.numbers
