from quartier_hil.neighbours import alone, story
from quartier_hil.records.series import Series


def dark(_):
    return Series(base_w=(700.0,), solar_w_per_kw=(0.0,), origin="")


def test_nobody_leads_and_a_house_takes_what_it_may_alone():
    (_, house), *_ = story.houses(with_public=False)
    load_w = alone.load_w([house], dark)
    autonomous_w = 0.8 * house.house.contract_import_w

    assert int(story.ENDS_AT_S) == len(load_w)
    assert max(load_w[: int(story.PLUGGED_AT_S)]) < 0.5 * autonomous_w
    assert 0.7 * autonomous_w < max(load_w[900:]) <= autonomous_w * 1.02


def test_a_street_alone_is_the_sum_of_its_houses():
    houses = [made for _, made in story.houses(with_public=False)][:2]
    first_w, second_w = (alone.load_w([one], dark) for one in houses)

    assert [a + b for a, b in zip(first_w, second_w, strict=True)] == alone.load_w(houses, dark)
