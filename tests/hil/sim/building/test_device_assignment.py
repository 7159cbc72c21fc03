"""Who plays which device of a site file; who does not is told with its key and the next step."""

import pytest

from quartier_sim.building.device_assignment import assign_devices
from quartier_sim.building.site_file import Site

LAN = {"kind": "modbus-tcp", "host": "10.0.0.2"}


def _site(bus, *devices, **assets):
    named = {f"d{number}": {"bus": "one", **device} for number, device in enumerate(devices)}
    return Site.model_validate({"buses": {"one": bus}, "devices": named, "assets": assets})


@pytest.mark.parametrize(
    ("bus", "profile", "key", "why"),
    [
        ({"kind": "gpio"}, "linux/gpio", "buses.one.kind", "the rig serves no bus of kind gpio"),
        ({**LAN, "framing": "rtu"}, "eastron/sdm630", "buses.one.framing", "not a serial server's"),
        (
            {"kind": "dlms", "mode": "client"},
            "generic/dlms_meter",
            "buses.one.mode",
            "do not work in mode client",
        ),
        (LAN, "solaredge/meter", "devices.d0.profile", "no device of the rig speaks as solaredge/meter"),
    ],
)
def test_who_cannot_be_played_is_told_with_its_key(bus, profile, key, why):
    (absent,) = assign_devices(_site(bus, {"profile": profile})).absent

    assert (key, True) == (absent.key, why in absent.why)
    assert absent.step


def test_two_of_one_unit_on_a_bus_are_one_too_many():
    found = assign_devices(_site(LAN, {"profile": "eastron/sdm630"}, {"profile": "carlo-gavazzi/em24"}))

    assert (["d0"], ["devices.d1.unit"]) == (list(found.played), [one.key for one in found.absent])


def test_a_line_that_has_one_meter_has_no_second():
    found = assign_devices(_site({"kind": "tic"}, *[{"profile": "enedis/linky_standard"}] * 2))

    assert ["devices.d1.bus"] == [one.key for one in found.absent]


def test_a_victron_gx_is_one_device_with_the_units_of_all_its_parts():
    site = _site(
        LAN,
        {"profile": "victron/gx", "unit": 246},
        {"profile": "victron/gx", "unit": 31},
        bat1={"role": "battery", "device": "d0", "part": "battery"},
        grid={"role": "grid", "device": "d1", "part": "meter"},
    )
    found = assign_devices(site)

    assert found.played["d0"].body is found.played["d1"].body
    assert {100, 246, 31, 32} == found.played["d0"].body.units.keys()
    assert ["battery."] == [prefix for prefix, _, _ in found.played["d0"].shown]
