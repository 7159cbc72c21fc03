"""A link driven by hand with synthetic time, and a small building for the cycle."""

import json
from dataclasses import dataclass, field, replace

import pytest

from quartier.control import link
from quartier.control.caps import LinkCaps
from quartier.control.linkstate import LinkState, Mode
from quartier.control.wishes import Ack, Envelope, FailsafeDocument, FailsafeValues, Heartbeat, Interval
from quartier.house.assets import Limits
from quartier.house.now import Now

EPOCH_MS = 1_790_000_000_000
LIMITS = Limits(
    import_hard_w=10_000,
    export_hard_w=6_000,
    import_failsafe_w=5_000,
    export_failsafe_w=0,
    import_autonomous_w=8_000,
    export_autonomous_w=6_000,
)


def envelope(
    seq: int = 1,
    program: str = "district",
    *,
    import_w: float | None = 9_000,
    export_w: float | None = 6_000,
    start_s: float = 0,
    length_s: float = 14_400,
    nbf_s: float = -3_600,
    exp_s: float = 100_000,
    default_w: float = 7_000,
    on_loss: str = "failsafe",
    **more: object,
) -> Envelope:
    """One interval; instants in seconds of the test's time."""
    plain = Envelope(
        id=f"{program}-{seq}",
        seq=seq,
        program=program,
        priority=2,
        nbf_utc_ms=EPOCH_MS + int(nbf_s * 1000),
        exp_utc_ms=EPOCH_MS + int(exp_s * 1000),
        start_utc_ms=EPOCH_MS + int(start_s * 1000),
        intervals=(Interval(length_s, import_w, export_w),),
        default_import_max_w=default_w,
        default_export_max_w=3_000,
        on_loss=on_loss,
    )
    return replace(plain, **more)


@dataclass
class Drive:
    """The machine with a clock that the test turns: ``t`` in s, wall clock ``jump_s`` off it."""

    params: link.LinkParams = field(default_factory=lambda: link.LinkParams(limits=LIMITS))
    t: float = 0.0
    jump_s: float = 0.0
    synced: bool = True
    boot_s: float = 0.0
    n: int = 0
    state: LinkState | None = None

    @property
    def now(self) -> Now:
        wall_ms = EPOCH_MS + int((self.t + self.jump_s) * 1000)
        return Now(round((self.t - self.boot_s) * 1e9), wall_ms, self.synced)

    @property
    def mode(self) -> Mode:
        return self.state.mode

    @property
    def caps(self) -> LinkCaps:
        return link.caps(self.state, self.params, self.now)

    def start(self, persisted: LinkState | None = None, *, outage: bool = False) -> "Drive":
        self.state = link.start(self.params, persisted, self.now, outage=outage)
        return self

    def restart(self, *, down_s: float = 0, outage: bool = False) -> "Drive":
        kept = link.restore(json.loads(json.dumps(link.dump(self.state))))
        self.t += down_s
        return self.start(kept, outage=outage)

    def tick(self, t: float | None = None, *, outage: bool = False) -> "Drive":
        self.t = self.t if t is None else t
        self.state = link.tick(self.state, self.params, self.now, outage=outage)
        return self

    def beat(self, t: float | None = None) -> "Drive":
        self.t = self.t if t is None else t
        self.n += 1
        beat = Heartbeat(self.n, self.now.utc_ms)
        self.state = link.heartbeat(self.state, self.params, beat, self.now)
        return self

    def beats_until(self, t: float) -> "Drive":
        while self.t + 30 <= t:
            self.beat(self.t + 30)
        return self.tick(t)

    def give(self, paper: Envelope, t: float | None = None) -> Ack:
        self.t = self.t if t is None else t
        self.state, ack = link.document(self.state, self.params, paper, self.now)
        return ack

    def give_failsafe(self, seq: int, **values: float) -> Ack:
        paper = FailsafeDocument(id=f"fs-{seq}", seq=seq, values=FailsafeValues(**values))
        self.state, ack = link.failsafe_document(self.state, self.params, paper, self.now)
        return ack

    def controlled(self, **paper: object) -> "Drive":
        """CONTROLLED from t = 0 by one document and one heartbeat."""
        self.start()
        assert self.give(envelope(**paper)).status == "ACCEPTED"
        self.beat()
        assert self.mode is Mode.CONTROLLED
        return self

    def failsafe(self) -> "Drive":
        """FAILSAFE entered at t = 121 by loss of the heartbeat."""
        self.controlled().tick(121)
        assert self.mode is Mode.FAILSAFE
        return self


@pytest.fixture(scope="session")
def drive() -> type[Drive]:
    return Drive


@pytest.fixture(scope="session")
def paper():
    """Makes envelopes; instants in seconds of the test's time."""
    return envelope


@pytest.fixture(scope="session")
def limits() -> Limits:
    return LIMITS
