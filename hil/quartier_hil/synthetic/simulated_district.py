"""The district in this process: a heartbeat each 30 s and verified documents, while the connection exists."""

from dataclasses import dataclass, field

from quartier.control.orders import commands
from quartier.control.requests import (
    Ack,
    DeviceSchedule,
    Envelope,
    FailsafeDocument,
    FailsafeValues,
    Heartbeat,
    Interval,
    ScheduleInterval,
)
from quartier.site.records import Now, replace
from quartier_district.signed_documents import INVALID_PROGRAM
from quartier_hil.scenario.events import AssetSchedule
from quartier_hil.scenario.outside_events import (
    DISTRICT_PROGRAM,
    FailsafeParameters,
    LimitEnvelope,
    ShedCommand,
)
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.synthetic.controller import Controller

HEARTBEAT_S = 30.0
_REPLAY_AGE_MS = 86_400_000


@dataclass
class SimulatedDistrict:
    """The district's side of a site without wires: it sends documents and collects the answers.

    ``acks`` are the answers to each document, in order, ``answers`` those to documents without sense.
    """

    house: SiteSpec
    exp_utc_ms: int
    up: bool = True
    speaking: bool = True
    acks: list[Ack] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    _invalid_envelopes: list[tuple[str, Envelope]] = field(default_factory=list)
    _documents: dict[str, Envelope] = field(default_factory=dict)
    _due_s: float = float("-inf")
    _waiting: list[str] = field(default_factory=list)
    _parameters: FailsafeDocument | None = None
    _commands: list[commands.CommandDocument] = field(default_factory=list)
    _plans: list[DeviceSchedule] = field(default_factory=list)

    def hear(self, event: AssetSchedule | FailsafeParameters | ShedCommand, now: Now) -> None:
        """Send the document of an event other than caps."""
        match event:
            case AssetSchedule():
                self.plan(event, now)
            case FailsafeParameters():
                self.set_failsafe(event, now)
            case ShedCommand():
                self.send_shed(event, now)

    def plan(self, event: AssetSchedule, now: Now) -> None:
        """Send a schedule of one asset."""
        until_ms = now.utc_ms + int(event.for_s * 1e3)
        schedule = DeviceSchedule(
            id=f"{event.asset}-{now.utc_ms}",
            seq=now.utc_ms,
            asset=event.asset,
            nbf_utc_ms=now.utc_ms - 60_000,
            exp_utc_ms=until_ms,
            start_utc_ms=now.utc_ms,
            intervals=(ScheduleInterval(event.for_s, event.power_w, event.soc_pct),),
        )
        self._plans.append(schedule)

    def ask(self, event: LimitEnvelope | None, now: Now) -> None:
        """Send an envelope; None: what the contract allows, for as long as the run lasts."""
        site_spec = self.house
        if event is None:
            whole_s = (self.exp_utc_ms - now.utc_ms) / 1e3
            event = LimitEnvelope(
                at_s=0,
                do="caps",
                for_s=whole_s,
                import_max_w=site_spec.contract_import_w,
                export_max_w=site_spec.contract_export_w,
            )
        interval = Interval(event.for_s, event.import_max_w, event.export_max_w, event.generation_max_w)
        default_w = event.default_import_max_w
        self._documents[event.program] = Envelope(
            id=f"{event.program}-{now.utc_ms}",
            seq=now.utc_ms,
            program=event.program,
            priority=2,
            nbf_utc_ms=now.utc_ms - 60_000,
            exp_utc_ms=now.utc_ms + int(event.valid_s * 1e3) if event.valid_s else self.exp_utc_ms,
            start_utc_ms=now.utc_ms,
            intervals=(interval,),
            default_import_max_w=site_spec.contract_import_w if default_w is None else default_w,
            default_export_max_w=site_spec.contract_export_w,
            on_loss=event.on_loss,
        )
        self._waiting.append(event.program)

    def set_failsafe(self, event: FailsafeParameters, now: Now) -> None:
        """Send fail-safe parameters."""
        values = FailsafeValues(
            import_max_w=event.import_max_w,
            export_max_w=event.export_max_w,
            duration_min_s=event.duration_min_s,
        )
        self._parameters = FailsafeDocument(id=f"failsafe-{now.utc_ms}", seq=now.utc_ms, values=values)

    def send_shed(self, event: ShedCommand, now: Now) -> None:
        """Send a shed command."""
        request = commands.Shed(event.level, event.for_s)
        self._commands.append(
            commands.CommandDocument(
                id=f"shed-{now.utc_ms}", seq=now.utc_ms, exp_utc_ms=now.utc_ms + 60_000, asked=request
            )
        )

    def join(self, *, up: bool) -> None:
        """Disconnect or connect the broker; after a return the newest documents are sent again."""
        if up and not self.up:
            self.again()
        self.up = up

    def send_invalid_envelope(self, kind: str, now: Now) -> None:
        """Send an envelope without sense, rightly signed.

        Under a program of its own, but what is ``replayed``: to be older it needs one that was accepted.
        """
        sane = self._documents[DISTRICT_PROGRAM]
        watts = {"nan": float("nan"), "huge": 1e12, "negative": -5_000.0}.get(kind, 1_000.0)
        late_ms = 3_600_000 if kind == "late" else 0
        older = _REPLAY_AGE_MS if kind == "replayed" else 0
        document = replace(
            sane,
            id=f"{INVALID_PROGRAM}-{kind}-{now.utc_ms}",
            seq=now.utc_ms - older,
            program=sane.program if kind == "replayed" else INVALID_PROGRAM,
            exp_utc_ms=now.utc_ms - late_ms if late_ms else sane.exp_utc_ms,
            start_utc_ms=now.utc_ms - late_ms,
            nbf_utc_ms=now.utc_ms - late_ms - 60_000,
            intervals=(Interval(600.0, watts, watts),),
            default_import_max_w=watts,
        )
        self._invalid_envelopes.append((kind, document))

    def tell(self, controller: Controller, sent_ms: int, now: Now, now_s: float) -> None:
        """Say what is due to the gateway; ``sent_ms`` is the district's clock, ``now`` the gateway's."""
        if not self.up:
            return
        if self.speaking and now_s >= self._due_s:
            self._due_s = now_s + HEARTBEAT_S
            controller.heartbeat(Heartbeat(sent_ms, sent_ms), now)
        for kind, document in self._invalid_envelopes:
            ack = controller.document(document, now)
            self.answers.append((kind, ack.status, ack.reason))
        self._invalid_envelopes.clear()
        for schedule in self._plans:
            controller.schedule(schedule, now)
        self._plans.clear()
        for program in dict.fromkeys(self._waiting):
            self.acks.append(controller.document(self._documents[program], now))
        self._waiting.clear()
        if self._parameters is not None:
            self.acks.append(controller.parameters(self._parameters, now))
            self._parameters = None
        for command in self._commands:
            self.acks += controller.command(command, now)
        self._commands.clear()

    def again(self) -> None:
        """Send the newest document of each program to a gateway that starts or comes back."""
        self._waiting += self._documents
