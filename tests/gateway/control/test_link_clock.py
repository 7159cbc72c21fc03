"""The position in a document while the wall clock is set, lost and found (spec/failsafe.md#rule-8)."""

import json
from dataclasses import dataclass, field, replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.control.conftest import EPOCH_MS, LIMITS, envelope

from quartier.control.link import allowed, machine
from quartier.control.link import state as link_state
from quartier.control.link.state import LinkMode, TrackedDocument, UtcPosition
from quartier.control.requests import Envelope, Heartbeat, Interval
from quartier.site.records import Now

HOUR = 3_600
PARAMS = allowed.LinkParameters(limits=LIMITS)


def hourly(*watts, seq=1, **more):
    """An envelope of one hour for each of the import limits from t = 0 on, and its end with the last."""
    steps = tuple(Interval(HOUR, one, 6_000) for one in watts)
    return replace(envelope(seq, exp_s=len(watts) * HOUR, default_w=15_000, **more), intervals=steps)


def given_hourly(drive, *watts, **more):
    """CONTROLLED by such an envelope."""
    d = drive().start()
    d.give(hourly(*watts, **more))
    return d.beat()


# A clock that is set


@pytest.mark.parametrize("by_s", [-10 * 365 * 86_400, -HOUR, -61])
def test_a_trusted_clock_set_back_keeps_the_running_limit_and_is_named_at_once(drive, by_s):
    d = given_hourly(drive, 4_000).beats_until(600)
    d.jump_s = by_s

    assert (LinkMode.CONTROLLED, 4_000) == (d.tick(601).mode, d.caps.import_max_w)
    assert "the clock was set back" in d.caps.clock


@pytest.mark.parametrize("by_s", [-HOUR, HOUR])
def test_in_autonomous_a_set_clock_keeps_the_limit_of_a_document_and_is_named_at_once(drive, by_s):
    d = drive().start().tick(121)
    d.give(hourly(4_000))
    d.tick(600).jump_s = by_s
    d.tick(601)

    assert (LinkMode.AUTONOMOUS, 4_000) == (d.mode, d.caps.import_max_w)
    assert d.caps.clock.endswith("limits are kept by both times until a heartbeat agrees with it")
    assert (4_000, 8_000) == (d.tick(HOUR - 1).caps.import_max_w, d.tick(HOUR + 1).caps.import_max_w)


@pytest.mark.parametrize(
    ("by_s", "watts"),
    [(-1, 4_000), (1, 4_000), (HOUR, 2_000), (2 * HOUR, 4_000), (-2 * HOUR, 4_000), (10 * HOUR, 4_000)],
)
def test_of_two_positions_the_lower_limit_counts(drive, by_s, watts):
    d = given_hourly(drive, 4_000, 2_000, 9_000).tick(600)
    d.jump_s = by_s

    assert watts == d.tick(601).caps.import_max_w


def test_a_second_counts_too(drive):
    d = given_hourly(drive, 4_000, 9_000).beats_until(HOUR)
    d.jump_s = -1

    assert (4_000, 9_000) == (d.tick(HOUR).caps.import_max_w, d.tick(HOUR + 1).caps.import_max_w)


@pytest.mark.parametrize("by_s", [-HOUR, HOUR, 10 * 365 * 86_400])
def test_a_document_ends_when_its_length_is_over_whatever_the_clock_was_set_to(drive, by_s):
    d = drive().start().tick(121)
    d.give(hourly(4_000, 4_000))
    d.tick(600).jump_s = by_s
    d.tick(601)

    assert (4_000, 8_000) == (d.tick(2 * HOUR - 1).caps.import_max_w, d.tick(2 * HOUR + 1).caps.import_max_w)


def test_a_heartbeat_that_agrees_sets_the_position_anew(drive):
    d = given_hourly(drive, 4_000, 9_000, 2_000).beats_until(600)
    d.jump_s = HOUR
    waits = d.tick(601).caps.import_max_w

    assert (4_000, 9_000) == (waits, d.beat(602).caps.import_max_w)
    assert 2_000 == d.beats_until(HOUR + 1).caps.import_max_w
    assert "" == d.caps.clock


def test_a_heartbeat_that_agrees_makes_a_document_last_longer_by_a_clock_that_was_set_back(drive):
    d = given_hourly(drive, 4_000, nbf_s=-4 * HOUR).beats_until(600)
    d.jump_s = -HOUR
    d.beats_until(2 * HOUR - 10)

    assert (LinkMode.CONTROLLED, 4_000) == (d.mode, d.caps.import_max_w)
    assert 15_000 > LIMITS.import_hard_w == d.tick(2 * HOUR + 1).caps.import_max_w


def test_no_document_outlasts_its_whole_length_even_by_heartbeats(drive):
    d = drive().start().tick(121)
    d.give(hourly(4_000, nbf_s=0))
    d.jump_s = -10 * HOUR
    d.beats_until(121 + HOUR + 61)

    assert not tuple(allowed.find_active_documents(d.state, d.now))


def test_what_a_set_clock_would_loosen_waits_for_a_heartbeat_that_agrees(drive):
    d = given_hourly(drive, 4_000).tick(50)
    d.jump_s = 70
    d.give(hourly(9_000, seq=2), 55)
    held = d.caps.import_max_w
    d.jump_s = 20  # no step of over a minute, and the heartbeat of t = 0 is old enough

    assert (4_000, 4_000) == (held, d.tick(61).caps.import_max_w)
    assert 9_000 == d.beat(62).caps.import_max_w


def test_a_heartbeat_of_the_district_that_the_clock_denies_counts_for_nothing_and_is_named(drive):
    d = drive(jump_s=-HOUR).start()
    d.state = machine.accept_heartbeat(d.state, d.params, Heartbeat(1, EPOCH_MS), d.now)
    said = d.caps.clock

    assert "the clock is 1 h behind the district's heartbeats, so none of them counts" == said
    assert (LinkMode.AUTONOMOUS, said) == (d.tick(120).mode, d.state.why)
    assert "" == d.tick(121).caps.clock


def test_a_loss_by_a_set_clock_names_the_clock_and_not_the_heartbeat(drive):
    d = given_hourly(drive, 4_000).tick(60)
    d.jump_s = -HOUR
    d.tick(121)

    assert (LinkMode.FAILSAFE, "the clock was set back by 1 h") == (d.mode, d.state.why.partition(":")[0])


def test_a_step_that_a_heartbeat_confirms_in_the_same_cycle_is_named_all_the_same(drive):
    d = given_hourly(drive, 4_000).tick(60)
    d.jump_s = 2 * HOUR
    d.beat(61)

    assert "the clock was set ahead by 2 h" == d.caps.clock.partition(":")[0]
    assert "" == d.beat(67).caps.clock


def test_a_clock_that_makes_no_sense_is_one_alarm_with_the_same_words(drive):
    d = given_hourly(drive, 4_000).tick(60)
    said = set()
    for t in range(61, 400):
        d.jump_s = (80, -75, 10, -90)[t // 10 % 4]
        d.t = t
        if t % 30 == 0:
            d.state = machine.accept_heartbeat(d.state, d.params, Heartbeat(t, EPOCH_MS + t * 1000), d.now)
        said.add(d.tick().caps.clock.partition(":")[0])

    assert said - {""} == {"the clock was set back by 1.5 min"}


@pytest.mark.parametrize(
    ("ms", "words"), [(61_000, "1 min"), (5_400_000, "1.5 h"), (172_800_000, "2 d"), (900, "1 s")]
)
def test_a_span_of_time_is_said_as_people_say_it(ms, words):
    assert words == allowed.format_span(ms)


def test_the_first_synchronisation_is_no_step_and_what_it_loosens_waits_for_a_heartbeat(drive):
    d = drive(synced=False, jump_s=-30 * 365 * 86_400).start().tick(121)
    d.give(hourly(4_000, 2_000, 9_000))
    unknown = d.caps.import_max_w
    d.synced, d.jump_s = True, 0
    d.tick(130)

    assert (2_000, 2_000, "") == (unknown, d.caps.import_max_w, d.caps.clock)
    assert 4_000 == d.beat(131).caps.import_max_w


def test_without_a_document_a_step_is_told_of_for_an_hour_and_the_next_one_again(drive):
    d = drive().start().tick(121)
    d.jump_s = -2 * HOUR
    told = [bool(d.tick(t).caps.clock) for t in (122, 122 + HOUR, 123 + HOUR)]
    d.jump_s += 600

    assert [True, True, False] == told
    assert "the clock was set back by 1.8 h" in d.tick(124 + HOUR).caps.clock
    assert d.t * 1000 + EPOCH_MS == allowed.count_utc_ms(d.state, d.now)


def test_while_a_document_is_in_force_a_step_is_told_of_until_it_is_settled(drive):
    d = drive().start().tick(121)
    d.give(hourly(4_000, 4_000))
    d.jump_s = -2 * HOUR
    d.tick(122)

    assert "the clock was set back" in d.tick(2 * HOUR - 1).caps.clock
    assert "" == d.tick(2 * HOUR + 1).caps.clock


def test_planned_work_waits_while_a_set_clock_is_not_confirmed(drive):
    d = given_hourly(drive, 4_000).tick(60)
    before = allowed.find_clock_lost_ms(d.state, d.now)
    d.jump_s = HOUR
    d.tick(70)

    assert (None, EPOCH_MS + 60_000) == (before, allowed.find_clock_lost_ms(d.state, d.now))
    assert EPOCH_MS + 70_000 == allowed.count_utc_ms(d.state, d.now)


# Restarts


def test_a_restart_of_the_process_goes_on_exactly_whatever_the_clock_was_set_to_meanwhile(drive):
    d = given_hourly(drive, 4_000, 9_000).tick(600)
    d.jump_s = -HOUR
    d.restart(down_s=600, rebooted=False)

    assert 4_000 == d.tick(HOUR - 1).caps.import_max_w
    assert 4_000 < d.tick(2 * HOUR + 1).caps.import_max_w
    assert not tuple(allowed.find_active_documents(d.state, d.now))


def test_after_a_reboot_the_strictest_remaining_interval_counts_until_the_clock_is_known(drive):
    d = given_hourly(drive, 1_000, 4_000, 2_000, 9_000).beats_until(HOUR + 60)
    d.boot_s, d.synced = d.t, False
    d.restart(down_s=30, rebooted=True)
    unknown = d.caps.import_max_w
    assert "its strictest part: how long the machine was off is not known" in str(d.caps.sources["import"])
    d.synced = True
    waits = d.tick(HOUR + 120).caps.import_max_w

    assert (2_000, 2_000) == (unknown, waits)
    assert 4_000 == d.beat(HOUR + 121).caps.import_max_w


def test_a_reboot_into_a_later_uptime_is_known_by_the_name_of_the_boot(drive):
    d = given_hourly(drive, 4_000, 2_000, 9_000).tick(60)
    d.synced = False
    d.restart(down_s=1_000, rebooted=True)

    assert 2_000 == d.caps.import_max_w
    assert EPOCH_MS + 60_000 == d.state.programs[0].newest.utc_ms(d.now.ns)


def test_a_clock_that_is_right_at_once_after_a_reboot_sets_the_position_anew(drive):
    d = given_hourly(drive, 4_000, 9_000).tick(60)
    d.boot_s = HOUR + 60
    d.restart(down_s=HOUR + 60, rebooted=True)
    waits = d.caps.import_max_w

    assert (4_000, "") == (waits, d.caps.clock)
    assert 5_000 == d.beat(d.t + 1).caps.import_max_w  # FAILSAFE: the document allows more


def test_a_document_over_by_its_old_position_is_over_by_no_clock_before(drive):
    d = given_hourly(drive, 4_000).tick(600)
    d.boot_s = d.t
    d.jump_s = 10 * 365 * 86_400
    d.restart(down_s=10, rebooted=True)

    assert 4_000 == d.tick(HOUR + 9).caps.import_max_w
    assert 4_000 < d.tick(HOUR + 11).caps.import_max_w


def test_documents_kept_in_the_form_before_go_on_by_the_last_clock_that_was_right(drive):
    d = given_hourly(drive, 4_000, 9_000).tick(600)
    data = json.loads(json.dumps(link_state.dump_link_state(d.state)))
    program = data["programs"][0]
    old = {**data, "format": 1, "anchor_ns": 600 * 10**9, "sure_ns": 0, "sure_utc_ms": EPOCH_MS}
    for new in ("clock", "step_ms", "step_ns", "stepped_ns"):
        del old[new]
    old["programs"] = [{"envelope": program["newest"]["envelope"], "earlier": [], "sure": True}]
    known = link_state.load_link_state(old)
    unknown = link_state.load_link_state({**old, "sure_ns": None, "sure_utc_ms": 0, "anchor_ns": None})

    assert (d.state.clock, EPOCH_MS + 600_000) == (known.clock, known.anchor_utc_ms)
    assert [UtcPosition(EPOCH_MS), UtcPosition(EPOCH_MS, known=False)] == [
        state.programs[0].newest.positions[0] for state in (known, unknown)
    ]
    assert (None, None) == (unknown.clock, unknown.anchor_utc_ms)


def test_a_document_without_a_position_is_refused_as_broken(drive):
    data = link_state.dump_link_state(given_hourly(drive, 4_000).state)
    data["programs"][0]["newest"]["positions"] = []

    with pytest.raises(ValueError, match="broken"):
        link_state.load_link_state(data)


# Documents that come while the clock is wrong


@pytest.mark.parametrize(
    ("jump_s", "synced", "answer"),
    [
        (-HOUR, True, "ACCEPTED"),  # by the counted time it is inside
        (10 * HOUR, True, "ACCEPTED"),
        (-HOUR, False, "ACCEPTED"),
    ],
)
def test_a_tightening_is_taken_though_the_clock_was_set(drive, jump_s, synced, answer):
    d = drive().start().tick(121)
    d.tick(600).jump_s = jump_s
    d.synced = synced
    ack = d.tick(601) and d.give(hourly(4_000, nbf_s=590))

    assert (answer, 4_000) == (ack.status, d.caps.import_max_w)


@pytest.mark.parametrize(
    ("nbf_s", "exp_s", "reason"), [(-9 * HOUR, -1, "EXPIRED"), (12 * HOUR, 13 * HOUR, "NOT_YET")]
)
def test_a_document_that_is_not_inside_by_any_clock_is_refused(drive, nbf_s, exp_s, reason):
    d = drive().start().tick(600)
    d.jump_s = HOUR
    d.tick(601)

    assert reason == d.give(envelope(nbf_s=nbf_s, exp_s=exp_s)).reason


def test_a_document_between_two_clocks_is_inside_by_none(drive):
    d = drive().start().tick(600)
    d.jump_s = 10 * HOUR
    d.tick(601)

    assert "NOT_YET" == d.give(envelope(nbf_s=4 * HOUR, exp_s=5 * HOUR)).reason


def test_a_right_clock_that_corrects_a_wrong_one_lets_documents_in_before_a_heartbeat(drive):
    d = drive(jump_s=-9 * HOUR).start().tick(121)
    d.jump_s = 0
    d.tick(122)
    d.give(hourly(4_000, nbf_s=0))

    assert 4_000 == d.caps.import_max_w


def test_while_nobody_knows_the_time_a_document_is_taken_at_its_strictest(drive):
    d = given_hourly(drive, 9_000).tick(600)
    d.synced, d.jump_s = False, 10 * 365 * 86_400
    d.restart(down_s=1, rebooted=True)
    d.give(hourly(4_000, 1_000, 6_000, seq=2))

    assert 1_000 == d.caps.import_max_w


def test_a_clock_set_back_by_years_lets_no_old_number_in_again(drive):
    d = given_hourly(drive, 4_000, seq=EPOCH_MS).tick(60)
    d.give_failsafe(EPOCH_MS, import_max_w=3_000, export_max_w=0)
    d.jump_s = -10 * 365 * 86_400
    d.n = EPOCH_MS
    heard = d.tick(61).state.heartbeat_ns
    d.state = machine.accept_heartbeat(d.state, d.params, Heartbeat(1, d.now.utc_ms), d.now)

    assert "REPLAY" == d.give(hourly(9_000, seq=EPOCH_MS - 1, nbf_s=-20 * 365 * 86_400)).reason
    assert "REPLAY" == d.give_failsafe(EPOCH_MS - 1, import_max_w=9_000, export_max_w=0).reason
    assert heard == d.state.heartbeat_ns


def test_a_document_that_is_inside_by_two_clocks_lasts_until_it_is_over_by_both(drive):
    d = drive().start().tick(600)
    d.jump_s = -HOUR
    d.tick(601)
    d.give(envelope(import_w=4_000, nbf_s=-HOUR, start_s=-HOUR, exp_s=602))

    assert 4_000 == d.tick(603).caps.import_max_w == d.tick(HOUR + 602).caps.import_max_w
    assert 8_000 == d.tick(HOUR + 603).caps.import_max_w


# A chain of documents, and states that are entered


def test_an_older_document_that_waits_keeps_its_random_start_and_its_position(drive, limits):
    d = drive(params=allowed.LinkParameters(limits=limits, seed=3)).start()
    first = replace(hourly(4_000, 9_000), randomize_start_s=600)
    d.give(first)
    alone = d.beats_until(HOUR + 30).caps.import_max_w
    d.t += 61
    d.give(hourly(9_500, 9_500, seq=2))

    assert (4_000, 4_000) == (alone, d.caps.import_max_w)


def test_no_ended_document_is_carried_on_by_a_chain_that_is_cut_short(drive):
    d = drive().start().tick(121)
    d.give(envelope(1, import_w=1_000, exp_s=200))
    d.tick(201)
    for seq in range(2, 12):
        d.give(envelope(seq, import_w=3_000 + seq, exp_s=9_000))

    assert 3_002 == d.caps.import_max_w
    assert len(d.state.programs[0].earlier) <= machine.EARLIER_ENVELOPES_MAX


def test_a_program_whose_newest_document_ended_goes_on_with_the_one_that_waits(drive):
    d = given_hourly(drive, 4_000, 4_000, 4_000, 4_000).tick(100)
    d.give(envelope(2, import_w=9_000, exp_s=200))
    d.tick(300)

    assert (LinkMode.FAILSAFE, 4_000) == (d.mode, d.caps.import_max_w)
    assert 4_000 == d.tick(3 * HOUR).caps.import_max_w


def test_control_entered_without_a_trusted_clock_keeps_no_document_beyond_its_end(drive):
    d = drive(synced=False).start()
    d.give(envelope(1, "dso", import_w=1_000, default_w=1_000, nbf_s=0, exp_s=300))
    d.give(envelope(1, import_w=9_000, default_w=9_000, nbf_s=0))
    d.beat().beats_until(300)
    entered = d.mode, d.caps.import_max_w

    assert (LinkMode.CONTROLLED, 1_000) == entered
    d.state = machine.note_running_commands(d.state, None, None)
    assert (
        1_000 == d.beats_until(361 + 30).caps.import_max_w
    )  # the default of an expired one stays in this state
    assert (5_000, 5_000) == (
        d.state.floor.import_w,
        allowed.find_failsafe_values(d.state, d.params).import_max_w,
    )


# Any sequence (the oracle is another, simpler computation, by true time)

STEPS = [1, 30, 59, 61, 600, HOUR, 86_400, 10 * 365 * 86_400]
WATTS = [500, 1_500, 3_000, 4_500, 9_000]
moves = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 59, 61, 300, 1_800, 2 * HOUR])),
    st.tuples(st.just("step"), st.sampled_from([*STEPS, *(-one for one in STEPS)])),
    st.tuples(st.just("right")),
    st.tuples(st.just("trust"), st.booleans()),
    st.tuples(st.just("beat")),
    st.tuples(st.just("beat")),
    st.tuples(st.just("restart"), st.sampled_from([0, 5, 400, 9_000]), st.booleans(), st.booleans()),
    st.tuples(
        st.just("document"),
        st.sampled_from(["dso", "district"]),
        st.lists(st.tuples(st.sampled_from([60, 600, HOUR]), st.sampled_from(WATTS)), min_size=1, max_size=4),
        st.sampled_from([5_000, 7_000]),
        st.sampled_from([120, 900, 2 * HOUR, 20 * HOUR]),
        st.sampled_from([0, -300]),
        st.sampled_from(["hold", "failsafe"]),
    ),
)


@dataclass
class Known:
    """What an onlooker with a right clock knows of a document; times are true seconds."""

    steps: list[tuple[int, int]]
    default_w: int
    start_s: int
    nbf_s: int
    exp_s: int
    accepted_s: int
    is_judged: bool
    slack_s: int
    off_s: int = 0
    is_exact: bool = True
    is_replaced: bool = False
    is_released: bool = False

    def at_w(self, t: float) -> int:
        begin_s = self.start_s
        for duration_s, watts in self.steps:
            if begin_s <= t < begin_s + duration_s:
                return watts
            begin_s += duration_s
        return self.default_w

    def most_w(self, t: float) -> float:
        """The most that may be allowed at ``t``; infinite where it may have ended."""
        if not self.is_judged or self.is_released or t + self.slack_s >= self.exp_s:
            return inf
        edges = [t - self.slack_s, t + self.slack_s]
        begin_s = self.start_s
        for duration_s in (0, *(step[0] for step in self.steps)):
            begin_s += duration_s
            edges += [one for one in (begin_s - 1, begin_s) if abs(one - t) <= self.slack_s]
        return max(map(self.at_w, edges))

    def least_w(self, t: float) -> float:
        """The least that it may cause at ``t``; infinite where it must have ended."""
        exact = self.is_exact and self.is_judged
        ends_s = self.exp_s + 61 if exact else self.accepted_s + self.exp_s - self.nbf_s + 61 + self.off_s
        return inf if t > ends_s else min(self.default_w, *(watts for _, watts in self.steps))


@dataclass
class Onlooker:
    """A gateway, the truth, and what is held against it."""

    t: int = 0
    boot_t: int = 0
    jump_s: int = 0
    synced: bool = True
    n: int = 0
    beat_t: float = -inf
    basis_s: int | None = None
    seqs: dict = field(default_factory=dict)
    documents: dict = field(default_factory=dict)

    def __post_init__(self):
        self.state = machine.start_link(PARAMS, None, self.now, outage=False)
        self.saved = None
        self.look()

    @property
    def now(self):
        return Now((self.t - self.boot_t) * 10**9, EPOCH_MS + (self.t + self.jump_s) * 1000, self.synced)

    def look(self):
        """After each change: is no limit wider than the truth, and does none last longer than it may?"""
        if self.synced and self.basis_s is None:
            self.sure()
        if link_state.is_save_due(self.saved, self.state):
            self.saved = link_state.load_link_state(
                json.loads(json.dumps(link_state.dump_link_state(self.state)))
            )
        loosens = self.synced and abs(self.jump_s) <= 60 and self.t - self.beat_t <= 60
        caps = allowed.find_link_limits(self.state, PARAMS, self.now)
        told = (self.t, self.jump_s, self.synced, caps)
        known = [one for documents in self.documents.values() for one in documents]
        for one in known:
            one.is_released |= one.is_replaced and loosens
            assert caps.import_max_w <= one.most_w(self.t), (told, one)
        assert caps.import_max_w >= min([5_000, *(one.least_w(self.t) for one in known)]), (told, known)

    def sure(self):
        """The clock is taken for right now, whatever it shows."""
        self.basis_s = self.jump_s
        for documents in self.documents.values():
            for one in documents:
                if abs(self.jump_s) <= 60:
                    one.slack_s = max(one.slack_s, abs(self.jump_s))

    def tick(self):
        self.state = machine.advance_link(self.state, PARAMS, self.now)
        self.look()

    def wait(self, seconds):
        for _ in range(3):
            self.t += seconds // 3
            self.tick()
        self.t += seconds % 3
        self.tick()

    def step(self, by_s):
        self.jump_s += by_s
        self.tick()

    def right(self):
        self.jump_s = 0
        self.tick()

    def trust(self, synced):
        self.synced = synced
        self.tick()

    def beat(self):
        self.n += 1
        beat = Heartbeat(self.n, EPOCH_MS + self.t * 1000)
        self.state = machine.accept_heartbeat(self.state, PARAMS, beat, self.now)
        if not self.synced or abs(self.jump_s) <= 60:
            self.beat_t = self.t
        if self.synced and abs(self.jump_s) <= 60:
            self.sure()
        self.look()
        self.tick()

    def restart(self, down_s, reboot, outage):
        self.t += down_s
        if reboot:
            self.boot_t, self.basis_s = self.t, None
        self.beat_t = -inf  # one from before allows no loosening
        for documents in self.documents.values():
            for one in documents:
                one.is_exact = one.is_exact and not reboot
                one.off_s += (down_s + 60) * reboot
        state = link_state.load_link_state(json.loads(json.dumps(link_state.dump_link_state(self.saved))))
        self.state = machine.start_link(PARAMS, state, self.now, outage=outage and reboot, rebooted=reboot)
        self.look()

    def document(self, program, steps, default_w, life_s, ago_s, on_loss):
        held = self.state.program(program)
        if held is not None and len(held.earlier) >= machine.EARLIER_ENVELOPES_MAX:
            return
        seq = self.seqs[program] = self.seqs.get(program, 0) + 1
        nbf_s, exp_s, start_s = self.t - 10, self.t + life_s, self.t + ago_s
        made = Envelope(
            id=f"{program}-{seq}",
            seq=seq,
            program=program,
            priority=1,
            nbf_utc_ms=EPOCH_MS + nbf_s * 1000,
            exp_utc_ms=EPOCH_MS + exp_s * 1000,
            start_utc_ms=EPOCH_MS + start_s * 1000,
            intervals=tuple(Interval(duration_s, watts) for duration_s, watts in steps),
            default_import_max_w=default_w,
            default_export_max_w=6_000,
            on_loss=on_loss,
        )
        if self.synced and self.basis_s is None:
            self.sure()
        self.state, ack = machine.accept_envelope(self.state, PARAMS, made, self.now)
        if ack.status == "ACCEPTED":
            unknown = self.basis_s is None
            judged = unknown or abs(self.basis_s) <= 60
            slack_s = 0 if unknown or not judged else abs(self.basis_s)
            mine = self.documents.setdefault(program, [])
            for one in mine:
                one.is_replaced = True
            made = Known(steps, default_w, start_s, nbf_s, exp_s, self.t, judged, slack_s)
            mine.append(replace(made, is_exact=not unknown and abs(self.jump_s) <= 60))
        else:
            assert not (self.basis_s is not None and abs(self.basis_s) <= 60), (ack, self.now)
        self.look()


@examples(250, deep=20_000)
@given(st.lists(moves, min_size=1, max_size=30))
def test_no_step_of_the_clock_widens_a_limit_and_none_makes_it_last_longer_than_its_document(sequence):
    one = Onlooker()
    for kind, *args in sequence:
        getattr(one, kind)(*args)


big_steps = st.sampled_from([sign * one for one in (HOUR, 86_400, 10 * 365 * 86_400) for sign in (1, -1)])
calm_moves = moves.filter(lambda move: move[0] not in {"step", "right", "trust"})


@examples(100, deep=5_000)
@given(st.lists(st.one_of(calm_moves, st.tuples(st.just("step"), big_steps)), min_size=1, max_size=30))
def test_a_run_with_steps_allows_nothing_that_the_same_run_without_them_does_not(sequence):
    set_back, calm = Onlooker(), Onlooker()
    for kind, *args in sequence:
        if kind == "document":
            args[2] = 10_000  # the default of an expired document ends with the state, which a step may end
        if kind == "restart" and args[1]:
            set_back.right()  # what comes after a reboot is judged by the first synchronisation
        getattr(set_back, kind)(*args)
        getattr(calm, "tick" if kind == "step" else kind)(*(() if kind == "step" else args))
        caps, other = (allowed.find_link_limits(one.state, PARAMS, one.now) for one in (set_back, calm))

        assert caps.mode != other.mode or caps.import_max_w <= other.import_max_w, (caps, other)


def test_a_document_knows_where_it_is_by_the_clock_of_each_start():
    one = TrackedDocument(envelope(), (UtcPosition(5_000), UtcPosition(3_000)), 10**9, 0)
    same, anew = one.resume(0, rebooted=False), one.resume(2 * 10**9, rebooted=True)

    assert (one.positions, 10**9) == (same.positions, same.accepted_ns)
    assert ((UtcPosition(1_000, known=False),), 3 * 10**9) == (anew.positions, anew.accepted_ns)
