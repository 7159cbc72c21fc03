import asyncio
import contextlib
import math
import os
import termios
import tty

from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters.line_noise import LineNoise
from quartier_sim.meters.push_sender import PushSender
from quartier_sim.meters.telegrams import Statement, Telegram, TelegramPart


class Counter:
    """Says how often it was asked, in groups of four digits."""

    baud = 9600

    def __init__(self) -> None:
        self.asked_count = 0

    def telegram(self) -> Telegram:
        self.asked_count += 1
        number = f"{self.asked_count:04d}"
        return Telegram(
            (
                TelegramPart(b"\x02"),
                TelegramPart(number.encode(), (Statement("N", number),)),
                TelegramPart(b"\x03"),
            )
        )


async def test_as_fast_as_read_nothing_is_lost():
    async with PushSender(Counter(), TcpPort(), rate=math.inf) as push:
        reader, writer = await asyncio.open_connection(push.port.host, push.port.port)
        heard = await reader.readexactly(6 * 500)
        writer.close()

    numbers = [int(heard[start + 1 : start + 5]) for start in range(0, len(heard), 6)]
    assert list(range(numbers[0], numbers[0] + 500)) == numbers
    assert push.ledger.hit_count == 0


@contextlib.contextmanager
def listening(path, speed=None):
    """What a client hears that opened the port, at its speed."""
    client = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(client)
    if speed is not None:
        settings = termios.tcgetattr(client)
        settings[4] = settings[5] = speed
        termios.tcsetattr(client, termios.TCSANOW, settings)
    heard = bytearray()
    asyncio.get_running_loop().add_reader(client, lambda: heard.extend(os.read(client, 4096)))
    yield heard
    asyncio.get_running_loop().remove_reader(client)
    os.close(client)


async def _until(holds):
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a wire has no event
            await asyncio.sleep(0.001)


async def test_the_ledger_tells_what_went_through(tmp_path):
    push = PushSender(
        Counter(), PtyPort(tmp_path / "n"), rate=math.inf, noise=LineNoise(flip=0.02), keeps=True
    )
    async with push:
        with listening(tmp_path / "n", termios.B9600) as heard:
            await _until(lambda: push.ledger.telegrams_count > 300)
            kept = [piece.data for piece in push.ledger.intact if len(piece.data) == 4][:200]
            await _until(lambda: kept[-1] in heard)

    assert push.ledger.hit_count
    assert push.ledger.intact_count == len(push.ledger.intact)
    assert all(data in heard for data in kept)


async def test_at_another_speed_nothing_is_whole(tmp_path):
    async with PushSender(Counter(), PtyPort(tmp_path / "n"), rate=math.inf, keeps=True) as push:
        with listening(tmp_path / "n", termios.B1200) as heard:
            await _until(lambda: heard)
            before = push.ledger.intact_count
            await _until(lambda: push.ledger.telegrams_count > 100)
            assert before == push.ledger.intact_count


async def test_parity_may_be_seen_as_the_eighth_bit():
    async with PushSender(Counter(), TcpPort(), rate=math.inf, shows_parity=True) as push:
        reader, writer = await asyncio.open_connection(push.port.host, push.port.port)
        said = await reader.readexactly(6)
        writer.close()

    assert b"\x82" == said[:1]
    assert b"\x02" == bytes(byte & 0x7F for byte in said)[:1]


async def test_a_silent_meter_says_nothing_and_speaks_again():
    async with PushSender(Counter(), TcpPort(), rate=math.inf) as push:
        push.silent = True
        reader, writer = await asyncio.open_connection(push.port.host, push.port.port)
        await asyncio.sleep(0.05)
        said = push.ledger.telegrams_count
        await asyncio.sleep(0.05)
        assert said == push.ledger.telegrams_count
        push.silent = False
        assert 6 == len(await reader.readexactly(6))
        writer.close()


async def test_who_is_silenced_says_its_telegram_to_the_end_and_then_nothing():
    async with PushSender(Counter(), TcpPort(), rate=math.inf) as push:
        reader, writer = await asyncio.open_connection(push.port.host, push.port.port)
        await reader.readexactly(60)
        reading = asyncio.ensure_future(reader.read())
        await push.silence()
        said_count = push.ledger.telegrams_count
        push.silent = False
        await _until(lambda: push.ledger.telegrams_count > said_count)
        writer.close()
        await asyncio.gather(reading, return_exceptions=True)

    assert push.ledger.sound_count == push.ledger.telegrams_count
    assert push.ledger.intact_count == 3 * push.ledger.telegrams_count
