CAR = '[[events]]\nat_s = 20\ndo = "plug"\nneed_wh = 30000\n'
CAP = '[[events]]\nat_s = 60\ndo = "caps"\nimport_max_w = 4000\nfor_s = 200\n'
CHECKS = '[[checks]]\ncheck = "cap-kept"\n[[checks]]\ncheck = "invariants"\n'


def _broken(found):
    return [verdict for verdict in found.verdicts() if not verdict.holds]


def test_a_cap_is_kept_and_every_order_has_its_reason(day):
    found = day(CAR + CAP + CHECKS).perform()

    assert [] == _broken(found)
    assert any("envelope" in row.reason for row in found.ledger.rows)
    assert 4_000 == found.record.columns["cap.import_w"][-60]
    assert 4_000 == found.record.columns["limit.import_w"][-60], "the gateway keeps what was promised"


def test_a_load_that_nobody_can_hold_back_breaks_the_cap(day):
    load = '[[events]]\nat_s = 40\ndo = "load"\nextra_w = 9000\nfor_s = 900\n'
    away = '[[events]]\nat_s = 40\ndo = "fault"\ndevice = "gx"\nkind = "off"\n'
    found = day(load + away + CAP + CHECKS).perform()

    assert "cap-kept" in [verdict.check for verdict in _broken(found)]


def test_a_killed_gateway_comes_back_and_its_outputs_were_released(day):
    kill = '[[events]]\nat_s = 100\ndo = "kill"\ndown_s = 30\n'
    found = day(CAR + kill, duration_s=200).perform()

    at = found.record.times_s.index(120)
    assert (0, 0) == (
        found.record.columns["order.battery_w"][at],
        found.record.columns["order.current_max_a"][at],
    )
    assert [(100, 130)] == found.downs
    assert "CONTROLLED" == found.view["mode"]


def test_a_frozen_gateway_orders_nothing_and_timers_run_out(day):
    freeze = '[[events]]\nat_s = 100\ndo = "freeze"\nfor_s = 80\n'
    found = day(CAR + freeze, duration_s=250).perform()

    column = found.record.columns["order.current_max_a"]
    assert 16 == column[found.record.times_s.index(99)]
    assert 0 == column[found.record.times_s.index(170)]
    assert not [row for row in found.ledger.rows if 101 <= row.at_s <= 179]


def test_what_only_wires_can_judge_is_named(day):
    found = day('[[checks]]\ncheck = "delivered"\n', duration_s=5).perform()

    assert ("delivered",) == found.rig_only_checks
    assert "needs wires and is not judged: delivered" in found.words


def test_in_a_blackout_nothing_runs_and_the_gateway_starts_on_another_boot(day):
    dark = '[[events]]\nat_s = 100\ndo = "blackout"\nfor_s = 60\nboot_s = 20\n'
    found = day(CAR + dark, duration_s=240).perform()

    grid = dict(zip(found.record.times_s, found.record.columns["grid.power_w"], strict=True))
    assert {0} == {power_w for at_s, power_w in grid.items() if 102 <= at_s <= 159}
    assert grid[170] > 9_000  # the charge point starts by itself
    assert [(100, 180)] == found.downs
    assert found.controller.state.events.outage.is_open


def test_a_gateway_with_a_battery_of_its_own_lives_through_a_blackout(day):
    dark = '[[events]]\nat_s = 100\ndo = "blackout"\nfor_s = 60\nbacked = ["gateway", "meter"]\n'
    found = day(dark, duration_s=150).perform()

    assert [] == found.downs
    assert "INIT" == found.view["mode"]


def test_a_dead_wire_leaves_its_device_with_what_it_was_told(day):
    cut = '[[events]]\nat_s = 100\ndo = "fault"\ndevice = "gx_net"\nkind = "{kind}"\n'
    held = [
        day(CAR + cut.format(kind=kind).replace("gx_net", name), duration_s=105).perform()
        for name, kind in (("charger_net", "off"), ("charger", "off"))
    ]

    assert [16, 0] == [found.record.columns["order.current_max_a"][-1] for found in held]
