"""The contract with the store, held for the real one and for the one of our tests alike."""

import pytest

from quartier.district.records import NOTHING_ABOVE, has_reached
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

UTC_MS = 1_764_000_000_000


class Real:
    """The store with the notebook's way of putting things in."""

    def __init__(self, folder):
        self.store = Store(
            folder / "history.db", folder, assets=("grid", "bat1"), local_streams=(), commit_s=1.0
        )
        self.at_ms = 0
        self.store.open(self.now)
        self.runs, self.run = self.store.runs, self.store.run
        self.heads, self.trim = self.store.heads, self.store.trim

    @property
    def now(self):
        return Now(self.at_ms * 1_000_000, UTC_MS + self.at_ms, True)

    def put(self, stream, metric, value):
        self.at_ms += 100_000
        point = metric if stream == "node" else f"{stream}.{metric}"
        now = self.now
        self.store.record(make_readings([Reading(point, value, Quality.GOOD, now.ns)], now.ns), now)


def rows(runs):
    return [sample for run in runs for sample in run.rows()]


@pytest.fixture(params=["notebook", "store"])
def outbox(request, make_notebook, tmp_path):
    if request.param == "notebook":
        yield make_notebook()
        return
    real = Real(tmp_path)
    yield real
    real.store.close(real.now)


def test_samples_above_the_marks_come_in_sequence_and_a_closed_stream_not_at_all(outbox):
    for number in range(1, 6):
        outbox.put("grid", "power_w", number * 1_000.0)
    outbox.put("bat1", "soc_pct", 50.0)
    heads = outbox.heads()
    boot = heads["grid"].boot

    assert {"grid": StreamPosition(boot, 5), "bat1": StreamPosition(boot, 1)} == {
        name: heads[name] for name in ("grid", "bat1")
    }
    closed = dict.fromkeys(heads, NOTHING_ABOVE)
    found = rows(outbox.runs({**closed, "grid": StreamPosition(boot, 2)}, 2))
    assert [(boot, 3, 3_000.0), (boot, 4, 4_000.0)] == [(s.boot, s.seq, s.value) for s in found]
    assert [] == outbox.runs(closed, 10)
    del closed["bat1"]
    assert [("bat1", 1, "soc_pct")] == [(s.stream, s.seq, s.metric) for s in rows(outbox.runs(closed, 10))]


def test_where_not_all_fit_each_stream_gets_its_share_and_the_longest_wait_goes_first(outbox):
    for number in range(1, 11):
        outbox.put("grid", "power_w", number * 1_000.0)
    outbox.put("bat1", "soc_pct", 50.0)
    for number in range(1, 11):
        outbox.put("node", "rs485.requests_count", number)
    found = [(run.stream, len(run)) for run in outbox.runs({"event": NOTHING_ABOVE}, 9)]
    assert [("grid", 3), ("bat1", 1), ("node", 5)] == found


def test_one_stream_is_read_alone(outbox):
    for number in range(1, 6):
        outbox.put("grid", "power_w", number * 1_000.0)
        outbox.put("bat1", "soc_pct", number * 10.0)
    boot = outbox.heads()["grid"].boot
    assert [4, 5] == [s.seq for s in outbox.run("grid", StreamPosition(boot, 3), 10).rows()]
    assert [1, 2] == [s.seq for s in outbox.run("bat1", None, 2).rows()]
    assert outbox.run("grid", StreamPosition(boot, 5), 10) is None
    assert outbox.run("ev1", None, 10) is None


def test_trimmed_samples_are_not_offered_to_who_knows_the_marks(outbox):
    for number in range(1, 6):
        outbox.put("grid", "power_w", number * 1_000.0)
    mark = StreamPosition(outbox.heads()["grid"].boot, 3)
    outbox.trim({"grid": mark})
    closed = {name: NOTHING_ABOVE for name in outbox.heads() if name != "grid"}
    assert [4, 5] == [s.seq for s in rows(outbox.runs({**closed, "grid": mark}, 10))]
    assert 5 == outbox.heads()["grid"].seq


@pytest.mark.parametrize(
    ("mark", "goal", "expected"),
    [
        (None, StreamPosition(1, 1), False),
        (StreamPosition(1, 1), StreamPosition(1, 1), True),
        (StreamPosition(2, 0), StreamPosition(1, 9), True),
        (StreamPosition(1, 9), StreamPosition(2, 0), False),
    ],
)
def test_boots_come_before_numbers(mark, goal, expected):
    assert expected == has_reached(mark, goal)
