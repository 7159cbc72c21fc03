"""An evicted sample that was sent is told as missing only once the district left it out."""

import json
import random
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.store.test_history_store import House, at

from quartier.site.samples import StreamPosition
from quartier.store import history_store
from quartier.store.gap_records import GapRecord, find_above

ARRIVAL_S = 60.0


@dataclass
class Link:
    """A delivery as a test wants it: samples of the stream ``grid`` up to ``sent`` were sent."""

    sent: int = 0
    district_marks: dict[str, StreamPosition] = field(default_factory=dict)
    heard_s: float = -1e6

    @property
    def decision_ns(self) -> int:
        return int((self.heard_s - ARRIVAL_S) * 1e9)

    def has_sent(self, stream: str, _boot: int, first: int, _last: int) -> bool:
        return stream == "grid" and first <= self.sent


def fill(house: House, chunks_count: int, dice: random.Random) -> None:
    for _ in range(chunks_count):
        house.record(*(dice.random() for _ in range(256)))
        house.pass_time(1)
    house.pass_time(1)


def spans(house: House) -> list[tuple[int, int]]:
    return [(told["first"], told["last"]) for told in map(data_of, house.gaps()) if told["stream"] == "grid"]


def data_of(text: str) -> dict[str, Any]:
    return dict(json.loads(text)["data"])


def undecided(house: House) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap, _ in house.store._undecided]


@pytest.fixture
def full(tmp_path: Path) -> House:
    """A full disk whose link sent all that was evicted, and heard nothing of it."""
    house = House(tmp_path, size_max_bytes=100_000, chunk_count=256, commit_s=1.0)
    house.open()
    house.store.delivery = Link(sent=10**6)
    fill(house, 60, random.Random(1))
    assert undecided(house)[0][0] == 1
    assert [] == spans(house)
    return house


def test_what_the_district_confirms_is_never_told(full: House) -> None:
    last = undecided(full)[-1][1]
    full.store.delivery.district_marks = {"grid": StreamPosition(full.store.boot, last)}
    full.pass_time(1)

    assert [] == undecided(full)
    again = restarted(full)
    assert [] == undecided(again)
    assert [] == spans(again)
    again.store.close(at(again.second))


def test_what_the_district_leaves_out_is_told_once(full: House) -> None:
    evicted = undecided(full)
    full.store.delivery.district_marks = {"grid": StreamPosition(full.store.boot, 100)}
    last_s = full.store._undecided[-1][1] / 1e9
    full.store.delivery.heard_s = last_s + ARRIVAL_S - 0.1  # not long enough after the last eviction
    full.pass_time(1)
    waiting = undecided(full)
    assert waiting
    assert [(101, evicted[0][1]), *evicted[1 : len(evicted) - len(waiting)]] == spans(full)

    full.store.delivery.heard_s += 10
    full.pass_time(1)
    full.pass_time(1)
    assert [(101, evicted[0][1]), *evicted[1:]] == spans(full)
    again = restarted(full)
    again.pass_time(1)
    assert [(101, evicted[0][1]), *evicted[1:]] == spans(again)
    again.store.close(at(again.second))


def test_what_was_never_sent_is_told_at_once(full: House) -> None:
    waiting = undecided(full)
    full.store.delivery.sent = waiting[-1][1]
    fill(full, 10, random.Random(2))

    assert waiting == undecided(full)
    assert spans(full)[0][0] == waiting[-1][1] + 1
    full.store.close(at(full.second))


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_killed_process_leaves_what_is_undecided_to_the_next_one(full: House, *, is_linked: bool) -> None:
    evicted = undecided(full)
    again = restarted(full)
    again.store.delivery = Link() if is_linked else None
    again.pass_time(1)
    assert (evicted, []) == (undecided(again), spans(again)) or not is_linked

    if is_linked:
        again.store.delivery.heard_s = again.second + ARRIVAL_S + 1
        again.pass_time(1)
    again.pass_time(1)
    assert ([], evicted) == (undecided(again), spans(again))
    again.store.close(at(again.second))


def test_a_file_that_is_lost_leaves_nothing_undecided(full: House) -> None:
    for path in full.path.parent.glob("history.db*"):
        path.unlink()
    full.record(1.0)
    full.pass_time(1)
    full.pass_time(1)
    told = sorted(spans(full))

    assert [] == undecided(full)
    assert 1 == told[0][0]
    assert all(before[1] < after[0] for before, after in pairwise(told))
    full.store.close(at(full.second))


def test_few_spans_are_undecided_at_a_time(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    evicted = undecided(full)
    monkeypatch.setattr(history_store, "UNDECIDED_COUNT_MAX", 2)
    full.pass_time(1)

    assert evicted[-2:] == undecided(full)[:2]
    assert evicted[:-2] == spans(full)
    full.store.close(at(full.second))


def test_nothing_evicted_is_offered_again(full: House) -> None:
    last = undecided(full)[-1][1]

    for above in (None, StreamPosition(full.store.boot, 3)):
        assert last + 1 == full.store.run("grid", above, 1).first
    assert last + 1 == min(sample.seq for sample in full.samples() if sample.stream == "grid")
    full.store.close(at(full.second))


def test_what_was_told_before_two_kills_is_not_told_again(tmp_path: Path) -> None:
    house = House(tmp_path, size_max_bytes=60_000, chunk_count=64, commit_s=1.0)
    house.open()
    house.store.delivery, dice = Link(), random.Random(3)
    while not spans(house):
        house.record(*(dice.random() for _ in range(700)))
        house.pass_time(1)
    told = spans(house)  # the last one may stand in the journal alone
    for _ in range(2):
        house = restarted(house)
        house.store.delivery = Link()
        house.pass_time(1)
    house.store.delivery.heard_s = house.second + ARRIVAL_S + 1
    house.pass_time(1)
    house.pass_time(1)

    assert told == spans(house)
    house.store.close(at(house.second))


@examples(15, deep=200)
@given(st.data())
def test_each_evicted_sample_is_confirmed_or_told_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    house = House(tmp_path_factory.mktemp("full"), size_max_bytes=60_000, chunk_count=64, commit_s=1.0)
    house.open()
    boot, link, dice = house.store.boot, Link(), random.Random(3)
    house.store.delivery = link
    held: set[int] = set()
    for step in data.draw(
        st.lists(
            st.sampled_from(["record", "record", "send", "lose", "hear", "kill"]), min_size=20, max_size=60
        )
    ):
        if step == "record" and house.store.boot == boot:
            house.record(*(dice.random() for _ in range(700)))
        elif step in {"send", "lose"}:
            run = house.store.run("grid", StreamPosition(boot, link.sent), 500)
            if run is not None and run.boot == boot:
                link.sent = run.last
                held |= set(range(run.first, run.last + 1)) if step == "send" else set()
        elif step == "hear":
            known = held | {seq for first, last in spans(house) for seq in range(first, last + 1)}
            reached = next(seq for seq in range(10**6) if seq + 1 not in known)
            link.district_marks, link.heard_s = {"grid": StreamPosition(boot, reached)}, house.second
        elif step == "kill":
            house = restarted(house)
            house.store.delivery = link
        house.pass_time(30)
    gone = house.store.run("grid", None, 1)
    newest = house.store.heads().get("grid", StreamPosition(boot, 0)).seq
    link.heard_s = house.second + ARRIVAL_S + 1
    house.pass_time(1)
    house.pass_time(1)
    told = [seq for first, last in spans(house) for seq in range(first, last + 1)]

    assert len(told) == len(set(told))
    assert set(range(1, gone.first if gone is not None else newest + 1)) <= set(told) | held
    house.store.close(at(house.second))


def restarted(house: House) -> House:
    house.die()
    return house.again()


@pytest.mark.parametrize(
    ("mark", "first"), [((6, 99), 11), ((7, 3), 11), ((7, 14), 15), ((7, 20), None), ((8, 1), None)]
)
def test_a_mark_covers_the_beginning_of_a_gap(mark: tuple[int, int], first: int | None) -> None:
    gap = GapRecord("evicted", "grid", 7, 11, 20, 0, 1)
    left = find_above(gap, StreamPosition(*mark))

    assert first == (None if left is None else left.first)
