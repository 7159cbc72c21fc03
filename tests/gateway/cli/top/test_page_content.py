from copy import deepcopy

import pytest

from quartier.cli.top import page_content
from quartier.cli.top.counter_rates import CounterRates
from quartier.cli.top.table_lines import render_sheet


@pytest.fixture
def about(answers):
    _, questions, _ = answers

    def asks(what, name):
        return questions[what](name)

    return asks


def shown(found, width=160):
    """The page as one text, its blanks told once."""
    told = [
        *found.head,
        *(line for sheet in found.sheets for line in render_sheet(sheet, width)),
        *found.foot,
    ]
    return [" ".join(line.plain.split()) for line in told]


def test_the_house_on_a_good_day(status):
    rates = CounterRates()
    before = deepcopy(status)
    before["gateway"]["uptime_s"] -= 5
    before["buses"][0]["counts"] = {"requests_count": 880, "retries_count": 2, "timeouts_count": 0}
    rates.add_answer(before)
    rates.add_answer(status)

    assert [
        "b012 of issy up 2 h, cython engine, boot 7",
        "CONTROLLED for 65 s: heartbeat and documents",
        "grid 420 W export, good, 0.4 s old · import at most 5,000 W: envelope dso e1 · export at most 0 W: hard limit",
        "asset role tier power age quality SoC state ordered outcome because",
        "bat1 battery D -1,200 W 0.3 s good 61 % controlled -1,180 W done self-consumption",
        "boiler load C – – never read not limited",
        "bus state slack late req/s retries time-outs devices why",
        "lan open 88 % 10 ms 4.0 2 1 1 of 1",
        "device state errors last good who, or why",
        "gx good 0 0.2 s Victron Energy GX c0619",
        "no district in the site file: the site works alone",
        "history 12.3 MB, 35 commits, 6 pending, 0 gaps, 42 samples not yet delivered",
        "8,000 cycles, 0 skipped, 99.9 % began within 2 ms",
    ] == shown(page_content.make_site_page(status, rates))
    (timeouts, retries) = (
        page_content.make_site_page(status, rates).sheets[1].rows[0].cells[index] for index in (6, 5)
    )
    assert ("yellow", "") == (timeouts.style, retries.style), "only what rises is coloured"


def test_outcome_and_reason_stay_on_a_screen_of_46_columns(status, about):
    house = [
        line.plain for line in render_sheet(page_content.make_site_page(status, CounterRates()).sheets[0], 46)
    ]
    assert house[0].split()[-2:] == ["outcome", "because"]
    assert house[1].endswith("done     self-consumption")

    told = about("asset", "bat1")
    orders = render_sheet(page_content.make_asset_page(told, about("points", "bat1")).sheets[0], 46)
    assert {"ordered", "outcome", "because"} <= set(orders[0].plain.split())
    assert told["asset"]["ledger"][0]["why"][:13] in orders[1].plain


def test_points_are_told_apart_on_a_screen_of_46_columns(about):
    (point, *_) = about("points", "gx")
    name = "enedis_linky_standard"
    points = [{**point, "point": f"{name}.energy_import_t{number}_wh"} for number in (1, 2)]
    (sheet,) = page_content.make_device_page(about("device", "gx"), points).sheets

    _, *rows = (line.plain for line in render_sheet(sheet, 46))
    assert ["energy_import_t1_wh", "energy_import_t2_wh"] == [row.split()[0] for row in rows]
    assert f"{name}.energy_import_t1_wh: at" in sheet.rows[0].more

    shared = page_content.make_device_page(about("device", "gx"), [points[0], point]).sheets[0]
    assert f"{name}.energy_import_t1_wh" == shared.rows[0].cells[0].plain, "two owners: both are said"


def test_the_connection_tree_stands_below_the_assets(status):
    row = {
        "under": None,
        "basis": "measured",
        "fuse_a": 63.0,
        "load_w": [900.0, 300.0, 300.0, 300.0],
        "holds": [],
    }
    caps = {"import_max_w": [5_000.0, *[14_490.0] * 3], "headroom_w": [4_100.0, *[14_190.0] * 3]}
    status["control"]["nodes"] = [{"name": "grid", **row, **caps}]
    found = page_content.make_site_page(status, CounterRates())

    assert ["asset:bat1", "node:grid", "bus:lan", "device:gx"] == [
        sheet.rows[0].key for sheet in found.sheets
    ]
    assert "grid measured 63 A 0.9/5.0 0.3/14.5 0.3/14.5 0.3/14.5 4,100 W" in shown(found)


def test_the_house_before_its_first_cycle(status):
    status["control"], status["written"] = {}, {}

    assert "starting: the first cycle has not ended yet" in shown(
        page_content.make_site_page(status, CounterRates())
    )


def test_what_is_wrong_is_worried_about_and_said(status):
    (bus,) = status["buses"]
    bus |= {"online": False, "why": "127.0.0.1:502 refuses", "slack_pct": 0.0, "lateness_s": 1.5}
    bus["devices"][0] |= {"state": "silent", "why": "unit 1 is silent", "errors_count": 1234}
    status["written"]["bat1.setpoint_w"] |= {"verdict": "refused", "why": "exception 3"}
    assets, buses, devices = page_content.make_site_page(status, CounterRates()).sheets
    told = shown(page_content.make_site_page(status, CounterRates()))

    assert "lan lost – – – 2 1 0 of 1 127.0.0.1:502 refuses" in told
    assert "gx silent 1,234 0.2 s unit 1 is silent" in told
    assert [[2, 3], [3], [3]] == [[row.severity for row in sheet.rows] for sheet in (assets, buses, devices)]
    assert "bat1: controlled; self-consumption; exception 3" == assets.rows[0].more


def test_the_page_of_a_bus_whose_line_is_down_has_dashes_too(about):
    answer = about("bus", "lan")
    answer["bus"] |= {"online": False, "why": "unplugged", "slack_pct": 0.0}

    told = shown(page_content.make_bus_page(answer, CounterRates()))

    assert "bus lan lost: slack –, at most – late, – requests a second unplugged" == told[1]


def test_a_bus_shows_its_counters_and_devices(about):
    told = shown(page_content.make_bus_page(about("bus", "lan"), CounterRates()))

    assert "b012 of issy CONTROLLED for 65 s: heartbeat and documents" == told[0]
    assert "bus lan open: slack 88 %, at most 10 ms late, – requests a second" == told[1]
    assert "since the start · 900 requests · 2 retries · 1 time-outs" == told[2]
    assert "gx good 0 0.2 s Victron Energy GX c0619" == told[-1]


def test_a_device_shows_its_points_and_in_full_what_becomes_of_them(about):
    found = page_content.make_device_page(about("device", "gx"), about("points", "gx"))
    told = shown(found)

    assert "device gx good on lan: last good 0.2 s ago, 0 errors" == told[1]
    assert "Victron Energy GX c0619" == told[2]
    assert "setpoint_w -1,180 W stale 7.0 s -1,180 W done 0 holding:37" == told[-1]
    reading, setpoint = found.sheets[0].rows
    assert "bat1.power_w: at holding:842; read only" == reading.more
    assert (
        "bat1.setpoint_w: at holding:37; -1,180 W done, 1.0 s ago, self-consumption; on release 0; "
        "by itself 0 W after 60 s; written 7 of 24 times today, 1200 in all"
    ) == setpoint.more


def test_an_asset_shows_why_it_is_steered_so(about):
    told = shown(page_content.make_asset_page(about("asset", "bat1"), about("points", "bat1")))

    assert "battery bat1 of tier D: -1,200 W, 61.2 % charged, good, 0.3 s old; controlled" == told[1]
    assert "ordered -1,180 W, done: self-consumption" == told[2]
    assert "ago ordered orders who outcome because" == told[3]
    assert "9.0 s -1,180 to -900 W 4 self-consumption done self-consumption" == told[4]
    assert "3 min own control 1 the gateway, giving it back refused given back" == told[5]
    assert "power_w -1,200 W good 0.3 s holding:842" == told[-2]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_page_is_wider_than_the_screen(width, status, about):
    pages = (
        page_content.make_site_page(status, CounterRates()),
        page_content.make_bus_page(about("bus", "lan"), CounterRates()),
        page_content.make_device_page(about("device", "gx"), about("points", "gx")),
        page_content.make_asset_page(about("asset", "bat1"), about("points", "bat1")),
    )
    for found in pages:
        assert all(line.cell_len <= width for sheet in found.sheets for line in render_sheet(sheet, width))


def test_the_house_says_how_many_alarms_nobody_has_acknowledged(status):
    newest = {"code": "loss.bus_down", "of": "lan", "since_utc_ms": -60_000}
    told = {**status, "alarms": {"active_count": 1, "unacknowledged_count": 1, "newest": newest}}

    assert (
        "alarms: 1 active; 1 not acknowledged, the newest of these 60 s ago: loss.bus_down:lan (quartier alarms)"
        in shown(page_content.make_site_page(told, CounterRates()))
    )


def test_a_share_of_a_bus_stands_below_with_who_is_there(status):
    counts = dict.fromkeys(
        ("held", "refused", "refused_writes", "writes", "busy", "absent", "unanswered", "turned_away"), 0
    )
    status["buses"][0]["shares"] = [
        {
            "name": "portal",
            "listen": "192.168.1.10:1502",
            "listens": True,
            "why": "",
            "addresses": ["192.168.1.40"],
            "strangers": 0,
            "counts": counts | {"requests": 7},
        }
    ]
    foot = [str(line) for line in page_content.make_site_page(status, CounterRates()).foot]

    assert (
        "share portal of lan at 192.168.1.10:1502: 192.168.1.40; asked 7 times (0 without the wire)" in foot
    )


def test_a_bus_that_is_not_secure_is_red_and_says_why(status):
    status["buses"][0]["weakness"] = "anonymous"

    row = page_content.make_site_page(status, CounterRates()).sheets[1].rows[0]

    assert [("open, not secure", "red"), ("anonymous", "red")] == [
        (cell.plain, str(cell.style)) for cell in (row.cells[1], row.cells[-1])
    ]
