"""A meter as it is asked: a household's registers, its clock and a load curve of a quarter of an hour."""

import datetime as dt

import pytest

from quartier_sim.meters.dlms import polled_meter
from quartier_sim.meters.dlms.encoding import encode_number
from quartier_sim.meters.dlms.polled_meter import LoadCurve, PolledMeter

NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.fixture
def curve():
    found = LoadCurve("1-0:99.1.0", ["1-0:1.8.0"], 900)
    for place in range(8):
        moment = NOON + dt.timedelta(minutes=15 * place)
        found.capture(moment, [encode_number("uint32", 1_000 + place)])
    return found


@pytest.fixture
def meter(curve):
    objects = polled_meter.merge_objects(
        polled_meter.build_text_object("0-0:96.1.0", "LGZ1030655933512"),
        polled_meter.build_clock(NOON),
        polled_meter.build_register("1-0:1.8.0", "uint32", 477, 1, "Wh"),
        polled_meter.build_register("1-0:32.7.0", "uint16", 2361, -1, "V"),
        polled_meter.build_count_object("0-0:43.1.0", "uint32", 41),
    )
    return PolledMeter(objects, {curve.name: curve})
