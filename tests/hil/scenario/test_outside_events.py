from quartier_hil.scenario.outside_events import FailsafeParameters, LimitEnvelope, ShedCommand


def test_what_the_district_asks_is_told_in_words():
    caps = LimitEnvelope(at_s=0, do="caps", for_s=600, import_max_w=5_000, export_max_w=0)
    parameters = FailsafeParameters(at_s=0, do="failsafe", import_max_w=4_000, export_max_w=500)

    assert "import <= 5 kW, export <= 0 kW for 10 min" == caps.words
    assert "fail-safe import <= 4 kW, export <= 0.5 kW" == parameters.words
    assert "shed command, level 2, for 1 min" == ShedCommand(at_s=0, do="shed", level=2, for_s=60).words
