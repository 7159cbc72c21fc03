from quartier.commissioning.probe import probe_findings, probe_measurement
from quartier.commissioning.probe.probe_trace import ProbeTrace, TimeSeries


def test_a_probe_is_told_in_one_sentence(probe, plant):
    report = probe(plant(gain=0.98, delay_s=2.1))

    assert report.sentence.startswith("bat1 answered -490 W for -500 W after 2.")
    assert report.sentence.endswith("s, seen at the grid meter on L2 with the right sign")


def test_a_wrong_sign_is_told(probe, plant):
    assert "answered 500 W for -500 W" in probe(plant(gain=-1.0)).sentence
    assert "with the wrong sign" in probe(plant(gain=-1.0)).sentence


def test_no_answer_is_told(probe, plant):
    assert "bat1 did not answer -500 W" == probe(plant(gain=0.0)).sentence


def test_nothing_stepped_is_told(subjects):
    seen = probe_measurement.evaluate_trace(ProbeTrace((), 1.0, TimeSeries(), TimeSeries()))

    assert "bat1 was not stepped" == probe_findings.describe_result(subjects["battery"], seen)
