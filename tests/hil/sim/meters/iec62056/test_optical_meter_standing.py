import datetime as dt

from quartier_drivers.meter.iec62056 import push_decoder
from quartier_sim.meters.iec62056.optical_meter import ElectricityMeter

NOW = dt.datetime(2026, 1, 31, 23, 59, 50, tzinfo=dt.UTC)


def told(meter):
    return {said.label: said.value for said in meter.telegram().statements}


def test_it_shows_the_house_and_its_own_clock():
    meter = ElectricityMeter(serial="4711")
    meter.tell({"power_w": -4500.0, "energy_import_wh": 1_234_567.0, "voltage_l1_v": 231.4}, NOW)
    said = told(meter)

    assert (1234.567, -4.5, -1.5, 231.4, 6.48) == (
        said["1.8.0"], said["16.7.0"], said["21.7.0"], said["32.7.0"], said["31.7.0"],
    )  # fmt: skip
    assert ("4711", "235950", "260131") == (said["0.0.0"], said["0.9.1"], said["0.9.2"])


def test_the_end_of_a_month_is_kept():
    meter = ElectricityMeter(phases=1, months=2)
    for month, import_wh in ((1, 1000.0), (2, 3000.0), (3, 6000.0)):
        meter.tell({"energy_import_wh": import_wh}, NOW.replace(month=month, day=2))
    said = told(meter)

    assert (6.0, 3.0, 1.0) == (said["1.8.0"], said["1.8.0*01"], said["1.8.0*02"])
    assert "41.7.0" not in said


def test_a_readout_is_read_as_it_was_meant():
    meter = ElectricityMeter()
    meter.tell({"power_w": 1500.0, "energy_import_wh": 12_345.0}, NOW)
    telegram = meter.telegram()
    [read] = push_decoder.make_decoder().feed(telegram.data)

    assert [(said.label, said.value, said.unit) for said in telegram.statements] == [
        (group.label, group.value, group.unit) for group in read.groups
    ]
    assert telegram.meter == read.meter
