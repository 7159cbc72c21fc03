"""What the link allows at an instant: the caps of its state, its documents and the hard limits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from random import Random

from quartier.control import reason, schedule
from quartier.control.caps import LinkCaps, Powers, tightest
from quartier.control.linkstate import LinkState, Mode, Program
from quartier.control.wishes import Envelope, FailsafeValues
from quartier.house.assets import Limits
from quartier.house.now import Now
from quartier_drivers.who import Who

FRESH_S = 60.0  # a heartbeat this old still allows loosening, and pairs with a document
TEST_WHY = "a test of the fail-safe state, by a command of the district"
LEAP_S = 60.0
"""A wall clock that went on by so much more than the monotonic one leapt, until a heartbeat agrees."""
_MOST_W = 1e9
"""The largest power that a document may say: what a ramp has raised beyond it is no cap any more."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParams:
    """What the site file says of the link; ``seed`` spreads random starts over buildings."""

    limits: Limits
    heartbeat_timeout_s: float = 120.0
    failsafe_min_s: float = 7200.0
    hold_max_s: float = 93600.0
    heartbeat_offset_max_s: float = 60.0
    seed: int = 0


def caps(state: LinkState, params: LinkParams, now: Now) -> LinkCaps:
    """What the link allows now: the minimum over the hard limits, the state and its documents."""
    powers, whose = tightest(_sources(state, params, now))
    careful = _is_careful(state, now)
    tested = is_tested(state, now) and state.mode not in (Mode.INIT, Mode.FAILSAFE)
    return LinkCaps(
        mode=str(Mode.FAILSAFE if tested else state.mode),
        why=TEST_WHY if tested else state.why,
        since_ns=state.test_ns[0] if tested and state.test_ns else state.since_ns,
        import_max_w=powers.import_w,
        export_max_w=powers.export_w,
        generation_max_w=powers.generation_w if powers.generation_w <= _MOST_W else None,
        consumption_max_w=powers.consumption_w if powers.consumption_w <= _MOST_W else None,
        whose=whose,
        no_battery_export=careful,
        no_grid_charge_above_reserve=careful,
        tested=tested,
    )


def reckoned_ms(state: LinkState, now: Now) -> int:
    """UTC by the wall clock if synced, else counted on from when it last was."""
    if now.synced or state.anchor_ns is None or state.anchor_utc_ms is None:
        return now.utc_ms
    return state.anchor_utc_ms + (now.ns - state.anchor_ns) // 1_000_000


def steady_ms(state: LinkState, now: Now) -> int:
    """UTC by which nothing ends early: that of a wall clock that leapt ahead counts on from before the leap.

    So a cap lasts at least as long as its document said, by the monotonic clock; where nothing leapt it is
    ``reckoned_ms``, also where the clock was set back: the later end wins.
    """
    utc_ms = reckoned_ms(state, now)
    if state.sure_ns is None:
        return utc_ms
    steady = state.sure_utc_ms + (now.ns - state.sure_ns) // 1_000_000
    return steady if utc_ms - steady > LEAP_S * 1000 else utc_ms


def age_s(then_ns: int | None, now: Now) -> float:
    """Seconds since then; infinite for never."""
    return float("inf") if then_ns is None else (now.ns - then_ns) / _S


def active(state: LinkState, now: Now) -> Iterator[Envelope]:
    """Documents not expired; ``nbf`` was judged when they came, a clock set back does not undo that."""
    utc_ms = steady_ms(state, now)
    return (p.envelope for p in state.programs if utc_ms <= p.envelope.exp_utc_ms)


def may_loosen(state: LinkState, now: Now) -> bool:
    """Rule 3 of failsafe.md: a heartbeat at most 60 s old and a synced clock that did not leap since."""
    leapt = steady_ms(state, now) < reckoned_ms(state, now)
    return now.synced and not leapt and age_s(state.heartbeat_ns, now) <= FRESH_S


def is_tested(state: LinkState, now: Now) -> bool:
    """Whether a command has the fail-safe state tested now: its values hold beside all others."""
    return state.test_ns is not None and now.ns < state.test_ns[1]


def leads(state: LinkState, params: LinkParams, now: Now) -> bool:
    """Whether the district's wishes for single assets are followed: not where it is lost, or that is tested.

    In HOLD what was ordered goes on; in AUTONOMOUS a heartbeat in time must stand behind it.
    """
    if is_tested(state, now) or state.mode in (Mode.INIT, Mode.FAILSAFE):
        return False
    heard = age_s(state.heartbeat_ns, now) <= params.heartbeat_timeout_s
    return heard or state.mode is Mode.HOLD


def _is_careful(state: LinkState, now: Now) -> bool:
    return state.mode in (Mode.INIT, Mode.FAILSAFE) or is_tested(state, now)


def _sources(state: LinkState, params: LinkParams, now: Now) -> Iterator[tuple[str, Powers]]:
    limits = params.limits
    yield "hard limit", Powers(limits.import_hard_w, limits.export_hard_w)
    if _is_careful(state, now):
        values = failsafe_values(state, params)
        yield "fail-safe value", Powers(values.import_max_w, values.export_max_w)
    if state.mode is Mode.AUTONOMOUS:
        yield "autonomous value", Powers(limits.import_autonomous_w, limits.export_autonomous_w)
    if state.floor is not None:
        yield "the state before, until loosening is allowed", state.floor
    utc_ms = reckoned_ms(state, now)
    for program in state.programs:
        yield from _program_sources(state, params, program, utc_ms, now)


def _program_sources(
    state: LinkState, params: LinkParams, program: Program, utc_ms: int, now: Now
) -> Iterator[tuple[str, Powers]]:
    newest, steady = program.envelope, steady_ms(state, now)
    name = _named(newest, f"envelope {newest.program} {newest.id}")
    if utc_ms <= newest.exp_utc_ms:
        yield name, schedule.lowest(newest, *_window(newest, params, utc_ms))
        if not now.synced and state.anchor_utc_ms is not None:
            # No absolute schedule beyond the running interval: what ran when the clock was lost binds.
            yield reason.further(name, ", clock not synced"), schedule.at(newest, state.anchor_utc_ms)
    elif state.mode in (Mode.CONTROLLED, Mode.HOLD):
        yield _named(newest, f"default of expired {name}"), schedule.default(newest)
    if steady < utc_ms and steady <= newest.exp_utc_ms:
        yield reason.further(name, ", the clock leapt ahead"), schedule.at(newest, steady)
    lost_ms = utc_ms if now.synced or state.anchor_utc_ms is None else state.anchor_utc_ms
    for older in program.earlier:
        if steady <= older.exp_utc_ms:
            yield (
                _named(older, f"envelope {older.program} {older.id}, until loosening is allowed"),
                reduce(Powers.least, (schedule.at(older, then) for then in (utc_ms, steady, lost_ms))),
            )


def _named(envelope: Envelope, words: str) -> reason.Reason:
    return reason.Reason(words, Who("document", envelope.program, envelope.id, envelope.seq))


def _window(envelope: Envelope, params: LinkParams, utc_ms: int) -> tuple[int, int]:
    """From when to when a cap of the envelope binds now: a random start only delays what loosens."""
    # Not for secrets: the same building and document give the same delay after a restart.
    fraction = Random(f"{params.seed}:{envelope.id}:{envelope.seq}").random()  # noqa: S311  see above
    delay_ms = int(fraction * envelope.randomize_start_s * 1000)
    return min(max(utc_ms - delay_ms, envelope.nbf_utc_ms), utc_ms), utc_ms


def failsafe_values(state: LinkState, params: LinkParams) -> FailsafeValues:
    """The fail-safe values in force: the district's where it sent some, else the site's."""
    limits = params.limits
    if state.failsafe is not None:
        return replace(
            state.failsafe,
            import_max_w=min(state.failsafe.import_max_w, limits.import_hard_w),
            export_max_w=min(state.failsafe.export_max_w, limits.export_hard_w),
        )
    return FailsafeValues(
        import_max_w=min(limits.import_failsafe_w, limits.import_hard_w),
        export_max_w=min(limits.export_failsafe_w, limits.export_hard_w),
        duration_min_s=params.failsafe_min_s,
    )


def failsafe_waits(state: LinkState) -> bool:
    """Whether parameters of the district that loosen wait until they may."""
    return state.failsafe_next is not None and state.failsafe_next != state.failsafe


def failsafe_loosens(before: LinkState, after: LinkState, params: LinkParams) -> bool:
    """Whether ``after`` allows more in the fail-safe state, or ends it sooner, now or once it may."""
    old, new = failsafe_values(before, params), failsafe_values(after, params)
    return any(
        one.import_max_w > old.import_max_w
        or one.export_max_w > old.export_max_w
        or one.duration_min_s < old.duration_min_s
        for one in (new, after.failsafe_next or new)
    )
