"""The MQTT broker of a run: mosquitto where it is on the PATH, else iotcore in a process of its own."""

import asyncio
import shutil
import sys
from pathlib import Path

from quartier_hil.processes.child_process import ChildProcess
from quartier_sim.modbus.endpoints import find_free_port

READY_REAL_S = 10.0
MOSQUITTO_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 100000
max_inflight_messages 200
log_type error
log_type warning
"""
# rumqttd's own configuration form; version 5 alone, the gateway speaks nothing else.
_RUMQTTD_CONFIG = """\
id = 0
[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 1000
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 200
dynamic_filters = true
"""
_EMBEDDED_PROGRAM = (
    "import sys; from iotcore.iotcore import IotCoreBroker as B; B(config_path=sys.argv[1]).run_forever()"
)


def find_mosquitto() -> str | None:
    """Return the path of mosquitto; Debian puts it outside of the PATH of users."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class BrokerProcess:
    """A broker on a loopback port that stays the same while it goes and comes.

    ``more`` are further lines for mosquitto, such as another listener.
    """

    def __init__(self, folder: Path, kind: str | None = None, more: str = "") -> None:
        program = find_mosquitto()
        self.kind = kind or ("mosquitto" if program else "iotcore")
        self.port = find_free_port()
        config = folder / f"{self.kind}.conf"
        if self.kind == "mosquitto":
            assert program is not None
            config.write_text(MOSQUITTO_CONFIG.format(port=self.port) + more)
            argv = [program, "-c", str(config)]
        else:
            config = config.with_suffix(".toml")
            config.write_text(_RUMQTTD_CONFIG.format(port=self.port))
            argv = [sys.executable, "-c", _EMBEDDED_PROGRAM, str(config)]
        self.child = ChildProcess(argv, folder / "broker.log")

    async def start(self) -> None:
        """Start it unless it runs; wait until it accepts connections.  Raises RuntimeError if it does not."""
        if not self.child.alive:
            await self.child.start()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_REAL_S
        while loop.time() < deadline and self.child.alive:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        raise RuntimeError(f"{self.kind} does not accept connections; see {self.child.log}")

    async def stop(self) -> None:
        """Take it away."""
        await self.child.stop()
