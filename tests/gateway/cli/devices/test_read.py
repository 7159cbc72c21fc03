"""``quartier read`` against a meter on a real wire, and against nothing."""

import asyncio
import json
import socket
import threading
from contextlib import contextmanager

import pytest

from quartier.cli import main
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp


@contextmanager
def serving(device):
    """Serve a device from a thread of its own; gives its URL."""
    ready, urls = threading.Event(), []

    async def serve():
        stop = asyncio.Event()
        urls.extend([asyncio.get_running_loop(), stop])
        async with await serve_tcp(device) as endpoint:
            urls.append(endpoint.url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield urls[2]
    finally:
        urls[0].call_soon_threadsafe(urls[1].set)
        thread.join()


@pytest.fixture
def meter():
    device = catalog.make_device("eastron/sdm630", unit=1)
    device.publish({"power_w": -1234.5, "voltage_l1_v": 231.5})
    with serving(device) as url:
        yield url, device


def test_a_device_is_read_once_and_shown_with_unit_raw_and_quality(meter, capsys):
    url, _ = meter
    assert 0 == main(["read", "eastron/sdm630", f"{url}?unit=1"])

    lines = capsys.readouterr().out.splitlines()
    assert ["point", "value", "unit", "raw", "quality"] == lines[0].split()
    (power,) = [line.split() for line in lines if line.startswith("power_w ")]
    assert ["power_w", "-1,234", "W"] == power[:3] or ["power_w", "-1,235", "W"] == power[:3]
    assert "good" == power[-1]


def test_the_same_as_json_keeps_the_exact_value(meter, capsys):
    url, _ = meter
    assert 0 == main(["read", "eastron/sdm630", f"{url}?unit=1", "--json"])

    rows = {row["point"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"point", "value", "unit", "raw", "quality"} == set(rows["power_w"])
    assert (-1234.5, "W", "GOOD") == tuple(rows["power_w"][key] for key in ("value", "unit", "quality"))


def test_identity_is_only_what_the_device_states(meter, capsys):
    url, _ = meter
    assert 0 == main(["read", "eastron/sdm630", f"{url}?unit=1", "--json"])

    points = {row["point"] for row in json.loads(capsys.readouterr().out)}
    assert {"identity.serial"} == {name for name in points if name.startswith("identity.")}


def test_a_device_that_is_not_the_profiles_is_named_and_no_value_of_it_is_good(capsys):
    """A GX holds other things at the addresses of a meter."""
    with serving(catalog.make_device("victron/gx")) as url:
        assert 1 == main(["read", "eastron/sdm630", f"{url}?unit=227"])
    said = capsys.readouterr()

    assert "does not look like eastron/sdm630: frequency (input:70) is 0, expected 45..65" in said.err
    assert "quartier scan modbus" in said.err
    assert " good" not in said.out
    assert "Eastron" not in said.out


def test_a_number_beyond_the_marks_of_the_profile_makes_every_value_doubtful(meter, capsys):
    url, device = meter
    device.publish({"voltage_l1_v": 1.5e-33})
    assert 1 == main(["read", "eastron/sdm630", f"{url}?unit=1", "--json"])
    said = capsys.readouterr()

    rows = {row["point"]: row["quality"] for row in json.loads(said.out)}
    assert "DOUBTFUL" == rows["voltage_l1_v"] == rows["power_w"]
    assert "voltage (input:0) is 1.5e-33, expected 80..300" in said.err


def test_help_names_the_exit_code_of_a_device_that_is_another(capsys):
    with pytest.raises(SystemExit):
        main(["read", "--help"])
    assert (
        "1 no answer, nothing to read, or the device does not look like the profile"
        in capsys.readouterr().out
    )


def test_nothing_at_that_port_is_exit_1_and_names_host_and_port(capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert 1 == main(["read", "eastron/sdm630", f"tcp://127.0.0.1:{port}"])

    said = capsys.readouterr()
    assert f"127.0.0.1:{port}" in said.err.partition(": ")[2], "beside the URL that was given"
    assert "" == said.out


def test_a_silent_unit_is_exit_1(meter, capsys):
    url, device = meter
    device.fault("silent")
    assert 1 == main(["read", "eastron/sdm630", f"{url}?unit=1&timeout_s=0.05&retries_count=0"])
    assert "unit 1" in capsys.readouterr().err


def test_a_serial_port_that_is_not_there_is_named(tmp_path, capsys):
    assert 1 == main(["read", "eastron/sdm630", f"rtu://{tmp_path}/ttyUSB9?baud=9600"])
    assert f"{tmp_path}/ttyUSB9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("profile", "url", "words"),
    [
        ("eastron/sdm63", "tcp://127.0.0.1", "eastron/sdm630"),
        ("eastron/sdm630", "127.0.0.1:502", "tcp://127.0.0.1:502"),
        ("eastron/sdm630", "tcp://127.0.0.1?unit=300", "0..255"),
    ],
)
def test_what_is_wrong_with_profile_or_url_is_said_with_what_was_expected(profile, url, words, capsys):
    assert 78 == main(["read", profile, url])
    assert words in capsys.readouterr().err
