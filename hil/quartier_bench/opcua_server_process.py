"""An OPC UA server of another stack as a process: it can be killed, frozen and restarted on the same port.

``open62541`` is ``bench/peers/opcua.c``, ``node-opcua`` is ``tests/peers/opcua_server.js``; both serve
the same variables in the namespace ``urn:quartier:peer:plant`` and take the same orders.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from quartier_bench.measured_process import Process
from quartier_sim.modbus.endpoints import find_free_port

PLANT_URI = "urn:quartier:peer:plant"
SERVER_URI = "urn:quartier:peer"


class OpcuaServerProcess:
    """``argv`` starts the program; ``words`` are its settings (``limit="25"``, ``none="no"`` and so on)."""

    def __init__(self, argv: Sequence[str], log: Path, **words: str) -> None:
        self.port = find_free_port()
        self.words = words
        self._argv = tuple(argv)
        self._log = log
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """``opc.tcp://127.0.0.1:port``."""
        return f"opc.tcp://127.0.0.1:{self.port}"

    @property
    def process(self) -> Process:
        """The running process.  Raises RuntimeError when there is none."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process

    def start(self, **words: str) -> None:
        """Start it and wait until it listens; ``words`` change its settings for good.

        Raises RuntimeError with the last of its log when it does not come up.
        """
        self.words |= words
        settings = [f"{key}={value}" for key, value in self.words.items()]
        process = Process([*self._argv, f"port={self.port}", *settings], self._log, talks=True)
        if process.line() != "ready":
            process.end(signal.SIGKILL)
            last = self._log.read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"the server does not come up; the last it said:\n{last}")
        self._process = process

    def kill(self) -> None:
        """End it as a loss of power does."""
        process, self._process = self._process, None
        if process is not None:
            process.end(signal.SIGKILL)

    def restart(self, **words: str) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start(**words)

    def freeze(self) -> None:
        """Stop it at once: connections stay open without answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    def ask(self, order: str) -> str:
        """Give an order; what it answers."""
        return self.process.ask(order)

    def put(self, name: str, value: float, status: int = 0, age_s: float = 0.0) -> None:
        """Let a Double show ``value`` with a status code, its source timestamp ``age_s`` old."""
        answer = self.ask(f"set {name} {value!r} 0x{status:08x} {age_s!r}")
        if answer != "ok":
            raise RuntimeError(f"the server does not take {name}: {answer}")

    @property
    def writes_count(self) -> int:
        """Number of writes of clients that reached a variable."""
        return int(self.ask("writes"))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
