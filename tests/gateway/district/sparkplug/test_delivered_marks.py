"""Marks move only over what this session sent, whatever a watermark says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.district.conftest import codes
from tests.gateway.district.test_session_delivery import METRICS, STEP, Run

from quartier.district.sparkplug.delivered_marks import DeliveredMarks, NumberRanges
from quartier.district.sparkplug.payload_codec import decode_payload
from quartier.site.samples import StreamPosition

FUTURE = 2**63


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12))))
def test_ranges_hold_what_was_added_and_nothing_else(added):
    ranges, held = NumberRanges(), set()
    for first, more in added:
        ranges.add(first, first + more)
        held |= set(range(first, first + more + 1))
    for number in range(75):
        end = number
        while end + 1 in held:
            end += 1
        assert (end if number in held else None) == ranges.end(number)


@pytest.fixture
def outbox(make_notebook):
    """A store with samples 1..5 of boot 7 and 1..3 of boot 9, of one stream."""
    notebook = make_notebook()
    for _ in range(5):
        notebook.put("grid", "power_w", 1.0)
    notebook.restart(by=2)
    for _ in range(3):
        notebook.put("grid", "power_w", 1.0)
    return notebook


def test_no_mark_moves_while_the_store_cannot_see_all_that_it_kept(outbox):
    outbox.is_whole = False
    assert (None, []) == marks_after(outbox, ALL, StreamPosition(9, 3))
    outbox.is_whole = True
    assert (StreamPosition(9, 3), []) == marks_after(outbox, ALL, StreamPosition(9, 3))


def marks_after(outbox, sent, claim, before=None):
    delivery = DeliveredMarks({} if before is None else {"grid": before})
    for boot, first, count in sent:
        delivery.note_sent_samples("grid", boot, first, count)
    notes = delivery.watermark({"grid": claim}, outbox)
    return delivery.marks.get("grid"), codes(notes)


ALL = ((7, 1, 5), (9, 1, 3))
AHEAD = ["district.watermark_ahead"]


@pytest.mark.parametrize(
    ("sent", "claim", "before", "expected"),
    [
        ((), StreamPosition(7, 2), None, None),  # nothing was sent in this session
        (((7, 1, 3),), StreamPosition(7, 2), None, StreamPosition(7, 2)),
        (
            ((7, 1, 3),),
            StreamPosition(7, 5),
            None,
            StreamPosition(7, 3),
        ),  # stored beyond what was sent: as far as that
        (((7, 2, 4),), StreamPosition(7, 5), None, None),  # the first one never left
        (((7, 2, 4),), StreamPosition(7, 5), StreamPosition(7, 1), StreamPosition(7, 5)),
        (
            ((7, 1, 2), (7, 4, 2)),
            StreamPosition(7, 5),
            None,
            StreamPosition(7, 2),
        ),  # the third one never left
        (((9, 1, 3),), StreamPosition(9, 3), None, None),  # an older boot waits
        (((7, 1, 4), (9, 1, 3)), StreamPosition(9, 3), None, StreamPosition(7, 4)),
        (ALL, StreamPosition(9, 2), None, StreamPosition(9, 2)),
        (ALL, StreamPosition(7, 9), None, StreamPosition(7, 5)),  # a power cut took four that had left
        (ALL, StreamPosition(8, 50), None, None),  # another machine's boot
        (
            ALL,
            StreamPosition(9, 1),
            StreamPosition(9, 3),
            StreamPosition(9, 3),
        ),  # an old one: marks never go back
    ],
)
def test_a_mark_goes_as_far_as_both_the_district_and_this_session_did(outbox, sent, claim, before, expected):
    assert (expected, []) == marks_after(outbox, sent, claim, before)


@pytest.mark.parametrize(
    "claim",
    [StreamPosition(9, 4), StreamPosition(10, 1), StreamPosition(FUTURE, 1), StreamPosition(FUTURE, FUTURE)],
)
def test_a_mark_of_the_future_moves_nothing_and_is_an_alarm(outbox, claim):
    assert (None, AHEAD) == marks_after(outbox, ALL, claim)
    assert (StreamPosition(7, 1), AHEAD) == marks_after(outbox, ALL, claim, StreamPosition(7, 1))


def test_what_was_evicted_before_it_could_leave_holds_no_mark_back(outbox):
    outbox.kept = [sample for sample in outbox.kept if (sample.boot, sample.seq) not in {(7, 2), (7, 3)}]
    assert (StreamPosition(9, 3), []) == marks_after(
        outbox, ((7, 1, 1), (7, 4, 2), (9, 1, 3)), StreamPosition(9, 3)
    )


def test_what_was_sent_and_what_the_district_has_outlive_a_session_and_the_eviction(outbox):
    delivery = DeliveredMarks(is_stranger=lambda _boot: False)
    delivery.note_sent_samples("grid", 7, 2, 2)
    delivery.start_data_session()
    outbox.kept = [sample for sample in outbox.kept if sample.boot == 9]  # evicted before a watermark came
    assert [False, True, True, False] == [delivery.has_sent("grid", 7, n, n) for n in (1, 2, 3, 4)]
    assert delivery.has_sent("grid", 7, 1, 9)
    assert not delivery.has_sent("grid", 9, 2, 2)

    delivery.watermark({"grid": StreamPosition(7, 3)}, outbox)
    assert {} == delivery.marks
    assert {"grid": StreamPosition(7, 3)} == delivery.district_marks
    delivery.confirm("grid", StreamPosition(9, 1))
    assert {"grid": StreamPosition(9, 1)} == delivery.district_marks
    delivery.watermark({}, outbox)  # a district that lost its store
    assert {"grid": StreamPosition(9, 1)} == delivery.district_marks


def test_samples_of_an_older_boot_that_are_found_late_hold_the_mark_back_until_they_left(make_notebook):
    outbox, delivery = make_notebook(9), DeliveredMarks()
    outbox.put("grid", "power_w", 1.0)
    delivery.note_sent_samples("grid", 9, 1, 1)
    late = make_notebook(8)
    late.put("grid", "power_w", 1.0)
    outbox.kept = [*late.kept, *outbox.kept]
    delivery.watermark({"grid": StreamPosition(9, 1)}, outbox)
    assert {} == delivery.marks

    delivery.note_sent_samples("grid", 8, 1, 1)
    delivery.watermark({"grid": StreamPosition(9, 1)}, outbox)
    assert {"grid": StreamPosition(9, 1)} == delivery.marks


def test_a_new_session_has_sent_nothing_and_events_have_a_session_of_their_own(make_notebook):
    outbox, delivery = make_notebook(), DeliveredMarks()
    for stream in ("grid", "event"):
        outbox.put(stream, "power_w", 1.0)
        delivery.note_sent_samples(stream, 7, 1, 1)
    claims = {"grid": StreamPosition(7, 1), "event": StreamPosition(7, 1)}
    delivery.start_data_session()
    delivery.watermark(claims, outbox)
    assert {"event": StreamPosition(7, 1)} == delivery.marks

    delivery = DeliveredMarks()
    delivery.note_sent_samples("event", 7, 1, 1)
    delivery.start_event_session()
    delivery.watermark(claims, outbox)
    assert {} == delivery.marks


def test_the_alarm_names_three_streams_and_counts_the_others(make_notebook):
    outbox = make_notebook()
    for stream in "abcde":
        outbox.put(stream, "power_w", 1.0)
    (note,) = DeliveredMarks().watermark({stream: StreamPosition(FUTURE, 1) for stream in "abcdex"}, outbox)
    assert f"a {FUTURE}/1, b {FUTURE}/1, c {FUTURE}/1 and 2 more" in note.text
    assert ["a", "b", "c"] == note.data["streams"]


def test_a_host_without_watermarks_is_served_by_our_own_word_and_no_mark_goes_back():
    delivery = DeliveredMarks()
    delivery.confirm("grid", StreamPosition(7, 4))
    delivery.confirm("grid", StreamPosition(7, 2))
    assert {"grid": StreamPosition(7, 4)} == delivery.marks


BOOTS = st.sampled_from([0, 5, 6, 7, 8, 9, 12, FUTURE, 2**64 - 1])
SEQS = st.sampled_from([0, 1, 2, 5, 39, 40, 41, 100, FUTURE])
FORGED = st.builds(
    lambda bdseq, marks: json.dumps(
        {"bdseq": bdseq, "streams": {name: {"boot": boot, "seq": seq} for name, (boot, seq) in marks.items()}}
    ).encode(),
    st.sampled_from([None, 0, 1, 2, 255, FUTURE]),
    st.dictionaries(st.sampled_from([*METRICS, "event", "x"]), st.tuples(BOOTS, SEQS), max_size=6),
)
GARBAGE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"[]", b"{}", b'{"streams": []}', b"[" * 5_000, b'{"bdseq": 1e999}', b"9" * 5_000]),
)
WATERMARK = st.tuples(st.just("said"), st.one_of(FORGED, GARBAGE), st.just(0))
NEAR = st.tuples(st.just("near"), st.just("bat1"), st.integers(-3, 2))
# What is sent in part, lost and claimed: drawn more often than all else that may happen.
CORE = st.one_of(
    NEAR,
    st.tuples(st.just("put"), st.just("bat1"), st.integers(1, 3)),
    st.tuples(st.just("pump"), st.sampled_from([200, 10**6]), st.integers(0, 1)),
    st.tuples(st.just("lose"), st.just(False), st.just(0)),
)
REPLAYED = st.tuples(st.just("again"), st.just(0), st.integers(0, 5))


class Watched(Run):
    """A life in which anybody may write watermarks: what they may do to the marks is checked after each.

    A session begins with its births: until then a watermark counts for what the last one sent.
    """

    def __init__(self, parts):
        self.gone, self.before = set(), {}
        self.rightly = []
        super().__init__(parts, watermark=True, host=False)

    def connect(self):
        self.is_new = True
        super().connect()

    def say(self, effects, *, lost=False):
        for effect in effects:
            if (
                "/NBIRTH/" in getattr(effect, "topic", "")
                and decode_payload(effect.payload).seq == 0
                and self.is_new
            ):
                self.gone, self.before, self.is_new = set(), dict(self.session.marks), False
            if getattr(effect, "upto", None) is not None:
                key = decode_payload(effect.payload).key
                self.gone |= {(effect.stream, key.boot, seq) for seq in range(key.first, effect.upto.seq + 1)}
        super().say(effects, lost=lost)

    def step(self, what, which, amount):
        if what == "said":
            self.say(self.session.watermark(which, self.world.context))
        elif what == "again" and self.rightly:
            self.say(self.session.watermark(self.rightly[amount % len(self.rightly)], self.world.context))
        elif what == "near":
            if (head := self.world.notebook.heads().get(which)) is not None:
                mark = {which: {"boot": head.boot, "seq": max(0, head.seq + amount)}}
                forged = json.dumps({"bdseq": self.bdseq, "streams": mark}).encode()
                self.say(self.session.watermark(forged, self.world.context))
        elif what != "again":
            super().step(what, which, amount)
        if what == "mark":
            self.rightly.append(self.district.watermark(self.bdseq))
        self.check_marks()

    def check_marks(self):
        for stream, mark in self.session.marks.items():
            before = self.before.get(stream)
            for sample in self.world.notebook.kept:
                place = sample.boot, sample.seq
                is_new = before is None or place > (before.boot, before.seq)
                if sample.stream == stream and is_new and place <= (mark.boot, mark.seq):
                    assert (stream, *place) in self.gone, f"{stream} {place} never left, the mark is {mark}"
        for stream, mark in self.before.items():
            now = self.session.marks[stream]
            assert (now.boot, now.seq) >= (mark.boot, mark.seq)


@examples(150, deep=4_000)
@given(steps=st.lists(st.one_of(CORE, CORE, CORE, STEP, WATERMARK, REPLAYED), min_size=10, max_size=40))
def test_no_sequence_of_watermarks_moves_a_mark_beyond_what_was_sent_and_the_link_delivers_afterwards(
    parts, steps
):
    run = Watched(parts)
    for step in steps:
        run.step(*step)
    run.world.silent.clear()
    run.session.process_closing()
    run.connect()
    after = {}
    for stream, metric in METRICS.items():
        run.world.put(stream, metric, 1.0)
        sample = run.world.notebook.kept[-1]
        after[stream] = (stream, sample.boot, sample.seq)
    for number in range(30):
        run.say(run.session.pump(run.world.pass_s(11).context, 10**7))
        if number % 3 == 2:  # a watermark comes every 30 s at the latest (spec/sync.md)
            run.mark()
    run.check_marks()
    assert set(after.values()) <= set(run.district.keys)
