"""Events of a scenario, done to a house in one process; most have scenarios of their own."""


def test_what_happens_is_marked_and_done_in_its_second(day):
    text = "".join(
        f"[[events]]\nat_s = {at_s}\n{event}\n"
        for at_s, event in (
            (5, 'do = "say"\ntext = "the evening begins"'),
            (10, 'do = "plug"\nneed_wh = 5000'),
            (20, 'do = "load"\nextra_w = 900\nfor_s = 10'),
            (30, 'do = "voltage"\nvolts = 200\nphases = [1, 2, 3]'),
        )
    )
    done = day(text, duration_s=40).perform()

    assert [(5, "say"), (10, "event"), (20, "event"), (30, "fault")] == [
        (mark.at_s, mark.kind) for mark in done.record.marks
    ]
    columns = {
        name: dict(zip(done.record.times_s, done.record.columns[name], strict=True))
        for name in done.record.columns
    }
    assert [0, 900] == [columns["base.power_w"][at_s] - 500 for at_s in (20, 21)]
    assert 198 < columns["grid.voltage_l1_v"][35] <= 200
    assert columns["ev1.power_w"][20] > 0
