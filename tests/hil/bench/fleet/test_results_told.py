import json

import pytest

from quartier_bench.fleet import events, results
from quartier_bench.fleet.results import find_rebounds
from quartier_bench.fleet.simulation import DaySettings, FleetDay


@pytest.fixture
def done(small, plain):
    settings = DaySettings(
        stock=small,
        drive=plain(small),
        events=events.parse_events(["cap@18:05-18:10=0.3"], 43_200),
        from_second=21_600,
        seconds=900,
    )
    record = FleetDay(settings).run()
    return results.DayResult(
        settings,
        record,
        find_rebounds(record, record, settings.events, 21_600),
        "engine x",
        "a core",
        1.5,
        43_200,
    )


def test_the_clock_goes_over_midnight():
    assert ["12:00:00", "00:00:01", "11:59:59"] == [
        results.format_clock(s, 43_200) for s in (0, 43_201, 86_399)
    ]


def test_the_document_holds_what_a_machine_asks_for(done):
    document = json.loads(json.dumps(results.make_document(done, done.record)))

    assert (50, 900, 3) == (document["buildings"], document["seconds"], document["seed"])
    assert "18:05:00" == results.format_clock(document["marks"][0]["second"], 43_200)
    assert done.record.digest == document["digest"]
    assert document["peak_w"] == document["without_events"]["peak_w"]
    assert document["rebounds"][0]["holds"] is done.holds


def test_the_rows_tell_the_pace_the_peak_and_each_rebound(done):
    text = "\n".join(results.format_rows(done, done.record))

    for words in (
        "50 buildings (",
        "building-seconds a second (engine x; a core; load 1.5)",
        "peak ",
        "without ",
        "rebound: ",
    ):
        assert words in text


def test_the_peak_is_that_of_a_minute(done):
    done.record.total_w[:] = 100.0
    done.record.total_w[300:360] = 400.0
    done.record.total_w[500] = 2000.0

    assert (400.0, 300) == results.find_peak(done.record)
