from quartier.daemon.reports.ledger_rows import LedgerRow, is_continuous
from quartier.site.ledger import LedgerEntry
from quartier_drivers.contract import Command, Origin

DSO = Origin("document", "dso", "12", 3)


def row(point="bat1.setpoint_w", value=100.0):
    entry = LedgerEntry(
        boot=7,
        number=1,
        point=point,
        why="cap",
        utc_ms=0,
        last_ms=0,
        who=DSO,
        value=value,
        low=value,
        high=value,
    )
    return LedgerRow(entry, Command(point, value, 1, "cap", DSO))


def test_the_same_order_again_is_counted_with_its_last_time_and_range():
    one = row()
    for value in (-50.0, 70.0):
        one.judged("done", 500, "", value)
        one.asked(Command("bat1.setpoint_w", value, 1, "cap", DSO), 1000, 6000)

    assert (3, 1000, 6000) == (one.entry.count, one.entry.last_ms, one.entry.expires_ms)
    assert (-50.0, 100.0, 70.0) == (one.entry.low, one.entry.high, one.entry.value)
    assert ({"done": 2}, "pending") == (one.entry.fates, one.entry.outcome)


def test_another_reason_another_who_or_another_mode_is_another_order():
    assert row().takes(Command("bat1.setpoint_w", 90.0, 1, "cap", DSO))
    assert not row().takes(Command("bat1.setpoint_w", 100.0, 1, "other", DSO))
    assert not row().takes(Command("bat1.setpoint_w", 100.0, 1, "cap"))
    assert not row("heat.relay_on", 1.0).takes(Command("heat.relay_on", 0.0, 1, "cap", DSO))


def test_powers_and_currents_follow_switches_and_modes_do_not():
    assert is_continuous("bat1.setpoint_w")
    assert is_continuous("ev1.current_max_a")
    assert not is_continuous("heat.relay_on")
    assert not is_continuous("light.dim_pct")


def test_a_fate_of_an_earlier_command_leaves_the_outcome_of_the_last():
    one = row()
    one.asked(Command("bat1.setpoint_w", 0.0, 1, "cap", DSO), 1000, 6000)
    one.count_outcome("replaced")
    one.judged("refused", 1500, "the device holds 100")

    assert ({"replaced": 1}, "refused", 1500) == (one.entry.fates, one.entry.outcome, one.entry.known_ms)


def test_the_words_of_what_went_wrong_last_stay_when_it_goes_well_again():
    one = row()
    one.judged("refused", 500, "exception 2")
    one.asked(Command("bat1.setpoint_w", 100.0, 1, "cap", DSO), 1000, 6000)
    one.judged("done", 1500, "", 100.0)

    assert ("exception 2", "") == (one.entry.fault, one.entry.note)


def test_a_row_that_goes_on_stands_again():
    one = row()
    one.ended("replaced", 900)
    one.asked(Command("bat1.setpoint_w", 0.0, 1, "cap", DSO), 1000, 6000)
    assert (True, None) == (one.entry.stands, one.entry.end_ms)
