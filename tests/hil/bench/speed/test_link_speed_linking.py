from array import array

from quartier.district.sparkplug.sparkplug_b_pb2 import Payload
from quartier.site.samples import SampleBlock
from quartier_bench.speed import link_speed


def run_of(count):
    return SampleBlock(
        "meter0",
        7,
        11,
        names=[("meter0", "power_w"), ("meter0", "r1_w")],
        points=array("I", [at % 2 for at in range(count)]),
        kinds=array("B", [0] * count),
        values=array("d", map(float, range(count))),
        times_ms=array("q", range(1_000, 1_000 + count)),
    )


def test_both_sides_of_the_ddata_say_the_same_samples():
    run = run_of(6)
    ours = Payload.FromString(next(link_speed.write_payloads(run, 200, historical=False))[0])
    theirs = Payload.FromString(link_speed.encode_by_protobuf(Payload(), run))

    def told(payload):
        return payload.body, [(one.name, one.timestamp, one.double_value) for one in payload.metrics]

    assert told(ours) == told(theirs)
    assert 6 == len(ours.metrics)


def test_a_payload_that_is_used_again_keeps_nothing_of_the_last_message():
    reused = Payload()
    link_speed.encode_by_protobuf(reused, run_of(6))

    assert 2 == len(Payload.FromString(link_speed.encode_by_protobuf(reused, run_of(2))).metrics)


def test_a_run_is_written_in_messages_of_at_most_so_many():
    assert [200, 200, 50] == [
        count for _, count in link_speed.write_payloads(run_of(450), 200, historical=False)
    ]


def test_the_live_message_holds_samples_of_one_meter_and_no_event_of_the_store(tmp_path):
    run = link_speed._make_live_run(tmp_path)

    assert ("meter0", link_speed.LIVE_METRICS) == (run.stream, len(run))


def test_births_name_every_metric_of_a_run():
    assert {"power_w", "r1_w"} == {
        entry.metric for entry in link_speed.build_run_catalog(run_of(2)).entries("meter0")
    }
