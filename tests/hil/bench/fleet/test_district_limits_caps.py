from quartier_bench.fleet.district_limits import BuildingLimits


def test_what_tightens_acts_at_once_and_what_loosens_is_spread():
    caps = BuildingLimits(1000, 1, 600.0)
    assert caps.second(0, 0.4, spread=True)
    assert {0.4} == set(caps.share)

    assert not caps.second(100, 1.0, spread=True)
    assert caps.second(400, 1.0, spread=True)
    assert 400 < int((caps.share == 1.0).sum()) < 600
    caps.second(700, 1.0, spread=True)
    assert {1.0} == set(caps.share)


def test_what_waits_to_loosen_loosens_no_further_than_a_cap_that_came_meanwhile():
    caps = BuildingLimits(100, 1, 600.0)
    caps.second(0, 0.4, spread=True)
    caps.second(100, 1.0, spread=True)
    caps.second(400, 0.5, spread=True)
    assert {0.4, 0.5} == set(caps.share)
    caps.second(900, 0.5, spread=True)

    assert {0.5} == set(caps.share)


def test_what_no_document_loosens_comes_at_once():
    caps = BuildingLimits(10, 1, 600.0)
    caps.second(0, 0.5, spread=False)
    caps.second(7200, 0.8, spread=False)

    assert {0.8} == set(caps.share)
