"""How samples are cut into messages, and that their bytes are protobuf's own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.district.conftest import consecutive, run_of

from quartier.district.sparkplug.data_messages import (
    MESSAGE_METRICS_MAX,
    PAYLOAD_MAX_BYTES,
    DataMessageWriter,
)
from quartier.district.sparkplug.metric_catalog import LEARNED_MAX, MetricCatalog
from quartier.district.sparkplug.payload_codec import (
    Datatype,
    Metric,
    SampleKey,
    decode_payload,
    encode_payload,
    fit_value,
)
from quartier.site.samples import Sample
from quartier_drivers.readings import Quality

UTC_MS = 1_764_000_000_000


def sample(seq, boot=1, stream="grid", value=1.0, utc_ms=UTC_MS, metric="power_w", quality=Quality.STALE):
    return Sample(stream, boot, seq, metric, utc_ms, value, quality)


def payloads(messages, run, *, historical=True):
    messages.learn(run)
    place, found = 0, []
    while place < len(run):
        payload, count = messages.write(run, place, timestamp_ms=2**40, seq=255, historical=historical)
        found.append(payload)
        place += count
    return found


NUMBERS = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(1, 5), st.integers(0, 3), st.sampled_from([1.0, 7, True, "x" * 9_000])
    ),
    max_size=60,
)


@examples(60)
@given(NUMBERS)
def test_every_message_is_one_boot_consecutive_forward_in_time_and_keyed(rows):
    samples = [sample(seq, boot, utc_ms=ms, value=value) for boot, seq, ms, value in rows]
    messages = DataMessageWriter(MetricCatalog(), aliases=False)
    told = []
    for run in consecutive(samples):
        for payload in payloads(messages, run):
            message = decode_payload(payload)
            times = [metric.timestamp_ms for metric in message.metrics]
            assert sorted(times) == times
            told += [(message.key.boot, message.key.first + n, ms) for n, ms in enumerate(times)]
    assert [(row.boot, row.seq, row.taken_utc_ms) for row in samples] == told


def test_a_message_has_at_most_500_metrics():
    run = run_of([sample(n) for n in range(1, 1_002)])
    found = [
        len(decode_payload(payload).metrics)
        for payload in payloads(DataMessageWriter(MetricCatalog(), aliases=False), run)
    ]
    assert [MESSAGE_METRICS_MAX, MESSAGE_METRICS_MAX, 1] == found


VALUES = st.floats() | st.integers(-(2**63), 2**64 - 1) | st.booleans() | st.text(max_size=300)


@examples(60)
@given(
    rows=st.lists(
        st.tuples(st.text(max_size=40), VALUES, st.sampled_from(Quality), st.integers(-5, 2**50)), max_size=60
    ),
    types=st.dictionaries(st.text(max_size=40), st.sampled_from(Datatype)),
    aliases=st.booleans(),
    historical=st.booleans(),
)
def test_the_bytes_are_those_that_protobuf_writes(rows, types, aliases, historical):
    rows.sort(key=lambda row: row[3])
    catalog = MetricCatalog()
    for name, kind in types.items():
        catalog.add("grid", name, kind if kind is not Datatype.TEXT else Datatype.STRING)
    samples = [
        sample(n, value=value, metric=name, quality=quality, utc_ms=utc_ms)
        for n, (name, value, quality, utc_ms) in enumerate(rows, 1)
    ]
    messages = DataMessageWriter(catalog, aliases=aliases)
    for run in consecutive(samples):
        (payload,) = payloads(messages, run, historical=historical)
        metrics = [expected(catalog, row, aliases, historical) for row in samples]
        assert encode_payload(metrics, timestamp_ms=2**40, seq=255, key=SampleKey(1, 1)) == payload
        assert len(payload) <= PAYLOAD_MAX_BYTES


def expected(catalog, row, aliases, historical):
    entry = catalog.find("grid", row.metric)
    value = fit_value(row.value, entry.type)
    lost = value is None and row.quality is Quality.GOOD
    return Metric(
        row.metric,
        value,
        None,
        row.taken_utc_ms,
        alias=entry.alias if aliases else None,
        historical=historical,
        quality=Quality.BAD if lost else row.quality,
    )


def test_long_texts_are_cut_and_share_a_message_only_as_far_as_they_fit():
    run = run_of([sample(n, value="é" * 9_000, metric="version_text") for n in range(1, 11)])
    found = payloads(DataMessageWriter(MetricCatalog(), aliases=False), run)
    assert [4, 4, 2] == [len(decode_payload(payload).metrics) for payload in found]
    assert {8_000} == {len(m.value) for payload in found for m in decode_payload(payload).metrics}
    assert max(map(len, found)) <= PAYLOAD_MAX_BYTES


def test_the_key_holds_the_largest_numbers():
    run = run_of([sample(2**64 - 1, boot=2**64 - 1)])
    (payload,) = payloads(DataMessageWriter(MetricCatalog(), aliases=False), run)
    assert SampleKey(2**64 - 1, 2**64 - 1) == decode_payload(payload).key


def test_what_no_birth_named_is_learned_once():
    messages = DataMessageWriter(MetricCatalog(), aliases=False)
    run = run_of([sample(1), sample(2, metric="charge_state", value=3), sample(3)])
    assert [True, False] == [messages.learn(run), messages.learn(run)]


def test_beyond_what_can_be_learned_values_go_as_they_are():
    catalog = MetricCatalog()
    messages = DataMessageWriter(catalog, aliases=False)
    rows = [sample(n, metric=f"m{n}_w", value=n, quality=Quality.GOOD) for n in range(1, LEARNED_MAX + 3)]
    assert messages.learn(run_of(rows[:LEARNED_MAX]))
    late = run_of(rows[LEARNED_MAX:])
    assert not messages.learn(late)
    (payload,) = payloads(messages, late)
    assert [LEARNED_MAX + 1, LEARNED_MAX + 2] == [metric.value for metric in decode_payload(payload).metrics]


@pytest.mark.parametrize("count", [1, 200])
def test_tables_of_many_chunks_come_and_go(count):
    messages = DataMessageWriter(MetricCatalog(), aliases=False)
    for number in range(count):
        (payload,) = payloads(messages, run_of([sample(1, metric=f"m{number % 3}_w")]))
    assert json.loads(b'"m%d_w"' % ((count - 1) % 3)) == decode_payload(payload).metrics[0].name
