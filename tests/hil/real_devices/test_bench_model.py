"""What the keys of a bench file mean."""

import pytest

from quartier_hil.real_devices.bench_model import Adapter, Bench, DevicePlace, MeasuredQuantity, Relay


@pytest.mark.parametrize(
    ("expected", "contact", "connected"),
    [(True, "no", True), (False, "no", False), (False, "nc", True), (True, "nc", False)],
)
def test_a_coil_pulls_in_to_close_no_and_to_open_nc(expected, contact, connected):
    relay = Relay(board="power", relay=1, contact=contact, rest="cut")

    assert expected == relay.coil(connected=connected)


def test_a_place_tells_where_it_is():
    assert "adapter a, unit 7" == DevicePlace(adapter="a", unit=7).words
    assert "10.0.0.4:502, unit 1" == DevicePlace(host="10.0.0.4").words


def test_a_quantity_is_read_by_a_meter_or_from_the_device_itself():
    assert None is MeasuredQuantity(meter="clamp").own()
    own = MeasuredQuantity(register="holding:1020", type="uint32", scale=0.001).own()
    assert (1020, 0.001) == (own.address, own.scale)


def test_every_relay_is_listed_with_what_it_cuts():
    relay = {"board": "power", "contact": "no", "rest": "cut"}
    bench = Bench(
        title="x",
        boards={"power": {"host": "h"}},
        devices={
            "charger": {
                "host": "h",
                "profile": "keba/p30",
                "cable": {**relay, "relay": 2},
                "power": {**relay, "relay": 1},
            }
        },
    )

    assert [("charger", "power", 1), ("charger", "cable", 2)] == [
        (name, wire, one.relay) for name, wire, one in bench.relays()
    ]
    assert ["boards.power", "devices.charger"] == [key for key, _ in bench.places()]


def test_an_adapter_is_8n1_at_9600_if_nothing_is_said():
    adapter = Adapter(port="/dev/serial/by-id/x")

    assert (9600, "N", 1) == (adapter.baud, adapter.parity, adapter.stop_bits)
