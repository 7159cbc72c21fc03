"""The office on a real broker; what the buildings say is made by hand, byte by byte."""

import asyncio
import contextlib
import json
import struct
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from quartier_district.fleet.fleet_process import FleetDistrict, FleetSettings
from quartier_district.optimiser.solver import find_plan
from quartier_district.signed_documents import SigningKey
from quartier_district.sparkplug import encode_bytes, encode_number
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_sim.site_clock import RigClock

WITHIN_REAL_S = 60.0
RATE = 10.0
BIRTH = (
    encode_number(1, 1)
    + encode_bytes(2, encode_bytes(1, b"bdSeq") + encode_number(4, 4) + encode_number(11, 7))
    + encode_number(3, 0)
)
CAR = {
    "device": "ev1", "role": "ev", "available": True, "present": True, "power_w": 0.0, "leaves_in_s": None,
    "power_ranges_w": [[0.0, 0.0], [4_140.0, 11_040.0]], "energy_up_wh": 30_000.0, "forecast_w": None,
}  # fmt: skip


def _power(watts, first, seq):
    metric = encode_bytes(
        2, encode_bytes(1, b"power_w") + encode_number(4, 10) + b"\x69" + struct.pack("<d", watts)
    )
    return (
        encode_number(1, 1)
        + metric
        + encode_number(3, seq)
        + encode_bytes(5, json.dumps({"boot": 1, "first": first}).encode())
    )


class Hands:
    """A client that speaks for buildings and hears what is said to them."""

    def __init__(self, port):
        self.heard = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda *_: self.client.subscribe(
            [("quartier/v1/issy/#", 1), ("spBv1.0/STATE/district", 1)]
        )
        self.client.on_message = lambda *found: loop.call_soon_threadsafe(self.heard.put_nowait, found[2])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    async def ready(self):
        """The office hears: it says so after it has subscribed."""
        while (await self.heard.get()).topic != "spBv1.0/STATE/district":
            pass

    def live(self, edge, watts):
        self.client.publish(f"spBv1.0/issy/NBIRTH/{edge}", BIRTH)
        self.client.publish(f"spBv1.0/issy/DDATA/{edge}/grid", _power(watts, 1, 1))

    def report(self, edge, devices):
        frame = {"method": "x", "start": 0, "step_s": 900, "grid_w": None}
        self.client.publish(
            f"quartier/v1/issy/{edge}/flexibility",
            json.dumps({"ts": 0, "forecast": frame, "devices": devices}),
            qos=1,
        )

    def ack(self, edge, seq):
        body = {
            "id": "",
            "seq": seq,
            "type": "envelope",
            "reception": "OK",
            "status": "ACCEPTED",
            "reason": "",
            "ts": 0,
        }
        self.client.publish(f"quartier/v1/issy/{edge}/ack", json.dumps(body), qos=1)

    async def next(self, tail, edge):
        while True:
            message = await self.heard.get()
            if message.topic == f"quartier/v1/issy/{edge}/{tail}":
                return message

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
        self.client._reset_sockets()  # paho leaves its inner pair to the garbage collector


@contextlib.asynccontextmanager
async def working(folder, roster, solve=find_plan):
    broker = BrokerProcess(folder, "iotcore")
    await broker.start()
    hands = Hands(broker.port)
    settings = FleetSettings(
        host="127.0.0.1", port=broker.port, roster=roster, key=SigningKey.fresh("k"), log=folder / "log.jsonl",
        clock=RigClock(time.time(), 0.0, RATE),
    )  # fmt: skip
    orders = asyncio.StreamReader()
    office = FleetDistrict(settings, solve)
    running = asyncio.create_task(office.run(orders))
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            await hands.ready()
            yield office, hands, orders
            orders.feed_data(b'{"do": "quit"}\n')
            await running
    finally:
        running.cancel()
        hands.close()
        await broker.stop()


@pytest.mark.peer
async def test_three_buildings_with_a_car_each_are_planned_and_told_caps_that_fit_the_transformer(
    tmp_path, roster
):
    edges = ("b001", "b002", "b003")
    async with working(tmp_path, roster()) as (office, hands, _):
        for edge in edges:
            hands.report(edge, [CAR])
            hands.live(edge, 1_000.0)
        caps = {}
        while office.allocator.last is None or len(caps) < 3 or sum(caps.values()) < 19_000.0:
            message = await hands.heard.get()
            if message.topic.startswith("spBv1.0/STATE/"):  # the office renews it
                continue
            edge, tail = (
                message.topic.split("/")[3],
                message.topic.split("/", 4)[4] if message.topic.count("/") > 3 else "",
            )
            if tail == "envelope/district":
                body = json.loads(message.payload)
                caps[edge] = body["intervals"][0]["import_max_w"]
                assert dict(message.properties.UserProperty)["sig"]
                hands.ack(edge, body["seq"])
        assert sum(caps.values()) <= 20_000.0
        assert {"live"} == {one["standing"] for one in office.figures["buildings"].values()}
        assert 3_000.0 == office.trace.last_w or len(office.trace.samples) == 1

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"relaxed_wh", "solve_s"} <= next(line for line in lines if line["kind"] == "plan").keys()
    assert "end" == lines[-1]["kind"]


@pytest.mark.peer
async def test_a_lost_answer_brings_the_same_bytes_again_and_a_birth_a_watermark(tmp_path, roster):
    async with working(tmp_path, roster(1)) as (_, hands, _orders):
        hands.live("b001", 1_000.0)
        mark = await hands.next("watermark", "b001")
        first = await hands.next("envelope/district", "b001")
        again = await hands.next("envelope/district", "b001")
        while again.payload != first.payload:
            first, again = again, await hands.next("envelope/district", "b001")

    assert 7 == json.loads(mark.payload)["bdseq"]
    assert first.properties.UserProperty == again.properties.UserProperty


@pytest.mark.peer
async def test_heartbeats_and_watermarks_stop_on_an_order(tmp_path, roster):
    async with working(tmp_path, roster(1)) as (office, hands, orders):
        while (await hands.heard.get()).topic != "quartier/v1/issy/heartbeat":
            pass
        orders.feed_data(b'{"do": "heartbeat", "on": false}\n{"do": "watermark", "on": false}\n')

    assert (False, False) == (office.heartbeat_on, office.watermark_on)
    assert "shares" == office.figures["source"]


@pytest.mark.peer
async def test_a_plan_that_comes_too_late_leaves_the_shares_and_says_why(tmp_path, roster):
    async with working(tmp_path, roster(1), solve=lambda asked, _: find_plan(asked, 0.0)) as (
        office,
        hands,
        _,
    ):
        hands.live("b001", 1_000.0)
        message = await hands.next("envelope/district", "b001")
        while office.allocator.failure is None:
            message = await hands.heard.get()
        assert ("shares", "time") == (
            office.allocator.source(office.settings.clock.utc_ms()),
            office.allocator.failure.why,
        )
        assert message is not None

    plans = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert "time" == next(line for line in plans if line["kind"] == "plan")["failed"]


@pytest.mark.peer
async def test_an_office_that_starts_again_knows_what_was_told_and_its_numbers_go_on(tmp_path, roster):
    async with working(tmp_path, roster(1)) as (office, hands, _):
        hands.live("b001", 1_000.0)
        first = json.loads((await hands.next("envelope/district", "b001")).payload)
    async with working(tmp_path, roster(1)) as (office, hands, _):
        assert first["seq"] in [
            letter.seq for letter in office.members[0].find_sent_documents("envelope/district").sent
        ]
        hands.live("b001", 1_000.0)
        later = json.loads((await hands.next("envelope/district", "b001")).payload)
        while later["seq"] <= first["seq"]:
            later = json.loads((await hands.next("envelope/district", "b001")).payload)
