"""The outbox of a load test keeps the contract of the store's (gateway/quartier/district/records.py)."""

from quartier.site.samples import StreamPosition
from quartier_bench.load_test.gateways import MemoryOutbox

NAMES = (("grid", "power_w"), ("grid", "voltage_l1_v"), ("pv1", "power_w"))


def book(count=4):
    made = MemoryOutbox(7, NAMES)
    for number in range(count):
        for point in range(3):
            made.put(point, float(number), 1000 * number + point)
    return made


def told(runs):
    return {run.stream: [(row.seq, row.metric, row.value) for row in run.rows()] for run in runs}


def test_each_stream_is_numbered_from_one_without_a_hole():
    assert {"grid": StreamPosition(7, 8), "pv1": StreamPosition(7, 4)} == book().heads()
    assert [(1, "power_w", 0.0), (2, "voltage_l1_v", 0.0), (3, "power_w", 1.0)] == told(book().runs({}, 100))[
        "grid"
    ][:3]


def test_samples_above_the_marks_come_in_their_order_and_within_the_limit():
    runs = book().runs({"grid": StreamPosition(7, 6), "pv1": StreamPosition(6, 99)}, 3)

    assert {"pv1": [(1, "power_w", 0.0), (2, "power_w", 1.0)], "grid": [(7, "power_w", 3.0)]} == told(runs)
    assert ["pv1", "grid"] == [run.stream for run in runs]


def test_above_the_newest_and_in_unknown_streams_there_is_nothing():
    assert [] == book().runs({"grid": StreamPosition(7, 8), "pv1": StreamPosition(8, 0)}, 100)
    assert book().run("ev1", None, 10) is None
    assert book().run("grid", StreamPosition(7, 8), 10) is None
    assert {} == MemoryOutbox(7, NAMES).heads()


def test_what_is_covered_is_gone_and_the_numbers_go_on():
    made = book()
    made.trim({"grid": StreamPosition(7, 5), "pv1": StreamPosition(6, 99), "ev1": StreamPosition(7, 1)})

    assert (7, 12) == (made.samples_count, made.most_kept)
    assert [6, 7, 8] == [row.seq for row in made.run("grid", StreamPosition(7, 2), 10).rows()]
    made.trim({"grid": StreamPosition(7, 99)})
    made.put(0, 5.0, 9999)
    assert StreamPosition(7, 9) == made.heads()["grid"]


def test_a_past_is_numbered_like_what_follows_it():
    made = MemoryOutbox(7, NAMES)
    made.fill(120.0, 40.0, 1_000_000)
    made.put(1, 9.0, 1_000_000)

    assert {"grid": StreamPosition(7, 7), "pv1": StreamPosition(7, 3)} == made.heads()
    rows = list(made.run("grid", None, 10).rows())
    assert [880_000, 880_000, 920_000, 920_000, 960_000, 960_000, 1_000_000] == [
        row.taken_utc_ms for row in rows
    ]
    assert ["power_w", "voltage_l1_v"] == [row.metric for row in rows[:2]]
