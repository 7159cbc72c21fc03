import os
import subprocess
import sys
from pathlib import Path

import pytest

from quartier.runtime import process_size

ROOT = Path(__file__).parents[3]


def ran(code):
    """What a process of its own prints."""
    sources = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))
    env = {**os.environ, "PYTHONPATH": sources}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True, text=True)
    return done.stdout.split()


def test_what_is_left_out_is_missing_inside_and_can_be_imported_afterwards():
    before = sys.modules.pop("this", None)
    with process_size.hide_modules("this", "sys"):
        import sys as there  # noqa: PLC0415 - what is imported here is the test

        with pytest.raises(ImportError):
            import this  # noqa: F401, PLC0415 - as above
    assert there is sys
    assert "this" not in sys.modules
    if before is not None:
        sys.modules["this"] = before


def test_what_was_left_out_is_left_alone_after_a_failure_too():
    with pytest.raises(KeyError), process_size.hide_modules("no_such_module"):
        raise KeyError
    assert "no_such_module" not in sys.modules


def test_a_daemon_brings_no_lexers_and_no_tls_of_its_own():
    code = "import quartier.cli.gateway.run, quartier.daemon.lifecycle, sys; print(*sys.modules)"

    assert not {"rich", "pygments", "ssl", "_ssl"} & set(ran(code))


def test_a_daemon_that_has_nothing_to_record_brings_nothing_to_write_it_with():
    code = "import quartier.cli.gateway.run, quartier.daemon.lifecycle, sys; print(*sys.modules)"

    assert not [name for name in ran(code) if name.startswith("quartier.commissioning.wire_record.")]


def test_a_site_that_shares_nothing_does_not_bring_what_that_needs():
    code = "import quartier.cli.gateway.run, quartier.daemon.lifecycle, quartier_drivers.modbus.factory, sys; print(*sys.modules)"

    rooms = {
        name.rpartition(".")[2] for name in ran(code) if name.startswith("quartier_drivers.modbus.sharing.")
    }
    assert {"register_spans"} == rooms, "what the site file is checked with"


def test_what_was_put_off_is_loaded_when_it_is_used():
    code = """
from quartier.runtime import daemon_setup, process_size
import sys, csv, urllib.request
print("http.client" in sys.modules, csv.QUOTE_ALL, urllib.request.Request("http://x/").host)
import csv as again
print("http.client" in sys.modules, again.reader(["a,b"]).__next__()[1], hasattr(again, "__path__"))
"""
    assert ["False", "1", "x", "True", "b", "False"] == ran(code)


def test_what_is_imported_by_name_is_put_off_until_it_is_called():
    code = """
from quartier.runtime import daemon_setup, process_size
import sys, pydantic
from importlib.metadata import entry_points, version
print("email" in sys.modules)
"""
    assert ["True"] == ran(code), "a name that is not put off loads the module"
    code = """
from quartier.runtime import daemon_setup, process_size
import sys, pydantic
from importlib.metadata import entry_points
print("email" in sys.modules)
print(len(entry_points(group="no such group")), "email" in sys.modules)
"""
    assert ["False", "0", "True"] == ran(code)


def test_a_daemon_has_no_messages_of_protobuf_in_python():
    code = "import quartier.cli.gateway.run, quartier.daemon.lifecycle, sys; print(*sys.modules)"

    assert not {"google.protobuf.text_format", "email.message"} & set(ran(code))


def test_digests_and_time_zones_are_as_ever():
    code = """
from quartier.runtime import daemon_setup, process_size
import hashlib, hmac, zoneinfo
print(hashlib.sha256(b"x").hexdigest()[:4], hmac.new(b"k", b"x", "sha256").hexdigest()[:4])
print(zoneinfo.ZoneInfo("UTC"), len(zoneinfo.TZPATH) > 0)
"""
    assert ["2d71", "c38e", "UTC", "True"] == ran(code)


def test_tls_can_still_be_had_after_it_was_left_out():
    code = """
from quartier.runtime import daemon_setup, process_size
with process_size.hide_modules("ssl"):
    import quartier.district.uplink
from quartier.district.connection.mqtt_types import BrokerCredentials
print(type(BrokerCredentials().context()).__name__)
"""
    assert ["SSLContext"] == ran(code)


def test_a_link_without_tls_takes_a_message_that_comes_in_pieces():
    code = """
from quartier.runtime import daemon_setup, process_size
import asyncio
with process_size.hide_modules("ssl"):
    from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer, ConnectionProfile

async def serve(reader, writer):
    await reader.readexactly(2)
    for piece in (b"\\x20\\3\\0\\0\\0", b"\\x30", b"\\5\\0\\1a", b"\\0x"):
        writer.write(piece)
        await asyncio.sleep(0.05)

async def main():
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    profile = ConnectionProfile(client_id="x", clean_start=True, session_expiry_s=0)
    address = BrokerServer("127.0.0.1", server.sockets[0].getsockname()[1], False)
    connection = MqttConnection(address, BrokerCredentials(), profile)
    await connection.open()
    print((await connection.receive()).payload.decode(), len(faults))
    connection.drop("done")

asyncio.run(main())
"""
    assert ["x", "0"] == ran(code)


def test_memory_settings_change_nothing_that_a_program_sees():
    code = """
from quartier.runtime import daemon_setup, process_size
daemon_setup.set_malloc_limits()
held = [bytes(200_000) for _ in range(50)]
del held
daemon_setup.return_free_memory()
print("well")
"""
    assert ["well"] == ran(code)
