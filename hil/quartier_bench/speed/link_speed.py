"""The link to the district: samples from store to message, signed documents, and acknowledged messages
over a real mosquitto.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    NORMAL_DISCONNECT,
    BrokerCredentials,
    BrokerServer,
    ConnectionProfile,
    OutgoingMessage,
)
from quartier.district.documents import key_list
from quartier.district.documents.document_types import AcceptedDocument
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import EVENT_STREAM, NOTHING_ABOVE, Identity
from quartier.district.sparkplug.data_messages import MESSAGE_METRICS_MAX, DataMessageWriter
from quartier.district.sparkplug.metric_catalog import MetricCatalog, build_catalog
from quartier.district.sparkplug.sparkplug_b_pb2 import Payload
from quartier.site.records import Now
from quartier.site.samples import SampleBlock
from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import history_speed
from quartier_bench.speed.measurement import (
    Figure,
    Setting,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)
from quartier_district.signed_documents import EnvelopeRequest, SigningKey, make_envelope
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import QUALITIES, Quality, Readings
from quartier_sim.modbus.endpoints import find_free_port

SIGNATURE_PEER = "Ed25519 alone"
_DOCUMENT_CALLS, _DOCUMENT_CALLS_SHORT = 2_000, 300
_IDENTITY = Identity("bench", "b012")
_DOCUMENT_NOW_MS = 1_780_000_000_000


def measure_document(setting: Setting) -> list[Figure]:
    """A signed envelope from bytes to a request, against the bare signature."""
    calls = _DOCUMENT_CALLS_SHORT if setting.short else _DOCUMENT_CALLS
    key = SigningKey.fresh("optimiser")
    gate = DocumentVerifier(_IDENTITY, key_list.parse_plain_list(json.dumps([key.listing(["envelope"])])))
    topic = f"{_IDENTITY.companion}/envelope/district"
    watts = {"import_max_w": 5000.0, "export_max_w": 0.0}
    intervals = [{"duration_s": 900.0, **watts}] * 96
    request = EnvelopeRequest(
        intervals=intervals, default=watts, start_ms=_DOCUMENT_NOW_MS, exp_ms=_DOCUMENT_NOW_MS + 86_400_000
    )
    signed = []
    for seq in range(_DOCUMENT_NOW_MS, _DOCUMENT_NOW_MS + calls * (setting.rounds + 1)):
        body = make_envelope(request, seq, _DOCUMENT_NOW_MS, _IDENTITY.client_id)
        signed.append((body, key.sign(topic, body)))
    now, left = Now(1, _DOCUMENT_NOW_MS, synced=True), iter(signed)
    public, raw = key.private.public_key(), key.private.sign(signed[0][0])

    def ours() -> None:
        body, signature = next(left)
        found = gate.check(topic, body, signature, now)
        if not isinstance(found, AcceptedDocument):
            raise RuntimeError(f"a good document was refused: {found}")  # noqa: TRY004 - a verdict, no type

    def bare() -> None:
        public.verify(raw, signed[0][0])

    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for call, costs in zip((ours, bare), sides, strict=True):
            costs.append(_measure_mean_us(call, calls))
    what = "a signed envelope of 96 intervals, judged, CPU"
    return [make_comparison("link.document", what, *sides, "us", None, peer_name=SIGNATURE_PEER)]


def _measure_mean_us(call: Callable[[], object], times: int) -> float:
    before_s = time.process_time()
    for _ in range(times):
        call()
    return 1e6 * (time.process_time() - before_s) / times


AIOMQTT, LIBMOSQUITTO = "aiomqtt", "libmosquitto"
IN_FLIGHT_MAX = 20
_MESSAGES, _MESSAGES_SHORT = 10_000, 2_000
_PAYLOAD_BYTES, _TOPIC = 200, "quartier/v1/bench/b012/event"


def measure_acknowledged_messages(setting: Setting) -> list[Figure]:
    """CPU a QoS 1 message of 200 bytes."""
    what = f"a message of QoS 1, {_PAYLOAD_BYTES} bytes, acknowledged, CPU"
    peers: dict[str, tuple[float | None, Callable[[PeerCache], list[str]]]] = {
        AIOMQTT: (1.0, _make_aiomqtt_argv),
        LIBMOSQUITTO: (None, _make_libmosquitto_argv),
    }
    made = []
    with _open_broker(setting) as port:
        for name, (floor, argv_of) in peers.items():
            key = f"link.qos1_{name}"
            try:
                argv = [*argv_of(setting.cache), str(port), _TOPIC, str(_PAYLOAD_BYTES)]
            except MissingPeerError as error:
                made.append(make_skipped_figure(key, what, str(error), floor, peer_name=name))
                continue
            with Process(argv, setting.folder / f"{name}.log", talks=True) as peer:
                sides = asyncio.run(_measure_sides(setting, port, peer))
            made.append(make_comparison(key, what, *sides, "us", floor, peer_name=name))
    return made


def _make_aiomqtt_argv(cache: PeerCache) -> list[str]:
    return [str(cache.library(AIOMQTT)), str(Path(__file__).parents[1] / "peers" / "aiomqtt_publisher.py")]


def _make_libmosquitto_argv(cache: PeerCache) -> list[str]:
    return [cache.compile_source("publishing", ":libmosquitto.so.1", "libmosquitto1")]


@contextmanager
def _open_broker(setting: Setting) -> Iterator[int]:
    port, folder = find_free_port(), setting.make_scratch_folder("mosquitto")
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 100\n")
    with Process([setting.cache.program("mosquitto", "mosquitto"), "-c", str(config)], folder / "log"):
        if not measured_process.wait_for_listener(port, 10.0):
            raise RuntimeError("mosquitto does not accept connections")
        yield port


async def _measure_sides(setting: Setting, port: int, peer: Process) -> tuple[list[float], list[float]]:
    count = _MESSAGES_SHORT if setting.short else _MESSAGES
    profile = ConnectionProfile(client_id="bench.ours", clean_start=True, session_expiry_s=0)
    acknowledged = asyncio.Event()
    done = 0

    def count_answer(_tag: object, code: int) -> None:
        nonlocal done
        done += code < 0x80
        acknowledged.set()

    connection = MqttConnection(
        BrokerServer("127.0.0.1", port, tls=False), BrokerCredentials(), profile, count_answer
    )
    await connection.open()

    async def ours() -> float:
        nonlocal done
        sent, done = 0, 0
        payload, before_s = b"x" * _PAYLOAD_BYTES, time.process_time()
        while done < count:
            while sent < count and sent - done < IN_FLIGHT_MAX:
                connection.publish(OutgoingMessage(_TOPIC, payload, 1, tag=sent))
                sent += 1
            acknowledged.clear()
            await acknowledged.wait()
        return 1e6 * (time.process_time() - before_s) / count

    async def theirs() -> float:
        cpu_s, acknowledged_count = json.loads(await asyncio.to_thread(peer.ask, str(count)))
        if acknowledged_count != count:
            raise RuntimeError(f"{acknowledged_count} of {count} messages were acknowledged")
        return 1e6 * float(cpu_s) / count

    sides: tuple[list[float], list[float]] = ([], [])
    try:
        await _warm_up(ours, theirs)
        for _ in range(setting.rounds):
            for side, costs in zip((ours, theirs), sides, strict=True):
                costs.append(await side())
    finally:
        await connection.leave(NORMAL_DISCONNECT)
    return sides


async def _warm_up(*sides: Callable[[], Awaitable[float]]) -> None:
    for side in sides:
        await side()


LIVE_METRICS, LINK_POINTS = 200, 500
PROTOBUF_PEER = "protobuf"
_SAMPLES, _SAMPLES_SHORT = 400_000, 60_000
_MESSAGE_CALLS, _MESSAGE_CALLS_SHORT = 2_000, 300
_MESSAGE_NOW_MS = 1_780_000_000_000


def measure_link(setting: Setting) -> list[Figure]:
    """Samples, documents, and messages that a broker acknowledges."""
    return [
        *_measure_samples(setting),
        _measure_ddata(setting),
        *measure_document(setting),
        *measure_acknowledged_messages(setting),
    ]


def _measure_samples(setting: Setting) -> list[Figure]:
    """Kept and written to the wire's form, a CPU second, and how many bytes each takes there."""
    wanted = _SAMPLES_SHORT if setting.short else _SAMPLES
    stored, offered, late_bytes, live_bytes = [], [], [], []
    for number in range(setting.rounds):
        setting.say(f"link, samples, round {number + 1}")
        folder = setting.make_scratch_folder("link")
        with history_speed.open_store(folder, outbox=True, points=LINK_POINTS) as (store, layout):
            count, cpu_s = 0, time.process_time()
            good = bytes([QUALITIES.index(Quality.GOOD)]) * LINK_POINTS
            for at, row in enumerate(
                history_speed.generate_values(wanted // LINK_POINTS, LINK_POINTS), start=1
            ):
                now = history_speed.make_moment(at * history_speed.COMMIT_PERIOD_S)
                count += store.record(Readings(layout, row, good, now.ns), now)
                store.tick(now)
            while store.stats["pending_count"] and not store.stats["error"]:
                time.sleep(0.001)
                store.tick(now)
            stored.append(count / (time.process_time() - cpu_s))
            runs = store.runs({EVENT_STREAM: NOTHING_ABOVE}, count)
            cpu_s = time.process_time()
            size = sum(
                len(payload)
                for run in runs
                for payload, _ in write_payloads(run, MESSAGE_METRICS_MAX, historical=True)
            )
            offered.append(count / (time.process_time() - cpu_s))
            late_bytes.append(size / count)
            live = runs[0].head(LIVE_METRICS)
            live_bytes.append(
                sum(len(p) for p, _ in write_payloads(live, LIVE_METRICS, historical=False)) / len(live)
            )
            store.close(now)
    return [
        make_single_figure(
            "link.stored",
            f"samples kept a CPU second, {LINK_POINTS} points",
            stored,
            "1/s",
            300_000.0,
            "more",
        ),
        make_single_figure(
            "link.offered",
            "samples written as late messages a CPU second",
            offered,
            "1/s",
            1_000_000.0,
            "more",
        ),
        make_single_figure(
            "link.late_bytes", f"bytes a sample, late, {MESSAGE_METRICS_MAX} a message", late_bytes, "B", None
        ),
        make_single_figure(
            "link.live_bytes", f"bytes a sample, live, {LIVE_METRICS} a message", live_bytes, "B", None
        ),
    ]


def write_payloads(run: SampleBlock, most: int, *, historical: bool) -> Iterator[tuple[bytes, int]]:
    """Payloads of a run, at most so many samples each."""
    messages = DataMessageWriter(build_run_catalog(run), aliases=False)
    messages.learn(run)
    place = 0
    while place < len(run):
        part = run if most >= MESSAGE_METRICS_MAX else run.head(place + most)
        payload, count = messages.write(
            part, place, timestamp_ms=_MESSAGE_NOW_MS, seq=0, historical=historical
        )
        place += count
        yield payload, count


def build_run_catalog(run: SampleBlock) -> MetricCatalog:
    """Births that name every metric of the run."""
    named = [run.names[point] for point in sorted(set(run.points))]
    points = {
        f"{stream}.{metric}": PointInfo(f"{stream}.{metric}", "float", "", 1.0) for stream, metric in named
    }
    return build_catalog(points, {stream: "load" for stream, _ in named}, deadband=lambda _point: 0.0)


def _measure_ddata(setting: Setting) -> Figure:
    """One live message of 200 metrics, against the protobuf package with its messages used again."""
    calls = _MESSAGE_CALLS_SHORT if setting.short else _MESSAGE_CALLS
    run = _make_live_run(setting.make_scratch_folder("ddata"))
    messages = DataMessageWriter(build_run_catalog(run), aliases=False)
    messages.learn(run)
    reused = Payload()

    def ours() -> bytes:
        return messages.write(run, 0, timestamp_ms=_MESSAGE_NOW_MS, seq=1, historical=False)[0]

    def theirs() -> bytes:
        return encode_by_protobuf(reused, run)

    if len(Payload.FromString(ours()).metrics) != len(Payload.FromString(theirs()).metrics):
        raise RuntimeError("the two messages do not hold the same")
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for call, costs in zip((ours, theirs), sides, strict=True):
            costs.append(measure_mean_us(call, calls))
    what = f"a DDATA of {LIVE_METRICS} metrics, CPU"
    return make_comparison("link.ddata", what, *sides, "us", 0.5, peer_name=PROTOBUF_PEER)


def encode_by_protobuf(payload: Payload, run: SampleBlock) -> bytes:
    """The same message by the package, the payload's own objects cleared and filled again."""
    payload.Clear()
    payload.timestamp, payload.seq = _MESSAGE_NOW_MS, 1
    add = payload.metrics.add
    for point, value, time_ms in zip(run.points, run.values, run.times_ms, strict=True):
        metric = add()
        metric.name, metric.timestamp, metric.double_value = run.names[point][1], time_ms, value
    payload.body = b'{"boot":%d,"first":%d}' % (run.boot, run.first)
    return bytes(payload.SerializeToString())


def _make_live_run(folder: Path) -> SampleBlock:
    with history_speed.open_store(folder, outbox=True, points=10) as (store, layout):
        good = bytes([QUALITIES.index(Quality.GOOD)]) * 10
        for at, row in enumerate(history_speed.generate_values(LIVE_METRICS // 10, 10), start=1):
            now = history_speed.make_moment(at)
            store.record(Readings(layout, row, good, now.ns), now)
        (run,) = store.runs({EVENT_STREAM: NOTHING_ABOVE}, LIVE_METRICS)
        store.close(now)
    return run


def measure_mean_us(call: Callable[[], object], times: int) -> float:
    """CPU of one call, in the mean of so many."""
    before_s = time.process_time()
    for _ in range(times):
        call()
    return 1e6 * (time.process_time() - before_s) / times
