from pathlib import Path

from quartier_sim.building import bus_wires, device_roles
from quartier_sim.building.bus_wires import DeviceAddress
from quartier_sim.building.device_assignment import UnsimulatedDevice

ROW = DeviceAddress(
    bus="lan",
    protocol="Modbus TCP",
    address="127.0.0.1:15020",
    device="meter",
    unit=3,
    profile="eastron/sdm630",
    plays="Eastron SDM630, meter",
    serves=("grid",),
)
ABSENT = UnsimulatedDevice("pac", "devices.pac.profile", "no device of the rig speaks so", "take another")


def test_a_table_tells_where_each_device_is_and_whom_nobody_plays():
    head, row, *_, absent = bus_wires.format_table([ROW], [ABSENT]).splitlines()

    assert ["BUS", "PROTOCOL", "ADDRESS", "UNIT", "DEVICE", "PROFILE", "SHOWS"] == head.split()
    assert ["lan", "Modbus", "TCP", "127.0.0.1:15020", "3", "meter", "eastron/sdm630", "grid"] == row.split()
    assert "devices.pac.profile: no device of the rig speaks so; next: take another" == absent.strip()


def test_machines_get_the_same_and_the_places():
    told = bus_wires.build_json_table([ROW], [ABSENT], Path("/d"))

    assert ("127.0.0.1:15020", "devices.pac.profile") == (
        told["served"][0]["address"],
        told["not_served"][0]["key"],
    )
    assert ("/d/site.toml", "/d/control") == (told["site"], told["control"])


def test_every_profile_has_a_line():
    assert len(device_roles.list_profiles()) == len(bus_wires.format_profiles().splitlines())
