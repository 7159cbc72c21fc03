import pytest

from quartier_sim.opcua.plants import HeatSubstation


@pytest.fixture
def station():
    made = HeatSubstation()
    made.tick(0.0)
    return made


def test_what_the_plant_does_is_shown_in_the_units_of_its_maker(station):
    station.publish({"power_w": 1_620.0, "supply_c": 41.2, "heat_w": 60_000.0})

    assert (1.62, 41.2, 60.0) == tuple(
        station.held[name] for name in ("Power", "SupplyTemperature", "HeatPower")
    )


def test_its_meter_counts_what_flows(station):
    station.publish({"power_w": 1_800.0})
    station.tick(7_200.0)

    assert 3.6 == station.held["Energy"]


def test_an_order_stands_for_ever_while_no_lease_is_set(station):
    assert station.take("PumpLimit", 60.0)
    station.tick(1e6)

    assert {"pump_pct": 60.0, "setpoint_shift_k": 0.0} == station.orders()


def test_an_order_that_nobody_repeats_falls_back_when_its_lease_is_over(station):
    station.take("Lease", 600.0)
    station.take("PumpLimit", 60.0)
    station.tick(599.0)
    before = station.orders()["pump_pct"]
    station.tick(600.0)

    assert (60.0, 100.0) == (before, station.orders()["pump_pct"])


def test_the_watchdog_keeps_an_order_alive(station):
    station.take("Lease", 600.0)
    station.take("PumpLimit", 60.0)
    station.tick(500.0)
    station.take("Watchdog", 1.0)
    station.tick(1_000.0)

    assert 60.0 == station.orders()["pump_pct"]


def test_what_lies_outside_its_range_is_not_taken_and_changes_nothing(station):
    assert not station.take("PumpLimit", 5.0)
    assert (100.0, 0) == (station.orders()["pump_pct"], station.writes_count)


def test_what_can_only_be_read_is_not_written(station):
    with pytest.raises(KeyError):
        station.take("Power", 1.0)


def test_a_loss_of_power_forgets_orders_and_lease(station):
    station.take("Lease", 600.0)
    station.take("PumpLimit", 60.0)
    station.fault("off")

    assert (100.0, 0.0) == (station.orders()["pump_pct"], station.held["Lease"])


def test_who_listens_is_told_of_each_change_once(station):
    told = []
    station.listeners.append(lambda variable, value: told.append((variable.name, value)))
    station.publish({"supply_c": 12.5})
    station.publish({"supply_c": 12.5})

    assert [("SupplyTemperature", 12.5)] == told


def test_a_stuck_plant_shows_what_it_showed_and_obeys(station):
    station.publish({"supply_c": 12.5})
    station.fault("stuck")
    station.publish({"supply_c": 40.0})
    station.take("PumpLimit", 60.0)

    assert (12.5, 60.0) == (station.held["SupplyTemperature"], station.effective_orders()["pump_pct"])
