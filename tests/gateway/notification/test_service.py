"""The process that notifies, beside the sockets of a gateway and a web server."""

import asyncio
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from quartier.daemon.reports.alarm_list import AlarmManager
from quartier.notification.service import SILENT, STATE_FILE, NotificationService, make_test_message
from quartier.notification.settings import NotifySettings, WebhookChannel
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import QUESTION_SOCKET, QuestionServer
from quartier.site.alarm_types import Alarm
from quartier.site.records import Now

START_MS = 1_790_000_000_000
UNREAD = Alarm("contact.unread", "dso1", "contact dso1 cannot be read: it counts as acting")
MINUTE_NS = 60_000_000_000


class Bench:
    """A gateway's list of alarms behind its socket, a clock, and a service that tells a web server."""

    def __init__(self, folder, web_server):
        self.folder, self.web_server, self.now_ms, self.lines = folder, web_server, START_MS, []
        self.set_by_ms = 0
        self.manager = AlarmManager(lambda *_: None, structlog.testing.CapturingLogger(), SiteClock())
        self.pool = ThreadPoolExecutor(1)
        self.service = self.make()

    def make(self, **more):
        channel = WebhookChannel(kind="webhook", url=self.web_server.url, **{"group_s": 0, **more})
        settings = NotifySettings(channels={"hook": channel})
        return NotificationService(
            settings,
            self.folder,
            self.folder,
            utc_ms=lambda: self.now_ms,
            elapsed_ns=lambda: self.elapsed_ns,
            log=self.lines.append,
        )

    @property
    def elapsed_ns(self):
        """A clock that nobody sets."""
        return (self.now_ms - self.set_by_ms) * 1_000_000

    def set_clock(self, step_ms):
        self.now_ms += step_ms
        self.set_by_ms += step_ms

    def happen(self, *alarms, later_s=60):
        self.now_ms += later_s * 1000
        now = Now((self.now_ms - START_MS) * 1_000_000, self.now_ms, synced=True)
        self.manager.look(alarms, now)

    async def look(self):
        """One round of the service: what was told, as raised or cleared by name."""
        before = len(self.web_server.requests)
        await asyncio.to_thread(self.service.look)
        self.service.deliver(self.pool)
        for _, future in tuple(self.service._under_way.values()):
            with contextlib.suppress(Exception):
                await asyncio.wrap_future(future)
        self.service.deliver(self.pool)
        return [
            (one["name"], one["is_raised"])
            for _, _, body in self.web_server.requests[before:]
            for one in json.loads(body)["alarms"]
        ]


@pytest.fixture
def bench(tmp_path, web_server):
    made = Bench(tmp_path, web_server)
    yield made
    made.pool.shutdown()


@pytest.fixture
async def gateway(bench):
    """The socket of the gateway; ends with the test, or with ``gateway()``."""
    answers = {
        "status": lambda: {"gateway": {"site": "b012", "district": "issy"}},
        "alarms": lambda: bench.manager.listing(Now(0, bench.now_ms, synced=True)),
    }
    task = asyncio.create_task(QuestionServer(bench.folder, answers, {}).run())
    async with asyncio.timeout(60):
        while not (bench.folder / QUESTION_SOCKET).exists():  # noqa: ASYNC110 - a socket has no event
            await asyncio.sleep(0.005)

    async def end():
        task.cancel()
        await asyncio.wait([task])

    yield end
    await end()


@pytest.mark.usefixtures("gateway")
async def test_an_alarm_is_told_when_it_comes_and_when_it_is_over(bench):
    bench.happen(UNREAD)
    assert [("contact.unread:dso1", True)] == await bench.look()
    assert [] == await bench.look()
    _, _, body = bench.web_server.requests[0]
    assert "issy.b012: warning: contact.unread:dso1" == json.loads(body)["title"]
    assert json.loads(body)["alarms"][0]["remedy"]

    bench.happen()
    bench.happen()
    assert [("contact.unread:dso1", False)] == await bench.look()
    bench.happen(UNREAD)
    assert [("contact.unread:dso1", True)] == await bench.look(), "it came again"


@pytest.mark.usefixtures("gateway")
async def test_after_a_restart_nothing_is_told_twice_and_nothing_is_missed(bench):
    bench.happen(UNREAD)
    await bench.look()
    bench.service = bench.make()
    assert [] == await bench.look()

    other = Alarm("contact.unread", "dso2", "contact dso2 cannot be read: it counts as acting")
    bench.happen(UNREAD, other)
    bench.happen(UNREAD)
    bench.happen(UNREAD)
    bench.service = bench.make()
    assert [("contact.unread:dso2", True), ("contact.unread:dso2", False)] == await bench.look()


@pytest.mark.usefixtures("gateway")
async def test_what_is_over_at_the_very_first_look_is_history(bench):
    bench.happen(UNREAD)
    bench.happen()
    bench.happen()
    assert [] == await bench.look()


@pytest.mark.usefixtures("gateway")
async def test_what_a_server_did_not_take_waits_over_a_restart(bench):
    bench.web_server.status = 500
    bench.happen(UNREAD)
    await bench.look()
    assert any("hook: issy.b012: warning: contact.unread:dso1: not sent: " in line for line in bench.lines)
    bench.web_server.status = 200
    bench.service = bench.make()
    assert [("contact.unread:dso1", True)] == await bench.look()


async def test_a_gateway_that_does_not_answer_is_told_once_and_so_is_its_return(bench, gateway):
    assert [] == await bench.look()
    await gateway()
    bench.now_ms += 119_000
    assert [] == await bench.look()
    bench.now_ms += 2_000
    assert [(SILENT, True)] == await bench.look()
    assert "has not answered for 121 s: no daemon answers at" in bench.web_server.requests[-1][2].decode()
    bench.now_ms += 600_000
    assert [] == await bench.look()


async def test_a_clock_that_is_set_makes_no_gateway_silent(bench):
    bench.set_clock(86_400_000)
    assert [] == await bench.look()
    bench.now_ms += 121_000
    assert [(SILENT, True)] == await bench.look()


@pytest.mark.usefixtures("gateway")
async def test_an_alarm_that_becomes_part_of_another_one_is_over(bench):
    stale = Alarm("loss.grid_meter_stale", "grid", "the grid meter is late")
    lost = Alarm("loss.grid_meter_lost", "grid", "the grid meter is lost")
    bench.happen(stale)
    assert [("loss.grid_meter_stale:grid", True)] == await bench.look()
    bench.happen(lost, stale.extend(cause=lost.key))
    told = await bench.look()
    assert ("loss.grid_meter_lost:grid", True) in told
    bench.happen()
    bench.happen()
    assert ("loss.grid_meter_stale:grid", False) in [*told, *await bench.look()]


@pytest.mark.usefixtures("gateway")
async def test_after_a_restart_beside_a_dead_gateway_its_name_is_known(bench, gateway):
    await bench.look()
    await gateway()
    bench.service = bench.make()
    bench.now_ms += 121_000
    assert [(SILENT, True)] == await bench.look()
    assert "issy.b012" == json.loads(bench.web_server.requests[-1][2])["gateway"]


@pytest.mark.usefixtures("gateway")
async def test_when_it_answers_again_that_is_told(bench):
    bench.service._answered_ms -= 200_000
    bench.service._note_silence("nobody", bench.now_ms)
    assert [(SILENT, True), (SILENT, False)] == await bench.look()


@pytest.mark.usefixtures("gateway")
async def test_a_damaged_state_counts_as_none_and_a_full_disk_stops_nothing(bench, monkeypatch):
    bench.happen(UNREAD)
    await bench.look()
    for copy in bench.folder.glob(f"{STATE_FILE}*"):
        copy.write_bytes(b"broken")
    bench.service = bench.make()
    monkeypatch.setattr(
        "quartier.runtime.state_file._write_copy",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")),
    )
    assert [("contact.unread:dso1", True)] == await bench.look()
    assert any("No space left: after a restart something may be sent twice" in line for line in bench.lines)


@pytest.mark.usefixtures("gateway")
async def test_it_runs_until_it_is_stopped(bench):
    bench.happen(UNREAD)
    task = asyncio.create_task(asyncio.to_thread(bench.service.run, 0.01))
    async with asyncio.timeout(60):
        while not bench.web_server.requests:  # noqa: ASYNC110 - the server has no event
            await asyncio.sleep(0.01)
    bench.service.stop()
    await task
    assert 1 == len(bench.web_server.requests)


def test_a_test_message_says_that_it_is_one():
    channel = WebhookChannel(kind="webhook", url="https://a.example/")
    message = make_test_message("issy.b012", channel, START_MS, "Europe/Paris")
    assert "issy.b012: warning: notify.test" == message.title
    assert "this is a test" in message.text
