"""Jobs over a real broker: a site file, a key list, each once in its window, whole or with every fault."""

import asyncio
import contextlib
import json
import time
from dataclasses import replace

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier.config import stored_site_file
from quartier.config.loading import load_site_leniently
from quartier.config.stored_site_file import GatewayPaths
from quartier.control.link import machine, state
from quartier.control.link.allowed import LinkParameters
from quartier.control.requests import Heartbeat
from quartier.daemon.district_link import make_uplink
from quartier.district.service.jobs import JobRunner, find_loosening_conditions
from quartier.district.sparkplug.metric_catalog import build_catalog
from quartier.runtime.service_context import ServiceContext
from quartier.site.records import Now
from quartier.site.site_layout import SiteLimits
from quartier.store.history_store import Store
from quartier_district.key_folder import KeyFolder, encode_public_key, sign_key_list
from quartier_district.signed_documents import make_job

C = "quartier/v1/issy/b012"
HOUR_MS = 3_600_000
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
pytestmark = pytest.mark.peer


class District:
    """Signs jobs, and hears what is answered."""

    def __init__(self, folder, port, clock):
        self.keys = KeyFolder.new(folder / "keys", "issy", clock.utc_ms() - 1000)
        self.clock = clock
        self.acks = []
        self._seq = 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{C}/ack", 1)
        self._client.loop_start()

    def _hear(self, _client, _data, message):
        self.acks.append(json.loads(message.payload))

    def made(self, work, *, after_ms=-1000, lasts_ms=HOUR_MS):
        now_ms = self.clock.utc_ms()
        self._seq = max(self._seq + 1, now_ms)
        return make_job(
            work, self._seq, now_ms, "issy.b012", (now_ms + after_ms, now_ms + after_ms + lasts_ms)
        )

    def say(self, payload, key=None):
        topic = f"{C}/job"
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = ("sig", (key or self.keys.key("jobs")).sign(topic, payload))
        self._client.publish(topic, payload, qos=1, retain=True, properties=properties)

    def order(self, work, **window):
        payload = self.made(work, **window)
        self.say(payload)
        return json.loads(payload)["seq"]

    def said(self, seq):
        return [ack["status"] for ack in self.acks if ack["seq"] == seq]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Scene:
    """A house in this process with its uplink and its jobs."""

    def __init__(self, yard, store, district, config):
        self.yard, self.district, self.config, self.store = yard, district, config, store
        self.state_dir = config.parent / "state"
        self.state_dir.mkdir(exist_ok=True)
        self.loaded = load_site_leniently(config)
        self.events = []
        self.adopted_count = 0
        self.params = PARAMS
        self.link = machine.start_link(self.params, None, self.now(), outage=False)

    def now(self):
        return self.yard.clock.now()

    def beat(self):
        now = self.now()
        self.link = machine.accept_heartbeat(self.link, self.params, Heartbeat(now.utc_ms, now.utc_ms), now)

    def fail(self):
        """FAILSAFE, with its minimum to serve."""
        begun = machine.start_link(self.params, None, self.now(), outage=False, lost=True)
        self.link = replace(begun, mode=state.LinkMode.FAILSAFE)

    def hear(self, *event):
        self.events.append(event)

    def adopt(self):
        self.adopted_count += 1
        self.loaded = stored_site_file.load_site_file_in_force(self.config, self.state_dir)

    @contextlib.asynccontextmanager
    async def running(self):
        yard = self.yard
        catalog = build_catalog({}, {}, deadband=lambda _: 0.0)
        self.uplink = make_uplink(self.loaded.site, self.state_dir, catalog, yard.parts(self.store))
        places = GatewayPaths(self.config, self.config.parent, self.state_dir)
        self.jobs = JobRunner(
            self.uplink,
            places,
            lambda: self.loaded,
            self.adopt,
            lambda: self.link,
            ServiceContext(clock=yard.clock, event=self.hear, log=yard.log),
        )
        tasks = [asyncio.create_task(self.uplink.run()), asyncio.create_task(self.jobs.run())]
        try:
            await self.until(lambda: self.uplink.stats["control_on"])
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, condition):
        end_s = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end_s, f"it never came: {self.district.acks}, {self.events}"
            await asyncio.sleep(0.01)

    async def ended(self, seq):
        """The last word on a job."""
        last = ("SUCCEEDED", "REJECTED", "ABORTED", "REVOKED")
        await self.until(lambda: set(last) & set(self.district.said(seq)))
        return next(ack for ack in self.district.acks if ack["seq"] == seq and ack["status"] in last)

    def faults(self):
        return self.events[-1][2]["faults"]


@pytest.fixture
async def scene(yard, mosquitto, tmp_path):
    broker = await mosquitto()
    async with yard(rate=10.0) as (found, _):
        district = District(tmp_path, broker.port, found.clock)
        line = (
            f'district_link = {{ url = "mqtt://127.0.0.1:{broker.port}", watermark = false, '
            f'issuers_file = "{tmp_path}/keys/keys.jws", root_keys = ["{encode_public_key(district.keys.root)}"] }}'
        )
        found.read(("buses.lan", f"{line}\nbuses.lan"))
        store = Store(tmp_path / "history.db", tmp_path)
        await asyncio.to_thread(store.open, found.clock.now())
        yield Scene(found, store, district, tmp_path / "site.toml")
        district.close()
        await asyncio.to_thread(store.close, found.clock.now(), 5.0)


def changed(scene, old="buses.lan", new="control = { grid_target_w = 150 }\nbuses.lan"):
    text = scene.config.read_text()
    assert old in text
    return text.replace(old, new, 1)


async def test_an_ordered_site_file_is_checked_kept_used_and_acknowledged_step_by_step(scene):
    async with scene.running():
        seq = scene.district.order({"op": "config", "site": changed(scene)})
        await scene.ended(seq)
        assert ["NEW", "ACCEPTED", "STARTED", "SUCCEEDED"] == scene.district.said(seq)
        assert 150 == scene.loaded.site.control.grid_target_w
        assert (
            150
            == stored_site_file.load_site_file_in_force(
                scene.config, scene.state_dir
            ).site.control.grid_target_w
        )
        assert ["job.accepted", "job.started", "job.ended"] == [event[0] for event in scene.events]


async def test_a_faulty_site_file_is_refused_with_all_its_faults_and_the_last_good_one_stays(scene):
    async with scene.running():
        await scene.ended(scene.district.order({"op": "config", "site": changed(scene)}))
        text = changed(scene, "rated_w = 2000", "rated_w = -1").replace("tier =", "teir =")
        ack = await scene.ended(scene.district.order({"op": "config", "site": text}))
        assert ("REJECTED", "BOUNDS") == (ack["status"], ack["reason"])
        assert ["assets.boiler.rated_w", "assets.boiler.teir"] == sorted(
            fault.split(": ")[1] for fault in scene.faults()
        )
        assert (
            150
            == stored_site_file.load_site_file_in_force(
                scene.config, scene.state_dir
            ).site.control.grid_target_w
        )


async def test_an_order_raises_no_hard_limit(scene):
    async with scene.running():
        text = changed(scene, "contract_import_w = 12000", "contract_import_w = 13000")
        ack = await scene.ended(scene.district.order({"op": "config", "site": text}))
        assert ("REJECTED", "BOUNDS") == (ack["status"], ack["reason"])
        assert "limits.contract_import_w: is changed by a person on site only" in scene.faults()[0]
        assert 0 == scene.adopted_count


async def test_a_key_list_comes_as_a_job_and_its_keys_sign_from_then_on(scene):
    async with scene.running():
        keys = scene.district.keys
        older = keys.key("jobs")
        keys.roll("jobs", scene.yard.clock.utc_ms() + 1)
        payload = scene.district.made({"op": "keys", "list": keys.list})
        scene.district.say(payload, older)
        assert "SUCCEEDED" == (await scene.ended(json.loads(payload)["seq"]))["status"]
        assert "jobs-2" in [key["kid"] for key in scene.uplink.keys["keys"]]
        ack = await scene.ended(scene.district.order({"op": "software", "software": {}}))
        assert ("PERMANENT_ERROR", "REJECTED") == (ack["reception"], ack["status"]), "signed by the new key"
        payload = scene.district.made({"op": "software", "software": {}})
        scene.district.say(payload, older)
        ack = await scene.ended(json.loads(payload)["seq"])
        assert "BAD_SIG" == ack["reason"], "a newer key was used here"


async def test_a_rollback_of_the_key_list_is_refused_as_a_replay(scene):
    async with scene.running():
        keys = scene.district.keys
        older = keys.list
        keys.roll("optimiser", scene.yard.clock.utc_ms() + 1)
        await scene.ended(scene.district.order({"op": "keys", "list": keys.list}))
        ack = await scene.ended(scene.district.order({"op": "keys", "list": older}))
        assert ("REJECTED", "REPLAY") == (ack["status"], ack["reason"])
        assert "optimiser-2" in [key["kid"] for key in scene.uplink.keys["keys"]]


async def test_a_key_list_of_another_root_is_no_list_even_in_a_signed_job(scene, tmp_path):
    other = KeyFolder.new(tmp_path / "other", "issy", 1)
    async with scene.running():
        forged = sign_key_list(other.root, {**other.body, "seq": 2**53})
        ack = await scene.ended(scene.district.order({"op": "keys", "list": forged}))
        assert ("REJECTED", "BAD_SIG") == (ack["status"], ack["reason"])


async def test_a_key_list_that_came_as_a_job_counts_after_a_restart_though_the_file_is_older(scene):
    keys, listed = scene.district.keys, scene.district.keys.folder / "keys.jws"
    older = keys.list
    async with scene.running():
        keys.roll("jobs", scene.yard.clock.utc_ms() + 1)
        newer = keys.list
        listed.write_text(older)
        payload = scene.district.made({"op": "keys", "list": newer})
        scene.district.say(payload, type(keys.root).load(keys.folder / "jobs-1.pem"))
        await scene.ended(json.loads(payload)["seq"])
    async with scene.running():
        assert "jobs-2" in [key["kid"] for key in scene.uplink.keys["keys"]]


async def test_software_is_refused_until_there_is_a_way_to_update_it(scene):
    async with scene.running():
        ack = await scene.ended(scene.district.order({"op": "software", "software": {"version": "2.0"}}))
        assert ("PERMANENT_ERROR", "REJECTED", "BOUNDS") == (ack["reception"], ack["status"], ack["reason"])


async def test_a_job_waits_for_its_window_and_a_newer_one_revokes_it(scene):
    async with scene.running():
        work = {"op": "config", "site": changed(scene)}
        first = scene.district.order(work, after_ms=HOUR_MS)
        await scene.until(lambda: scene.district.said(first) == ["NEW", "ACCEPTED"])
        second = scene.district.order(work, after_ms=5_000)
        assert "SUCCEEDED" == (await scene.ended(second))["status"]
        assert ["NEW", "ACCEPTED", "REVOKED"] == scene.district.said(first)


async def test_a_job_sent_again_is_answered_again_and_done_once_over_a_restart(scene):
    payload = scene.district.made({"op": "config", "site": changed(scene)})
    seq = json.loads(payload)["seq"]
    async with scene.running():
        scene.district.say(payload)
        await scene.ended(seq)
    async with scene.running():  # the broker still holds it
        await scene.until(lambda: scene.district.said(seq).count("SUCCEEDED") >= 2)
        assert 1 == scene.adopted_count


async def test_a_job_of_a_run_that_died_before_it_was_done_is_done_by_the_next(scene):
    payload = scene.district.made({"op": "config", "site": changed(scene)}, after_ms=20_000)
    seq = json.loads(payload)["seq"]
    async with scene.running():
        scene.district.say(payload)
        await scene.until(lambda: "ACCEPTED" in scene.district.said(seq))
    async with scene.running():
        assert "SUCCEEDED" == (await scene.ended(seq))["status"]


async def test_a_disk_that_refuses_makes_it_a_passing_fault_and_the_same_job_may_come_again(
    scene, monkeypatch
):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    async with scene.running():
        payload = scene.district.made({"op": "config", "site": changed(scene)})
        with monkeypatch.context() as full:
            full.setattr(stored_site_file, "save_stored_site_file", refuse)
            scene.district.say(payload)
            ack = await scene.ended(json.loads(payload)["seq"])
        assert ("TEMPORARY_ERROR", "REJECTED") == (ack["reception"], ack["status"])
        scene.district.say(payload)
        await scene.until(lambda: "SUCCEEDED" in scene.district.said(ack["seq"]))


async def test_a_hand_at_the_gateway_is_told_as_the_end_of_an_order_and_ends_it_for_good(scene):
    async with scene.running():
        await scene.ended(scene.district.order({"op": "config", "site": changed(scene)}))
        before = scene.config.read_text()
        scene.config.write_text(changed(scene, "rated_w = 2000", "rated_w = 1900"))
        scene.adopt()
        await scene.until(lambda: scene.events[-1][0] == "job.superseded")
        scene.config.write_text(before)
        scene.adopt()
        assert (2000, "") == (scene.loaded.site.assets["boiler"].rated_w, scene.loaded.ordered)


async def test_an_order_with_which_no_run_lasted_is_told_as_given_up(scene):
    async with scene.running():
        await scene.ended(scene.district.order({"op": "config", "site": changed(scene)}))
    for _ in range(3):
        stored_site_file.note_run_began(scene.state_dir, scene.loaded.ordered)
    scene.adopt()
    async with scene.running():
        await scene.until(lambda: scene.events[-1][0] == "job.given_up")
        assert 0 == scene.loaded.site.control.grid_target_w


# What loosens


LOOSER = "contract_export_w = 6000, failsafe_export_w = 3000"


def export_w(scene):
    return scene.loaded.site.limits.export_failsafe_w


async def test_in_failsafe_a_file_that_loosens_waits_over_a_restart_until_it_is_left(scene):
    payload = scene.district.made(
        {"op": "config", "site": changed(scene, "contract_export_w = 6000", LOOSER)}, lasts_ms=10 * HOUR_MS
    )
    seq = json.loads(payload)["seq"]
    scene.fail()
    scene.beat()
    async with scene.running():
        scene.district.say(payload)
        await scene.until(lambda: any(event[0] == "job.waits" for event in scene.events))
        told = next(event for event in scene.events if event[0] == "job.waits")
        assert (["limits.failsafe_export_w"], ["the end of FAILSAFE"]) == (
            told[2]["keys"],
            told[2]["waits_for"],
        )
        await scene.until(lambda: len(scene.district.said(seq)) >= 3)
        assert ["NEW", "ACCEPTED", "ACCEPTED"] == scene.district.said(seq)
        assert "SAFETY" == next(ack for ack in reversed(scene.district.acks) if ack["seq"] == seq)["reason"]
    scene.events.clear()
    async with scene.running():  # the broker still holds it
        await scene.until(lambda: any(event[0] == "job.waits" for event in scene.events))
        assert (0, 0, None) == (
            export_w(scene),
            scene.adopted_count,
            stored_site_file.load_stored_site_file(scene.state_dir),
        )
        scene.link = machine.start_link(scene.params, None, scene.now(), outage=False)
        scene.beat()
        assert "SUCCEEDED" == (await scene.ended(seq))["status"]
        assert 3000 == export_w(scene)


async def test_without_a_heartbeat_a_file_that_loosens_waits_and_one_that_tightens_does_not(scene):
    scene.fail()
    async with scene.running():
        text = changed(scene, "contract_export_w = 6000", LOOSER)
        first = scene.district.order({"op": "config", "site": text})
        await scene.until(lambda: any(event[0] == "job.waits" for event in scene.events))
        waits_for = next(event for event in scene.events if event[0] == "job.waits")[2]["waits_for"]
        assert ["the end of FAILSAFE", "a heartbeat at most 60 s old"] == waits_for
        text = changed(
            scene, "contract_export_w = 6000", "contract_export_w = 6000, failsafe_import_w = 1000"
        )
        second = scene.district.order({"op": "config", "site": text})
        assert "SUCCEEDED" == (await scene.ended(second))["status"]
        assert "REVOKED" == (await scene.ended(first))["status"]
        assert (1000, 0) == (scene.loaded.site.limits.import_failsafe_w, export_w(scene))
        scene.events.clear()
        scene.district.order({"op": "config", "site": scene.config.read_text()})
        await scene.until(lambda: any(event[0] == "job.waits" for event in scene.events))
        assert 1000 == scene.loaded.site.limits.import_failsafe_w, (
            "nor does the file as it was loosen it again"
        )


async def test_what_waits_ends_with_its_window_and_says_what_it_waited_with(scene):
    scene.fail()
    async with scene.running():
        text = changed(scene, "contract_export_w = 6000", LOOSER)
        ack = await scene.ended(scene.district.order({"op": "config", "site": text}, lasts_ms=30_000))
        assert ("ABORTED", "EXPIRED") == (ack["status"], ack["reason"])
        assert "it loosens limits.failsafe_export_w" in scene.events[-1][1]
        assert 0 == scene.adopted_count


# The tighter values of a file that waits


BOTH = "contract_export_w = 6000, failsafe_export_w = 3000, failsafe_import_w = 1000"


def import_w(scene):
    return scene.loaded.site.limits.import_failsafe_w


def told(scene, code):
    return [event[2] for event in scene.events if event[0] == code]


def both(scene, watts=1000):
    """A file that loosens the export and tightens the import; it steers too."""
    text = changed(scene, "contract_export_w = 6000", BOTH.replace("1000", str(watts)))
    return text.replace("buses.lan", "control = { grid_target_w = 150 }\nbuses.lan", 1)


async def test_the_tighter_values_of_a_file_that_waits_act_at_once_and_over_a_restart(scene):
    payload = scene.district.made({"op": "config", "site": both(scene)}, lasts_ms=10 * HOUR_MS)
    seq = json.loads(payload)["seq"]
    scene.fail()
    async with scene.running():
        scene.district.say(payload)
        await scene.until(lambda: import_w(scene) == 1000)
        assert (0, 0) == (export_w(scene), scene.loaded.site.control.grid_target_w), "all else waits"
        (data,) = told(scene, "job.tightened")
        assert (["limits.failsafe_import_w"], {"limits.failsafe_import_w": 1000}) == (
            data["keys"],
            data["values"],
        )
        assert stored_site_file.load_stored_site_file(scene.state_dir) is None
        await scene.until(lambda: len(scene.district.said(seq)) >= 3)
        assert ["NEW", "ACCEPTED", "ACCEPTED"] == scene.district.said(seq)
    scene.events.clear()
    scene.adopt()
    assert 1000 == import_w(scene)
    async with scene.running():  # the broker still holds it
        await scene.until(lambda: told(scene, "job.waits"))
        scene.beat()
        assert [] == told(scene, "job.tightened"), "it is told once"
        scene.link = machine.start_link(scene.params, None, scene.now(), outage=False)
        scene.beat()
        assert "SUCCEEDED" == (await scene.ended(seq))["status"]
        assert (1000, 3000, 150) == (
            import_w(scene),
            export_w(scene),
            scene.loaded.site.control.grid_target_w,
        )
        assert {} == stored_site_file.load_tightened_limits(scene.state_dir).limits


async def test_after_its_window_tighter_values_stay_until_loosening_is_allowed(scene):
    scene.fail()
    async with scene.running():
        ack = await scene.ended(scene.district.order({"op": "config", "site": both(scene)}, lasts_ms=30_000))
        assert ("ABORTED", "EXPIRED") == (ack["status"], ack["reason"])
        assert 1000 == import_w(scene)
        scene.beat()
        await asyncio.sleep(0.5)
        assert 1000 == import_w(scene), "a heartbeat in FAILSAFE allows nothing"
    scene.adopt()
    async with scene.running():
        scene.link = machine.start_link(scene.params, None, scene.now(), outage=False)
        await asyncio.sleep(0.5)
        assert 1000 == import_w(scene), "nor does the end of FAILSAFE without a heartbeat"
        scene.beat()
        await scene.until(lambda: import_w(scene) == 6000)
        assert 1 == len(told(scene, "job.tightening_ended"))


async def test_a_newer_job_is_judged_against_the_tightened_values_and_keeps_them(scene):
    scene.fail()
    async with scene.running():
        first = scene.district.order({"op": "config", "site": both(scene)})
        await scene.until(lambda: import_w(scene) == 1000)
        text = changed(
            scene, "contract_export_w = 6000", "contract_export_w = 6000, failsafe_import_w = 2000"
        )
        second = scene.district.order({"op": "config", "site": text})
        await scene.until(lambda: len(told(scene, "job.waits")) == 2)
        assert ["limits.failsafe_import_w"] == told(scene, "job.waits")[1]["keys"]
        assert "REVOKED" == (await scene.ended(first))["status"]
        assert 1000 == import_w(scene)
        third = scene.district.order({"op": "config", "site": both(scene, 900)})
        await scene.until(lambda: import_w(scene) == 900)
        scene.link = machine.start_link(scene.params, None, scene.now(), outage=False)
        scene.beat()
        await scene.ended(third)
        fourth = scene.district.order({"op": "config", "site": text})
        assert "SUCCEEDED" == (await scene.ended(fourth))["status"]
        assert "REVOKED" == (await scene.ended(second))["status"]
        assert 2000 == import_w(scene)


async def test_a_revoked_job_leaves_its_tighter_values_until_loosening_is_allowed(scene):
    scene.fail()
    async with scene.running():
        scene.district.order({"op": "config", "site": both(scene)})
        await scene.until(lambda: import_w(scene) == 1000)
        await scene.ended(scene.district.order({"op": "software", "software": {}}))
        later = scene.district.order({"op": "config", "site": both(scene)}, after_ms=HOUR_MS)
        await scene.until(lambda: "ACCEPTED" in scene.district.said(later))
        assert 1000 == import_w(scene)
        scene.link = machine.start_link(scene.params, None, scene.now(), outage=False)
        scene.beat()
        await scene.until(lambda: import_w(scene) == 6000)


async def test_a_hand_at_the_gateway_ends_tighter_values_at_once_and_they_do_not_come_back(scene):
    scene.fail()
    async with scene.running():
        scene.district.order({"op": "config", "site": both(scene)})
        await scene.until(lambda: import_w(scene) == 1000)
        before = scene.config.read_text()
        for text in (changed(scene, "rated_w = 2000", "rated_w = 1900"), before):
            scene.config.write_text(text)
            scene.adopt()
            assert 6000 == import_w(scene)
            await scene.until(lambda: told(scene, "job.superseded"))
            await asyncio.sleep(0.5)
            assert 6000 == import_w(scene), "though the job still waits"
        assert (1, 1) == (len(told(scene, "job.superseded")), len(told(scene, "job.tightened")))


async def test_tighter_values_that_the_disk_refuses_act_as_soon_as_it_takes_them(scene, monkeypatch):
    tries = []

    def refuse(*_):
        tries.append(1)
        raise OSError(28, "No space left on device")

    scene.fail()
    async with scene.running():
        with monkeypatch.context() as full:
            full.setattr(stored_site_file, "save_tightened_limits", refuse)
            scene.district.order({"op": "config", "site": both(scene)})
            await scene.until(lambda: len(tries) > 2)
            assert (6000, []) == (import_w(scene), told(scene, "job.tightened"))
        await scene.until(lambda: import_w(scene) == 1000)
        assert 1 == len(told(scene, "job.tightened"))


async def test_tighter_values_that_were_lost_on_disk_are_stored_again_by_the_job_that_waits(scene):
    scene.fail()
    async with scene.running():
        scene.district.order({"op": "config", "site": both(scene)})
        await scene.until(lambda: import_w(scene) == 1000)
        for copy in "ab":
            (scene.state_dir / f"tightened.{copy}").write_bytes(b"damaged")
        scene.adopt()
        assert 6000 == import_w(scene), "what stands on disk without them"
        await scene.until(lambda: import_w(scene) == 1000)


async def test_a_faulty_file_tightens_nothing(scene):
    scene.fail()
    async with scene.running():
        text = both(scene).replace("rated_w = 2000", "rated_w = -1")
        await scene.ended(scene.district.order({"op": "config", "site": text}))
        assert (6000, None) == (import_w(scene), stored_site_file.load_tightened_limits(scene.state_dir))


def test_loosening_waits_for_each_of_what_is_missing():
    params = PARAMS
    now = Now(10**12, 10**12, synced=True)
    fresh = machine.start_link(params, None, now, outage=False)
    beaten = machine.accept_heartbeat(fresh, params, Heartbeat(now.utc_ms, now.utc_ms), now)
    failed = machine.start_link(params, None, now, outage=False, lost=True)
    later = Now(now.ns + 61 * 10**9, now.utc_ms + 61_000, synced=True)

    assert () == find_loosening_conditions(beaten, now)
    assert ("a heartbeat at most 60 s old",) == find_loosening_conditions(fresh, now)
    assert ("a heartbeat at most 60 s old",) == find_loosening_conditions(beaten, later)
    assert ("a synchronised clock",) == find_loosening_conditions(beaten, now._replace(synced=False))
    assert "the end of FAILSAFE" in find_loosening_conditions(failed, now)
    tested = machine.note_running_commands(beaten, None, (now.ns, now.ns + 10**10))
    assert ("the end of FAILSAFE",) == find_loosening_conditions(tested, now)
