from quartier_hil.street import street_run, street_scenario
from quartier_sim.load_series.minute_series import LoadSeries


def dark(_):
    return LoadSeries(base_w=(700.0,), solar_w_per_kw=(0.0,), origin="")


def test_nobody_leads_and_a_house_takes_what_it_may_alone():
    (_, house), *_ = street_scenario.build_scenarios(with_public=False)
    load_w = street_run.simulate_load_w([house], dark)
    autonomous_w = 0.8 * house.house.contract_import_w

    assert int(street_scenario.ENDS_AT_S) == len(load_w)
    assert max(load_w[: int(street_scenario.PLUGGED_AT_S)]) < 0.5 * autonomous_w
    assert 0.7 * autonomous_w < max(load_w[900:]) <= autonomous_w * 1.02


def test_a_street_alone_is_the_sum_of_its_houses():
    houses = [made for _, made in street_scenario.build_scenarios(with_public=False)][:2]
    first_w, second_w = (street_run.simulate_load_w([one], dark) for one in houses)

    assert [a + b for a, b in zip(first_w, second_w, strict=True)] == street_run.simulate_load_w(houses, dark)
