"""Jobs of the district: a new site file, a new key list, each once in its window; told by acks and events.

A site file that needs a person on site is refused with each key (``config/rights.py``).  One that loosens
waits as a whole, in every run anew, until ``loosening_waits_for`` is empty or its window is over; until then
nothing of it is kept or used.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from quartier.app import ordered
from quartier.app.ordered import Ordered
from quartier.app.places import Places
from quartier.config.load import Loaded
from quartier.config.rights import Judgement
from quartier.control.link.allowed import is_failsafe_tested, is_loosening_allowed
from quartier.control.link.state import LinkMode, LinkState
from quartier.control.requests import Ack, AckReason
from quartier.district.documents import Accepted
from quartier.district.issuers import Unsigned
from quartier.district.jobforms import Job
from quartier.district.keyring import Rollback
from quartier.district.uplink import Uplink
from quartier.house.now import Now
from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock
from quartier_drivers.errors import ConfigError

FILE = "jobs"
PERIOD_S = 1.0
LASTED_S = 60.0
FAULTS_MAX = 50
_FLOOR_S = 0.05
_ADOPTED_PERIODS = 60

Tell = Callable[[str, str, Mapping[str, Any], Now], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a job."""

    reception: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A site file that loosens and waits; judged against the site that was in use then."""

    job: Job
    used: Loaded
    loosened: tuple[str, ...]


DONE = Verdict("OK", "SUCCEEDED")
NOT_KEPT = Verdict("TEMPORARY_ERROR", "REJECTED"), "it cannot be kept on disk"


def loosening_waits_for(state: LinkState, now: Now) -> tuple[str, ...]:
    """Name what a remote parameter that loosens waits for (spec/failsafe.md#rule-7); empty: nothing."""
    found = []
    if state.mode is LinkMode.FAILSAFE or state.owed_ns is not None or is_failsafe_tested(state, now):
        found.append("the end of FAILSAFE")
    if not is_loosening_allowed(state, now):
        found.append("a heartbeat at most 60 s old" if now.synced else "a synchronised clock")
    return tuple(found)


class Jobs:
    """Does one job at a time; the newer of two that wait revokes the older.

    ``adopt`` has the daemon read its site file again; ``loaded`` gives the one that is used now, ``link`` the
    state of the link.
    """

    def __init__(
        self,
        uplink: Uplink,
        places: Places,
        loaded: Callable[[], Loaded],
        adopt: Callable[[], None],
        link: Callable[[], LinkState],
        clock: HouseClock,
        tell: Tell,
        log: Any,
    ) -> None:
        self._uplink = uplink
        self._config = places.config
        self._state_dir = places.state_dir
        self._loaded = loaded
        self._adopt = adopt
        self._link = link
        self._clock = clock
        self._event = tell
        self._log = log
        self._waiting: Job | None = None
        self._held: Held | None = None
        self._last = statefile.load(places.state_dir / FILE) or {}

    async def run(self) -> None:
        """For ever; after a minute it tells that an ordered site file lets the house live."""
        began_ns, told, seen = self._clock.now().ns, False, None
        while True:
            if (loaded := self._loaded()) is not seen:
                seen = loaded
                await self._stand(loaded.ordered)
            while self._uplink.jobs:
                await self.take(self._uplink.jobs.popleft())
            await self.work()
            if not told and self._clock.now().ns - began_ns > LASTED_S * 1e9:
                told = True
                await self._noted(partial(ordered.lasted, used=loaded.ordered))
            await self._clock.doze(PERIOD_S, _FLOOR_S)

    async def _stand(self, in_force: str) -> None:
        """A site file was read: say where an order is not in force any more."""
        try:
            gone = await asyncio.to_thread(ordered.superseded, self._config, self._state_dir)
            stands = await asyncio.to_thread(ordered.recalled, self._state_dir)
        except OSError as error:
            self._log.warning("jobs.not_kept", why=error.strerror or str(error))
            return
        if gone:
            self._tell(
                "job.superseded", gone, f"the site file of job {gone} gives way to a hand at the gateway"
            )
        elif stands is not None and stands.text and in_force != stands.name:
            text = (
                f"the site file of job {stands.name} let no run last, or cannot be read: an older one is used"
            )
            self._tell("job.given_up", stands.name, text)

    def _tell(self, code: str, job: str, text: str) -> None:
        self._log.info(code, job=job, text=text)
        self._event(code, text, {"job": job}, self._clock.now())

    async def take(self, accepted: Accepted) -> None:
        """A job has come: again, or for the first time."""
        job = accepted.document
        if not isinstance(job, Job):
            return
        if (verdict := self._verdict(job)) is not None:
            self._answer(job, verdict)
        elif not accepted.persisted:
            self._answer(job, Verdict("TEMPORARY_ERROR", "REJECTED"))
        elif job.op == "software":
            why = "this version has no way to update its software"
            await self._finish(job, Verdict("PERMANENT_ERROR", "REJECTED", "BOUNDS"), why)
        else:
            if self._waiting is not None and self._waiting != job:
                await self._finish(self._waiting, Verdict("OK", "REVOKED"), "a newer job came")
                self._waiting = None
            if self._waiting is None:
                self._tell("job.accepted", job.id, f"job {job.id} ({job.op}) was accepted")
            self._waiting = job
            self._answer(job, Verdict("OK", "ACCEPTED"))

    async def work(self) -> None:
        """Do the job that waits, if its window is open."""
        job, now = self._waiting, self._clock.now()
        if job is None or not now.synced or now.utc_ms < job.nbf_utc_ms:
            return
        self._waiting = None
        if now.utc_ms >= job.exp_utc_ms:
            await self._finish(job, Verdict("OK", "ABORTED", "EXPIRED"), self._why_expired(job))
            return
        try:
            made = await self._made_ready(job) if job.op == "config" else None
            if job.op == "config" and made is None:
                self._waiting = job
                return
            self._answer(job, Verdict("OK", "STARTED"))
            self._tell("job.started", job.id, f"job {job.id} ({job.op}) has begun")
            verdict, why = await (self._keys_job(job) if made is None else self._use(made))
        except ConfigError as error:
            await self._finish(job, _refusal(error), "it has faults", error)
        else:
            await self._finish(job, verdict, why)

    async def _made_ready(self, job: Job) -> Ordered | None:
        """Judge a site file; None where it loosens and has to wait, which is told once in a run.

        What waits is judged again when it may be done, and whenever another site file is used.  Raises
        ConfigError.
        """
        used, held = self._loaded(), self._held
        if held is not None and (held.job != job or held.used is not used):
            held = None
        if held is not None and loosening_waits_for(self._link(), self._clock.now()):
            return None
        made, judgement = await asyncio.to_thread(self._made, job, used)
        # Judging takes a while: the link may have left the state in which loosening was allowed.
        waits_for = loosening_waits_for(self._link(), self._clock.now())
        if not judgement.loosened or not waits_for:
            return made
        if self._held is None or self._held.job != job:
            self._tell_held(job, judgement.loosened, waits_for)
        self._held = Held(job, used, judgement.loosened)
        return None

    def _tell_held(self, job: Job, loosened: tuple[str, ...], waits_for: tuple[str, ...]) -> None:
        """Answer that it is accepted and, by SAFETY, not in effect; the event says what it waits for."""
        self._answer(job, Verdict("OK", "ACCEPTED", AckReason.SAFETY.value))
        data = {"job": job.id, "keys": list(loosened[:FAULTS_MAX]), "waits_for": list(waits_for)}
        text = f"the site file of job {job.id} loosens {', '.join(loosened)} and waits for "
        text += " and ".join(waits_for)
        self._log.info("job.waits", text=text, **data)
        self._event("job.waits", text, data, self._clock.now())

    def _why_expired(self, job: Job) -> str:
        if self._held is None or self._held.job != job:
            return "its window is over"
        return f"its window is over; it loosens {', '.join(self._held.loosened)} and had to wait"

    def _made(self, job: Job, used: Loaded) -> tuple[Ordered, Judgement]:
        """What is to be kept of an order that may be used, and what it changes.  Raises ConfigError."""
        judgement = ordered.checked(self._config, self._state_dir, job.text, used)
        before = ordered.counts(self._config, self._state_dir)
        good = "" if before is None else before.before if before.text == job.text else before.text
        over = ordered.digest(self._config, self._state_dir)
        return Ordered(job.text, over, job.id, job.seq, good), judgement

    async def _use(self, made: Ordered) -> tuple[Verdict, str]:
        """Keep it and have it used."""
        if not await self._noted(lambda state_dir: ordered.keep(state_dir, made)):
            return NOT_KEPT
        self._adopt()
        for _ in range(_ADOPTED_PERIODS):
            if self._loaded().ordered == made.name:
                return DONE, "the site file is in use"
            await self._clock.doze(PERIOD_S, _FLOOR_S)
        why = "the site file was changed at the gateway meanwhile"
        return Verdict("OK", "ABORTED", "LOCAL_OVERRIDE"), why

    async def _keys_job(self, job: Job) -> tuple[Verdict, str]:
        taken = await self._uplink.take_keys(job.text, "key list")
        return (DONE, "the key list is in use") if taken else NOT_KEPT

    async def _noted(self, write: Callable[[Path], None]) -> bool:
        try:
            await asyncio.to_thread(write, self._state_dir)
        except OSError as error:
            self._log.warning("jobs.not_kept", why=error.strerror or str(error))
            return False
        return True

    def _verdict(self, job: Job) -> Verdict | None:
        """What became of this very job before, in this run or an earlier one."""
        last = self._last
        if (last.get("id"), last.get("seq")) != (job.id, job.seq):
            return None
        return Verdict(*(str(last.get(word, "")) for word in ("reception", "status", "reason")))

    async def _finish(self, job: Job, verdict: Verdict, why: str, error: ConfigError | None = None) -> None:
        """Remember, answer and tell; what a passing fault prevented may be sent again as it is."""
        if verdict.reception != "TEMPORARY_ERROR":
            self._last = {
                "id": job.id,
                "seq": job.seq,
                "reception": verdict.reception,
                "status": verdict.status,
                "reason": verdict.reason,
            }
            await self._noted(lambda state_dir: statefile.save(state_dir / FILE, dict(self._last)))
        self._answer(job, verdict)
        faults = [] if error is None else [str(fault) for fault in error.faults]
        data: dict[str, Any] = {"id": job.id, "op": job.op, "status": verdict.status}
        data |= {"reason": verdict.reason, "faults": faults[:FAULTS_MAX]}
        if len(faults) > FAULTS_MAX:
            data["more"] = len(faults) - FAULTS_MAX
        self._log.info("job.ended", why=why, **data)
        self._event("job.ended", f"job {job.id} ({job.op}): {verdict.status}, {why}", data, self._clock.now())

    def _answer(self, job: Job, verdict: Verdict) -> None:
        self._uplink.ack(Ack(job.id, job.seq, "job", verdict.reception, verdict.status, verdict.reason))


def _refusal(error: ConfigError) -> Verdict:
    reasons = {Rollback: "REPLAY", Unsigned: "BAD_SIG"}
    return Verdict("INVALID_CONTENT", "REJECTED", reasons.get(type(error), "BOUNDS"))
