"""Many sites at once: the plans are those of each alone, and what is wrong with one is told of that one."""

from array import array
from dataclasses import replace
from math import nan

import pytest
from tests.gateway.planning.sites import PLAIN, contract, graded, outlook, sampled_site, site

from quartier.planning import portfolio
from quartier.planning.columns import Columns
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.plan import Plan, planned
from quartier.planning.portfolio import Site, planned_many


def test_each_site_has_the_plan_that_it_has_alone() -> None:
    sites = [Site(*site(seed, signs=seed % 3 == 0), contract(seed)) for seed in range(40)]
    sites += [Site(*site(seed)) for seed in range(40)]
    sites += [Site(*sampled_site(seed), graded(seed, sampled_site(seed)[1].count)) for seed in range(10)]

    assert [planned(one.battery, one.outlook, one.contract) for one in sites] == planned_many(sites)


def test_what_is_wrong_with_a_site_is_told_of_it_and_the_others_are_planned() -> None:
    there = outlook([1.0, 3.0])
    far = replace(PLAIN, discharge_max_w=1e9, discharge_efficiency=1e-6)
    well, negative, beyond, last = planned_many(
        [
            Site(PLAIN, there),
            Site(replace(PLAIN, wear_eur_per_wh=-1.0), there),
            Site(far, there),
            Site(PLAIN, outlook([1.0])),
        ]
    )

    assert isinstance(well, Plan)
    assert (well.step_s, 1) == (3600, len(last.steps) if isinstance(last, Plan) else None)
    assert "wear_eur_per_wh -1.0: expected 0 to 1e9" == str(negative)
    assert "discharge_efficiency 1e-06: expected 0.001 to 1" == str(beyond)


def test_what_the_kernel_alone_finds_wrong_is_a_refusal_too() -> None:
    columns = Columns(PLAIN, outlook([1.0, 3.0]), Contract())
    columns.put("net_wh", array("d", [0.0, nan]))

    assert ["a number of a step is out of its range"] == [str(one) for one in portfolio._first([columns])]
    with pytest.raises(RefusedError, match="a number of a step is out of its range"):
        columns.solve()


def test_no_site_is_no_plan_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [] == planned_many([])

    monkeypatch.setattr(portfolio, "SITES_MAX", 1)
    with pytest.raises(RefusedError, match="2 sites: expected at most 1"):
        planned_many([Site(PLAIN, outlook([1.0]))] * 2)
