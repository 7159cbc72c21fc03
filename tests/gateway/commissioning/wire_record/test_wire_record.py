"""A record survives its way through JSON."""

import json
from dataclasses import replace

from quartier.commissioning.wire_record.wire_record import dump_frame, load_record


def test_it_goes_through_json_whole(exchange):
    told = json.loads(json.dumps([exchange.head(), *map(dump_frame, exchange.frames)]))

    assert replace(exchange, secrets=()) == load_record(told[0], told[1:])


def test_a_frame_has_its_utc_by_the_monotonic_clock(exchange):
    assert exchange.utc_ms * 1_000_000 + 5_000_000 == exchange.utc_ns(exchange.frames[1])
