"""Disks that are filled, or die, under a process that knows nothing of it."""

import asyncio
import errno
import sys
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest

from quartier_hil.drill import namespaces

# Says what became of each of its writes, one a line it is told.
WRITER = """
import os, sys
for line in sys.stdin:
    try:
        with open(os.path.join(sys.argv[1], "facts"), "ab", buffering=0) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
        print(0, flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


class Run:
    """A process with a state directory, on the ground that it is given."""

    def __init__(self, folder):
        state = folder / "state"
        state.mkdir()
        child = SimpleNamespace(argv=[sys.executable, "-c", WRITER, str(state)], pid=None)
        self.daemon = SimpleNamespace(state_dir=state, child=child)

    async def start(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self.daemon.child.argv, stdin=pipe, stdout=pipe)
        self.daemon.child.pid = self.process.pid

    async def write(self):
        self.process.stdin.write(b"\n")
        return int(await asyncio.wait_for(self.process.stdout.readline(), 60))

    async def stop(self):
        self.process.stdin.close()
        await self.process.wait()


@pytest.mark.skipif(
    bool(namespaces.explain_no_small_disk()), reason=namespaces.explain_no_small_disk() or "can be had"
)
async def test_a_full_disk_refuses_until_there_is_room_and_nobody_else_sees_it(tmp_path):
    run = Run(tmp_path)
    async with AsyncExitStack() as stack:
        await namespaces.use_small_disk(run, tmp_path, stack)
        await run.start()
        stack.push_async_callback(run.stop)
        first = await run.write()
        await namespaces.fill_disk(run)
        full = await run.write()
        await namespaces.free_disk(run)

        assert (0, errno.ENOSPC, 0) == (first, full, await run.write())
        assert [] == list(run.daemon.state_dir.iterdir())


@pytest.mark.skipif(
    bool(namespaces.explain_no_failing_disk()), reason=namespaces.explain_no_failing_disk() or "can be had"
)
async def test_a_dead_disk_stays_dead(tmp_path):
    run = Run(tmp_path)
    async with AsyncExitStack() as stack:
        await namespaces.use_failing_disk(run, tmp_path, stack)
        await run.start()
        stack.push_async_callback(run.stop)
        first = await run.write()
        await namespaces.fail_disk(run)
        dead = await run.write()

        assert 0 == first
        assert dead in (errno.EIO, errno.EROFS)
        await namespaces.require_failed_disk(run)
