"""How samples are cut into messages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quartier.district.runs import METRICS_MAX, PAYLOAD_MAX_BYTES, by_stream, cost_bytes, cut
from quartier.district.sparkplug import Key, Metric, encode
from quartier.house.sample import Sample
from quartier_drivers.contract import Quality


def sample(seq, boot=1, stream="grid", value=1.0, utc_ms=1_764_000_000_000, metric="power_w"):
    return Sample(stream, boot, seq, metric, utc_ms, value, Quality.STALE)


def test_streams_keep_the_order_of_their_first_sample():
    apart = by_stream([sample(1, stream="b"), sample(1, stream="a"), sample(2, stream="b")])
    assert {"b": [1, 2], "a": [1]} == {stream: [s.seq for s in found] for stream, found in apart.items()}
    assert ["b", "a"] == list(apart)


NUMBERS = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(1, 5), st.integers(0, 3), st.sampled_from([1.0, 7, True, "x" * 9_000])
    ),
    max_size=60,
)


@settings(max_examples=300)  # each is slow: not for the profile of the kernels
@given(NUMBERS)
def test_every_run_is_one_boot_consecutive_and_forward_in_time(rows):
    samples = [sample(seq, boot, utc_ms=ms, value=value) for boot, seq, ms, value in rows]
    runs = list(cut(samples))
    assert samples == [found for run in runs for found in run]
    for run in runs:
        assert len({found.boot for found in run}) == 1
        assert [found.seq for found in run] == list(range(run[0].seq, run[0].seq + len(run)))
        assert [found.taken_utc_ms for found in run] == sorted(found.taken_utc_ms for found in run)


def test_a_message_has_at_most_500_metrics():
    assert [METRICS_MAX, METRICS_MAX, 1] == [len(run) for run in cut([sample(n) for n in range(1, 1_002)])]


@settings(max_examples=300)  # each is slow: not for the profile of the kernels
@given(
    st.lists(
        st.tuples(
            st.text(max_size=40), st.floats() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=300)
        ),
        max_size=600,
    )
)
def test_what_a_message_costs_is_never_more_than_estimated(rows):
    samples = [sample(n, value=value, metric=name) for n, (name, value) in enumerate(rows, 1)]
    for run in cut(samples):
        metrics = [
            Metric(s.metric, s.value, None, s.taken_utc_ms, alias=2**40, historical=True, quality=s.quality)
            for s in run
        ]
        size = len(encode(metrics, timestamp_ms=2**50, seq=255, key=Key(2**64 - 1, 2**64 - 1)))
        assert size <= PAYLOAD_MAX_BYTES
        assert size <= 128 + sum(cost_bytes(s) for s in run)
