import asyncio

import pytest
from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.app import Application
from bacpypes3.ipv4.app import BBMDApplication
from bacpypes3.pdu import IPv4Address
from tests.drivers.bacnet.conftest import HOST, bus, device, free_port
from tests.drivers.bacnet.network.test_line import Stranger

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.factory import load_library
from quartier_drivers.bacnet.network.library import CallbackTasks
from quartier_drivers.bacnet.network.line import BacnetLine


@pytest.fixture
async def bbmd():
    """bacpypes3's own BBMD, at a port of its own."""
    port = free_port()
    app = BBMDApplication(device(99), IPv4Address(f"{HOST}:{port}"))
    await asyncio.gather(*app.server._transport_tasks)
    yield app, f"{HOST}:{port}"
    app.bbmd._fdt_clock_handle.cancel()
    app.close()


async def test_a_foreign_device_is_in_the_table_of_its_bbmd(clock, bbmd):
    app, address = bbmd
    line = BacnetLine("bms", bus(bbmd=address, foreign_ttl_s=60), clock, load_library)
    await line.open()

    assert [(HOST, line.bus.port)] == [entry.fdAddress.addrTuple for entry in app.bbmd.bbmdFDT]
    assert (await line.library()).is_registered
    await line.close()


async def test_a_registration_is_renewed_at_half_of_its_time(clock, bbmd):
    _, address = bbmd
    line = BacnetLine("bms", bus(bbmd=address, foreign_ttl_s=60), clock, load_library)
    await line.open()
    link = await line.library()
    due_s = link._foreign._registration_handle.when() - asyncio.get_running_loop().time()
    await line.close()

    assert 25 < due_s <= 30


async def test_a_bbmd_that_is_away_is_said_and_takes_nothing_from_devices_whose_address_is_known(
    clock, serve
):
    port, server = free_port(), await serve()
    line = BacnetLine("bms", bus(bbmd=f"{HOST}:{port}", timeout_s=0.5), clock, load_library)
    await line.open()
    notes = [*line.notes(), *line.notes()]
    await line.ask_who_is(DevicePlace((HOST, server.port)))
    await line.close()

    assert ["bbmd.lost"] == [note.code for note in notes]
    assert f"the BBMD 127.0.0.1:{port} does not answer" in notes[0].text


async def test_a_device_that_takes_no_foreign_ones_is_said_with_its_name(clock, serve):
    line = BacnetLine("bms", bus(bbmd=(await serve()).address), clock, load_library)
    await line.open()
    notes = line.notes()
    await line.close()

    assert "does not take foreign devices" in notes[0].text


async def test_a_bbmd_whose_table_is_full_is_asked_again(clock, monkeypatch):
    monkeypatch.setattr("quartier_drivers.bacnet.network.library._AGAIN_S", 0.0)
    bbmd = Stranger()
    line = BacnetLine("bms", bus(bbmd=f"{HOST}:{bbmd.place.host[1]}", foreign_ttl_s=60), clock, load_library)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:  # the time only ends a test that has failed
        group.create_task(line.open())
        asked, to = await bbmd.hear()
        await bbmd.say(bytes.fromhex("810000060030"), to)  # register-foreign-device NAK (J.2.1)
        again, _ = await bbmd.hear()
    codes = [note.code for note in line.notes()]
    await bbmd.say(bytes.fromhex("810000060000"), to)
    link = await line.library()
    async with asyncio.timeout(60):
        while not link.is_registered:  # noqa: ASYNC110 - the library has nothing to wait for
            await asyncio.sleep(0.001)
    codes += [note.code for note in line.notes()]
    await line.close()
    bbmd.socket.close()

    assert bytes.fromhex("81050006003c") == asked == again
    assert ["bbmd.lost", "bbmd.back"] == codes


async def test_we_are_nobody_on_the_network_unless_the_site_says_who(clock, serve):
    server = await serve()
    said = []
    for ours in ({}, {"device_id": 4_000_001}):
        line = BacnetLine("bms", bus(**ours), clock, load_library)
        await line.open()
        await line.library()
        # Asked for one number it ends with the answer; only silence is waited for.
        who = {} if not ours else {"low_limit": 4_000_001, "high_limit": 4_000_001}
        at = IPv4Address(f"{HOST}:{line.bus.port}")
        found = await server.app.who_is(**who, address=at, timeout=60.0 if ours else 0.2)
        said.append([one.iAmDeviceIdentifier[1] for one in found])
        await line.close()

    assert [[], [4_000_001]] == said


async def test_nobody_writes_to_us(clock, serve):
    server = await serve()
    line = BacnetLine("bms", bus(device_id=4_000_001), clock, load_library)
    await line.open()
    here = IPv4Address(f"{HOST}:{line.bus.port}")
    assert "quartier-4000001" == str(await server.app.read_property(here, "device,4000001", "object-name"))
    with pytest.raises(ErrorRejectAbortNack, match="unrecognized-service"):
        await server.app.write_property(here, "device,4000001", "object-name", "theirs")
    await line.close()


async def test_our_services_take_no_orders():
    taken = {name for name in dir(Application) if name.startswith("do_") and "Write" in name}

    assert {"do_WritePropertyRequest"} <= taken, "the library still calls them so"


async def test_no_task_fails_without_a_word():
    failed = asyncio.Queue()
    tasks = CallbackTasks(failed.put_nowait)

    async def wrong():
        raise ValueError("it cannot be read")

    tasks.start(wrong(), "wrong")

    assert "it cannot be read" == str(await failed.get())


async def test_a_task_that_is_ended_has_not_failed():
    failed = []
    tasks = CallbackTasks(failed.append)
    began = asyncio.Event()

    async def long():
        began.set()
        await asyncio.Event().wait()

    tasks.start(long(), "long")
    await began.wait()
    running = tuple(tasks._running)
    tasks.cancel()
    await asyncio.wait(running)

    assert [] == failed
