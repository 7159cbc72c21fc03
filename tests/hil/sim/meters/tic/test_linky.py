import datetime as dt

import pytest

from quartier_sim.meters.tic.linky import Linky
from quartier_sim.meters.tic.meter_state import PARIS

NOON = dt.datetime(2026, 1, 12, 12, tzinfo=PARIS)


def _told(linky):
    return {said.label: said.value for said in linky.telegram().statements}


def _after(seconds):
    return NOON + dt.timedelta(seconds=seconds)


def test_power_becomes_apparent_power_and_current():
    linky = Linky()
    linky.tell({"power_w": 2300.0, "energy_import_wh": 1000.0}, NOON)

    told = _told(linky)
    assert ("02300", "010", "230", "000001000") == tuple(
        told[label] for label in ("SINSTS", "IRMS1", "URMS1", "EAST")
    )
    assert "2026-01-12T12:00:00+01:00" == linky.telegram().statements[2].time


def test_each_period_counts_on_its_own_index():
    linky = Linky(tariff="hc", start_wh=5_000_000)
    night = NOON.replace(hour=2)
    linky.tell({"power_w": 1000.0, "energy_import_wh": 0.0}, night)
    linky.tell({"energy_import_wh": 700.0}, NOON)  # drawn since the look before, in the night
    linky.tell({"energy_import_wh": 1000.0}, _after(60))

    told = _told(linky)
    assert ("005000700", "000000300", "005001000") == (told["EASF01"], told["EASF02"], told["EAST"])
    assert "02" == told["NTARF"]


@pytest.mark.parametrize(("producer", "injected"), [(False, None), (True, "03000")])
def test_only_a_producer_shows_export(producer, injected):
    linky = Linky(producer=producer)
    linky.tell({"power_w": -3000.0, "energy_export_wh": 12.0}, NOON)

    told = _told(linky)
    assert ("00000", injected) == (told["SINSTS"], told.get("SINSTI"))


def test_over_power_is_in_the_status_word_and_historique_warns():
    linky = Linky(reference_kva=6)
    linky.tell({"power_w": 7360.0}, NOON)
    assert int(_told(linky)["STGE"], 16) >> 7 & 1
    linky.mode = "historique"

    assert ("032", "032", "30") == tuple(_told(linky)[label] for label in ("ADPS", "IINST", "ISOUSC"))


def test_three_phases_over_current_cut_the_long_frame_and_send_twenty_short_ones_to_each_long():
    linky = Linky(mode="historique", phases=3, reference_kva=9)
    linky.tell({"power_w": 3000.0}, NOON)
    assert linky.telegram().data.endswith(b"\x03")
    linky.tell({"power_w": 15_000.0}, _after(10))

    broken = linky.telegram().data
    assert broken.startswith(b"\x02")
    assert not broken.endswith(b"\x03")
    shorts = [linky.telegram() for _ in range(20)]
    assert all(short.statements[0].label == "ADIR1" for short in shorts)
    assert "ADCO" == linky.telegram().statements[0].label
    assert "ADIR1" == linky.telegram().statements[0].label
    linky.tell({"power_w": 3000.0}, _after(69))
    assert "ADCO" == linky.telegram().statements[0].label  # short still, without a warning
    assert 4 == len(linky.telegram().statements)
    linky.tell({}, _after(71))
    assert "OPTARIF" == linky.telegram().statements[1].label


def test_the_largest_power_of_a_day_is_kept_and_becomes_yesterdays():
    linky = Linky()
    for seconds, power_w in ((0, 2000.0), (60, 5000.0), (120, 1000.0)):
        linky.tell({"power_w": power_w}, _after(seconds))
    assert "05000" == _told(linky)["SMAXSN"]
    linky.tell({"power_w": 300.0}, _after(86_400))

    assert ("00300", "05000") == (_told(linky)["SMAXSN"], _told(linky)["SMAXSN-1"])


def test_mode_contract_relays_and_colours_follow():
    linky = Linky(tariff="tempo", degraded=True)
    linky.set_reference(12)
    linky.colour, linky.tomorrow, linky.relays = 2, 3, frozenset({0, 2})
    linky.tell({"power_w": 100.0}, NOON)

    told = _told(linky)
    assert ("12", "005", "HP BLANC") == (told["PREF"], told["RELAIS"], told["LTARF"].strip())
    word = int(told["STGE"], 16)
    assert (2, 3, 1, 0) == (word >> 24 & 3, word >> 26 & 3, word >> 16 & 1, word & 1)
    assert "h" == linky.telegram().statements[2].more["season"]
    assert 9600 == linky.baud
    linky.mode = "historique"
    assert 1200 == linky.baud
    assert "ROUG" == _told(linky)["DEMAIN"]
