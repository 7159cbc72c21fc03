"""The alarm manager tells, notes and keeps alarms; and a running gateway's list over its real sockets."""

import asyncio
import contextlib
import getpass
import json
import os
import signal
from collections import Counter

import pytest
import structlog
from structlog.testing import capture_logs
from tests.gateway.daemon.test_manual_overrides import by_hand, started

from quartier.daemon import state_files
from quartier.daemon.reports import alarm_list
from quartier.daemon.reports.alarm_list import AlarmManager
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon
from quartier.site.alarm_types import Alarm
from quartier.site.records import Now
from quartier_drivers.contract import Origin

VIRTUAL_TIME = True

S = 1_000_000_000
NOON_MS = 1_790_000_000_000
ANNA = Origin("person", "anna", "1001")
UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read")


def at(second):
    return Now(second * S, NOON_MS + second * 1000, synced=True)


class Post:
    """A alarm manager with what it told the history."""

    def __init__(self, folder=None, log=None):
        self.events = []
        self.out = AlarmManager(self.tell, log or structlog.testing.CapturingLogger(), SiteClock(), folder)

    def tell(self, code, text, data, _now):
        self.events.append((code, text, dict(data)))

    def active(self):
        return [key for key, one in self.out.book.records.items() if one.is_active]


def test_log_and_history_tell_an_alarm_with_its_code_once_each_way():
    with capture_logs() as log:
        post = Post(log=structlog.get_logger())
        for second in range(80):
            post.out.look([UNREAD] if second < 3 else [], at(second))

    data = {"code": "contact.unread", "of": "dso1", "severity": "warning"}
    over = f"{UNREAD}; ended 14:13:23"
    assert [("alarm.raised", str(UNREAD), data), ("alarm.cleared", over, data)] == post.events
    assert [("alarm.raised", "warning"), ("alarm.cleared", "info")] == [
        (line["event"], line["log_level"]) for line in log
    ]
    assert ["contact.unread", "contact.unread"] == [line["code"] for line in log]


def test_how_long_ago_an_alarm_was_is_told_by_the_time_that_passed_whatever_the_wall_shows():
    post = Post()
    post.out.look([UNREAD], at(0))
    set_back = at(30)._replace(utc_ms=NOON_MS - 3_600_000)
    (active,) = post.out.listing(set_back)["alarms"]
    for second in range(31, 100):
        post.out.look([], at(second)._replace(utc_ms=NOON_MS))
    (gone,) = post.out.listing(at(101))["alarms"]

    assert (30.0, False) == (active["raised_age_s"], "gone_age_s" in active)
    assert (101.0, 10.0) == (gone["raised_age_s"], gone["gone_age_s"])


def test_a_source_is_asked_at_every_look():
    post = Post()
    post.out.sources = (lambda _now: [UNREAD],)
    post.out.look([], at(0))

    assert [UNREAD.key] == post.active()


def test_what_is_told_once_stays_as_long_as_its_kind_says():
    post = Post()
    post.out.note(
        "order.not_held", "ev1.current_max_a: it shows 0", {"device": "box", "point": "ev1.x_a"}, at(0)
    )
    for second in range(3600):
        post.out.look([], at(second))
    assert [("order.not_held", "ev1.x_a")] == post.active()

    for second in range(3600, 3670):
        post.out.look([], at(second))
    assert [] == post.active()


def test_what_ends_it_is_heard_for_the_same_connection_alone():
    post = Post()
    for connection in ("data", "control"):
        post.out.note(
            "district.not_authorised",
            "the broker refuses the login of the gateway",
            {"connection": connection},
            at(0),
        )
    post.out.look([], at(0))
    post.out.note("district.link_up", "connected", {"connection": "data"}, at(1))
    for second in range(1, 70):
        post.out.look([], at(second))

    assert [("district.not_authorised", "control")] == post.active()


def test_what_stands_until_a_restart_does_not_end_by_itself():
    post = Post()
    post.out.note("task.parked", "district failed again and again", {"task": "district"}, at(0))
    post.out.look([], at(0))
    post.out.look([], at(10**6))

    assert [("task.parked", "district")] == post.active()


def test_an_event_that_is_no_alarm_is_none():
    post = Post()
    post.out.note("fallback.recovered", "…", {"point": "a.b_w"}, at(0))
    post.out.look([], at(0))

    assert [] == post.active()


async def test_who_saw_it_and_what_they_noted_stands_in_the_list_and_the_history(tmp_path):
    post = Post(tmp_path)
    post.out.look([UNREAD], at(0))
    answer = await post.out.acknowledge({"which": "contact.unread", "note": "n" * 300}, ANNA)
    again = await post.out.acknowledge({"which": "1"}, Origin("person", "ben", "1002"))

    (seen,) = [one["acknowledged"] for one in answer["done"]]
    assert ("anna", "1001", "n" * 200) == (seen["by"], seen["uid"], seen["note"])
    assert answer["kept"]
    assert ([], ["anna"]) == (again["done"], [one["acknowledged"]["by"] for one in again["before"]])
    code, text, data = post.events[-1]
    assert ("alarm.acknowledged", "anna", "1001") == (code, data["by"], data["uid"])
    assert text.startswith(f"{UNREAD}: acknowledged by anna: nnn")
    assert (0, 1) == (post.out.summary()["unacknowledged_count"], post.out.summary()["active_count"])


@pytest.mark.parametrize("which", ["contact.odd", "7", "", None])
async def test_an_alarm_that_there_is_not_cannot_be_acknowledged_and_those_there_are_named(which):
    post = Post()
    post.out.look([UNREAD], at(0))
    answer = await post.out.acknowledge({"which": which}, ANNA)

    assert answer["error"].endswith("not acknowledged: contact.unread:dso1")


async def test_to_acknowledge_all_is_no_mistake_where_there_is_none():
    assert {"done": [], "before": [], "kept": True} == await Post().out.acknowledge({"which": "all"}, ANNA)


async def test_a_disk_that_refuses_is_an_alarm_itself_and_said_to_who_acknowledged(tmp_path):
    (tmp_path / "file").write_text("")
    post = Post(tmp_path / "file")
    post.out.look([UNREAD], at(0))
    answer = await post.out.acknowledge({"which": "all"}, ANNA)
    post.out.look([UNREAD], at(1))

    assert not answer["kept"]
    assert [UNREAD.key, ("state.not_kept", "")] == post.active()


async def test_what_changed_is_kept_without_being_asked(tmp_path):
    post = Post(tmp_path)
    task = asyncio.create_task(post.out.run())
    post.out.look([UNREAD], at(0))
    async with asyncio.timeout(60):
        while alarm_list.load_alarms(tmp_path) is None:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    task.cancel()

    assert ["dso1"] == [row["of"] for row in alarm_list.load_alarms(tmp_path)["alarms"]]


async def test_a_damaged_list_is_set_aside_and_what_is_wrong_is_raised_anew(tmp_path):
    post = Post(tmp_path)
    post.out.look([UNREAD], at(0))
    await post.out.keep()
    for copy in tmp_path.glob("alarms.*"):
        copy.write_bytes(b"nonsense")
    named = [(path.name, is_sound) for path, is_sound in state_files.find_damaged_files(tmp_path)]
    again = Post(tmp_path)
    again.out.recall(alarm_list.load_alarms(tmp_path))
    again.out.look([UNREAD], at(0))

    assert [("alarms.a", False), ("alarms.b", False)] == named
    assert [UNREAD.key] == again.active()
    assert ["alarms.a.damaged", "alarms.b.damaged"] == sorted(path.name for path in tmp_path.iterdir())
    assert [] == state_file.find_damaged_copies(tmp_path / alarm_list.ALARMS_FILE)


# A running gateway


async def listed(gateway, *words):
    code, text, errors = await by_hand(
        gateway, "alarms", "--state-dir", str(gateway.state_dir), "--json", *words
    )
    return code, {(row["code"], row["of"]): row for row in json.loads(text)["alarms"]}, errors


async def until_listed(gateway, key, condition):
    """Ask the desk until the alarm is as wanted; the deadline only ends a test that has failed."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(KeyError, NoDaemon):
                rows = {(row["code"], row["of"]): row for row in (await gateway.ask("alarms"))["alarms"]}
                if condition(rows[key]):
                    return rows[key]
            await asyncio.sleep(0.01)


SILENT = ("loss.battery_silent", "bat1")


def told_of(gateway, key):
    """How often the log told each thing of one alarm, over all runs."""
    lines = [json.loads(line) for line in gateway.log().splitlines() if line.startswith("{")]
    return Counter(
        line["event"] for line in lines if (line.get("code"), line.get("of")) == key and "by" not in line
    )


@pytest.mark.daemon
async def test_a_device_that_is_cut_off_is_listed_seen_remembered_over_a_kill_and_gone_when_it_is_mended(
    house,
):
    gateway, devices = house
    await started(gateway)
    await gateway.until(lambda status: status["control"]["assets"]["bat1"]["state"] == "controlled")
    devices["gx"].fault("silent")
    await until_listed(gateway, SILENT, lambda row: row["cleared_utc_ms"] is None)
    code, rows, _ = await listed(gateway)
    raised, status = rows[SILENT], await gateway.ask()
    assert (1, "warning") == (code, raised["severity"])
    assert "`quartier status`" in raised["remedy"]
    assert status["alarms"]["unacknowledged_count"] >= 1

    done = await by_hand(gateway, "alarms", "--ack", "loss.battery_silent:bat1", "--note", "fuse is out")
    async with asyncio.timeout(60):
        while code != 0:  # what follows from the loss may be raised after the rest was acknowledged
            await by_hand(gateway, "alarms", "--ack", "all")
            code, rows, _ = await listed(gateway)
    seen = rows[SILENT]["acknowledged"]
    assert (0, f"loss.battery_silent:bat1: acknowledged by {getpass.getuser()}", "") == done
    assert (getpass.getuser(), str(os.getuid()), "fuse is out") == (seen["by"], seen["uid"], seen["note"])

    await gateway.stop(signal.SIGKILL)
    code, rows, errors = await listed(gateway)
    assert (69, seen) == (code, rows[SILENT]["acknowledged"])
    assert "this is what was known last" in errors

    await started(gateway)
    again = await until_listed(
        gateway, ("loss.controller_killed", ""), lambda row: row["acknowledged"] is None
    )
    went_on = await until_listed(gateway, SILENT, lambda row: row["cleared_utc_ms"] is None)
    assert seen == went_on["acknowledged"]
    assert raised["since_utc_ms"] == went_on["since_utc_ms"]
    assert 1 == again["count"]

    devices["gx"].clear()
    gone = await until_listed(gateway, SILENT, lambda row: row["cleared_utc_ms"] is not None)
    assert seen == gone["acknowledged"]
    assert {"alarm.raised": 1, "alarm.cleared": 1} == told_of(gateway, SILENT)


def test_the_district_resets_what_only_waits_for_that_and_sees_the_rest():
    post = Post()
    post.out.note("district.publish_refused", "0x87", {}, at(0))
    for second in range(30):
        post.out.look([UNREAD], at(second))
    assert post.out.reset("district.publish_refused", "c1", at(30))
    assert post.out.reset("contact.unread:dso1", "c2", at(30))
    assert not post.out.reset("no.such", "c3", at(30))
    for second in range(31, 100):
        post.out.look([UNREAD], at(second))

    assert [UNREAD.key] == post.active(), "what is wrong stays until it is right"
    seen = [data["uid"] for code, _, data in post.events if code == "alarm.acknowledged"]
    assert ["c1", "c2"] == seen
