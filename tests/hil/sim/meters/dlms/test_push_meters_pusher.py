import datetime as dt

from quartier_sim.meters.dlms.push_meters import HanMeter
from quartier_sim.meters.encryption import CipherKeys

NOW = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)


def test_lists_alternate_as_in_norway():
    meter = HanMeter()
    meter.tell({"power_w": 2500.0}, NOW)
    counts = [len(meter.telegram().numbers) for _ in range(9)]

    assert counts[0] > counts[4] > counts[1] == 1
    assert counts[4] == counts[8]


def test_export_is_a_register_of_its_own():
    meter = HanMeter("kaifa", phases=1)
    meter.tell({"power_w": -700.0, "energy_export_wh": 55.4}, NOW)

    told = {said.label: said.value for said in meter.telegram().statements}
    assert (0, 700, 55) == (told["1-0:1.7.0"], told["1-0:2.7.0"], told["1-0:2.8.0"])


def test_the_counter_of_a_ciphering_meter_rises():
    meter = HanMeter(carrier="wrapper", keys=CipherKeys(bytes(16), bytes(16)))
    counters = [
        int.from_bytes(data[data.index(b"\x30") :][1:5], "big")
        for data in (meter.telegram().data[18:] for _ in range(3))
    ]

    assert [1, 2, 3] == counters
