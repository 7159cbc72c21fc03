"""An event comes 90, 30 and 7 days before something expires, and when it has: each once."""

import json

import pytest

from quartier.district.documents import key_list
from quartier.district.documents.expiry_notices import ExpiryNotices, iterate_expiring_keys
from quartier.district.records import ExpiringCredential

DAY_MS = 86_400_000
END_MS = 1_764_000_000_000
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def told(expiries, days, name="certificate issy.b012", end_ms=END_MS, *, replaced=False):
    return [
        note.text
        for note in expiries.due([ExpiringCredential(name, end_ms, replaced)], int(end_ms - days * DAY_MS))
    ]


def test_events_come_90_30_and_7_days_before_the_end_and_at_it_each_once():
    expiries = ExpiryNotices()
    seen = {days: text for days in range(120, -3, -1) for text in told(expiries, days)}
    assert [90, 30, 7, 0] == list(seen)
    assert "certificate issy.b012 expires in 30 days" == seen[30]
    assert "certificate issy.b012 has expired" == seen[0]


def test_who_looks_late_is_told_once_how_much_is_left():
    expiries = ExpiryNotices()
    assert ["certificate issy.b012 expires in 20 days"] == told(expiries, 20)
    assert [] == told(expiries, 19)


def test_a_restart_tells_nothing_again():
    before = ExpiryNotices()
    told(before, 29)
    again = ExpiryNotices(json.loads(json.dumps(before.facts())))
    assert [] == told(again, 28)
    assert 1 == len(told(again, 6))


def test_what_was_renewed_begins_anew():
    expiries = ExpiryNotices()
    told(expiries, 6)
    assert [] == told(expiries, 365, end_ms=END_MS + 365 * DAY_MS)
    assert 1 == len(told(expiries, 90, end_ms=END_MS + 365 * DAY_MS))


@pytest.mark.parametrize(("days", "soon"), [(8, False), (7, True), (-1, True)])
def test_seven_days_before_the_end_it_is_an_alarm(days, soon):
    expiries = ExpiryNotices()
    told(expiries, days)
    assert soon == ("certificate issy.b012" in expiries.soon)


def test_what_has_a_successor_is_an_event_and_no_alarm():
    expiries = ExpiryNotices()
    assert ["key a expires in 5 days, and has a successor"] == told(expiries, 5, "key a", replaced=True)
    assert {} == expiries.soon


@pytest.mark.parametrize("kept", [{"x": 5}, {"x": [1]}, {"x": ["a", 1]}])
def test_kept_facts_that_are_none_of_ours_are_left_out(kept):
    assert {} == ExpiryNotices(kept).facts()


def entry(kid, exp, **more):
    return {"kid": kid, "public_key": PUBLIC, "types": ["envelope"], "exp": exp, **more}


@pytest.mark.parametrize(
    ("newer", "replaced"),
    [
        (entry("new", END_MS + 1), True),
        (entry("new", None), True),
        (entry("new", END_MS), False),
        (entry("new", END_MS + 1, types=["heartbeat"]), False),
        (entry("new", END_MS + 1, programs=["dso"]), False),
    ],
)
def test_a_key_has_a_successor_where_a_newer_one_may_sign_all_that_it_may_for_longer(newer, replaced):
    found = key_list.parse_plain_list(json.dumps([entry("old", END_MS), newer]))
    old = next(credential for credential in iterate_expiring_keys(found) if credential.name == "key old")
    assert (END_MS, replaced) == (old.exp_utc_ms, old.replaced)


def test_a_key_without_an_end_never_ends():
    assert [] == list(iterate_expiring_keys(key_list.parse_plain_list(json.dumps([entry("old", None)]))))
