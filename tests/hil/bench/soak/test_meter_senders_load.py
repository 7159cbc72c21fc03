"""A load that wanders within its bounds, and counters that add it up."""

from quartier_bench.soak.meter_senders import RandomLoad


def test_counters_never_shrink_and_add_up_the_power():
    load, balance_wh = RandomLoad(1), RandomLoad(1).import_wh
    for _ in range(5_000):
        power_w, before = load.power_w, (load.import_wh, load.export_wh)
        load.go_on(10.0)
        balance_wh += power_w * 10.0 / 3600
        assert (load.import_wh, load.export_wh) >= before
        assert -3000.0 <= load.power_w <= 6000.0

    assert abs(balance_wh - (load.import_wh - load.export_wh)) < 1e-3
    assert load.export_wh > 0


def test_meters_are_told_power_and_both_counters():
    assert {"power_w", "energy_import_wh", "energy_export_wh"} == set(RandomLoad(1).values)
