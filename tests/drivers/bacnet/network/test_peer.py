from dataclasses import replace

import pytest
from tests.drivers.bacnet.conftest import INSTANCE, spec

from quartier_drivers.bacnet.codec.answers import PreparedRead
from quartier_drivers.bacnet.network.peer import BacnetDevice, DeviceLimits
from quartier_drivers.errors import NoReply
from quartier_native.bacnet import Ref

UNITS = [Ref(0, 1, 117), Ref(0, 2, 117), Ref(2, 2, 117), Ref(0, 9, 117)]


async def met(line, server, **keys):
    peer = BacnetDevice(line, spec(server), DeviceLimits(**keys))
    await peer.meet()
    return peer


def numbers(said):
    return {ref.instance: one[0].value for ref, one in said.items()}


async def test_a_device_tells_its_instance_and_what_it_bears(line, serve):
    peer = await met(line, await serve(maxApduLengthAccepted=480))

    assert (INSTANCE, 480, True) == (peer.instance, peer.capabilities.apdu_max, peer.capabilities.multiple)


async def test_several_properties_come_in_one_request_those_that_are_missing_are_left_out(line, serve):
    peer = await met(line, await serve())
    before = line.stats["requests_count"]

    assert {1: 62, 2: 48} == numbers(await peer.read_properties(UNITS[:2] + UNITS[3:]))
    assert 1 == line.stats["requests_count"] - before


async def test_a_device_that_does_not_know_the_service_is_asked_one_by_one(line, serve):
    server = await serve()
    server.app.do_ReadPropertyMultipleRequest = None
    peer = await met(line, server)

    assert not peer.capabilities.multiple
    assert {1: 62, 2: 48} == numbers(await peer.read_properties(UNITS[:2] + UNITS[3:]))


@pytest.mark.parametrize("apdu_max", [50, 128, 206, 480])
async def test_a_device_with_short_messages_is_asked_for_no_more_than_they_hold(line, serve, apdu_max):
    peer = await met(line, await serve(maxApduLengthAccepted=apdu_max))
    texts = [Ref(8, INSTANCE, number) for number in (77, 70, 121, 44)]

    assert ["ahu-2001", "AHU-9", "ACME", "N/A"] == [
        (await peer.read_properties(texts))[ref][0].value for ref in texts
    ]
    assert peer.answer_max == apdu_max


async def test_a_long_list_comes_element_by_element(line, serve):
    peer = await met(line, await serve(maxApduLengthAccepted=50))
    objects = Ref(8, INSTANCE, 76)
    count = (await peer.read_properties([objects._replace(index=0)]))[objects._replace(index=0)][0].value
    said = await peer.read_properties([objects._replace(index=number) for number in range(1, count + 1)])

    assert 7 == count == len(said)


async def test_another_device_at_the_place_is_not_taken_for_it(line, serve):
    server = await serve()
    peer = BacnetDevice(line, spec(server), DeviceLimits())
    peer._device = replace(peer._device, address="", unit=7)
    peer.instance = INSTANCE

    with pytest.raises(NoReply, match=f"is device {INSTANCE}, and not 7"):
        await peer._introduce()


async def test_nobody_at_a_place_is_silent(line, serve):
    server = await serve()
    server.close()

    with pytest.raises(NoReply, match="is silent"):
        await BacnetDevice(line, spec(server), DeviceLimits()).meet()


async def test_a_device_that_was_not_found_is_not_asked(line):
    with pytest.raises(NoReply, match="has not been found yet"):
        await BacnetDevice(line, spec(), DeviceLimits()).read(PreparedRead((Ref(0, 1, 85),)))
