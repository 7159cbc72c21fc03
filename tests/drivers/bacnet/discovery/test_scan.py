from types import SimpleNamespace

import pytest
from tests.drivers.bacnet.carried import Wire

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec.datagrams import NO_SEGMENTATION, IAm
from quartier_drivers.bacnet.discovery.scan import ScanTarget, find_contradictions, find_matches, scan_network
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import LinkLost
from quartier_sim.bacnet.building_controllers import RoomController

HERE = DevicePlace(("127.0.0.1", 47808))
THERE = DevicePlace(("127.0.0.1", 47809))


class Network:
    """A line without a socket; who is asked answers as often as he is heard."""

    def __init__(self, rooms, fault=None):
        self.wires = {place: Wire(room) for place, room in rooms.items()}
        self.fault = fault
        self.asked = []
        self.bus = SimpleNamespace(bbmd=None, timeout_s=1.0)
        self.closed = False
        self._listen = None

    async def open(self):
        if self.fault:
            raise self.fault

    async def close(self):
        self.closed = True

    async def library(self):
        return self

    def on_i_am(self, listen):
        self._listen = listen
        return lambda: None

    async def who_is(self, low, high, place=None):
        self.asked.append((low, high, place))
        for where, wire in self.wires.items():
            room = wire.station
            if place in (None, where):
                self._listen(IAm(room.instance, where, 1476, NO_SEGMENTATION, 999))

    async def distribution(self, bbmd, timeout_s):
        del timeout_s
        return {("10.2.0.1", 47808): [("10.2.0.1", 47808), ("10.3.0.1", 47809)]}.get(bbmd)

    async def exchange(self, place, request):
        return await self.wires[place].exchange(place, request)


async def scanned(network, **quest):
    return await scan_network(network, ScanTarget(wait_s=0.0, **quest), [], lambda _: None)


async def test_each_device_is_met_once_however_often_it_says_that_it_is_there():
    network = Network({HERE: RoomController(301), THERE: RoomController(300)})
    found = await scanned(network)

    assert [300, 301] == [met.i_am.instance for met in found.found]
    assert ["Quartier rig"] * 2 == [met.identity["vendor-name"] for met in found.found]
    assert network.closed


async def test_each_range_is_asked_for_twice_and_at_each_place():
    network = Network({HERE: RoomController(301)})
    found = await scanned(network, spans=[(1, 99), (300, 400)], places=[HERE])

    assert [(1, 99, HERE)] * 2 + [(300, 400, HERE)] * 2 == network.asked
    assert 4 == found.asked_count


async def test_two_with_one_instance_are_noted():
    found = await scanned(Network({HERE: RoomController(301), THERE: RoomController(301)}))

    assert [
        "instance 301 is there 2 times, at 127.0.0.1, 127.0.0.1:47809: give one of them another, or name them by address"
    ] == found.notes


async def test_one_that_falls_silent_is_told_with_what_it_announced():
    room = RoomController(301)
    room.fault("silent")
    (met,) = (await scanned(Network({HERE: room}))).found

    assert (301, {}, "127.0.0.1 is silent") == (met.i_am.instance, met.identity, met.why)


@pytest.mark.parametrize(
    ("bbmd", "note"),
    [
        ("10.2.0.1", "the BBMD 10.2.0.1 forwards broadcasts to 10.2.0.1, 10.3.0.1:47809"),
        ("10.9.0.1", "the BBMD 10.9.0.1 does not tell to whom it forwards"),
    ],
)
async def test_a_bbmd_is_asked_to_whom_it_forwards(bbmd, note):
    network = Network({HERE: RoomController(301)})
    network.bus.bbmd = bbmd

    assert [note] == (await scanned(network)).notes


async def test_a_network_that_is_not_there_is_told():
    found = await scanned(Network({}, LinkLost("interface eth9 is not there")))

    assert ("interface eth9 is not there", []) == (found.end_reason, found.found)


HEAD = '[profile]\nprotocol = "bacnet"\nmaker = "Acme"\nmodel = "AHU"\nsource = "PICS rev. 3"\n'
POINT = '[points.supply_c]\nobject = "analog-input:1"\n'


def made(mark, name="acme/ahu"):
    return loading.parse_profile(f"{HEAD}{mark}{POINT}", name, "ahu.toml")


@pytest.mark.parametrize(
    ("mark", "sure"),
    [
        ('[recognise]\nvendor_id = 7\nmodel = "AHU-*"\n', ["sure"]),
        ('[recognise]\nmodel = "ahu-?2*"\n', ["sure"]),
        ("[recognise]\nvendor_id = 7\n", ["possible"]),
        ("[recognise]\nvendor_id = 8\n", []),
        ('[recognise]\nvendor_id = 7\nmodel = "VAV*"\n', []),
        ("", []),
    ],
)
def test_a_profile_fits_by_vendor_and_model(mark, sure):
    assert sure == [one.sure for one in find_matches(7, {"model-name": "AHU-12"}, [made(mark)])]


def test_a_device_that_tells_no_model_is_possible_by_its_vendor_alone():
    marked = made('[recognise]\nvendor_id = 7\nmodel = "AHU-*"\n')

    assert [("possible", "its vendor is 7; not told: its model")] == [
        (one.sure, one.why) for one in find_matches(7, {}, [marked])
    ]
    assert [] == find_matches(7, {}, [made('[recognise]\nmodel = "AHU-*"\n')])


def test_where_two_are_sure_neither_is():
    two = [made('[recognise]\nmodel = "AHU-*"\n', name) for name in ("acme/ahu", "acme/ahu2")]

    assert ["likely", "likely"] == [one.sure for one in find_matches(7, {"model-name": "AHU-12"}, two)]


def test_a_model_that_the_mark_excludes_contradicts_the_profile():
    marked = made('[recognise]\nmodel = "AHU-*"\n')

    assert ["its model is 'VAV-3', expected 'AHU-*'"] == find_contradictions({"model": "VAV-3"}, marked)
    assert [] == find_contradictions({"model": "ahu-12"}, marked)
    assert [] == find_contradictions({}, marked)
