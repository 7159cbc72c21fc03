"""The kernel's arrays say what the horizon says."""

from dataclasses import replace
from math import inf

from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.horizon import Contract
from quartier.planning.storage.kernel_columns import KernelColumns


def row(columns: KernelColumns, number: int = 0) -> dict[str, float]:
    return {name: columns.column(name)[number] for name in columns.names}


def test_powers_become_wh_of_a_step_and_losses_stand_between_meter_and_store() -> None:
    battery = replace(PLAIN, charge_efficiency=0.5, discharge_efficiency=0.8)
    there = outlook([200.0], pv_w=[600.0], export_max_w=[2000.0])
    found = row(KernelColumns(battery, replace(there, step_s=900), Contract(contract_w=4000.0)))

    assert (100.0, 150.0, 1000.0, inf, 500.0) == (
        found["net_wh"],
        found["curtailable_wh"],
        found["contract_wh"],
        found["import_max_wh"],
        found["export_max_wh"],
    )
    assert (-312.5, 125.0) == (found["low_wh"], found["high_wh"])


def test_co2_enters_the_import_price() -> None:
    columns = KernelColumns(PLAIN, outlook([200.0], import_g_per_wh=[0.5]), Contract(co2_eur_per_g=0.1))

    assert 0.2 + 0.05 == row(columns)["import_price"]


def test_a_battery_below_its_reserve_is_charged_as_fast_as_the_import_cap_allows() -> None:
    battery = replace(PLAIN, reserve_wh=1500.0, energy_wh=200.0)
    there = outlook([1.0] * 4, import_max_w=[1300.0, 900.0, inf, inf])
    columns = KernelColumns(battery, there, Contract())

    assert [500.0, 500.0, 1500.0, 1500.0] == list(columns.column("floor_wh"))


def test_what_stands_above_the_capacity_may_stay() -> None:
    assert (
        4500.0
        == row(KernelColumns(replace(PLAIN, energy_wh=4500.0), outlook([1.0]), Contract()))["ceiling_wh"]
    )


def test_costs_are_convex_where_imports_cost_at_least_what_exports_bring() -> None:
    for prices, exports, load_w, expected in (
        ([1.0], [1e-3], [500.0], True),
        ([1.0], [-1e-3], [500.0], True),
        ([1.0], [2e-3], [500.0], False),
        ([-1.0], [-2e-3], [500.0], False),
        ([1.0], [0.0], [-500.0], False),
    ):
        columns = KernelColumns(PLAIN, outlook(prices, export_eur_per_wh=exports, load_w=load_w), Contract())
        assert expected == columns.is_convex


def test_an_import_that_pays_counts_as_free_while_exports_pay_too_and_what_that_may_cost_is_told() -> None:
    there = outlook([-1.0], export_eur_per_wh=[1e-3], pv_w=[500.0], import_max_w=[1200.0])
    columns = KernelColumns(PLAIN, there, Contract())

    assert (0.0, 1.2) == (row(columns)["import_price"], columns.bonus)
    # Without a cap the load and all that charging can take, whatever it loses.
    lossy = replace(PLAIN, charge_efficiency=0.25)
    assert 1.0 + 1.0 == KernelColumns(lossy, replace(there, import_max_w=[inf]), Contract()).bonus


def test_rounding_does_not_count_as_giving_up_more() -> None:
    found = KernelColumns(PLAIN, outlook([1.0]), Contract()).solve()
    assert found

    more = replace(found, result=found.result._replace(excess_wh=1e-9, short_wh=1e-9))
    short = replace(found, result=found.result._replace(short_wh=1.0))
    beyond = replace(found, result=found.result._replace(excess_wh=1e-3))
    assert not more.gives_up_more(found)
    assert short.gives_up_more(found)
    assert beyond.gives_up_more(short)
    assert not short.gives_up_more(beyond)
