from quartier_sim.meters.mbus.random_telegrams import generate_telegrams


def test_the_same_seed_gives_the_same_telegrams():
    assert list(generate_telegrams(3, 50, fixed=0.2)) == list(generate_telegrams(3, 50, fixed=0.2))


def test_all_frames_are_whole_and_all_kinds_occur():
    quantities = set()
    for telegram in generate_telegrams(1, 300):
        size = telegram.data[1]
        assert size + 6 == len(telegram.data)
        assert sum(telegram.data[4:-2]) & 0xFF == telegram.data[-2]
        quantities |= {said.more["quantity"] for said in telegram.statements}

    assert {"energy", "voltage", "power_mw", "on_time", "date", "date_time", "text"} <= quantities
