from dataclasses import replace

import pytest

from quartier.control.link import machine
from quartier.control.link.state import LinkMode
from quartier.control.requests import Heartbeat, Interval

# --- rule 3: loosening -----------------------------------------------------------------------


def test_a_tightening_acts_without_any_heartbeat_and_with_an_unsynced_clock(drive, document):
    d = drive().controlled(import_w=9000).tick(100)
    d.synced = False
    d.give(document(2, import_w=3000))

    assert 3000 == d.caps.import_max_w


@pytest.mark.parametrize(("t", "watts"), [(59, 9000), (61, 4000)])
def test_a_loosening_needs_a_heartbeat_at_most_60_s_old(drive, document, t, watts):
    d = drive().controlled(import_w=4000)
    d.give(document(2, import_w=9000), t)

    assert watts == d.caps.import_max_w


def test_a_loosening_that_waited_acts_with_the_next_heartbeat(drive, document):
    d = drive().controlled(import_w=4000)
    d.give(document(2, import_w=9000), 100)

    assert 9000 == d.beat(110).caps.import_max_w


def test_a_loosening_waits_for_a_synced_clock(drive, document):
    d = drive().controlled(import_w=4000)
    d.synced = False
    ack = d.give(document(2, import_w=9000), 10)
    waiting = d.caps.import_max_w
    d.synced = True

    assert ("ACCEPTED", "CLOCK", 4000) == (ack.status, ack.reason, waiting)
    assert 9000 == d.tick(11).caps.import_max_w


def test_loosening_is_judged_per_point_in_time(drive, document):
    old = replace(document(1), intervals=(Interval(100, 4000), Interval(10_000, 8000)))
    new = replace(document(2), intervals=(Interval(100, 6000), Interval(10_000, 5000)))
    d = drive().start()
    d.give(old)
    d.beat()
    d.t = 70
    d.give(new)

    assert (4000, 5000) == (d.caps.import_max_w, d.tick(101).caps.import_max_w)


def test_later_intervals_of_an_accepted_document_are_no_loosening(drive, document):
    d = drive().start()
    d.give(replace(document(), intervals=(Interval(100, 4000), Interval(10_000, 8000))))
    d.beat()

    assert (4000, 8000) == (d.tick(99).caps.import_max_w, d.tick(101).caps.import_max_w)


def test_a_chain_of_waiting_documents_stays_bounded_and_never_loosens(drive, document):
    d = drive().controlled(import_w=3000).tick(100)
    for seq in range(2, 40):
        d.give(document(seq, import_w=3000 + seq))

    assert 3000 == d.caps.import_max_w
    assert len(d.state.programs[0].earlier) <= machine.EARLIER_ENVELOPES_MAX
    assert 3039 == d.beat(105).caps.import_max_w


def test_an_older_document_that_waits_ends_at_its_own_exp(drive, document):
    d = drive().controlled(import_w=3000, exp_s=110).tick(100)
    d.give(document(2, import_w=6000))

    assert (3000, 6000) == (d.caps.import_max_w, d.tick(111).caps.import_max_w)


def test_without_a_synced_clock_the_running_interval_binds_on(drive, document):
    d = drive().start()
    d.give(replace(document(), intervals=(Interval(100, 4000), Interval(100, 8000), Interval(9000, 2000))))
    d.beat().beat(90)
    d.synced = False
    d.jump_s = 5000

    assert (4000, 2000) == (d.tick(150).caps.import_max_w, d.tick(201).caps.import_max_w)


def test_what_ran_when_the_clock_was_lost_binds_on_under_a_newer_document_too(drive, document):
    d = drive().start()
    d.give(replace(document(1), intervals=(Interval(100, 4000), Interval(9000, 8000))))
    d.beat().beat(90)
    d.synced = False
    d.tick(150)
    d.give(document(2, import_w=9000), 160)
    waiting = d.caps.import_max_w
    d.synced = True

    assert (4000, 9000) == (waiting, d.beat(170).caps.import_max_w)


def test_entering_control_without_a_synced_clock_keeps_the_caps_of_before(drive, document):
    d = drive(synced=False).start()
    d.give(document())
    d.beat()
    before = d.mode, d.caps.import_max_w
    held = d.tick(121)
    assert (LinkMode.FAILSAFE, 5000) == (held.mode, held.caps.import_max_w)

    assert (LinkMode.CONTROLLED, 5000) == before


def test_the_caps_of_before_bind_in_hold_too_until_the_clock_is_synced(drive, document):
    d = drive(synced=False).start()
    d.give(document(on_loss="hold"))
    d.beat().tick(121)
    waiting = d.mode, d.caps.import_max_w
    d.synced = True
    d.beat(122)

    assert ((LinkMode.HOLD, 5000), 9000) == (waiting, d.caps.import_max_w)


def test_a_document_not_yet_valid_is_taken_only_while_the_clock_is_not_trusted(drive, document):
    d = drive().start()
    synced = d.give(document(nbf_s=100, import_w=2000))
    d.synced = False
    unsynced = d.give(document(nbf_s=100, import_w=2000))

    assert ("REJECTED", "NOT_YET") == (synced.status, synced.reason)
    assert ("ACCEPTED", 2000) == (unsynced.status, d.caps.import_max_w)


def test_a_document_of_a_clock_up_to_60_s_ahead_tightens_at_once_and_loosens_from_its_nbf_on(drive, document):
    d = drive().controlled(import_w=5000)
    tighter = d.give(document(2, import_w=3000, nbf_s=59))
    tightened = d.caps.import_max_w
    looser = d.give(document(3, import_w=9000, nbf_s=59))

    assert ("ACCEPTED", 3000) == (tighter.status, tightened)
    assert ("ACCEPTED", 3000) == (looser.status, d.beat(58).caps.import_max_w)
    assert 9000 == d.tick(59).caps.import_max_w


@pytest.mark.parametrize(("t", "watts"), [(179, 8000), (181, 2000)])
def test_the_default_of_an_expired_document_gives_way_to_a_looser_one_only_when_that_may_loosen(
    drive, document, t, watts
):
    """The document of the grid operator lasts, so the link stays as it is."""
    d = drive().controlled(import_w=4000, exp_s=100, default_w=2000)
    d.give(document(program="dso", import_w=9000))
    expired = d.beat(120).caps.import_max_w
    d.give(document(2, import_w=8000), t)

    assert (LinkMode.CONTROLLED, 2000, watts) == (d.mode, expired, d.caps.import_max_w)
    assert 8000 == d.beat(200).caps.import_max_w


@pytest.mark.parametrize(("t", "watts"), [(10.5, 500_003_000.0), (12, None), (5_000, None)])
def test_what_a_ramp_has_raised_beyond_any_power_is_no_cap_any_more(drive, document, t, watts):
    """The kernel takes none beyond 1e12 W: it would end the cycle, and each run after it."""
    until, after = Interval(10, consumption_max_w=3000, generation_max_w=3000), Interval(10_000)
    d = drive().start()
    d.give(replace(document(), intervals=(until, after), ramp_w_per_s=1e9))

    assert 3000 == d.beat(9).caps.consumption_max_w
    assert (watts, watts) == (d.tick(t).caps.consumption_max_w, d.caps.generation_max_w)


def test_numbers_of_a_wrong_clock_that_came_before_ours_was_trusted_shut_out_none_of_the_right_one(
    drive, document
):
    d = drive(synced=False, n=2**63).start()
    d.give(document(2**63, import_w=2000))
    d.give_failsafe(2**63, import_max_w=4000.0, export_max_w=0.0)
    d.beat()
    d.synced, d.n = True, 0
    taken = d.give(document(1, import_w=9000)), d.give_failsafe(1, import_max_w=4500.0, export_max_w=0.0)
    d.beat()

    assert ["ACCEPTED"] * 2 == [ack.status for ack in taken]
    assert (LinkMode.CONTROLLED, 9000, 4500.0) == (d.mode, d.caps.import_max_w, d.state.failsafe.import_max_w)


def test_a_document_whose_number_is_not_on_disk_loosens_at_no_time_until_it_is(drive, document):
    d = drive().controlled(import_w=5000)
    later = replace(document(2), intervals=(Interval(100, 3000), Interval(10_000, 9000)))
    d.state, ack = machine.accept_envelope(d.state, d.params, later, d.now, sure=False)
    at_first, afterwards = d.caps.import_max_w, d.beat(110).caps.import_max_w
    kept = d.restart().caps.import_max_w
    d.beat()
    d.give(later)

    assert ("ACCEPTED", 3000, 5000, 5000) == (ack.status, at_first, afterwards, kept)
    assert 9000 == d.caps.import_max_w


def test_a_document_whose_number_is_not_on_disk_gives_no_control(drive, document):
    d = drive().start()
    d.state, _ = machine.accept_envelope(d.state, d.params, document(import_w=9000), d.now, sure=False)
    without = d.beat(1).mode
    d.give(document(import_w=9000))

    assert (LinkMode.INIT, LinkMode.CONTROLLED) == (without, d.mode)


# --- a clock that leaps ahead though it is called synchronised ---------------------------------


def test_a_trusted_clock_that_leaps_ahead_ends_no_cap_before_its_time(drive):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.jump_s = 10_800
    leapt = d.tick(61).caps.import_max_w
    lost = d.tick(7_199)

    assert (3000, 3000) == (leapt, lost.caps.import_max_w)
    assert 5000 == d.tick(7_201).caps.import_max_w  # by the monotonic clock it is over: fail-safe


def test_what_the_leapt_clock_says_binds_too(drive, document):
    d = drive().start()
    d.give(replace(document(), intervals=(Interval(5000, 6000), Interval(9000, 2000))))
    d.beat().tick(60)
    d.jump_s = 6_000

    assert 2000 == d.tick(61).caps.import_max_w


@pytest.mark.parametrize(("jump_s", "named"), [(60, ""), (61, "the clock was set ahead by 1 min")])
def test_no_leap_ends_a_cap_early_and_one_of_over_a_minute_is_named(drive, jump_s, named):
    d = drive().controlled(import_w=3000, exp_s=100).tick(45)
    d.jump_s = jump_s

    assert (3000, named) == (d.tick(46).caps.import_max_w, d.caps.clock.partition(":")[0])
    assert (3000, 7000) == (d.tick(100).caps.import_max_w, d.tick(101).caps.import_max_w)  # then its default


def test_a_heartbeat_that_agrees_with_the_clock_after_a_leap_confirms_it(drive):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.jump_s = 10_800
    before, after = d.tick(61).caps.import_max_w, d.beat(62).caps.import_max_w

    assert (3000, 7000) == (before, after)


def test_a_clock_that_leaps_and_comes_back_has_changed_nothing(drive):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.jump_s = 10_800
    d.tick(61)
    d.jump_s = 0

    assert ([3000, 5000], "FAILSAFE") == (
        [d.tick(t).caps.import_max_w for t in (7_200, 7_201)],
        str(d.mode),
    )


def test_a_clock_set_back_makes_no_cap_last_longer(drive):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.jump_s = -3_600

    assert (3000, 5000) == (d.tick(7_200).caps.import_max_w, d.tick(7_201).caps.import_max_w)


def test_nothing_loosens_by_a_heartbeat_from_before_a_leap(drive, document):
    d = drive().controlled(import_w=3000, exp_s=90_000).beat(50)
    d.jump_s = 3_600
    d.give(document(2, import_w=6000), 55)
    held, free = d.caps.import_max_w, d.beat(56).caps.import_max_w

    assert (3000, 6000) == (held, free)


@pytest.mark.parametrize("reboot", [False, True])
def test_a_clock_that_leapt_has_still_leapt_after_a_restart(drive, reboot):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.jump_s = 10_800
    d.tick(61)
    d.boot_s = d.t if reboot else 0.0
    d.restart(down_s=30)

    assert 3000 == d.tick(100).caps.import_max_w


def test_how_long_a_reboot_took_is_no_step_and_what_it_loosens_waits_for_a_heartbeat(drive):
    d = drive().controlled(import_w=3000, exp_s=7200).tick(60)
    d.boot_s = 7_190.0
    d.restart(down_s=7_141)

    assert ("", 3000) == (d.caps.clock, d.caps.import_max_w)
    assert 5000 == d.beat(7_202).caps.import_max_w


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"seq": 4}, ("OK", "REJECTED", "REPLAY")),
        ({"import_w": 1}, ("OK", "REJECTED", "REPLAY")),
        ({"seq": 6, "exp_s": -1}, ("OK", "REJECTED", "EXPIRED")),
        ({"seq": 6, "nbf_s": 61}, ("OK", "REJECTED", "NOT_YET")),
        ({"seq": 6, "import_w": float("nan")}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
        ({"seq": 6, "import_w": -1.0}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
        ({"seq": 6, "ramp_w_per_s": 0.0}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
    ],
)
def test_refused_documents_have_no_effect_and_a_reason(drive, document, change, answer):
    d = drive().controlled(seq=5)
    before = d.caps
    ack = d.give(document(**{"seq": 5, **change}))

    assert answer == (ack.reception, ack.status, ack.reason)
    assert before == d.caps


def test_the_same_document_again_is_acknowledged_without_a_second_effect(drive, document):
    d = drive().controlled()
    before = d.state.programs
    ack = d.give(document())

    assert ("ACCEPTED", before) == (ack.status, d.state.programs)


def test_programs_are_bounded(drive, document):
    d = drive().controlled()
    acks = [d.give(document(1, f"p{k}")) for k in range(20)]

    assert 15 == sum(ack.status == "ACCEPTED" for ack in acks)
    assert "PERMANENT_ERROR" == acks[-1].reception


@pytest.mark.parametrize("beat", [Heartbeat(1, 0), Heartbeat(99, 61_000), Heartbeat(99, -61_000)])
def test_a_heartbeat_that_does_not_rise_or_is_60_s_off_is_ignored(drive, beat):
    d = drive().controlled().tick(50)
    stamped = replace(beat, ts_utc_ms=d.now.utc_ms + beat.ts_utc_ms)
    d.state = machine.accept_heartbeat(d.state, d.params, stamped, d.now)

    assert 0 == d.state.heartbeat_ns


def test_an_unsynced_clock_judges_a_heartbeat_by_its_number_alone(drive):
    d = drive(synced=False).start()
    d.state = machine.accept_heartbeat(d.state, d.params, Heartbeat(7, 0), d.now)

    assert 0 == d.state.heartbeat_ns


# --- several at once -------------------------------------------------------------------------


def test_of_several_programs_each_ends_at_its_own_time(drive, document):
    d = drive().start()
    d.give(document(1, "dso", import_w=3_000, exp_s=600, default_w=6_000))
    d.give(document(1, "district", import_w=5_000, exp_s=1_200))
    d.give(document(1, "nebef", import_w=7_000, nbf_s=-10, exp_s=2_000, length_s=2_000))
    seen = [d.beats_until(t).caps.import_max_w for t in (30, 570, 630, 1_170, 1_230)]

    assert [3_000, 3_000, 5_000, 5_000, 6_000] == seen, "the default of an expired one stays"


def test_the_lower_priority_number_is_named_where_two_programs_say_the_same(drive, document):
    d = drive().start()
    d.give(document(1, "alpha", import_w=4_000, priority=2))
    d.give(document(1, "dso", import_w=4_000, priority=0))

    assert "dso" == d.caps.sources["import"].who.name
    assert 3_000 == (d.give(document(2, "alpha", import_w=3_000, priority=3)), d.caps.import_max_w)[1]


def test_one_document_that_says_failsafe_decides_until_it_ends(drive, document):
    d = drive().start()
    d.give(document(1, "dso", on_loss="failsafe", exp_s=100))
    d.give(document(1, "district", on_loss="hold"))
    d.beat()

    assert LinkMode.HOLD is d.tick(121).mode, "the one that says failsafe is over"


# --- fail-safe parameters --------------------------------------------------------------------


def test_failsafe_parameters_are_clamped_by_hard_limits_and_2_to_24_h(drive):
    d = drive().controlled()
    d.give_failsafe(1, import_max_w=99_999, export_max_w=99_999, duration_min_s=999_999)
    values = d.tick().state.failsafe

    assert (10_000, 6_000, 86_400) == (values.import_max_w, values.export_max_w, values.duration_min_s)


def test_failsafe_parameters_that_tighten_act_at_once_those_that_loosen_when_failsafe_is_left(
    drive, document
):
    d = drive().failsafe().beat(130)
    d.give_failsafe(1, import_max_w=2000, export_max_w=1000)
    during = d.caps_w
    d.give(document(2), 140)
    d.beats_until(170).tick(300)

    assert ((2000, 0), LinkMode.FAILSAFE, (2000, 1000)) == (during, d.mode, d.caps_w)


@pytest.mark.parametrize(("t", "watts"), [(59, 9000), (61, 5000)])
def test_failsafe_parameters_that_loosen_need_a_fresh_heartbeat(drive, t, watts):
    d = drive().controlled().tick(t)
    d.give_failsafe(1, import_max_w=9000, export_max_w=0)

    assert watts == d.tick(122).caps.import_max_w


def test_a_shorter_failsafe_minimum_loosens_too(drive):
    d = drive().controlled()
    d.give_failsafe(1, import_max_w=5000, export_max_w=0, duration_min_s=20_000)
    d.tick(61).give_failsafe(2, import_max_w=5000, export_max_w=0, duration_min_s=7_200)

    assert 20_000 == d.state.failsafe.duration_min_s
    assert 7_200 == d.beat(70).state.failsafe.duration_min_s


@pytest.mark.parametrize("watts", [float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize("name", ["import_max_w", "export_max_w", "duration_min_s"])
def test_failsafe_parameters_that_are_negative_or_no_numbers_change_nothing(drive, name, watts):
    d = drive().controlled()
    before = d.state.failsafe
    ack = d.give_failsafe(1, **({"import_max_w": 3000, "export_max_w": 0} | {name: watts}))

    assert ("INVALID_CONTENT", "REJECTED", "BOUNDS") == (ack.reception, ack.status, ack.reason)
    assert (before, -1) == (d.state.failsafe, d.state.failsafe_seq)


@pytest.mark.parametrize(("synced", "waits"), [(True, ""), (False, "CLOCK")])
def test_the_acknowledgement_says_where_it_is_the_clock_that_a_document_waits_for(
    drive, document, synced, waits
):
    d = drive(synced=synced).start()
    ack = d.give(document())

    assert ("ACCEPTED", waits) == (ack.status, ack.reason)


@pytest.mark.parametrize(
    "values",
    [
        {"import_max_w": 10_001, "export_max_w": 0},
        {"import_max_w": 3_000, "export_max_w": 6_001},
        {"import_max_w": 3_000, "export_max_w": 0, "duration_min_s": 60},
    ],
)
def test_the_acknowledgement_says_where_failsafe_parameters_were_clamped(drive, values):
    d = drive().controlled()
    first, again = d.give_failsafe(1, **values), d.give_failsafe(1, **values)

    assert [("ACCEPTED", "BOUNDS")] * 2 == [(ack.status, ack.reason) for ack in (first, again)]
    assert "" == d.give_failsafe(2, import_max_w=10_000, export_max_w=6_000).reason


def test_failsafe_parameters_that_loosen_wait_for_a_trusted_clock_and_say_so(drive):
    d = drive().controlled()
    d.synced = False

    assert "CLOCK" == d.give_failsafe(1, import_max_w=9_000, export_max_w=0).reason
    assert "" == d.give_failsafe(2, import_max_w=4_000, export_max_w=0).reason


def test_failsafe_parameters_survive_a_restart(drive):
    d = drive().controlled()
    d.give_failsafe(1, import_max_w=2_500, export_max_w=0)
    d.restart(down_s=10).tick(131)

    assert (LinkMode.FAILSAFE, 2_500) == (d.mode, d.caps.import_max_w)


def test_failsafe_parameters_refuse_replays_and_nonsense(drive):
    d = drive().controlled()
    d.give_failsafe(5, import_max_w=3000, export_max_w=0)
    old = d.give_failsafe(4, import_max_w=1, export_max_w=0)
    again = d.give_failsafe(5, import_max_w=3000, export_max_w=0)
    bad = d.give_failsafe(6, import_max_w=float("nan"), export_max_w=0)

    assert ("REPLAY", "", "BOUNDS") == (old.reason, again.reason, bad.reason)
    assert 3000 == d.state.failsafe.import_max_w


@pytest.mark.parametrize("more", [{"import_w": 1e7}, {"export_w": 1e9}, {"default_w": 1.1e6}])
def test_document_with_a_power_far_above_the_ratings_of_the_site_is_refused_and_changes_nothing(
    drive, document, more
):
    d = drive().controlled(import_w=4000)
    ack = d.give(document(2, **more), 10)

    assert ("INVALID_CONTENT", "REJECTED", "BOUNDS") == (ack.reception, ack.status, ack.reason)
    assert 4000 == d.caps.import_max_w


def test_document_above_the_hard_limits_is_taken(drive, document):
    ack = drive().controlled(import_w=4000).give(document(2, import_w=900_000, default_w=900_000), 10)

    assert "ACCEPTED" == ack.status
