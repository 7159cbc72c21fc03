"""Limits of each building of a fleet: the common link state, random delays, and a staged release (pure).

All buildings receive the same heartbeat and documents of the same form, so one link state machine of the
gateway gives the state and the share of its contract for all.

Deferred consumption comes back for hours: rooms are cold, cars are empty.  Released at once, all of it
adds
to the usual load of the district.  So after each common hold the district continues with a limit of its
own,
a share of each contract.  Each minute it compares its load with the level that it may reach, and takes a
step
up when there is room, a step down when there is none.
"""

import numpy as np

from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkMode, LinkState
from quartier.control.requests import Envelope, Heartbeat, Interval, OnLoss
from quartier.control.switch_state import RESTORE_AFTER_S, RESTORE_SPREAD_S
from quartier.site.records import Now, replace
from quartier.site.site_layout import SiteLimits
from quartier_bench.fleet.building_stock import FloatArray, draw_uniform

HEARTBEAT_S = 30
DOCUMENT_VALID_S = 26 * 3600
"""Validity of a document, s."""
AUTONOMOUS_SHARE = 0.8
_LIMITS = SiteLimits(
    import_hard_w=1.0,
    export_hard_w=1.0,
    import_failsafe_w=0.5,
    export_failsafe_w=0.0,
    import_autonomous_w=AUTONOMOUS_SHARE,
    export_autonomous_w=1.0,
)
"""The defaults of spec/failsafe.md#parameters, of a contract of 1."""
_NS_PER_S = 1_000_000_000


class FleetLink:
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
        autonomous: float = AUTONOMOUS_SHARE,
    ) -> None:
        self._params = allowed.LinkParameters(limits=replace(_LIMITS, import_autonomous_w=autonomous))
        self._start_utc_ms, self._beats = start_utc_ms, 0
        ends = [at for at, _ in shares[1:]] + [DOCUMENT_VALID_S]
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
            exp_utc_ms=start_utc_ms + DOCUMENT_VALID_S * 1000,
            start_utc_ms=start_utc_ms,
            intervals=intervals,
            default_import_max_w=1.0,
            default_export_max_w=1.0,
            on_loss=on_loss,
        )
        self._state: LinkState = machine.start_link(self._params, None, self._now(first - 2), outage=False)
        self.accept_heartbeat(first - 1)
        self.accept_document(first - 1)

    def _now(self, second: int) -> Now:
        return Now((second + 10_000) * _NS_PER_S, self._start_utc_ms + second * 1000, synced=True)

    @property
    def mode(self) -> LinkMode:
        """The state of all."""
        return self._state.mode

    def accept_heartbeat(self, second: int) -> None:
        """The common heartbeat came."""
        self._beats += 1
        now = self._now(second)
        self._state = machine.accept_heartbeat(
            self._state, self._params, Heartbeat(self._beats, now.utc_ms), now
        )

    def accept_document(self, second: int) -> None:
        """The district sent everybody's document again, as it does within 60 s of a birth."""
        self._state, _ = machine.accept_envelope(self._state, self._params, self._envelope, self._now(second))

    def second(self, second: int, *, outage: bool = False) -> tuple[float, float]:
        """Let time pass; the shares of the contract, and of the feed-in contract, that are in force."""
        now = self._now(second)
        self._state = machine.advance_link(self._state, self._params, now, outage=outage)
        caps = allowed.find_link_limits(self._state, self._params, now)
        return caps.import_max_w, caps.export_max_w

    def restart_gateways(self, second: int) -> None:
        """All processes began anew, with the state that they kept."""
        self._state = machine.start_link(self._params, self._state, self._now(second), outage=False)


class BuildingLimits:
    """Shares by building: what tightens acts at once, what loosens after a part of ``spread_s``.

    ``spread_s`` is ``randomize_start_s`` of the district's envelopes.
    """

    def __init__(self, count: int, seed: int, spread_s: float) -> None:
        self.share = np.ones(count)
        self._seed, self._spread_s = seed, spread_s
        self._common = 1.0
        self._due_s: FloatArray | None = None

    def second(self, second: int, share: float, *, spread: bool) -> bool:
        """Take the common share; ``spread``: it comes from a document.  Whether any building's changed."""
        changed = False
        if share != self._common:
            if share < self._common:
                self.share = np.minimum(self.share, share)
                changed = True
            elif spread and self._spread_s > 0.0:
                wait_s = self._spread_s * draw_uniform(self._seed, f"release {second}", len(self.share))
                self._due_s = second + wait_s
            else:
                self.share, self._due_s = np.full(len(self.share), share), None
                changed = True
            self._common = share
        if self._due_s is not None:
            due = (self._due_s <= second) & (self.share != self._common)
            if due.any():
                self.share = np.where(due, self._common, self.share)
                changed = True
        return changed


MEAN_S = 60
"""A load is the mean of a minute, and looked at each minute."""
BEFORE_HOLD_S = 900
NEARBY_S = 1800
LEVEL_AHEAD_S = 300
"""A compressor runs for five minutes before it may be stopped: a level that falls is met so much before."""
END_AFTER_S = 3600
"""After so long with the whole contract for all, the hold is over for the district."""
RAISE_INTERVAL_S = RESTORE_AFTER_S + RESTORE_SPREAD_S
"""A step up waits for what the one before let back."""
TARGET_LEVEL_SHARE, REDUCE_ABOVE_SHARE, SHARE_MIN = 0.96, 0.98, 0.3
"""Of the level: where a step leads, and above what one down is due; and the least share that one leads to."""
RAISE_FACTOR_MIN, RAISE_FACTOR_MAX = 1.03, 1.2
"""A share raised by a fifth raises the load by a fifth at most: no step up leads beyond the goal."""
ENVELOPE_VALID_S = 900
"""How long an envelope counts that no other one follows."""


def compute_minute_means(total_w: FloatArray) -> FloatArray:
    """By second, the mean of the minute that ends with it."""
    sums = np.concatenate(([0.0], np.cumsum(total_w)))
    found: FloatArray = np.full(len(total_w), np.nan)
    if len(total_w) >= MEAN_S:
        found[MEAN_S - 1 :] = (sums[MEAN_S:] - sums[:-MEAN_S]) / MEAN_S
    return found


def compute_allowed_levels(plain_w: FloatArray, before_w: float) -> FloatArray:
    """By second, what a district may take after a hold without a peak that is the hold's, in W.

    As much as before it, or as the same day without it (``plain_w``, means of a minute) takes within half an
    hour of then.
    """
    near_w = plain_w.copy()
    for shift in range(MEAN_S, NEARBY_S + 1, MEAN_S):
        np.fmax(near_w[shift:], plain_w[:-shift], out=near_w[shift:])
        np.fmax(near_w[:-shift], plain_w[shift:], out=near_w[:-shift])
    return np.fmax(near_w, before_w)


class StagedRelease:
    """The district's say after a hold; ``plain_w`` is its forecast, by second of the record."""

    def __init__(self, plain_w: FloatArray) -> None:
        self._plain_w, self._level_w = plain_w, plain_w
        self._before_w: float | None = None
        self._was, self._was_stopped = 1.0, False
        self._share, self._moved_at, self._told = 1.0, 0, 0
        self._is_active = False

    def follow(self, place: int, total_w: FloatArray, share: float, *, rests: bool, hears: bool) -> float:
        """The share of each contract that is allowed now.

        ``share``: what the link's state allows, ``rests``: no gateway is at work, ``hears``: they hear the
        district.  Of ``total_w`` only what was before ``place`` is looked at.
        """
        if (rests or share < self._was) and self._before_w is None:
            self._before_w = self._find_highest_w(total_w, place)
        if hears and not rests and self._before_w is not None and (self._was_stopped or share > self._was):
            self._release(place, self._was)
            self._before_w = None if share >= 1.0 else self._before_w
        elif hears and self._is_active and place % MEAN_S == 0:
            self._look(place, float(total_w[place - MEAN_S : place].mean()))
        self._was, self._was_stopped = share, rests
        return min(share, self._share) if place < self._told + ENVELOPE_VALID_S else share

    def _find_highest_w(self, total_w: FloatArray, place: int) -> float:
        """The most in the quarter of an hour before; of a shorter time, of that."""
        minutes = compute_minute_means(total_w[max(place - BEFORE_HOLD_S - MEAN_S, 0) : place])
        return float(np.nanmax(minutes, initial=0.0))

    def _release(self, place: int, share: float) -> None:
        assert self._before_w is not None
        self._level_w = compute_allowed_levels(self._plain_w, self._before_w)
        self._moved_at, self._told, self._share, self._is_active = place, place, share, True

    def _look(self, place: int, mean_w: float) -> None:
        level_w, since_s = float(self._level_w[place : place + LEVEL_AHEAD_S].min()), place - self._moved_at
        self._told = place
        factor = min(RAISE_FACTOR_MAX, TARGET_LEVEL_SHARE * level_w / max(mean_w, 1.0))
        if mean_w > REDUCE_ABOVE_SHARE * level_w and self._share > SHARE_MIN:
            self._share, self._moved_at = max(SHARE_MIN, self._share * factor), place
        elif factor >= RAISE_FACTOR_MIN and since_s >= RAISE_INTERVAL_S and self._share < 1.0:
            self._share, self._moved_at = min(1.0, self._share * factor), place
        self._is_active = self._share < 1.0 or since_s < END_AFTER_S
