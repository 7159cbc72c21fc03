"""``quartier drill --on-site`` as an installer meets it: over a terminal, beside a running daemon, cables pulled."""

import asyncio
import json
import os
import pty

import pytest

from quartier.runtime import signing

pytestmark = pytest.mark.daemon


class Terminal:
    """A command on a pseudo terminal of 80 columns."""

    def __init__(self, gateway, *words):
        self._words = gateway.command("drill", "--on-site", *words)
        self._environment = {**gateway.environment, "COLUMNS": "80", "TERM": "dumb"}
        self.text = self.seen = ""

    async def __aenter__(self):
        self._master, slave = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            *self._words, stdin=slave, stdout=slave, stderr=slave, env=self._environment
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        os.close(self._master)

    async def until(self, words):
        """Read until it says so; what was said before is forgotten."""
        async with asyncio.timeout(60):
            while words not in self.text:
                assert await self._takes(), self.text
        before, _, self.text = self.text.partition(words)
        return before

    async def _takes(self):
        """Take what it said, and wait a moment where it says nothing; whether it may say more."""
        try:
            said = os.read(self._master, 4096).decode(errors="replace")
        except BlockingIOError:
            await asyncio.sleep(0.02)
            return True
        except OSError:  # nobody holds the other end, and all is read
            return False
        self.text += said
        self.seen += said
        return True

    def type(self, line=""):
        os.write(self._master, f"{line}\n".encode())

    async def left(self):
        async with asyncio.timeout(60):
            while await self._takes():
                pass
            return await self.process.wait()


def _words(gateway, file, *losses):
    places = ("--runtime-dir", str(gateway.runtime_dir), "--state-dir", str(gateway.state_dir))
    return (*losses, "--record", str(file), *places)


async def _running(gateway):
    await gateway.start()
    await gateway.until(
        lambda status: (
            status["control"]["grid"]["state"] == "good"
            and status["control"]["assets"]["bat1"]["quality"] == "good"
        )
    )


@pytest.mark.timing
async def test_a_pulled_cable_is_measured_and_the_record_signed(house, tmp_path):
    gateway, devices = house
    gateway.rate = 2.0  # what is measured is the house's lateness, not a busy machine's
    await _running(gateway)
    file = tmp_path / "record.json"
    async with Terminal(gateway, *_words(gateway, file, "grid-meter-lost")) as person:
        consent = await person.until("Go on?")
        person.type("y")
        await person.until("Pull the data cable of the connection's meter")
        person.type()
        devices["gx"].fault("silent")
        await person.until("Put it back")
        devices["gx"].clear()
        person.type()
        code = await person.left()
    record = json.loads(file.read_text())
    step = record["steps"][0]

    assert "You will pull one cable" in consent
    lines = [line.rpartition("\r")[2] for line in person.seen.replace("\r\n", "\n").split("\n")]
    assert [] == [line for line in lines if len(line) > 80 and str(file) not in line]
    assert (0, "kept") == (code, step["verdict"]), person.text
    assert 9.0 < step["measured"]["noticed_s"] <= 11.0
    assert signing.is_signature_sound(record)
    assert record["public_key"] in person.text
    assert "gx" in {device["device"] for device in record["devices"]}


async def test_who_stops_goes_on_later_where_it_was_left(house, tmp_path):
    gateway, _ = house
    await _running(gateway)
    file = tmp_path / "record.json"
    words = _words(gateway, file, "grid-meter-lost", "bus-down")
    async with Terminal(gateway, *words) as person:
        await person.until("Go on?")
        person.type("y")
        await person.until("s skips")
        person.type("s")
        await person.until("s skips")
        person.type("q")
        first = await person.left()
    assert not file.exists()
    async with Terminal(gateway, *words) as person:
        again = await person.until("Go on?")
        person.type("n")
        second = await person.left()

    assert (1, 1) == (first, second)
    assert "1 done already" in again


async def test_nobody_is_asked_twice_who_says_no(house, tmp_path):
    gateway, _ = house
    await _running(gateway)
    file = tmp_path / "record.json"
    async with Terminal(gateway, *_words(gateway, file)) as person:
        await person.until("Go on?")
        person.type()

        assert 1 == await person.left()
    assert [] == list(tmp_path.glob("record*"))
