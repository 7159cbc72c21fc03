"""The daemon killed at any instant, or with a full disk: what the history and a subscriber hold then.

Fifteen kills and ten minutes of the house in CI; a thousand and an hour with ``QUARTIER_TORTURE=full``.
"""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter, defaultdict
from contextlib import closing, contextmanager, suppress
from itertools import pairwise

import paho.mqtt.client as mqtt
import pytest

from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.store.history_store import Store
from quartier_bench.measured_process import Process, find_python_path
from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import site_files
from quartier_district.gateway_session import GatewaySession, TopicNames
from quartier_drivers.readings import FLOAT

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

FULL = os.environ.get("QUARTIER_TORTURE") == "full"
KILLS = 1000 if FULL else 15
DEVICES, REGISTERS = 5, 100
FULL_S, RATE, PERIOD_S = 3600.0 if FULL else 600.0, 60.0, 10.0
START_MAX_S, LIFE_MAX_S = 1.2, 2.5
PATIENCE_S = 60.0  # only ends a test that has failed
BACKFILL_PER_S = 50.0
WRAP_MS = 65_536  # a register holds the time of its answer, modulo this


class Subscriber:
    """Counts by key what a broker gives, and keeps its numbers to compare."""

    def __init__(self, port):
        self.session = GatewaySession(TopicNames("bench", "bench"))
        self.seen = defaultdict(dict)  # (stream, boot) -> first sequence -> values
        self._lock = threading.Lock()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE_S), "what is said before is never heard"

    def _take(self, _client, _data, message):
        with self._lock:
            line = self.session.take(message.topic, message.payload, int(time.time() * 1000))
            if "first" in line:
                values = [value for _, _, value, _ in line["metrics"]]
                numbers = [value if isinstance(value, float | int) else 0.0 for value in values]
                self.seen[line["stream"], line["boot"]][line["first"]] = array("d", numbers)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Victim:
    """The daemon and its manager: started, heard, killed."""

    def __init__(self, folder, config, clock=""):
        self.folder = folder
        self._clock = {"QUARTIER_CLOCK": clock} if clock else {}
        self._argv = [sys.executable, "-m", "quartier.cli", "run", "--config", str(config), "--log", "json"]
        self._places = {name: folder / name for name in ("runtime", "state")}
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(folder / "notify"))
        self._process = None
        self.ready_s = []

    def start(self):
        env = {f"{name.upper()}_DIRECTORY": str(place) for name, place in self._places.items()}
        env |= {"NOTIFY_SOCKET": str(self.folder / "notify"), "PYTHONPATH": find_python_path(), **self._clock}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, env={**os.environ, **env}, stdout=log, stderr=log, start_new_session=True
            )
        self._started_s = time.monotonic()

    def is_ready(self, within_s):
        """Whether it says READY within the time; how long it took is kept."""
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._notify.settimeout(left_s)
            try:
                word = self._notify.recv(4096)
            except TimeoutError:
                break
            if b"READY=1" in word:
                self.ready_s.append(time.monotonic() - self._started_s)
                return True
        return False

    def live(self, life_s):
        """Let it live a while longer."""
        self.is_ready(life_s)

    def kill(self):
        assert self._process.poll() is None, self.log()
        self._process.kill()
        self._process.wait()
        self._notify.setblocking(False)
        try:
            while True:
                self._notify.recv(4096)
        except BlockingIOError:
            pass

    def until(self, condition):
        """Live on until a status is as asked for; returns it."""
        end_s = time.monotonic() + 10 * PATIENCE_S
        while time.monotonic() < end_s:
            try:
                status = ask(self._places["runtime"], "status")
            except NoDaemon:
                status = None
            if status is not None and condition(status):
                return status
            self.live(0.2)
        raise AssertionError(f"it never came: {status}\n{self.log()}")

    def settle(self):
        """Live on until all of earlier lives is delivered and kept, then end well."""
        self.until(
            lambda s: (
                s["store"]["commits_count"] > 1
                and not s["store"]["error"]
                and s["district"]["data_on"]
                and not s["district"]["catching_up"]
            )
        )
        self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def log(self, size=3000):
        return (self.folder / "log").read_text()[-size:]

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._notify.close()

    def runs(self):
        """Everything in the history, stream by stream, as runs without a hole in them."""
        store = Store(self._places["state"] / "history.db", self._places["runtime"])
        now = Now(time.monotonic_ns(), int(time.time() * 1000), synced=True)
        store.open(now)
        streams, marks = list(store.heads()), {}
        for stream in streams:
            while (run := store.run(stream, marks.get(stream), 100_000)) is not None and len(run):
                if run.boot == store.boot:
                    break
                marks[stream] = StreamPosition(run.boot, run.last)
                yield run
        store.close(now)


class History:
    """What the runs say: faults, and every number by key."""

    def __init__(self, runs):
        self.faults = []
        self.values = defaultdict(lambda: array("d"))
        self.lags_ms = array("d")
        self.events = Counter()
        for run in runs:
            self._take(run)

    def _take(self, run):
        held = self.values[run.stream, run.boot]
        if run.first != len(held) + 1:
            self.faults.append(f"{run.stream}/{run.boot}: {len(held)} then {run.first}")
        held.extend(run.values)
        if run.stream == "event":
            self.events.update(run.names[point][1] for point in run.points)
        elif run.stream != "node":
            self._judge(run)

    def _judge(self, run):
        """All registers of one answer hold its time; the next answer came later.

        Two answers may be taken in one millisecond: with a point that comes again the next one begins.
        """
        moments, comes = {}, Counter()
        for point, time_ms, value, kind in zip(run.points, run.times_ms, run.values, run.kinds, strict=True):
            if kind != FLOAT:
                continue
            comes[point, time_ms] += 1
            answer = time_ms, comes[point, time_ms]
            if moments.setdefault(answer, value) != value:
                self.faults.append(f"{run.stream}/{run.boot}: {value} and {moments[answer]} in {answer}")
        for (before, before_ms), (after, after_ms) in pairwise(sorted(moments.items())):
            if not 0 < (after_ms - before_ms) % WRAP_MS < WRAP_MS // 2:
                self.faults.append(f"{run.stream}/{run.boot}: {before_ms} in {before}, {after_ms} in {after}")
        self.lags_ms.extend(
            (time_ms - value + 9_000) % WRAP_MS - 9_000 for (time_ms, _), value in moments.items()
        )


def site_file(folder, ports, broker_port, period_s=1.0):
    config = site_files.write_site(folder, ports, REGISTERS, broker_port=broker_port, period_s=period_s)
    slow, name = "watermark = false\n", 'id = "bench"\n'
    text = config.read_text().replace(slow, f"{slow}backfill_messages_per_s = {BACKFILL_PER_S}\n")
    config.write_text(text.replace(name, f"{name}simulated = true\n"))
    return config


def find_unreported(subscriber, history):
    """Messages whose samples do not stand in the history, number by number."""
    return [
        f"{key} from {first}"
        for key, messages in subscriber.seen.items()
        for first, values in messages.items()
        if history.values[key][first - 1 : first - 1 + len(values)] != values
    ]


def torture(folder, ports, broker_port, dice):
    subscriber = Subscriber(broker_port)
    victim = Victim(folder, site_file(folder, ports, broker_port))
    with closing(subscriber), closing(victim):
        for number in range(KILLS):
            victim.start()
            if number % 2:
                assert victim.is_ready(PATIENCE_S), victim.log()
                victim.live(dice.uniform(0, LIFE_MAX_S))
            elif victim.is_ready(dice.uniform(0, START_MAX_S)):
                victim.live(dice.uniform(0, START_MAX_S))
            victim.kill()
        victim.start()
        assert victim.is_ready(PATIENCE_S), victim.log()
        assert victim.settle() == 0
        return subscriber, victim, History(victim.runs())


@pytest.fixture
def registers(tmp_path):
    """Ports of devices whose registers hold the time."""
    try:
        program = PeerCache(tmp_path / "cache", print).compile_source("registers")
    except MissingPeerError as error:
        pytest.skip(str(error))
    with Process([program, str(DEVICES)], tmp_path / "server.log", talks=True) as server:
        yield [int(word) for word in server.line().split()]


async def test_kills_at_any_instant_lose_nothing_and_tell_nothing_twice(
    registers, mosquitto, tmp_path, record_property
):
    broker = await mosquitto("allow_anonymous true", "max_queued_messages 0")
    dice = random.Random(3)
    subscriber, victim, history = await asyncio.to_thread(torture, tmp_path, registers, broker.port, dice)

    assert [] == history.faults
    assert 0 == history.events["store.gap"], "a killed process loses nothing: there is no gap to tell of"
    assert [] == subscriber.session.faults
    assert [] == find_unreported(subscriber, history), (
        "whatever left the house stands in its history, number by number"
    )
    kept = sum(map(len, history.values.values()))
    ledger = subscriber.session.ledger
    assert kept > 0
    tenth = max(1, len(victim.ready_s) // 10)
    tenths = slice(0, tenth), slice(-tenth, None)
    figures = {
        "kills": KILLS,
        "boots kept": len({boot for _, boot in history.values}),
        "samples kept": kept,
        "by subscriber": ledger.samples_count,
        "holes there": len(ledger.holes),
        "repeats there": ledger.repeats_count,
        "ready s": quantiles(victim.ready_s),
        "ready s, median of the first and last tenth": [
            statistics.median(victim.ready_s[part]) for part in tenths
        ],
        "stamp less answer ms": quantiles(history.lags_ms),
    }
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")  # pytest -s shows it


@contextmanager
def small_disk(place):
    """A tmpfs of 8 MB at ``place``; needs root."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "quartier-test", str(place)]
    if (said := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no small disk can be mounted: {said.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(path):
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def starve(folder, ports, broker_port):
    """A life whose disk is full for a while; returns what the status said before, then and after."""
    subscriber = Subscriber(broker_port)
    clock = f"rate={RATE:g},origin={time.time():.3f}"
    victim = Victim(folder, site_file(folder, ports, broker_port, PERIOD_S), clock)
    with closing(subscriber), closing(victim), small_disk(folder / "state"):
        victim.start()
        victim.until(lambda s: s["store"]["commits_count"] > 2)
        before = [
            victim.until(lambda s, to_s=to_s: s["gateway"]["uptime_s"] > to_s) for to_s in (60, 60 + FULL_S)
        ]
        fill(folder / "state" / "filler")
        failed = victim.until(lambda s: s["store"]["error"])
        end_s = failed["gateway"]["uptime_s"] + FULL_S
        full = victim.until(lambda s: s["gateway"]["uptime_s"] > end_s)
        (folder / "state" / "filler").unlink()
        after = victim.until(lambda s: not s["store"]["error"] and s["store"]["pending_count"] < 10_000)
        victim.until(lambda _: '"store.disk_back"' in victim.log(1 << 20))
        assert victim.settle() == 0
        return subscriber, History(victim.runs()), [*before, failed, full, after], victim.log(1 << 20)


async def test_a_disk_full_for_an_hour_stops_no_cycle_and_costs_no_sample(
    registers, mosquitto, tmp_path, record_property
):
    broker = await mosquitto("allow_anonymous true", "max_queued_messages 0")
    subscriber, history, said, log = await asyncio.to_thread(starve, tmp_path, registers, broker.port)

    begun, well, failed, full, after = said
    error = failed["store"]["error"]
    assert "full" in error or "No space left" in error  # by SQLite's word, or by the system's
    assert full["store"]["error"], "said for as long as it lasts"
    assert full["store"]["commits_failed_count"] > 1
    assert full["cycles"]["count"] > failed["cycles"]["count"] + FULL_S / 4, (
        "the house was steered all the time"
    )
    assert (0, 0) == (after["store"]["dropped_count"], after["store"]["gaps_count"])
    assert (1, 1) == (log.count('"store.disk_failed"'), log.count('"store.disk_back"'))
    assert [] == history.faults
    assert {"store.disk_failed": 1, "store.disk_back": 1, "store.gap": 0} == {
        code: history.events[code] for code in ("store.disk_failed", "store.disk_back", "store.gap")
    }
    assert [] == find_unreported(subscriber, history)
    ledger = subscriber.session.ledger
    assert {} == ledger.holes
    figures = {
        "cycles skipped an hour, well": rate_of(begun, well, "skipped_count"),
        "cycles skipped an hour, full": rate_of(failed, full, "skipped_count"),
        "cycles an hour, well": rate_of(begun, well, "count"),
        "cycles an hour, full": rate_of(failed, full, "count"),
        "waiting in memory at most": full["store"]["pending_count"],
        "samples kept": sum(map(len, history.values.values())),
        "by subscriber": ledger.samples_count,
    }
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")


def rate_of(first, last, what):
    passed_s = last["gateway"]["uptime_s"] - first["gateway"]["uptime_s"]
    return round(3600 * (last["cycles"][what] - first["cycles"][what]) / passed_s, 1)


def quantiles(values):
    """Median, 90 %, 99 % and the most."""
    ranked = sorted(values)
    return [
        round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3) for share in (0.5, 0.9, 0.99, 1.0)
    ]
