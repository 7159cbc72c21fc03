"""Site files that a person applies: all of them at the console, what is free from afar; told, kept, given up."""

import asyncio
import signal
from dataclasses import dataclass, field

import pytest
import structlog
from tests.gateway.virtual import make_clock

from quartier.config import stored_site_file
from quartier.config.stored_site_file import APPLIED_FILE, GatewayPaths, StoredSiteFile
from quartier.daemon.site_file_changes import SiteFileChanges
from quartier.runtime.local_socket.presence import AskingProcess, Presence
from quartier.runtime.service_context import ServiceContext
from quartier_drivers.contract import Origin

SITE = (
    'site = { id = "b012", district = "issy" }\n'
    "limits = { contract_import_w = 12000, contract_export_w = 6000 }\n"
    'buses.lan = { kind = "modbus-tcp", host = "127.0.0.1", port = 1502 }\n'
    'devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }\n'
    'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
    "control = { grid_target_w = 0 }\n"
)
ANNA = Origin("person", "anna", "1000")
CONSOLE = Presence("the console tty1")
SSH = Presence(why_not="the login came over the network")


@dataclass
class Scene:
    config: object
    state_dir: object
    standing: Presence = CONSOLE
    adopts: bool = True
    events: list = field(default_factory=list)

    def __post_init__(self):
        self.loaded = stored_site_file.load_site_file_in_force(self.config, self.state_dir)
        self.log = structlog.testing.CapturingLogger()
        places = GatewayPaths(self.config, self.config.parent, self.state_dir)
        context = ServiceContext(clock=make_clock(60.0), event=self.hear, log=self.log)
        self.applying = SiteFileChanges(places, lambda: self.loaded, self.adopt, context, prove=self.prove)

    def prove(self, asker, request):
        assert isinstance(asker, AskingProcess)
        assert "text" in request
        return self.standing

    def adopt(self):
        if self.adopts:
            self.loaded = stored_site_file.load_site_file_in_force(self.config, self.state_dir)

    def hear(self, code, text, data, now):
        self.events.append((code, data))
        assert text
        assert now.ns >= 0

    async def apply(self, old="", new="", **more):
        text = self.config.read_text()
        assert old in text
        request = {"text": text.replace(old, new, 1), **more}
        return await self.applying.order_handlers["apply"](request, ANNA, AskingProcess(1))

    async def follow(self, *until):
        task = asyncio.create_task(self.applying.run())
        async with asyncio.timeout(30):
            while not all(done() for done in until):  # noqa: ASYNC110 - a thread's doing
                await asyncio.sleep(0.01)
        task.cancel()

    def told(self, code):
        return [data for said, data in self.events if said == code]


@pytest.fixture
async def scene(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "site.toml").write_text(SITE)
    return Scene(tmp_path / "site.toml", tmp_path / "state")


async def test_at_the_console_a_person_changes_what_nobody_else_may(scene):
    answer = await scene.apply("unit = 227", "unit = 228")

    assert {"changed": ["devices.gx.unit"], "at": "the console tty1", "used": True} == answer
    assert 228 == scene.loaded.site.devices["gx"].unit
    assert [{"by": "anna", "at": "the console tty1", "keys": ["devices.gx.unit"]}] == scene.told(
        "site.applied"
    )


async def test_at_the_console_a_person_loosens_without_heartbeat_or_district(scene):
    answer = await scene.apply(
        "contract_export_w = 6000", "contract_export_w = 6000, failsafe_export_w = 3000"
    )

    assert (True, 3000) == (answer["used"], scene.loaded.site.limits.export_failsafe_w)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("unit = 227", "unit = 228", "devices.gx.unit"),
        ("= 6000", "= 6000, failsafe_export_w = 3000", "limits.failsafe_export_w"),
        ("contract_import_w = 12000", "contract_import_w = 9000", "limits.contract_import_w"),
    ],
)
async def test_from_afar_it_is_refused_with_each_key(scene, old, new, key):
    scene.standing = SSH
    answer = await scene.apply(old, new)

    assert "the login came over the network" in answer["error"]
    assert (1, True) == (len(answer["faults"]), key in answer["faults"][0])
    assert (None, []) == (stored_site_file.load_stored_site_file(scene.state_dir, APPLIED_FILE), scene.events)


@pytest.mark.parametrize(
    ("file", "name"),
    [("new/site.toml", "new/site.toml"), (None, "applied site file"), ("x" * 5000, "applied site file")],
)
async def test_a_refused_change_is_told_by_the_name_of_the_file_that_was_handed_over(scene, file, name):
    scene.standing = SSH
    answer = await scene.apply("contract_import_w = 12000", "contract_import_w = 13000", file=file)
    faulty = await scene.apply("contract_import_w = 12000", "contract_import_w = -1", file=file)

    assert [True] == [fault.startswith(f"{name}:") for fault in answer["faults"]]
    assert [True] == [fault.startswith(f"{name}:") for fault in faulty["faults"]]


async def test_from_afar_what_is_free_is_taken(scene):
    scene.standing = SSH
    answer = await scene.apply("grid_target_w = 0", "grid_target_w = 70")

    assert (True, "", 70) == (answer["used"], answer["at"], scene.loaded.site.control.grid_target_w)


async def test_from_afar_what_an_order_tightened_is_not_taken_away(scene):
    text = SITE.replace("= 12000", "= 12000, failsafe_import_w = 1000")
    over = stored_site_file.find_base_digest(scene.config, scene.state_dir)
    stored_site_file.save_stored_site_file(scene.state_dir, StoredSiteFile(text, over, "j", 1))
    scene.adopt()
    scene.standing = SSH

    assert (
        "limits.failsafe_import_w"
        in (await scene.apply("grid_target_w = 0", "grid_target_w = 7"))["faults"][0]
    )
    scene.standing = CONSOLE
    assert (await scene.apply("grid_target_w = 0", "grid_target_w = 7"))["used"]


async def test_a_check_says_what_it_would_change_and_changes_nothing(scene):
    answer = await scene.apply("unit = 227", "unit = 228", check=True)

    assert (["devices.gx.unit"], False, "") == (answer["changed"], answer["used"], scene.loaded.ordered)


async def test_the_same_file_changes_nothing(scene):
    assert {"changed": [], "at": "the console tty1", "used": False} == await scene.apply()
    assert [] == scene.events


async def test_a_faulty_file_is_refused_with_every_fault_also_at_the_console(scene):
    answer = await scene.apply("contract_import_w = 12000", "contract_import_w = -1, main_fuse = 5")

    assert ("it has faults", 2) == (answer["error"], len(answer["faults"]))
    assert "error" in await scene.applying.apply({"text": 5}, ANNA, AskingProcess(1))


async def test_a_disk_that_refuses_changes_nothing(scene, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored_site_file, "save_stored_site_file", refuse)
    answer = await scene.apply("unit = 227", "unit = 228")

    assert ("cannot be kept" in answer["error"], False) == (True, answer["used"])


async def test_a_gateway_that_does_not_use_it_says_so(scene):
    scene.adopts = False

    assert "does not use it" in (await scene.apply("unit = 227", "unit = 228"))["error"]


# What is told of every site file


async def test_a_change_of_what_is_a_persons_is_told_once_whoever_wrote_it_and_over_a_restart(scene):
    kept = scene.state_dir / "protected.a"
    await scene.follow(kept.exists)
    assert [] == scene.events, "the first file is no change"
    scene.config.write_text(SITE.replace("227", "228").replace("grid_target_w = 0", "grid_target_w = 5"))
    again = Scene(scene.config, scene.state_dir)
    await again.follow(lambda: again.told("site.protected_changed"))
    assert [{"by": "the file at the gateway", "keys": ["devices.gx.unit"]}] == again.told(
        "site.protected_changed"
    )


async def test_what_a_fault_puts_out_of_action_is_no_change(scene):
    kept = scene.state_dir / "protected.a"
    await scene.follow(kept.exists)
    scene.config.write_text(
        SITE.replace("devices.gx", 'devices.x = { bus = "lan", profile = "a/b" }\ndevices.gx')
    )
    scene.adopt()
    assert scene.loaded.disabled
    before = kept.read_bytes()
    task = asyncio.create_task(scene.applying.run())
    await asyncio.sleep(0.1)
    task.cancel()
    assert ([], before) == (scene.events, kept.read_bytes())


async def test_who_changes_the_file_ends_what_was_applied(scene):
    await scene.apply("unit = 227", "unit = 228")
    scene.config.write_text(SITE.replace("unit = 227", "unit = 101"))
    scene.adopt()
    await scene.follow(lambda: scene.told("site.superseded"))

    assert 101 == scene.loaded.site.devices["gx"].unit


async def test_an_applied_file_with_which_no_run_lasts_is_told_as_given_up(scene):
    await scene.apply("unit = 227", "unit = 228")
    for _ in range(3):
        stored_site_file.note_run_began(scene.state_dir, scene.loaded.ordered)
    scene.adopt()
    await scene.follow(lambda: scene.told("site.given_up"))

    assert 227 == scene.loaded.site.devices["gx"].unit


async def test_a_run_that_lasts_a_minute_makes_it_good(scene):
    await scene.apply("unit = 227", "unit = 228")
    stored_site_file.note_run_began(scene.state_dir, scene.loaded.ordered)
    await scene.follow(
        lambda: stored_site_file.load_stored_site_file(scene.state_dir, APPLIED_FILE).starts_count == 0
    )


# The daemon, asked by a process that is at no console


@pytest.mark.daemon
async def test_a_daemon_takes_from_afar_what_is_free_and_refuses_the_rest_key_by_key(house, tmp_path):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda status: status["cycles"]["count"] > 2)
    text = gateway.config.read_text()
    free = text + "control = { grid_target_w = 70 }\n"
    (tmp_path / "free.toml").write_text(free)
    (tmp_path / "other.toml").write_text(
        free.replace("unit = 227", "unit = 228").replace("= 5000", "= 50000")
    )
    place = ("--runtime-dir", str(gateway.runtime_dir))

    code, out, err = await gateway.call("apply", str(tmp_path / "other.toml"), *place)
    assert 1 == code
    assert all(key in out and key in err for key in ("devices.gx.unit", "assets.bat1.rated_w"))
    assert "a person at the console of the gateway is needed" in err
    code, out, _ = await gateway.call("apply", str(tmp_path / "free.toml"), *place)
    assert (0, True) == (code, "in use" in out)
    status = await gateway.until(lambda status: status["gateway"]["site_file"])
    assert "from afar" in status["gateway"]["site_file"]
    assert 0 == await gateway.stop()

    await gateway.start()
    await gateway.until(lambda status: "from afar" in status["gateway"]["site_file"])
    gateway.config.write_text(text.replace('tier = "C"', 'tier = "B"'))
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.until(lambda status: status["control"]["assets"]["boiler"]["tier"] == "B")
    assert "" == (await gateway.ask())["gateway"]["site_file"]
    await gateway.until(lambda _: "site.protected_changed" in gateway.log())
    assert 0 == await gateway.stop()
