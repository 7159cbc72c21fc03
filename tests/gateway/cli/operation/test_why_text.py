from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from quartier.cli import main
from quartier.cli.operation import why_text
from quartier.cli.rendering import ledger_text
from quartier.cli.rendering.time_text import DisplayClock
from quartier.site.ledger import LedgerEntry
from quartier.store.gap_records import GapRecord
from quartier_drivers.contract import Origin

PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "reasons.md"


def test_the_page_is_made_from_the_table(capsys):
    assert 0 == main(["why", "--reference"])

    assert PAGE.read_text("utf-8") == capsys.readouterr().out == why_text.render_reason_page(), (
        "quartier why --reference > gateway/docs/reasons.md"
    )


def test_the_page_names_values_with_their_units():
    row = "| `cap.import` | import cap {limit_w} W ({source}) | `limit_w` (W) |"

    assert row in why_text.render_reason_page().splitlines()


def test_without_an_asset_there_is_nothing_to_tell(capsys):
    assert 2 == main(["why"])

    assert "which asset" in capsys.readouterr().err


NOW_MS = round(datetime(2026, 11, 27, 14, 30).astimezone().timestamp() * 1000)
ROW = LedgerEntry(
    boot=7,
    number=1,
    point="heat.relay_on",
    why="import cap 4000 W (envelope dso 12): switched off",
    utc_ms=NOW_MS - 1_500_000,
    last_ms=NOW_MS - 10_000,
    who=Origin("document", "dso", "12", 3),
    count=5,
    before=1.0,
    value=0.0,
    low=0.0,
    high=0.0,
    shown=0.0,
    outcome="done",
    known_ms=NOW_MS - 1_499_000,
)
TOLD = {
    "role": "load", "name": "heat", "tier": "D", "state": "shed", "power_w": 0.4, "quality": "good", "age_s": 0.4,
    "until_ms": NOW_MS + 1_800_000,
    "needs": [
        {"what": "minimum", "is_on": False, "least_s": 300.0, "left_s": 200.0},
        {"what": "room", "below_w": 3600.0, "grid_w": 3900.0, "for_s": 120.0, "below_s": 30.0},
        {"what": "fits", "power_w": 1500.0},
        {"what": "turn", "before": ["pump"]},
    ],
}  # fmt: skip


def head(*, live=True, kept=(ROW,)):
    told = {"asset": TOLD} if live else None
    return [
        f"{label:<9}{words}".strip()
        for label, words in why_text.list_head_lines(
            "heat", told, kept, DisplayClock(NOW_MS), "no daemon answers"
        )
    ]


def test_one_screen_says_who_why_until_when_and_what_brings_it_back():
    assert [
        "load heat of tier D: shed; it takes 0 W (good, 0.4 s old)",
        "ordered  heat.relay_on off, since 14:05:00 (25 min): done, read back off at 14:05:01; before it was on; sent 5 times, last at 14:29:50",
        "by       the district: program dso, document 12, seq 3",
        "because  import cap 4000 W (envelope dso 12): switched off",
        "until    15:00:00, as dso 12 says now",
        "back     not before its minimum pause of 5 min is over, in 3 min",
        "once the import (3,900 W now) was below 3,600 W, with 10 % to spare, for 2 min: 30 s so far",
        "the 1,500 W it takes must fit below that",
        "after pump",
    ] == head()


def test_orders_of_several_values_are_told_with_their_range_and_the_time_of_the_last():
    row = replace(ROW, point="bat1.setpoint_w", value=1_500.0, low=-84.0, high=1_500.0, before=0.0)
    told = dict(why_text.list_head_lines("bat1", {"asset": TOLD}, (row,), DisplayClock(NOW_MS), ""))

    assert str(told["ordered"]) == (
        "bat1.setpoint_w 1,500 W, last ordered at 14:29:50: done, read back off at 14:05:01;"
        " -84 to 1,500 W in 5 orders since 14:05:00 (25 min); before the first of these it was 0 W"
    ).replace("read back off", "read back 0 W")


@pytest.mark.parametrize(
    ("low", "words"), [(-84.0, "-84 to 1,500 W in 5 orders"), (1_500.0, "1,500 W in 5 orders")]
)
def test_a_row_that_went_on_after_other_orders_says_so(low, words):
    row = replace(ROW, point="bat1.setpoint_w", value=1_500.0, low=low, high=1_500.0, before=0.0, resumed=2)
    told = dict(why_text.list_head_lines("bat1", {"asset": TOLD}, (row,), DisplayClock(NOW_MS), ""))
    cells = why_text._make_cells(row, DisplayClock(NOW_MS), several=False)

    assert str(told["ordered"]).startswith("bat1.setpoint_w 1,500 W, last ordered at 14:29:50: done")
    assert str(told["ordered"]).endswith(
        f"{words} since 14:05:00 (25 min), with other orders between them; before the first of these it was 0 W"
    )
    assert f"{ROW.why}; with other orders between, last at 14:29:50" == str(cells[-1])


def test_a_row_tells_programs_its_outcome_and_its_end_in_words():
    row = replace(ROW, end="replaced", end_ms=NOW_MS)

    assert "done, then another order took its place" == ledger_text.render_entry(row)["outcome_words"]
    assert "done" == ledger_text.render_entry(ROW)["outcome_words"]


def test_an_order_by_hand_that_a_limit_holds_back_names_the_limit():
    request = {
        "point": "heat.relay_on",
        "requested": 1.0,
        "done": 0.0,
        "words": "by hand",
        "held_by": {"text": "INIT"},
    }
    told = dict(
        why_text.list_head_lines(
            "heat", {"asset": {**TOLD, "override": request}}, (ROW,), DisplayClock(NOW_MS), ""
        )
    )

    assert f"{ROW.why}; it is held back: INIT" == str(told["because"])


def test_how_long_ago_an_order_was_is_told_by_the_daemons_own_time():
    def asked(ago_s, **more):
        row = replace(ROW, utc_ms=NOW_MS - ago_s * 1000)
        told = {"asset": {**TOLD, "ledger": [{**row.data(), **more}]}}
        return str(dict(why_text.list_head_lines("heat", told, (row,), DisplayClock(NOW_MS), ""))["ordered"])

    assert "(9.0 s): " in asked(-3_268, age_s=9.0)
    assert "(9.0 s): " in asked(3_600, age_s=9.0)
    assert "(the clock was set back since): " in asked(-3_268)


def test_every_need_has_its_words_and_an_unknown_one_is_named():
    assert "waits 40 s more, so that not all buildings come back together" == why_text._describe_condition(
        {"what": "spread", "left_s": 40.0}
    )
    assert "one at a time: the next in 12 s" == why_text._describe_condition(
        {"what": "spacing", "left_s": 12.0}
    )
    assert "once the district's command c1 is over" == why_text._describe_condition(
        {"what": "command", "id": "c1"}
    )
    assert "once what is lost is seen again: grid meter lost" == why_text._describe_condition(
        {"what": "inputs", "rules": ["grid meter lost"]}
    )
    assert "step by step, as far as the export stays below 1,000 W" == why_text._describe_condition(
        {"what": "export", "below_w": 1000.0}
    )
    assert "moon" == why_text._describe_condition({"what": "moon"})


def test_nothing_in_the_way_is_said_too():
    told = {"asset": {**TOLD, "needs": []}}
    assert (
        "back     nothing is in the way: it comes back with its turn"
        == [
            f"{label:<9}{words}"
            for label, words in why_text.list_head_lines("heat", told, [ROW], DisplayClock(NOW_MS), "")
        ][-1]
    )


def test_without_a_daemon_the_last_row_is_told_as_that():
    first, last, *_ = head(live=False)
    assert "heat: its present state is not known (no daemon answers)" == first
    assert last.startswith("last     heat.relay_on off, since 14:05:00")
    assert last.endswith("before it was on; stored 5 times, last at 14:29:50")


def test_without_a_daemon_repetitions_after_the_last_stored_one_are_said_to_be_missing():
    moved = replace(ROW, point="bat1.setpoint_w", value=1_500.0, low=-84.0, high=1_500.0, before=0.0)
    _, last, stored, *_ = head(live=False, kept=(moved,))

    assert "bat1.setpoint_w 1,500 W, last stored order at 14:29:50: done" in last
    assert "; -84 to 1,500 W in 5 stored orders since 14:05:00 (25 min); before" in last
    assert (
        "stored   this order is known up to 14:29:50; repetitions after that may be missing,"
        " as they reach the history up to 10 min later"
    ) == stored


@pytest.mark.parametrize("more", [{"end": "given back", "end_ms": NOW_MS}, {"who": Origin("release", "x")}])
def test_of_an_order_that_ended_and_of_a_release_all_is_stored(more):
    told = head(live=False, kept=(replace(ROW, **more),))

    assert "sent 5 times, last at 14:29:50" in told[1]
    assert not any("stored" in line for line in told)


def test_an_order_that_came_back_is_told_and_not_a_newer_one_that_ended():
    free = replace(
        ROW, number=2, why="free", utc_ms=NOW_MS - 56_000, value=1.0, end="replaced", end_ms=NOW_MS
    )

    assert head(kept=(ROW,))[1:] == head(kept=(ROW, free))[1:]


def test_an_asset_that_was_never_ordered_is_told_so():
    words = head(kept=())
    assert "nothing was ever ordered of it, as far as the ledger reaches" == words[1]
    assert words[2].startswith("back     not before its minimum pause"), (
        "what it waits for is known all the same"
    )


def test_how_an_order_ended_and_the_devices_words_are_told():
    row = replace(ROW, outcome="refused", note="heat.relay_on: exception 2", end="overwritten", shown=None)
    assert "refused at 14:05:01 (exception 2)" in head(kept=[row])[1]
    assert head(kept=[row])[1].endswith("then somebody else changed it")


def test_what_went_wrong_before_is_told_beside_what_goes_well_now():
    assert (
        "what went wrong last: exception 2"
        in head(kept=[replace(ROW, fault="heat.relay_on: exception 2")])[1]
    )


def test_the_orders_are_a_table_of_at_most_80_columns_the_newest_first():
    rows = [replace(ROW, number=n, utc_ms=ROW.utc_ms - 86_400_000 * (3 - n)) for n in range(1, 4)]
    console = Console(width=80, record=True, file=None, highlight=False)
    with console.capture() as shown:
        console.print(why_text.make_order_table(rows, DisplayClock(NOW_MS)))
    lines = shown.get().splitlines()

    assert "time ordered who outcome because" == " ".join(lines[0].split())
    assert all(len(line) <= 80 for line in lines)
    assert ["14:05:00", "2026-11-26", "2026-11-25"] == [
        line.split()[0] for line in lines[1:] if line[0] != " "
    ]


def test_points_are_named_where_an_asset_has_several():
    rows = [ROW, replace(ROW, point="heat.heating_on")]
    console = Console(width=80, highlight=False)
    with console.capture() as shown:
        console.print(why_text.make_order_table(rows, DisplayClock(NOW_MS)))
    assert "heating_on" in shown.get()


def test_what_the_ledger_lacks_is_named():
    gap = GapRecord("evicted", "ledger", 7, 1, 9, 0, 1)
    assert ["missing: 9 samples of ledger are missing (evicted; boot 7, from 1)"] == [
        line.plain for line in why_text.describe_gaps([gap])
    ]


def test_what_another_client_wrote_is_in_the_list_and_is_not_why_it_does_what_it_does():
    who = Origin("client", "portal", "192.168.1.40")
    theirs = replace(ROW, number=2, point="heat.holding_1000_index", who=who, value=7.0, low=7.0, high=7.0)
    lines = dict(why_text.list_head_lines("heat", None, [ROW, theirs], DisplayClock(NOW_MS), "it is silent"))
    console = Console(width=120, highlight=False)
    with console.capture() as shown:
        console.print(why_text.make_order_table([ROW, theirs], DisplayClock(NOW_MS)))

    assert ROW.why == str(lines["because"])
    assert "holding_1000_index" in shown.get()
    assert "portal" in shown.get()
