import json

from quartier.store.gaps import Gap, event_value, from_data

LOST = Gap("evicted", "grid", 7, 11, 20, 1000, 2000)
CUT = Gap("power-cut", "*", 7, 0, 0, 1000, 2000, (("bat1", 3), ("grid", 11)))


def test_a_gap_survives_json() -> None:
    assert [LOST, CUT] == [from_data(json.loads(json.dumps(gap.data()))) for gap in (LOST, CUT)]


def test_a_gap_counts_what_is_known_to_be_missing() -> None:
    assert (10, 0) == (LOST.count, CUT.count)


def test_a_gap_says_what_where_and_why_in_one_line() -> None:
    assert "10 samples of grid are missing (evicted; boot 7, from 11)" == LOST.text()
    assert "samples after the last commit of boot 7 are missing (power-cut)" == CUT.text()


def test_an_event_is_one_json_object_with_text_and_data() -> None:
    assert {"text": "né", "data": {"a": 1}} == json.loads(event_value("né", {"a": 1}))
