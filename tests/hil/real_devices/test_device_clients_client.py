"""The rig's own client against servers of libmodbus and modbus-serial, on TCP and on a pty."""

import asyncio

import pytest

from quartier_hil.real_devices.bench_model import Adapter, DevicePlace, Register
from quartier_hil.real_devices.device_clients import BenchLines, NoAnswerError, RequestDeniedError


@pytest.mark.peer
@pytest.mark.parametrize("stack", ["libmodbus", "modbus-serial"])
async def test_other_stacks_are_read_and_switched_over_tcp(
    stack, libmodbus, modbus_serial, peers, free_port, lines, start
):
    server = [libmodbus] if stack == "libmodbus" else [modbus_serial[0], str(peers / "modbus_server.js")]
    start(*server, "tcp", str(free_port))
    client = lines.to(DevicePlace(host="127.0.0.1", port=free_port))
    pair = Register(register="input:52", type="uint32")

    assert [52, 53] == await client.read("input", 52, 2)
    assert (52 << 16) + 53 == pair.number(await client.words(pair))
    assert [1, 0, 0, 1, 0, 0, 1, 0, 0] == await client.read("coil", 0, 9)
    assert [1, 0] == await client.read("discrete", 2, 2)
    await client.switch(1, on=True)
    assert [1] == await client.read("coil", 1, 1)
    with pytest.raises(RequestDeniedError) as refused:
        await client.read("input", 5000, 1)
    assert 2 == refused.value.code


@pytest.mark.peer
async def test_a_serial_adapter_is_read_switched_and_given_back(libmodbus, start, cable):
    start(libmodbus, "rtu", cable.theirs)
    lines, others = BenchLines({"a": Adapter(port=cable.ours)}), BenchLines({"a": Adapter(port=cable.ours)})
    place = DevicePlace(adapter="a")
    client = lines.to(place)

    assert [52, 53] == await client.read("input", 52, 2)
    await client.switch(1, on=True)
    assert [1] == await client.read("coil", 1, 1)
    with pytest.raises(NoAnswerError, match="lock"):
        await others.to(place).read("input", 52, 1)
    await lines.leave(place)
    assert [52] == await others.to(place).read("input", 52, 1)
    await others.close()


async def test_a_silent_unit_on_a_serial_line_is_told_by_its_port_and_number(cable):
    lines = BenchLines({"a": Adapter(port=cable.ours)})

    with pytest.raises(NoAnswerError, match=f"{cable.ours}, unit 9: no answer"):
        await lines.to(DevicePlace(adapter="a", unit=9, timeout_s=0.2)).read("input", 0, 1)
    await lines.close()


async def test_a_port_that_is_not_there_is_told_by_its_name():
    lines = BenchLines({"a": Adapter(port="/dev/serial/by-id/none")})

    with pytest.raises(NoAnswerError, match="/dev/serial/by-id/none"):
        await lines.to(DevicePlace(adapter="a")).read("coil", 0, 1)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"\0\1\0\0\0\4\1\4\2", b""])
async def test_what_is_no_modbus_is_no_answer(said, lines):
    async def rude(_reader, writer):
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = lines.to(DevicePlace(host="127.0.0.1", port=port, timeout_s=0.5))
    with pytest.raises(NoAnswerError, match=str(port)):
        await client.read("input", 0, 1)
    server.close()


async def test_an_answer_to_an_older_question_is_nobodys(lines):
    async def late(reader, writer):
        for number in (7, 1):
            if number == 7:
                await reader.readexactly(12)
            writer.write(bytes([0, number, 0, 0, 0, 5, 1, 4, 2, 0, number]))
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(late, "127.0.0.1", 0)
    client = lines.to(DevicePlace(host="127.0.0.1", port=server.sockets[0].getsockname()[1]))

    assert [1] == await client.read("input", 0, 1)
    await lines.close()
    server.close()


async def test_who_answers_is_told_by_function_43(lines):
    async def named(reader, writer):
        await reader.readexactly(11)
        pdu = bytes([43, 14, 1, 1, 0, 0, 2, 0, 4]) + b"ACME" + bytes([1, 2]) + b"R8"
        writer.write(bytes([0, 1, 0, 0, 0, len(pdu) + 1, 1]) + pdu)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(named, "127.0.0.1", 0)

    assert ["ACME", "R8"] == await lines.to(
        DevicePlace(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    ).identity()
    await lines.close()
    server.close()
