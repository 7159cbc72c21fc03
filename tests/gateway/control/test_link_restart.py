import pytest

from quartier.control.link.state import LinkMode

# --- restart and outage ----------------------------------------------------------------------


def test_a_restart_goes_on_in_failsafe_and_serves_its_remaining_minimum(drive):
    d = drive().failsafe().tick(1000).restart(down_s=600)
    resumed = d.mode

    assert (LinkMode.FAILSAFE, LinkMode.FAILSAFE) == (resumed, d.tick(121 + 7199).mode)
    assert LinkMode.AUTONOMOUS is d.tick(121 + 7201).mode


def test_failsafe_minimum_does_not_trust_the_wall_clock_across_a_restart(drive):
    d = drive().failsafe().tick(1000)
    d.jump_s = 1e6

    assert LinkMode.FAILSAFE is d.restart().tick(1100).mode


def test_a_planned_reboot_serves_what_it_had_served_for_certain(drive):
    d = drive().failsafe().tick(1121)
    d.boot_s = 1200
    d.restart(down_s=100)

    assert LinkMode.FAILSAFE is d.tick(1221 + 6199).mode
    assert LinkMode.AUTONOMOUS is d.tick(1221 + 6201).mode


def test_a_restart_in_autonomous_and_init_goes_on(drive):
    autonomous = drive().start().tick(121).restart(down_s=5)
    init = drive().start().tick(100).restart(down_s=5)

    assert (LinkMode.AUTONOMOUS, LinkMode.INIT) == (autonomous.mode, init.mode)
    assert (LinkMode.INIT, LinkMode.AUTONOMOUS) == (init.tick(119).mode, init.tick(121).mode)


@pytest.mark.parametrize(("t", "mode"), [(119, LinkMode.CONTROLLED), (121, LinkMode.FAILSAFE)])
def test_a_restart_in_control_counts_the_heartbeat_from_before(drive, t, mode):
    d = drive().controlled().tick(80).restart(down_s=10)

    assert (LinkMode.CONTROLLED, 9000) == (d.mode, d.caps.import_max_w)
    assert mode is d.tick(t).mode


def test_a_heartbeat_from_before_a_restart_allows_no_loosening(drive, document):
    d = drive().controlled(import_w=4000).tick(5).restart(down_s=1)
    d.give(document(2, import_w=9000))

    assert 4000 == d.caps.import_max_w
    assert 9000 == d.beat(10).caps.import_max_w


def test_a_long_stop_in_control_leads_to_failsafe_at_once(drive):
    by_wall = drive().controlled().tick(10)
    by_wall.boot_s = 4000
    unknown = drive().controlled().tick(10)
    unknown.boot_s, unknown.synced = 4005, False

    assert LinkMode.FAILSAFE is by_wall.restart(down_s=4000).mode
    assert LinkMode.FAILSAFE is unknown.restart(down_s=4000).mode


@pytest.mark.parametrize(
    ("synced", "outage", "mode"),
    [(True, False, LinkMode.HOLD), (False, False, LinkMode.FAILSAFE), (True, True, LinkMode.INIT)],
)
def test_a_restart_holds_only_with_a_synced_clock_and_no_outage(drive, synced, outage, mode):
    d = drive().controlled(on_loss="hold").tick(121)
    d.synced = synced

    assert mode is d.restart(down_s=10, outage=outage).mode


def test_hold_counts_the_time_nobody_ran(drive):
    d = drive().controlled(on_loss="hold", length_s=2e5, exp_s=200_000).tick(121)
    d.boot_s = 94_000

    assert LinkMode.FAILSAFE is d.restart(down_s=94_000).mode


def test_restart_and_outage_behave_differently(drive):
    restarted = drive().controlled().tick(10).restart(down_s=5)
    cut = drive().controlled().tick(10).restart(down_s=5, outage=True)

    assert (LinkMode.CONTROLLED, 9000) == (restarted.mode, restarted.caps.import_max_w)
    assert (LinkMode.INIT, 5000) == (cut.mode, cut.caps.import_max_w)


def test_an_outage_keeps_unexpired_caps_by_minimum(drive):
    d = drive().controlled(import_w=1000).tick(10).restart(down_s=5, outage=True)

    assert (LinkMode.INIT, 1000) == (d.mode, d.caps.import_max_w)


def test_an_outage_does_not_count_a_document_from_before(drive, document):
    d = drive().controlled().tick(10, outage=True).tick(11).beat(12)
    alone = d.mode
    d.give(document(2))

    assert (LinkMode.INIT, LinkMode.CONTROLLED) == (alone, d.mode)


def test_120_s_of_init_count_from_the_end_of_the_outage(drive):
    d = drive().start().tick(100, outage=True).tick(200, outage=True)

    assert (LinkMode.INIT, LinkMode.AUTONOMOUS) == (d.tick(319).mode, d.tick(321).mode)


def test_an_outage_does_not_end_the_failsafe_minimum(drive):
    d = drive().failsafe().tick(1000).restart(down_s=5, outage=True)
    first = d.mode
    second = d.tick(1005 + 121).mode

    assert (LinkMode.INIT, LinkMode.FAILSAFE) == (first, second)
    assert (LinkMode.FAILSAFE, LinkMode.AUTONOMOUS) == (d.tick(121 + 7199).mode, d.tick(121 + 7201).mode)


def test_an_outage_after_the_minimum_leads_to_autonomous(drive):
    d = drive().failsafe().tick(121 + 7000).tick(121 + 7100, outage=True)

    assert LinkMode.AUTONOMOUS is d.tick(121 + 7221).mode


def test_with_no_state_readable_it_is_init(drive):
    assert LinkMode.INIT is drive().start(None).mode


def test_a_clock_that_is_not_trusted_ends_no_document_across_a_restart(drive):
    d = drive().controlled(import_w=1000, exp_s=500).tick(10)
    d.synced, d.jump_s = False, 1e6

    assert 1000 == d.restart(down_s=10).caps.import_max_w
