"""Chains of killed starts with a strict district: nothing is lost in silence, and every gap record is true.

A district that is strict acknowledges nothing beyond a hole: a stream goes on behind a missing sample once a gap record
names it, and to the next boot once it knows which one was before it (``store.boot_opened``) and that one is closed
(``store.boot_closed``, or a record of its unknown end).
Some forty kills in ``make test``, a thousand of each seed in ``make test-deep``.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.gateway.store.killed import DIES, DIES_HALFWAY, Plan

from quartier.store.gap_records import subtract_spans

HERE = Path(__file__).parent
IS_DEEP = settings.get_current_profile_name() == "deep"
KILLS, CHAIN_MAX = (1000, 50) if IS_DEEP else (40, 20)
SEEDS = (1, 2) if IS_DEEP else (1,)
WRITE, SYNC, OPEN, RENAME = 1, 2, 4, 8
EMFILE, ENOSPC = 24, 28
CALLS_MAX = 300
LAST_STEPS = 400
POINTS = ("sampled", "committed", "sent", "heard", "kept", "trimmed")
Key = tuple[str, int]


@dataclass
class Told:
    """One gap record as the district heard it, and in which life it was told."""

    data: dict[str, Any]
    life: int
    reporter: int

    @property
    def is_end(self) -> bool:
        return not self.data["last"]

    @property
    def span(self) -> tuple[int, int]:
        return self.data["first"], self.data["last"]

    def names_end(self, stream: str, seq: int) -> bool:
        return seq >= self.data["firsts"].get(stream, 1)

    def names(self, stream: str, seq: int) -> bool:
        return self.names_end(stream, seq) if self.is_end else self.span[0] <= seq <= self.span[1]


@dataclass
class District:
    """What one strict host holds of a chain of lives."""

    held: dict[Key, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))  # sequence: last life
    told: dict[tuple[int, int], Told] = field(default_factory=dict)  # by the key of its event
    closed: dict[int, dict[str, int]] = field(default_factory=dict)
    opened: dict[int, int] = field(default_factory=dict)

    def take(self, life: int, sent: list[list[Any]]) -> None:
        for stream, boot, first, count, text in sent:
            self.held[stream, boot].update(dict.fromkeys(range(first, first + count), life))
            if text is None:
                continue
            code, data = text
            if code == "store.gap":
                self.told.setdefault((boot, first), Told(data, self._life_of(boot, life), boot))
            elif code == "store.boot_closed":
                self.closed[data["boot"]] = data["lasts"]
            elif code == "store.boot_opened":
                self.opened[data["boot"]] = data["after"]

    def _life_of(self, boot: int, life: int) -> int:
        """The first life that sent anything of this boot: whose boot it is, or an earlier one's that was killed."""
        lives = [min(seqs.values()) for (_, of), seqs in self.held.items() if of == boot]
        return min([life, *lives])

    def reach(self, stream: str, boot: int) -> int:
        """Up to where nothing is missing of a stream of a boot, but what gap records name."""
        spans = [(seq, seq) for seq in self.held.get((stream, boot), {})]
        spans += [
            t.span
            for t in self.told.values()
            if not t.is_end and (t.data["stream"], t.data["boot"]) == (stream, boot)
        ]
        left = subtract_spans((1, 2**62), spans)
        return left[0][0] - 1

    def is_closed(self, stream: str, boot: int, reached: int) -> bool:
        if boot in self.closed and reached >= self.closed[boot].get(stream, 0):
            return True
        return any(
            told.data["boot"] == boot and told.names_end(stream, reached + 1)
            for told in self.told.values()
            if told.is_end
        )

    def watermark(self) -> dict[str, dict[str, int]]:
        """Per stream how far all is here; a boot counts once it is known which one was before it."""
        ended = {told.data["boot"] for told in self.told.values() if told.is_end}
        boots = {boot for _, boot in self.held} | self.closed.keys() | ended | set(self.opened.values())
        marks = {}
        for stream in {stream for stream, _ in self.held}:
            for boot in sorted(boots - {0}):
                if boot not in self.opened and boot not in ended | self.closed.keys():
                    break
                reached = self.reach(stream, boot)
                if reached:
                    marks[stream] = {"boot": boot, "seq": reached}
                if not self.is_closed(stream, boot, reached):
                    break
        return marks


@dataclass
class Chain:
    """Lives of one gateway, one after the other, and what is known of them."""

    folder: Path
    dice: random.Random
    district: District = field(default_factory=District)
    numbered: dict[Key, int] = field(default_factory=dict)
    life_of: dict[int, int] = field(default_factory=dict)
    clean: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)  # journals of these boots were damaged while they counted
    emptied: set[int] = field(default_factory=set)  # ... and all of them were removed
    forgetful: set[int] = field(default_factory=set)  # ... while no disk took what they told
    open_boots: set[int] = field(default_factory=set)
    life: int = 0
    second: int = 0
    is_poor: bool = False
    kills: int = 0
    size_max_bytes: int = 512_000_000
    file_bytes: int = 128 * 1024

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir(parents=True)
        if self.dice.random() < 0.3:
            self.size_max_bytes = 60_000
        if self.dice.random() < 0.5:
            self.file_bytes = 2_000

    # One life

    @property
    def base(self) -> dict[str, Any]:
        """What all plans of the chain have."""
        return {
            "folder": str(self.folder),
            "second": self.second,
            "size_max_bytes": self.size_max_bytes,
            "file_bytes": self.file_bytes,
        }

    def draw(self) -> Plan:
        dice = self.dice
        steps = dice.choice([0, 1, 3, dice.randrange(40)])
        plan = self.base | {"seed": dice.randrange(1 << 30), "steps": steps}
        plan["link"] = dice.choice(["up", "up", "down"])
        way = dice.random()
        if way < 0.5:
            kinds = dice.choice([WRITE, SYNC, OPEN, RENAME, 15])
            error = dice.choice([DIES, DIES, DIES_HALFWAY])
            plan |= {"call": (kinds, round(CALLS_MAX ** dice.random()), error, False), "steps": 40}
        elif way < 0.8:
            plan["point"] = (dice.randrange(max(1, steps)), dice.choice(POINTS))
        elif way < 0.9:
            steps = dice.randrange(60)
            heals = dice.choice([None, dice.randrange(30)])
            call = dice.choice([(WRITE | SYNC | RENAME, ENOSPC), (OPEN, EMFILE)])
            plan |= {"call": (call[0], dice.randrange(1, 40), call[1], True), "heals": heals}
            plan |= {"point": (steps, "committed"), "steps": steps + 1}
        return Plan(**plan)

    def number(self, found: dict[str, Any]) -> None:
        for stream, (boot, seq) in found.get("heads", {}).items():
            self.numbered[stream, boot] = max(seq, self.numbered.get((stream, boot), 0))
        if "boot" in found:
            self.life_of[found["boot"]] = self.life
            self.open_boots.add(found["boot"])
        if found.get("settled") and self.open_boots:
            self.open_boots = {max(self.open_boots)}
            self.is_poor = False

    def live(self, server: "Server", plan: Plan) -> None:
        self.life += 1
        self.is_poor |= plan.call is not None and plan.call[2] > 0
        is_last = plan.steps >= LAST_STEPS
        deaf = not is_last and self.dice.random() < 0.3
        hard = plan.call is None and plan.point is None and not is_last
        for found in server.run(plan, self.dice.uniform(0, 0.15) if hard else None):
            self.number(found)
            deaf ^= not is_last and self.dice.random() < 0.05
            if not deaf:
                self.district.take(self.life, found.get("sent", ()))
            if "turn" in found:
                self.second += 1
                server.say(self.answer(plan))
            if found.get("ended"):
                self.clean |= self.open_boots
                self.open_boots = set()
            if "dead" in found:
                assert found["dead"] in {0, -9}, "the life ended by a fault of its own"
                self.kills += found["dead"] == -9
        self.second += 2

    def answer(self, plan: Plan) -> dict[str, Any]:
        if plan.steps >= LAST_STEPS:
            is_done = not self.silent() and not self.stuck()
            return {"watermark": self.district.watermark(), "link": "end" if is_done else "up"}
        dice = self.dice
        link = "again" if dice.random() < 0.05 else plan.link
        return {"watermark": self.district.watermark() if dice.random() < 0.3 else None, "link": link}

    # Between two lives

    def tamper(self) -> None:
        """Damage journals, as someone or something may while nobody runs."""
        files = sorted((self.folder / "run" / "journal").glob("*.journal"))
        boots = Counter(boot_of(path) for path in files)
        way = self.dice.random()
        if self.is_poor:  # of a boot that no disk took, the journal alone can tell that it was
            files = [path for path in files if boots[boot_of(path)] > 1]
            way = max(way, 0.35)
        if not files or way > 0.6:
            return
        if way < 0.35:
            shutil.rmtree(files[0].parent)
            self.emptied |= self.open_boots
        elif way < 0.45:
            self.dice.choice(files).unlink()
        else:
            path = self.dice.choice(files)
            content = path.read_bytes()
            # Cut between two frames it would be one that was killed earlier, between two pages one within a write.
            torn = content[: self.dice.randrange(len(content) + 1)] + b"\xff"
            path.write_bytes(torn + b"\xff" * (len(torn) % 4096 == 0))
        self.forgetful |= self.open_boots if self.is_poor else set()
        # A boot that was killed before it could say a word leaves an empty journal: its end is as unknown.
        self.touched |= self.open_boots | boots.keys()

    # The verdict

    def silent(self) -> list[tuple[str, int, int]]:
        """Samples that were numbered, did not arrive, and that no record names."""
        lost = []
        ends = [told for told in self.district.told.values() if told.is_end]
        for (stream, boot), last in self.numbered.items():
            held = self.district.held.get((stream, boot), {})
            spans = [
                told.span
                for told in self.district.told.values()
                if not told.is_end and (told.data["stream"], told.data["boot"]) == (stream, boot)
            ]
            of_boot = [told for told in ends if told.data["boot"] == boot]
            for first, end in subtract_spans((1, last), [*spans, *((seq, seq) for seq in held)]):
                seqs = [
                    seq for seq in range(first, end + 1) if not any(t.names_end(stream, seq) for t in of_boot)
                ]
                lost += [(stream, boot, seq) for seq in seqs]
        return lost

    def false(self) -> list[str]:
        """Records that are not true, or were told before."""
        found = []
        seen: dict[Key, list[tuple[int, int]]] = defaultdict(list)
        ended: Counter[int] = Counter()
        for told in self.district.told.values():
            data = told.data
            key = data["stream"], data["boot"]
            if data["boot"] not in self.touched and data["why"] != "evicted":
                found.append(f"{key}: {told.span} missing, and its journal was whole")
            if told.is_end:
                ended[data["boot"]] += told.reporter not in self.forgetful
            elif subtract_spans(told.span, seen[key]) != [told.span]:
                found.append(f"{key}: {told.span} was told before")
            elif told.reporter not in self.forgetful:
                seen[key].append(told.span)
            found += self.sent_later(told)
        return found + [
            f"the end of {boot} was told {count} times" for boot, count in ended.items() if count > 1
        ]

    def sent_later(self, told: Told) -> list[str]:
        """Samples that a record says are missing, and that this life or a later one sent."""
        found = []
        for (stream, boot), held in self.district.held.items():
            if boot == told.data["boot"] and told.data["stream"] in {stream, "*"}:
                late = [seq for seq, life in held.items() if life >= told.life and told.names(stream, seq)]
                found += [
                    f"{stream}/{boot}: {late[:5]} told as missing by life {told.life}, and sent"
                ] * bool(late)
        return found

    def stuck(self) -> dict[str, Any]:
        """Streams of which the district still waits for something that will not come."""
        marks, boot = self.district.watermark(), max(self.life_of)
        newest = {stream: seq for (stream, of), seq in self.numbered.items() if of == boot}
        return {
            stream: (marks.get(stream), seq)
            for stream, seq in newest.items()
            if marks.get(stream) != {"boot": boot, "seq": seq}
        }

    def unreported(self) -> list[int]:
        """Boots whose end nobody knows, and of which no record says so."""
        ended = {told.data["boot"] for told in self.district.told.values() if told.is_end}
        known = {boot for _, boot in self.numbered}
        return sorted((self.emptied & known) - self.clean - ended - set(self.district.closed))


def boot_of(path: Path) -> int:
    return int(path.name.partition("-")[0])


class Server:
    """The process that forks the lives."""

    def __init__(self, library: Path) -> None:
        environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "killed.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def say(self, found: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(found).encode() + b"\n")
            self._process.stdin.flush()

    def run(self, plan: Plan, kill_after_s: float | None) -> Iterator[dict[str, Any]]:
        """What a life says, up to its death; killed from outside after a while, if asked for."""
        assert self._process.stdout is not None
        self.say(asdict(plan))
        timer = None
        for line in iter(self._process.stdout.readline, b""):
            try:
                found = json.loads(line)
            except ValueError:  # killed within a line
                continue
            if "pid" in found and kill_after_s is not None:
                timer = threading.Timer(kill_after_s, kill, [found["pid"]])
                timer.start()
            if "dead" in found and timer is not None:
                timer.cancel()
                timer.join()
            yield found
            if "dead" in found:
                return
        raise AssertionError("the server of lives is gone")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, 9)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    made = folder / "faults.so"
    command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(HERE / "faults.c")]
    subprocess.run([*command, "-ldl"], check=True)
    server = Server(made)
    try:
        yield server
    finally:
        server.close()


def run_chain(server: Server, folder: Path, seed: str, length: int) -> Chain:
    """Lives until so many kills, then one that delivers all that is left."""
    chain = Chain(folder, random.Random(seed))
    while chain.kills < length:
        chain.live(server, chain.draw())
        chain.tamper()
    chain.live(server, Plan(**chain.base, seed=1, steps=LAST_STEPS))
    return chain


@pytest.mark.parametrize("seed", SEEDS)
def test_in_chains_of_kills_nothing_is_lost_in_silence_and_no_gap_record_is_false(
    tmp_path: Path, seed: int
) -> None:
    figures: dict[str, int] = defaultdict(int)
    number = 0
    with serving(tmp_path) as server:
        while figures["kills"] < KILLS:
            number += 1
            name = f"{seed}.{number}"
            length = min(random.Random(name).randrange(1, CHAIN_MAX + 1), KILLS - figures["kills"])
            folder = tmp_path / name
            chain = run_chain(server, folder, name, length)
            verdict = {"silent": chain.silent(), "false": chain.false(), "unreported": chain.unreported()}
            assert {"silent": [], "false": [], "unreported": []} == verdict, (
                f"chain {name}, {length} kills: {folder}"
            )
            figures["kills"] += chain.kills
            figures["samples"] += sum(chain.numbered.values())
            figures["records"] += len(chain.district.told)
            shutil.rmtree(folder)
    sys.stdout.write(f"seed {seed}: {dict(figures)}\n")  # pytest -s shows it
