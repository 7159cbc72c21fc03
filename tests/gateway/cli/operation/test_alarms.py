"""``quartier alarms`` against a real desk, against a book on disk, and its table."""

import asyncio
import contextlib
import io
import json
import os
from pathlib import Path

import pytest
import structlog
from rich.console import Console

from quartier.cli import main
from quartier.cli.operation import alarms
from quartier.daemon.reports.alarm_list import ALARMS_FILE, AlarmManager
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import ORDER_SOCKET, OrderServer
from quartier.site.alarm_catalogue import ALARM_KINDS
from quartier.site.alarm_list import AlarmList
from quartier.site.alarm_types import Acknowledgement, Alarm
from quartier.site.records import Now

NOW = Now(0, 1_790_000_000_000, synced=True)
UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read: it counts as acting")


@pytest.fixture
def alarm_manager(tmp_path):
    made = AlarmManager(lambda *_: None, structlog.testing.CapturingLogger(), SiteClock(), tmp_path)
    made.look([UNREAD], NOW)
    return made


@pytest.fixture
def desks(tmp_path, serving, alarm_manager):
    """Both desks of a gateway whose list is that of ``alarm_manager``; the operators' is open to our own group."""

    @contextlib.asynccontextmanager
    async def opened():
        task = asyncio.create_task(
            OrderServer(tmp_path, alarm_manager.order_handlers, structlog.testing.CapturingLogger()).run()
        )
        try:
            async with serving({"alarms": lambda: alarm_manager.listing(NOW)}), asyncio.timeout(60):
                while not (tmp_path / ORDER_SOCKET).exists():  # noqa: ASYNC110 - a socket has no event
                    await asyncio.sleep(0.005)
                yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    return opened


@pytest.fixture
def call(tmp_path, capsys):
    """``await call(…)``: exit code, output and errors of one command in this process."""

    async def called(*words):
        places = ("--runtime-dir", str(tmp_path), "--state-dir", str(tmp_path))
        code = await asyncio.to_thread(main, ["alarms", *words, *places])
        return code, *capsys.readouterr()

    return called


async def test_the_exit_code_says_whether_somebody_must_look(desks, call):
    async with desks():
        code, text, _ = await call()
        assert 1 == code
        assert "1 active, 1 not acknowledged" in text
        assert "contact.unread:dso1" in text
        assert "input board" in text.replace("\n", " ")

        done = await call("--ack", "1", "--note", "monday")
        assert (0, "contact.unread:dso1: acknowledged by") == (done[0], done[1].rsplit(" ", 1)[0])
        code, text, _ = await call()
        assert 0 == code
        assert ": monday" in text

        again = await call("--ack", "1")
        assert "acknowledged it before" in again[1]
        none = await call("--ack", "all")
        assert (0, "nothing is left to acknowledge\n") == none[:2]


async def test_json_tells_every_row_with_severity_and_remedy(desks, call):
    async with desks():
        code, text, _ = await call("--json")
        acknowledged = json.loads((await call("--ack", "all", "--json"))[1])

    (row,) = json.loads(text)["alarms"]
    assert (1, "warning", "dso1", 1, None) == (
        code,
        row["severity"],
        row["of"],
        row["count"],
        row["acknowledged"],
    )
    assert row["remedy"].endswith("the wire of dso1.")
    assert acknowledged["kept"]


async def test_an_alarm_that_there_is_not_is_refused_with_those_there_are(desks, call):
    async with desks():
        code, _, errors = await call("--ack", "cap.unmet")

    assert 1 == code
    assert "no alarm is called 'cap.unmet'; not acknowledged: contact.unread:dso1" in errors


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_who_is_outside_the_group_may_not_acknowledge(desks, tmp_path, capsys, alarm_manager):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    groups = os.getgroups()
    async with desks():
        os.setgroups([])
        os.setegid(65534)
        os.seteuid(65534)
        try:
            code = main(["alarms", "--ack", "all", "--runtime-dir", str(tmp_path)])
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)

    assert 77 == code
    assert "join the group quartier-operators, or use sudo" in capsys.readouterr().err
    assert 1 == len(alarm_manager.book.records_to_acknowledge)


async def test_without_a_daemon_the_list_is_read_from_disk_and_that_is_said(call, tmp_path, alarm_manager):
    state_file.save_facts(tmp_path / ALARMS_FILE, alarm_manager.book.facts())
    code, text, errors = await call()

    assert 69 == code
    assert "contact.unread:dso1" in text
    assert "systemctl start quartier" in errors
    assert "this is what was known last" in errors


async def test_with_neither_daemon_nor_list_that_is_said(call, tmp_path):
    code, text, errors = await call()

    assert (69, "") == (code, text)
    assert f"the list of alarms in {tmp_path} is not there" in errors


async def test_nobody_acknowledges_where_no_daemon_runs(call):
    code, _, errors = await call("--ack", "all")

    assert 69 == code
    assert "operators.sock" in errors


async def test_the_table_is_explained_without_a_daemon(call):
    code, text, _ = await call("--explain")
    one = await call("--explain", "contact.unread:dso1")
    room = await call("--explain", "cap", "--json")
    none = await call("--explain", "weather")

    assert 0 == code
    assert all(kind.code in text for kind in ALARM_KINDS)
    assert one[1].startswith("contact.unread  warning  (about: contact)")
    assert ["cap.exceeded", "cap.unmet"] == [row["code"] for row in json.loads(room[1])]
    assert (1, "") == none[:2]
    assert "codes begin with cap, node" in none[2]


async def test_one_thing_at_a_time_is_asked(capsys):
    with pytest.raises(SystemExit) as left:
        main(["alarms", "--ack", "all", "--explain"])

    assert 2 == left.value.code
    assert "not allowed with" in capsys.readouterr().err


NOON_MS = 1_790_000_000_000
SEEN = {"by": "anna", "uid": "1001", "utc_ms": NOON_MS + 60_000, "note": "monday"}


def row(number, code="contact.unread", of="dso1", **changes):
    times = {"first_utc_ms": NOON_MS, "since_utc_ms": NOON_MS, "last_utc_ms": NOON_MS, "cleared_utc_ms": None}
    found = {
        "number": number,
        "code": code,
        "of": of,
        "words": f"words {number}",
        "count": 1,
        "acknowledged": None,
    }
    return {**found, **times, **changes}


def page(*rows, whole=False, seconds=120, zone=None):
    unseen_count = sum(one["acknowledged"] is None for one in rows)
    active_count = sum(one["cleared_utc_ms"] is None for one in rows)
    found = {
        "utc_ms": NOON_MS + 1000 * seconds,
        "active_count": active_count,
        "unacknowledged_count": unseen_count,
        "alarms": rows,
        "zone": zone,
    }
    made = Console(file=io.StringIO(), width=200, color_system=None)
    for part in alarms.render_list(found, whole=whole):
        made.print(part)
    return made.file.getvalue().splitlines()


def test_a_house_that_is_well_says_so():
    assert ["no alarm"] == page()


def test_an_active_alarm_tells_since_when_its_words_who_saw_it_and_what_to_do():
    head, first, words, seen, remedy, zone = page(row(3))

    assert "1 active, 1 not acknowledged" == head
    assert first.startswith("  3 warning  contact.unread:dso1  active for 2 min, since ")
    assert ("    words 3", "    not acknowledged") == (words, seen)
    assert remedy.endswith("the wire of dso1.")
    assert zone.startswith("times are in this machine's zone, ")
    assert "times are in Asia/Tokyo" == page(row(3), zone="Asia/Tokyo")[-1]
    assert "since 23:13:20" in page(row(3), zone="Asia/Tokyo")[1]


def test_how_long_an_alarm_lasts_is_told_by_the_daemons_own_time_where_it_saw_it():
    later = NOON_MS + 3_600_000
    assert "active for 30 s, since" in page(row(3, since_utc_ms=later, raised_age_s=30.0))[1]
    gone = row(3, since_utc_ms=later, cleared_utc_ms=later, raised_age_s=90.0, gone_age_s=30.0)
    assert "gone for 30 s, was active for 60 s from" in page(gone)[1]


def test_what_came_of_an_alarm_stands_below_its_words():
    came = [{"code": "output.given_back", "of": "bat1.setpoint_w", "words": "bat1: given back"}]

    assert ["    words 3", "    with it: bat1: given back"] == page(row(3, consequences=came))[2:4]


def test_the_unseen_stand_first_then_the_worst_then_the_newest():
    found = page(
        row(1, acknowledged=SEEN),
        row(2, "models.moved", "pv"),
        row(3, of="dso3"),
        row(4, of="dso4", since_utc_ms=NOON_MS + 5000),
        row(5, "cap.unmet", ""),
    )

    assert ["5", "4", "3", "2", "1"] == [line.split()[0] for line in found if line[2:3].isdigit()]


def test_one_that_came_often_says_how_often_and_since_when():
    (line,) = [line for line in page(row(1, count=7)) if "7 times since" in line]

    assert line.startswith("  1 ")


def test_one_that_is_gone_and_not_seen_is_still_to_be_looked_at():
    found = page(row(1, cleared_utc_ms=NOON_MS + 30_000))

    assert "0 active, 1 not acknowledged" == found[0]
    assert "gone for 90 s, was active for 30 s from" in found[1]


def test_who_saw_it_and_what_they_noted_is_told():
    assert "    acknowledged by anna 60 s ago: monday" in page(row(1, acknowledged=SEEN))


@pytest.mark.parametrize(("whole", "count", "more"), [(False, 10, True), (True, 12, False)])
def test_what_is_over_stands_below_the_last_ten_of_it_or_all(whole, count, more):
    over = [row(n, cleared_utc_ms=NOON_MS + n, acknowledged=SEEN) for n in range(1, 13)]
    found = page(*over, whole=whole)

    assert count == sum("contact.unread:dso1" in line for line in found)
    assert more is ("2 older ones: quartier alarms --all" in found)


def test_what_was_listed_with_one_that_is_over_is_named_by_all():
    stage = {"code": "loss.grid_meter_stale", "of": "", "words": "late"}
    lost = row(1, "loss.grid_meter_lost", "", cleared_utc_ms=NOON_MS, acknowledged=SEEN, consequences=[stage])

    assert "loss.grid_meter_lost, with loss.grid_meter_stale" in " ".join(page(lost, whole=True))
    assert "loss.grid_meter_stale" not in " ".join(page(lost))


def test_a_code_of_another_version_is_listed_without_remedy():
    found = alarms.complete_row(row(1, "old.code"))

    assert ("", "") == (found["severity"], found["remedy"])
    assert "old.code:dso1" in " ".join(page(row(1, "old.code")))


def test_scripts_get_what_is_listed_and_the_last_of_what_is_over():
    over = [row(n, cleared_utc_ms=NOON_MS + n, acknowledged=SEEN) for n in range(1, 13)]

    assert 11 == len(alarms.list_recent([row(20), *over]))


def test_what_the_disk_kept_reads_as_what_a_daemon_answers():
    book = AlarmList.load({"alarms": [row(1), row(2, of="dso2", acknowledged=SEEN)]})
    found = alarms.render_stored_list(book.facts(), NOON_MS)

    assert (2, 1) == (found["active_count"], found["unacknowledged_count"])
    assert Acknowledgement(**SEEN) == book.records["contact.unread", "dso2"].acknowledged


def test_a_time_of_another_day_has_its_date():
    (today,) = [line for line in page(row(1)) if "since" in line]
    (before,) = [line for line in page(row(1), seconds=3 * 86_400) if "since" in line]

    assert len("12:00:00") == len(today.rpartition("since ")[2])
    assert before.rpartition("since ")[2].startswith("2026-09-2")


PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "alarms.md"


def test_the_committed_page_is_what_the_table_says():
    assert PAGE.read_text("utf-8") == alarms.render_alarm_page(), (
        "quartier alarms --reference > gateway/docs/alarms.md"
    )


def test_every_alarm_is_on_the_page_with_its_meaning():
    text = alarms.render_alarm_page()

    assert all(f"### {kind.code}\n" in text and kind.meaning in text for kind in ALARM_KINDS)
