from dataclasses import replace

import pytest

from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkMode
from quartier.control.requests import Heartbeat, Interval

# --- INIT ------------------------------------------------------------------------------------


def test_init_has_the_failsafe_values_at_once(drive):
    d = drive().start()

    assert (LinkMode.INIT, (5000, 0)) == (d.mode, d.caps_w)
    assert {"import": "fail-safe value", "export": "fail-safe value"} == {
        way: str(source) for way, source in d.caps.sources.items()
    }
    assert d.caps.no_battery_export
    assert d.caps.no_grid_charge_above_reserve


@pytest.mark.parametrize(("t", "mode"), [(119, LinkMode.INIT), (121, LinkMode.AUTONOMOUS)])
def test_init_ends_in_autonomous_after_120_s(drive, t, mode):
    assert mode is drive().start().tick(t).mode


def test_a_state_that_was_lost_leaves_the_failsafe_values_for_their_minimum(drive):
    link = drive().start(lost=True)
    held = [(link.tick(t).mode, link.caps.import_max_w) for t in (0, 119, 7199)]

    assert [(LinkMode.INIT, 5_000), (LinkMode.INIT, 5_000), (LinkMode.FAILSAFE, 5_000)] == held
    assert link.tick(7200).mode is LinkMode.AUTONOMOUS


def test_a_state_that_was_lost_is_controlled_again_by_heartbeat_and_document(drive, document):
    link = drive().start(lost=True).beat(1)
    link.give(document(), 2)

    assert link.mode is LinkMode.CONTROLLED


@pytest.mark.parametrize(("t", "mode"), [(59, LinkMode.CONTROLLED), (61, LinkMode.INIT)])
def test_init_needs_document_and_heartbeat_within_60_s_in_either_order(drive, document, t, mode):
    after, before = drive().start().beat(), drive().start()
    after.give(document(), t)
    before.give(document())
    before.beat(t)

    assert (mode, mode) == (after.mode, before.mode)


def test_init_is_not_left_by_a_document_alone_nor_by_heartbeats_alone(drive, document):
    documents, beats = drive().start(), drive().start()
    documents.give(document(), 10)
    beats.beats_until(119)

    assert (LinkMode.INIT, LinkMode.INIT) == (documents.mode, beats.mode)
    assert (5000, 0) == documents.caps_w


def test_init_counts_a_tighter_document_at_once(drive, document):
    d = drive().start()
    d.give(document(import_w=3000))

    assert 3000 == d.caps.import_max_w
    assert "envelope district district-1" == str(d.caps.sources["import"])


# --- CONTROLLED ------------------------------------------------------------------------------


@pytest.mark.parametrize(("t", "mode"), [(119, LinkMode.CONTROLLED), (121, LinkMode.FAILSAFE)])
def test_controlled_goes_failsafe_after_120_s_without_heartbeat(drive, t, mode):
    assert mode is drive().controlled().tick(t).mode


@pytest.mark.parametrize(("t", "mode"), [(119, LinkMode.CONTROLLED), (121, LinkMode.HOLD)])
def test_controlled_holds_when_every_document_says_hold(drive, t, mode):
    assert mode is drive().controlled(on_loss="hold").tick(t).mode


def test_controlled_goes_failsafe_when_any_document_says_failsafe(drive, document):
    d = drive().controlled(on_loss="hold")
    d.give(document(1, "dso", on_loss="failsafe"))

    assert LinkMode.FAILSAFE is d.tick(121).mode


@pytest.mark.parametrize(("duration_s", "mode"), [(119, LinkMode.HOLD), (123, LinkMode.FAILSAFE)])
def test_controlled_goes_failsafe_when_a_shed_command_runs(drive, duration_s, mode):
    d = drive().controlled(on_loss="hold")
    d.state = machine.note_running_commands(d.state, d.now.ns + round(duration_s * 1e9), None)

    assert mode is d.tick(121).mode


@pytest.mark.parametrize("timeout_s", [60, 120, 300])
def test_heartbeat_timeout_is_settable(drive, limits, timeout_s):
    params = allowed.LinkParameters(limits=limits, heartbeat_timeout_s=timeout_s)

    assert LinkMode.CONTROLLED is drive(params=params).controlled().tick(timeout_s - 1).mode
    assert LinkMode.FAILSAFE is drive(params=params).controlled().tick(timeout_s + 1).mode


@pytest.mark.parametrize(("offset_s", "counts"), [(-11, False), (-9, True), (9, True), (11, False)])
def test_how_far_a_stamp_may_be_off_is_settable(drive, limits, offset_s, counts):
    d = drive(params=allowed.LinkParameters(limits=limits, heartbeat_offset_max_s=10)).start()
    beat = Heartbeat(1, d.now.utc_ms + offset_s * 1000)

    assert counts is (machine.accept_heartbeat(d.state, d.params, beat, d.now).heartbeat_n == 1)


@pytest.mark.parametrize(("t", "mode"), [(1059, LinkMode.CONTROLLED), (1061, LinkMode.FAILSAFE)])
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


def test_controlled_combines_programs_by_minimum_per_direction(drive, document):
    d = drive().controlled(import_w=9000, export_w=1000)
    d.give(document(1, "dso", import_w=4000, export_w=5000))

    assert (4000, 1000) == d.caps_w
    assert {"import": "envelope dso dso-1", "export": "envelope district district-1"} == {
        way: str(source) for way, source in d.caps.sources.items()
    }


def test_default_of_an_expired_document_stays_until_a_newer_one(drive, document):
    d = drive().controlled(exp_s=200, default_w=2000)
    d.give(document(1, "dso"))
    d.beats_until(201)
    expired = d.caps_w, str(d.caps.sources["import"])
    d.give(document(2, import_w=6000))

    assert ((2000, 3000), "default of expired envelope district district-1") == expired
    assert 6000 == d.caps.import_max_w


def test_default_of_an_expired_document_ends_with_the_state(drive, document):
    d = drive().controlled(exp_s=50, default_w=2000)
    d.give(document(1, "dso"))
    d.tick(121)

    assert (LinkMode.FAILSAFE, 5000) == (d.mode, d.caps.import_max_w)


def test_hold_keeps_the_default_of_a_document_that_expired_before(drive, document):
    d = drive().controlled(exp_s=50, default_w=2000)
    d.give(document(1, "dso", on_loss="hold"))
    d.tick(121)

    assert (LinkMode.HOLD, 2000) == (d.mode, d.caps.import_max_w)


def test_no_document_lifts_a_cap_above_hard(drive):
    assert (10_000, 6_000) == drive().controlled(import_w=99_999, export_w=99_999).caps_w


def test_generation_and_consumption_caps_pass_through(drive, document):
    d = drive().controlled()
    d.give(replace(document(2), intervals=(Interval(9999, None, None, 1500, 2500),)))

    assert (1500, 2500) == (d.caps.generation_max_w, d.caps.consumption_max_w)
    assert 7000 == d.caps.import_max_w


# --- HOLD ------------------------------------------------------------------------------------


def test_hold_goes_on_with_the_schedule(drive, document):
    steps = (Interval(200, 9000, 0), Interval(20_000, 4000, 100))
    d = drive().start()
    d.give(replace(document(on_loss="hold"), intervals=steps))
    d.beat().tick(121)

    assert (LinkMode.HOLD, 9000) == (d.mode, d.caps.import_max_w)
    assert (4000, 100) == d.tick(201).caps_w


@pytest.mark.parametrize(("t", "mode"), [(121 + 93_599, LinkMode.HOLD), (121 + 93_601, LinkMode.FAILSAFE)])
def test_hold_lasts_26_h_at_most(drive, t, mode):
    d = drive().controlled(on_loss="hold", length_s=200_000, exp_s=200_000).tick(121)

    assert mode is d.tick(t).mode


@pytest.mark.parametrize("hold_max_s", [3600, 172_800])
def test_hold_maximum_is_settable(drive, limits, hold_max_s):
    params = allowed.LinkParameters(limits=limits, hold_max_s=hold_max_s)
    d = drive(params=params).controlled(on_loss="hold", length_s=200_000, exp_s=200_000).tick(121)

    assert LinkMode.HOLD is d.tick(121 + hold_max_s - 1).mode
    assert LinkMode.FAILSAFE is d.tick(121 + hold_max_s + 1).mode


@pytest.mark.parametrize(("t", "mode"), [(999, LinkMode.HOLD), (1001, LinkMode.FAILSAFE)])
@pytest.mark.parametrize("ends", [{"length_s": 1000}, {"exp_s": 1000}])
def test_hold_ends_with_its_schedule(drive, ends, t, mode):
    assert mode is drive().controlled(on_loss="hold", **ends).tick(121).tick(t).mode


def test_hold_needs_a_schedule_that_is_not_used_up(drive):
    d = drive().controlled(on_loss="hold", length_s=50).tick(121)

    assert (LinkMode.FAILSAFE, "the schedule is used up or was held too long") == (d.mode, d.state.why)


def test_hold_is_left_by_heartbeat_and_document_not_by_one_of_them(drive, document):
    d = drive().controlled(on_loss="hold").tick(121).beat(200)
    alone = d.mode
    d.give(document(on_loss="hold"), 259)

    assert (LinkMode.HOLD, LinkMode.CONTROLLED) == (alone, d.mode)


@pytest.mark.parametrize("on_loss", ["hold", "failsafe"])
def test_a_grid_outage_leads_to_init_from_everywhere(drive, on_loss):
    d = drive().controlled(on_loss=on_loss).tick(121).tick(130, outage=True)

    assert (LinkMode.INIT, 5000) == (d.mode, d.caps.import_max_w)


# --- FAILSAFE --------------------------------------------------------------------------------


def test_failsafe_has_its_values_and_flags(drive):
    d = drive().failsafe()

    assert (5000, 0) == d.caps_w
    assert (True, True) == (d.caps.no_battery_export, d.caps.no_grid_charge_above_reserve)


def test_failsafe_counts_every_document_inside_its_validity(drive, document):
    d = drive().failsafe()
    d.give(document(1, "dso", import_w=1000, exp_s=500))

    assert 1000 == d.tick(499).caps.import_max_w
    assert 5000 == d.tick(501).caps.import_max_w


@pytest.mark.parametrize(("wait_s", "mode"), [(59, LinkMode.CONTROLLED), (61, LinkMode.FAILSAFE)])
def test_failsafe_is_left_by_a_heartbeat_then_a_document_within_60_s(drive, document, wait_s, mode):
    d = drive().failsafe().beat(300)
    d.give(document(2), 300 + wait_s)

    assert mode is d.mode


@pytest.mark.parametrize(("wait_s", "mode"), [(59, LinkMode.CONTROLLED), (61, LinkMode.FAILSAFE)])
def test_failsafe_takes_document_and_heartbeat_in_the_other_order_too(drive, document, wait_s, mode):
    d = drive().failsafe()
    d.give(document(2), 300)

    assert mode is d.beat(300 + wait_s).mode


def test_failsafe_does_not_count_a_document_from_before_it(drive, document):
    d = drive().controlled()
    d.give(document(2), 119)
    d.tick(121).beat(125)

    assert LinkMode.FAILSAFE is d.mode


def test_a_retained_document_of_the_same_sequence_counts_as_received(drive, document):
    d = drive().failsafe().beat(300)
    ack = d.give(document())

    assert ("OK", "ACCEPTED", "") == (ack.reception, ack.status, ack.reason)
    assert LinkMode.CONTROLLED is d.mode


@pytest.mark.parametrize(("t", "mode"), [(300 + 119, LinkMode.FAILSAFE), (300 + 121, LinkMode.AUTONOMOUS)])
def test_failsafe_ends_120_s_after_the_heartbeat_came_back_without_document(drive, t, mode):
    d = drive().failsafe().tick(270).beats_until(t)

    assert mode is d.mode


def test_one_heartbeat_that_does_not_last_does_not_end_failsafe(drive):
    assert LinkMode.FAILSAFE is drive().failsafe().beat(300).tick(425).beat(426).tick(500).mode


def test_heartbeats_alone_never_lead_from_failsafe_into_control(drive):
    d = drive().failsafe()
    modes = {d.beat(200 + 10 * k).mode for k in range(900)}

    assert {LinkMode.FAILSAFE, LinkMode.AUTONOMOUS} == modes


@pytest.mark.parametrize(("t", "mode"), [(121 + 7199, LinkMode.FAILSAFE), (121 + 7201, LinkMode.AUTONOMOUS)])
def test_failsafe_lasts_2_h_without_heartbeat(drive, t, mode):
    assert mode is drive().failsafe().tick(t).mode


@pytest.mark.parametrize("least_s", [7200, 86_400])
def test_failsafe_minimum_is_settable(drive, limits, least_s):
    params = allowed.LinkParameters(limits=limits, failsafe_min_s=least_s)

    assert LinkMode.FAILSAFE is drive(params=params).failsafe().tick(121 + least_s - 1).mode
    assert LinkMode.AUTONOMOUS is drive(params=params).failsafe().tick(121 + least_s + 1).mode


# --- AUTONOMOUS ------------------------------------------------------------------------------


def test_autonomous_has_its_values_and_every_valid_document(drive, document):
    d = drive().start().tick(121)
    free = d.caps_w
    d.give(document(import_w=2000, exp_s=500))

    assert ((8000, 6000), 2000) == (free, d.caps.import_max_w)
    assert 8000 == d.tick(501).caps.import_max_w


def test_autonomous_is_left_by_heartbeat_and_document_only(drive, document):
    beats = drive().start().tick(121).beats_until(1000)
    documents = drive().start().tick(121)
    documents.give(document())

    assert (LinkMode.AUTONOMOUS, LinkMode.AUTONOMOUS) == (beats.mode, documents.mode)
    assert LinkMode.CONTROLLED is documents.beat().mode
