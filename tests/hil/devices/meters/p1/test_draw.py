from quartier_hil.devices.meters.p1.draw import KINDS, telegrams


def test_the_same_seed_gives_the_same_telegrams_of_every_kind():
    drawn = list(telegrams(3, 200))

    assert drawn == list(telegrams(3, 200))
    assert set(KINDS) == {kind for kind, _ in drawn}


def test_children_come_on_up_to_four_channels():
    labels = {said.label for _, telegram in telegrams(1, 200) for said in telegram.statements}

    assert {"0-1:24.2.1", "0-4:24.2.1", "0-4:24.3.0", "0-3:24.2.3"} <= labels
