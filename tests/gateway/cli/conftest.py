"""What a daemon answers on a good day, for everything that shows it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import pytest

from quartier.runtime.local_socket.questions import QUESTION_SOCKET, QuestionServer

ROOT = Path(__file__).parents[3]
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))

STATUS = {
    "gateway": {
        "site": "b012", "district": "issy", "boot": 7, "pid": 1, "uptime_s": 8000.0, "utc_ms": 0,
        "synced": True, "simulated": False, "engine": "cython",
    },
    "control": {
        "mode": "CONTROLLED", "why": "heartbeat and documents", "mode_age_s": 65.0, "stage": "NORMAL", "rules": [],
        "caps": {"import": {"max_w": 5000, "whose": "envelope dso e1"}, "export": {"max_w": 0, "whose": "hard limit"}},
        "grid": {"power_w": -420.0, "age_s": 0.4, "state": "good", "unit": "W"},
        "alarms": [], "acted": [], "restore": {}, "contacts": {}, "supplies": {},
        "assets": {
            "bat1": {
                "role": "battery", "tier": "D", "power_w": -1200.0, "age_s": 0.3, "quality": "good", "soc_pct": 61.2,
                "state": "controlled",
                "command": {"point": "bat1.setpoint_w", "value": -1180.0, "age_s": 2, "reason": "self-consumption"},
            },
            "boiler": {"role": "load", "tier": "C", "power_w": None, "age_s": None, "quality": "never read", "state": "not limited"},
        },
    },
    "cycles": {"count": 8000, "skipped_count": 0, "late_p999_s": 0.002, "late_max_s": 0.01},
    "buses": [
        {
            "name": "lan", "online": True, "why": "", "slack_pct": 87.5, "lateness_s": 0.01,
            "counts": {"requests_count": 900, "retries_count": 2, "timeouts_count": 1},
            "devices": [
                {"name": "gx", "state": "good", "why": "", "age_s": 0.2, "errors_count": 0,
                 "identity": {"maker": "Victron Energy", "model": "GX", "serial": "c0619"}},
            ],
        },
    ],
    "written": {"bat1.setpoint_w": {"value": -1180.0, "verdict": "done", "why": "", "reason": "", "age_s": 1.0}},
    "store": {"size_bytes": 12_300_000, "gaps_count": 0, "backlog_count": 42, "commits_count": 35, "pending_count": 6, "error": ""},
    "district": None,
    "damaged": [],
    "disabled": {},
}  # fmt: skip


@pytest.fixture
def status():
    return deepcopy(STATUS)


@pytest.fixture
def serving(tmp_path):
    """``async with serving(answers, about)``: a real desk in ``tmp_path``."""

    @contextlib.asynccontextmanager
    async def serves(answers, about=None):
        task = asyncio.create_task(QuestionServer(tmp_path, answers, about or {}).run())
        try:
            async with asyncio.timeout(60):
                while not (tmp_path / QUESTION_SOCKET).exists():  # noqa: ASYNC110 - a socket has no event
                    await asyncio.sleep(0.005)
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    return serves


class Terminal:
    """A command on a pseudo terminal, and all that it ever wrote there."""

    def __init__(self, words, **variables):
        self.master, slave = os.openpty()
        os.set_blocking(self.master, False)
        self.screen = b""
        surroundings = {**os.environ, "PYTHONPATH": SOURCES, "TERM": "xterm-256color", **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quartier.cli", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**surroundings, "COLUMNS": "160", "LINES": "50"},
            start_new_session=True,
        )
        os.close(slave)

    def type(self, keys):
        os.write(self.master, keys)

    def signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def hang_up(self):
        """Take the terminal away; nobody sends a signal, since it is no process's controlling terminal."""
        os.close(self.master)
        self.master = None

    def read(self):
        """Take what is there; whether more may come: the other end is open, or what it wrote is on its way."""
        if self.master is None:
            return False
        try:
            while found := os.read(self.master, 65536):
                self.screen += found
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def until(self, condition):
        end_s = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end_s, self.screen[-2000:]
            await asyncio.sleep(0.01)
            self.read()

    async def ended(self):
        """The exit code, once all that was written is read."""
        await self.until(lambda: self.process.poll() is not None)
        await self.until(lambda: not self.read())
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master is not None:
            self.hang_up()


@pytest.fixture
def terminal(tmp_path):
    """``terminal("top")``: a command on a pseudo terminal of its own, in ``tmp_path``."""
    opened = []

    def opens(*words, **variables):
        opened.append(Terminal([*words, "--runtime-dir", str(tmp_path)], **variables))
        return opened[-1]

    yield opens
    for found in opened:
        found.close()
