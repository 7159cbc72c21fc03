from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quartier.control import link
from quartier.control.linkstate import Mode
from quartier.control.wishes import Heartbeat, Interval

S = 1_000_000_000


def caps_w(d):
    return d.caps.import_max_w, d.caps.export_max_w


# --- INIT ------------------------------------------------------------------------------------


def test_init_has_the_failsafe_values_at_once(drive):
    d = drive().start()

    assert (Mode.INIT, (5000, 0)) == (d.mode, caps_w(d))
    assert {"import": "fail-safe value", "export": "fail-safe value"} == d.caps.whose
    assert d.caps.no_battery_export
    assert d.caps.no_grid_charge_above_reserve


@pytest.mark.parametrize(("t", "mode"), [(119, Mode.INIT), (121, Mode.AUTONOMOUS)])
def test_init_ends_in_autonomous_after_120_s(drive, t, mode):
    assert mode is drive().start().tick(t).mode


def test_a_state_that_was_lost_leaves_the_failsafe_values_for_their_minimum(drive):
    link = drive().start(lost=True)
    held = [(link.tick(t).mode, link.caps.import_max_w) for t in (0, 119, 7199)]

    assert [(Mode.INIT, 5_000), (Mode.INIT, 5_000), (Mode.FAILSAFE, 5_000)] == held
    assert link.tick(7200).mode is Mode.AUTONOMOUS


def test_a_state_that_was_lost_is_controlled_again_by_heartbeat_and_document(drive, paper):
    link = drive().start(lost=True).beat(1)
    link.give(paper(), 2)

    assert link.mode is Mode.CONTROLLED


@pytest.mark.parametrize(("t", "mode"), [(59, Mode.CONTROLLED), (61, Mode.INIT)])
def test_init_needs_document_and_heartbeat_within_60_s_in_either_order(drive, paper, t, mode):
    after, before = drive().start().beat(), drive().start()
    after.give(paper(), t)
    before.give(paper())
    before.beat(t)

    assert (mode, mode) == (after.mode, before.mode)


def test_init_is_not_left_by_a_document_alone_nor_by_heartbeats_alone(drive, paper):
    papers, beats = drive().start(), drive().start()
    papers.give(paper(), 10)
    beats.beats_until(119)

    assert (Mode.INIT, Mode.INIT) == (papers.mode, beats.mode)
    assert (5000, 0) == caps_w(papers)


def test_init_counts_a_tighter_document_at_once(drive, paper):
    d = drive().start()
    d.give(paper(import_w=3000))

    assert 3000 == d.caps.import_max_w
    assert "envelope district district-1" == d.caps.whose["import"]


# --- CONTROLLED ------------------------------------------------------------------------------


@pytest.mark.parametrize(("t", "mode"), [(119, Mode.CONTROLLED), (121, Mode.FAILSAFE)])
def test_controlled_goes_failsafe_after_120_s_without_heartbeat(drive, t, mode):
    assert mode is drive().controlled().tick(t).mode


@pytest.mark.parametrize(("t", "mode"), [(119, Mode.CONTROLLED), (121, Mode.HOLD)])
def test_controlled_holds_when_every_document_says_hold(drive, t, mode):
    assert mode is drive().controlled(on_loss="hold").tick(t).mode


def test_controlled_goes_failsafe_when_any_document_says_failsafe(drive, paper):
    d = drive().controlled(on_loss="hold")
    d.give(paper(1, "dso", on_loss="failsafe"))

    assert Mode.FAILSAFE is d.tick(121).mode


@pytest.mark.parametrize(("duration_s", "mode"), [(119, Mode.HOLD), (123, Mode.FAILSAFE)])
def test_controlled_goes_failsafe_when_a_shed_command_runs(drive, duration_s, mode):
    d = drive().controlled(on_loss="hold")
    d.state = link.shed(d.state, d.params, duration_s, d.now)

    assert mode is d.tick(121).mode


@pytest.mark.parametrize("timeout_s", [60, 120, 300])
def test_heartbeat_timeout_is_settable(drive, limits, timeout_s):
    params = link.LinkParams(limits=limits, heartbeat_timeout_s=timeout_s)

    assert Mode.CONTROLLED is drive(params=params).controlled().tick(timeout_s - 1).mode
    assert Mode.FAILSAFE is drive(params=params).controlled().tick(timeout_s + 1).mode


@pytest.mark.parametrize(("offset_s", "counts"), [(-11, False), (-9, True), (9, True), (11, False)])
def test_how_far_a_stamp_may_be_off_is_settable(drive, limits, offset_s, counts):
    d = drive(params=link.LinkParams(limits=limits, heartbeat_offset_max_s=10)).start()
    beat = Heartbeat(1, d.now.utc_ms + offset_s * 1000)

    assert counts is (link.heartbeat(d.state, d.params, beat, d.now).heartbeat_n == 1)


@pytest.mark.parametrize(("t", "mode"), [(1059, Mode.CONTROLLED), (1061, Mode.FAILSAFE)])
def test_controlled_goes_failsafe_60_s_after_the_last_valid_document(drive, t, mode):
    d = drive().controlled(exp_s=1000)
    for then in range(30, 1000, 30):
        d.beat(then)
    d.tick(1000).beat(1001)

    assert mode is d.beat(1030).tick(t).mode


def test_controlled_takes_the_running_interval_else_the_default(drive):
    d = drive().controlled(start_s=100, length_s=200)
    d.beats_until(99)
    before = d.caps.import_max_w
    inside = d.tick(101).caps.import_max_w
    after = d.beats_until(301).caps.import_max_w

    assert (7000, 9000, 7000) == (before, inside, after)


def test_controlled_combines_programs_by_minimum_per_direction(drive, paper):
    d = drive().controlled(import_w=9000, export_w=1000)
    d.give(paper(1, "dso", import_w=4000, export_w=5000))

    assert (4000, 1000) == caps_w(d)
    assert {"import": "envelope dso dso-1", "export": "envelope district district-1"} == d.caps.whose


def test_default_of_an_expired_document_stays_until_a_newer_one(drive, paper):
    d = drive().controlled(exp_s=200, default_w=2000)
    d.give(paper(1, "dso"))
    d.beats_until(201)
    expired = caps_w(d), d.caps.whose["import"]
    d.give(paper(2, import_w=6000))

    assert ((2000, 3000), "default of expired envelope district district-1") == expired
    assert 6000 == d.caps.import_max_w


def test_default_of_an_expired_document_ends_with_the_state(drive, paper):
    d = drive().controlled(exp_s=50, default_w=2000)
    d.give(paper(1, "dso"))
    d.tick(121)

    assert (Mode.FAILSAFE, 5000) == (d.mode, d.caps.import_max_w)


def test_hold_keeps_the_default_of_a_document_that_expired_before(drive, paper):
    d = drive().controlled(exp_s=50, default_w=2000)
    d.give(paper(1, "dso", on_loss="hold"))
    d.tick(121)

    assert (Mode.HOLD, 2000) == (d.mode, d.caps.import_max_w)


def test_no_document_lifts_a_cap_above_hard(drive):
    assert (10_000, 6_000) == caps_w(drive().controlled(import_w=99_999, export_w=99_999))


def test_generation_and_consumption_caps_pass_through(drive, paper):
    d = drive().controlled()
    d.give(replace(paper(2), intervals=(Interval(9999, None, None, 1500, 2500),)))

    assert (1500, 2500) == (d.caps.generation_max_w, d.caps.consumption_max_w)
    assert 7000 == d.caps.import_max_w


# --- HOLD ------------------------------------------------------------------------------------


def test_hold_goes_on_with_the_schedule(drive, paper):
    steps = (Interval(200, 9000, 0), Interval(20_000, 4000, 100))
    d = drive().start()
    d.give(replace(paper(on_loss="hold"), intervals=steps))
    d.beat().tick(121)

    assert (Mode.HOLD, 9000) == (d.mode, d.caps.import_max_w)
    assert (4000, 100) == caps_w(d.tick(201))


@pytest.mark.parametrize(("t", "mode"), [(121 + 93_599, Mode.HOLD), (121 + 93_601, Mode.FAILSAFE)])
def test_hold_lasts_26_h_at_most(drive, t, mode):
    d = drive().controlled(on_loss="hold", length_s=200_000, exp_s=200_000).tick(121)

    assert mode is d.tick(t).mode


@pytest.mark.parametrize("hold_max_s", [3600, 172_800])
def test_hold_maximum_is_settable(drive, limits, hold_max_s):
    params = link.LinkParams(limits=limits, hold_max_s=hold_max_s)
    d = drive(params=params).controlled(on_loss="hold", length_s=200_000, exp_s=200_000).tick(121)

    assert Mode.HOLD is d.tick(121 + hold_max_s - 1).mode
    assert Mode.FAILSAFE is d.tick(121 + hold_max_s + 1).mode


@pytest.mark.parametrize(("t", "mode"), [(999, Mode.HOLD), (1001, Mode.FAILSAFE)])
@pytest.mark.parametrize("ends", [{"length_s": 1000}, {"exp_s": 1000}])
def test_hold_ends_with_its_schedule(drive, ends, t, mode):
    assert mode is drive().controlled(on_loss="hold", **ends).tick(121).tick(t).mode


def test_hold_needs_a_schedule_that_is_not_used_up(drive):
    d = drive().controlled(on_loss="hold", length_s=50).tick(121)

    assert (Mode.FAILSAFE, "the schedule is used up or was held too long") == (d.mode, d.state.why)


def test_hold_is_left_by_heartbeat_and_document_not_by_one_of_them(drive, paper):
    d = drive().controlled(on_loss="hold").tick(121).beat(200)
    alone = d.mode
    d.give(paper(on_loss="hold"), 259)

    assert (Mode.HOLD, Mode.CONTROLLED) == (alone, d.mode)


@pytest.mark.parametrize("on_loss", ["hold", "failsafe"])
def test_a_grid_outage_leads_to_init_from_everywhere(drive, on_loss):
    d = drive().controlled(on_loss=on_loss).tick(121).tick(130, outage=True)

    assert (Mode.INIT, 5000) == (d.mode, d.caps.import_max_w)


# --- FAILSAFE --------------------------------------------------------------------------------


def test_failsafe_has_its_values_and_flags(drive):
    d = drive().failsafe()

    assert (5000, 0) == caps_w(d)
    assert (True, True) == (d.caps.no_battery_export, d.caps.no_grid_charge_above_reserve)


def test_failsafe_counts_every_document_inside_its_validity(drive, paper):
    d = drive().failsafe()
    d.give(paper(1, "dso", import_w=1000, exp_s=500))

    assert 1000 == d.tick(499).caps.import_max_w
    assert 5000 == d.tick(501).caps.import_max_w


@pytest.mark.parametrize(("wait_s", "mode"), [(59, Mode.CONTROLLED), (61, Mode.FAILSAFE)])
def test_failsafe_is_left_by_a_heartbeat_then_a_document_within_60_s(drive, paper, wait_s, mode):
    d = drive().failsafe().beat(300)
    d.give(paper(2), 300 + wait_s)

    assert mode is d.mode


@pytest.mark.parametrize(("wait_s", "mode"), [(59, Mode.CONTROLLED), (61, Mode.FAILSAFE)])
def test_failsafe_takes_document_and_heartbeat_in_the_other_order_too(drive, paper, wait_s, mode):
    d = drive().failsafe()
    d.give(paper(2), 300)

    assert mode is d.beat(300 + wait_s).mode


def test_failsafe_does_not_count_a_document_from_before_it(drive, paper):
    d = drive().controlled()
    d.give(paper(2), 119)
    d.tick(121).beat(125)

    assert Mode.FAILSAFE is d.mode


def test_a_retained_document_of_the_same_sequence_counts_as_received(drive, paper):
    d = drive().failsafe().beat(300)
    ack = d.give(paper())

    assert ("OK", "ACCEPTED", "") == (ack.reception, ack.status, ack.reason)
    assert Mode.CONTROLLED is d.mode


@pytest.mark.parametrize(("t", "mode"), [(300 + 119, Mode.FAILSAFE), (300 + 121, Mode.AUTONOMOUS)])
def test_failsafe_ends_120_s_after_the_heartbeat_came_back_without_document(drive, t, mode):
    d = drive().failsafe().tick(270).beats_until(t)

    assert mode is d.mode


def test_one_heartbeat_that_does_not_last_does_not_end_failsafe(drive):
    assert Mode.FAILSAFE is drive().failsafe().beat(300).tick(425).beat(426).tick(500).mode


def test_heartbeats_alone_never_lead_from_failsafe_into_control(drive):
    d = drive().failsafe()
    modes = {d.beat(200 + 10 * k).mode for k in range(900)}

    assert {Mode.FAILSAFE, Mode.AUTONOMOUS} == modes


@pytest.mark.parametrize(("t", "mode"), [(121 + 7199, Mode.FAILSAFE), (121 + 7201, Mode.AUTONOMOUS)])
def test_failsafe_lasts_2_h_without_heartbeat(drive, t, mode):
    assert mode is drive().failsafe().tick(t).mode


@pytest.mark.parametrize("least_s", [7200, 86_400])
def test_failsafe_minimum_is_settable(drive, limits, least_s):
    params = link.LinkParams(limits=limits, failsafe_min_s=least_s)

    assert Mode.FAILSAFE is drive(params=params).failsafe().tick(121 + least_s - 1).mode
    assert Mode.AUTONOMOUS is drive(params=params).failsafe().tick(121 + least_s + 1).mode


# --- AUTONOMOUS ------------------------------------------------------------------------------


def test_autonomous_has_its_values_and_every_valid_document(drive, paper):
    d = drive().start().tick(121)
    free = caps_w(d)
    d.give(paper(import_w=2000, exp_s=500))

    assert ((8000, 6000), 2000) == (free, d.caps.import_max_w)
    assert 8000 == d.tick(501).caps.import_max_w


def test_autonomous_is_left_by_heartbeat_and_document_only(drive, paper):
    beats = drive().start().tick(121).beats_until(1000)
    papers = drive().start().tick(121)
    papers.give(paper())

    assert (Mode.AUTONOMOUS, Mode.AUTONOMOUS) == (beats.mode, papers.mode)
    assert Mode.CONTROLLED is papers.beat().mode


# --- rule 3: loosening -----------------------------------------------------------------------


def test_a_tightening_acts_without_any_heartbeat_and_with_an_unsynced_clock(drive, paper):
    d = drive().controlled(import_w=9000).tick(100)
    d.synced = False
    d.give(paper(2, import_w=3000))

    assert 3000 == d.caps.import_max_w


@pytest.mark.parametrize(("t", "watts"), [(59, 9000), (61, 4000)])
def test_a_loosening_needs_a_heartbeat_at_most_60_s_old(drive, paper, t, watts):
    d = drive().controlled(import_w=4000)
    d.give(paper(2, import_w=9000), t)

    assert watts == d.caps.import_max_w


def test_a_loosening_that_waited_acts_with_the_next_heartbeat(drive, paper):
    d = drive().controlled(import_w=4000)
    d.give(paper(2, import_w=9000), 100)

    assert 9000 == d.beat(110).caps.import_max_w


def test_a_loosening_waits_for_a_synced_clock(drive, paper):
    d = drive().controlled(import_w=4000)
    d.synced = False
    ack = d.give(paper(2, import_w=9000), 10)
    waiting = d.caps.import_max_w
    d.synced = True

    assert ("ACCEPTED", "CLOCK", 4000) == (ack.status, ack.reason, waiting)
    assert 9000 == d.tick(11).caps.import_max_w


def test_loosening_is_judged_per_point_in_time(drive, paper):
    old = replace(paper(1), intervals=(Interval(100, 4000), Interval(10_000, 8000)))
    new = replace(paper(2), intervals=(Interval(100, 6000), Interval(10_000, 5000)))
    d = drive().start()
    d.give(old)
    d.beat()
    d.t = 70
    d.give(new)

    assert (4000, 5000) == (d.caps.import_max_w, d.tick(101).caps.import_max_w)


def test_later_intervals_of_an_accepted_document_are_no_loosening(drive, paper):
    d = drive().start()
    d.give(replace(paper(), intervals=(Interval(100, 4000), Interval(10_000, 8000))))
    d.beat()

    assert (4000, 8000) == (d.tick(99).caps.import_max_w, d.tick(101).caps.import_max_w)


def test_a_chain_of_waiting_documents_stays_bounded_and_never_loosens(drive, paper):
    d = drive().controlled(import_w=3000).tick(100)
    for seq in range(2, 40):
        d.give(paper(seq, import_w=3000 + seq))

    assert 3000 == d.caps.import_max_w
    assert len(d.state.programs[0].earlier) <= link.EARLIER_MAX
    assert 3039 == d.beat(105).caps.import_max_w


def test_an_older_document_that_waits_ends_at_its_own_exp(drive, paper):
    d = drive().controlled(import_w=3000, exp_s=110).tick(100)
    d.give(paper(2, import_w=6000))

    assert (3000, 6000) == (d.caps.import_max_w, d.tick(111).caps.import_max_w)


def test_without_a_synced_clock_the_running_interval_binds_on(drive, paper):
    d = drive().start()
    d.give(replace(paper(), intervals=(Interval(100, 4000), Interval(100, 8000), Interval(9000, 2000))))
    d.beat().beat(90)
    d.synced = False
    d.jump_s = 5000

    assert (4000, 2000) == (d.tick(150).caps.import_max_w, d.tick(201).caps.import_max_w)


def test_entering_control_without_a_synced_clock_keeps_the_caps_of_before(drive, paper):
    d = drive(synced=False).start()
    d.give(paper())
    d.beat()
    before = d.mode, d.caps.import_max_w
    held = d.tick(121)
    assert (Mode.FAILSAFE, 5000) == (held.mode, held.caps.import_max_w)

    assert (Mode.CONTROLLED, 5000) == before


def test_the_caps_of_before_bind_in_hold_too_until_the_clock_is_synced(drive, paper):
    d = drive(synced=False).start()
    d.give(paper(on_loss="hold"))
    d.beat().tick(121)
    waiting = d.mode, d.caps.import_max_w
    d.synced = True
    d.beat(122)

    assert ((Mode.HOLD, 5000), 9000) == (waiting, d.caps.import_max_w)


def test_a_document_not_yet_valid_is_taken_only_while_the_clock_is_not_trusted(drive, paper):
    d = drive().start()
    synced = d.give(paper(nbf_s=100, import_w=2000))
    d.synced = False
    unsynced = d.give(paper(nbf_s=100, import_w=2000))

    assert ("REJECTED", "NOT_YET") == (synced.status, synced.reason)
    assert ("ACCEPTED", 2000) == (unsynced.status, d.caps.import_max_w)


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"seq": 4}, ("OK", "REJECTED", "REPLAY")),
        ({"import_w": 1}, ("OK", "REJECTED", "REPLAY")),
        ({"seq": 6, "exp_s": -1}, ("OK", "REJECTED", "EXPIRED")),
        ({"seq": 6, "nbf_s": 10}, ("OK", "REJECTED", "NOT_YET")),
        ({"seq": 6, "import_w": float("nan")}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
        ({"seq": 6, "import_w": -1.0}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
        ({"seq": 6, "ramp_w_per_s": 0.0}, ("INVALID_CONTENT", "REJECTED", "BOUNDS")),
    ],
)
def test_refused_documents_have_no_effect_and_a_reason(drive, paper, change, answer):
    d = drive().controlled(seq=5)
    before = d.caps
    ack = d.give(paper(**{"seq": 5, **change}))

    assert answer == (ack.reception, ack.status, ack.reason)
    assert before == d.caps


def test_the_same_document_again_is_acknowledged_without_a_second_effect(drive, paper):
    d = drive().controlled()
    before = d.state.programs
    ack = d.give(paper())

    assert ("ACCEPTED", before) == (ack.status, d.state.programs)


def test_programs_are_bounded(drive, paper):
    d = drive().controlled()
    acks = [d.give(paper(1, f"p{k}")) for k in range(20)]

    assert 15 == sum(ack.status == "ACCEPTED" for ack in acks)
    assert "PERMANENT_ERROR" == acks[-1].reception


@pytest.mark.parametrize("beat", [Heartbeat(1, 0), Heartbeat(99, 61_000), Heartbeat(99, -61_000)])
def test_a_heartbeat_that_does_not_rise_or_is_60_s_off_is_ignored(drive, beat):
    d = drive().controlled().tick(50)
    stamped = replace(beat, ts_utc_ms=d.now.utc_ms + beat.ts_utc_ms)
    d.state = link.heartbeat(d.state, d.params, stamped, d.now)

    assert 0 == d.state.heartbeat_ns


def test_an_unsynced_clock_judges_a_heartbeat_by_its_number_alone(drive):
    d = drive(synced=False).start()
    d.state = link.heartbeat(d.state, d.params, Heartbeat(7, 0), d.now)

    assert 0 == d.state.heartbeat_ns


# --- fail-safe parameters --------------------------------------------------------------------


def test_failsafe_parameters_are_clamped_by_hard_limits_and_2_to_24_h(drive):
    d = drive().controlled()
    d.give_failsafe(1, import_max_w=99_999, export_max_w=99_999, duration_min_s=999_999)
    values = d.tick().state.failsafe

    assert (10_000, 6_000, 86_400) == (values.import_max_w, values.export_max_w, values.duration_min_s)


def test_failsafe_parameters_that_tighten_act_at_once_those_that_loosen_when_failsafe_is_left(drive, paper):
    d = drive().failsafe().beat(130)
    d.give_failsafe(1, import_max_w=2000, export_max_w=1000)
    during = caps_w(d)
    d.give(paper(2), 140)
    d.beats_until(170).tick(300)

    assert ((2000, 0), Mode.FAILSAFE, (2000, 1000)) == (during, d.mode, caps_w(d))


@pytest.mark.parametrize(("t", "watts"), [(59, 9000), (61, 5000)])
def test_failsafe_parameters_that_loosen_need_a_fresh_heartbeat(drive, t, watts):
    d = drive().controlled().tick(t)
    d.give_failsafe(1, import_max_w=9000, export_max_w=0)

    assert watts == d.tick(122).caps.import_max_w


def test_failsafe_parameters_refuse_replays_and_nonsense(drive):
    d = drive().controlled()
    d.give_failsafe(5, import_max_w=3000, export_max_w=0)
    old = d.give_failsafe(4, import_max_w=1, export_max_w=0)
    again = d.give_failsafe(5, import_max_w=3000, export_max_w=0)
    bad = d.give_failsafe(6, import_max_w=float("nan"), export_max_w=0)

    assert ("REPLAY", "", "BOUNDS") == (old.reason, again.reason, bad.reason)
    assert 3000 == d.state.failsafe.import_max_w


# --- restart and outage ----------------------------------------------------------------------


def test_a_restart_goes_on_in_failsafe_and_serves_its_remaining_minimum(drive):
    d = drive().failsafe().tick(1000).restart(down_s=600)
    resumed = d.mode

    assert (Mode.FAILSAFE, Mode.FAILSAFE) == (resumed, d.tick(121 + 7199).mode)
    assert Mode.AUTONOMOUS is d.tick(121 + 7201).mode


def test_failsafe_minimum_does_not_trust_the_wall_clock_across_a_restart(drive):
    d = drive().failsafe().tick(1000)
    d.jump_s = 1e6

    assert Mode.FAILSAFE is d.restart().tick(1100).mode


def test_a_planned_reboot_serves_what_it_had_served_for_certain(drive):
    d = drive().failsafe().tick(1121)
    d.boot_s = 1200
    d.restart(down_s=100)

    assert Mode.FAILSAFE is d.tick(1221 + 6199).mode
    assert Mode.AUTONOMOUS is d.tick(1221 + 6201).mode


def test_a_restart_in_autonomous_and_init_goes_on(drive):
    autonomous = drive().start().tick(121).restart(down_s=5)
    init = drive().start().tick(100).restart(down_s=5)

    assert (Mode.AUTONOMOUS, Mode.INIT) == (autonomous.mode, init.mode)
    assert (Mode.INIT, Mode.AUTONOMOUS) == (init.tick(119).mode, init.tick(121).mode)


@pytest.mark.parametrize(("t", "mode"), [(119, Mode.CONTROLLED), (121, Mode.FAILSAFE)])
def test_a_restart_in_control_counts_the_heartbeat_from_before(drive, t, mode):
    d = drive().controlled().tick(80).restart(down_s=10)

    assert (Mode.CONTROLLED, 9000) == (d.mode, d.caps.import_max_w)
    assert mode is d.tick(t).mode


def test_a_heartbeat_from_before_a_restart_allows_no_loosening(drive, paper):
    d = drive().controlled(import_w=4000).tick(5).restart(down_s=1)
    d.give(paper(2, import_w=9000))

    assert 4000 == d.caps.import_max_w
    assert 9000 == d.beat(10).caps.import_max_w


def test_a_long_stop_in_control_leads_to_failsafe_at_once(drive):
    by_wall = drive().controlled().tick(10)
    by_wall.boot_s = 4000
    unknown = drive().controlled().tick(10)
    unknown.boot_s, unknown.synced = 4005, False

    assert Mode.FAILSAFE is by_wall.restart(down_s=4000).mode
    assert Mode.FAILSAFE is unknown.restart(down_s=4000).mode


@pytest.mark.parametrize(
    ("synced", "outage", "mode"),
    [(True, False, Mode.HOLD), (False, False, Mode.FAILSAFE), (True, True, Mode.INIT)],
)
def test_a_restart_holds_only_with_a_synced_clock_and_no_outage(drive, synced, outage, mode):
    d = drive().controlled(on_loss="hold").tick(121)
    d.synced = synced

    assert mode is d.restart(down_s=10, outage=outage).mode


def test_hold_counts_the_time_nobody_ran(drive):
    d = drive().controlled(on_loss="hold", length_s=2e5, exp_s=200_000).tick(121)
    d.boot_s = 94_000

    assert Mode.FAILSAFE is d.restart(down_s=94_000).mode


def test_restart_and_outage_behave_differently(drive):
    restarted = drive().controlled().tick(10).restart(down_s=5)
    cut = drive().controlled().tick(10).restart(down_s=5, outage=True)

    assert (Mode.CONTROLLED, 9000) == (restarted.mode, restarted.caps.import_max_w)
    assert (Mode.INIT, 5000) == (cut.mode, cut.caps.import_max_w)


def test_an_outage_keeps_unexpired_caps_by_minimum(drive):
    d = drive().controlled(import_w=1000).tick(10).restart(down_s=5, outage=True)

    assert (Mode.INIT, 1000) == (d.mode, d.caps.import_max_w)


def test_an_outage_does_not_count_a_document_from_before(drive, paper):
    d = drive().controlled().tick(10, outage=True).tick(11).beat(12)
    alone = d.mode
    d.give(paper(2))

    assert (Mode.INIT, Mode.CONTROLLED) == (alone, d.mode)


def test_120_s_of_init_count_from_the_end_of_the_outage(drive):
    d = drive().start().tick(100, outage=True).tick(200, outage=True)

    assert (Mode.INIT, Mode.AUTONOMOUS) == (d.tick(319).mode, d.tick(321).mode)


def test_an_outage_does_not_end_the_failsafe_minimum(drive):
    d = drive().failsafe().tick(1000).restart(down_s=5, outage=True)
    first = d.mode
    second = d.tick(1005 + 121).mode

    assert (Mode.INIT, Mode.FAILSAFE) == (first, second)
    assert (Mode.FAILSAFE, Mode.AUTONOMOUS) == (d.tick(121 + 7199).mode, d.tick(121 + 7201).mode)


def test_an_outage_after_the_minimum_leads_to_autonomous(drive):
    d = drive().failsafe().tick(121 + 7000).tick(121 + 7100, outage=True)

    assert Mode.AUTONOMOUS is d.tick(121 + 7221).mode


def test_with_no_state_readable_it_is_init(drive):
    assert Mode.INIT is drive().start(None).mode


def test_a_clock_that_is_not_trusted_ends_no_document_across_a_restart(drive):
    d = drive().controlled(import_w=1000, exp_s=500).tick(10)
    d.synced, d.jump_s = False, 1e6

    assert 1000 == d.restart(down_s=10).caps.import_max_w


# --- properties (failsafe.md section 6) ------------------------------------------------------

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
    st.tuples(st.just("limits"), watts, watts, seconds),
    st.tuples(
        st.just("paper"),
        st.sampled_from(["dso", "district"]),
        st.integers(-1, 2),
        st.lists(st.tuples(seconds, watts, watts), min_size=1, max_size=3),
        st.tuples(watts, watts),
        seconds,
        st.sampled_from(["hold", "failsafe"]),
    ),
)


def moved(d, move, paper):
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
        d.state = link.shed(d.state, d.params, args[0], d.now)
    elif kind == "limits":
        d.give_failsafe(int(d.t), import_max_w=args[0], export_max_w=args[1], duration_min_s=args[2])
    else:
        program, newer, intervals, default, life_s, on_loss = args
        seq = d.state.seqs.get(program, 0) + newer
        here = d.t + d.jump_s
        made = replace(
            paper(seq, program, nbf_s=here - 10, start_s=here, exp_s=here + life_s, on_loss=on_loss),
            intervals=tuple(Interval(*interval) for interval in intervals),
            default_import_max_w=default[0],
            default_export_max_w=default[1],
        )
        return d.give(made).status == "ACCEPTED"
    return False


class Watch:
    """What an onlooker with a true clock holds against the machine."""

    def __init__(self) -> None:
        self.entered_s = self.paper_s = self.beat_s = -inf
        self.back_s = inf

    def note(self, d, before, kind, *, received):
        if kind == "restart":
            self.paper_s, self.back_s = -inf, inf
        if received:
            self.paper_s = d.t
        if kind == "beat" and d.state.heartbeat_ns == d.now.ns:
            self.beat_s = d.t
            if before is Mode.FAILSAFE:
                self.back_s = min(self.back_s, d.t)

    def judge(self, d, before):
        values = d.state.failsafe
        failsafe_w = (5000, 0) if values is None else (values.import_max_w, values.export_max_w)
        highest_w = {Mode.AUTONOMOUS: (8_000, 6_000), Mode.FAILSAFE: failsafe_w, Mode.INIT: failsafe_w}
        import_w, export_w = highest_w.get(d.mode, (10_000, 6_000))
        assert 0 <= d.caps.import_max_w <= import_w
        assert 0 <= d.caps.export_max_w <= export_w
        if (before, d.mode) == (Mode.FAILSAFE, Mode.CONTROLLED):
            assert max(d.t - self.paper_s, d.t - self.beat_s) <= 60
            assert self.paper_s >= self.entered_s
        if (before, d.mode) == (Mode.FAILSAFE, Mode.AUTONOMOUS):
            assert d.t - self.entered_s >= 7200 or d.t - self.back_s >= 120
        if d.mode is Mode.FAILSAFE and self.entered_s == -inf:
            self.entered_s, self.back_s = d.t, inf
        if d.mode not in {Mode.FAILSAFE, Mode.INIT}:  # INIT after an outage keeps what is still owed
            self.entered_s = -inf


@settings(max_examples=300)
@given(st.lists(moves, min_size=1, max_size=40))
def test_no_sequence_lifts_a_cap_above_hard_or_above_failsafe_before_its_minimum(drive, paper, sequence):
    d, watch = drive().start(), Watch()
    for move in sequence:
        before = d.mode
        received = moved(d, move, paper)
        watch.note(d, before, move[0], received=received)
        watch.judge(d, before)


@settings(max_examples=200)
@given(st.lists(moves.filter(lambda m: m[0] not in {"paper", "restart"}), max_size=40))
def test_without_a_document_received_since_failsafe_never_becomes_control(drive, paper, sequence):
    d = drive().failsafe()
    for move in sequence:
        moved(d, move, paper)

        assert d.mode is not Mode.CONTROLLED


@settings(max_examples=200)
@given(st.lists(moves, min_size=1, max_size=25))
def test_a_restart_loosens_nothing_but_by_entering_failsafe(drive, paper, sequence):
    d = drive().start()
    for move in sequence:
        moved(d, move, paper)
    before = d.caps
    after = d.restart().caps

    if before.mode == after.mode:
        assert after.import_max_w <= before.import_max_w
        assert after.export_max_w <= before.export_max_w
    else:
        assert Mode.FAILSAFE is d.mode


@settings(max_examples=200)
@given(st.lists(moves, min_size=1, max_size=25), watts, watts)
def test_whatever_happened_a_tightening_acts_at_once(drive, paper, sequence, import_w, export_w):
    d = drive().start()
    for move in sequence:
        moved(d, move, paper)
    here = d.t + d.jump_s
    seq = d.state.seqs.get("dso", 0) + 1
    d.give(
        paper(
            seq, "dso", nbf_s=here - 1e7, exp_s=here + 1e7, start_s=here - 1e7, length_s=2e7,
            import_w=import_w, export_w=export_w,
        )
    )  # fmt: skip

    assert d.caps.import_max_w <= import_w
    assert d.caps.export_max_w <= export_w
