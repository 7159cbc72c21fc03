from quartier_hil.checks.run_record import OrderLedger


def _shown(value, reason, age_s):
    return {
        "bat1": {"command": {"point": "bat1.setpoint_w", "value": value, "reason": reason, "age_s": age_s}}
    }


def test_what_only_repeats_the_last_order_is_counted_there():
    ledger = OrderLedger()
    for at_s, value in ((1, 5.0), (2, 5.0), (3, 6.0), (4, 5.0)):
        ledger.note(at_s, "x.setpoint_w", value, "why")

    assert [(1, 5, 2, 2), (3, 6, 1, 3), (4, 5, 1, 4)] == [
        (row.at_s, row.value, row.count, row.last_s) for row in ledger.rows
    ]


def test_an_order_that_is_looked_at_often_is_one_order():
    ledger = OrderLedger()

    assert 1 == len(ledger.look(10, _shown(5.0, "why", 1.0)))
    assert [] == ledger.look(12, _shown(5.0, "why", 3.2))
    assert 1 == len(ledger.look(40, _shown(5.0, "why", 0.5)))
    assert [2] == [row.count for row in ledger.rows]


def test_an_order_that_stands_for_another_reason_has_that_of_its_write():
    ledger, shown = OrderLedger(), _shown(5.0, "limited to fit", 1.0)
    shown["bat1"]["command"]["written_reason"] = "restored"
    ledger.look(10, shown)

    assert ["restored"] == [row.reason for row in ledger.rows]


def test_an_asset_without_an_order_tells_nothing():
    assert [] == OrderLedger().look(1, {"pv1": {"state": "free"}})
    assert [] == OrderLedger().look(1, None)
