"""Samples cut into messages: one stream, one boot, consecutive numbers, time going forward (pure)."""

from collections.abc import Iterable, Iterator, Sequence

from quartier.house.sample import Sample

# sync.md section 2.
METRICS_MAX = 500
PAYLOAD_MAX_BYTES = 64 * 1024
# What a metric costs beside its name and text: tags, timestamp, value, quality (measured 30..45).
_METRIC_BYTES = 48
_MESSAGE_BYTES = 128
TEXT_MAX_CHARS = 8_000


def cost_bytes(sample: Sample) -> int:
    """An upper bound of what one sample takes in a payload."""
    text = len(sample.value[:TEXT_MAX_CHARS].encode()) if isinstance(sample.value, str) else 0
    return _METRIC_BYTES + len(sample.metric.encode()) + text


def by_stream(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Apart by stream, each in its order, streams in the order of their first sample."""
    apart: dict[str, list[Sample]] = {}
    for sample in samples:
        apart.setdefault(sample.stream, []).append(sample)
    return apart


def cut(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Samples of one stream as the messages that carry them.

    Time never goes back inside a message, so that live values stay in order for every host.
    """
    run: list[Sample] = []
    size_bytes = _MESSAGE_BYTES
    for sample in samples:
        more_bytes = cost_bytes(sample)
        if run and not (
            _follows(run[-1], sample)
            and len(run) < METRICS_MAX
            and size_bytes + more_bytes <= PAYLOAD_MAX_BYTES
        ):
            yield run
            run, size_bytes = [], _MESSAGE_BYTES
        run.append(sample)
        size_bytes += more_bytes
    if run:
        yield run


def _follows(last: Sample, sample: Sample) -> bool:
    return (
        sample.boot == last.boot and sample.seq == last.seq + 1 and sample.taken_utc_ms >= last.taken_utc_ms
    )
