from dataclasses import replace

import pytest

from quartier.cli.rendering import ledger_text
from quartier.site.ledger import LedgerEntry
from quartier_drivers.contract import OWN_RULE, Origin

ROW = LedgerEntry(
    boot=7,
    number=1,
    point="bat1.setpoint_w",
    why="free",
    utc_ms=0,
    last_ms=0,
    value=-500.0,
    low=-500.0,
    high=-500.0,
)


@pytest.mark.parametrize(
    ("one", "short", "sentence"),
    [
        (OWN_RULE, "the gateway", "the gateway"),
        (Origin("rule", "restore"), "restore", "the gateway, by its rule restore"),
        (Origin("document", "dso", "12", 3), "dso 12", "the district: program dso, document 12, seq 3"),
        (
            Origin("document", "schedule bat1", "s1", 3),
            "schedule bat1 s1",
            "the district: schedule bat1, document s1, seq 3",
        ),
        (Origin("person", "anna", "1001"), "anna", "anna (a person, user 1001)"),
        (Origin("person", "anna"), "anna", "anna (a person)"),
        (Origin("grid", "contact dso1"), "contact dso1", "the grid (contact dso1)"),
        (Origin("drill", "bus"), "drill bus", "drill bus"),
        (Origin("release", "gateway left"), "gateway left", "the gateway, giving it back (gateway left)"),
        (Origin("release"), "the gateway, giving it back", "the gateway, giving it back"),
        (Origin("device"), "the device by itself", "the device by itself"),
        (Origin("stranger"), "somebody else", "somebody else"),
    ],
)
def test_who_is_told_short_for_a_column_and_whole_for_a_sentence(one, short, sentence):
    assert (short, sentence) == (ledger_text.format_who(one), ledger_text.describe_who(one))


def test_a_value_is_one_or_a_range_or_the_devices_own_control():
    assert "-500 W" == ledger_text.format_value(ROW)
    assert "-800 to -500 W" == ledger_text.format_value(replace(ROW, low=-800.0))
    assert "own control" == ledger_text.format_value(replace(ROW, value=None, low=None, high=None))
    assert "off" == ledger_text.format_value(
        replace(ROW, point="heat.relay_on", value=0.0, low=0.0, high=0.0)
    )


def test_an_outcome_tells_what_went_wrong_before_even_if_the_last_went_well():
    assert "done" == ledger_text.format_outcome(
        replace(ROW, outcome="done", fates={"done": 3, "replaced": 1}, count=5)
    )
    assert "done (refused 2x of 6)" == ledger_text.format_outcome(
        replace(ROW, outcome="done", fates={"done": 3, "refused": 2}, count=6)
    )
    assert "refused" == ledger_text.format_outcome(
        replace(ROW, outcome="refused", fates={"refused": 2}, count=3)
    )


def test_what_an_earlier_start_did_not_learn_is_unknown():
    assert "pending" == ledger_text.settle_entry(ROW, 7).outcome
    old = ledger_text.settle_entry(ROW, 8)
    assert ("unknown", "replaced") == (old.outcome, old.end)
    assert "done" == ledger_text.settle_entry(replace(ROW, outcome="done"), 8).outcome


def test_a_row_for_scripts_says_who_in_words_too():
    assert {"who_words": "the gateway", "stands": True, "value": -500.0}.items() <= ledger_text.render_entry(
        ROW
    ).items()


def test_another_client_is_named_with_its_share_and_address():
    client = Origin("client", "portal", "192.168.1.40")

    assert ("portal", "another client of the device, share portal at 192.168.1.40") == (
        ledger_text.format_who(client),
        ledger_text.describe_who(client),
    )
