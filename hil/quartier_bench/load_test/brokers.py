"""The brokers of a load test: one mosquitto, or two nodes of RabbitMQ 4 with native MQTT 5."""

import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_district.broker_access import CertificateAuthority
from quartier_hil.processes.broker_process import MOSQUITTO_CONFIG, find_mosquitto
from quartier_sim.modbus.endpoints import find_free_port

RABBITMQ_SCRIPTS = Path("/usr/lib/rabbitmq/bin")
"""Debian's folder of its scripts, which take the caller's environment."""
BROKER_HOST, CERTIFICATE_VALIDITY = "localhost", dt.timedelta(days=1)
"""The name in a broker's certificate, and how long those of a load test are good for."""
_READY_S = 60.0
_PLAIN_LISTENER = "mqtt.listeners.tcp.1 = 127.0.0.1:{port}\n"
_TLS_LISTENER = """\
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {cert}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""
_RABBITMQ_CONFIG = """\
listeners.tcp = none
mqtt.allow_anonymous = true
anonymous_login_user = guest
anonymous_login_pass = guest
mqtt.sparkplug = true
mqtt.max_packet_size_authenticated = 262144
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = qa{seed}@localhost
cluster_formation.classic_config.nodes.2 = qb{seed}@localhost
cluster_partition_handling = ignore
log.console = true
log.console.level = warning
log.file = false
"""


class BrokerNode(Protocol):
    """One broker process."""

    port: int

    @property
    def pid(self) -> int | None:
        """Its process, None while there is none."""
        ...

    def start(self) -> None:
        """Start it and wait until it accepts.  Raises RuntimeError."""
        ...

    def kill(self) -> None:
        """Take it away without a word."""
        ...


class MissingBrokerError(Exception):
    """The broker is not installed."""


class Mosquitto:
    """One mosquitto on a port that stays; retained messages and sessions die with it.

    With an ``authority`` it speaks TLS alone, to clients with certificates of it.  ``default``: its queues
    are as long as mosquitto makes them.
    """

    shares = is_single_node = True
    name = "mosquitto"

    def __init__(
        self, folder: Path, authority: CertificateAuthority | None = None, *, default: bool = False
    ) -> None:
        program = find_mosquitto()
        if program is None:
            raise MissingBrokerError("mosquitto is not here: apt-get install mosquitto")
        self.port = find_free_port()
        self._folder = folder
        self._argv = [program, "-c", str(folder / "mosquitto.conf")]
        text = MOSQUITTO_CONFIG.format(port=self.port)
        if default:
            text = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("max_"))
        if authority is not None:
            pair = authority.broker(BROKER_HOST, CERTIFICATE_VALIDITY)
            text = text.replace("allow_anonymous true", "allow_anonymous false")
            text += f"cafile {authority.ca_file}\ncertfile {pair.cert_file}\nkeyfile {pair.key_file}\n"
            text += "require_certificate true\nuse_identity_as_username true\nuser root\n"
        (folder / "mosquitto.conf").write_text(text)
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def start(self) -> None:
        """As ``Node.start``."""
        self._process = Process(self._argv, self._folder / "mosquitto.log")
        if not measured_process.wait_for_listener(self.port, _READY_S):
            raise RuntimeError(f"mosquitto does not accept connections, see {self._folder}")

    def kill(self) -> None:
        """As ``Node.kill``."""
        if self._process is not None:
            self._process.end(signal.SIGKILL)


class RabbitMqNode:
    """One of two nodes of a cluster; ``letter`` a or b."""

    def __init__(
        self, folder: Path, letter: str, seed: int, authority: CertificateAuthority | None = None
    ) -> None:
        self.port, self.name = find_free_port(), f"q{letter}{seed}@localhost"
        self._folder = folder / letter
        self._folder.mkdir()
        self._process: Process | None = None
        self._distribution_port = find_free_port()
        listener = _PLAIN_LISTENER.format(port=self.port)
        if authority is not None:
            pair = authority.broker(BROKER_HOST, CERTIFICATE_VALIDITY)
            files = {"ca": authority.ca_file, "cert": pair.cert_file, "key": pair.key_file}
            listener = _TLS_LISTENER.format(port=self.port, **files)
        (self._folder / "rabbitmq.conf").write_text(listener + _RABBITMQ_CONFIG.format(seed=seed))
        (self._folder / "plugins").write_text("[rabbitmq_mqtt].\n")

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment of its scripts; all its files are in its folder."""
        folder = self._folder
        return {
            "HOME": str(folder.parent),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 2:2",
        }

    @property
    def pid(self) -> int | None:
        """Its process, the shell above its virtual machine."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def launch(self) -> None:
        """Start it, and wait for nothing: two nodes of a cluster wait for each other."""
        argv = [str(RABBITMQ_SCRIPTS / "rabbitmq-server")]
        self._process = Process(argv, self._folder / "output", env=self.environment)

    def wait(self) -> None:
        """Until it accepts connections.  Raises RuntimeError."""
        if not measured_process.wait_for_listener(self.port, _READY_S):
            raise RuntimeError(f"RabbitMQ does not accept connections, see {self._folder}")

    def start(self) -> None:
        """As ``Node.start``."""
        self.launch()
        self.wait()

    def kill(self) -> None:
        """As ``Node.kill``: the virtual machine too."""
        if self.pid is not None:
            for pid in measured_process.list_process_tree(self.pid):
                with contextlib.suppress(ProcessLookupError):  # the one above it took it along
                    os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.end(signal.SIGKILL)

    def run_rabbitmqctl(self, *words: str) -> str:
        """Return the output of ``rabbitmqctl``."""
        argv = [str(RABBITMQ_SCRIPTS / "rabbitmqctl"), "--quiet", *words]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the words are ours
        return done.stdout + done.stderr


class RabbitMqCluster:
    """Two nodes of RabbitMQ 4: no shared subscriptions, so that hosts take edges by topic.

    What is retained stays on the node that took it: a STATE of a host at the other one is not found.
    """

    shares = is_single_node = False
    name = "rabbitmq"

    def __init__(self, folder: Path, authority: CertificateAuthority | None = None) -> None:
        if not (RABBITMQ_SCRIPTS / "rabbitmq-server").exists() or shutil.which("erl") is None:
            raise MissingBrokerError("RabbitMQ is not here: apt-get install rabbitmq-server")
        seed = os.getpid()
        cookie = folder / ".erlang.cookie"
        cookie.write_text(f"quartier{seed}")
        cookie.chmod(0o400)
        self.nodes = [RabbitMqNode(folder, letter, seed, authority) for letter in "ab"]

    def start(self) -> None:
        """Both, and wait until they are one cluster.  Raises RuntimeError."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait()
        deadline_s = time.monotonic() + _READY_S
        while self.nodes[1].name not in self.nodes[0].run_rabbitmqctl("cluster_status"):
            if time.monotonic() > deadline_s:
                raise RuntimeError("the two nodes of RabbitMQ are no cluster")
            time.sleep(1.0)

    def kill(self) -> None:
        """Both."""
        for node in self.nodes:
            node.kill()
