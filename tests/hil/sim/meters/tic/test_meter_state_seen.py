import datetime as dt

from quartier_sim.meters.tic.meter_state import LinkyState, LinkyStatus

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_the_contract_counts_200_volts_on_each_phase():
    assert 30 == LinkyState(moment=NOW, reference_kva=6).contract_a
    assert 15 == LinkyState(moment=NOW, reference_kva=9, phases=3).contract_a


def test_the_period_is_that_of_the_status_word():
    seen = LinkyState(moment=NOW, tariff_name="tempo", status=LinkyStatus(supply=6), drawn_va=(100, 200, 300))

    assert "HPJR" == seen.period.ptec
    assert 600 == seen.total_drawn_va
