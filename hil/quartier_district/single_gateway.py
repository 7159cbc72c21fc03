"""The reference district of one gateway as a process: broker on one side, orders on stdin, figures on
stdout.

Orders are JSON lines: ``{"do": "caps", "intervals": [...], "default": {...}, "for_s": …}``,
``{"do": "failsafe", "import_max_w": …, "export_max_w": …, "duration_min_s": …}``,
``{"do": "signal", "of": "level", "intervals": [...], "for_s": …}``,
``{"do": "command", "op": "shed", "level": 1, "duration_s": …}``, ``{"do": "heartbeat", "on": false}``,
``{"do": "watermark", "on": false}``, ``{"do": "rebirth"}``, ``{"do": "job", "work": {"op": …}}``,
``{"do": "quit"}``.  Everything received and sent is a line of the log.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from quartier_district import sparkplug
from quartier_district.broker_connection import BrokerConnection, ConnectionSettings
from quartier_district.gateway_session import GatewaySession, TopicNames
from quartier_district.signed_documents import (
    INVALID_PROGRAM,
    EnvelopeRequest,
    SigningKey,
    make_document,
    make_envelope,
    make_heartbeat,
    make_job,
)
from quartier_sim.site_clock import RigClock

HEARTBEAT_S = 30.0
WATERMARK_S = 20.0
COMMAND_S = 60.0
FIGURES_REAL_S = 0.25
# Words of an order that are none of the document.
_ORDER_KEYS = frozenset({"do", "of", "for_s", "in_s"})


@dataclass(frozen=True, kw_only=True)
class DistrictSettings:
    """Settings of the district: broker, names, key, log and clock."""

    host: str
    port: int
    names: TopicNames
    key: SigningKey
    log: Path
    clock: RigClock


@dataclass(frozen=True)
class StandingDocument:
    """A document other than an envelope in force: content, addressee and end."""

    kind: str
    body: dict[str, Any]
    audience: str
    exp_ms: int


@dataclass
class District:
    """One run of the district for one gateway."""

    settings: DistrictSettings
    session: GatewaySession = field(init=False)
    heartbeat_on: bool = True
    watermark_on: bool = True
    _requests: dict[str, EnvelopeRequest] = field(default_factory=dict)
    _plans: dict[str, StandingDocument] = field(default_factory=dict)
    _last_seq: int = 0

    def __post_init__(self) -> None:
        """Prepare the session, the line and the log."""
        self.session = GatewaySession(self.settings.names)
        self._log: IO[str] = self.settings.log.open("a", encoding="utf-8", buffering=1)
        names = self.settings.names
        heard = [(f"{names.companion}/{level}", 1) for level in ("ack", "event", "flexibility")]
        self.line = BrokerConnection(
            ConnectionSettings(
                host=self.settings.host,
                port=self.settings.port,
                client_id=f"{names.group}.{names.host}",
                state=names.state,
                topics=[(f"spBv1.0/{names.group}/#", 1), *heard],
                key=self.settings.key,
                now_ms=self.settings.clock.utc_ms,
            ),
            lambda connected: self._note("broker", connected=connected),
        )

    def _note(self, kind: str, **what: Any) -> None:
        if self._log.closed:
            return  # the broker's goodbye came after ours
        self._log.write(json.dumps({"at": self.settings.clock.utc_ms(), "kind": kind, **what}) + "\n")

    async def run(self, orders: asyncio.StreamReader) -> None:
        """Work until the order ``quit`` or the end of ``orders``."""
        self.line.open()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._heartbeats()),
                    group.create_task(self._watermarks()),
                    group.create_task(self._listen()),
                    group.create_task(self._tell()),
                ]
                await self._obey(orders)
                for task in tasks:
                    task.cancel()
        finally:
            self._finish()

    def _finish(self) -> None:
        self.line.close()
        self._note("end", **self.session.figures, acks=self.session.acks)
        self._log.close()

    async def _heartbeats(self) -> None:
        clock = self.settings.clock
        while True:
            # Nobody hears a heartbeat without a broker; paho would keep it and send a bunch of old ones.
            if self.heartbeat_on and self.line.connected:
                self.line.say(
                    self.settings.names.heartbeat, make_heartbeat(clock.utc_ms()), qos=0, retain=False
                )
            await asyncio.sleep(clock.real_s(HEARTBEAT_S))

    async def _watermarks(self) -> None:
        while True:
            self._send_watermark()
            await asyncio.sleep(self.settings.clock.real_s(WATERMARK_S))

    def _send_watermark(self) -> None:
        if not self.watermark_on or not self.line.connected or self.session.bdseq is None:
            return
        payload = self.session.watermark(self.settings.clock.utc_ms())
        topic = f"{self.settings.names.companion}/watermark"
        self.line.say(topic, payload, qos=1, retain=True)

    async def _listen(self) -> None:
        while True:
            topic, payload = await self.line.inbox.get()
            births = self.session.births_count
            line = self.session.take(topic, payload, self.settings.clock.utc_ms())
            self._log.write(json.dumps(line) + "\n")
            if self.session.births_count > births:
                self._send_watermark()
                for program in self._requests:
                    self._send_envelope(program)
                for place in self._plans:
                    self._send_document(place)

    async def _tell(self) -> None:
        while True:
            figures = self.session.figures
            print(json.dumps({**figures, "connected": self.line.connected}), flush=True)  # noqa: T201 - the rig reads it
            await asyncio.sleep(FIGURES_REAL_S)

    async def _obey(self, orders: asyncio.StreamReader) -> None:
        while line := await orders.readline():
            order = json.loads(line)
            self._note("order", order=order)
            match order["do"]:
                case "quit":
                    return
                case "caps":
                    self._accept_limits(order)
                case "schedule" | "failsafe" | "signal" as kind:
                    self._accept_document(kind, order)
                case "invalid_envelope":
                    self._send_invalid_envelope(order["kind"])
                case "command" | "job" as once:
                    (self._send_command if once == "command" else self._send_job)(order)
                case "heartbeat":
                    self.heartbeat_on = bool(order["on"])
                case "watermark":
                    self.watermark_on = bool(order["on"])
                case "rebirth":
                    topic = self.settings.names.command
                    self.line.say(
                        topic,
                        sparkplug.make_rebirth(self.settings.clock.utc_ms()),
                        qos=0,
                        retain=False,
                        signed=False,
                    )

    def _accept_limits(self, order: dict[str, Any]) -> None:
        now_ms = self.settings.clock.utc_ms()
        request = EnvelopeRequest(
            intervals=order["intervals"],
            default=order["default"],
            start_ms=now_ms + int(order.get("in_s", 0) * 1_000),
            exp_ms=now_ms + int(order.get("for_s", 86_400) * 1_000),
            program=order.get("program", "district"),
            priority=order.get("priority", 2),
            on_loss=order.get("on_loss", "failsafe"),
            ramp_w_per_s=order.get("ramp_w_per_s"),
        )
        self._requests[request.program] = request
        self._send_envelope(request.program)

    def _accept_document(self, kind: str, order: dict[str, Any]) -> None:
        """A schedule, fail-safe parameters or a signal: said now, and after each birth while it lasts."""
        names, now_ms = self.settings.names, self.settings.clock.utc_ms()
        body = {key: value for key, value in order.items() if key not in _ORDER_KEYS}
        audience, topic = names.gateway, f"{names.companion}/{kind}"
        if kind == "signal":
            audience, topic = names.group, f"{names.root}/signal/{order['of']}"
        elif kind == "schedule":
            topic += f"/{order['asset']}"
        if kind != "failsafe":
            body["start"] = now_ms + int(order.get("in_s", 0) * 1_000)
        exp_ms = now_ms + int(order.get("for_s", 86_400) * 1_000)
        self._plans[topic] = StandingDocument(kind, body, audience, exp_ms)
        self._send_document(topic)

    def _send_document(self, topic: str) -> None:
        clock, plan = self.settings.clock, self._plans[topic]
        now_ms = clock.utc_ms()
        if plan.exp_ms <= now_ms:
            return
        self._last_seq = max(self._last_seq + 1, now_ms)
        payload = make_document(plan.body, self._last_seq, now_ms, plan.audience, plan.exp_ms)
        expiry_s = None if plan.kind == "failsafe" else int(clock.real_s((plan.exp_ms - now_ms) / 1_000)) + 60
        self.line.say(topic, payload, qos=1, retain=True, expiry_s=expiry_s)
        self._note(plan.kind, body=json.loads(payload))

    def _send_job(self, order: dict[str, Any]) -> None:
        """Work for the gateway, ``{"op": "config", "site": …}`` say, in a window ``in_s``, ``for_s`` long."""
        now_ms = self.settings.clock.utc_ms()
        begin_ms = now_ms + int(order.get("in_s", 0) * 1_000)
        self._last_seq = max(self._last_seq + 1, now_ms)
        window_ms = begin_ms, begin_ms + int(order.get("for_s", 3_600) * 1_000)
        body = make_job(order["work"], self._last_seq, now_ms, self.settings.names.gateway, window_ms)
        self.line.say(f"{self.settings.names.companion}/job", body, qos=1, retain=True)
        self._note("job", id=json.loads(body)["id"], op=order["work"]["op"])

    def _send_command(self, order: dict[str, Any]) -> None:
        """Send a one-shot command: not retained, and expired after a minute of plant time."""
        body = {key: value for key, value in order.items() if key not in _ORDER_KEYS}
        clock, names = self.settings.clock, self.settings.names
        now_ms = clock.utc_ms()
        self._last_seq = max(self._last_seq + 1, now_ms)
        until_ms = now_ms + int(COMMAND_S * 1_000)
        payload = make_document(body, self._last_seq, now_ms, names.gateway, until_ms)
        expiry_s = int(clock.real_s(COMMAND_S)) + 1
        topic = f"{names.companion}/command"
        self.line.say(topic, payload, qos=1, retain=False, expiry_s=expiry_s)
        self._note("command", body=json.loads(payload))

    def _send_invalid_envelope(self, kind: str) -> None:
        """An envelope without sense, rightly signed; kept by nobody.

        Under a program of its own, but what is ``replayed``: to be older it needs one that was accepted.
        """
        now_ms = self.settings.clock.utc_ms()
        watts = {"nan": float("nan"), "huge": 1e12, "negative": -5_000.0}.get(kind, 1_000.0)
        late_ms = 3_600_000 if kind == "late" else 0
        program = next(iter(self._requests), INVALID_PROGRAM) if kind == "replayed" else INVALID_PROGRAM
        request = EnvelopeRequest(
            intervals=[{"duration_s": 600.0, "import_max_w": watts, "export_max_w": watts}],
            default={"import_max_w": watts, "export_max_w": 0.0},
            start_ms=now_ms - late_ms,
            exp_ms=now_ms - late_ms if late_ms else now_ms + 86_400_000,
            program=program,
        )
        seq = now_ms - 86_400_000 if kind == "replayed" else now_ms
        body = make_envelope(request, seq, now_ms - late_ms, self.settings.names.gateway)
        topic = f"{self.settings.names.companion}/envelope/{program}"
        self.line.say(topic, body, qos=1, retain=False)
        self._note("invalid_envelope", of=kind, id=json.loads(body)["id"])

    def _send_envelope(self, program: str) -> None:
        now_ms = self.settings.clock.utc_ms()
        request = self._requests[program]
        if request.exp_ms <= now_ms:
            return
        self._last_seq = max(self._last_seq + 1, now_ms)
        body = make_envelope(request, self._last_seq, now_ms, self.settings.names.gateway)
        topic = f"{self.settings.names.companion}/envelope/{program}"
        # The broker counts an expiry in real seconds, the document in the house's: rounded up.
        expiry_s = int(self.settings.clock.real_s((request.exp_ms - now_ms) / 1_000)) + 60
        self.line.say(topic, body, qos=1, retain=True, expiry_s=expiry_s)
        self._note("envelope", body=json.loads(body))


async def open_stdin() -> asyncio.StreamReader:
    """This process's stdin, to be read on the loop."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def run_district(settings: DistrictSettings) -> None:
    """Run the district in this process until the order to quit or the end of its stdin."""

    async def main() -> None:
        await District(settings).run(await open_stdin())

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
