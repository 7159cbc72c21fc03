"""The district in this process: heartbeats each 30 s and verified envelopes, while the way to it is there."""

from dataclasses import dataclass, field, replace

from quartier.control.wishes import Ack, DeviceSchedule, Envelope, Heartbeat, Interval, Stretch
from quartier.house.now import Now
from quartier_hil.happenings import INSANE_PROGRAM, Plan
from quartier_hil.house import House
from quartier_hil.offline.controller import Controller
from quartier_hil.scenario import Caps

HEARTBEAT_S = 30.0
_PROGRAM = "district"
_OLD_MS = 86_400_000


@dataclass
class Peer:
    """Who asks the house for something.

    ``acks`` are the answers to each document, in order, ``answers`` those to documents without sense.
    """

    house: House
    exp_utc_ms: int
    up: bool = True
    speaking: bool = True
    acks: list[Ack] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    _insane: list[tuple[str, Envelope]] = field(default_factory=list)
    _document: Envelope | None = None
    _due_s: float = float("-inf")
    _waits: bool = False
    _plans: list[DeviceSchedule] = field(default_factory=list)

    def plan(self, event: Plan, now: Now) -> None:
        """Send a schedule of one asset."""
        until_ms = now.utc_ms + int(event.for_s * 1e3)
        paper = DeviceSchedule(
            id=f"{event.asset}-{now.utc_ms}",
            seq=now.utc_ms,
            asset=event.asset,
            nbf_utc_ms=now.utc_ms - 60_000,
            exp_utc_ms=until_ms,
            start_utc_ms=now.utc_ms,
            stretches=(Stretch(event.for_s, event.power_w, event.soc_pct),),
        )
        self._plans.append(paper)

    def ask(self, event: Caps | None, now: Now) -> None:
        """Send an envelope; None: what the contract allows, for as long as the run lasts."""
        wanted = Caps(at_s=0, do="caps", for_s=1) if event is None else event
        house = self.house
        for_s = (self.exp_utc_ms - now.utc_ms) / 1e3 if event is None else event.for_s
        interval = Interval(
            for_s,
            house.contract_import_w if event is None else wanted.import_max_w,
            house.contract_export_w if event is None else wanted.export_max_w,
            wanted.generation_max_w,
        )
        self._document = Envelope(
            id=f"{_PROGRAM}-{now.utc_ms}",
            seq=now.utc_ms,
            program=_PROGRAM,
            priority=2,
            nbf_utc_ms=now.utc_ms - 60_000,
            exp_utc_ms=self.exp_utc_ms,
            start_utc_ms=now.utc_ms,
            intervals=(interval,),
            default_import_max_w=house.contract_import_w,
            default_export_max_w=house.contract_export_w,
            on_loss=wanted.on_loss,
        )
        self._waits = True

    def join(self, *, up: bool) -> None:
        """The broker goes or comes; who comes back is told the newest document again."""
        self._waits = self._waits or (up and not self.up)
        self.up = up

    def ask_badly(self, kind: str, now: Now) -> None:
        """Send an envelope without sense, rightly signed.

        Under a program of its own, but what is ``replayed``: to be older it needs one that was accepted.
        """
        sane = self._document
        assert sane is not None
        watts = {"nan": float("nan"), "huge": 1e12, "negative": -5_000.0}.get(kind, 1_000.0)
        late_ms = 3_600_000 if kind == "late" else 0
        older = _OLD_MS if kind == "replayed" else 0
        document = replace(
            sane,
            id=f"{INSANE_PROGRAM}-{kind}-{now.utc_ms}",
            seq=now.utc_ms - older,
            program=sane.program if kind == "replayed" else INSANE_PROGRAM,
            exp_utc_ms=now.utc_ms - late_ms if late_ms else sane.exp_utc_ms,
            start_utc_ms=now.utc_ms - late_ms,
            nbf_utc_ms=now.utc_ms - late_ms - 60_000,
            intervals=(Interval(600.0, watts, watts),),
            default_import_max_w=watts,
        )
        self._insane.append((kind, document))

    def tell(self, controller: Controller, sent_ms: int, now: Now, now_s: float) -> None:
        """Say what is due to the gateway; ``sent_ms`` is the district's clock, ``now`` the gateway's."""
        if not self.up:
            return
        if self.speaking and now_s >= self._due_s:
            self._due_s = now_s + HEARTBEAT_S
            controller.heartbeat(Heartbeat(sent_ms, sent_ms), now)
        for kind, document in self._insane:
            ack = controller.document(document, now)
            self.answers.append((kind, ack.status, ack.reason))
        self._insane.clear()
        for paper in self._plans:
            controller.schedule(paper, now)
        self._plans.clear()
        if self._waits and self._document is not None:
            self._waits = False
            self.acks.append(controller.document(self._document, now))

    def again(self) -> None:
        """A gateway that starts is told the newest document."""
        self._waits = self._document is not None
