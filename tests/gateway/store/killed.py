"""Lives of a gateway's history and its link, each ended by SIGKILL at a moment that the plan says.

Runs under ``faults.c``.  Input, JSON, a line a life: the plan (``Plan``).  The life then talks in turns: it says what it
numbered and sent in one step, and reads what the district does about it.  Output, JSON, a line each:
``{"boot", "heads"}`` when the history is open, ``{"heads", "sent"}`` after each step, ``{"ended"}`` after a clean end,
``{"dead"}`` when the process is gone.  Input of a step: ``{"watermark", "link"}``; ``link`` is ``up``, ``down`` or
``again`` (the connections break and come back).
"""

import asyncio
import ctypes
import json
import os
import random
import signal
import sys
import traceback
from array import array
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.district.connection.control_channel import ControlChannel
from quartier.district.connection.event_retries import EventArrival
from quartier.district.connection.mqtt_types import OutgoingMessage
from quartier.district.connection.reconnect import LinkServices
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import (
    EVENT_STREAM,
    Effect,
    Identity,
    Note,
    Publication,
    SessionContext,
    SessionRules,
)
from quartier.district.sparkplug.metric_catalog import build_catalog
from quartier.district.sparkplug.node_session import NodeSession
from quartier.district.sparkplug.payload_codec import decode_payload
from quartier.district.wire_formats import load_marks
from quartier.runtime import state_file
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.store import journal
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_file import commit_log
from quartier.store.history_store import Store
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import FLOAT, TEXT, Layout, Readings

START_MS = 1_700_000_000_000
ME = Identity("issy", "b012")
EXACT = Deadbands({"w": NO_DEADBAND})
BOTH = Layout(("grid.power_w", "gateway.note_text", "grid.power_l1_w"), bytes([FLOAT, TEXT, FLOAT]))
SELDOM = Layout(("bat1.power_w",), bytes([FLOAT]))
ROOM_BYTES = 1_000_000
ARRIVAL_S = 8.0
EVENT_TURNS = 10  # of the link of events in a second, each with its ten
# Kinds of calls and ways to end in one, as ``faults.c`` knows them.
DIES, DIES_HALFWAY = -9, -10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One life: ``steps`` of a second each, then a clean end, if nothing ends it before.

    ``call``: kinds, number and error of the call that ends the life or fails (``faults.c``), and whether all after it
    do, up to the step ``heals``; ``point``: the step and
    the place in it where the process kills itself.  ``file_bytes``: when the next file of journal and tail begins.
    """

    folder: str
    second: int
    seed: int
    steps: int
    link: str = "up"
    call: tuple[int, int, int, bool] | None = None
    heals: int | None = None
    point: tuple[int, str] | None = None
    size_max_bytes: int = 512_000_000
    file_bytes: int = 128 * 1024


class Wire:
    """What the link of events needs of a connection that takes everything."""

    is_open = True
    flying_count = 0

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []

    def publish(self, message: OutgoingMessage) -> None:
        """Take one message."""
        self.taken.append(message)


class Clock:
    """The time of the life, for the link."""

    def __init__(self, life: "Life") -> None:
        self._life = life

    def now(self) -> Now:
        """As the life says."""
        return self._life.now


class Life:
    """A store and what delivers from it, as the daemon puts them together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.second = plan.second
        self.dice = random.Random(plan.seed)
        folder = Path(plan.folder)
        self.state = folder / "state"
        self.store = Store(
            self.state / "history.db",
            folder / "run",
            size_max_bytes=plan.size_max_bytes,
            commit_s=self.dice.choice([1.0, 3.0, 10.0]),
            chunk_count=self.dice.choice([4, 16, 64]),
            assets=["grid", "bat1"],
            deadbands=EXACT,
            seal_s=30.0,
        )
        self.store.open(self.now)
        kept = state_file.load_facts(self.state / "district") or {}
        self.rules = SessionRules(
            arrival_s=ARRIVAL_S, watermark_wait_s=2.0, back_off_max_s=30.0, backfill_messages_per_s=20.0
        )
        infos = {point: PointInfo(point, "float", "", 1.0) for point in ("grid.power_w", "bat1.power_w")}
        catalog = build_catalog(
            infos, {"grid": "grid", "bat1": "battery"}, local=(), deadband=lambda _point: 0.0
        )
        marks = load_marks(kept.get("marks"))
        self.session = NodeSession(ME, catalog, self.rules, marks, self.is_stranger)
        self.store.delivery = self.session
        self.companion = ControlChannel(
            ME,
            DocumentVerifier(ME, {}, None),
            self.store,
            LinkServices(Clock(self), self.note, self.keep),
            self.session.on_delivered,
            arrival=EventArrival(ARRIVAL_S, 30.0),
        )
        self.bdseq = 0
        self.is_up = False

    def is_stranger(self, boot: int) -> bool:
        """As the daemon judges it."""
        return 0 < self.store.stats["boot_before"] < boot != self.store.boot

    @property
    def now(self) -> Now:
        """One second a step, and a clock that everybody trusts."""
        return Now(self.second * 1_000_000_000, START_MS + self.second * 1000, synced=True)

    @property
    def context(self) -> SessionContext:
        """What the link sees."""
        return SessionContext(self.now, dict, self.store, tuple)

    def note(self, note: Note) -> None:
        """As the daemon does: what the link tells is an event."""
        self.store.event(note.code, note.text, {**note.data}, self.now)

    async def keep(self, *_: object) -> bool:
        """No document comes."""
        return True

    def heads(self) -> dict[str, list[int]]:
        """What was numbered so far, by stream."""
        return {stream: [mark.boot, mark.seq] for stream, mark in self.store.heads().items()}

    # One second

    def step(self, number: int) -> dict[str, Any]:
        """Sample, commit, send; returns what was numbered and sent."""
        self.second += 1
        if number == self.plan.heals:
            ctypes.CDLL(None).fault_disarm()
        self.sample()
        self.ends(number, "sampled")
        say({"heads": self.heads()})
        self.store.tick(self.now)
        if self.dice.random() < 0.6:
            self.store.wait_for_disk(60.0)
        self.ends(number, "committed")
        sent = self.send()
        self.ends(number, "sent")
        return {"heads": self.heads(), "sent": sent}

    def sample(self) -> None:
        for _ in range(self.dice.randrange(4)):
            values = array("d", [self.dice.random(), 0.0, self.dice.random()])
            texts = {1: f"é{self.dice.random()}"}
            self.store.record(Readings(BOTH, values, bytes(3), self.now.ns, texts), self.now)
        if self.dice.random() < 0.2:
            values = array("d", [self.dice.random()])
            self.store.record(Readings(SELDOM, values, bytes(1), self.now.ns, {}), self.now)
        if self.dice.random() < 0.2:
            self.store.event("device.silent", "grid is silent", {"age_s": self.second}, self.now)

    def send(self) -> list[list[Any]]:
        """Stream, boot, first, count and text of all that leaves now."""
        if not self.is_up:
            return []
        sent = keys_of(self.session.pump(self.context, ROOM_BYTES))
        for _ in range(EVENT_TURNS):
            wire = Wire()
            self.companion._send_events(wire)  # type: ignore[arg-type]  # the wire is all that it needs of one
            for message in wire.taken:
                body = json.loads(message.payload)
                sent.append([EVENT_STREAM, body["boot"], body["seq"], 1, [body["code"], body["data"]]])
                self.companion.on_acknowledged(StreamPosition(body["boot"], body["seq"]), 0)
        return sent

    # What the district does

    def hear(self, said: dict[str, Any], number: int) -> list[list[Any]]:
        """Returns what is sent at once, upon a new connection."""
        sent = self.reach(said["link"])
        if said["watermark"] is not None:
            claim = {"bdseq": self.bdseq, "streams": said["watermark"]}
            self.session.watermark(json.dumps(claim).encode(), self.context)
            self.companion.process_watermark(self.session.marks)
        self.ends(number, "heard")
        if number % 5 == 4:
            with suppress(OSError):  # no disk: nothing is trimmed
                self.keep_marks(number)
        return sent

    def keep_marks(self, number: int) -> None:
        """What is delivered, on disk first."""
        marks = {stream: [mark.boot, mark.seq] for stream, mark in self.session.marks.items()}
        state_file.save_facts(self.state / "district", {"marks": marks})
        self.ends(number, "kept")
        self.store.trim(dict(self.session.marks))
        self.ends(number, "trimmed")

    def reach(self, link: str) -> list[list[Any]]:
        """Connect, or lose the connections."""
        if self.is_up and link != "up":
            self.session.process_closing()
            self.is_up = False
        if self.is_up or link == "down":
            return []
        self.is_up = True
        self.bdseq = (self.bdseq + 1) % 256
        self.session.delivery.start_event_session()
        self.companion.begin(self.session.marks)
        return keys_of(self.session.process_opening(self.bdseq, self.context))

    def ends(self, number: int, place: str) -> None:
        """Kill ourselves where the plan says so."""
        if self.plan.point is not None and tuple(self.plan.point) == (number, place):
            os.kill(os.getpid(), signal.SIGKILL)


def keys_of(effects: list[Effect]) -> list[list[Any]]:
    """The samples in messages of the data connection."""
    found = []
    for effect in effects:
        if isinstance(effect, Publication):
            message = decode_payload(effect.payload)
            parts = effect.topic.split("/")
            if message.key is not None:
                stream = parts[4] if len(parts) == 5 else "node"
                found.append([stream, message.key.boot, message.key.first, len(message.metrics), None])
    return found


def live(plan: Plan) -> None:
    """One life, up to its clean end."""
    if plan.call is not None:
        kinds, nth, error, lasting = plan.call
        library = ctypes.CDLL(None)
        library.fault_arm.argtypes = [
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
        ]
        # The kernel writes a frame of the journal, in memory, whole: only a disk has halves.
        under = plan.folder if error == DIES else f"{plan.folder}/state"
        library.fault_arm(kinds, nth, error, int(lasting), os.fsencode(under))
    journal._GENERATION_BYTES = commit_log._LOG_FILE_BYTES = plan.file_bytes
    say({"pid": os.getpid()})
    life = Life(plan)
    stats = life.store.stats
    say({"boot": life.store.boot, "heads": life.heads(), "settled": life.store.stats["commits_count"] > 0})
    sent = life.reach(plan.link)
    for number in range(plan.steps):
        done = life.step(number)
        done["sent"] = sent + done["sent"]
        done["settled"] = stats["commits_count"] > 0 or life.store.stats["commits_count"] > 0
        done["turn"] = True
        say(done)
        said = json.loads(sys.stdin.readline())
        if said["link"] == "end":
            break
        sent = life.hear(said, number)
    say({"ended": life.store.close(life.now, 60.0)})


def say(found: object) -> None:
    os.write(1, f"{json.dumps(found)}\n".encode())


def main() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    for line in iter(sys.stdin.readline, ""):
        found = json.loads(line)
        if "folder" not in found:  # said to one that was killed before it heard
            continue
        plan = Plan(**found)
        child = os.fork()
        if not child:
            code = 9
            try:
                live(plan)
                code = 0
            except Exception:  # noqa: BLE001 - whatever it is, the test fails by it
                traceback.print_exc()
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, b"\n")  # it may have been killed within a line
        say({"dead": status})


if __name__ == "__main__":
    main()
