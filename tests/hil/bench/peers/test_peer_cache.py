import shutil
import subprocess
import sys

import pytest

from quartier_bench.peers.peer_cache import CLIENT_PACKAGES, PARSER_PACKAGES, MissingPeerError, PeerCache


@pytest.fixture
def cache(tmp_path):
    return PeerCache(tmp_path / "peers", lambda _: None)


def test_a_program_that_is_not_there_is_named_with_the_package_that_brings_it(cache):
    with pytest.raises(MissingPeerError, match="apt-get install nowhere"):
        cache.program("no-such-program-at-all", "nowhere")


@pytest.mark.peer
@pytest.mark.parametrize("name", ["registers", "listener"])
def test_a_peer_in_c_is_compiled_once_and_again_when_its_source_is_newer(cache, name):
    made = cache.compile_source(name)

    assert made == cache.compile_source(name)
    assert [] == [path for path in cache.folder.iterdir() if path.name != name]


def test_an_installation_that_was_not_finished_is_done_again(cache, monkeypatch):
    folder = cache.folder / "nodered-4.1.15-5.45.2"
    folder.mkdir(parents=True)
    (folder / "half").touch()
    failed = subprocess.CompletedProcess([], 1, "v20.0.0", "no network")
    monkeypatch.setattr(cache, "program", lambda name, _: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(MissingPeerError, match="npm could not install Node-RED: no network"):
        cache.node_red()

    assert not (folder / "half").exists()
    assert not (folder / ".done").exists()


def test_a_package_that_cannot_be_installed_is_named_with_what_pip_said(cache, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "no matching distribution")
    made = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(subprocess, "run", lambda argv, **_: failed if "pip" in argv else made)

    with pytest.raises(MissingPeerError, match="pip could not install smllib: no matching distribution"):
        cache.parser("smllib")


def test_a_module_that_cannot_be_installed_is_named_with_what_npm_said(cache, monkeypatch):
    monkeypatch.setattr(cache, "program", lambda name, _: f"/bin/{name}")
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(MissingPeerError, match="npm could not install node-bacnet: no network"):
        cache.module("node-bacnet")


def test_every_peer_from_elsewhere_is_fetched_and_one_that_cannot_be_had_ends_nothing(cache, monkeypatch):
    made = subprocess.CompletedProcess([], 0, "v20.0.0", "")
    failed = subprocess.CompletedProcess([], 1, "", "no matching distribution")
    monkeypatch.setattr(cache, "program", lambda name, _: f"/bin/{name}")
    monkeypatch.setattr(cache, "_interpreter", lambda _: sys.executable)
    monkeypatch.setattr(subprocess, "run", lambda argv, **_: failed if "smllib==1.7" in argv else made)

    assert {"smllib": "pip could not install smllib: no matching distribution"} == cache.fetch()
    done = sorted(path.parent.name.rpartition("-")[0] for path in cache.folder.glob("*/.done"))
    named = {"node-bacnet", "nodered-4.1.15", "thingsboard", *CLIENT_PACKAGES, *PARSER_PACKAGES} - {"smllib"}
    assert sorted(named) == done


def test_a_node_too_old_for_node_red_is_said_aloud(cache, monkeypatch):
    monkeypatch.setattr(cache, "program", lambda name, _: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "v12.3.0\n"))

    with pytest.raises(MissingPeerError, match="needs Node.js 18 or newer, this is v12.3.0"):
        cache.node_red()


def test_a_package_that_needs_a_newer_python_gets_one_or_says_so(cache, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    monkeypatch.setattr(shutil, "which", {"python3.13": "/bin/python3.13"}.get)

    assert ("/bin/python3.13", sys.executable) == (
        cache._interpreter("pyteleinfo"),
        cache._interpreter("kylin"),
    )
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingPeerError, match="pyteleinfo needs Python 3.12 or newer"):
        cache.parser("pyteleinfo")


def test_a_package_stays_with_a_python_that_is_new_enough(cache, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))

    assert sys.executable == cache._interpreter("pyteleinfo")


def test_a_library_that_is_not_there_is_named_with_the_package_that_brings_it(cache):
    with pytest.raises(MissingPeerError, match="apt-get install libmissing-dev"):
        cache.compile_source("registers", "no-such-library", "libmissing-dev")


@pytest.mark.peer
def test_the_opc_ua_server_is_compiled_without_a_warning(cache):
    assert cache.open62541().endswith("opcua")
