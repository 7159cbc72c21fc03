"""Two lives of the daemon before real brokers, as scripts: what is done to it, and what is waited for."""

import contextlib
import itertools
import json
import signal
import subprocess
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from tests.gateway.conftest import Mosquitto
from tests.gateway.daemon.conftest import SITE, Gateway, simulated
from tests.gateway.district.checklist.recorder import Relay

from quartier_sim.modbus.endpoints import serve_tcp

PEERS = Path(__file__).parents[3] / "peers"
RATE = 10.0
NBIRTH, NDATA, NDEATH = (f"spBv1.0/issy/{kind}/b012".encode() for kind in ("NBIRTH", "NDATA", "NDEATH"))
DBIRTHS, DDATA = (
    [f"spBv1.0/issy/{kind}/b012/{asset}".encode() for asset in ("grid", "bat1", "boiler")]
    for kind in ("DBIRTH", "DDATA")
)
DDEATH = b"spBv1.0/issy/DDEATH/b012/boiler"
SUBSCRIBED = b"spBv1.0/STATE/opt"
STORM = 40
BORN_MS = 1_764_000_000_000  # when the host was born
USE_ANOTHER_SERVER = bytes([0xE0, 0x02, 0x9C, 0x00])  # MQTT 5.0, 3.14; the judge reads it back
SERVER_MOVED = bytes([0xE0, 0x02, 0x9D, 0x00])


class Node(Gateway):
    """The daemon, on a clock whose word stands in a file."""

    def __init__(self, folder, site):
        super().__init__(folder, site, RATE, time.time())
        self.word = folder / "clock"
        self.word.write_text("yes")

    @property
    def environment(self):
        found = super().environment
        return found | {"QUARTIER_CLOCK": f"{found['QUARTIER_CLOCK']},word={self.word}"}


class Host:
    """A Sparkplug host: hears everything, says STATE and what npm's sparkplug-payload encoded."""

    def __init__(self, port):
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="host", protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", 1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def state(self, online, timestamp, host="opt"):
        said = json.dumps({"online": online, "timestamp": timestamp})
        self.client.publish(f"spBv1.0/STATE/{host}", said, 1, retain=True)

    def ask(self, payload, topic="spBv1.0/issy/NCMD/b012"):
        self.client.publish(topic, payload)

    def leave(self):
        left(self.client)


def left(client):
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()  # paho leaves its inner pair to the garbage collector


def _called(name):
    return {"alias": name} if isinstance(name, int) else {"name": name}


def commands():
    """Commands by name, as npm's sparkplug-payload writes them."""
    stamp = time.time_ns() // 1_000_000
    metrics = {
        "rebirth": ("Node Control/Rebirth", "Boolean", True),
        "next": ("Node Control/Next Server", "Boolean", True),
        "rate 0": ("Node Control/Scan Rate", "Int64", 0),
        "rate 1": ("Node Control/Scan Rate", "Int64", 1),
        "setpoint": ("setpoint_w", "Double", -5000.0),
        "rate 1 by alias": (1 << 32, "Int64", 1),
    }
    questions = [
        {"timestamp": stamp, "metrics": [{**_called(name), "type": kind, "value": value, "timestamp": stamp}]}
        for name, kind, value in metrics.values()
    ]
    run = subprocess.run(
        ["node", str(PEERS / "sparkplug_payload.js")],
        input="".join(json.dumps({"encode": question}) + "\n" for question in questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [bytes.fromhex(json.loads(line)["hex"]) for line in run.stdout.splitlines()]
    return dict(zip(metrics, answers, strict=True))


class Street:
    """A small house with its daemon, and ``servers`` brokers behind relays that a host is on."""

    def __init__(self, folder, tape, link, servers=1):
        self.folder, self.tape, self.link, self.servers = folder, tape, link, servers
        self.commands = commands()
        self.steps = itertools.count()

    async def __aenter__(self):
        self.stack = contextlib.AsyncExitStack()
        self.folder.mkdir()
        self.devices = simulated()
        board = [self.devices[name] for name in ("relays", "meter", "inputs")]
        gx = await self.stack.enter_async_context(await serve_tcp(self.devices["gx"]))
        lan = await self.stack.enter_async_context(await serve_tcp(board))
        self.relays, self.hosts = [], []
        for place in range(self.servers):
            await self._serve(self.folder / f"broker{place}", place)
        urls = [f'"mqtt://127.0.0.1:{relay.port}"' for relay in self.relays]
        link = f"url = {urls[0]}, further_urls = [{', '.join(urls[1:])}], watermark = false, {self.link}"
        site = SITE.format(gx=gx.port, board=lan.port) + f"district_link = {{ {link} }}\n"
        self.node = Node(self.folder, site)
        return self

    async def _serve(self, folder, place):
        folder.mkdir()
        broker = Mosquitto(folder, ["allow_anonymous true"])
        self.stack.callback(broker.kill)
        await broker.start()
        relay = await Relay(broker.port, self.tape, place).open()
        self.stack.push_async_callback(relay.leave)
        host = Host(relay.port)
        self.stack.callback(host.leave)
        self.relays.append(relay)
        self.hosts.append(host)

    async def __aexit__(self, *_):
        if self.node.process is not None and self.node.process.returncode is None:
            await self.node.stop(signal.SIGKILL)
        await self.stack.aclose()

    def stir(self):
        """What is measured changes."""
        step = next(self.steps)
        self.devices["gx"].publish(
            {"grid.power_w": 3000.0 + 200 * (step % 11), "battery.soc_pct": 60.0 + step % 7}
        )
        self.devices["meter"].publish({"power_w": 1500.0 + 100 * (step % 5)})

    async def subscribed(self, times):
        await self.tape.until(lambda: self.tape.count(SUBSCRIBED) >= times, f"subscription {times}")

    async def born(self, times, since=0):
        """All births of the node for the nth time."""

        def are_told():
            whole = (NBIRTH, *DBIRTHS)
            return all(self.tape.count(topic + b"\x00", since) >= times for topic in whole)

        await self.tape.until(are_told, f"birth {times}", self.stir)

    async def data(self):
        """Some more data of every asset."""
        before = {topic: self.tape.count(topic) for topic in DDATA}
        for topic, count in before.items():
            await self.tape.until(
                lambda topic=topic, count=count: self.tape.count(topic) >= count + 3, str(topic), self.stir
            )

    async def answered(self, send):
        """Send what the node has nothing to say to, and wait until it acknowledged that it came."""
        conn = self.tape.nodes[-1]
        before = self.tape.sent(conn)
        send()
        await self.tape.until(lambda: self.tape.sent(conn) > before, "an acknowledgement")

    async def rates(self, names, host=0):
        """Ask for another pace again and again, and wait for the answers: each is a message of the node."""
        before = self.tape.count(NDATA)
        for name in names:
            self.hosts[host].ask(self.commands[name])
        await self.tape.until(lambda: self.tape.count(NDATA) >= before + len(names), "told rates")


async def life(folder, tape):
    """One broker, a primary host: births, data, storms, losses, a planned leave, a kill, a takeover."""
    async with Street(folder, tape, 'primary_host = "opt"') as street:
        street.hosts[0].state(True, BORN_MS, host="other")
        await street.node.start()
        await _wait_for_the_host(street, tape)
        await _storms(street, tape)
        await _a_device_lost(street, tape)
        await _the_host_lost(street, tape)
        await _ends(street, tape)
        await _taken_over(street, tape)
        return street.node


async def _wait_for_the_host(street, tape):
    host = street.hosts[0]
    await street.subscribed(1)
    for online, stamp in ((False, BORN_MS), (True, BORN_MS - 1), (1, BORN_MS), (False, BORN_MS)):
        await street.answered(lambda online=online, stamp=stamp: host.state(online, stamp))
    tape.mark("online")
    host.state(True, BORN_MS)
    await street.born(1)
    await street.data()


async def _storms(street, tape):
    host = street.hosts[0]
    tape.mark("wrap")
    for _ in range(6):
        await street.rates(["rate 1", "rate 0"] * 25)
    tape.mark("storm")
    births = tape.count(NBIRTH)
    host.ask(street.commands["rebirth"])
    await street.born(births + 1)
    for _ in range(STORM):
        host.ask(street.commands["rebirth"])
    await street.born(births + 2)
    host.ask(street.commands["setpoint"], "spBv1.0/issy/DCMD/b012/bat1")
    await street.data()


async def _a_device_lost(street, tape):
    names = ("relays", "meter", "inputs")
    tape.mark("loss")
    for name in names:
        street.devices[name].fault("off")
    await tape.until(lambda: tape.count(DDEATH), "the death of a device", street.stir)
    tape.mark("return")
    for name in names:
        street.devices[name].clear()
    await tape.until(
        lambda: tape.count(DBIRTHS[2], tape.marks["return"]), "the birth of a device", street.stir
    )
    await street.data()


async def _the_host_lost(street, tape):
    node, host = street.node, street.hosts[0]
    tape.mark("stale")
    host.state(False, BORN_MS - 1)
    await street.rates(["rate 1", "rate 0"])
    tape.mark("offline")
    host.state(False, BORN_MS)
    await street.subscribed(2)
    backlog = (await node.ask())["store"]["backlog_count"]
    await _until(node, street, lambda s: s["store"]["backlog_count"] >= backlog + 20)
    tape.mark("online again")
    host.state(True, BORN_MS + 60_000)
    await street.born(1, tape.marks["online again"])
    await _until(node, street, lambda s: not s["district"]["catching_up"])
    await street.data()


async def _ends(street, tape):
    """A planned one, a kill, and a kill of who never reached a broker."""
    node, relay = street.node, street.relays[0]
    tape.mark("leave")
    assert 0 == await node.stop()
    await node.start()
    await street.born(1, tape.marks["leave"])
    await street.data()
    tape.mark("kill")
    await node.stop(signal.SIGKILL)
    await tape.until(lambda: tape.heard(0, NDEATH, tape.marks["kill"]), "the Will")

    tape.mark("shut")
    relay.shut()
    await node.start()
    await _until(node, street, lambda s: s["district"]["lost_connections_count"] >= 6)
    await node.stop(signal.SIGKILL)
    await relay.open()
    await node.start()
    await street.born(1, tape.marks["shut"])


async def _taken_over(street, tape):
    node, mine = street.node, tape.nodes[-1]
    tape.mark("takeover")
    intruder = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="issy.b012", protocol=mqtt.MQTTv5)
    intruder.connect("127.0.0.1", street.relays[0].port)
    intruder.loop_start()
    await tape.until(lambda: tape.ended(mine), "the end of who was there first")
    await tape.until(lambda: tape.told(NDEATH, tape.marks["takeover"]), "the Will of who was there first")
    left(intruder)
    await _until(node, street, lambda s: "taken over" in s["district"]["data_fault"])
    assert 0 == await node.stop()


async def walk(folder, tape):
    """Two brokers, a primary host, aliases, a clock that is not trusted at first: each way to the next server."""
    async with Street(folder, tape, 'primary_host = "opt", aliases = true', servers=2) as street:
        node, (first, second) = street.node, street.hosts
        node.word.write_text("no -3600")
        first.state(False, BORN_MS + 5)
        second.state(True, BORN_MS)
        await node.start()
        await street.born(1)
        tape.mark("trusted")
        node.word.write_text("yes")
        await street.born(2)
        await street.data()
        await street.rates(["rate 1 by alias", "rate 0"], host=1)
        tape.mark("rebirth")
        second.ask(street.commands["rebirth"])
        await street.born(3)
        await street.data()

        tape.mark("offline")
        first.state(True, BORN_MS + 6)
        second.state(False, BORN_MS)
        await street.born(1, tape.marks["offline"])
        tape.mark("another server")
        second.state(True, BORN_MS + 7)
        street.relays[0].inject(tape.nodes[-1], USE_ANOTHER_SERVER)
        await street.born(1, tape.marks["another server"])
        for place in (1, 0):  # there and back
            tape.mark(f"moved from {place}")
            street.relays[place].inject(tape.nodes[-1], SERVER_MOVED)
            await street.born(1, tape.marks[f"moved from {place}"])
        tape.mark("next server")
        second.ask(street.commands["next"])
        await street.born(1, tape.marks["next server"])
        await street.data()
        await _until(node, street, lambda s: s["district"]["control_on"])
        tape.mark("leave")
        assert 0 == await node.stop()
        return node


async def _until(node, street, condition):
    def holds(status):
        street.stir()
        return status["district"] is not None and condition(status)

    await node.until(holds)
