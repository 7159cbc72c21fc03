from quartier_sim.meters.sml.sml_meters import generate_telegrams


def test_the_same_seed_gives_the_same_files():
    assert list(generate_telegrams(3, 20)) == list(generate_telegrams(3, 20))
    assert list(generate_telegrams(3, 20)) != list(generate_telegrams(3, 20, kermit=True))


def test_labels_are_not_told_twice_in_a_file():
    for telegram in generate_telegrams(1, 100):
        labels = [said.label for said in telegram.statements]
        assert len(set(labels)) == len(labels)
