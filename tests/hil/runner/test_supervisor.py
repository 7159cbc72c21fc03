import signal

import pytest

from quartier_hil.checks.verdicts import ReleaseResult
from quartier_hil.runner.supervisor import RigError
from quartier_hil.scenario.events import DaemonFreeze, DaemonStop

SLEEPS = ["sh", "-c", "echo the last words >&2; exec sleep 60"]


@pytest.fixture
async def run(prepared):
    """A run whose daemon is a process that only sleeps."""
    prepared.daemon.child.argv = SLEEPS
    prepared.daemon.site_file.write_text("")
    yield prepared
    await prepared.daemon.child.stop(signal.SIGKILL)


async def test_a_daemon_that_is_gone_is_told_with_the_end_of_its_log(run):
    await run.daemon.start()
    await run.daemon.kill()

    with pytest.raises(RigError, match="the daemon does not answer"):
        await run.supervisor.ready()


async def test_a_killed_daemon_is_released_only_where_somebody_is_left_to_do_it(run, monkeypatch):
    async def ready():
        """It answers."""

    monkeypatch.setattr(run.supervisor, "ready", ready)
    await run.daemon.start()
    for release, expected in ((False, 0), (True, 1)):
        await run.supervisor.perform_event(DaemonStop(at_s=0, do="kill", down_s=0, release=release))

        assert expected == len(run.releases)
        assert run.daemon.child.alive
    assert isinstance(run.releases[0], ReleaseResult)
    assert "kill -9, and nothing releases" == run.record.marks[1].text
    assert 2 == len(run.downs)


async def test_a_frozen_daemon_is_the_same_process_afterwards(run):
    await run.daemon.start()
    before = run.daemon.child.pid
    await run.supervisor.perform_event(DaemonFreeze(at_s=0, do="freeze", for_s=0.01))

    assert before == run.daemon.child.pid
    assert ["the daemon is frozen", "the daemon goes on"] == [mark.text for mark in run.record.marks[1:]]


async def test_a_daemon_that_ended_by_itself_is_remembered_with_its_exit_code(run, monkeypatch):
    async def ready():
        """It answers."""

    monkeypatch.setattr(run.supervisor, "ready", ready)
    monkeypatch.setattr(run.clock.__class__, "real_s", lambda *_: 0.0)
    run.daemon.child.argv = ["sh", "-c", "exit 70"]
    await run.daemon.start()
    await run.daemon.child.process.wait()
    await run.supervisor.restart_after_exit()

    assert [70] == [code for _, code in run.crashes]


async def test_after_a_blackout_the_daemon_is_started_on_another_boot_and_nobody_released(run, monkeypatch):
    async def ready():
        """It answers."""

    monkeypatch.setattr(run.supervisor, "ready", ready)
    await run.daemon.start()
    await run.supervisor.blackout(0.0)

    assert (2, [], True) == (run.daemon.boots_count, run.releases, run.daemon.child.alive)
