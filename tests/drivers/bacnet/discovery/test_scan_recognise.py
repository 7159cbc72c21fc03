import pytest

from quartier_drivers.bacnet.discovery.scan import find_matches
from quartier_drivers.device_profile import loading

HEAD = '[profile]\nprotocol = "bacnet"\nmaker = "Acme"\nmodel = "AHU"\nsource = "PICS rev. 3"\n'
POINT = '[points.supply_c]\nobject = "analog-input:1"\n'


def made(mark, name="acme/ahu"):
    return loading.parse_profile(f"{HEAD}{mark}{POINT}", name, "ahu.toml")


@pytest.mark.parametrize(
    ("mark", "sure"),
    [
        ('[recognise]\nvendor_id = 7\nmodel = "AHU-*"\n', ["sure"]),
        ('[recognise]\nmodel = "ahu-?2*"\n', ["sure"]),
        ("[recognise]\nvendor_id = 7\n", ["possible"]),
        ("[recognise]\nvendor_id = 8\n", []),
        ('[recognise]\nvendor_id = 7\nmodel = "VAV*"\n', []),
        ("", []),
    ],
)
def test_a_profile_fits_by_vendor_and_model(mark, sure):
    assert sure == [one.sure for one in find_matches(7, {"model-name": "AHU-12"}, [made(mark)])]


def test_a_device_that_tells_no_model_is_possible_by_its_vendor_alone():
    marked = made('[recognise]\nvendor_id = 7\nmodel = "AHU-*"\n')

    assert [("possible", "its vendor is 7; not told: its model")] == [
        (one.sure, one.why) for one in find_matches(7, {}, [marked])
    ]
    assert [] == find_matches(7, {}, [made('[recognise]\nmodel = "AHU-*"\n')])


def test_where_two_are_sure_neither_is():
    two = [made('[recognise]\nmodel = "AHU-*"\n', name) for name in ("acme/ahu", "acme/ahu2")]

    assert ["likely", "likely"] == [one.sure for one in find_matches(7, {"model-name": "AHU-12"}, two)]
