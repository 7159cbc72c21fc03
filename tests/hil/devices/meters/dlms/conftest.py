"""A meter as it is asked: a household's registers, its clock and a load curve of a quarter of an hour."""

import datetime as dt

import pytest

from quartier_hil.devices.meters.dlms import cosem
from quartier_hil.devices.meters.dlms.asked import AskedMeter
from quartier_hil.devices.meters.dlms.cosem import Curve
from quartier_hil.devices.meters.dlms.data import number

NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.fixture
def curve():
    found = Curve("1-0:99.1.0", ["1-0:1.8.0"], 900)
    for place in range(8):
        moment = NOON + dt.timedelta(minutes=15 * place)
        found.capture(moment, [number("uint32", 1_000 + place)])
    return found


@pytest.fixture
def meter(curve):
    objects = cosem.held(
        cosem.text("0-0:96.1.0", "LGZ1030655933512"),
        cosem.clock(NOON),
        cosem.register("1-0:1.8.0", "uint32", 477, 1, "Wh"),
        cosem.register("1-0:32.7.0", "uint16", 2361, -1, "V"),
        cosem.count("0-0:43.1.0", "uint32", 41),
    )
    return AskedMeter(objects, {curve.name: curve})
