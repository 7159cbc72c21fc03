import asyncio
import socket
from math import inf

from quartier_hil.drill.loss_run import Watchdog


def _say(path, words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(words, str(path))


async def test_it_bites_once_when_the_word_stays_away(tmp_path):
    bites = []

    async def on_timeout():
        bites.append(True)

    guardian = Watchdog(tmp_path / "notify", 0.05, on_timeout)
    _say(tmp_path / "notify", b"READY=1\nWATCHDOG=1")
    await asyncio.wait_for(guardian.run(), 60)
    guardian.close()

    assert [True] == bites
    assert guardian.timeout_real_s is not None


async def test_one_that_was_never_heard_or_may_wait_for_ever_is_left_alone(tmp_path):
    async def on_timeout():
        raise AssertionError

    for after_s, words in ((0.0, b"READY=1"), (inf, b"WATCHDOG=1")):
        guardian = Watchdog(tmp_path / "notify", after_s, on_timeout)
        _say(tmp_path / "notify", words)
        task = asyncio.create_task(guardian.run())
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        guardian.close()

        assert guardian.timeout_real_s is None
