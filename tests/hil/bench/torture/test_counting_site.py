import asyncio
import struct

from quartier_bench.torture.counting_site import CountingMeter

ASK = struct.pack(">BHH", 3, 0, 6)


def words(pdu):
    return struct.unpack(f">{(len(pdu) - 2) // 2}H", pdu[2:])


def test_every_point_of_an_answer_holds_its_number_and_the_next_answer_the_next():
    meter = CountingMeter(points=3)

    assert (0, 1, 0, 1, 0, 1) == words(meter.answer(ASK))
    assert (0, 2, 0, 2, 0, 2) == words(meter.answer(ASK))
    meter.served = 70_000
    assert (1, 4_465) * 3 == words(meter.answer(ASK))


def test_what_is_no_reading_of_holding_registers_is_refused_and_not_counted():
    meter = CountingMeter(points=1)

    assert b"\x86\x01" == meter.answer(b"\x06\x00\x01\x00\x02")
    assert 0 == meter.served


async def test_a_silent_meter_hears_and_neither_answers_nor_counts():
    meter = CountingMeter(points=1)
    await meter.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", meter.port)
    asked = struct.pack(">HHHB", 7, 0, 6, 1) + struct.pack(">BHH", 3, 0, 2)
    meter.silent = True
    writer.write(asked)
    while not meter.heard:  # noqa: ASYNC110 - the meter's turn is no event of ours
        await asyncio.sleep(0)
    meter.silent = False
    writer.write(asked.replace(b"\x00\x07", b"\x00\x08", 1))
    answer = await reader.readexactly(13)

    assert (8, 1) == (struct.unpack_from(">H", answer)[0], answer[-1])
    writer.close()
    await meter.stop()
