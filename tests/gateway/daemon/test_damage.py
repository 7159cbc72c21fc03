"""Files that the daemon keeps, each damaged in each way while it is off: what the next start makes of it.

A different way for each file in CI; every way with ``QUARTIER_TORTURE=full``.
"""

import itertools
import json
import os
import shutil
import signal
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.gateway.daemon.conftest import lit

from quartier.store import history_reader
from quartier_district.signed_documents import EnvelopeRequest, SigningKey, make_envelope, make_heartbeat
from quartier_sim.site_clock import RigClock

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

FULL = os.environ.get("QUARTIER_TORTURE") == "full"
RATE = 20.0
WIDE_W, CAP_W, FAILSAFE_W = 9_000.0, 4_000.0, 2_500.0
WAYS = {
    "gone": lambda _: None,
    "empty": lambda _: b"",
    "cut": lambda sound: sound[: 2 * len(sound) // 3],
    "zeroed": lambda sound: bytes(len(sound)),
    "flipped": lambda sound: (
        sound[: len(sound) // 2] + bytes([sound[len(sound) // 2] ^ 4]) + sound[len(sound) // 2 + 1 :]
    ),
    "rubbish": lambda sound: bytes((7 * at) % 251 for at in range(max(len(sound), 64))),
}
FACTS = [
    *((f"{name}.{copy}",) for name in ("link", "documents", "district", "writes") for copy in "ab"),
    *((f"{name}.a", f"{name}.b") for name in ("link", "documents", "district", "writes")),
]
HISTORY = [
    ("history.db",),
    ("history.db-wal",),
    ("history.db-tail",),
    ("history.db.boot",),
    ("history.db", "history.db.boot"),
]
FILES = [*FACTS, *HISTORY, ("journal",)]
CASES = [*itertools.product(FILES, WAYS)]
if not FULL:
    CASES = [(files, list(WAYS)[number % len(WAYS)]) for number, files in enumerate(FILES)]


class Signer:
    """The district's end: what it signs goes out at once."""

    def __init__(self, folder, port):
        self.clock = RigClock(time.time(), rate=RATE)
        self._key = SigningKey.fresh("optimiser1")
        self._seq = 0
        self.issuers_file = folder / "issuers.json"
        self.issuers_file.write_text(json.dumps([self._key.listing(["heartbeat", "envelope"])]))
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def say(self, topic, payload, *, retain=False):
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = ("sig", self._key.sign(topic, payload))
        self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)

    def beat(self):
        self.say("quartier/v1/issy/heartbeat", make_heartbeat(self.clock.utc_ms()))

    def document(self, import_w):
        now_ms = self.clock.utc_ms()
        caps = {"import_max_w": import_w, "export_max_w": 6_000.0}
        request = EnvelopeRequest(
            intervals=[{"duration_s": 86_400, **caps}],
            default=caps,
            start_ms=now_ms,
            exp_ms=now_ms + 864_000_000,
        )
        self._seq = max(self._seq + 1, now_ms)
        return make_envelope(request, self._seq, now_ms, "issy.b012")

    def give(self, document):
        self.say("quartier/v1/issy/b012/envelope/district", document)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def signer(mosquitto, tmp_path):
    broker = await mosquitto()
    held = Signer(tmp_path, broker.port)
    held.port = broker.port
    yield held
    held.close()


def cap_w(status):
    return status["control"]["caps"]["import"]["max_w"]


async def lived(gateway, signer):
    """A life that ends well; one under a wide envelope, then a narrow one, and its sudden end.

    Returns the wide one.
    """
    gateway.rate, gateway.origin_s = RATE, signer.clock.origin_s
    link = (
        f'url = "mqtt://127.0.0.1:{signer.port}", watermark = false, issuers_file = "{signer.issuers_file}"'
    )
    text = gateway.config.read_text().replace(
        "contract_export_w = 6000", f"contract_export_w = 6000, failsafe_import_w = {FAILSAFE_W}"
    )
    gateway.config.write_text(f"{text}district_link = {{ {link} }}\n")
    await gateway.start()
    await gateway.until(lambda s: s["cycles"]["count"] > 30)
    await gateway.stop()
    await gateway.start()
    await gateway.until(lambda s: s["district"]["control_on"])
    wide, narrow = signer.document(WIDE_W), signer.document(CAP_W)

    def in_force(expected_w):
        def holds(status):
            signer.beat()  # again and again: three seconds later a heartbeat is too old for this rate
            return cap_w(status) == expected_w

        return holds

    for document, expected_w in ((wide, WIDE_W), (narrow, CAP_W)):
        signer.give(document)
        await gateway.until(in_force(expected_w))
    seq = json.loads(narrow)["seq"]
    await gateway.until(
        lambda s: (
            s["store"]["commits_count"] > 2
            # In both copies: between the two a kill leaves the wide one in the second.
            and all(str(seq) in (gateway.state_dir / f"link.{copy}").read_text() for copy in "ab")
            and all((gateway.state_dir / f"{name}.b").exists() for name in ("writes", "district"))
        )
    )
    await gateway.stop(signal.SIGKILL)
    return wide


def hurt(gateway, files, way):
    for name in files:
        places = [gateway.state_dir / name]
        if name == "journal":
            places = sorted((gateway.runtime_dir / name).glob("*"))
        elif name == "history.db-tail":
            places = sorted(gateway.state_dir.glob(f"{name}.*"))
        for path in places:
            sound = path.read_bytes() if path.exists() else b""
            path.unlink(missing_ok=True)
            if (content := WAYS[way](sound)) is not None:
                path.write_bytes(content)


async def faults(gateway, signer, wide, files, before):
    """What the start after some damage got wrong."""
    name = files[0].partition(".")[0]
    await gateway.start()
    try:
        status = await gateway.until(lambda s: s["cycles"]["count"] > 2 and s["district"]["control_on"])
        found = [] if cap_w(status) <= CAP_W else [f"a cap of {cap_w(status)} W"]
        if status["gateway"]["boot"] <= before:
            found.append("a boot number twice")
        logged = [line for line in gateway.log().splitlines() if '"event": "state.damaged"' in line]
        if len(logged) != len(status["damaged"]):
            found.append(f"status: {status['damaged']}, log: {logged}")
        refused = status["district"]["refused_documents_count"]
        signer.beat()
        signer.give(wide)
        status = await gateway.until(
            lambda s: s["district"]["refused_documents_count"] > refused or '"REPLAY"' in gateway.log()
        )
        if name == "link" and len(files) == 2:
            status = await gateway.until(lambda s: s["gateway"]["uptime_s"] > 150)
            found += [f"{status['control']['mode']} after a lost state"] * (cap_w(status) > FAILSAFE_W)
        if cap_w(status) > CAP_W:
            found.append(f"{cap_w(status)} W by an old document")
        if not status["store"]["is_open"]:
            found.append("no history")
        return found
    finally:
        await gateway.stop(signal.SIGKILL)


def stored(gateway, to_ms=1 << 60):
    """Everything in the history of the damaged lives and the one after."""
    path = gateway.state_dir / "history.db"
    return set(history_reader.read_history(path, gateway.runtime_dir, ["*"], 0, to_ms))


def find_unreported(gateway, files, way, lost):
    log = gateway.log()
    if files in FACTS and len(files) == 2 and way == "gone":
        return []  # as if never written
    if files in FACTS:
        return [name for name in files if name not in log or "state.damaged" not in log]
    # Without history and number of the boot nothing tells of what was.
    is_unreported = lost and '"store.' not in log and "history.db.boot" not in files
    return [f"{len(lost)} samples lost"] if is_unreported else []


async def test_whatever_file_is_damaged_no_limit_widens_no_number_comes_twice_and_it_is_said(house, signer):
    gateway, _ = house
    wide = await lived(gateway, signer)
    sound = gateway.folder / "sound"
    for place in (gateway.state_dir, gateway.runtime_dir):
        shutil.copytree(place, sound / place.name, ignore=shutil.ignore_patterns("*.sock"))
    told = stored(gateway)
    end_ms = max(row.utc_ms for row in told) + 1
    before = max(int(path.name.partition("-")[0]) for path in (sound / "run" / "journal").iterdir())
    wrong = []
    for files, way in CASES:
        for place in (gateway.state_dir, gateway.runtime_dir):
            shutil.rmtree(place)
            shutil.copytree(sound / place.name, place)
        (gateway.folder / "daemon.log").unlink()
        hurt(gateway, files, way)
        found = await faults(gateway, signer, wide, files, before)
        now = stored(gateway, end_ms)
        found += [f"{len(now - told)} samples that never were"] * bool(now - told)
        found += [f"nothing said of {name}" for name in find_unreported(gateway, files, way, told - now)]
        wrong += [(files, way, found)] * bool(found)

    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    ("names", "code"),
    [(["release.json"], 0), (["release.copy.json"], 0), (["release.json", "release.copy.json"], 1)],
)
async def test_release_works_with_one_damaged_table_and_refuses_two(house, names, code):
    gateway, devices = house
    lit(devices)
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("boiler.relay_on", {}).get("verdict") == "done")
    await gateway.until(lambda _: devices["relays"].orders()["relay1.relay_on"] == 1.0)
    await gateway.stop(signal.SIGKILL)
    for name in names:
        path = gateway.runtime_dir / name
        path.write_text(path.read_text().replace('"address": 0', '"address": 5'))
    found, _, errors = await gateway.call("release", "--runtime-dir", str(gateway.runtime_dir))

    assert code == found, errors
    assert ("release.json" in names) == ("damaged: its checksum does not hold" in errors)
    assert devices["relays"].orders()["relay1.relay_on"] == float(code), "nothing is written to a wrong place"


async def test_a_table_damaged_under_the_daemon_is_written_again(house):
    gateway, _ = house
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("bat1.setpoint_w", {}).get("verdict") == "done")
    path = gateway.runtime_dir / "release.json"
    sound = path.read_bytes()
    path.write_bytes(bytes(len(sound)))
    await gateway.until(lambda _: path.exists() and path.read_bytes() != bytes(len(sound)))

    assert json.loads(path.read_bytes())["table"]


async def test_a_site_file_damaged_while_the_house_was_off_is_exit_78_and_the_outputs_are_safe(house):
    gateway, devices = house
    lit(devices)
    await gateway.start()
    await gateway.until(lambda s: s["written"].get("boiler.relay_on", {}).get("verdict") == "done")
    await gateway.until(lambda _: devices["relays"].orders()["relay1.relay_on"] == 1.0)
    await gateway.stop(signal.SIGKILL)
    sound = gateway.config.read_bytes()
    for content in (b"", bytes(len(sound)), sound[: len(sound) // 3], b"\xff\xfe" * 99, None):
        gateway.config.unlink()
        if content is not None:
            gateway.config.write_bytes(content)
        await gateway.start()

        assert await gateway.process.wait() == 78
        assert str(gateway.config) in gateway.log() or gateway.config.name in gateway.log()
    code, _, errors = await gateway.call("release", "--runtime-dir", str(gateway.runtime_dir))
    assert code == 0, errors
    assert devices["relays"].orders()["relay1.relay_on"] == 0.0
