"""Drawn sequences of site files from afar, restarts, kills, windows, heartbeats and people: nothing loosens."""

import asyncio
import tempfile
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import structlog
from hypothesis import event, given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.config import stored_site_file
from quartier.config.loading import ReplacementText, load_site_leniently
from quartier.config.stored_site_file import APPLIED_FILE, GatewayPaths, StoredSiteFile
from quartier.control.link import machine
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkMode
from quartier.control.requests import Heartbeat
from quartier.district.documents.document_types import AcceptedDocument, Job
from quartier.district.service.jobs import JobRunner, find_loosening_conditions
from quartier.runtime import state_file
from quartier.runtime.service_context import ServiceContext
from quartier.site.records import Now
from quartier.site.site_layout import SiteLimits

PARAMS = LinkParameters(
    limits=SiteLimits(
        import_hard_w=12000.0,
        export_hard_w=6000.0,
        import_failsafe_w=6000.0,
        export_failsafe_w=0.0,
        import_autonomous_w=9600.0,
        export_autonomous_w=6000.0,
    )
)
SITE = (
    'site = {{ id = "b012", district = "issy" }}\n'
    "limits = {{ contract_import_w = 12000, contract_export_w = 6000{limits} }}\n"
    'buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = 1502 }}\n'
    'devices.gx = {{ bus = "lan", profile = "victron/gx", unit = 227 }}\n'
    'assets.grid = {{ role = "grid", device = "gx", part = "grid" }}\n'
    "control = {{ grid_target_w = {target_w} }}\n"
)
# Effective value, and the factor that makes the looser value the larger one.
PARAMETERS = {
    "failsafe_import_w": ("import_failsafe_w", 1),
    "failsafe_export_w": ("export_failsafe_w", 1),
    "autonomous_import_w": ("import_autonomous_w", 1),
    "autonomous_export_w": ("export_autonomous_w", 1),
    "failsafe_min_s": ("failsafe_min_s", -1),
    "hold_max_s": ("hold_max_s", 1),
    "heartbeat_timeout_s": ("heartbeat_timeout_s", 1),
}
VALUES = {
    "failsafe_import_w": [0, 1000, 6000, 9600, 12_000],
    "failsafe_export_w": [0, 500, 3000, 6000],
    "autonomous_import_w": [0, 1000, 6000, 9600, 12_000],
    "autonomous_export_w": [0, 500, 3000, 6000],
    "failsafe_min_s": [7200, 9000, 86_400],
    "hold_max_s": [3600, 40_000, 93_600],
    "heartbeat_timeout_s": [60, 90, 120],
}
LIMITS = st.fixed_dictionaries({}, optional={key: st.sampled_from(VALUES[key]) for key in PARAMETERS})


class Killed(BaseException):
    """The process ends in the middle of a write."""


def text_of(limits, target_w):
    return SITE.format(
        limits="".join(f", {key} = {value}" for key, value in limits.items()), target_w=target_w
    )


def looseness(site):
    """Each parameter as a number that is higher where it is looser."""
    return {key: factor * getattr(site.limits, name) for key, (name, factor) in PARAMETERS.items()}


@dataclass
class House:
    """A gateway's files, clock and link, and the jobs of one run after another."""

    folder: Path
    now_utc_ms: int = 1_700_000_000_000
    now_ns: int = 10**15

    def __post_init__(self):
        self.config, self.state_dir = self.folder / "site.toml", self.folder / "state"
        self.state_dir.mkdir()
        self.config.write_text(text_of({}, 0))
        self.link = machine.start_link(PARAMS, None, self.now(), outage=False)
        self.retained, self.seq, self.target_w = None, 0, 0
        self.by_hand, self.may_loosen, self.writes_left, self.disk_full = False, False, None, False
        # Whether a person, or its window, ended the newest job.
        self.ended, self.events, self.loaded, self.seen = False, [], None, set()
        self.start()

    # The clock, the uplink and the daemon, as the jobs see them

    def now(self):
        return Now(self.now_ns, self.now_utc_ms, synced=True)

    async def sleep_coarsely(self, period_s, _floor_s):
        self.pass_time(period_s)
        self.read_site_file()

    def ack(self, ack):
        assert ack.status

    def adopt(self):
        self.adopts = True

    def hear(self, code, text, data, _now):
        assert text
        self.events.append((code, data))

    # What happens to it

    def pass_time(self, seconds):
        self.now_ns += int(seconds * 1e9)
        self.now_utc_ms += int(seconds * 1e3)

    def start(self):
        """A new run: the broker brings the retained job again."""
        self.jobs = deque([] if self.retained is None else [self.retained])
        self.adopts = True
        places = GatewayPaths(self.config, self.folder, self.state_dir)
        context = ServiceContext(clock=self, event=self.hear, log=structlog.testing.CapturingLogger())
        self.read_site_file()
        self.runner = JobRunner(self, places, lambda: self.loaded, self.adopt, lambda: self.link, context)

    def read_site_file(self):
        """What the daemon does when it is asked to, or at a start."""
        if not self.adopts:
            return
        self.adopts, before = False, self.loaded
        self.loaded = stored_site_file.load_site_file_in_force(self.config, self.state_dir)
        if before is not None and not self.by_hand and not self.is_loosening_allowed():
            old, new = looseness(before.site), looseness(self.loaded.site)
            assert not {key for key in PARAMETERS if new[key] > old[key]}, self.events
        self.by_hand = False

    def is_loosening_allowed(self):
        """Whether it was allowed at any time of this step."""
        self.may_loosen = self.may_loosen or not find_loosening_conditions(self.link, self.now())
        return self.may_loosen

    async def turn(self):
        """What the jobs do each second, with what the daemon reads then."""
        for _ in range(3):
            await self.runner.advance(self.loaded)
            self.read_site_file()

    def write_copy(self, target, content):
        if self.disk_full:
            raise OSError(28, "No space left on device")
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise Killed
            self.writes_left -= 1
        target.write_bytes(content)

    async def step(self, step):
        self.may_loosen = False
        self.is_loosening_allowed()
        kind, *what = step
        try:
            await getattr(self, f"do_{kind}")(*what)
            await self.turn()
        except Killed:
            self.writes_left = None
            self.start()
            await self.turn()
        if self.disk_full:
            self.jobs.append(self.retained)  # what failed for a while is sent again
        self.writes_left, self.disk_full = None, False
        await self.turn()
        self.check()

    async def do_order(self, limits, lasts_s, writes_left, disk_full):
        self.seq += 1
        self.target_w += 1
        text = text_of(limits, self.target_w)
        job = Job(
            id=f"j{self.seq}",
            seq=self.seq,
            op="config",
            text=text,
            nbf_utc_ms=self.now_utc_ms,
            exp_utc_ms=self.now_utc_ms + lasts_s * 1000,
        )
        self.retained = AcceptedDocument("job", "job", job)
        self.jobs.append(self.retained)
        self.writes_left, self.disk_full, self.ended = writes_left, disk_full, False

    async def do_beat(self):
        now = self.now()
        self.link = machine.accept_heartbeat(self.link, PARAMS, Heartbeat(now.utc_ms, now.utc_ms), now)

    async def do_fail(self):
        self.link = replace(self.link, mode=LinkMode.FAILSAFE)

    async def do_recover(self):
        self.link = replace(self.link, mode=LinkMode.INIT)

    async def do_pass(self, seconds, writes_left):
        self.writes_left = writes_left
        self.pass_time(seconds)

    async def do_wait(self):
        """Each window ends, then loosening is allowed."""
        self.pass_time(4000)
        await self.do_recover()
        await self.do_beat()

    async def do_restart(self):
        self.start()

    async def do_edit(self, limits, applies):
        """A person on site changes the file, or applies one at the console."""
        self.target_w += 1
        text = text_of(limits, self.target_w)
        if applies:
            over = stored_site_file.find_file_digest(self.config)
            applied = StoredSiteFile(text, over, "anna", self.target_w)
            stored_site_file.save_stored_site_file(self.state_dir, applied, APPLIED_FILE)
        else:
            self.config.write_text(text)
        self.adopts = self.by_hand = self.ended = True
        self.read_site_file()
        wanted = load_site_leniently(self.config, ReplacementText("hand", text)).site
        assert looseness(wanted) == looseness(self.loaded.site), "a hand has the last word"

    async def do_damage(self):
        """One copy of the tighter values is lost."""
        (self.state_dir / "tightened.a").unlink(missing_ok=True)

    def check(self):
        """What must be true of the newest job after each step."""
        if self.retained is None:
            return
        job, used = self.retained.document, self.loaded.site
        ordered = load_site_leniently(self.config, ReplacementText("j", job.text)).site
        wanted, found = looseness(ordered), looseness(used)
        without = stored_site_file._load_ordered_or_base(self.config, self.state_dir).site
        allowed = not find_loosening_conditions(self.link, self.now())
        is_used = self.loaded.ordered == f"{job.id} ({job.seq})"
        assert is_used == (ordered.control.grid_target_w == used.control.grid_target_w), "all or nothing else"
        if is_used:
            self.seen.add("in use")
            assert not allowed or wanted == found, "nothing tighter stays"
        elif self.ended:
            self.seen.add("ended")
            assert found == looseness(without), "what ended stays ended"
            return
        elif job.exp_utc_ms > self.now_utc_ms:
            self.seen.add("waits")
            assert not allowed, "what may be used is used"
        elif allowed:
            self.seen.add("over")
            assert found == looseness(without), "nothing tighter stays"
            self.ended = True
            return
        assert not {key for key in PARAMETERS if found[key] > wanted[key]}, "a tighter value acts at once"


WRITES_LEFT = st.one_of(st.none(), st.integers(0, 5))
STEPS = st.one_of(
    st.tuples(st.just("order"), LIMITS, st.sampled_from([30, 300, 3600]), WRITES_LEFT, st.booleans()),
    st.tuples(st.just("order"), LIMITS, st.just(3600), st.none(), st.just(value=False)),
    st.tuples(st.sampled_from(["beat", "fail", "recover", "wait", "restart", "damage"])),
    st.tuples(st.just("pass"), st.sampled_from([5, 61, 400, 4000]), WRITES_LEFT),
    st.tuples(st.just("edit"), LIMITS, st.booleans()),
)


async def follow(steps, folder):
    house = House(folder)
    with mock.patch.object(state_file, "_write_copy", house.write_copy):
        for step in steps:
            await house.step(step)
    for outcome in sorted(house.seen):
        event(outcome)
    event(f"tightened: {'job.tightened' in dict(house.events)}")
    event(f"ended: {'job.tightening_ended' in dict(house.events)}")


@examples(60, deep=3000)
@given(steps=st.lists(STEPS, min_size=3, max_size=12))
def test_no_remote_file_ever_loosens_before_it_may_and_its_tighter_values_act_at_once(steps):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(follow(steps, Path(folder)))


async def test_tighter_values_of_a_job_that_the_broker_lost_stay_until_its_window_is_over(tmp_path):
    house = House(tmp_path)
    limits = {"failsafe_import_w": 1000, "failsafe_export_w": 3000}
    with mock.patch.object(state_file, "_write_copy", house.write_copy):
        await house.step(("order", limits, 300, None, False))
        house.retained = None
        for step in ("restart", "recover", "beat"):
            await house.step((step,))
            assert 1000 == house.loaded.site.limits.import_failsafe_w
        await house.step(("pass", 400, None))
        assert 1000 == house.loaded.site.limits.import_failsafe_w, "no heartbeat any more"
        await house.step(("beat",))
        assert 6000 == house.loaded.site.limits.import_failsafe_w
