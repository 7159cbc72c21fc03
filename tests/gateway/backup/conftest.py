"""Fixtures of the tests of a restore: an old machine, its backup, and a new machine."""

import pytest
from tests.gateway.backup.machines import NOW_MS, SITE, live, machine

from quartier.backup import packing
from quartier.runtime import state_file


@pytest.fixture
def old(tmp_path):
    found = machine(tmp_path / "old")
    found.config.write_text(SITE)
    (found.config.parent / "private").mkdir(mode=0o700)
    key = found.config.parent / "private" / "b012.key"
    key.write_text("a private key")
    key.chmod(0o600)
    state_file.save_facts(found.state_dir / "documents", {"topic": [["opt1", 5, "digest"]]}, twice=True)
    state_file.save_facts(found.state_dir / "writes", {"bat1.setpoint_w": 17})
    live(found, NOW_MS - 86_400_000)
    return found


@pytest.fixture
def file(old, tmp_path):
    packing.write_backup(old, tmp_path / "b012.qbk", NOW_MS - 3_600_000, "0.1.0")
    return tmp_path / "b012.qbk"


@pytest.fixture
def new(tmp_path):
    return machine(tmp_path / "new")
