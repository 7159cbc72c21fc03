"""The link of a whole fleet: the gateway's own state machine once, in shares of a contract.

All buildings hear the same heartbeat and hold documents of the same form, so one machine tells for all in
which state they are and which share of its contract each may take.
"""

from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkMode, LinkState
from quartier.control.requests import Envelope, Heartbeat, Interval, OnLoss
from quartier.site.records import Now, replace
from quartier.site.site_layout import SiteLimits

HEARTBEAT_S = 30
LEASED_S = 26 * 3600
"""Validity of a document, s."""
AUTONOMOUS = 0.8
_LIMITS = SiteLimits(
    import_hard_w=1.0,
    export_hard_w=1.0,
    import_failsafe_w=0.5,
    export_failsafe_w=0.0,
    import_autonomous_w=AUTONOMOUS,
    export_autonomous_w=1.0,
)
"""The defaults of spec/failsafe.md#parameters, of a contract of 1."""
_S = 1_000_000_000


class Link:
    """``shares`` are caps in force from seconds of the day on, each until the next one; (0, 1.0) is none.

    ``first`` is the second before which all were told and heard, ``autonomous`` the share that the buildings
    take without a district.
    """

    def __init__(
        self,
        shares: list[tuple[int, float]],
        start_utc_ms: int,
        on_loss: OnLoss,
        first: int = 0,
        autonomous: float = AUTONOMOUS,
    ) -> None:
        self._params = allowed.LinkParameters(limits=replace(_LIMITS, import_autonomous_w=autonomous))
        self._start_utc_ms, self._beats = start_utc_ms, 0
        ends = [at for at, _ in shares[1:]] + [LEASED_S]
        intervals = tuple(
            Interval(float(end - at), import_max_w=share, export_max_w=1.0)
            for (at, share), end in zip(shares, ends, strict=True)
        )
        self._envelope = Envelope(
            id="fleet",
            seq=1,
            program="district",
            priority=2,
            nbf_utc_ms=start_utc_ms - 60_000,
            exp_utc_ms=start_utc_ms + LEASED_S * 1000,
            start_utc_ms=start_utc_ms,
            intervals=intervals,
            default_import_max_w=1.0,
            default_export_max_w=1.0,
            on_loss=on_loss,
        )
        self._state: LinkState = machine.start_link(self._params, None, self._now(first - 2), outage=False)
        self.heard(first - 1)
        self.told(first - 1)

    def _now(self, second: int) -> Now:
        return Now((second + 10_000) * _S, self._start_utc_ms + second * 1000, synced=True)

    @property
    def mode(self) -> LinkMode:
        """The state of all."""
        return self._state.mode

    def heard(self, second: int) -> None:
        """The common heartbeat came."""
        self._beats += 1
        now = self._now(second)
        self._state = machine.accept_heartbeat(
            self._state, self._params, Heartbeat(self._beats, now.utc_ms), now
        )

    def told(self, second: int) -> None:
        """The district sent everybody's document again, as it does within 60 s of a birth."""
        self._state, _ = machine.accept_envelope(self._state, self._params, self._envelope, self._now(second))

    def second(self, second: int, *, outage: bool = False) -> tuple[float, float]:
        """Let time pass; the shares of the contract, and of the feed-in contract, that are in force."""
        now = self._now(second)
        self._state = machine.advance_link(self._state, self._params, now, outage=outage)
        caps = allowed.find_link_limits(self._state, self._params, now)
        return caps.import_max_w, caps.export_max_w

    def restarted(self, second: int) -> None:
        """All processes began anew, with the state that they kept."""
        self._state = machine.start_link(self._params, self._state, self._now(second), outage=False)
