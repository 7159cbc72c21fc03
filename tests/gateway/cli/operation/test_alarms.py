"""``quartier alarms`` against a real desk, against a book on disk, and its table."""

import asyncio
import contextlib
import json
import os

import pytest
import structlog

from quartier.cli import main
from quartier.daemon.reports.alarm_list import ALARMS_FILE, AlarmManager
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import ORDER_SOCKET, OrderServer
from quartier.site.alarm_catalogue import ALARM_KINDS
from quartier.site.alarm_types import Alarm
from quartier.site.records import Now

NOW = Now(0, 1_790_000_000_000, synced=True)
UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read: it counts as acting")


@pytest.fixture
def sentry(tmp_path):
    made = AlarmManager(lambda *_: None, structlog.testing.CapturingLogger(), SiteClock(), tmp_path)
    made.look([UNREAD], NOW)
    return made


@pytest.fixture
def desks(tmp_path, serving, sentry):
    """Both desks of a gateway whose list is that of ``sentry``; the operators' is open to our own group."""

    @contextlib.asynccontextmanager
    async def opened():
        task = asyncio.create_task(
            OrderServer(tmp_path, sentry.order_handlers, structlog.testing.CapturingLogger()).run()
        )
        try:
            async with serving({"alarms": lambda: sentry.listing(NOW)}), asyncio.timeout(60):
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
async def test_who_is_outside_the_group_may_not_acknowledge(desks, tmp_path, capsys, sentry):
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

    assert 69 == code
    assert "join the group quartier-operators, or use sudo" in capsys.readouterr().err
    assert 1 == len(sentry.book.unacknowledged)


async def test_without_a_daemon_the_list_is_read_from_disk_and_that_is_said(call, tmp_path, sentry):
    state_file.save_facts(tmp_path / ALARMS_FILE, sentry.book.facts())
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
