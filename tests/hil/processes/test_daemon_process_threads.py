"""A thread of a real process hangs or is gone, and the others go on."""

import os
import subprocess
import sys

import pytest

from quartier_hil.processes.daemon_process import HeldThread, ThreadNotHeldError, find_thread

WORKS = """
import ctypes, os, queue, sys, threading

jobs = queue.SimpleQueue()

def serve():
    ctypes.CDLL(None).prctl(15, b"worker")
    while True:
        say("worker", jobs.get())

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())  # a line at once, whoever else writes

threading.Thread(target=serve, daemon=True).start()
for line in sys.stdin:
    jobs.put(line.strip())
    say("main", line.strip())
"""


class _Process:
    """Its main thread repeats what it is told, its worker too."""

    def __init__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", WORKS], **pipes)
        self.pid = self.process.pid

    def say(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def heard(self, count):
        return {self.process.stdout.readline().strip() for _ in range(count)}


@pytest.fixture
def process():
    found = _Process()
    with found.process:
        try:
            found.say("first")
            assert {"main first", "worker first"} == found.heard(2)
            yield found
        finally:
            found.process.kill()


def test_a_thread_that_is_held_does_nothing_until_it_is_let_go_and_the_others_go_on(process):
    held = HeldThread(process.pid, "worker")
    process.say("one")
    process.say("two")

    assert {"main one", "main two"} == process.heard(2)
    held.release_thread()
    assert {"worker one", "worker two"} == process.heard(2)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="registers of x86-64")
def test_a_thread_that_is_ended_is_gone_and_its_process_lives(process):
    HeldThread(process.pid, "worker").end()
    process.say("one")

    assert {"main one"} == process.heard(1)
    with pytest.raises(ThreadNotHeldError, match="has no thread worker"):
        find_thread(process.pid, "worker")
    process.process.stdin.close()
    assert {""} == process.heard(1)
    assert 0 == process.process.wait(60)


def test_a_process_that_ends_takes_its_held_thread_along(process):
    held = HeldThread(process.pid, "worker")
    process.process.kill()
    held.release_thread()

    assert -9 == process.process.wait(60)


def test_who_has_no_such_thread_is_told(process):
    with pytest.raises(ThreadNotHeldError, match=f"process {process.pid} has no thread nobody"):
        HeldThread(process.pid, "nobody")
