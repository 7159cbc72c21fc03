import json
from dataclasses import replace

import pytest

from quartier.site.ledger import LedgerEntry, load_entry, parse_entry
from quartier_drivers.contract import OWN_RULE, Origin

PLAIN = LedgerEntry(
    boot=7, number=1, point="ev1.current_max_a", why="free", utc_ms=1000, last_ms=1000, value=16.0
)
FULL = LedgerEntry(
    boot=7,
    number=2,
    point="bat1.setpoint_w",
    why="import cap 4000 W (envelope dso 12)",
    utc_ms=1000,
    last_ms=9000,
    who=Origin("document", "dso", "12", 3),
    count=4,
    writes=3,
    before=0.0,
    value=-500.0,
    low=-800.0,
    high=-500.0,
    shown=-500.0,
    expires_ms=14_000,
    until_ms=90_000,
    outcome="done",
    known_ms=9100,
    note="words",
    fault="exception 2",
    fates={"done": 2, "replaced": 1},
    end="replaced",
    end_ms=9500,
)


@pytest.mark.parametrize("entry", [PLAIN, FULL, replace(FULL, who=OWN_RULE, value=None)])
def test_a_row_comes_back_from_its_text_as_it_was(entry):
    assert entry == parse_entry(entry.text())


def test_a_row_says_only_what_is_not_usual():
    assert {"boot", "number", "point", "why", "utc_ms", "last_ms", "value"} == PLAIN.data().keys()


def test_what_a_later_version_adds_is_left_out():
    assert PLAIN == load_entry(PLAIN.data() | {"colour": "green"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"point": "a.b"}',
        PLAIN.text()[:-1],
        json.dumps(PLAIN.data() | {"outcome": "eaten"}),
    ],
)
def test_what_is_no_row_is_a_value_error(text):
    with pytest.raises(ValueError, match="no row of the ledger"):
        parse_entry(text)


def test_a_row_belongs_to_the_owner_of_its_point_and_stands_until_it_ends():
    assert ("ev1", True, False) == (PLAIN.asset, PLAIN.is_in_force, FULL.is_in_force)
