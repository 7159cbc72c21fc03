from quartier_hil.processes.daemon_process import find_value
from quartier_hil.runner.outcome import group_by_second, read_answers, read_sample_times, read_samples


def test_samples_come_from_the_districts_log_by_point(tmp_path):
    log = tmp_path / "district.jsonl"
    log.write_text(
        '{"kind": "NBIRTH", "stream": "node", "metrics": [["bdSeq", 1]]}\n'
        '{"stream": "grid", "first": 1, "metrics": [["power_w", 5, 1.0, 192], ["power_w", 6, 2.0, 192]]}\n'
        '{"stream": "node", "first": 1, "metrics": [["rs485.slack_pct", 7, 1.0, 192]]}\n'
        '{"stream": "grid", "fir'
    )

    assert {"grid.power_w": {5, 6}, "rs485.slack_pct": {7}} == read_sample_times(log)
    assert [("grid.power_w", 5, 192), ("grid.power_w", 6, 192), ("rs485.slack_pct", 7, 192)] == list(
        read_samples(log)
    )


def test_without_a_log_nothing_was_received(tmp_path):
    assert {} == read_sample_times(tmp_path / "none")


def test_a_key_is_found_however_deep():
    assert 3 == find_value({"a": 1, "b": {"c": {"d": 3}}}, "d")
    assert find_value({"a": [1]}, "d") is None


def test_answers_to_invalid_envelopes_are_found_by_name_or_else_by_their_turn(tmp_path):
    log = tmp_path / "district.jsonl"
    log.write_text(
        '{"kind": "invalid_envelope", "of": "huge", "id": "insane-1"}\n'
        '{"kind": "ack", "body": {"id": "insane-1", "status": "NEW", "reason": ""}}\n'
        '{"kind": "ack", "body": {"id": "insane-1", "status": "ACTIVE", "reason": null}}\n'
        '{"kind": "ack", "body": {"id": "district-5", "status": "ACTIVE"}}\n'
        '{"kind": "invalid_envelope", "of": "nan", "id": "insane-2"}\n'
        '{"kind": "ack", "body": {"id": "", "status": "REJECTED", "reason": "BOUNDS"}}\n'
    )

    assert [("huge", "ACTIVE", ""), ("nan", "REJECTED", "BOUNDS")] == read_answers(log)


def test_a_value_reported_before_the_start_still_stands_at_second_0():
    rows = [
        ("hp1.power_w", 9_000, 0),
        ("hp1.power_w", 9_900, 192),
        ("ev1.power_w", 10_500, 192),
        ("ev1.power_w", 12_000, 0),
    ]
    assert {
        "hp1.power_w": [(0.0, True)],
        "ev1.power_w": [(0.5, True), (2.0, False)],
    } == group_by_second(rows, 10_000.0)
