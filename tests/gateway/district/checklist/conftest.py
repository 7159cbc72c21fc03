"""The recordings that the checklist is judged by: made once for a run, whichever process comes first."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess

import pytest
from tests.gateway.district.checklist import lives
from tests.gateway.district.checklist.recorder import Tape
from tests.gateway.district.checklist.spoken import Wire

NEEDED = ("node_modules/sparkplug-payload", "node_modules/mqtt-packet")


LIVES = {"life": lives.life, "walk": lives.walk}


async def play(folder):
    """Play both lives at once; returns their tapes and nodes by name."""
    tapes = {name: Tape() for name in LIVES}
    nodes = await asyncio.gather(*(LIVES[name](folder / name, tape) for name, tape in tapes.items()))
    return {name: (tape, node) for (name, tape), node in zip(tapes.items(), nodes, strict=True)}


def judged(tape, node):
    """What the judge reads of one tape."""
    lines = (
        json.dumps({"conn": conn, "way": way, "at": at, "hex": data.hex()})
        for conn, way, at, data in tape.chunks
    )
    run = subprocess.run(
        ["node", str(lives.PEERS / "sparkplug_wire.js")],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {
        "packets": [json.loads(line) for line in run.stdout.splitlines()],
        "chunks": [(conn, way, data.hex()) for conn, way, _, data in tape.chunks],
        "marks": tape.marks,
        "places": tape.places,
        "origin_s": node.origin_s,
        "log": node.log(),
    }


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """Both lives, as JSON that the processes of one run share."""
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    if shutil.which("node") is None or not all((lives.PEERS / name).is_dir() for name in NEEDED):
        pytest.skip("npm's judges are not installed (tests/peers/install.sh)")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    kept = shared / "sparkplug.json"
    with (shared / "sparkplug.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = tmp_path_factory.mktemp("sparkplug")
            played = asyncio.run(play(folder))
            made = {name: judged(tape, node) for name, (tape, node) in played.items()}
            fresh = kept.with_suffix(".new")
            fresh.write_text(json.dumps(made))
            fresh.rename(kept)
    return json.loads(kept.read_text())


@pytest.fixture(scope="session")
def life(recordings):
    return Wire(recordings["life"])


@pytest.fixture(scope="session")
def walk(recordings):
    return Wire(recordings["walk"])


@pytest.fixture(scope="session", params=["life", "walk"])
def wire(request):
    """Each recording in turn: what holds for all messages holds for both."""
    return request.getfixturevalue(request.param)
