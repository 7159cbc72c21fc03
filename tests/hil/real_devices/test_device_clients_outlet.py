"""Outlets over HTTP: switched, read back, and everything that is no answer told with its host."""

import http.server
import threading

import pytest

from quartier_drivers import errors
from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.bench_survey import rest_relays, survey_bench
from quartier_hil.real_devices.device_clients import BenchLines, HttpOutlets, NoAnswerError
from quartier_hil.real_devices.relay_control import Relays, SwitchError

STRIP = """
title = "A plug over HTTP"
[boards.plug]
kind = "shelly"
host = "127.0.0.1"
port = {port}
relays_count = 2
[devices.charger]
host = "127.0.0.1"
port = 1
profile = "keba/p30"
power = {{ board = "plug", relay = {relay}, contact = "no", rest = "cut" }}
"""


@pytest.fixture
def plug(tmp_path, modbus_serial, free_port, start):
    start(*modbus_serial, "outlets", str(free_port), str(tmp_path))

    def bench(relay=1):
        path = tmp_path / "bench.toml"
        path.write_text(STRIP.format(port=free_port, relay=relay))
        return bench_file.load_bench(path)

    return bench


@pytest.mark.peer
async def test_an_outlet_is_switched_read_back_and_at_its_rest_in_the_end(plug, tmp_path):
    relays = Relays(plug(), BenchLines({}), ["charger"], lambda _: None)
    await relays.begin()
    assert {("charger", "power"): "connected"} == relays.states

    assert [] == await relays.rest()
    assert ["outlet0 true", "outlet0 false"] == (tmp_path / "switched").read_text().splitlines()


@pytest.mark.peer
async def test_an_outlet_that_does_not_obey_is_told(plug):
    relays = Relays(plug(relay=2), BenchLines({}), ["charger"], lambda _: None)

    with pytest.raises(
        SwitchError, match=r"charger power \(coil 1 at http://127.0.0.1:\d+\) is not connected"
    ):
        await relays.begin()


@pytest.mark.peer
async def test_a_walk_names_the_plug_and_shows_its_outlet_and_rest_puts_it_there(plug, free_port):
    bench = plug()
    rows = {row.key: row for row in await survey_bench(bench)}
    assert "SNSW-002P16EU shellyplus2pm-a8032ab1c2d3 1.4.4" == rows["boards.plug"].says
    assert "cut, its rest" == rows["devices.charger.power"].says

    await HttpOutlets("127.0.0.1", free_port, 1.0).switch(0, on=True)
    assert (
        "its rest is cut"
        in {row.key: row for row in await survey_bench(bench)}["devices.charger.power"].wrong
    )
    assert "at rest: cut" == (await rest_relays(bench))[0].says


@pytest.mark.peer
async def test_an_outlet_that_is_not_there_is_told_with_the_answer(plug, free_port):
    plug()
    with pytest.raises(
        NoAnswerError, match=f"127.0.0.1:{free_port}: Switch.GetStatus is answered with HTTP 500"
    ):
        await HttpOutlets("127.0.0.1", free_port, 1.0).state(7)


@pytest.mark.parametrize(
    ("word", "status", "body"),
    [
        ("wants a password", 401, b""),
        ("is answered with HTTP 200", 200, b"<html>"),
        ("does not say whether it is on", 200, b'{"output": "maybe"}'),
    ],
)
async def test_what_is_no_outlet_is_no_answer(word, status, body):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(NoAnswerError, match=word):
            await HttpOutlets("127.0.0.1", server.server_port, 2.0).state(0)
        thread.join()


async def test_a_plug_that_is_gone_is_told_with_its_host(free_port):
    with pytest.raises(NoAnswerError, match=f"127.0.0.1:{free_port}"):
        await HttpOutlets("127.0.0.1", free_port, 1.0).identity()


def test_a_plug_is_on_port_80_in_the_network_and_on_no_adapter(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text('title = "x"\n[boards.plug]\nkind = "shelly"\nhost = "h"\n')
    assert "http://h:80" == bench_file.load_bench(path).boards["plug"].words

    path.write_text('title = "x"\n[boards.plug]\nkind = "shelly"\nadapter = "a"\n')
    with pytest.raises(errors.ConfigError, match="is in the network; expected host"):
        bench_file.load_bench(path)
