import pytest

from quartier_hil.checks.figures import RunFigures


def _values(grid, bat=0.0, pv=0.0, ev=0.0, hp=0.0, base=0.0, **orders):
    powers = {"grid": grid, "bat1": bat, "pv1": pv, "ev1": ev, "hp1": hp, "base": base}
    return {**{f"{name}.power_w": power for name, power in powers.items()}, **orders}


def test_an_hour_of_import_costs_its_price_and_export_earns_the_feed_in():
    kpis = RunFigures()
    kpis.step(_values(1000, base=1000), 9000, 0.0002, 3600)
    kpis.step(_values(-1000, pv=-1000), 9000, 0.0002, 3600)

    assert (1000, 1000, 1000) == (kpis.import_wh, kpis.export_wh, kpis.generated_wh)
    assert pytest.approx(0.2 - 0.04) == kpis.cost_eur


def test_each_period_of_the_supply_contract_has_its_energy_and_its_cost():
    kpis = RunFigures()
    for grid, price, period in ((1000, 0.0002, "off_peak"), (500, 0.0003, "peak"), (-800, 0.0003, "peak")):
        kpis.step(_values(grid, base=grid), 9000, price, 3600, period)

    table = kpis.table()
    assert (1000, 500) == (table["import_off_peak_wh"], table["import_peak_wh"])
    assert pytest.approx([0.2, 0.15]) == [table["cost_off_peak_eur"], table["cost_peak_eur"]]


def test_self_consumption_is_what_did_not_leave():
    kpis = RunFigures()
    kpis.step(_values(-300, pv=-1000, base=700), 9000, 0, 3600)

    assert pytest.approx(70) == kpis.self_consumption_pct
    assert pytest.approx(100) == kpis.self_sufficiency_pct


def test_without_sun_and_without_load_the_shares_are_whole():
    assert (100, 100) == (RunFigures().self_consumption_pct, RunFigures().self_sufficiency_pct)


def test_seconds_over_the_cap_and_switchings_are_counted():
    kpis = RunFigures()
    for cap_w, relay in ((900, 1.0), (1100, 0.0), (900, 0.0), (900, 1.0)):
        kpis.step(_values(1000, base=1000, **{"order.relay_on": relay}), cap_w, 0, 2)

    assert (6, 2) == (kpis.over_cap_s, kpis.switchings_count)
    assert 1000 == kpis.table()["import_max_w"]
