"""The district in this process: heartbeats each 30 s and verified envelopes, while the way to it is there."""

from dataclasses import dataclass, field

from quartier.control.wishes import Ack, Envelope, Heartbeat, Interval
from quartier.house.now import Now
from quartier_hil.house import House
from quartier_hil.offline.controller import Controller
from quartier_hil.scenario import Caps

HEARTBEAT_S = 30.0
_PROGRAM = "district"


@dataclass
class Peer:
    """Who asks the house for something.  ``acks`` are the answers to each document, in order."""

    house: House
    exp_utc_ms: int
    up: bool = True
    speaking: bool = True
    acks: list[Ack] = field(default_factory=list)
    _document: Envelope | None = None
    _due_s: float = float("-inf")
    _waits: bool = False

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

    def tell(self, controller: Controller, now: Now, now_s: float) -> None:
        """Say what is due to the gateway."""
        if not self.up:
            return
        if self.speaking and now_s >= self._due_s:
            self._due_s = now_s + HEARTBEAT_S
            controller.heartbeat(Heartbeat(now.utc_ms, now.utc_ms), now)
        if self._waits and self._document is not None:
            self._waits = False
            self.acks.append(controller.document(self._document, now))

    def again(self) -> None:
        """A gateway that starts is told the newest document."""
        self._waits = self._document is not None
