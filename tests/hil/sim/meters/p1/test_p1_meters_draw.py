from quartier_sim.meters.p1.p1_meters import TELEGRAM_KINDS, generate_telegrams


def test_the_same_seed_gives_the_same_telegrams_of_every_kind():
    drawn = list(generate_telegrams(3, 200))

    assert drawn == list(generate_telegrams(3, 200))
    assert set(TELEGRAM_KINDS) == {kind for kind, _ in drawn}


def test_children_come_on_up_to_four_channels():
    labels = {said.label for _, telegram in generate_telegrams(1, 200) for said in telegram.statements}

    assert {"0-1:24.2.1", "0-4:24.2.1", "0-4:24.3.0", "0-3:24.2.3"} <= labels
