from quartier.app.decisions import GIVEN_BACK, LAST_COUNT, Decisions
from quartier_drivers.contract import Command


def order(value, reason, point="bat1.setpoint_w"):
    return Command(point, value, expires_ns=0, reason=reason)


def told(decisions, utc_ms=10_000):
    return [
        (decision["age_s"], decision["value"], decision["orders_count"], decision["reason"])
        for decision in decisions.of("bat1", utc_ms)
    ]


def test_orders_in_a_row_for_one_reason_are_one_decision_the_newest_first():
    decisions = Decisions()
    decisions.note([order(-500.0, "self-consumption")], [], 1000)
    decisions.note([order(-520.0, "self-consumption")], [], 2000)
    decisions.note([order(0.0, "import cap")], [], 5000)

    assert [(5.0, 0.0, 1, "import cap"), (9.0, -520.0, 2, "self-consumption")] == told(decisions)


def test_what_was_given_back_has_no_value():
    decisions = Decisions()
    decisions.note([], ["bat1.setpoint_w"], 4000)

    assert [(6.0, None, 1, GIVEN_BACK)] == told(decisions)


def test_only_the_last_ones_are_kept_and_of_no_asset_that_left():
    decisions = Decisions()
    for number in range(3 * LAST_COUNT):
        decisions.note([order(0.0, f"reason {number}")], [], number)
    assert LAST_COUNT == len(told(decisions))

    decisions.keep({"ev1"})
    assert [] == told(decisions)
