from quartier.daemon.assembly import bus_specs
from quartier_drivers.device_profile import loading


def periods(one, part=""):
    return {quantity: one.scan[point.scan] for quantity, point in one.parts[part].items()}


def test_frequency_is_read_as_asked_and_voltage_every_second():
    before = loading.load_profile("janitza/umg604")
    after = periods(bus_specs.speed_up_profile(before, "", 0.2))

    assert 5.0 == periods(before)["frequency_hz"]
    assert (0.2, 1.0, 1.0) == (after["frequency_hz"], after["voltage_l1_v"], after["power_w"])
    assert periods(before)["energy_import_wh"] == after["energy_import_wh"]


def test_what_is_read_sooner_already_stays():
    before = bus_specs.speed_up_profile(loading.load_profile("janitza/umg604"), "", 0.2)

    assert before is bus_specs.speed_up_profile(before, "", 1.0)


def test_only_the_part_of_the_grid_is_asked_more_often():
    before = loading.load_profile("victron/gx")
    after = bus_specs.speed_up_profile(before, "grid", 0.2)

    assert before.parts["meter"] == after.parts["meter"]


def test_a_meter_that_speaks_by_itself_keeps_its_pace():
    before = loading.load_profile("eon/p1")

    assert before is bus_specs.speed_up_profile(before, "", 0.2)
