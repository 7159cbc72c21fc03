"""The link to the district: what a sample costs from the store to a message's bytes, without a socket."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from quartier.district.records import EVENT_STREAM, NOTHING_ABOVE
from quartier.district.sparkplug.data_messages import MESSAGE_METRICS_MAX, DataMessageWriter
from quartier.district.sparkplug.metric_catalog import MetricCatalog, build_catalog
from quartier.district.sparkplug.sparkplug_b_pb2 import Payload
from quartier.site.samples import SampleBlock
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import QUALITIES, Quality, Readings
from quartier_hil.bench import acknowledging, commit, signing
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.setting import Setting

LIVE, POINTS = 200, 500
PROTOBUF = "protobuf"
_SAMPLES, _SAMPLES_SHORT = 400_000, 60_000
_CALLS, _CALLS_SHORT = 2_000, 300
_NOW_MS = 1_780_000_000_000


def figures(setting: Setting) -> list[Figure]:
    """Samples, documents, and messages that a broker acknowledges."""
    return [*_samples(setting), _ddata(setting), *signing.figures(setting), *acknowledging.figures(setting)]


def _samples(setting: Setting) -> list[Figure]:
    """Kept and written to the wire's form, a CPU second, and how many bytes each takes there."""
    wanted = _SAMPLES_SHORT if setting.short else _SAMPLES
    stored, offered, late_bytes, live_bytes = [], [], [], []
    for number in range(setting.rounds):
        setting.say(f"link, samples, round {number + 1}")
        folder = setting.scratch("link")
        with commit.opened(folder, outbox=True, points=POINTS) as (store, layout):
            count, cpu_s = 0, time.process_time()
            good = bytes([QUALITIES.index(Quality.GOOD)]) * POINTS
            for at, row in enumerate(commit.series(wanted // POINTS, POINTS), start=1):
                now = commit.moment(at * commit.PERIOD_S)
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
                for payload, _ in written(run, MESSAGE_METRICS_MAX, historical=True)
            )
            offered.append(count / (time.process_time() - cpu_s))
            late_bytes.append(size / count)
            live = runs[0].head(LIVE)
            live_bytes.append(sum(len(p) for p, _ in written(live, LIVE, historical=False)) / len(live))
            store.close(now)
    return [
        alone("link.stored", f"samples kept a CPU second, {POINTS} points", stored, "1/s", 300_000.0, "more"),
        alone(
            "link.offered",
            "samples written as late messages a CPU second",
            offered,
            "1/s",
            1_000_000.0,
            "more",
        ),
        alone(
            "link.late_bytes", f"bytes a sample, late, {MESSAGE_METRICS_MAX} a message", late_bytes, "B", None
        ),
        alone("link.live_bytes", f"bytes a sample, live, {LIVE} a message", live_bytes, "B", None),
    ]


def written(run: SampleBlock, most: int, *, historical: bool) -> Iterator[tuple[bytes, int]]:
    """Payloads of a run, at most so many samples each."""
    messages = DataMessageWriter(catalog_of(run), aliases=False)
    messages.learn(run)
    place = 0
    while place < len(run):
        part = run if most >= MESSAGE_METRICS_MAX else run.head(place + most)
        payload, count = messages.write(part, place, timestamp_ms=_NOW_MS, seq=0, historical=historical)
        place += count
        yield payload, count


def catalog_of(run: SampleBlock) -> MetricCatalog:
    """Births that name every metric of the run."""
    named = [run.names[point] for point in sorted(set(run.points))]
    points = {
        f"{stream}.{metric}": PointInfo(f"{stream}.{metric}", "float", "", 1.0) for stream, metric in named
    }
    return build_catalog(points, {stream: "load" for stream, _ in named}, deadband=lambda _point: 0.0)


def _ddata(setting: Setting) -> Figure:
    """One live message of 200 metrics, against the protobuf package with its messages used again."""
    calls = _CALLS_SHORT if setting.short else _CALLS
    run = _live_run(setting.scratch("ddata"))
    messages = DataMessageWriter(catalog_of(run), aliases=False)
    messages.learn(run)
    reused = Payload()

    def ours() -> bytes:
        return messages.write(run, 0, timestamp_ms=_NOW_MS, seq=1, historical=False)[0]

    def theirs() -> bytes:
        return by_protobuf(reused, run)

    if len(Payload.FromString(ours()).metrics) != len(Payload.FromString(theirs()).metrics):
        raise RuntimeError("the two messages do not hold the same")
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for call, costs in zip((ours, theirs), sides, strict=True):
            costs.append(each_us(call, calls))
    what = f"a DDATA of {LIVE} metrics, CPU"
    return against("link.ddata", what, *sides, "us", 0.5, peer_name=PROTOBUF)


def by_protobuf(payload: Payload, run: SampleBlock) -> bytes:
    """The same message by the package, the payload's own objects cleared and filled again."""
    payload.Clear()
    payload.timestamp, payload.seq = _NOW_MS, 1
    add = payload.metrics.add
    for point, value, time_ms in zip(run.points, run.values, run.times_ms, strict=True):
        metric = add()
        metric.name, metric.timestamp, metric.double_value = run.names[point][1], time_ms, value
    payload.body = b'{"boot":%d,"first":%d}' % (run.boot, run.first)
    return bytes(payload.SerializeToString())


def _live_run(folder: Path) -> SampleBlock:
    with commit.opened(folder, outbox=True, points=10) as (store, layout):
        good = bytes([QUALITIES.index(Quality.GOOD)]) * 10
        for at, row in enumerate(commit.series(LIVE // 10, 10), start=1):
            now = commit.moment(at)
            store.record(Readings(layout, row, good, now.ns), now)
        (run,) = store.runs({EVENT_STREAM: NOTHING_ABOVE}, LIVE)
        store.close(now)
    return run


def each_us(call: Callable[[], object], times: int) -> float:
    """CPU of one call, in the mean of so many."""
    before_s = time.process_time()
    for _ in range(times):
        call()
    return 1e6 * (time.process_time() - before_s) / times
