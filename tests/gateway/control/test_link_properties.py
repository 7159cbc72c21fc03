from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.control.link import envelopes, machine
from quartier.control.link.state import LinkMode
from quartier.control.requests import Interval

# --- properties (spec/failsafe.md#section-6) ------------------------------------------------------

seconds = st.sampled_from([0.5, 1, 29, 59, 61, 119, 121, 600, 3600, 7199, 7201])
watts = st.sampled_from([0.0, 1000.0, 4999.0, 5001.0, 9000.0, 1e6])
moves = st.one_of(
    st.tuples(st.just("tick"), seconds),
    st.tuples(st.just("beat"), seconds),
    st.tuples(st.just("outage"), seconds),
    st.tuples(st.just("restart"), seconds, st.booleans(), st.booleans()),
    st.tuples(st.just("jump"), st.sampled_from([-1e6, -3600, -61, 61, 3600, 1e6])),
    st.tuples(st.just("sync"), st.booleans()),
    st.tuples(st.just("shed"), seconds),
    st.tuples(st.just("test"), seconds),
    st.tuples(st.just("limits"), watts, watts, seconds),
    st.tuples(
        st.just("document"),
        st.sampled_from(["dso", "district"]),
        st.integers(-1, 2),
        st.lists(st.tuples(seconds, watts, watts), min_size=1, max_size=3),
        st.tuples(watts, watts),
        seconds,
        st.sampled_from(["hold", "failsafe"]),
    ),
)


def moved(d, move, document):
    """Make one move; what document was received valid, if any."""
    kind, *args = move
    if kind in {"tick", "outage"}:
        d.tick(d.t + args[0], outage=kind == "outage")
    elif kind == "beat":
        d.beat(d.t + args[0])
    elif kind == "restart":
        down_s, outage, reboot = args
        if reboot:
            d.boot_s = d.t
        d.restart(down_s=down_s, outage=outage)
    elif kind == "jump":
        d.jump_s += args[0]
        d.tick()
    elif kind == "sync":
        d.synced = args[0]
        d.tick()
    elif kind == "shed":
        d.state = machine.note_running_commands(d.state, d.now.ns + round(args[0] * 1e9), None)
    elif kind == "test":
        d.state = machine.note_running_commands(d.state, None, (d.now.ns, d.now.ns + round(args[0] * 1e9)))
    elif kind == "limits":
        d.give_failsafe(int(d.t), import_max_w=args[0], export_max_w=args[1], duration_min_s=args[2])
    else:
        program, newer, intervals, default, life_s, on_loss = args
        seq = d.state.seqs.get(program, 0) + newer
        here = d.t + d.jump_s
        made = replace(
            document(seq, program, nbf_s=here - 10, start_s=here, exp_s=here + life_s, on_loss=on_loss),
            intervals=tuple(Interval(*interval) for interval in intervals),
            default_import_max_w=default[0],
            default_export_max_w=default[1],
        )
        return d.give(made).status == "ACCEPTED"
    return False


class Watch:
    """What an onlooker with a true clock holds against the machine."""

    def __init__(self) -> None:
        self.entered_s = self.document_s = self.beat_s = -inf
        self.back_s = inf

    def note(self, d, before, kind, *, received):
        if kind == "restart":
            self.document_s, self.back_s = -inf, inf
        if received:
            self.document_s = d.t
        if kind == "beat" and d.state.heartbeat_ns == d.now.ns:
            self.beat_s = d.t
            if before is LinkMode.FAILSAFE:
                self.back_s = min(self.back_s, d.t)

    def judge(self, d, before):
        values = d.state.failsafe
        failsafe_w = (5000, 0) if values is None else (values.import_max_w, values.export_max_w)
        highest_w = {
            LinkMode.AUTONOMOUS: (8_000, 6_000),
            LinkMode.FAILSAFE: failsafe_w,
            LinkMode.INIT: failsafe_w,
        }
        import_w, export_w = failsafe_w if d.caps.tested else highest_w.get(d.mode, (10_000, 6_000))
        assert 0 <= d.caps.import_max_w <= import_w
        assert 0 <= d.caps.export_max_w <= export_w
        if (before, d.mode) == (LinkMode.FAILSAFE, LinkMode.CONTROLLED):
            assert max(d.t - self.document_s, d.t - self.beat_s) <= 60
            assert self.document_s >= self.entered_s
        if (before, d.mode) == (LinkMode.FAILSAFE, LinkMode.AUTONOMOUS):
            assert d.t - self.entered_s >= 7200 or d.t - self.back_s >= 120
        if d.mode is LinkMode.FAILSAFE and self.entered_s == -inf:
            self.entered_s, self.back_s = d.t, inf
        if d.mode not in {LinkMode.FAILSAFE, LinkMode.INIT}:  # INIT after an outage keeps what is still owed
            self.entered_s = -inf


@examples(60)
@given(st.lists(moves, min_size=1, max_size=40))
def test_no_sequence_lifts_a_cap_above_hard_or_above_failsafe_before_its_minimum(drive, document, sequence):
    d, watch = drive().start(), Watch()
    for move in sequence:
        before = d.mode
        received = moved(d, move, document)
        watch.note(d, before, move[0], received=received)
        watch.judge(d, before)


@examples(40)
@given(st.lists(moves.filter(lambda m: m[0] not in {"document", "restart"}), max_size=40))
def test_without_a_document_received_since_failsafe_never_becomes_control(drive, document, sequence):
    d = drive().failsafe()
    for move in sequence:
        moved(d, move, document)

        assert d.mode is not LinkMode.CONTROLLED


@examples(40)
@given(st.lists(moves, min_size=1, max_size=25))
def test_a_restart_loosens_nothing_but_by_entering_failsafe(drive, document, sequence):
    d = drive().start()
    for move in sequence:
        moved(d, move, document)
    before = d.caps
    after = d.restart().caps

    if before.mode == after.mode:
        assert after.import_max_w <= before.import_max_w
        assert after.export_max_w <= before.export_max_w
    else:
        assert LinkMode.FAILSAFE is d.mode


@examples(40)
@given(st.lists(moves, min_size=1, max_size=25), watts, watts)
def test_whatever_happened_a_tightening_acts_at_once(drive, document, sequence, import_w, export_w):
    d = drive().start()
    for move in sequence:
        moved(d, move, document)
    here = d.t + d.jump_s
    seq = d.state.seqs.get("dso", 0) + 1
    d.give(
        document(
            seq, "dso", nbf_s=here - 1e7, exp_s=here + 1e7, start_s=here - 1e7, length_s=2e7,
            import_w=import_w, export_w=export_w,
        )
    )  # fmt: skip

    assert d.caps.import_max_w <= import_w
    assert d.caps.export_max_w <= export_w


whole_w = st.integers(0, 12_000)
several = st.lists(
    st.tuples(whole_w, whole_w, st.integers(-300, 300), st.integers(1, 600), st.integers(1, 900)),
    min_size=1,
    max_size=4,
)


@given(several, st.integers(0, 1_000))
def test_several_programs_bind_by_their_minimum_each_with_its_interval_or_its_default(
    drive, document, made, t
):
    documents = [
        document(1, f"p{n}", import_w=cap, default_w=rest, start_s=start, length_s=length, exp_s=exp)
        for n, (cap, rest, start, length, exp) in enumerate(made)
    ]
    d = drive().start()
    for one in documents:
        d.give(one)
    d.beat().beats_until(t)
    utc_ms = d.now.utc_ms
    caps = [
        envelopes.find_limits_at(one, utc_ms)
        if utc_ms <= one.exp_utc_ms
        else envelopes.find_default_limits(one)
        for one in documents
    ]
    bound = min([d.params.limits.import_hard_w, *(cap.import_w for cap in caps)])
    alive = [cap.import_w for one, cap in zip(documents, caps, strict=True) if utc_ms <= one.exp_utc_ms]

    assert all(d.caps.import_max_w <= cap for cap in alive)
    if d.mode is LinkMode.CONTROLLED:
        assert bound == d.caps.import_max_w
