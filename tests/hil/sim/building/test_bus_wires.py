"""Where a site's buses are served, and where its copy leads: to the rig, or to nobody."""

import os
import socket
import tomllib

import pytest
from tests.hil.sim.building.conftest import SHOP

from quartier.config.loading import check_site_file
from quartier_sim.building.building_server import SITE_COPY_FILE
from quartier_sim.building.bus_wires import UNUSED_PORT, BusNotServed

REAL = """
[buses.chiller_net]
kind = "modbus-tcp"
host = "192.168.1.99"

[devices.chiller]
bus = "chiller_net"
profile = "solaredge/meter"

[assets.chiller]
role = "load"
device = "chiller"
rated_w = 5000

[district_link]
url = "mqtts://broker.example:8883"
primary_host = "host"
"""


async def test_the_copy_leads_to_the_rig_and_passes_the_gateways_own_check(serve):
    building = await serve()
    copy = tomllib.loads((building.folder / SITE_COPY_FILE).read_text())

    assert str(building.folder / "rs485") == copy["buses"]["rs485"]["port"]
    assert ("127.0.0.1", building.port("lan")) == (copy["buses"]["lan"]["host"], copy["buses"]["lan"]["port"])
    assert "shop" == check_site_file(building.folder / SITE_COPY_FILE).site.site.id


async def test_what_nobody_plays_is_silent_and_never_the_real_one_and_no_district_hears_of_it(serve):
    building = await serve(SHOP + REAL)
    copy = tomllib.loads((building.folder / SITE_COPY_FILE).read_text())

    assert {"kind": "modbus-tcp", "host": "127.0.0.1", "port": UNUSED_PORT} == copy["buses"]["chiller_net"]
    assert "district_link" not in copy
    assert copy["site"]["simulated"] is True
    assert "chiller_net" not in {row.bus for row in building.served.wires.rows}


def _find_free_pair():
    """Two ports in a row below those that the kernel gives to connections, so that none takes the second."""
    begin = 10_000 + 20 * (os.getpid() % 1_000)
    for port in range(begin, 32_000, 2):
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue
    raise AssertionError("no two free ports in a row")


async def test_ports_are_counted_from_the_base_in_the_order_of_the_file(serve):
    base = _find_free_pair()
    building = await serve(SHOP.replace("192.168.1.30", "10.0.0.3"), port_base=base)

    assert base == building.port("lan")
    assert base + 1 == building.port("charger_net")


async def test_a_bus_on_this_machine_keeps_its_port(serve, unused_tcp_port):
    here = SHOP.replace('host = "192.168.1.20"', f'host = "127.0.0.1"\nport = {unused_tcp_port}')
    building = await serve(
        here.replace('host = "192.168.1.30"', 'host = "127.0.0.1"\nport = 0'), port_base=None
    )

    assert unused_tcp_port == building.port("lan")


async def test_a_port_that_is_taken_is_told_with_its_bus_and_what_to_do(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        here = SHOP.replace('host = "192.168.1.20"', f'host = "127.0.0.1"\nport = {port}')
        with pytest.raises(BusNotServed, match=r"buses\.lan: .*in use.*--port-base N takes other ports"):
            await serve(here, port_base=None)
