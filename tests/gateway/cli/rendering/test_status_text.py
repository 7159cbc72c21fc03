import pytest

from quartier.cli.rendering import planning_text, status_text
from quartier.site.alarm_types import describe_ended


@pytest.mark.parametrize(
    ("point", "value", "expected"),
    [
        ("bat1.setpoint_w", -1180.0, "-1,180 W"),
        ("ev1.current_max_a", 13.3, "13.3 A"),
        ("hp1.relay_on", 0.0, "off"),
        ("hp1.relay_on", 1.0, "on"),
        ("hp1.level_pct", 40.0, "40"),
        ("bat1.setpoint_w", None, "–"),
    ],
)
def test_an_order_reads_as_people_say_it(point, value, expected):
    assert expected == status_text.format_order(point, value)


def test_what_the_store_lost_is_said_in_a_line_of_its_own_and_only_then(status):
    assert 1 == len(list(status_text.describe_store(status["store"])))

    (_, lost) = status_text.describe_store(
        {**status["store"], "evicted_count": 1200, "commits_failed_count": 3}
    )
    assert "history: 1,200 evicted to stay within the size, 3 commits failed" == lost.plain


def test_skipped_cycles_are_coloured_none_are_not(status):
    well = status_text.describe_cycles(status["cycles"])
    late = status_text.describe_cycles({**status["cycles"], "skipped_count": 2})

    assert [] == well.spans
    assert ["yellow"] == [span.style for span in late.spans]


def test_a_good_device_says_who_it_is_and_a_bad_one_why():
    device = {"state": "good", "why": "", "identity": {"maker": "KEBA", "model": "P30", "firmware": "1"}}
    bus = {"online": True, "why": ""}
    assert "KEBA P30" == status_text.explain_device(device, bus)

    silent = {**device, "state": "silent", "why": "unit 1 is silent"}
    assert "unit 1 is silent" == status_text.explain_device(silent, bus)
    lost = {"online": False, "why": "unit 1 is silent"}
    assert not status_text.explain_device(silent, lost), "its bus has said so"


def test_a_status_says_which_file_of_facts_was_damaged(status):
    said = [
        str(text) for text in status_text.describe_troubles({**status, "damaged": ["link.a is damaged: …"]})
    ]

    assert "damaged: link.a is damaged: …" in said


def test_a_probe_is_told_with_its_age_and_whether_control_uses_it():
    found = {"age_s": 7200.0, "sentence": "bat1 answered -500 W for -500 W", "used": True, "is_good": True}
    good, bad = status_text.describe_probes(
        {"bat1": found, "ev1": {**found, "used": False, "is_good": False}}
    )

    assert "probed 2 h ago: bat1 answered -500 W for -500 W, control reckons with it" == str(good)
    assert "yellow" == bad.style


def test_a_points_answer_is_told_by_what_was_measured():
    found = {"gain": 0.98, "delay_s": 2.14, "ramp_w_per_s": 300.0}

    assert "98 % after 2.1 s, 300 W/s" == status_text.describe_probed_answer(found)
    assert "98 %" == status_text.describe_probed_answer({**found, "delay_s": None, "ramp_w_per_s": 0.0})
    assert "" == status_text.describe_probed_answer(None)


FALLBACK = {"value": 0.0, "after_s": 60.0, "holds": False}


@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        (None, "nothing"),
        (FALLBACK, "0 W after 60 s"),
        (FALLBACK | {"value": None}, "own control after 60 s"),
        (FALLBACK | {"state": "verified", "age_s": 7200.0}, "0 W after 60 s, verified 2 h ago"),
        (FALLBACK | {"state": "armed"}, "0 W after 60 s, armed, not proven"),
        (FALLBACK | {"state": "declared"}, "0 W after 60 s, by the manual"),
        (FALLBACK | {"state": "different"}, "0 W after 60 s, NOT as declared"),
        ({"value": None, "after_s": None, "holds": True, "state": "unseen"}, "holds"),
    ],
)
def test_what_a_device_does_by_itself_is_said_in_a_few_words(fallback, expected):
    assert expected == status_text.describe_fallback("bat1.setpoint_w", fallback)


def test_a_status_counts_fallbacks_and_names_each_that_would_not_act():
    row = {"asset": "bat1", "point": "bat1.setpoint_w", "problem": "", "accepted": None, "state": "verified"}
    lost = row | {
        "point": "ev1.current_max_a",
        "state": "different",
        "problem": "it never acts; run quartier arm",
    }
    none = row | {"asset": "heat", "point": "heat.relay_on", "state": "none"}
    told = [row, row | {"state": "declared"}, lost, none, none | {"accepted": "it harms nobody at all"}]
    counts, first, second = status_text.describe_fallbacks(told)

    assert "fallbacks: 1 verified, 1 by the manual, 1 accepted without" == str(counts)
    assert ("fallback of ev1.current_max_a is lost: it never acts; run quartier arm", "red") == (
        str(first),
        first.style,
    )
    assert "heat is given no orders: heat.relay_on has no fallback" == str(second)
    assert [] == list(status_text.describe_fallbacks([]))


def test_active_alarms_come_first_and_of_the_ended_ones_the_newest_three(status):
    ended = [describe_ended(f"e{second}", 1_000 * second, "UTC") for second in (5, 9, 7, 3, 8)]
    told = {
        **status,
        "control": {**status["control"], "alarms": [*ended[:3], "a: high", *ended[3:], "b: low"]},
    }

    assert [
        "alarm: a: high",
        "alarm: b: low",
        "ended alarm: e9; ended 00:00:09",
        "ended alarm: e8; ended 00:00:08",
        "ended alarm: e7; ended 00:00:07",
        "2 more ended alarms: quartier alarms --all",
    ] == [text for text in map(str, status_text.describe_troubles(told)) if "alarm" in text]


def test_alarms_that_ended_after_midnight_are_newer_than_those_before(status):
    ended = [describe_ended(name, utc_ms, "UTC") for name, utc_ms in (("old", -5_000), ("new", 5_000))]
    told = {**status, "control": {**status["control"], "alarms": ended}}

    assert ["ended alarm: new; ended 00:00:05", "ended alarm: old; ended 23:59:55"] == [
        text for text in map(str, status_text.describe_troubles(told)) if "alarm" in text
    ]


def test_a_status_counts_the_alarms_that_nobody_acknowledged_and_names_the_newest(status):
    newest = {"code": "contact.unread", "of": "dso1", "since_utc_ms": -180_000}
    told = {**status, "alarms": {"unacknowledged_count": 2, "active_count": 3, "newest": newest}}

    assert [
        "alarms: 3 active; 2 not acknowledged, the newest of these 3 min ago: contact.unread:dso1 (quartier alarms)"
    ] == [str(text) for text in status_text.describe_alarms(told)]
    told["alarms"]["newest"] = {**newest, "since_utc_ms": 3_600_000, "raised_age_s": 40.0}
    assert "the newest of these 40 s ago" in str(next(status_text.describe_alarms(told)))
    assert [] == [*status_text.describe_alarms({**status, "alarms": {**told["alarms"], "newest": None}})]
    assert [] == [*status_text.describe_alarms(status)], "a daemon of an older version does not count them"


SHARE = {
    "name": "portal",
    "listen": "192.168.1.10:1502",
    "listens": True,
    "why": "",
    "addresses": ["192.168.1.40"],
    "connections": 1,
    "strangers": 0,
    "stranger": "",
    "counts": dict.fromkeys(
        (
            "wire",
            "busy",
            "absent",
            "unanswered",
            "dropped",
            "writes",
            "refused_writes",
            "connects",
            "turned_away",
        ),
        0,
    )
    | {"requests": 1200, "held": 900, "refused": 0},
}


def shares_of(**changes):
    return [
        (str(text), text.style)
        for text in status_text.describe_shares([{"name": "lan", "shares": [SHARE | changes]}])
    ]


def test_a_share_tells_who_is_there_and_what_came_of_what_they_asked():
    assert [
        (
            "share portal of lan at 192.168.1.10:1502: 192.168.1.40; asked 1,200 times (900 without the wire)",
            "",
        )
    ] == shares_of()
    counts = SHARE["counts"] | {"refused": 3, "refused_writes": 3, "busy": 12}
    ((text, style),) = shares_of(counts=counts, addresses=[], strangers=5, stranger="192.168.1.77")

    assert (
        "nobody; asked 1,200 times (900 without the wire), 3 refused, 12 too many, 5 sent away as strangers, last 192.168.1.77"
        in text
    )
    assert "yellow" == style


def test_a_share_that_cannot_listen_says_why_in_red():
    why = "cannot listen at 192.168.1.10:502: Permission denied"

    assert [(f"share portal of lan {why}", "red")] == shares_of(listens=False, why=why)
    assert [("share portal of lan is being opened", "")] == shares_of(listens=False)
    assert [] == [*status_text.describe_shares([{"name": "lan"}])], "a daemon of an older version knows none"


def planned(**changes):
    link = {
        "schedules": [],
        "signals": {},
        "failsafe": {
            "from_district": False,
            "waits": False,
            "import_max_w": 4_000.0,
            "export_max_w": 0.0,
            "duration_min_s": 7_200.0,
        },
    }
    return [text.plain for text in planning_text.describe_district_requests(link | changes, 1_000_000)]


def test_what_the_district_plans_stands_in_lines_of_its_own():
    one = {"asset": "bat1", "id": "s1", "status": "STARTED", "power_w": -2000.0, "soc_pct": None}
    target = {"power_w": None, "soc_pct": 80.0}
    until = {"until_utc_ms": 1_720_000}

    assert (
        []
        == planned()
        == [*planning_text.describe_district_requests(None, 0)]
        == [*planning_text.describe_district_requests({}, 0)]
    )
    assert [
        "schedule s1 of bat1, started: -2,000 W for 12 min",
        "schedule s1 of bat1, started: to 80 % for 12 min",
        "schedule s1 of bat1, started: nothing now",
    ] == planned(schedules=[one | until, one | target | until, one | {"power_w": None, "until_utc_ms": None}])
    signals = {
        "level": {"id": "l1", "level": 2, "exp_utc_ms": 5, **until},
        "price": {"id": "p1", "exp_utc_ms": 5, "until_utc_ms": None},
    }
    assert ["signal level: level 2 for 12 min", "signal price: nothing now"] == planned(signals=signals)


def test_fail_safe_values_of_the_district_are_told_and_what_of_them_waits():
    told = {"import_max_w": 4_000.0, "export_max_w": 0.0, "duration_min_s": 7_200.0, "from_district": True}

    assert ["fail-safe values of the district: import 4,000 W, export 0 W, 2 h"] == planned(
        failsafe=told | {"waits": False}
    )
    assert planned(failsafe=told | {"waits": True})[0].endswith("; what is looser waits")


def test_who_leads_each_asset_of_the_local_plan_and_who_is_not_planned():
    told = {"asset": "bat1", "why_not": "", "age_s": 70.0, "beside": ["ev1"], "beside_why_not": ""}
    status = {"plan": told, "control": {"assets": {"bat1": {"led_by": "local plan"}, "ev1": {}}}}
    lines = [text.plain for text in planning_text.describe_plan(status)]
    assert [
        "local plan: 70 s old; bat1 is led by local plan, ev1 is led by nobody yet (quartier plan)"
    ] == lines
    status["plan"] = told | {"beside": [], "beside_why_not": "too large"}

    assert (
        "local plan: others than bat1 are not planned, too large"
        == [*planning_text.describe_plan(status)][1].plain
    )
    assert [] == [*planning_text.describe_plan({})]
    told["why_not"] = "the clock is not trusted"
    assert "the rule leads" in next(planning_text.describe_plan({"plan": told})).plain


def test_driver_packages_are_named_and_a_refused_one_with_its_reason():
    good = {"name": "acme-driver", "version": "1.2", "protocols": ["acme", "acme2"], "refusal": ""}
    bad = {"name": "other", "version": "0.1", "protocols": [], "refusal": "has no protocol"}
    said = [str(text) for text in status_text.describe_driver_packages({"driver_packages": [good, bad]})]
    assert [
        "driver package acme-driver 1.2: acme, acme2",
        "driver package other 0.1 is refused: has no protocol",
    ] == said
    assert [] == list(status_text.describe_driver_packages({}))
