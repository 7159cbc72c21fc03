"""Many sites at once: the plans are those of each alone, and what is wrong with one is told of that one."""

from array import array
from dataclasses import replace
from math import nan

import pytest
from tests.gateway.planning.sites import PLAIN, contract, graded, outlook, sampled_site, site

from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.storage import many_batteries
from quartier.planning.storage.battery_plan import BatteryPlan, plan_battery
from quartier.planning.storage.kernel_columns import KernelColumns
from quartier.planning.storage.many_batteries import BatterySite, plan_many_batteries


def test_each_site_has_the_plan_that_it_has_alone() -> None:
    sites = [BatterySite(*site(seed, signs=seed % 3 == 0), contract(seed)) for seed in range(40)]
    sites += [BatterySite(*site(seed)) for seed in range(40)]
    sites += [
        BatterySite(*sampled_site(seed), graded(seed, sampled_site(seed)[1].count)) for seed in range(10)
    ]

    assert [plan_battery(one.battery, one.outlook, one.contract) for one in sites] == plan_many_batteries(
        sites
    )


def test_what_is_wrong_with_a_site_is_told_of_it_and_the_others_are_planned() -> None:
    there = outlook([1.0, 3.0])
    far = replace(PLAIN, discharge_max_w=1e9, discharge_efficiency=1e-6)
    well, negative, beyond, last = plan_many_batteries(
        [
            BatterySite(PLAIN, there),
            BatterySite(replace(PLAIN, wear_eur_per_wh=-1.0), there),
            BatterySite(far, there),
            BatterySite(PLAIN, outlook([1.0])),
        ]
    )

    assert isinstance(well, BatteryPlan)
    assert (well.step_s, 1) == (3600, len(last.steps) if isinstance(last, BatteryPlan) else None)
    assert "wear_eur_per_wh -1.0: expected 0 to 1e9" == str(negative)
    assert "discharge_efficiency 1e-06: expected 0.001 to 1" == str(beyond)


def test_what_the_kernel_alone_finds_wrong_is_a_refusal_too() -> None:
    columns = KernelColumns(PLAIN, outlook([1.0, 3.0]), Contract())
    columns.put("net_wh", array("d", [0.0, nan]))

    assert ["a number of a step is out of its range"] == [
        str(one) for one in many_batteries._run_kernel([columns])
    ]
    with pytest.raises(RefusedError, match="a number of a step is out of its range"):
        columns.solve()


def test_no_site_is_no_plan_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [] == plan_many_batteries([])

    monkeypatch.setattr(many_batteries, "SITES_MAX", 1)
    with pytest.raises(RefusedError, match="2 sites: expected at most 1"):
        plan_many_batteries([BatterySite(PLAIN, outlook([1.0]))] * 2)
