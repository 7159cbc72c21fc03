import datetime as dt

from quartier_sim.meters.encryption import CipherKeys
from quartier_sim.meters.p1.p1_meters import P1Meter
from quartier_sim.meters.p1.telegrams import encrypt_telegram

NOW = dt.datetime(2026, 1, 12, 12, 34, 56, tzinfo=dt.UTC)


def _told(meter):
    return {said.label: said.value for said in meter.telegram().statements}


def test_the_house_is_shown_by_direction():
    meter = P1Meter(children={1: 3})
    meter.count(1, 123.456)
    meter.tell({"power_w": -4500.0, "energy_export_wh": 1234.0, "voltage_l1_v": 231.4}, NOW)

    told = _told(meter)
    assert (0.0, 4.5, 1.5, 1.234, 231.4, 123.456) == (
        told["1-0:1.7.0"], told["1-0:2.7.0"], told["1-0:22.7.0"], told["1-0:2.8.1"], told["1-0:32.7.0"], told["0-1:24.2.1"],
    )  # fmt: skip
    assert "260112133456W" == told["0-0:1.0.0"]


def test_old_ones_are_slow_and_sealed_ones_count_up():
    assert (9600, 115_200) == (P1Meter("3").baud, P1Meter("5").baud)
    keys = CipherKeys(bytes(16), bytes(16))
    meter = P1Meter(
        "luxembourg", phases=1, seal=lambda telegram, counter: encrypt_telegram(telegram, keys, counter)
    )
    meter.tell({"power_w": 100.0}, NOW)

    assert [1, 2] == [int.from_bytes(meter.telegram().data[14:18], "big") for _ in range(2)]
