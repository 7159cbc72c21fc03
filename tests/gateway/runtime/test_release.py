import errno
import fcntl
import os
import subprocess
import sys

import pytest

from quartier.runtime import release
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

VIRTUAL_TIME = True


def wire(port, bus="lan", writes=None):
    # Function 5: coil 0 off, as the relay board's driver encodes it.
    default = [{"point": "boiler.relay_on", "unit": 3, "function": 5, "address": 0, "values": [0]}]
    section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": port, "timeout_s": 0.2, "retries_count": 0}
    return release.BusRelease(bus, section, default if writes is None else writes)


def test_a_second_daemon_is_refused_and_told_who_holds_the_lock(tmp_path):
    with (
        release.take_lock(tmp_path),
        pytest.raises(release.DaemonLocked, match=f"held by process {os.getpid()}"),
    ):
        release.take_lock(tmp_path)


def test_the_lock_is_free_again_when_its_holder_is_gone(tmp_path):
    release.take_lock(tmp_path).close()
    release.take_lock(tmp_path).close()


def test_one_state_folder_serves_one_daemon_and_stays_as_it_was(tmp_path):
    state = tmp_path / "state"
    for folder in ("run", "run2", "state"):
        (tmp_path / folder).mkdir()
    with release.take_locks(tmp_path / "run", state):
        with pytest.raises(release.StateFolderLocked, match=f"{state} is in use"):
            release.take_locks(tmp_path / "run2", state)
        release.take_lock(tmp_path / "run2").close()

    release.take_locks(tmp_path / "run2", state).close()
    assert [] == list(state.iterdir())


def test_a_program_that_the_daemon_started_keeps_neither_lock(tmp_path):
    with release.take_locks(tmp_path, tmp_path):
        waits = [sys.executable, "-c", "print('up', flush=True); input()"]
        child = subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
        # Popen may return a moment before the kernel has closed what is closed on exec.
        assert b"up\n" == child.stdout.readline()
    with child:
        release.take_locks(tmp_path, tmp_path).close()
        child.communicate(b"\n")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_file_system_without_locks_is_no_reason_not_to_run(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    release.take_state_lock(tmp_path).close()
    release.take_state_lock(tmp_path / "gone").close()


def test_the_table_comes_back_as_it_was_saved(tmp_path):
    table = [wire(502), wire(503, bus="rs485", writes=[])]
    release.save_release(tmp_path, table)

    assert table == release.load_release(tmp_path)


def test_no_table_is_an_empty_one(tmp_path):
    assert release.load_release(tmp_path) == []


DAMAGE = {
    "gone": lambda _: None,
    "empty": lambda _: b"",
    "cut": lambda sound: sound[: len(sound) // 2],
    "zeroed": lambda sound: bytes(len(sound)),
    "another address": lambda sound: sound.replace(b'"address": 0', b'"address": 7'),
    "rubbish": lambda _: b"\xff\xfe{[",
}


def hurt(path, how):
    content = DAMAGE[how](path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", [release.RELEASE_FILE, release.RELEASE_COPY])
def test_one_damaged_copy_of_the_table_costs_nothing_and_shows(tmp_path, name, how):
    release.save_release(tmp_path, [wire(502)])
    before = release.find_stamps(tmp_path)
    hurt(tmp_path / name, how)
    said = []

    assert [wire(502)] == release.load_release(tmp_path, said.append)
    assert (name == release.RELEASE_FILE and how != "gone") == bool(said)
    assert before != release.find_stamps(tmp_path)


@pytest.mark.parametrize("how", [how for how in DAMAGE if how != "gone"])
def test_a_table_damaged_in_both_copies_is_said_and_nothing_of_it_believed(tmp_path, how):
    release.save_release(tmp_path, [wire(502)])
    for name in (release.RELEASE_FILE, release.RELEASE_COPY):
        hurt(tmp_path / name, how)
    with pytest.raises(ValueError, match="damaged"):
        release.load_release(tmp_path)


async def test_a_bus_that_is_gone_costs_the_others_nothing(unused_tcp_port_factory):
    board = catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(board) as endpoint:
        gone = wire(unused_tcp_port_factory(), bus="gone")
        failures = await release.write_releases([gone, wire(endpoint.port)])

    assert not failures["lan"]
    assert "boiler.relay_on" in failures["gone"][0]


async def test_a_bus_without_outputs_needs_no_wire():
    assert {"lan": ()} == await release.write_releases([wire(1, writes=[])])


async def test_a_part_of_the_table_that_another_version_wrote_costs_the_others_nothing():
    board = catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(board) as endpoint:
        newer = wire(endpoint.port, bus="newer")
        newer = release.BusRelease("newer", {**newer.section, "key_of_tomorrow": 1}, newer.writes)
        failures = await release.write_releases(
            [newer, release.BusRelease("odd", {}, newer.writes), wire(endpoint.port)]
        )

    assert {"newer": True, "odd": True, "lan": False} == {bus: bool(said) for bus, said in failures.items()}
    assert 1 == board.writes_count


async def test_silent_units_do_not_use_up_the_time_of_those_that_answer():
    board = catalog.make_device("waveshare/relay8", unit=3)
    dead = [
        {"point": f"dead{unit}.relay_on", "unit": unit, "function": 5, "address": address, "values": [0]}
        for unit in (7, 8)
        for address in range(8)
    ]
    async with await serve_tcp(board) as endpoint:
        (live,) = wire(endpoint.port).writes
        section = {**wire(endpoint.port).section, "timeout_s": 1.0}
        failures = await release.write_releases([release.BusRelease("lan", section, [*dead, live])])

    assert "not finished within 4 s" in failures["lan"]
    assert 1 == board.writes_count
