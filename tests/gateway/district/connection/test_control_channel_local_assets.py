"""What is told of an asset that stays in the building."""

import pytest

from quartier.district.connection.control_channel import LOCAL_ASSET_TEXT, redact


@pytest.mark.parametrize(
    "told",
    [
        {"text": "boiler off by hand", "data": {}},
        {"text": "is refused", "data": {"point": "boiler.power_w"}},
        {"text": "x", "data": {"list": [{"of": "boiler"}]}},
    ],
)
def test_an_event_that_names_a_local_asset_leaves_bare(told):
    assert {"text": LOCAL_ASSET_TEXT, "data": {}} == redact(told, {"boiler"})
    assert told == redact(told, set())


def test_an_event_about_others_leaves_as_it_is():
    told = {"text": "boiler2 off", "data": {"point": "bat1.power_w"}}
    assert told == redact(told, {"boiler", "bat"})
