"""What a running command changes of the link: a test of the fail-safe state, and whether the district leads."""

import json

import pytest

from quartier.control.link import allowed, machine, state
from quartier.control.link.state import LinkMode

S = 1_000_000_000


def put_to_test(d, for_s=60):
    d.state = machine.note_running_commands(d.state, None, (d.now.ns, d.now.ns + for_s * S))
    return d


def test_rule_test_failsafe_puts_the_house_into_its_fail_safe_state_for_its_time_and_comes_back(drive):
    d = drive().controlled(import_w=9_000, export_w=4_000).beat(10)
    before = d.caps_w
    put_to_test(d)
    during = d.tick(69).caps

    assert ("FAILSAFE", 5_000, 0) == (during.mode, during.import_max_w, during.export_max_w)
    assert (True, True, True) == (
        during.no_battery_export,
        during.no_grid_charge_above_reserve,
        during.tested,
    )
    assert (10 * S, "test") == (during.since_ns, during.why[2:6])
    assert (LinkMode.CONTROLLED, before) == (d.mode, (9_000, 4_000))
    after = d.tick(70).caps
    assert ("CONTROLLED", False, *before) == (
        after.mode,
        after.tested,
        after.import_max_w,
        after.export_max_w,
    )


def test_a_test_lifts_no_cap_of_a_document_and_none_of_another_state(drive):
    assert (3_000, 0) == put_to_test(drive().controlled(import_w=3_000)).tick(5).caps_w
    autonomous = drive().start().tick(121)

    assert LinkMode.AUTONOMOUS is autonomous.mode
    assert [8_000, 5_000, 8_000] == [
        autonomous.caps.import_max_w,
        put_to_test(autonomous).tick(125).caps.import_max_w,
        autonomous.tick(182).caps.import_max_w,
    ]


def test_a_loss_during_a_test_is_a_loss_with_its_own_minimum(drive):
    d = put_to_test(drive().controlled(), 600).tick(121)

    assert (LinkMode.FAILSAFE, False, "no heartbeat") == (d.mode, d.caps.tested, d.caps.why)
    assert ("FAILSAFE", 5_000) == (d.tick(700).caps.mode, d.caps.import_max_w)


def test_an_outage_during_a_test_is_shown_as_what_it_is(drive):
    d = put_to_test(drive().controlled(), 600).tick(5, outage=True)

    assert ("INIT", False, 5_000) == (d.caps.mode, d.caps.tested, d.caps.import_max_w)


def test_rule_a_restart_drops_no_test(drive):
    d = put_to_test(drive().controlled(), 300).tick(100).restart(down_s=20)

    assert (True, 5_000) == (d.caps.tested, d.caps.import_max_w)
    assert not d.tick(300).caps.tested
    plain = json.loads(json.dumps(state.dump_link_state(drive().controlled().state)))
    assert state.load_link_state(plain).test_ns is None


def test_what_is_tested_is_worth_saving_and_what_is_as_before_is_the_same(drive):
    d = drive().controlled()
    before = d.state
    put_to_test(d)

    assert state.is_save_due(before, d.state)
    assert d.state is machine.note_running_commands(d.state, None, d.state.test_ns)


@pytest.mark.parametrize(
    ("made", "follows_district"),
    [
        (lambda d: d.start(), False),
        (lambda d: d.controlled(), True),
        (lambda d: d.controlled(on_loss="hold").tick(121), True),
        (lambda d: d.failsafe(), False),
        (lambda d: d.start().tick(121), False),
        (lambda d: d.start().tick(121).beat(122), True),
        (lambda d: put_to_test(d.controlled()).tick(5), False),
    ],
    ids=["INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS", "AUTONOMOUS with heartbeat", "tested"],
)
def test_the_district_leads_where_it_is_heard_or_held_and_no_loss_is_tried(drive, made, follows_district):
    d = made(drive())

    assert follows_district is allowed.follows_district(d.state, d.params, d.now)
