"""Run jobs of the district: a new site file or key list, once each in its window.

A site file that needs a person on site is refused, with each such key (``config/change_rights.py``). A site
file that loosens waits, in every run again, until ``find_loosening_conditions`` is empty or its window is
over. Until then only its tighter values of the parameters whose loosening waits are saved and used. They act
at once, also over a restart (spec/failsafe.md#rule-7). They end when a person changes what counts on site, or
when loosening is allowed and the file no longer waits; never before.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from quartier.config import stored_site_file
from quartier.config.change_rights import ChangeDecision
from quartier.config.loading import LoadedSite
from quartier.config.stored_site_file import GatewayPaths, StoredSiteFile, TightenedLimits
from quartier.control.link.allowed import is_failsafe_tested, is_loosening_allowed
from quartier.control.link.state import LinkMode, LinkState
from quartier.control.requests import Ack, AckReason
from quartier.district.documents.document_types import AcceptedDocument, Job
from quartier.district.documents.key_list import UnsignedList
from quartier.district.documents.keyring import OlderList
from quartier.district.uplink import Uplink
from quartier.runtime import state_file
from quartier.runtime.service_context import ServiceContext
from quartier.site.records import Now
from quartier_drivers.errors import ConfigError

JOBS_FILE = "jobs"
JOB_PERIOD_S = 1.0
TRIAL_RUN_S = 60.0
FAULTS_COUNT_MAX = 50
_PERIOD_FLOOR_S = 0.05
_ADOPTION_PERIODS = 60


@dataclass(frozen=True, slots=True)
class JobResult:
    """Result of a job."""

    reception: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HeldSiteFile:
    """A site file that loosens and waits; evaluated against the site that was in use then.

    ``unsaved`` are the tighter values until they are on disk.
    """

    job: Job
    used: LoadedSite
    judgement: ChangeDecision
    unsaved: TightenedLimits | None


@dataclass(frozen=True, slots=True)
class EvaluatedSiteFile:
    """The order to be saved if the file may be used, what it changes, and the tighter values if it waits.

    ``tightened`` is None if just these are on disk. ``is_loosening_allowed`` says whether the conditions for
    a loosening were met after the evaluation.
    """

    order: StoredSiteFile
    judgement: ChangeDecision
    tightened: TightenedLimits | None
    is_loosening_allowed: bool = False


JOB_DONE = JobResult("OK", "SUCCEEDED")
JOB_NOT_KEPT = JobResult("TEMPORARY_ERROR", "REJECTED"), "it cannot be kept on disk"


def find_loosening_conditions(state: LinkState, now: Now) -> tuple[str, ...]:
    """Name what a remote parameter that loosens waits for (spec/failsafe.md#rule-7); empty: nothing."""
    found = []
    if state.mode is LinkMode.FAILSAFE or state.owed_ns is not None or is_failsafe_tested(state, now):
        found.append("the end of FAILSAFE")
    if not is_loosening_allowed(state, now):
        found.append("a heartbeat at most 60 s old" if now.synced else "a synchronised clock")
    return tuple(found)


class JobRunner:
    """Runs one job at a time; a newer waiting job revokes the older.

    ``adopt`` makes the daemon read its site file again. ``loaded`` returns the site in use, ``link`` the link
    state.
    """

    def __init__(
        self,
        uplink: Uplink,
        places: GatewayPaths,
        loaded: Callable[[], LoadedSite],
        adopt: Callable[[], None],
        link: Callable[[], LinkState],
        context: ServiceContext,
    ) -> None:
        self._uplink = uplink
        self._config = places.config
        self._state_dir = places.state_dir
        self._loaded = loaded
        self._adopt = adopt
        self._link = link
        self._clock = context.clock
        self._event = context.event
        self._log = context.log
        self._seen: LoadedSite | None = None
        self._waiting: Job | None = None
        self._held: HeldSiteFile | None = None
        self._tightened = stored_site_file.load_tightened_limits(places.state_dir)
        self._is_disk_failing = False
        self._last = state_file.load_facts(places.state_dir / JOBS_FILE) or {}

    async def run(self) -> None:
        """Run for ever; after a minute note that the ordered site file let the gateway run."""
        began_ns, is_noted = self._clock.now().ns, False
        while True:
            loaded = self._loaded()
            await self.advance(loaded)
            if not is_noted and self._clock.now().ns - began_ns > TRIAL_RUN_S * 1e9:
                is_noted = True
                await self._try_to_save(partial(stored_site_file.note_run_lasted, used=loaded.ordered))
            await self._clock.sleep_coarsely(JOB_PERIOD_S, _PERIOD_FLOOR_S)

    async def advance(self, loaded: LoadedSite) -> None:
        """Do one turn: note a new site file in use, take the jobs that came, run the one that waits."""
        if self._seen is None:
            await self._complete_tightened_limits()
        if loaded is not self._seen:
            self._seen = loaded
            await self._report_superseded(loaded.ordered)
        while self._uplink.jobs:
            await self.take(self._uplink.jobs.popleft())
        await self.run_waiting_job()
        await self._end_tightened_limits()

    async def _report_superseded(self, in_force: str) -> None:
        """Report an order that is no longer in force, after a site file was read."""
        try:
            ended = await asyncio.to_thread(
                stored_site_file.drop_superseded_limits, self._config, self._state_dir
            )
            gone = await asyncio.to_thread(stored_site_file.drop_superseded, self._config, self._state_dir)
            stored = await asyncio.to_thread(stored_site_file.load_stored_site_file, self._state_dir)
        except OSError as error:
            self._log.warning("jobs.not_kept", why=error.strerror or str(error))
            return
        if ended is not None:
            self._tightened = stored_site_file.end_tightened_limits(ended)
        if ended is not None and ended.limits:
            text = f"job {ended.name}: its tighter values were replaced by a change by hand"
            self._record_event("job.superseded", ended.name, text)
        if gone:
            self._record_event(
                "job.superseded", gone, f"job {gone}: its site file was replaced by a change by hand"
            )
        elif stored is not None and stored.text and in_force != stored.name:
            text = (
                f"with the site file of job {stored.name} the gateway failed at every start, or the file "
                "cannot be read: an older one is used"
            )
            self._record_event("job.given_up", stored.name, text)

    def _record_event(self, code: str, job: str, text: str) -> None:
        self._log.info(code, job=job, text=text)
        self._event(code, text, {"job": job}, self._clock.now())

    async def take(self, accepted: AcceptedDocument) -> None:
        """Take a job, new or repeated."""
        job = accepted.document
        if not isinstance(job, Job):
            return
        if (verdict := self._find_earlier_result(job)) is not None:
            self._answer(job, verdict)
        elif not accepted.persisted:
            self._answer(job, JobResult("TEMPORARY_ERROR", "REJECTED"))
        elif job.op == "software":
            why = "this version has no way to update its software"
            await self._finish(job, JobResult("PERMANENT_ERROR", "REJECTED", "BOUNDS"), why)
        else:
            if self._waiting is not None and self._waiting != job:
                await self._finish(self._waiting, JobResult("OK", "REVOKED"), "a newer job came")
                self._waiting = None
            if self._waiting is None:
                self._record_event("job.accepted", job.id, f"job {job.id} ({job.op}) was accepted")
            self._waiting = job
            self._answer(job, JobResult("OK", "ACCEPTED"))

    async def run_waiting_job(self) -> None:
        """Run the waiting job if its window is open."""
        job, now = self._waiting, self._clock.now()
        if job is None or not now.synced or now.utc_ms < job.nbf_utc_ms:
            return
        self._waiting = None
        if now.utc_ms >= job.exp_utc_ms:
            await self._finish(job, JobResult("OK", "ABORTED", "EXPIRED"), self._explain_expiry(job))
            return
        try:
            found = await self._prepare_site_file(job) if job.op == "config" else None
            if job.op == "config" and found is None:
                self._waiting = job
                return
            self._answer(job, JobResult("OK", "STARTED"))
            self._record_event("job.started", job.id, f"job {job.id} ({job.op}) has begun")
            verdict, why = await (self._load_key_list(job) if found is None else self._adopt_order(found))
        except ConfigError as error:
            await self._finish(job, _make_refusal(error), "it has faults", error)
        else:
            await self._finish(job, verdict, why)

    async def _prepare_site_file(self, job: Job) -> EvaluatedSiteFile | None:
        """Evaluate a site file; return None if it loosens and must wait, which is reported once per run.

        A waiting file is evaluated again when it may be used, and whenever another site file is in use. Its
        tighter values are put into use. Raises ConfigError.
        """
        used, held = self._loaded(), self._held
        if held is not None and (held.job != job or held.used is not used):
            held = None
        if held is not None and find_loosening_conditions(self._link(), self._clock.now()):
            await self._tighten(held)
            return None
        found = await asyncio.to_thread(self._evaluate_site_file, job, used)
        # The evaluation takes a while: the link may have left the state in which loosening is allowed.
        waits_for = find_loosening_conditions(self._link(), self._clock.now())
        if not found.judgement.loosened or not waits_for:
            return replace(found, is_loosening_allowed=not waits_for)
        if self._held is None or self._held.job != job:
            self._report_held(job, found.judgement.loosened, waits_for)
        self._held = HeldSiteFile(job, used, found.judgement, found.tightened)
        await self._tighten(self._held)
        return None

    async def _tighten(self, held: HeldSiteFile) -> None:
        """Save the tighter values of a file that waits, and make the daemon use them; report it once.

        If the disk refuses, the next turn tries again.
        """
        wanted = held.unsaved
        if wanted is None or not await self._try_to_save(
            lambda state_dir: stored_site_file.save_tightened_limits(state_dir, wanted)
        ):
            return
        self._tightened = wanted
        self._held = replace(held, unsaved=None)
        new = {f"limits.{key}": value for key, value in held.judgement.tightened.items()}
        if new and wanted.limits:
            values = ", ".join(f"{key} = {value:g}" for key, value in new.items())
            text = f"job {held.job.id}: its site file waits; its tighter values act now: {values}"
            data = {"job": held.job.id, "keys": list(new), "values": new}
            self._log.info("job.tightened", text=text, **data)
            self._event("job.tightened", text, data, self._clock.now())
            self._adopt()

    async def _complete_tightened_limits(self) -> None:
        """Save the tighter values again at the start: a run that was killed may have saved one copy only."""
        tightened = self._tightened
        if tightened is not None and tightened.limits:
            await self._try_to_save(
                lambda state_dir: stored_site_file.save_tightened_limits(state_dir, tightened)
            )

    async def _end_tightened_limits(self) -> None:
        """End tighter values whose file no longer waits, once loosening is allowed (never before)."""
        tightened, now = self._tightened, self._clock.now()
        if tightened is None or not tightened.limits or find_loosening_conditions(self._link(), now):
            return
        waiting, last_seq = self._waiting, self._last.get("seq")
        if waiting is not None and (waiting.id, waiting.seq) == (tightened.id, tightened.seq):
            return
        is_decided = isinstance(last_seq, int) and last_seq >= tightened.seq
        if (is_decided or now.utc_ms >= tightened.exp_utc_ms) and await self._save_end(tightened):
            text = f"the tighter values of job {tightened.name} ended: it no longer waits for a loosening"
            self._record_event("job.tightening_ended", tightened.name, text)
            self._adopt()

    async def _save_end(self, tightened: TightenedLimits) -> bool:
        ended = stored_site_file.end_tightened_limits(tightened)
        saved = await self._try_to_save(
            lambda state_dir: stored_site_file.save_tightened_limits(state_dir, ended)
        )
        if saved:
            self._tightened = ended
        return saved

    def _report_held(self, job: Job, loosened: tuple[str, ...], waits_for: tuple[str, ...]) -> None:
        """Acknowledge that it is accepted but, for SAFETY, not in effect.

        The event says what it waits for.
        """
        self._answer(job, JobResult("OK", "ACCEPTED", AckReason.SAFETY.value))
        data = {"job": job.id, "keys": list(loosened[:FAULTS_COUNT_MAX]), "waits_for": list(waits_for)}
        text = f"the site file of job {job.id} loosens {', '.join(loosened)} and waits for "
        text += " and ".join(waits_for)
        self._log.info("job.waits", text=text, **data)
        self._event("job.waits", text, data, self._clock.now())

    def _explain_expiry(self, job: Job) -> str:
        if self._held is None or self._held.job != job:
            return "its window is over"
        return f"its window is over; it loosens {', '.join(self._held.judgement.loosened)} and had to wait"

    def _evaluate_site_file(self, job: Job, used: LoadedSite) -> EvaluatedSiteFile:
        """Evaluate the file of a job against the site in use.  Raises ConfigError."""
        # Before the evaluation: a person who changes the base meanwhile makes it void.
        approved = stored_site_file.find_approval_digest(self._config, self._state_dir)
        judgement = stored_site_file.check_ordered_text(self._config, self._state_dir, job.text, used)
        before = stored_site_file.find_order_in_force(self._config, self._state_dir)
        good = "" if before is None else before.before if before.text == job.text else before.text
        over = stored_site_file.find_base_digest(self._config, self._state_dir)
        order = StoredSiteFile(job.text, over, job.id, job.seq, good)
        stored = stored_site_file.load_tightened_limits(self._state_dir)
        own = TightenedLimits(job.id, job.seq, job.exp_utc_ms, approved, judgement.tightened)
        wanted = stored_site_file.tighten_further(stored or self._tightened, own)
        return EvaluatedSiteFile(order, judgement, None if wanted == stored else wanted)

    async def _adopt_order(self, found: EvaluatedSiteFile) -> tuple[JobResult, str]:
        """Save the order and make the daemon use it.

        Tighter values of a file that waited end with it, if loosening is allowed. They end last: after a kill
        in between the tighter of both counts.
        """
        made = found.order
        if not await self._try_to_save(
            lambda state_dir: stored_site_file.save_stored_site_file(state_dir, made)
        ):
            return JOB_NOT_KEPT
        if found.is_loosening_allowed and self._tightened is not None and self._tightened.limits:
            await self._save_end(self._tightened)
        self._adopt()
        for _ in range(_ADOPTION_PERIODS):
            if self._loaded().ordered == made.name:
                return JOB_DONE, "the site file is in use"
            await self._clock.sleep_coarsely(JOB_PERIOD_S, _PERIOD_FLOOR_S)
        why = "the site file was changed at the gateway meanwhile"
        return JobResult("OK", "ABORTED", "LOCAL_OVERRIDE"), why

    async def _load_key_list(self, job: Job) -> tuple[JobResult, str]:
        taken = await self._uplink.take_keys(job.text, "key list")
        return (JOB_DONE, "the key list is in use") if taken else JOB_NOT_KEPT

    async def _try_to_save(self, write: Callable[[Path], None]) -> bool:
        try:
            await asyncio.to_thread(write, self._state_dir)
        except OSError as error:
            if not self._is_disk_failing:
                self._log.warning("jobs.not_kept", why=error.strerror or str(error))
            self._is_disk_failing = True
            return False
        self._is_disk_failing = False
        return True

    def _find_earlier_result(self, job: Job) -> JobResult | None:
        """Return the earlier result of this same job, in this run or an earlier one."""
        last = self._last
        if (last.get("id"), last.get("seq")) != (job.id, job.seq):
            return None
        return JobResult(*(str(last.get(word, "")) for word in ("reception", "status", "reason")))

    async def _finish(self, job: Job, verdict: JobResult, why: str, error: ConfigError | None = None) -> None:
        """Save, acknowledge and report the result.

        A job that failed temporarily may be sent again unchanged.
        """
        if verdict.reception != "TEMPORARY_ERROR":
            self._last = {
                "id": job.id,
                "seq": job.seq,
                "reception": verdict.reception,
                "status": verdict.status,
                "reason": verdict.reason,
            }
            await self._try_to_save(
                lambda state_dir: state_file.save_facts(state_dir / JOBS_FILE, dict(self._last))
            )
        self._answer(job, verdict)
        faults = [] if error is None else [str(fault) for fault in error.faults]
        data: dict[str, Any] = {"id": job.id, "op": job.op, "status": verdict.status}
        data |= {"reason": verdict.reason, "faults": faults[:FAULTS_COUNT_MAX]}
        if len(faults) > FAULTS_COUNT_MAX:
            data["more"] = len(faults) - FAULTS_COUNT_MAX
        self._log.info("job.ended", why=why, **data)
        self._event("job.ended", f"job {job.id} ({job.op}): {verdict.status}, {why}", data, self._clock.now())

    def _answer(self, job: Job, verdict: JobResult) -> None:
        self._uplink.ack(Ack(job.id, job.seq, "job", verdict.reception, verdict.status, verdict.reason))


def _make_refusal(error: ConfigError) -> JobResult:
    reasons = {OlderList: "REPLAY", UnsignedList: "BAD_SIG"}
    return JobResult("INVALID_CONTENT", "REJECTED", reasons.get(type(error), "BOUNDS"))
