"""The seven ways to fail, on every kind of device, on every wire and on every smart meter: refused, or felt by a client."""

import asyncio
import contextlib
import datetime as dt
import itertools
import os
import re
import struct

import pytest
import serial

from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.smart_meters import SmartMeters
from quartier_hil.scenario import fault_rules
from quartier_hil.scenario.site import SiteSpec
from quartier_sim.modbus import framing

VERBS = {
    "off": {},
    "stuck": {},
    "garbage": {},
    "wrong": {"factor": 10.0},
    "slow": {"seconds": 0.1},  # real ones, more than anybody here waits
    "delayed": {"seconds": 10.0},
    "intermittent": {"seconds": 10.0},
}
KINDS = ("cars", "lights", "heat", "boiler", "cooling", "substation", "chp", "waste", "ventilation", "load")
EXTRA = {"cars": {"count": 1, "arrive_from_s": 0, "arrive_to_s": 1}}
GX = SiteSpec.model_validate(
    {
        "contact_import_w": 4_200,
        "meters": ["tic", "p1", "mbus"],
        "boards": [{"name": "park", "fuse_a": 63, "metered": True}],
        "assets": [
            {"kind": kind, "name": kind, **({"rated_w": 3_000} if kind != "cars" else EXTRA[kind])}
            for kind in KINDS
        ],
    }
)
SUNSPEC = SiteSpec(battery="sunspec-7xx", pv="sunspec-1xx")
REFUSED = {
    ("relays", "stuck"): "it measures nothing",
    ("relays", "wrong"): "it measures nothing",
    ("relays", "delayed"): "it measures nothing",
    ("inputs", "wrong"): "it measures no power; name the points",
    ("tic", "slow"): "it speaks by itself, nobody waits for an answer",
    ("p1", "slow"): "it speaks by itself, nobody waits for an answer",
    **{
        (name, "wrong"): "what is changed on a wire fails its check"
        for house in (GX, SUNSPEC)
        for name in fault_rules.list_wires(house)
    },
}
# What a client asks each device for: unit and request.
POWER_PLC, POWER_P30, POWER_EM24 = (1, "04 0000 0002"), (255, "03 03FC 0002"), (1, "04 0028 0002")
ASKED = {
    "meter": (1, "04 0034 0002"),
    "heatmeter": (2, "04 0028 0002"),
    "relays": (3, "01 0000 0008"),
    "inputs": (4, "02 0000 0008"),
    "gx": (100, "03 034A 0001"),
    "charger": POWER_P30,
    "park_meter": POWER_EM24,
    "cars01_box": POWER_P30,
    **{f"{kind}_box": POWER_PLC for kind in KINDS if kind != "cars"},
}
SILENCE_S = 0.02


def _cases(house):
    return [(target, verb) for target in fault_rules.list_fault_targets(house) for verb in VERBS]


@pytest.mark.parametrize(("target", "verb"), sorted({*_cases(GX), *_cases(SUNSPEC)}))
def test_each_verb_is_accepted_for_each_device_wire_and_meter_or_refused_with_its_reason(target, verb):
    house = GX if target in fault_rules.list_fault_targets(GX) else SUNSPEC
    why = fault_rules.explain_refusal(house, target, verb, VERBS[verb])

    assert REFUSED.get((target, verb), "") in why
    assert bool(why) == ((target, verb) in REFUSED)


def test_what_a_verb_needs_is_asked_for():
    assert "seconds: is missing: how long, for slow" == fault_rules.explain_refusal(GX, "gx", "slow", {})
    assert "factor: is missing: what is multiplied by it, for wrong" == fault_rules.explain_refusal(
        GX, "gx", "wrong", {}
    )
    assert "device: storage is not in this house" == fault_rules.explain_refusal(GX, "storage", "off", {})
    assert "" == fault_rules.explain_refusal(GX, "inputs", "wrong", {"factor": 0.0, "points": "in1.input_on"})


@pytest.mark.parametrize(
    ("kind", "told"), [("clamps", {"factor": -1.0}), ("swapped", {}), ("coarse", {"value": 9.0})]
)
def test_meters_alone_have_current_transformers_and_a_building(kind, told):
    able = {
        target
        for target in fault_rules.list_fault_targets(GX)
        if not fault_rules.explain_refusal(GX, target, kind, told)
    }

    assert {"meter", "heatmeter", "park_meter", "tic", "p1", "mbus"} == able


def test_meters_alone_stand_at_a_given_power():
    able = {
        target
        for target in fault_rules.list_fault_targets(GX)
        if not fault_rules.explain_refusal(GX, target, "stuck", {"value": 500.0})
    }

    assert {"meter", "heatmeter", "park_meter", "tic", "p1", "mbus"} == able


def test_what_takes_no_orders_bends_none():
    bent = {
        target: fault_rules.explain_refusal(GX, target, "bent", {"factor": -1.0})
        for target in fault_rules.list_devices(GX)
    }

    assert {"meter", "heatmeter", "inputs", "park_meter"} == {target for target, why in bent.items() if why}


# -- felt by a client of the device ------------------------------------------------------------


class Client:
    """Asks one device over its own socket or terminal; None for no answer, or no connection."""

    def __init__(self, wiring, pty, device):
        self.wiring, self.pty, self.device = wiring, pty, device
        self.unit, self.pdu = _asked(wiring, device)

    async def ask(self):
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(SILENCE_S):
                return await (self._on_line() if self.device in fault_rules.LINE_DEVICES else self._on_tcp())
        return None

    async def sound(self):
        """Ask until somebody answers: a device that comes back needs a moment to listen."""
        async with asyncio.timeout(60):
            while (answer := await self.ask()) is None:
                pass
        return answer

    async def _on_tcp(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.wiring.ports[self.device])
        try:
            writer.write(framing.build_tcp_frame(7, self.unit, self.pdu))
            header = await reader.readexactly(framing.HEADER_BYTES)
            return header + await reader.readexactly(struct.unpack(">H", header[4:6])[0] - 1)
        finally:
            writer.close()

    async def _on_line(self):
        port = os.open(self.pty, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        heard = b""
        try:
            with contextlib.suppress(BlockingIOError):
                os.read(port, 256)
            os.write(port, framing.build_rtu_frame(self.unit, self.pdu))
            while len(heard) < 5 or len(heard) < 5 + heard[2]:
                await asyncio.sleep(0.001)
                with contextlib.suppress(BlockingIOError):
                    heard += os.read(port, 256)
            return heard[: 5 + heard[2]]
        finally:
            os.close(port)


def _asked(wiring, device):
    if device in ASKED:
        unit, text = ASKED[device]
        return unit, bytes.fromhex(text)
    image = wiring.devices[device].image
    cell = image.cells["802.W" if device == "storage" else "103.W"]
    return 1, struct.pack(">BHH", 3, cell.address, cell.end - cell.address)


POWERED = ("grid", "bat1", "pv1", "ev1", "hp1", "park", "cars01", *KINDS)


def _shown(power_w):
    """The plant with this power everywhere, each of its own sign; the contact follows it."""
    found = {f"{name}.power_w": power_w for name in POWERED}
    return {**found, "pv1.power_w": -power_w, "chp.power_w": -power_w, "ev1.plugged_on": 1.0}


@pytest.fixture(params=["gx", "sunspec"])
async def served(request, tmp_path):
    house = GX if request.param == "gx" else SUNSPEC
    wiring = DeviceWiring(1, house)
    await wiring.serve(tmp_path / "rs485")
    yield house, wiring, tmp_path / "rs485"
    await wiring.close()


def _publish(wiring, power_w, now_s):
    if "inputs" in wiring.devices:
        wiring.contact(closed=power_w > 100)
    wiring.publish(_shown(power_w), now_s)


async def _feels(wiring, client, target, verb):
    """What a client sees of a verb that is in force from second 0 on, with 100 W before."""
    right, now_s = await client.sound(), 0.0
    wiring.fault(target, verb, **VERBS[verb])
    _publish(wiring, 100.0, now_s)
    match verb:
        case "off" | "slow":
            assert await client.ask() is None
        case "stuck":
            _publish(wiring, 200.0, 1.0)
            assert right == await client.sound()
        case "garbage":
            assert right not in [await client.ask() for _ in range(3)]
        case "wrong":
            bent = await client.sound()
            wiring.clear(target)
            _publish(wiring, 1_000.0, 1.0)
            assert bent == await client.sound() != right
        case "delayed":
            _publish(wiring, 200.0, 1.0)
            assert right == await client.sound()
            _publish(wiring, 200.0, 11.0)
            assert right != await client.sound()
        case "intermittent":
            assert await client.ask() is None
            _publish(wiring, 100.0, 10.0)
            assert right == await client.sound()
    return right


async def test_every_accepted_verb_is_felt_by_a_client_and_gone_when_the_device_is_well(served):
    house, wiring, pty = served
    felt = []
    for target in [*fault_rules.list_devices(house), *fault_rules.list_wires(house)]:
        device = fault_rules.list_target_devices(house, target)[0]
        client = Client(wiring, pty, device)
        for verb, told in VERBS.items():
            if fault_rules.explain_refusal(house, target, verb, told):
                continue
            for one in wiring.devices.values():  # each verb begins at second 0
                one.now_s = 0.0
            _publish(wiring, 100.0, 0.0)
            right = await _feels(wiring, client, target, verb)
            wiring.clear(target)
            _publish(wiring, 100.0, 30.0)
            assert right == await client.sound(), (target, verb)
            felt.append((target, verb))

    wanted = [case for case in _cases(house) if case not in REFUSED and case[0] not in house.meters]
    assert sorted(wanted) == sorted(felt)


async def test_a_device_forgets_what_it_was_told_without_power_and_not_without_its_wire(served):
    _, wiring, _ = served
    relays = wiring.devices["relays"]
    for target, expected in (("rs485", 1.0), ("relays", 0.0)):
        relays.units[3].answer(bytes.fromhex("05 0000 FF00"))
        wiring.fault(target, "off")
        wiring.clear(target)

        assert expected == relays.orders()["relay1.relay_on"]


# -- felt by who listens to a smart meter ------------------------------------------------------

POWER = {"tic": rb"SINSTS\t(\d+)\t", "p1": rb"1-0:1\.7\.0\((\d+\.\d+)\*kW\)"}
SCALE = {"tic": 1.0, "p1": 1_000.0}
BAUDS = {"tic": 9_600, "p1": 115_200, "mbus": 2_400}
# Twice the same frame count bit would be answered with the same telegram (EN 13757-2, 5.5.2).
MBUS_REQUESTS = bytes.fromhex("10 5B 07 62 16"), bytes.fromhex("10 7B 07 82 16")


class Listener:
    """Hears a smart meter on its terminal."""

    def __init__(self, metering, name):
        self.name = name
        self.requests = itertools.cycle(MBUS_REQUESTS)
        self.port = serial.Serial(str(metering.ports[name].path), BAUDS[name], timeout=0)

    def close(self):
        self.port.close()

    async def hear(self, for_s=SILENCE_S):
        """What comes within a while; the M-Bus slave is asked first."""
        self.port.reset_input_buffer()
        if self.name == "mbus":
            self.port.write(next(self.requests))
        heard = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    await asyncio.sleep(0.002)
                    heard += self.port.read(65_536)
        return heard

    async def power(self):
        """The power in the newest whole telegram, W; None where there is none."""
        heard = await self.hear(0.08)
        if self.name == "mbus":
            return _record(heard)
        found = re.findall(POWER[self.name], heard)
        return float(found[-1]) * SCALE[self.name] if found else None


def _record(frame):
    """The power of our M-Bus slave: the record with VIF 2B, W, of 32 bits."""
    place = frame.find(b"\x04\x2b")
    return float(struct.unpack("<i", frame[place + 2 : place + 6])[0]) if place >= 0 else None


@pytest.fixture(params=["tic", "p1", "mbus"])
async def heard(request, tmp_path):
    metering = SmartMeters((request.param,), tmp_path, contract_w=12_000, rate=50, seed=1)
    await metering.serve()
    listener = Listener(metering, request.param)
    yield metering, listener
    listener.close()
    await metering.close()


def _tell(metering, power_w, now_s):
    moment = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC) + dt.timedelta(seconds=now_s)
    metering.publish({"grid.power_w": power_w, "base.power_w": power_w}, moment)


async def test_every_accepted_verb_is_heard_on_the_line_of_a_smart_meter(heard):
    metering, listener = heard
    name = listener.name
    for verb, told in VERBS.items():
        if (name, verb) in REFUSED:
            continue
        _tell(metering, 1_000.0, 0.0)
        right = await _sound(listener)
        metering.fault(name, verb, **told)
        _tell(metering, 1_000.0, 0.0)
        match verb:
            case "off" | "slow":
                await _silent(listener)
            case "stuck":
                _tell(metering, 2_000.0, 1.0)
                assert right == await _sound(listener)
            case "garbage":
                await _garbled(listener)
            case "wrong":
                assert pytest.approx(10 * right, abs=15) == await _sound(listener)
            case "delayed":
                _tell(metering, 2_000.0, 1.0)
                assert right == await _sound(listener)
                _tell(metering, 2_000.0, 11.0)
                assert right < await _sound(listener)
            case "intermittent":
                await _silent(listener)
                _tell(metering, 1_000.0, 10.0)
                assert right == await _sound(listener)
        metering.clear(name)
        _tell(metering, 1_000.0, 30.0)
        assert right == await _sound(listener), verb


async def _garbled(listener):
    """The power can no longer be read: nobody here asks the check of a telegram whether it came whole."""
    async with asyncio.timeout(60):
        while await listener.power() is not None:
            pass


async def _silent(listener):
    """What is being said goes out, and then nothing more."""
    async with asyncio.timeout(60):
        while await listener.hear():
            pass


async def _sound(listener):
    """The power that is told next; what is under way is let go by."""
    async with asyncio.timeout(60):
        await listener.hear(0.03)
        while (power := await listener.power()) is None:
            pass
    return power
